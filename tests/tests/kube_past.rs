//! What a real API server keeps of changes that nobody saw: they are on the ribbon, at their time, and told apart; and
//! those that are seen as they happen say from what, to what, and by whom.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each test file uses a part")]
#[path = "kube_relay.rs"]
mod kube_relay;
#[allow(dead_code, reason = "each test file uses a part")]
#[path = "kube_support.rs"]
mod kube_support;

use std::time::Duration;

use acceptance::{ControlPlane, GpuNodes, GpuPods, Options, Result, Rule, until};
use kube_relay::{Kind, Relay};
use kube_support::{LIMIT, Settings, Watched};
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
