//! Another image for what makes pods, and the way back from it: a StatefulSet by its real controller, and a LeaderWorkerSet,
//! whose controller is not here, so that the test says what it would. Rollouts have theirs in `acts_rollouts`, Deployments in
//! `acts`.

use acceptance::{
    ControlPlane, GPU, GpuNodes, POOL_LABEL, Result, Said, Terminal, acting, definitions::LEADER_WORKER_SET,
};
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const SERVER: &str = "registry.invalid/models/server";

/// Gives a container an image.
async fn set_image(terminal: &Terminal, of: [&str; 3], [container, tag]: [&str; 2], more: &[&str]) -> Result<Said> {
    let [kind, namespace, name] = of;
    let image = format!("{SERVER}:{tag}");
    let words = ["act", "set-image", kind, name, "-n", namespace, "--container", container, "--image", &image];
    terminal.call(&[&words, more].concat()).await
}

/// Takes it back by the line that the terminal printed for that.
async fn take_back(terminal: &Terminal, said: &Said) -> Result<Said> {
    let line = said.err.lines().find_map(|line| line.split_once("To take it back: pilothouse ")).unwrap_or_default().1;
    let mut words: Vec<&str> = line.split_whitespace().collect();
    words.push("--yes");
    terminal.call(&words).await
}

#[track_caller]
fn seen(said: &Said, words: &str) {
    assert!(said.code == 0 && said.err.contains(&format!("verified: {words}")), "{words}: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_gets_an_image_pod_by_pod_and_its_own_one_again() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("images").await?;
    plane.add_gpu_nodes(&GpuNodes::new(&namespace, 1, 4), LIMIT).await?;
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "chat", "namespace": namespace },
        "spec": {
            "replicas": 2, "serviceName": "chat", "selector": { "matchLabels": { "app": "chat" } },
            "template": { "metadata": { "labels": { "app": "chat" } }, "spec": {
                "terminationGracePeriodSeconds": 0, "nodeSelector": { POOL_LABEL: namespace },
                "containers": [{
                    "name": "server", "image": format!("{SERVER}:1.0.0"), "resources": { "limits": { GPU: "1" } },
                }],
            } },
        },
    });
    plane.apply(&set.to_string()).await?;
    plane.kubectl(&["rollout", "status", "statefulset/chat", "-n", &namespace, "--timeout=90s"]).await?;
    let terminal = acting::terminal(plane).await?;
    let of = ["statefulset", namespace.as_str(), "chat"];
    let pods = async || {
        let path = "jsonpath={.items[*].spec.containers[0].image}";
        plane.kubectl(&["get", "pods", "-n", &namespace, "-l", "app=chat", "-o", path]).await
    };
    let both = |tag: &str| format!("{SERVER}:{tag} {SERVER}:{tag}");

    let plan = set_image(&terminal, of, ["server", "2.0.0"], &["--plan"]).await?;
    for part in ["2 pods, 2 GPUs", "containers/0/image", "would take it", "set-image statefulset chat"] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    assert_eq!(pods().await?, both("1.0.0"), "a plan changes nothing");
    let wrong = set_image(&terminal, of, ["engine", "2.0.0"], &["--yes"]).await?;
    assert!(wrong.code == 1 && wrong.err.contains("It has server."), "{wrong:?}");

    let said = set_image(&terminal, of, ["server", "2.0.0"], &["--yes"]).await?;
    seen(&said, "2 of 2 pods are ready");
    assert_eq!(pods().await?, both("2.0.0"));
    seen(&take_back(&terminal, &said).await?, "2 of 2 pods are ready");
    assert_eq!(pods().await?, both("1.0.0"));
    let again = set_image(&terminal, of, ["server", "1.0.0"], &["--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("already"), "{again:?}");
    let book = terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("StatefulSet") && book.contains("verified: 2 of 2 pods"), "{book}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_get_an_image_for_leaders_and_workers_and_their_own_ones_again() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    plane.define(&[LEADER_WORKER_SET]).await?;
    let namespace = plane.namespace("images").await?;
    let api = plane.api()?;
    let template = |names: &[&str]| {
        let one = |name: &&str| json!({ "name": name, "image": format!("{SERVER}:1.0.0") });
        json!({ "spec": { "containers": names.iter().map(one).collect::<Vec<_>>() } })
    };
    let groups = json!({
        "apiVersion": LEADER_WORKER_SET.api_version(), "kind": LEADER_WORKER_SET.kind, "metadata": { "name": "llama" },
        "spec": { "replicas": 2, "leaderWorkerTemplate": {
            "size": 3, "leaderTemplate": template(&["engine", "router"]), "workerTemplate": template(&["engine"]),
        } },
    });
    api.create(&LEADER_WORKER_SET.path(&namespace, ""), &groups).await?;
    let path = LEADER_WORKER_SET.path(&namespace, "llama");
    let says = async || {
        let generation = api.get(&path).await?["metadata"]["generation"].clone();
        let status =
            json!({ "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "observedGeneration": generation });
        api.patch(&format!("{path}/status"), &json!({ "status": status })).await.map(drop)
    };
    let controller = async || loop {
        if let Err(failure) = says().await {
            return failure;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let images = async || {
        let of = api.get(&path).await?["spec"]["leaderWorkerTemplate"].clone();
        let image = |template: &str, at: usize| of[template]["spec"]["containers"][at]["image"].clone();
        Ok::<_, acceptance::Failure>([
            image("leaderTemplate", 0),
            image("leaderTemplate", 1),
            image("workerTemplate", 0),
        ])
    };
    let tagged = |tags: [&str; 3]| tags.map(|tag| Value::from(format!("{SERVER}:{tag}")));
    let terminal = acting::terminal(plane).await?;
    let of = ["leaderworkerset", namespace.as_str(), "llama"];
    let plan = set_image(&terminal, of, ["engine", "2.0.0"], &["--plan"]).await?;
    for part in ["leaderTemplate/spec/containers/0/image", "workerTemplate/spec/containers/0/image", "6 pods"] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    let work = async {
        let said = set_image(&terminal, of, ["engine", "2.0.0"], &["--yes"]).await?;
        seen(&said, "2 of 2 groups are ready");
        assert_eq!(images().await?, tagged(["2.0.0", "1.0.0", "2.0.0"]));
        seen(&take_back(&terminal, &said).await?, "2 of 2 groups are ready");
        assert_eq!(images().await?, tagged(["1.0.0"; 3]));
        Ok(())
    };
    tokio::select! {
        done = work => done,
        failed = controller() => Err(failed),
    }
}
