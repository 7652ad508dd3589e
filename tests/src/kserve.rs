//! The real controllers of KServe with their webhooks beside a control plane, and a runtime for one of them to make pods by.
//!
//! It runs in its Standard mode, formerly RawDeployment: the other, Knative, needs a server of its own, which is not built here.

mod llm;

pub use llm::{LlmServices, member};

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::api::plain;
use crate::cache;
use crate::certs::Validity;
use crate::control_plane::ControlPlane;
use crate::failure::{Context, Failure, Result};
use crate::ports;
use crate::process::{Den, Process};
use crate::wait::until;

const LIMIT: Duration = Duration::from_secs(120);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The folder of `tests/servers`.
const SERVER: &str = "kserve";
const NAME: &str = "kserve-manager";
/// Where it looks for its settings.
const NAMESPACE: &str = "kserve";
/// The gateway that its settings name.
const GATEWAY: &str = "kserve-ingress-gateway";
/// The custom resources, in files beside the controller, each with the version in which it is served.
const DEFINITIONS: &[(&str, &str)] = &[
    ("inferenceservices", "v1beta1"),
    ("clusterservingruntimes", "v1alpha1"),
    ("servingruntimes", "v1alpha1"),
    ("clusterstoragecontainers", "v1alpha1"),
    ("inferencegraphs", "v1alpha1"),
    ("trainedmodels", "v1alpha1"),
    ("localmodelcaches", "v1alpha1"),
    ("localmodelnamespacecaches", "v1alpha1"),
    ("llminferenceservices", "v1alpha2"),
];
/// The format of models that the runtime of the tests serves.
pub const FORMAT: &str = "huggingface";

/// The controller. It ends when this is dropped, and also when the process of the test ends in any other way.
pub struct Kserve<'a> {
    plane: &'a ControlPlane,
    process: Option<Process>,
    den: Arc<Den>,
    /// Where its webhooks listen.
    port: u16,
}

impl<'a> Kserve<'a> {
    /// Defines the custom resources, starts the controller and lets its webhooks be asked; returns when all of it works.
    pub async fn start(plane: &'a ControlPlane) -> Result<Self> {
        let mut kserve = Self::without_controller(plane).await?;
        kserve.plane.apply(&settings()).await?;
        kserve.start_controller().await?;
        kserve.ask_webhooks().await?;
        kserve.plane.apply(&runtime().to_string()).await?;
        Ok(kserve)
    }

    /// Defines the custom resources and starts nothing: what a status says is then the test's word.
    pub async fn without_controller(plane: &'a ControlPlane) -> Result<Self> {
        let of = |(plural, version): &(&str, &str)| {
            (format!("serving.kserve.io_{plural}.yaml"), format!("/apis/serving.kserve.io/{version}/{plural}"))
        };
        plane.define_for(SERVER, DEFINITIONS.iter().map(of)).await?;
        Ok(Self { plane, process: None, den: Den::new()?, port: ports::free()? })
    }

    /// Starts the controller, or starts it again.
    pub async fn start_controller(&mut self) -> Result<()> {
        self.process = None;
        self.process = Some(started(self.plane, &self.den, NAME, self.port).await?);
        Ok(())
    }

    /// Lets its webhooks be asked, or asked again.
    pub async fn ask_webhooks(&self) -> Result<()> {
        for webhook in self.webhooks() {
            self.plane.apply(&webhook.to_string()).await?;
        }
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

    /// Waits until its controller says this of a condition of an InferenceService.
    pub async fn until(&self, namespace: &str, name: &str, condition: &str, status: &str) -> Result<Value> {
        let (api, path) = (self.plane.api()?, path_of(namespace, name));
        let what = format!("{name} is {condition} {status}");
        let mut last = Value::Null;
        let waited = until(&what, LIMIT, async || {
            last = api.get(&path).await?;
            let conditions = last["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let is_so = conditions.iter().any(|one| one["type"] == condition && one["status"] == status);
            Ok(is_so.then(|| last.clone()))
        });
        match waited.await {
            Ok(object) => Ok(object),
            Err(failure) => {
                let log = self.last_lines(10);
                Err(Failure::new(format!("{failure}\nIt is {}\nThe controller says:\n{log}", last["status"])))
            }
        }
    }

    /// Its webhooks as its own manifests have them, but by address.
    fn webhooks(&self) -> [Value; 2] {
        let asked = |name: &str, path: &str, group: &str, version: &str, plural: &str, operations: &[&str]| {
            json!({
                "name": format!("inferenceservice.kserve-webhook-server.{name}"),
                "clientConfig": asked_at(self.plane, self.port, path),
                "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1beta1"],
                "rules": [{
                    "apiGroups": [group], "apiVersions": [version], "resources": [plural], "operations": operations,
                }],
            })
        };
        let service = |name: &str, path: &str| {
            asked(name, path, "serving.kserve.io", "v1beta1", "inferenceservices", &["CREATE", "UPDATE"])
        };
        let mut pods = asked("pod-mutator", "/mutate-pods", "", "v1", "pods", &["CREATE"]);
        pods["objectSelector"] =
            json!({ "matchExpressions": [{ "key": "serving.kserve.io/inferenceservice", "operator": "Exists" }] });
        let of = |kind: &str, webhooks: Value| {
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
                "metadata": { "name": "inferenceservice.serving.kserve.io" }, "webhooks": webhooks,
            })
        };
        [
            of(
                "MutatingWebhookConfiguration",
                json!([service("defaulter", "/mutate-serving-kserve-io-v1beta1-inferenceservice"), pods]),
            ),
            of(
                "ValidatingWebhookConfiguration",
                json!([service("validator", "/validate-serving-kserve-io-v1beta1-inferenceservice")]),
            ),
        ]
    }
}

/// The path of an InferenceService.
#[must_use]
pub fn path_of(namespace: &str, name: &str) -> String {
    format!("/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices/{name}")
}

/// Starts a controller whose webhooks listen at the port; returns when it works.
async fn started(plane: &ControlPlane, den: &Arc<Den>, program: &'static str, port: u16) -> Result<Process> {
    let folder = den.folder().join("k8s-webhook-server/serving-certs");
    std::fs::create_dir_all(&folder).could_not(format!("make {}", folder.display()))?;
    let pair = plane.authority.server(&["127.0.0.1"], Validity::Good)?;
    write(&folder.join("tls.crt"), &pair.cert_pem)?;
    write(&folder.join("tls.key"), &pair.key_pem)?;
    let health = ports::free()?;
    let mut command = Command::new(cache::part(SERVER, program)?);
    command
        .env("KUBECONFIG", plane.kubeconfig())
        // Its webhooks look for their certificate below the folder for temporary files.
        .env("TMPDIR", den.folder())
        .args(["-metrics-addr", "0", "-leader-elect=false", "-zap-encoder", "console"])
        .arg(format!("-health-probe-addr=127.0.0.1:{health}"))
        .arg(format!("-webhook-port={port}"));
    let process = Process::start(den, program, command)?;
    process.is_ready(&plain(ANSWER_LIMIT)?, &format!("http://127.0.0.1:{health}/readyz"), LIMIT).await?;
    Ok(process)
}

/// How a webhook is asked: by address, since nothing here resolves the name of a service.
fn asked_at(plane: &ControlPlane, port: u16, path: &str) -> Value {
    json!({ "url": format!("https://127.0.0.1:{port}{path}"), "caBundle": STANDARD.encode(plane.ca_pem()) })
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).could_not(format!("write {}", path.display()))
}

/// Its namespace and its settings: what it does not start without, with no ingress, since none is here.
fn settings() -> String {
    let sidecar = json!({
        "image": "kserve/agent:latest", "memoryRequest": "100Mi", "memoryLimit": "1Gi", "cpuRequest": "100m",
        "cpuLimit": "1",
    });
    let fetches = json!({
        "image": "kserve/storage-initializer:latest", "memoryRequest": "100Mi", "memoryLimit": "1Gi",
        "cpuRequest": "100m", "cpuLimit": "1", "cpuModelcar": "10m", "memoryModelcar": "15Mi",
    });
    let ingress = json!({
        "ingressGateway": "knative-serving/knative-ingress-gateway", "ingressDomain": "example.com",
        "urlScheme": "http", "disableIstioVirtualHost": true, "disableIngressCreation": true,
        "kserveIngressGateway": format!("{NAMESPACE}/{GATEWAY}"),
    });
    let settings = [
        ("deploy", json!({ "defaultDeploymentMode": "Standard" })),
        ("ingress", ingress),
        ("storageInitializer", fetches),
        ("logger", sidecar.clone()),
        ("batcher", sidecar.clone()),
        ("agent", sidecar),
        ("localModel", json!({ "enabled": false })),
        ("inferenceService", json!({ "resource": {} })),
    ];
    let data: serde_json::Map<String, Value> =
        settings.into_iter().map(|(key, value)| (key.to_owned(), Value::String(value.to_string()))).collect();
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "inferenceservice-config", "namespace": NAMESPACE }, "data": data,
    });
    format!("{namespace}\n---\n{config}")
}

fn runtime() -> Value {
    json!({
        "apiVersion": "serving.kserve.io/v1alpha1", "kind": "ClusterServingRuntime",
        "metadata": { "name": "tests" },
        "spec": {
            "supportedModelFormats": [{ "name": FORMAT, "version": "1", "autoSelect": true }],
            "protocolVersions": ["v2", "v1"],
            "containers": [{
                "name": "kserve-container", "image": "registry.invalid/models/server:1.0.0",
                "args": ["--model_name={{.Name}}", "--model_dir=/mnt/models"],
            }],
        },
    })
}
