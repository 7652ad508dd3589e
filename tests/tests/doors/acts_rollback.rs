//! "Can I go back?" of a real cluster with a real registry: each grade, and the way back then taken, which ends as graded.
//!
//! kwok plays the nodes: it pulls no image and mounts no volume. Whether pods come is decided by real parts all the same: the
//! scheduler that finds no GPU, the API server that knows no account. For the kubelet, which starts no container without its
//! Secret, a policy of the API server stands: it takes no pod that mounts the Secret while there is none.

use crate::rollback_support::{
    LIMIT, Named, Site, Wish, asked, checked, connected, kept_as, node_has, rollback, taken,
};
use acceptance::{
    Context, ControlPlane, GPU, GpuNodes, POOL_LABEL, Registry, Result, Rollouts, Rule, acting::interrupted,
    registry::Content, until,
};
use pilothouse_engine::{Clock, Engine, Options, Paths};
use pilothouse_wire::back::Took;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn ready_goes_back_and_is_verified() -> Result<()> {
    let site = Site::start("ready", Wish::new(8, 1, 0)).await?;
    let check = site.check().await?;
    check.says("ready", 0, "Holds Revision: Revision 1 is kept.");
    check.says("ready", 0, &format!("Holds Image {}: models has it at the digest that ran", site.image("v1")));
    check.says("ready", 0, "Holds Secret hf-token: It is there.");
    check.says("ready", 0, "Holds GPUs: 2 pods of 2 GPUs fit beside those that run; 1 comes at once.");
    check.says("ready", 0, "Holds API: Deployment of apps/v1 is served.");
    assert!(check.takes.ends_with("by its last change, as its server keeps it"), "{check:?}");

    // Where no node says which digest ran, its tag alone is not enough.
    site.node_has(&[]).await?;
    let tag = format!("Unknown Image {}: models has its tag", site.image("v1"));
    site.check().await?.says("unknown", 3, &tag);
    site.node_has(&[("v1", &site.first)]).await?;

    let plan = site.rollback(&["--plan"]).await?;
    for part in ["go back from revision 2 to 1? ready", "Take Deployment", "holds    Secret hf-token", "would take it"]
    {
        assert!(plan.out.contains(part), "{part}: {plan:?}");
    }
    assert!(site.running().await?.ends_with(":v2"));
    assert_eq!(site.taken(&[]).await?, (0, "verified".to_owned()));
    assert!(site.running().await?.ends_with(":v1"));

    // And forth again, which is a way back, too, once a node says which digest ran.
    site.check().await?.says("unknown", 3, &format!("Unknown Image {}: models has its tag", site.image("v2")));
    site.node_has(&[("v1", &site.first), ("v2", &site.second)]).await?;
    site.check().await?.says("ready", 0, &format!("Holds Image {}: models has it", site.image("v2")));
    let said = site.rollback(&["--to", "2", "--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: 2 of 2 pods are ready"), "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_waits_for_pods_to_end_and_is_verified() -> Result<()> {
    // The node is full with its two pods, of which one may be missing.
    let site = Site::start("slow", Wish::new(4, 1, 1)).await?;
    let check = site.check().await?;
    check.says("slow", 0, "Slow GPUs: No pod of 2 GPUs fits: 1 pod ends before others can begin.");
    assert_eq!(site.taken(&[]).await?, (0, "verified".to_owned()));
    assert!(site.running().await?.ends_with(":v1"));
    Ok(())
}

/// A StatefulSet of two pods in the place of the Deployment, which came from `v1` to `v2`.
async fn stateful(site: &Site) -> Result<()> {
    site.kubectl(&["delete", "deployment", "chat"]).await?;
    let set = |tag: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": { "name": "chat", "namespace": site.namespace },
            "spec": {
                "replicas": 2, "serviceName": "chat", "selector": { "matchLabels": { "app": "set" } },
                "template": { "metadata": { "labels": { "app": "set" } }, "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "nodeSelector": { POOL_LABEL: site.pool },
                    "containers": [{ "name": "server", "image": site.image(tag) }],
                } },
            },
        })
    };
    for tag in ["v1", "v2"] {
        site.plane.apply(&set(tag).to_string()).await?;
        site.kubectl(&["rollout", "status", "statefulset/chat", "--timeout=90s"]).await?;
    }
    Ok(())
}

/// What the pods of the StatefulSet run.
async fn images(site: &Site) -> Result<String> {
    site.kubectl(&["get", "pods", "-l", "app=set", "-o", "jsonpath={.items[*].spec.containers[0].image}"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_goes_back_in_place_which_is_slow() -> Result<()> {
    let site = Site::start("stateful", Wish::new(8, 1, 0)).await?;
    stateful(&site).await?;
    let check = site.check().await?;
    check.says("slow", 0, "Slow Moves: Each pod ends before the one in its place begins.");
    check.says("slow", 0, "Holds Revision: Revision 1 is kept.");
    assert_eq!(site.taken(&[]).await?, (0, "verified".to_owned()));
    assert_eq!(images(&site).await?, [site.image("v1"), site.image("v1")].join(" "));
    // Of v2 no node says which digest ran.
    let tag = format!("Unknown Image {}: models has its tag", site.image("v2"));
    site.check().await?.says("unknown", 3, &tag);
    assert_eq!(site.taken(&[]).await?, (0, "verified".to_owned()));
    assert_eq!(images(&site).await?, [site.image("v2"), site.image("v2")].join(" "));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_pods_wait_to_be_deleted_it_is_not_possible_and_nothing_moves_by_itself() -> Result<()> {
    let site = Site::start("on-delete", Wish::new(8, 1, 0)).await?;
    stateful(&site).await?;
    let by_hand = json!({ "spec": { "updateStrategy": { "type": "OnDelete", "rollingUpdate": null } } });
    site.plane.api()?.patch(&site.path("/apis/apps/v1", "statefulsets/chat"), &by_hand).await?;
    let check = site.check().await?;
    check.says("not possible", 1, "Fails Moves: Its pods go back only when somebody deletes them.");

    // The template goes back, and no pod by itself.
    let waits = async || {
        let template = ["get", "statefulset", "chat", "-o", "jsonpath={.spec.template.spec.containers[0].image}"];
        until("the template is that of before", LIMIT, async || {
            Ok((site.kubectl(&template).await? == site.image("v1")).then_some(()))
        })
        .await?;
        until("the controller has seen it, and has made no pod anew", LIMIT, async || {
            let both = "jsonpath={.metadata.generation} {.status.observedGeneration}";
            let said = site.kubectl(&["get", "statefulset", "chat", "-o", both]).await?;
            Ok(said.split_once(' ').is_some_and(|(made, seen)| made == seen).then_some(()))
        })
        .await?;
        assert_eq!(images(&site).await?, [site.image("v2"), site.image("v2")].join(" "));
        Ok(())
    };
    let words = ["rollback", "chat", "-n", &site.namespace, "--anyway", "--yes"];
    let left = interrupted(&site.terminal, &words, async || {
        waits().await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        waits().await
    })
    .await?;
    let told =
        "a person waited no longer: 0 of 2 pods are of the newest revision: each gets it when somebody deletes it";
    assert!(left.code == 4 && left.err.contains(told), "{left:?}");
    let image =
        json!([{ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": site.image("v2") }]);
    site.kubectl(&["patch", "statefulset", "chat", "--type", "json", "-p", &image.to_string()]).await?;
    site.check().await?.says("not possible", 1, "Fails Moves: Its pods go back only when somebody deletes them.");

    // It is verified only since somebody deletes them.
    let deleted = async {
        waits().await?;
        site.kubectl(&["delete", "pods", "-l", "app=set"]).await
    };
    let (taken, deleted) = tokio::join!(site.taken(&["--anyway"]), deleted);
    deleted?;
    assert_eq!(taken?, (0, "verified".to_owned()));
    assert_eq!(images(&site).await?, [site.image("v1"), site.image("v1")].join(" "));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_it_is_not_possible_and_waits_in_vain() -> Result<()> {
    // Room for one pod more, until another takes it.
    let site = Site::start("full", Wish::new(6, 1, 0)).await?;
    site.check().await?.says("ready", 0, "Holds GPUs: 1 pod of 2 GPUs fits");
    let filler = json!({ "metadata": { "name": "filler" }, "spec": {
        "nodeSelector": { POOL_LABEL: site.pool },
        "containers": [{ "name": "x", "image": "x", "resources": { "limits": { GPU: "2" } } }],
    } });
    site.create("/api/v1", "pods", &filler).await?;
    site.kubectl(&["wait", "--for=condition=Ready", "pod/filler", "--timeout=60s"]).await?;
    let check = site.check().await?;
    check.says("not possible", 1, "Fails GPUs: No pod of 2 GPUs fits, and no pod may end before another is there");
    let refused = site.rollback(&["--yes"]).await?;
    assert!(refused.code == 1 && refused.err.contains("cannot go back as it is"), "{refused:?}");
    assert!(site.running().await?.ends_with(":v2"));
    // Taken all the same, a pod waits for the scheduler until the time of the Deployment is over.
    assert_eq!(site.taken(&["--anyway"]).await?, (4, "unverified".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_it_is_not_possible_and_no_pod_comes() -> Result<()> {
    let site = Site::start("secret", Wish::new(8, 1, 0)).await?;
    site.without(Named::Secret).await?;
    site.check().await?.says("not possible", 1, "Fails Secret hf-token: It is not there: pods would not start.");
    assert_eq!(site.taken(&["--anyway"]).await?, (4, "unverified".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_account_it_is_not_possible_and_the_server_takes_no_pod() -> Result<()> {
    let site = Site::start("account", Wish { account: "engine", ..Wish::new(8, 1, 0) }).await?;
    site.check().await?.says("ready", 0, "Holds ServiceAccount engine: It is there.");
    site.kubectl(&["delete", "serviceaccount", "engine"]).await?;
    site.check().await?.says("not possible", 1, "Fails ServiceAccount engine: It is not there");
    assert_eq!(site.taken(&["--anyway"]).await?, (4, "unverified".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_revision_there_is_nothing_to_take() -> Result<()> {
    let site = Site::start("revision", Wish::new(8, 1, 0)).await?;
    // What keeps the old revision is gone, as a history limit of 0 would have it.
    let limit = json!({ "spec": { "revisionHistoryLimit": 0 } });
    site.plane.api()?.patch(&site.path("/apis/apps/v1", "deployments/chat"), &limit).await?;
    until("the old ReplicaSet is gone", LIMIT, async || {
        let sets = site.kubectl(&["get", "replicasets", "-o", "name"]).await?;
        Ok((sets.lines().count() == 1).then_some(()))
    })
    .await?;
    site.check().await?.says("not possible", 1, "Fails Revision: there is no revision before this one.");
    let said = site.rollback(&["--anyway", "--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("there is no revision before this one"), "{said:?}");
    assert!(site.running().await?.ends_with(":v2"));
    let said = site.rollback(&["--to", "7", "--check"]).await?;
    assert!(said.code == 1 && said.out.contains("revision 7 is not kept"), "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_gone_from_its_registry_or_has_moved() -> Result<()> {
    let site = Site::start("image", Wish::new(8, 1, 0)).await?;
    let what = format!("Image {}", site.image("v1"));
    site.check().await?.says("ready", 0, &format!("Holds {what}: models has it at the digest that ran"));
    let other = site.registry.push("team/chat", "v1", &Content::image("another")).await?;
    let moved =
        format!("Unknown {what}: Its tag stands at {} in models now, and {} ran", &other[..19], &site.first[..19]);
    site.check().await?.says("unknown", 3, &moved);
    site.registry.delete("team/chat", &other).await?;
    // The node has it still, and another would have nothing to start.
    site.check().await?.says("unknown", 3, &format!("Unknown {what}: models has no team/chat:v1 any more; the nodes"));
    site.node_has(&[]).await?;
    site.check().await?.says("not possible", 1, &format!("Fails {what}: models has no team/chat:v1 any more."));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_looked_at_is_unknown_and_then_ends_one_way_or_the_other() -> Result<()> {
    for (name, is_there) in [("there", true), ("away", false)] {
        let site = Site::start(&format!("denied-{name}"), Wish::new(8, 1, 0)).await?;
        if !is_there {
            site.without(Named::Secret).await?;
        }
        let terminal = site.on_call(&[]).await?;
        let check = checked(&terminal, &site.namespace).await?;
        check.says("unknown", 3, "Unknown Secret hf-token: Not known: 403 for");
        let want = if is_there { (0, "verified".to_owned()) } else { (4, "unverified".to_owned()) };
        assert_eq!(taken(&terminal, &site.namespace, &[]).await?, want);

        // Without its registry nobody says whether the image is there.
        if is_there {
            let alone = connected(&site.plane.kubeconfig(), "admin", None).await?;
            let line = format!("Unknown Image {}: No registry that is connected is called 127.0.0.1", site.image("v2"));
            checked(&alone, &site.namespace).await?.says("unknown", 3, &line);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_map_that_may_not_be_looked_at_is_unknown_and_one_that_is_gone_keeps_pods_from_coming() -> Result<()> {
    let site = Site::start("flags", Wish::new(8, 1, 0)).await?;
    site.check().await?.says("ready", 0, "Holds ConfigMap engine-flags: It is there.");
    // Who may look at Secrets alone is told so, and gets there, since it is there.
    let terminal = site.on_call(&[Rule::new("", &["secrets"], &["get"])]).await?;
    let check = checked(&terminal, &site.namespace).await?;
    check.says("unknown", 3, "Unknown ConfigMap engine-flags: Not known: 403 for");
    check.says("unknown", 3, "Holds Secret hf-token: It is there.");
    assert_eq!(taken(&terminal, &site.namespace, &[]).await?, (0, "verified".to_owned()));
    assert!(site.running().await?.ends_with(":v1"));

    // Once it is gone no pod of before would start: begun all the same, it does not end.
    site.to_v2().await?;
    site.without(Named::ConfigMap).await?;
    let fails = "Fails ConfigMap engine-flags: It is not there: pods would not start.";
    site.check().await?.says("not possible", 1, fails);
    let refused = site.rollback(&["--yes"]).await?;
    assert!(refused.code == 1 && refused.err.contains("cannot go back as it is"), "{refused:?}");
    assert!(site.running().await?.ends_with(":v2"));
    assert_eq!(site.taken(&["--anyway"]).await?, (4, "unverified".to_owned()));
    Ok(())
}

/// Of what is Kubernetes' own the server converts what it kept in a version that is served no more, and its controller goes by that.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_was_kept_in_a_version_of_before_is_gone_back_to() -> Result<()> {
    let site = Site::start("older", Wish::new(8, 1, 0)).await?;
    let first = ("deployment.kubernetes.io/revision", "1");
    kept_as(site.plane, &site.namespace, first, "extensions/v1beta1").await?;
    let check = site.check().await?;
    check.says("ready", 0, "Holds API: Deployment of apps/v1 is served.");
    assert_eq!(site.taken(&[]).await?, (0, "verified".to_owned()));
    assert!(site.running().await?.ends_with(":v1"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_it_should_take_is_told_by_what_was_seen_now_and_later_by_the_record() -> Result<()> {
    let site = Site::start("took", Wish::new(8, 1, 0)).await?;
    // It reads the kubeconfig that the settings name, whatever this process has in its environment.
    let edit = format!("kubeconfig={}", site.plane.kubeconfig().display());
    site.terminal.good(&["connect", "edit", "cluster", "--set", &edit]).await?;
    let paths = Paths::under(site.terminal.home());
    let options = Options { paths, demo: false, only: None, record: true, clock: Clock::system() };
    let operator = Engine::start(options).await.could_not("start an engine")?;
    operator.reader().settled(LIMIT).await;
    // Before it has seen a change, its server's word stands.
    until("the service is read", LIMIT, async || {
        let took = asked(&operator, &site.namespace).await?.took;
        Ok(took.words().ends_with("its last change, as its server keeps it").then_some(()))
    })
    .await?;
    // Back through the terminal: seen by the engine, as anybody's change would be.
    assert_eq!(site.taken(&[]).await?, (0, "verified".to_owned()));
    let seen = until("the change is seen", LIMIT, async || {
        let took = asked(&operator, &site.namespace).await?.took;
        Ok(took.words().ends_with("its last change, as it was seen").then_some(took))
    })
    .await?;
    let Took::Between { least_ms, most_ms, .. } = seen else { panic!("{seen:?}") };
    assert!(least_ms == most_ms && least_ms > 0, "{seen:?}");
    operator.shutdown().await;
    // Another run has seen nothing itself, and reads it in the record.
    let check = site.check().await?;
    assert!(check.takes.ends_with("its last change, as it was seen"), "{check:?}");
    Ok(())
}

/// A Rollout goes back by an abort while it is on its way, to its stable revision once it was stopped, and else by its steps.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_goes_back_as_it_stands() -> Result<()> {
    let plane = ControlPlane::start(acceptance::Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("argo", 1, 8), LIMIT).await?;
    let rollouts = Rollouts::start(&plane).await?;
    let registry = Registry::start().await?;
    let first = registry.push("team/chat", "v1", &Content::image("v1")).await?;
    let second = registry.push("team/chat", "v2", &Content::image("v2")).await?;
    let repository = format!("{}/team/chat", registry.host());
    node_has(&plane, "argo-0000", &repository, &[("v1", &first), ("v2", &second)]).await?;
    let terminal = connected(&plane.kubeconfig(), "admin", Some(&registry)).await?;
    let rollout = |tag: &str| {
        let container = json!({
            "name": "server", "image": format!("{}/team/chat:{tag}", registry.host()),
            "resources": { "limits": { GPU: "1" } },
        });
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "chat", "namespace": "default" },
            "spec": {
                "replicas": 4, "progressDeadlineSeconds": 20, "selector": { "matchLabels": { "app": "chat" } },
                "strategy": { "canary": {
                    "maxSurge": 1, "maxUnavailable": 0, "steps": [{ "setWeight": 25 }, { "pause": {} }],
                } },
                "template": {
                    "metadata": { "labels": { "app": "chat" } },
                    "spec": { "terminationGracePeriodSeconds": 0, "containers": [container] },
                },
            },
        })
        .to_string()
    };
    plane.apply(&rollout("v1")).await?;
    rollouts.until("default", "chat", "Status", "Healthy").await?;
    plane.apply(&rollout("v2")).await?;
    rollouts.until("default", "chat", "Status", "Paused").await?;

    // On its way: the stable pods are there, and an abort gives all traffic back to them.
    let check = checked(&terminal, "default").await?;
    check.says("ready", 0, "Holds Revision: Revision 1 is kept. 3 of its pods are ready.");
    check.says("ready", 0, "Holds API: Rollout of argoproj.io/v1alpha1 is served.");
    let said = rollback(&terminal, "default", &["--yes"]).await?;
    assert!(said.code == 0 && said.out.contains("Abort Rollout"), "{said:?}");
    assert!(said.err.contains("verified: all traffic is at the stable revision"), "{said:?}");
    rollouts.until("default", "chat", "Status", "Degraded").await?;

    // Stopped: what its spec asks for goes back, too. No pod has to start for it, so that no image is needed.
    registry.delete("team/chat", &first).await?;
    let check = checked(&terminal, "default").await?;
    check.says("ready", 0, "Holds GPUs: All 4 pods of it are there.");
    check.says("ready", 0, &format!("Moot Image {}/team/chat:v1: models has no team/chat:v1", registry.host()));
    assert_eq!(taken(&terminal, "default", &[]).await?, (0, "verified".to_owned()));
    rollouts.until("default", "chat", "Status", "Healthy").await?;

    // From the one that all have to another there is no other way than the steps.
    let check = checked(&terminal, "default").await?;
    check.says("slow", 0, "Slow Moves: It goes by the 2 steps of its strategy, of which step 2 waits for a person.");
    // The same, where its definition has no longer the version as which the revision was kept: nobody can tell whether its
    // controller takes it, and the real one does.
    let kept = ("rollout.argoproj.io/revision", "2");
    kept_as(&plane, "default", kept, "argoproj.io/v1beta1").await?;
    let unserved = "Unknown API: Not known: Rollout is served as argoproj.io/v1alpha1, and not as argoproj.io/v1beta1";
    checked(&terminal, "default").await?.says("unknown", 3, unserved);
    let said = rollback(&terminal, "default", &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: it waits at step 2 of 2"), "{said:?}");
    rollouts.until("default", "chat", "Status", "Paused").await?;

    // All the way there, the image of before is in no registry any more: only the nodes that have it could start it.
    let promoted = terminal.call(&["act", "promote", "rollout", "chat", "-n", "default", "--full", "--yes"]).await?;
    assert_eq!(promoted.code, 0, "{promoted:?}");
    rollouts.until("default", "chat", "Status", "Healthy").await?;
    let gone = format!("Unknown Image {}/team/chat:v1: models has no team/chat:v1 any more; the node", registry.host());
    checked(&terminal, "default").await?.says("unknown", 3, &gone);
    let said = rollback(&terminal, "default", &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: it waits at step 2 of 2"), "{said:?}");
    let said = terminal.call(&["act", "abort", "rollout", "chat", "-n", "default", "--yes"]).await?;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(taken(&terminal, "default", &[]).await?, (0, "verified".to_owned()));
    rollouts.until("default", "chat", "Status", "Healthy").await?;

    // And without room for a pod beside those that serve it begins and does not end.
    let filler = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "filler", "namespace": "default" },
        "spec": { "containers": [{ "name": "x", "image": "x", "resources": { "limits": { GPU: "4" } } }] },
    });
    until("another has the rest of the GPUs", LIMIT, async || {
        plane.apply(&filler.to_string()).await?;
        let phase = plane.kubectl(&["get", "pod", "filler", "-n", "default", "-o", "jsonpath={.status.phase}"]).await?;
        Ok((phase == "Running").then_some(()))
    })
    .await?;
    let fails = "Fails GPUs: No pod of 1 GPUs fits, and no pod may end before another is there";
    checked(&terminal, "default").await?.says("not possible", 1, fails);
    assert_eq!(taken(&terminal, "default", &["--anyway"]).await?, (4, "unverified".to_owned()));
    Ok(())
}
