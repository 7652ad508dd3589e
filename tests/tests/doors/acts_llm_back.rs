//! The way back of an LLMInferenceService, grade by grade, each then taken and ended as graded. Its controller with its webhooks,
//! the registry of its images and that of its models are real ones; kwok plays the nodes, the test plays the gateway, and says which
//! images a node has.

use crate::acts_kserve_back::{begun_and_left, fill, registered};
use crate::rollback_support::{LIMIT, checked, node_has, rollback, taken};
use acceptance::{
    Context, ControlPlane, GpuNodes, Options, Registry, Result, Said, Terminal, acting,
    kserve::{LlmServices, member},
    registry::Content,
};
use serde_json::{Value, json};
use std::sync::Arc;

const NAMESPACE: &str = "default";
const POOL: &str = "llm";
const NODE: &str = "llm-0000";
const REPOSITORY: &str = "team/engine";

fn uri(version: u32) -> String {
    format!("hf://org/chat-{version}")
}

/// Lets the container that fetches models be of this image, as whoever keeps KServe does.
async fn fetch_by(plane: &ControlPlane, image: &str) -> Result<()> {
    let of = ["configmap", "inferenceservice-config", "-n", "kserve"];
    let read = plane.kubectl(&[&["get"][..], &of, &["-o", "jsonpath={.data.storageInitializer}"]].concat()).await?;
    let mut settings: Value = serde_json::from_str(&read).could_not(format!("read {read}"))?;
    settings["image"] = json!(image);
    let patch = json!({ "data": { "storageInitializer": settings.to_string() } }).to_string();
    plane.kubectl(&[&["patch"][..], &of, &["--type=merge", "-p", &patch]].concat()).await.map(drop)
}

async fn model(plane: &ControlPlane) -> Result<String> {
    let path = "jsonpath={.spec.model.uri}";
    plane.kubectl(&["get", "llminferenceservice", "chat", "-n", NAMESPACE, "-o", path]).await
}

async fn set_model(terminal: &Terminal, version: u32, more: &[&str]) -> Result<Said> {
    let uri = uri(version);
    let words = ["act", "set-model", "llminferenceservice", "chat", "-n", NAMESPACE, "--uri", &uri];
    terminal.call(&[&words, more].concat()).await
}

/// A terminal that sees the cluster and both registries.
async fn connected(plane: &ControlPlane, registry: &Registry, models: &str) -> Result<Terminal> {
    let terminal = acting::terminal(plane).await?;
    let watch = format!("watch={REPOSITORY}");
    terminal.good(&["connect", "add", "oci", "--name", "images", "--url", &registry.url(), "--set", &watch]).await?;
    terminal.good(&["connect", "add", "mlflow", "--name", "models", "--url", models]).await?;
    Ok(terminal)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_grade_is_taken_and_ends_as_it_was_graded() -> Result<()> {
    let plane = Arc::new(ControlPlane::start(Options::default()).await?);
    plane.add_gpu_nodes(&GpuNodes::new(POOL, 1, 4), LIMIT).await?;
    let services = LlmServices::start(Arc::clone(&plane)).await?;
    let (registry, mlflow) = (Registry::start().await?, registered(uri).await?);
    let mut digests = Vec::new();
    for tag in ["engine", "fetch"] {
        digests.push(registry.push(REPOSITORY, tag, &Content::image(tag)).await?);
    }
    let of = format!("{}/{REPOSITORY}", registry.host());
    let [engine, fetch] = [0, 1].map(|at| format!("{of}@{}", digests[at]));
    fetch_by(&plane, &fetch).await?;
    let mut service = member(NAMESPACE, "chat", &uri(1), 1);
    service["spec"]["template"]["containers"][0]["image"] = json!(engine);
    plane.apply(&service.to_string()).await?;
    services.until_together(&plane, NAMESPACE, &["chat"]).await?;
    let both = [("engine", digests[0].as_str()), ("fetch", digests[1].as_str())];
    node_has(&plane, NODE, &of, &both).await?;
    let terminal = connected(&plane, &registry, &mlflow.url()).await?;

    // What served it from the first is all that is kept: there is none to go back to.
    let check = checked(&terminal, NAMESPACE).await?;
    check.says("unknown", 3, "Unknown Revision: Whether LLMInferenceService chat can go back is not known.");
    let plan = set_model(&terminal, 2, &["--plan"]).await?;
    for part in ["Serve hf://org/chat-2 by LLMInferenceService default/chat", "2 pods, 2 GPUs", "would take it"] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    let said = set_model(&terminal, 2, &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: its pods are ready with the model"), "{said:?}");
    assert!(said.err.contains("set-model llminferenceservice chat"), "{said:?}");

    // All of it is there: the model in its registry, both images on the node, room beside what runs.
    let check = checked(&terminal, NAMESPACE).await?;
    check.says("ready", 0, "Holds Revision: Revision 1 is kept.");
    check.says("ready", 0, &format!("Holds Model {}: It leads to version 1 of chat.", uri(1)));
    check.says("ready", 0, &format!("Holds Image {engine}: images has it by its digest."));
    check.says("ready", 0, &format!("Holds Image {fetch}: images has it by its digest."));
    check.says("ready", 0, "Holds GPUs: 2 pods of 1 GPUs fit beside those that run");
    check.says("ready", 0, "Holds API: LLMInferenceService of serving.kserve.io/");
    assert_eq!(taken(&terminal, NAMESPACE, &[]).await?, (0, "verified".to_owned()));
    assert_eq!(model(&plane).await?, uri(1));

    // And forth, to a node that does not say that it has what fetches the model.
    node_has(&plane, NODE, &of, &both[..1]).await?;
    checked(&terminal, NAMESPACE).await?.says("slow", 0, &format!("Slow Image {fetch}: images has it by its digest."));
    assert_eq!(taken(&terminal, NAMESPACE, &[]).await?, (0, "verified".to_owned()));
    assert_eq!(model(&plane).await?, uri(2));

    // Who sees no registry cannot say whether images and model are there; taken all the same, it ends where it said.
    let alone = acting::terminal(&plane).await?;
    let nobody = format!("Unknown Image {engine}: No registry that is connected is called 127.0.0.1");
    checked(&alone, NAMESPACE).await?.says("unknown", 3, &nobody);
    assert_eq!(taken(&alone, NAMESPACE, &[]).await?, (0, "verified".to_owned()));
    assert_eq!(model(&plane).await?, uri(1));

    // No room for the pod that would have to come first: refused, and taken all the same it begins and does not end.
    node_has(&plane, NODE, &of, &both).await?;
    fill(&plane, POOL, 2).await?;
    let fails = "Fails GPUs: No pod of 1 GPUs fits, and no pod may end before another is there";
    checked(&terminal, NAMESPACE).await?.says("not possible", 1, fails);
    let refused = rollback(&terminal, NAMESPACE, &["--yes"]).await?;
    assert!(refused.code == 1 && refused.err.contains("cannot go back as it is"), "{refused:?}");
    assert_eq!(model(&plane).await?, uri(1), "nothing was done");
    let said = begun_and_left(&plane, &terminal, "app.kubernetes.io/name=chat").await?;
    let told = "a person waited no longer: 1 of 2 pods are of the newest";
    assert!(said.code == 4 && said.err.contains(told), "{said:?}");
    let book = terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("Serve hf://org/chat-1 by LLMInferenceService default/chat"), "{book}");
    Ok(())
}
