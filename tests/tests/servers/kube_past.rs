//! What a real API server keeps of changes that nobody saw: they are on the ribbon, at their time, and told apart; and
//! those that are seen as they happen say from what, to what, and by whom.

use std::time::Duration;

use crate::kube_relay::{Kind, Relay};
use crate::kube_support::{LIMIT, Settings, Watched};
use acceptance::{ControlPlane, GpuNodes, GpuPods, Options, Result, Rule, until};
use pilothouse_connect_kube::stand::kubeconfig;
use pilothouse_wire::view::{Mark, MarkKind};
use serde_json::json;

/// Waits for a mark on the ribbon.
async fn mark(watched: &Watched, what: &str, test: impl Fn(&Mark) -> bool) -> Result<Mark> {
    let found = until(what, LIMIT, async || Ok(watched.ribbon().marks.rows().iter().find(|mark| test(mark)).cloned()));
    found.await.map_err(|failure| {
        let all: Vec<String> = watched.ribbon().marks.rows().iter().map(|mark| format!("{mark:?}")).collect();
        acceptance::Failure::new(format!("{failure}; there are:\n{}", all.join("\n")))
    })
}

async fn a_deployment(plane: &ControlPlane, name: &str) -> Result<()> {
    let pods = GpuPods::new("default", name, 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await
}

async fn set_image(plane: &ControlPlane, name: &str, image: &str) -> Result<()> {
    let target = format!("deployment/{name}");
    plane.kubectl(&["set", "image", &target, &format!("*={image}"), "--field-manager=somebody"]).await?;
    plane.kubectl(&["rollout", "status", &target, "--timeout=60s"]).await.map(drop)
}

#[tokio::test]
async fn a_change_from_before_we_were_there_is_rebuilt_at_its_time() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("past", 2, 8), LIMIT).await?;
    a_deployment(&plane, "chat").await?;
    // A server's times are in whole seconds: what happens in the second in which it was made is its making.
    tokio::time::sleep(Duration::from_secs(2)).await;
    set_image(&plane, "chat", "registry.test/chat:v2").await?;
    let sets = plane.api()?.get("/apis/apps/v1/namespaces/default/replicasets").await?;
    let sets = acceptance::api::items(&sets);
    let newest = sets.iter().find(|set| set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2");
    let made = newest.and_then(|set| set["metadata"]["creationTimestamp"].as_str()).unwrap_or_default().to_owned();

    let before = pilothouse_connect::Clock::system().now();
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    let deploy =
        mark(&watched, "the new image is on the ribbon", |mark| mark.key.kind == MarkKind::Deploy && mark.by.is_some())
            .await?;
    assert_eq!(deploy.key.at.to_string(), made, "it stands where the ReplicaSet was made");
    assert!(deploy.rebuilt && deploy.key.at < before && deploy.heard >= before, "{deploy:?}");
    let detail = deploy.detail.unwrap_or_default();
    assert!(detail.contains("→ registry.test/chat:v2") && detail.contains("revision 1 → 2"), "{detail}");
    assert_eq!(deploy.by.as_deref(), Some("somebody"));

    let came = mark(&watched, "the nodes came", |mark| mark.key.kind == MarkKind::NodeCame).await?;
    let placed = mark(&watched, "pods were placed", |mark| mark.key.kind == MarkKind::PodPlaced).await?;
    assert!(came.rebuilt && placed.rebuilt, "{came:?} {placed:?}");
    Ok(())
}

#[tokio::test]
async fn a_change_that_is_seen_says_from_what_to_what_and_by_whom() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("seen", 2, 8), LIMIT).await?;
    a_deployment(&plane, "chat").await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    // It is followed once the first revision was told.
    watched.until("revisions are read", |source| (source.revisions_known() > 0).then_some(())).await?;
    set_image(&plane, "chat", "registry.test/chat:v3").await?;
    let deploy = mark(&watched, "the new image is seen", |mark| mark.key.kind == MarkKind::Deploy).await?;
    assert!(!deploy.rebuilt && deploy.title == "chat v3", "{deploy:?}");
    plane.kubectl(&["scale", "deployment/chat", "--replicas=4"]).await?;
    let scaled = mark(&watched, "the scale is seen", |mark| mark.key.kind == MarkKind::Scale && !mark.rebuilt).await?;
    assert_eq!((scaled.title.as_str(), scaled.by.as_deref()), ("chat 2 → 4", Some("kubectl")));
    Ok(())
}

#[tokio::test]
async fn who_cordoned_and_tainted_a_node_is_told_of_before_and_as_it_is_seen() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let nodes = GpuNodes::new("who", 2, 8);
    plane.add_gpu_nodes(&nodes, LIMIT).await?;
    let (first, second) = (nodes.name(0), nodes.name(1));
    // A server's times are in whole seconds: what happens in the second in which it was made is its making.
    tokio::time::sleep(Duration::from_secs(2)).await;
    plane.kubectl(&["cordon", &first]).await?;
    plane.kubectl(&["taint", "node", &second, "sick=xid:NoSchedule"]).await?;
    let before = pilothouse_connect::Clock::system().now();
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    // Taints are one list: whoever wrote it last need not have put in what is left of it.
    for (title, detail, by) in [
        (format!("{first} cordoned"), "", Some("kubectl")),
        (format!("{second} tainted"), "sick=xid:NoSchedule; at the latest", None),
    ] {
        let told = mark(&watched, &title, |mark| mark.title == title).await?;
        assert!(told.rebuilt && told.key.kind == MarkKind::Cordon && told.key.at < before, "{told:?}");
        assert!(
            by.map_or(told.by.is_none(), |by| told.by.as_deref().is_some_and(|own| own.starts_with(by))),
            "{told:?}"
        );
        assert!(told.detail.as_deref().unwrap_or_default().starts_with(detail), "{told:?}");
        assert_eq!(told.detail.is_none(), detail.is_empty(), "{told:?}");
    }
    plane.kubectl(&["cordon", &second]).await?;
    let title = format!("{second} cordoned");
    let told = mark(&watched, &title, |mark| mark.title == title).await?;
    assert_eq!((told.rebuilt, told.by.as_deref()), (false, Some("kubectl")), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn a_size_from_before_has_the_time_at_which_it_was_followed_and_a_rollout_is_none() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("sizes", 2, 8), LIMIT).await?;
    for name in ["sized", "rolled"] {
        a_deployment(&plane, name).await?;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    plane.kubectl(&["scale", "deployment/sized", "--replicas=4"]).await?;
    plane.kubectl(&["rollout", "status", "deployment/sized", "--timeout=60s"]).await?;
    set_image(&plane, "rolled", "registry.test/chat:v2").await?;
    let api = plane.api()?;
    let events = "/api/v1/namespaces/default/events?fieldSelector=reason=ScalingReplicaSet,involvedObject.name=sized";
    let followed = acceptance::until("its event is there", LIMIT, async || {
        let all = api.get(events).await?;
        let of = acceptance::api::items(&all)
            .iter()
            .find(|event| event["message"].as_str().is_some_and(|text| text.ends_with("from 2 to 4")));
        Ok(of.and_then(|event| event["lastTimestamp"].as_str().map(str::to_owned)))
    })
    .await?;

    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    let scaled = |mark: &Mark| mark.key.kind == MarkKind::Scale && mark.by.is_some();
    let scale = mark(&watched, "the size is on the ribbon", scaled).await?;
    assert_eq!((scale.title.as_str(), scale.by.as_deref()), ("sized 2 → 4", Some("kubectl")));
    assert_eq!((scale.key.at.to_string(), scale.rebuilt), (followed, true));
    mark(&watched, "the rollout is told", |mark| mark.key.kind == MarkKind::Deploy).await?;
    let ribbon = watched.ribbon();
    let sizes: Vec<_> = ribbon.marks.rows().iter().filter(|mark| mark.key.kind == MarkKind::Scale).collect();
    assert_eq!(sizes.len(), 1, "a step of a rollout is no new size: {sizes:?}");
    Ok(())
}

#[tokio::test]
async fn what_came_of_jobs_before_we_were_there_is_told_at_its_time() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("jobs", 1, 8), LIMIT).await?;
    let api = plane.api()?;
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    for (name, gpus, deadline, pool) in
        [("train", "2", 600, "jobs"), ("stuck", "1", 3, "nowhere"), ("small", "0", 600, "jobs")]
    {
        let limits = json!({ "cpu": "1", "nvidia.com/gpu": gpus });
        let container = json!({ "name": "a", "image": "t:1", "resources": { "limits": limits } });
        let pod = json!({
            "restartPolicy": "Never", "containers": [container],
            "nodeSelector": { acceptance::POOL_LABEL: pool },
        });
        let spec = json!({
            "parallelism": 2, "completions": 2, "activeDeadlineSeconds": deadline, "template": { "spec": pod },
        });
        api.create(jobs, &json!({ "metadata": { "name": name }, "spec": spec })).await?;
    }
    // What is written about when a Job ends is told by its end.
    tokio::time::sleep(Duration::from_secs(10)).await;
    plane.kubectl(&["label", "job", "train", "team=search", "--field-manager=somebody"]).await?;
    let over = acceptance::until("both Jobs are over", LIMIT, async || {
        // Nothing runs in these pods: they are done when somebody says so.
        let of_train =
            "/api/v1/namespaces/default/pods?labelSelector=job-name=train&fieldSelector=status.phase=Running";
        for pod in acceptance::api::items(&api.get(of_train).await?) {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            let done = json!({ "status": { "phase": "Succeeded" } });
            api.patch(&format!("/api/v1/namespaces/default/pods/{name}/status"), &done).await?;
        }
        let (train, stuck) = (api.get(&format!("{jobs}/train")).await?, api.get(&format!("{jobs}/stuck")).await?);
        let failed = stuck["status"]["conditions"].as_array().into_iter().flatten().find(|of| of["type"] == "Failed");
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let (began, done) = (text(&train["status"]["startTime"]), text(&train["status"]["completionTime"]));
        Ok(began.zip(done).zip(failed.and_then(|of| text(&of["lastTransitionTime"]))))
    });
    let ((began, done), failed) = over.await?;

    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    for (title, kind, at) in [
        ("train began", MarkKind::JobBegan, began),
        ("train done", MarkKind::JobEnded, done),
        ("stuck failed", MarkKind::Condition, failed),
    ] {
        let told = mark(&watched, title, |mark| mark.title == title).await?;
        assert_eq!((told.key.kind, told.key.at.to_string(), told.rebuilt), (kind, at, true), "{told:?}");
    }
    let began = mark(&watched, "its size", |mark| mark.title == "train began").await?;
    assert_eq!(began.detail.as_deref(), Some("4 GPUs"));
    let failed = mark(&watched, "its reason", |mark| mark.title == "stuck failed").await?;
    assert!(failed.detail.as_deref().is_some_and(|why| why.starts_with("DeadlineExceeded")), "{failed:?}");
    let wrote = mark(&watched, "who wrote into it", |mark| mark.by.as_deref() == Some("somebody")).await?;
    assert_eq!((wrote.title.as_str(), wrote.key.kind), ("train changed", MarkKind::Config));
    assert!(!watched.ribbon().marks.rows().iter().any(|mark| mark.title.contains("small")), "it moves no GPU");
    Ok(())
}

#[tokio::test]
async fn what_was_deleted_while_nobody_could_watch_is_gone_and_what_was_not_stays() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("gone", 2, 8), LIMIT).await?;
    for name in ["stays", "goes"] {
        a_deployment(&plane, name).await?;
    }
    let relay = Relay::start(Kind::Plain, &plane.url()).await?;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, plane.ca_pem()).unwrap();
    let cluster = json!({ "server": format!("https://{}", relay.address), "certificate-authority": ca });
    let file = kubeconfig(folder.path(), cluster, json!({ "token": plane.admin_token() })).unwrap();
    let watched = Watched::start(&Settings::new(&file))?;
    let known = |source: &pilothouse_world::Source| {
        let there = |name: &&str| source.controller("Deployment", "default", name).is_some();
        let names: Vec<&str> = ["stays", "goes"].into_iter().filter(there).collect();
        (names.join(" "), source.revisions_known())
    };
    let until = async |want: (&str, usize)| {
        let is = |source: &pilothouse_world::Source| (known(source) == (want.0.to_owned(), want.1)).then_some(());
        watched.until(&format!("{want:?} is known"), is).await
    };
    until(("stays goes", 2)).await?;

    relay.shut(true);
    watched.until_problem("Lost").await?;
    plane.kubectl(&["delete", "deployment", "goes", "--wait=true"]).await?;
    let api = plane.api()?;
    acceptance::until("its ReplicaSet is collected", LIMIT, async || {
        let sets = api.get("/apis/apps/v1/namespaces/default/replicasets").await?;
        Ok((acceptance::api::items(&sets).len() == 1).then_some(()))
    })
    .await?;
    assert_eq!(watched.see(known), Some(("stays goes".into(), 2)), "what was known stays while nobody can watch");
    relay.shut(false);
    watched.until_well().await?;
    until(("stays", 1)).await?;
    // No watch said so: the listing did.
    assert!(!watched.said().contains("ControllerGone(\"Deployment\", \"default\", \"goes\")"));
    Ok(())
}

#[tokio::test]
async fn who_may_not_read_controllers_has_a_cluster_that_is_well_and_is_told_what_is_missing() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let (account, token) = plane.service_account("default", "reader").await?;
    let rules = [
        Rule::new("", &["nodes", "namespaces", "pods", "services"], &["get", "list", "watch"]),
        Rule::new("events.k8s.io", &["events"], &["list", "watch"]),
    ];
    plane.grant(&account, None, &rules).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig_for(&token)?))?;
    watched.until_well().await?;
    let said = |source: &pilothouse_world::Source| {
        source.probed.may_not.iter().find(|what| what.contains("replicasets")).map(ToString::to_string)
    };
    let missing = watched.until("it is said what is missing", said).await?;
    assert!(missing.contains("deployments") && missing.contains("not rebuilt"), "{missing}");
    assert_eq!(watched.words().last(), Some(&"Well"));
    Ok(())
}

#[tokio::test]
async fn a_change_of_settings_says_from_what_to_what_and_names_what_it_refers_to() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("settings", 2, 8), LIMIT).await?;
    a_deployment(&plane, "chat").await?;
    for (name, value) in [("routes", "canary-5b1f"), ("modes", "canary-77aa")] {
        plane.kubectl(&["create", "configmap", name, &format!("--from-literal=mode={value}")]).await?;
    }
    plane.kubectl(&["create", "secret", "generic", "keys", "--from-literal=key=canary-91cc"]).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Before anybody watches: by the listing, in protobuf.
    let amounts = "nvidia.com/gpu=2,cpu=4";
    let (limits, requests) = (format!("--limits={amounts}"), format!("--requests={amounts}"));
    plane.kubectl(&["set", "resources", "deployment/chat", &limits, &requests]).await?;
    plane.kubectl(&["rollout", "status", "deployment/chat", "--timeout=60s"]).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    let config = |mark: &Mark, part: &str| {
        let says = |text: &str| text.contains(part);
        mark.key.kind == MarkKind::Config && (says(&mark.title) || mark.detail.as_deref().is_some_and(says))
    };
    let first = mark(&watched, "what it asks for", |mark| config(mark, "cpu 1 → 4")).await?;
    assert_eq!(first.title, "chat nvidia.com/gpu 1 → 2");
    assert_eq!(first.detail.as_deref(), Some("cpu 1 → 4, revision 1 → 2"));
    assert!(first.rebuilt, "{first:?}");

    // While it is watched, in JSON.
    plane.kubectl(&["set", "env", "deployment/chat", "--from=configmap/routes"]).await?;
    let came = mark(&watched, "what it refers to", |mark| config(mark, "+ ConfigMap routes")).await?;
    assert_eq!(came.title, "chat + variable MODE");
    assert_eq!(came.detail.as_deref(), Some("+ ConfigMap routes, revision 2 → 3"));
    assert!(!came.rebuilt, "{came:?}");
    plane.kubectl(&["set", "env", "deployment/chat", "--from=configmap/modes"]).await?;
    let moved = mark(&watched, "the other ConfigMap", |mark| config(mark, "revision 3 → 4")).await?;
    assert_eq!(moved.title, "chat ConfigMap routes → modes");
    plane.kubectl(&["set", "env", "deployment/chat", "--from=secret/keys"]).await?;
    mark(&watched, "which Secret", |mark| config(mark, "+ Secret keys")).await?;
    let started = json!([{ "op": "add", "path": "/spec/template/spec/containers/0/args", "value": ["--api-key", "canary-0d3c"] }]);
    plane.kubectl(&["patch", "deployment/chat", "--type=json", "-p", &started.to_string()]).await?;
    mark(&watched, "its arguments", |mark| mark.title == "chat arguments changed").await?;
    assert!(!watched.said().contains("canary"), "no value is kept");
    Ok(())
}
