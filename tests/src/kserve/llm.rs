//! The real controller of LLMInferenceServices with its webhooks and its presets, and somebody who plays the gateway.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{GATEWAY, NAMESPACE, SERVER, asked_at, settings, started};
use crate::control_plane::ControlPlane;
use crate::failure::{Failure, Result};
use crate::ports;
use crate::process::{Den, Process};
use crate::wait::until;

const LIMIT: Duration = Duration::from_secs(120);
const NAME: &str = "kserve-llmisvc";
/// How often the gateway looks for routes that it has not taken up.
const LOOKS: Duration = Duration::from_millis(100);
/// So many changes of a route are taken up before they are written. A member whose route waits to be taken up is none for the
/// others, whose routes change by it in turn: with a gateway that is slow a group goes to and fro for as long as it is.
const AHEAD: i64 = 1_000;
/// The custom resources, in files beside the controller, each with its group and the version in which it is served.
const DEFINITIONS: &[(&str, &str, &str)] = &[
    ("serving.kserve.io", "llminferenceservices", "v1alpha2"),
    ("serving.kserve.io", "llminferenceserviceconfigs", "v1alpha2"),
    ("gateway.networking.k8s.io", "gatewayclasses", "v1"),
    ("gateway.networking.k8s.io", "gateways", "v1"),
    ("gateway.networking.k8s.io", "httproutes", "v1"),
];
/// What its controller fills services in with: its own presets, in files beside it.
const PRESETS: &[&str] = &["config-llm-template.yaml", "config-llm-router-route.yaml"];

/// The controller, and the gateway that the test plays. Both end when this is dropped.
pub struct LlmServices {
    process: Process,
    _den: Arc<Den>,
    _gateway: JoinSet<()>,
}

impl LlmServices {
    /// Defines the custom resources, starts the controller, lets its webhooks be asked, and plays the gateway; returns when all
    /// of it works.
    pub async fn start(plane: Arc<ControlPlane>) -> Result<Self> {
        let of = |(group, plural, version): &(&str, &str, &str)| {
            (format!("{group}_{plural}.yaml"), format!("/apis/{group}/{version}/{plural}"))
        };
        plane.define_for(SERVER, DEFINITIONS.iter().map(of)).await?;
        plane.apply(&settings()).await?;
        let (den, port) = (Den::new()?, ports::free()?);
        let process = started(&plane, &den, NAME, port).await?;
        for plural in ["llminferenceservices", "llminferenceserviceconfigs"] {
            plane
                .kubectl(&[
                    "patch",
                    "crd",
                    &format!("{plural}.serving.kserve.io"),
                    "--type=merge",
                    "-p",
                    &conversion(&plane, port),
                ])
                .await?;
        }
        for webhook in webhooks(&plane, port) {
            plane.apply(&webhook.to_string()).await?;
        }
        for preset in PRESETS {
            let file = crate::cache::part(SERVER, preset)?;
            let file = file.to_str().ok_or_else(|| Failure::new("the cache has a name that is no text"))?;
            plane.kubectl(&["apply", "--server-side", "-n", NAMESPACE, "-f", file]).await?;
        }
        plane.apply(&gateway()).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                // What fails is tried again, and missed by whoever waits for it.
                let _ = take_up(&plane).await;
                tokio::time::sleep(LOOKS).await;
            }
        });
        Ok(Self { process, _den: den, _gateway: tasks })
    }

    /// Waits until its controller says that services are ready, and that each shares the traffic of its group with all of them.
    pub async fn until_together(&self, plane: &ControlPlane, namespace: &str, names: &[&str]) -> Result<()> {
        let api = plane.api()?;
        // A member is none for the others while its route is about to be taken up: it has to stay so.
        let (mut last, mut times) = (Vec::new(), 0);
        let waited = until("the members of the group are ready", LIMIT, async || {
            last.clear();
            for name in names {
                last.push(api.get(&path_of(namespace, name)).await?["status"].take());
            }
            let is_so = |status: &Value| {
                let conditions = status["conditions"].as_array().into_iter().flatten();
                let ready = conditions.filter(|one| one["type"] == "Ready").any(|one| one["status"] == "True");
                let members = status["router"]["group"]["members"].as_array().map_or(0, Vec::len);
                ready && members == names.len()
            };
            times = if last.iter().all(is_so) { times + 1 } else { 0 };
            Ok((times > 10).then_some(()))
        });
        match waited.await {
            Ok(()) => Ok(()),
            Err(failure) => {
                let log = self.process.last_lines(20);
                Err(Failure::new(format!("{failure}\nThey are {last:#?}\nThe controller says:\n{log}")))
            }
        }
    }
}

/// A service of two pods with a GPU each that has this weight in group `chat`.
#[must_use]
pub fn member(namespace: &str, name: &str, uri: &str, weight: u32) -> Value {
    let container = json!({
        "name": "main", "image": "registry.invalid/models/server:1.0.0", "resources": { "limits": { "nvidia.com/gpu": "1" } },
    });
    json!({
        "apiVersion": "serving.kserve.io/v1alpha2", "kind": "LLMInferenceService",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "model": { "uri": uri, "name": "chat" }, "replicas": 2,
            "template": { "terminationGracePeriodSeconds": 0, "containers": [container] },
            "router": { "gateway": {}, "route": { "http": {}, "group": "chat", "weight": weight } },
        },
    })
}

fn path_of(namespace: &str, name: &str) -> String {
    format!("/apis/serving.kserve.io/v1alpha2/namespaces/{namespace}/llminferenceservices/{name}")
}

/// Objects of either version are turned into the other by the controller, as its own patch of the definitions has it.
fn conversion(plane: &ControlPlane, port: u16) -> String {
    let webhook = json!({
        "clientConfig": asked_at(plane, port, "/convert"), "conversionReviewVersions": ["v1", "v1beta1"],
    });
    json!({ "spec": { "conversion": { "strategy": "Webhook", "webhook": webhook } } }).to_string()
}

/// Its webhooks as its own manifests have them, but by address.
fn webhooks(plane: &ControlPlane, port: u16) -> [Value; 2] {
    let of = |kind: &str, what: &str, verb: &str| {
        let webhook = |version: &str| {
            json!({
                "name": format!("llminferenceservice.kserve-webhook-server.{version}.{what}"),
                "clientConfig": asked_at(plane, port, &format!("/{verb}-serving-kserve-io-{version}-llminferenceservice")),
                "failurePolicy": "Fail", "matchPolicy": "Exact", "sideEffects": "None",
                "admissionReviewVersions": ["v1", "v1beta1"],
                "rules": [{
                    "apiGroups": ["serving.kserve.io"], "apiVersions": [version], "resources": ["llminferenceservices"],
                    "operations": ["CREATE", "UPDATE"],
                }],
            })
        };
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": { "name": "llminferenceservice.serving.kserve.io" },
            "webhooks": [webhook("v1alpha1"), webhook("v1alpha2")],
        })
    };
    [
        of("MutatingWebhookConfiguration", "defaulter", "mutate"),
        of("ValidatingWebhookConfiguration", "validator", "validate"),
    ]
}

/// The gateway that the settings of KServe name.
fn gateway() -> String {
    let class = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": { "name": "tests" },
        "spec": { "controllerName": "example.com/gateway" },
    });
    let listener = json!({
        "name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": { "namespaces": { "from": "All" } },
    });
    let gateway = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": { "name": GATEWAY, "namespace": NAMESPACE },
        "spec": { "gatewayClassName": "tests", "listeners": [listener] },
    });
    format!("{class}\n---\n{gateway}")
}

fn condition(kind: &str, generation: &Value) -> Value {
    json!({
        "type": kind, "status": "True", "reason": kind, "message": "", "observedGeneration": generation,
        "lastTransitionTime": "2026-11-24T03:00:00Z",
    })
}

/// Says what a gateway would: it is there, and takes all routes as they are.
async fn take_up(plane: &ControlPlane) -> Result<()> {
    let api = plane.api()?;
    let path = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/gateways/{GATEWAY}");
    let gateway = api.get(&path).await?;
    if gateway["status"]["addresses"].is_null() {
        let generation = &gateway["metadata"]["generation"];
        let status = json!({
            "addresses": [{ "type": "IPAddress", "value": "203.0.113.7" }],
            "conditions": [condition("Accepted", generation), condition("Programmed", generation)],
        });
        api.patch(&format!("{path}/status"), &json!({ "status": status })).await?;
    }
    let routes = api.get("/apis/gateway.networking.k8s.io/v1/httproutes").await?;
    for route in routes["items"].as_array().into_iter().flatten() {
        let (meta, parents) = (&route["metadata"], &route["status"]["parents"]);
        let generation = meta["generation"].as_i64().unwrap_or_default();
        if parents[0]["conditions"][0]["observedGeneration"].as_i64() >= Some(generation) {
            continue;
        }
        let ahead = json!(generation + AHEAD);
        let said = json!({
            "parentRef": route["spec"]["parentRefs"][0], "controllerName": "example.com/gateway",
            "conditions": [condition("Accepted", &ahead), condition("ResolvedRefs", &ahead)],
        });
        let text = |field: &str| meta[field].as_str().unwrap_or_default().to_owned();
        let path = format!(
            "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes/{}/status",
            text("namespace"),
            text("name")
        );
        api.patch(&path, &json!({ "status": { "parents": [said] } })).await?;
    }
    Ok(())
}
