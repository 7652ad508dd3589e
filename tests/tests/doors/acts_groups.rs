//! The way back of a LeaderWorkerSet: both templates of a revision are looked at, each grade is then taken and ends as graded.
//!
//! Its controller is not built here: the kind is defined with an open schema, and what that controller would keep (its revisions, in
//! its own form) and say (its status) is the test's. Nodes, Secrets and the registry of its images are real ones.

use crate::rollback_support::{LIMIT, checked, connected, rollback, taken};
use acceptance::{
    Api, ControlPlane, Failure, GPU, GpuNodes, POOL_LABEL, Registry, Result, acting::interrupted,
    definitions::LEADER_WORKER_SET, registry::Content, until,
};
use serde_json::{Value, json};
use std::time::Duration;

const SECRET: &str = "hf-token";

/// Both templates of a group of three pods with two GPUs each; only workers of `v1` mount the Secret.
fn templates(image: &str, pool: &str, mounts: bool) -> Value {
    let template = |mounts: bool| {
        let container = json!({ "name": "engine", "image": image, "resources": { "limits": { GPU: "2" } } });
        let mut spec = json!({ "nodeSelector": { POOL_LABEL: pool }, "containers": [container] });
        if mounts {
            spec["volumes"] = json!([{ "name": "token", "secret": { "secretName": SECRET } }]);
        }
        json!({ "spec": spec })
    };
    json!({ "size": 3, "leaderTemplate": template(false), "workerTemplate": template(mounts) })
}

/// A revision as its controller keeps it.
fn revision(number: u64, of: &Value, owner: &Value) -> Value {
    let replaced = |mut of: Value| {
        of["$patch"] = json!("replace");
        of
    };
    json!({
        "metadata": { "name": format!("chat-{number}"), "ownerReferences": [owner] }, "revision": number,
        "data": { "spec": {
            "leaderWorkerTemplate": replaced(of.clone()), "networkConfig": replaced(json!({ "subdomainPolicy": "Shared" })),
        } },
    })
}

/// Says of the groups what their controller would once so many are of the newest revision and ready.
async fn says(api: &Api, path: &str, done: u64) -> Result<()> {
    let generation = api.get(path).await?["metadata"]["generation"].clone();
    let status =
        json!({ "replicas": 2, "updatedReplicas": done, "readyReplicas": done, "observedGeneration": generation });
    api.patch(&format!("{path}/status"), &json!({ "status": status })).await.map(drop)
}

/// Plays their controller, until it cannot any more.
async fn controller(api: &Api, path: &str, done: u64) -> Failure {
    loop {
        if let Err(failure) = says(api, path, done).await {
            return failure;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_go_back_to_both_templates_of_a_revision() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    plane.define(&[LEADER_WORKER_SET]).await?;
    let namespace = plane.namespace("groups").await?;
    plane.add_gpu_nodes(&GpuNodes::new(&namespace, 2, 8), LIMIT).await?;
    let registry = Registry::start().await?;
    let mut images = Vec::new();
    for tag in ["v1", "v2"] {
        let digest = registry.push("team/chat", tag, &Content::image(tag)).await?;
        images.push(format!("{}/team/chat@{digest}", registry.host()));
    }
    let [first, second] = [0, 1].map(|at| templates(&images[at], &namespace, at == 0));
    let api = plane.api()?;
    let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
    api.create(&secrets, &json!({ "metadata": { "name": SECRET }, "stringData": { "token": "canary" } })).await?;
    let mut now = second.clone();
    now["maxGroupRestarts"] = json!(3);
    let groups = json!({
        "apiVersion": LEADER_WORKER_SET.api_version(), "kind": LEADER_WORKER_SET.kind, "metadata": { "name": "chat" },
        "spec": {
            "replicas": 2, "leaderWorkerTemplate": now, "networkConfig": { "subdomainPolicy": "Shared" },
            "rolloutStrategy": { "rollingUpdateConfiguration": { "maxSurge": 1, "maxUnavailable": 0 } },
        },
    });
    let path = LEADER_WORKER_SET.path(&namespace, "chat");
    let made = api.create(&LEADER_WORKER_SET.path(&namespace, ""), &groups).await?;
    let owner = json!({
        "apiVersion": LEADER_WORKER_SET.api_version(), "kind": LEADER_WORKER_SET.kind, "name": "chat",
        "uid": made["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    });
    let revisions = format!("/apis/apps/v1/namespaces/{namespace}/controllerrevisions");
    for (number, of) in [(1, &first), (2, &second)] {
        api.create(&revisions, &revision(number, of, &owner)).await?;
    }
    says(&api, &path, 2).await?;
    let terminal = connected(&plane.kubeconfig(), "admin", Some(&registry)).await?;
    let running = async || {
        let of = api.get(&path).await?["spec"]["leaderWorkerTemplate"].clone();
        let image = |name: &str| of[name]["spec"]["containers"][0]["image"].as_str().map(str::to_owned);
        assert_eq!((&of["maxGroupRestarts"], &of["$patch"]), (&json!(3), &Value::Null), "what is of no revision stays");
        Ok::<_, Failure>([image("leaderTemplate"), image("workerTemplate")])
    };
    let both = |at: usize| [Some(images[at].clone()), Some(images[at].clone())];

    // What an undo would do, of pods and of both templates.
    let plan = terminal.call(&["act", "undo", "leaderworkerset", "chat", "-n", &namespace, "--plan"]).await?;
    for part in ["back to revision 1", "6 pods", "/spec/leaderWorkerTemplate/workerTemplate", "would take it"] {
        assert!(plan.out.contains(part), "{part}: {plan:?}");
    }

    // All of it is there, also what only its workers need.
    let check = checked(&terminal, &namespace).await?;
    check.says("ready", 0, "Holds Revision: Revision 1 is kept.");
    check.says("ready", 0, &format!("Holds Image {}: models has it by its digest.", images[0]));
    check.says("ready", 0, "Holds Secret hf-token: It is there.");
    check.says("ready", 0, "Holds GPUs: 2 groups of 6 GPUs fit beside those that run; 1 comes at once.");
    check.says("ready", 0, "Holds API: LeaderWorkerSet of leaderworkerset.x-k8s.io/v1 is served.");
    let ended = tokio::select! {
        ended = taken(&terminal, &namespace, &[]) => ended?,
        failed = controller(&api, &path, 2) => return Err(failed),
    };
    assert_eq!((ended, running().await?), ((0, "verified".to_owned()), both(0)));

    // Forth again, each group in the place of the one before.
    api.patch(&path, &json!({ "spec": { "rolloutStrategy": null } })).await?;
    let check = checked(&terminal, &namespace).await?;
    check.says("slow", 0, "Slow Moves: Each group ends before the one in its place begins.");
    check.says("slow", 0, "Holds GPUs: A group that ends frees the 6 GPUs that the one in its place takes.");
    let said = tokio::select! {
        said = rollback(&terminal, &namespace, &["--yes"]) => said?,
        failed = controller(&api, &path, 2) => return Err(failed),
    };
    assert!(said.code == 0 && said.err.contains("verified: 2 of 2 groups are ready"), "{said:?}");
    assert!(said.err.contains("pilothouse act undo leaderworkerset chat"), "{said:?}");
    assert_eq!(running().await?, both(1));

    // Without what its workers mount no group of before would come: begun all the same, it does not end.
    api.delete(&format!("{secrets}/{SECRET}")).await?;
    checked(&terminal, &namespace).await?.says("not possible", 1, "Fails Secret hf-token: It is not there: pods would");
    let refused = rollback(&terminal, &namespace, &["--yes"]).await?;
    assert!(refused.code == 1 && refused.err.contains("cannot go back as it is"), "{refused:?}");
    assert_eq!(running().await?, both(1));
    let words = ["rollback", "chat", "-n", &namespace, "--anyway", "--yes"];
    let left = interrupted(&terminal, &words, async || {
        until("both templates are those of before", LIMIT, async || Ok((running().await? == both(0)).then_some(())))
            .await?;
        // The first group ended, and no other comes in its place.
        says(&api, &path, 0).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(())
    })
    .await?;
    let told = "a person waited no longer: 0 of 2 groups are of the newest revision";
    assert!(left.code == 4 && left.err.contains(told), "{left:?}");

    // Once its controller is through it keeps no other revision, and there is none to go back to.
    api.delete(&format!("{revisions}/chat-2")).await?;
    let said = rollback(&terminal, &namespace, &["--check"]).await?;
    assert!(said.code == 1 && said.out.contains("keeps another revision only while it goes"), "{said:?}");
    Ok(())
}
