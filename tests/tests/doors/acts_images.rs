//! What makes pods is given another image and its own one again, scaled, and made anew: a StatefulSet and a DaemonSet by their
//! real controllers, and a LeaderWorkerSet, whose controller is not built here, so that the test says what it would. Rollouts have
//! theirs in `acts_rollouts`, Deployments in `acts`.

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

/// Does something else to it.
async fn act(terminal: &Terminal, verb: &str, [kind, namespace, name]: [&str; 3], more: &[&str]) -> Result<Said> {
    terminal.call(&[&["act", verb, kind, name, "-n", namespace, "--yes"], more].concat()).await
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

    let said = act(&terminal, "scale", of, &["--to", "3"]).await?;
    seen(&said, "3 of 3 pods are ready");
    assert_eq!(pods().await?.split(' ').count(), 3);
    seen(&take_back(&terminal, &said).await?, "2 of 2 pods are ready");
    let uids = async || {
        let path = "jsonpath={.items[*].metadata.uid}";
        plane.kubectl(&["get", "pods", "-n", &namespace, "-l", "app=chat", "-o", path]).await
    };
    let before = uids().await?;
    let said = act(&terminal, "restart", of, &[]).await?;
    seen(&said, "2 of 2 pods are ready");
    // Pods that were made anew are no others.
    assert!(!said.err.contains("To take it back"), "{said:?}");
    let after = uids().await?;
    assert!(after.split(' ').count() == 2 && after.split(' ').all(|uid| !before.contains(uid)), "{before} → {after}");
    let none = act(&terminal, "pause", of, &[]).await?;
    assert!(none.code == 1 && none.err.contains("cannot be paused"), "{none:?}");
    let book = terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("StatefulSet") && book.contains("verified: 2 of 2 pods"), "{book}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_set_gets_an_image_goes_back_and_is_made_anew_on_each_of_its_nodes() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("daemons").await?;
    plane.add_gpu_nodes(&GpuNodes::new(&namespace, 2, 4), LIMIT).await?;
    let container = json!({ "name": "exporter", "image": format!("{SERVER}:1.0.0") });
    let set = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": { "name": "dcgm", "namespace": namespace },
        "spec": {
            "selector": { "matchLabels": { "app": "dcgm" } },
            "template": { "metadata": { "labels": { "app": "dcgm" } }, "spec": {
                "terminationGracePeriodSeconds": 0, "nodeSelector": { POOL_LABEL: namespace }, "containers": [container],
            } },
        },
    });
    plane.apply(&set.to_string()).await?;
    plane.kubectl(&["rollout", "status", "daemonset/dcgm", "-n", &namespace, "--timeout=90s"]).await?;
    let terminal = acting::terminal(plane).await?;
    let of = ["daemonset", namespace.as_str(), "dcgm"];
    let pods = async |what: &str| {
        let path = format!("jsonpath={{.items[*].{what}}}");
        plane.kubectl(&["get", "pods", "-n", &namespace, "-l", "app=dcgm", "-o", &path]).await
    };
    let both = |tag: &str| format!("{SERVER}:{tag} {SERVER}:{tag}");
    const IMAGE: &str = "spec.containers[0].image";

    let said = set_image(&terminal, of, ["exporter", "2.0.0"], &["--yes"]).await?;
    seen(&said, "2 of 2 pods are ready");
    assert_eq!(pods(IMAGE).await?, both("2.0.0"));
    assert!(said.err.contains("To take it back: pilothouse act set-image daemonset dcgm"), "{said:?}");
    let said = act(&terminal, "undo", of, &[]).await?;
    seen(&said, "2 of 2 pods are ready");
    assert!(said.out.contains("back to revision 1"), "{said:?}");
    assert_eq!(pods(IMAGE).await?, both("1.0.0"));
    seen(&take_back(&terminal, &said).await?, "2 of 2 pods are ready");
    assert_eq!(pods(IMAGE).await?, both("2.0.0"));
    let before = pods("metadata.uid").await?;
    seen(&act(&terminal, "restart", of, &[]).await?, "2 of 2 pods are ready");
    let after = pods("metadata.uid").await?;
    assert!(after.split(' ').count() == 2 && after.split(' ').all(|uid| !before.contains(uid)), "{before} → {after}");
    // How many it has its nodes say.
    let none = act(&terminal, "scale", of, &["--to", "1"]).await?;
    assert!(none.code == 1 && none.err.contains("cannot be scaled"), "{none:?}");
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
        let object = api.get(&path).await?;
        let (generation, all) = (&object["metadata"]["generation"], &object["spec"]["replicas"]);
        let status =
            json!({ "replicas": all, "updatedReplicas": all, "readyReplicas": all, "observedGeneration": generation });
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

        let said = act(&terminal, "scale", of, &["--to", "3"]).await?;
        seen(&said, "3 of 3 groups are ready");
        assert_eq!(api.get(&path).await?["spec"]["replicas"], 3);
        seen(&take_back(&terminal, &said).await?, "2 of 2 groups are ready");
        let marks = async || {
            let of = api.get(&path).await?["spec"]["leaderWorkerTemplate"].clone();
            let mark =
                |name: &str| of[name]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].is_string();
            Ok::<_, acceptance::Failure>(["leaderTemplate", "workerTemplate"].map(mark))
        };
        assert_eq!(marks().await?, [false; 2]);
        seen(&act(&terminal, "restart", of, &[]).await?, "2 of 2 groups are ready");
        assert_eq!(marks().await?, [true; 2]);
        assert_eq!(images().await?, tagged(["1.0.0"; 3]));
        Ok(())
    };
    tokio::select! {
        done = work => done,
        failed = controller() => Err(failed),
    }
}
