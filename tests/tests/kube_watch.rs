//! The Kubernetes connector against a real API server: the world is what the server lists, whatever happens between.

#[path = "kube_support.rs"]
mod kube_support;

use acceptance::{ControlPlane, GpuNodes, GpuPods, Options, Result};
use kube_support::{LIMIT, Settings, Watched};

#[tokio::test]
async fn pods_that_come_and_go_are_seen_as_listed() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("come", 3, 8), LIMIT).await?;
    plane.add_gpu_deployment(&GpuPods::new("default", "before", 4, 2)).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    watched.until_well().await?;
    let api = plane.api()?;
    watched.until_as_listed(&api).await?;

    plane.add_gpu_deployment(&GpuPods::new("default", "after", 4, 2)).await?;
    plane.wait_running(&GpuPods::new("default", "after", 4, 2), LIMIT).await?;
    watched.until_as_listed(&api).await?;

    api.delete("/apis/apps/v1/namespaces/default/deployments/before").await?;
    watched.until("the deleted pods are gone", |source| (source.pods.len() == 4).then_some(())).await?;
    watched.until_as_listed(&api).await?;
    assert_eq!(watched.words().last(), Some(&"Well"));
    Ok(())
}
