//! Registries in the terminal: a real registry, a real cluster whose pod runs what a tag stood at, and what `pilothouse` says of
//! both.

use std::path::Path;
use std::time::Duration;

use acceptance::registry::Content;
use acceptance::{ControlPlane, GpuNodes, Registry, Result, Terminal};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(90);

async fn connected(registry: &Registry, kubeconfig: &Path, watch: &str) -> Result<Terminal> {
    let terminal = Terminal::new(kubeconfig)?;
    let url = registry.url();
    terminal
        .good(&["connect", "add", "oci", "--name", "models", "--url", &url, "--set", &format!("watch={watch}")])
        .await?;
    Ok(terminal)
}

fn tags(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row =
        |row: &Value| (format!("{}:{}", text(&row["id"]["repository"]), text(&row["id"]["tag"])), text(&row["digest"]));
    answer["tags"].as_array().into_iter().flatten().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_artefacts_and_what_differs_are_told() -> Result<()> {
    let registry = Registry::start().await?;
    let first = registry.push("models/chat", "v1", &Content::model_pack("bf16", "weights of one")).await?;
    let second = registry.push("models/chat", "v2", &Content::model_pack("fp8", "weights of two")).await?;
    let terminal = connected(&registry, Path::new("/nonexistent"), "models/chat").await?;

    let all = terminal.json(&["artifacts", "--json"]).await?;
    assert_eq!(all["complete"], true);
    assert_eq!(tags(&all), [("models/chat:v1".to_owned(), first.clone()), ("models/chat:v2".to_owned(), second)]);
    let some = terminal.json(&["artifacts", "--json", "--filter", "kind=ModelPack tag=v1"]).await?;
    assert_eq!(tags(&some).len(), 1);
    let text = terminal.good(&["artifacts"]).await?;
    assert!(text.starts_with("REPOSITORY") && text.contains(&first[..19]) && text.contains("ModelPack"), "{text}");

    let listed = terminal.json(&["artifacts", "models/chat", "--json"]).await?;
    assert_eq!((&listed["complete"], &listed["tags"]), (&json!(true), &json!([{ "tag": "v1" }, { "tag": "v2" }])));
    let one = terminal.json(&["artifacts", "models/chat:v1", "--json"]).await?;
    assert_eq!((one["digest"].as_str(), one["kind"].as_str()), (Some(first.as_str()), Some("ModelPack")));
    let text = terminal.good(&["artifacts", &format!("models/chat@{first}")]).await?;
    assert!(text.contains("Precision:") && text.contains("model.safetensors"), "{text}");

    let differs = terminal.good(&["artifacts", "models/chat:v1", "--with", "v2"]).await?;
    assert!(differs.contains("Precision:  bf16 → fp8") && differs.contains("model.safetensors:"), "{differs}");
    assert!(differs.contains("of layers are in both"), "{differs}");
    let same = terminal.good(&["artifacts", "models/chat:v1", "--with", &format!("models/chat@{first}")]).await?;
    assert!(same.contains("Nothing differs."), "{same}");

    let absent = terminal.call(&["artifacts", "models/chat:v9"]).await?;
    assert_eq!((absent.code, absent.out.as_str()), (1, ""));
    assert!(absent.err.contains("models/chat has no v9 in models."), "{}", absent.err);
    let odd = terminal.call(&["artifacts", "models/chat", "--at", "-5m"]).await?;
    assert_eq!(odd.code, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_not_there_is_exit_code_3_and_no_registry_is_said() -> Result<()> {
    let mut registry = Registry::start().await?;
    registry.push("models/chat", "v1", &Content::model_pack("bf16", "weights")).await?;
    let terminal = connected(&registry, Path::new("/nonexistent"), "models/chat").await?;
    registry.kill();
    let gone = terminal.call(&["artifacts", "--wait", "10"]).await?;
    assert_eq!(gone.code, 3, "{gone:?}");
    assert!(gone.err.contains("models refused the connection."), "{}", gone.err);

    let bare = Terminal::new(Path::new("/nonexistent"))?;
    let none = bare.call(&["artifacts", "models/chat:v1", "--demo"]).await?;
    assert_eq!(none.code, 1);
    assert!(none.err.contains("No registry is connected.") && none.err.contains("connect add oci"), "{}", none.err);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_whose_tag_moved_is_called_out_with_the_evidence_of_each_step() -> Result<()> {
    let registry = Registry::start().await?;
    let first = registry.push("team/chat", "prod", &Content::image("first")).await?;
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("lineage").await?;
    plane.add_gpu_nodes(&GpuNodes::new("lineage", 1, 8), LIMIT).await?;
    let image = format!("{}/team/chat:prod", registry.host());
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "chat-0", "namespace": namespace },
        "spec": {
            "containers": [{ "name": "server", "image": image }],
            "tolerations": [{ "operator": "Exists" }], "nodeSelector": { acceptance::POOL_LABEL: "lineage" }
        }
    });
    plane.apply(&pod.to_string()).await?;
    plane.kubectl(&["-n", &namespace, "wait", "--for=condition=Ready", "pod/chat-0", "--timeout=60s"]).await?;
    // A real node says which digest it pulled; the one that is played says none.
    let status = json!({ "status": { "containerStatuses": [{
        "name": "server", "image": image, "imageID": format!("{}/team/chat@{first}", registry.host()), "ready": true,
        "restartCount": 0, "started": true, "state": { "running": {} }, "lastState": {}
    }] } });
    let patch = ["-n", &namespace, "patch", "pod", "chat-0", "--subresource=status", "--type=merge", "-p"];
    plane.kubectl(&[&patch[..], &[&status.to_string()]].concat()).await?;

    let terminal = connected(&registry, &plane.kubeconfig(), "team/chat:prod").await?;
    terminal.good(&["connect", "add", "kubernetes", "--name", "prod", "--context", "admin"]).await?;
    let describe = ["describe", "pod", "chat-0", "-n", &namespace];
    let text = terminal.good(&describe).await?;
    assert!(text.contains("Where what it runs comes from"), "{text}");
    assert!(text.contains("current") && text.contains("team/chat:prod stands at what runs."), "{text}");
    assert!(text.contains("The node says so in the container's status (imageID)."), "{text}");

    let second = registry.push("team/chat", "prod", &Content::image("second")).await?;
    let text = terminal.good(&describe).await?;
    assert!(text.contains("moved") && text.contains(&second[..19]), "{text}");
    let anew = format!("it runs {}, and a pod that starts anew gets {}", &first[..19], &second[..19]);
    assert!(text.contains(&anew), "{text}");
    let described = terminal.json(&["describe", "pod", "chat-0", "-n", &namespace, "--json"]).await?;
    let sections = described["sections"].as_array().cloned().unwrap_or_default();
    assert!(sections.iter().any(|section| section["title"] == "Where what it runs comes from"), "{described}");
    Ok(())
}
