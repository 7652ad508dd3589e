//! The story that every door with a picture has to tell: a fleet is seen, a pod takes its GPUs, the server goes and
//! comes back. One text for the window and the browser: a person sees the same in both.

use crate::failure::Result;
use crate::page::Page;
use crate::{ControlPlane, GpuNodes, GpuPods};
use std::time::Duration;
use thirtyfour::Key;

/// How long the cluster may take to do its part.
const LIMIT: Duration = Duration::from_secs(120);

/// The names in the story.
pub struct Story {
    /// Id of the connection.
    pub connection: &'static str,
    /// Pool of three 8-GPU nodes.
    pub pool: &'static str,
}

impl Story {
    /// Makes the nodes of the story.
    ///
    /// # Errors
    /// If the cluster refuses.
    pub async fn prepare(&self, plane: &ControlPlane) -> Result<()> {
        plane.add_gpu_nodes(&GpuNodes::new(self.pool, 3, 8), LIMIT).await
    }

    /// The fleet is there, live, and is no demo.
    ///
    /// # Errors
    /// If a person would not see that.
    pub async fn the_fleet_is_live(&self, page: &Page) -> Result<()> {
        page.press("rail-fleet").await?;
        page.find_by(&format!("[data-test='chip-{}'][data-state='live']", self.connection)).await?;
        page.reads_as("[data-test='funnel']", |text| text.contains("24"), "counts 24 GPUs").await?;
        page.gone("[data-test='demo']").await?;
        page.press("tab-nodes").await?;
        page.find_by(&format!("[data-test='row'][data-key='node:{}/{}-0000']", self.connection, self.pool)).await?;
        Ok(())
    }

    /// A pod arrives and takes its GPUs; it is found by a filter, opened in the inspector, and its YAML can be read.
    ///
    /// # Errors
    /// If a person would not see that.
    pub async fn a_pod_takes_its_gpus(&self, page: &Page, plane: &ControlPlane) -> Result<()> {
        let namespace = plane.namespace("serving").await?;
        let pods = GpuPods::new(&namespace, "chat", 1, 5).on(self.pool);
        plane.add_gpu_pods(&pods).await?;
        plane.wait_running(&pods, LIMIT).await?;
        page.press("tab-pods").await?;
        page.fill("table-filter", "gpus>=5").await?;
        let row = format!("[data-test='row'][data-key='pod:{}/{namespace}/chat-0']", self.connection);
        page.reads_as(&row, |text| text.contains("Running"), "is Running").await?;
        page.reads_as("[data-test='table-count']", |text| text.starts_with("1 of"), "counts one pod").await?;
        page.press_by(&row).await?;
        page.reads_as("[data-test='inspector']", |text| text.contains("chat-0"), "names the pod").await?;
        page.reads_as("[data-test='inspector']", |text| text.contains("5 × nvidia.com/gpu"), "says what it holds")
            .await?;
        page.press("inspector-yaml").await?;
        page.reads_as("[data-test='inspector-yaml-text']", |text| text.contains("kind: Pod"), "shows the YAML").await?;
        page.key(Key::Escape).await?;
        page.gone("[data-test='inspector-yaml-text']").await?;
        page.press("tab-nodes").await?;
        page.fill("table-filter", "held>=5").await?;
        page.reads_as("[data-test='table-count']", |text| text.starts_with("1 of"), "counts one node").await?;
        page.fill("table-filter", "").await
    }

    /// The server goes: the page says so and keeps what it had. It comes back: the page is live again.
    ///
    /// # Errors
    /// If a person would not see that.
    pub async fn the_server_goes_and_comes_back(&self, page: &Page, plane: &mut ControlPlane) -> Result<()> {
        plane.stop_apiserver();
        page.find_by(&format!("[data-test='chip-{}'][data-state='lost']", self.connection)).await?;
        page.press("rail-connections").await?;
        page.reads_as("[data-test='connection-card']", |text| text.contains("refused"), "says why").await?;
        page.press("rail-fleet").await?;
        page.reads_as("[data-test='funnel']", |text| text.contains("24"), "keeps what was known").await?;
        plane.start_apiserver().await?;
        page.find_by(&format!("[data-test='chip-{}'][data-state='live']", self.connection)).await?;
        Ok(())
    }
}
