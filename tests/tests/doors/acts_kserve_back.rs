//! The way back of a service of KServe, grade by grade, each then taken and ended as graded. Its controller, the registry of its
//! images and that of its models are real ones; kwok plays the nodes, and the test says which images a node has.
//!
//! What is unknown is taken in `acts_kserve`.

use crate::rollback_support::{LIMIT, checked, node_has, rollback, taken};
use acceptance::{
    ControlPlane, GPU, GpuNodes, Kserve, Mlflow, Options, POOL_LABEL, Registry, Result, Said, Terminal, acting,
    mlflow::Trained, registry::Content, until,
};
use serde_json::json;
use std::time::Duration;

const NAMESPACE: &str = "default";
const POOL: &str = "back";
const NODE: &str = "back-0000";
const REPOSITORY: &str = "team/engine";

fn uri(version: u32) -> String {
    format!("s3://models/chat-{version}")
}

/// A runtime of the image of the registry, by its digest, and a service by it.
fn served(image: &str, version: u32) -> String {
    let runtime = json!({
        "apiVersion": "serving.kserve.io/v1alpha1", "kind": "ServingRuntime",
        "metadata": { "name": "own", "namespace": NAMESPACE },
        "spec": {
            "supportedModelFormats": [{ "name": "own", "version": "1", "autoSelect": true }], "protocolVersions": ["v2"],
            "containers": [{ "name": "kserve-container", "image": image, "args": ["--model_dir=/mnt/models"] }],
        },
    });
    let service = json!({
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
        "metadata": {
            "name": "chat", "namespace": NAMESPACE, "annotations": { "serving.kserve.io/autoscalerClass": "none" },
        },
        "spec": { "predictor": {
            "minReplicas": 2, "terminationGracePeriodSeconds": 0, "nodeSelector": { POOL_LABEL: POOL },
            "model": {
                "modelFormat": { "name": "own" }, "runtime": "own", "storageUri": uri(version),
                "resources": { "requests": { GPU: "1" }, "limits": { GPU: "1" } },
            },
        } },
    });
    format!("{runtime}\n---\n{service}")
}

/// Two versions of a model, each registered from the place in the store where the service fetches it.
pub async fn registered(uri: fn(u32) -> String) -> Result<Mlflow> {
    let mlflow = Mlflow::start().await?;
    let experiment = mlflow.experiment("chat-tuning").await?;
    mlflow.model("chat").await?;
    for version in [1, 2] {
        let run = mlflow.run(&experiment, Trained { name: "brisk-fox", ..Trained::default() }).await?;
        mlflow.post("model-versions/create", &json!({ "name": "chat", "source": uri(version), "run_id": run })).await?;
    }
    Ok(mlflow)
}

async fn model(plane: &ControlPlane) -> Result<String> {
    let path = "jsonpath={.spec.predictor.model.storageUri}";
    plane.kubectl(&["get", "inferenceservice", "chat", "-n", NAMESPACE, "-o", path]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_slow_and_not_possible_are_taken_and_end_as_they_were_graded() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new(POOL, 1, 4), LIMIT).await?;
    let kserve = Kserve::start(&plane).await?;
    let (registry, mlflow) = (Registry::start().await?, registered(uri).await?);
    let digest = registry.push(REPOSITORY, "1", &Content::image("engine")).await?;
    let (of, image) =
        (format!("{}/{REPOSITORY}", registry.host()), format!("{}/{REPOSITORY}@{digest}", registry.host()));
    plane.apply(&served(&image, 1)).await?;
    kserve.until(NAMESPACE, "chat", "Ready", "True").await?;
    node_has(&plane, NODE, &of, &[("1", &digest)]).await?;
    let terminal = acting::terminal(&plane).await?;
    let watch = format!("watch={REPOSITORY}");
    terminal.good(&["connect", "add", "oci", "--name", "images", "--url", &registry.url(), "--set", &watch]).await?;
    terminal.good(&["connect", "add", "mlflow", "--name", "models", "--url", &mlflow.url()]).await?;
    let said = terminal
        .call(&["act", "set-model", "inferenceservice", "chat", "-n", NAMESPACE, "--uri", &uri(2), "--yes"])
        .await?;
    assert_eq!(said.code, 0, "{said:?}");

    // All of it is there: the model in its registry, the image on the node, room beside what runs.
    let check = checked(&terminal, NAMESPACE).await?;
    check.says("ready", 0, "Holds Revision: Revision 1 is kept.");
    check.says("ready", 0, &format!("Holds Model {}: It leads to version 1 of chat.", uri(1)));
    check.says("ready", 0, &format!("Holds Image {image}: images has it by its digest."));
    check.says("ready", 0, "Holds GPUs: 2 pods of 1 GPUs fit beside those that run");
    check.says("ready", 0, "Holds API: InferenceService of serving.kserve.io/v1beta1 is served.");
    assert_eq!(taken(&terminal, NAMESPACE, &[]).await?, (0, "verified".to_owned()));
    assert_eq!(model(&plane).await?, uri(1));

    // And forth, to a node that does not say that it has the image.
    node_has(&plane, NODE, &of, &[]).await?;
    let slow = format!("Slow Image {image}: images has it by its digest. The node of its pods may have to fetch it");
    checked(&terminal, NAMESPACE).await?.says("slow", 0, &slow);
    assert_eq!(taken(&terminal, NAMESPACE, &[]).await?, (0, "verified".to_owned()));
    assert_eq!(model(&plane).await?, uri(2));

    // No room for the pod that would have to come first: it is refused, and taken all the same it begins and does not end.
    node_has(&plane, NODE, &of, &[("1", &digest)]).await?;
    fill(&plane, POOL, 2).await?;
    let fails = "Fails GPUs: No pod of 1 GPUs fits, and no pod may end before another is there";
    checked(&terminal, NAMESPACE).await?.says("not possible", 1, fails);
    let refused = rollback(&terminal, NAMESPACE, &["--yes"]).await?;
    assert!(refused.code == 1 && refused.err.contains("cannot go back as it is"), "{refused:?}");
    assert_eq!(model(&plane).await?, uri(2), "nothing was done");
    let said = begun_and_left(&plane, &terminal, "component=predictor").await?;
    assert!(
        said.code == 4 && said.err.contains("a person waited no longer: 1 of 2 pods are of the newest"),
        "{said:?}"
    );
    Ok(())
}

/// Lets another pod hold these GPUs of the pool.
pub async fn fill(plane: &ControlPlane, pool: &str, gpus: u32) -> Result<()> {
    let limits = json!({ "limits": { GPU: gpus.to_string() } });
    let filler = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "filler", "namespace": NAMESPACE },
        "spec": {
            "nodeSelector": { POOL_LABEL: pool }, "containers": [{ "name": "x", "image": "x", "resources": limits }],
        },
    });
    // Pods of before that are ending hold their GPUs still.
    until("the filler has its place", LIMIT, async || {
        plane.apply(&filler.to_string()).await?;
        let phase = plane.kubectl(&["get", "pod", "filler", "-n", NAMESPACE, "-o", "jsonpath={.status.phase}"]).await?;
        Ok((phase == "Running").then_some(()))
    })
    .await
}

/// Takes the way back though it is not possible, waits until a pod of it waits in vain while all of before serve, and waits no
/// longer.
pub async fn begun_and_left(plane: &ControlPlane, terminal: &Terminal, label: &str) -> Result<Said> {
    let read = async |what: &str| {
        let path = format!("jsonpath={{{what}}}");
        plane.kubectl(&["get", "pods", "-n", NAMESPACE, "-l", label, "-o", &path]).await
    };
    acting::interrupted(terminal, &["rollback", "chat", "-n", NAMESPACE, "--anyway", "--yes"], async || {
        until("its pod finds no place", LIMIT, async || {
            let unplaced = read(".items[*].status.conditions[?(@.type==\"PodScheduled\")].reason").await?;
            Ok(unplaced.contains("Unschedulable").then_some(()))
        })
        .await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let phases = read(".items[*].status.phase").await?;
        let running = phases.split(' ').filter(|phase| *phase == "Running").count();
        assert_eq!((running, phases.split(' ').count()), (2, 3), "what served before serves: {phases}");
        Ok(())
    })
    .await
}
