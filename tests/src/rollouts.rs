//! The real controller of Argo Rollouts beside a control plane, and its plugin for kubectl: a peer to compare with.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::api::plain;
use crate::cache;
use crate::control_plane::ControlPlane;
use crate::failure::{Context, Failure, Result};
use crate::ports;
use crate::process::{Den, Process};
use crate::wait::until;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The folder of `tests/servers`.
const SERVER: &str = "rollouts";
const NAME: &str = "rollouts-controller";
/// The custom resources, in files beside the controller.
const DEFINITIONS: &[(&str, &str)] = &[
    ("rollout-crd.yaml", "rollouts"),
    ("analysis-run-crd.yaml", "analysisruns"),
    ("analysis-template-crd.yaml", "analysistemplates"),
    ("cluster-analysis-template-crd.yaml", "clusteranalysistemplates"),
    ("experiment-crd.yaml", "experiments"),
];

/// The controller. It ends when this is dropped, and also when the process of the test ends in any other way.
pub struct Rollouts<'a> {
    plane: &'a ControlPlane,
    process: Option<Process>,
    den: Arc<Den>,
}

/// What `kubectl argo rollouts get rollout` says of one, by the labels of its lines: `Status`, `Step`, `SetWeight`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said(BTreeMap<String, String>);

/// A Rollout of five pods of one GPU each, whose container `server` has the image `registry.invalid/models/server:1.0.0`.
#[must_use]
pub fn rollout(namespace: &str, name: &str, strategy: &Value) -> Value {
    let container = json!({
        "name": "server", "image": "registry.invalid/models/server:1.0.0",
        "resources": { "limits": { "nvidia.com/gpu": "1" } },
    });
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "replicas": 5, "progressDeadlineSeconds": 600, "strategy": strategy,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "terminationGracePeriodSeconds": 0, "containers": [container] },
            },
        },
    })
}

impl<'a> Rollouts<'a> {
    /// Defines the custom resources and starts the controller; returns when it works.
    pub async fn start(plane: &'a ControlPlane) -> Result<Self> {
        let mut rollouts = Self::without_controller(plane).await?;
        rollouts.start_controller().await?;
        Ok(rollouts)
    }

    /// Defines the custom resources and starts nothing.
    pub async fn without_controller(plane: &'a ControlPlane) -> Result<Self> {
        let of = |(file, plural): &(&str, &str)| ((*file).to_owned(), format!("/apis/argoproj.io/v1alpha1/{plural}"));
        plane.define_for(SERVER, DEFINITIONS.iter().map(of)).await?;
        Ok(Self { plane, process: None, den: Den::new()? })
    }

    /// Starts the controller, or starts it again.
    pub async fn start_controller(&mut self) -> Result<()> {
        self.process = None;
        let (health, metrics) = (ports::free()?, ports::free()?);
        let mut command = Command::new(cache::part(SERVER, NAME)?);
        command
            .arg("--kubeconfig")
            .arg(self.plane.kubeconfig())
            .args(["--leader-elect=false", "--loglevel=info", "--qps=200", "--burst=400"])
            .args([format!("--healthzPort={health}"), format!("--metricsPort={metrics}")]);
        let process = Process::start(&self.den, NAME, command)?;
        process.is_ready(&plain(ANSWER_LIMIT)?, &format!("http://127.0.0.1:{health}/healthz"), LIMIT).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops the controller at once, as a crash would.
    pub fn stop_controller(&mut self) {
        self.process = None;
    }

    /// The last lines of what the controller printed.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> String {
        self.process.as_ref().map(|process| process.last_lines(count)).unwrap_or_default()
    }

    /// Runs the plugin as the administrator: `promote`, `abort`, `undo`, `set image`.
    pub async fn plugin(&self, args: &[&str]) -> Result<String> {
        let what = format!("run kubectl argo rollouts {}", args.join(" "));
        let output = tokio::process::Command::new(cache::part(SERVER, "kubectl-argo-rollouts")?)
            .arg("--kubeconfig")
            .arg(self.plane.kubeconfig())
            .args(args)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .could_not(&what)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Failure::new(format!("could not {what}: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }

    /// Gives container `server` of a rollout of [`rollout`] another image.
    pub async fn set_image(&self, namespace: &str, name: &str, tag: &str) -> Result<()> {
        let image = format!("server=registry.invalid/models/server:{tag}");
        self.plugin(&["set", "image", name, &image, "--namespace", namespace]).await.map(drop)
    }

    /// What the plugin says of a rollout now.
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Said> {
        let text = self.plugin(&["get", "rollout", name, "--namespace", namespace, "--no-color"]).await?;
        let field = |line: &str| {
            let (label, value) = line.split_once(':')?;
            Some((label.trim().to_owned(), value.trim().to_owned()))
        };
        // Behind the first empty line its tree begins.
        Ok(Said(text.lines().take_while(|line| !line.trim().is_empty()).filter_map(field).collect()))
    }

    /// Waits until the plugin says this of a rollout.
    pub async fn until(&self, namespace: &str, name: &str, label: &str, value: &str) -> Result<Said> {
        let what = format!("{name} has {label} {value}");
        let waited = until(&what, LIMIT, async || {
            let said = self.get(namespace, name).await?;
            Ok((said.of(label) == value).then_some(said))
        });
        match waited.await {
            Ok(said) => Ok(said),
            Err(failure) => {
                let last = self.get(namespace, name).await;
                let log = self.last_lines(10);
                Err(Failure::new(format!("{failure}\nThe plugin says: {last:?}\nThe controller says:\n{log}")))
            }
        }
    }
}

impl Said {
    /// What stands behind a label; of the status without its sign. Empty where nothing does.
    #[must_use]
    pub fn of(&self, label: &str) -> &str {
        let text = self.0.get(label).map_or("", String::as_str);
        match (label, text.split_once(' ')) {
            ("Status", Some((_, word))) => word,
            _ => text,
        }
    }
}
