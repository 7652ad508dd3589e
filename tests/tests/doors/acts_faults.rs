//! Doing something when it goes wrong: two people at once, an answer that is lost behind the write, a server that cannot try, a
//! webhook that fails, a right that is lost, a registry that is gone between the plan and the deed, and a service with two hundred revisions.

use std::path::Path;
use std::time::Duration;

use acceptance::acting::{self, confirmed, planned};
use acceptance::between::Between;
use acceptance::mlflow::Trained;
use acceptance::{
    Context, ControlPlane, Failure, GpuNodes, GpuPods, Mlflow, Options, Result, Rule, Subject, Terminal, User, until,
};
use pilothouse_wire::{
    ConnectionId, ModelId, ObjectRef,
    plan::{ActionState, Deed},
};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// A cluster with a Deployment of two pods.
async fn served() -> Result<(ControlPlane, String)> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("faults", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    Ok((plane, namespace))
}

fn chat(connection: &str, namespace: &str) -> ObjectRef {
    ObjectRef::Workload(ConnectionId::slug(connection), namespace.into(), "Deployment".into(), "chat".into())
}

/// Something between, and a terminal that goes by way of it.
async fn between(plane: &ControlPlane) -> Result<(Between, Terminal)> {
    let between = Between::start(plane).await?;
    let terminal = Terminal::holding(&between.kubeconfig(plane.admin_token()))?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "between"]).await?;
    terminal.good(&["connect", "operate", "between"]).await?;
    Ok((between, terminal))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_people_at_once_one_is_told_that_the_other_was_first() -> Result<()> {
    let (plane, namespace) = served().await?;
    let (one, other) = (acting::terminal(&plane).await?, acting::terminal(&plane).await?);
    let [one, other] = [acting::engine(&one).await?, acting::engine(&other).await?];
    let object = chat("admin", &namespace);
    let first = planned(&one, &object, Deed::Scale(3)).await?;
    let second = planned(&other, &object, Deed::Scale(4)).await?;
    let (first, second) = tokio::join!(confirmed(&one, &first), confirmed(&other, &second));
    let states = [first?.state, second?.state];
    let refused = |state: &&ActionState| matches!(state, ActionState::Refused(problem) if problem.what.contains("changed since it was planned"));
    let wrote = |state: &&ActionState| matches!(state, ActionState::Verified(_));
    assert_eq!((states.iter().filter(refused).count(), states.iter().filter(wrote).count()), (1, 1), "{states:?}");
    one.shutdown().await;
    other.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_behind_the_write_is_looked_for_and_not_sent_again() -> Result<()> {
    let (plane, namespace) = served().await?;
    let (between, terminal) = between(&plane).await?;
    between.lose(true);
    let scale = ["act", "scale", "deployment", "chat", "-n", &namespace, "--to", "3", "--yes"];
    let said = terminal.call(&scale).await?;
    assert!(said.code == 0 && said.err.contains("verified: 3 of 3 pods are ready"), "{said:?}");
    between.lose(false);
    // The creation and one write: what sends twice makes more of them.
    let generation = ["get", "deployment", "chat", "-n", &namespace, "-o", "jsonpath={.metadata.generation}"];
    assert_eq!(plane.kubectl(&generation).await?, "2");
    let book = terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("verified: 3 of 3 pods"), "{book}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_cannot_try_is_said_and_can_be_done_all_the_same() -> Result<()> {
    let (plane, namespace) = served().await?;
    let (between, terminal) = between(&plane).await?;
    between.refuse_to_try(true);
    let scale = ["act", "scale", "deployment", "chat", "-n", &namespace, "--to", "3"];
    let plan = terminal.call(&[&scale[..], &["--plan"]].concat()).await?;
    let words = "not tried admission webhook \"quota.example.com\" does not support dry run";
    assert!(plan.code == 0 && plan.out.contains(words) && !plan.out.contains("Blocked"), "{plan:?}");
    let said = terminal.call(&[&scale[..], &["--yes"]].concat()).await?;
    assert!(said.code == 0 && said.err.contains("verified: 3 of 3 pods are ready"), "{said:?}");
    Ok(())
}

/// A webhook that nobody answers for, but where somebody only tries.
fn out_of_reach(namespace: &str) -> String {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "out-of-reach" },
        "webhooks": [{
            "name": "quota.example.com", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": { "url": "https://127.0.0.1:1/" }, "timeoutSeconds": 2,
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
            "matchConditions": [
                { "name": "really", "expression": "!request.dryRun" },
                { "name": "ours", "expression": "request.options.?fieldManager.orValue('') == 'pilothouse'" },
            ],
            "rules": [{
                "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["UPDATE"],
            }],
        }],
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_is_a_refusal_and_well_pods_are_no_proof_of_a_restart() -> Result<()> {
    let (plane, namespace) = served().await?;
    let terminal = acting::terminal(&plane).await?;
    plane.apply(&out_of_reach(&namespace)).await?;
    let restart = ["act", "restart", "deployment", "chat", "-n", &namespace, "--yes"];
    let said = until("the webhook is asked", LIMIT, async || {
        let said = terminal.call(&restart).await?;
        Ok((said.code != 0).then_some(said))
    });
    let said = said.await?;
    assert!(said.code == 1 && said.err.contains("failed calling webhook"), "{said:?}");
    assert!(!said.err.contains("verified"), "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_lost_after_the_plan_is_said_with_the_role_that_gives_it() -> Result<()> {
    const PERSON: &str = "faults-token-2";
    let users = vec![User::new("person", PERSON)];
    let plane = ControlPlane::start(Options { users, ..Options::default() }).await?;
    plane.add_gpu_nodes(&GpuNodes::new("faults", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let person = Subject::User("person".into());
    let reads = &["get", "list", "watch"];
    let sets = ["deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"];
    let rules = [
        Rule::new("", &["nodes", "pods", "namespaces", "events"], reads),
        Rule::new("events.k8s.io", &["events"], reads),
        Rule::new("apps", &sets, reads),
        Rule::new("batch", &["jobs"], reads),
    ];
    plane.grant(&person, None, &rules).await?;
    plane.grant(&person, Some(&namespace), &[Rule::new("apps", &["deployments"], &["patch"])]).await?;
    let file = plane.kubeconfig_for(PERSON)?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let terminal = Terminal::new(&file)?;
    terminal.good(&["connect", "add", "kubernetes", "--context", &name, "--name", "cluster"]).await?;
    terminal.good(&["connect", "operate", "cluster"]).await?;
    // An engine of this process reads that cluster's kubeconfig whatever its environment has.
    terminal.good(&["connect", "edit", "cluster", "--set", &format!("kubeconfig={}", file.display())]).await?;
    let operator = acting::engine(&terminal).await?;
    let object = chat("cluster", &namespace);
    let mut last = None;
    let plan = until("it may be scaled", LIMIT, async || match planned(&operator, &object, Deed::Scale(3)).await {
        Ok(plan) => Ok(Some(plan)),
        Err(failure) => {
            last = Some(failure);
            Ok(None)
        }
    });
    let plan = plan.await.map_err(|failure| Failure::new(format!("{failure}: {last:?}")))?;
    plane.kubectl(&["delete", "rolebindings", "--all", "-n", &namespace]).await?;
    let may = ["auth", "can-i", "patch", "deployments.apps", "-n", &namespace, "--as", "person", "--quiet"];
    until("the right is gone", LIMIT, async || Ok(plane.kubectl(&may).await.is_err().then_some(()))).await?;
    let action = confirmed(&operator, &plan).await?;
    let ActionState::Refused(problem) = &action.state else { return Err(Failure::new(format!("{action:?}"))) };
    let text = problem.to_string();
    assert!(text.contains("We may not patch deployments in"), "{text}");
    let role = problem.remedy.clone().unwrap_or_default();
    assert!(role.contains("deployments") && role.contains("patch") && !role.contains("/apis/"), "{role}");
    operator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_goes_between_the_plan_and_the_deed_leaves_no_half_of_it() -> Result<()> {
    let mut server = Mlflow::start().await?;
    let experiment = server.experiment("chat").await?;
    server.model("chat").await?;
    for name in ["first", "second"] {
        let run = server.run(&experiment, Trained { name, ..Trained::default() }).await?;
        server.version("chat", &experiment, &run).await?;
    }
    server.alias("chat", "champion", "1").await?;
    let terminal = Terminal::new(Path::new(""))?;
    terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &server.url()]).await?;
    terminal.good(&["connect", "operate", "registry"]).await?;
    let operator = acting::engine(&terminal).await?;
    let object = ObjectRef::Model(Box::new(ModelId { source: ConnectionId::slug("registry"), name: "chat".into() }));
    let deed = Deed::SetAlias { alias: "champion".into(), version: 2 };
    let plan = planned(&operator, &object, deed.clone()).await?;
    server.kill();
    let action = confirmed(&operator, &plan).await?;
    let ActionState::Refused(problem) = &action.state else { return Err(Failure::new(format!("{action:?}"))) };
    assert!(problem.to_string().contains("registry"), "{problem}");
    server.start_again().await?;
    until("it is connected again", LIMIT, async || Ok(planned(&operator, &object, deed.clone()).await.ok())).await?;
    operator.shutdown().await;
    let models = terminal.good(&["models", "--json"]).await?;
    let models: Value = serde_json::from_str(&models).could_not("read the models")?;
    let alias = &models["models"][0]["aliases"][0];
    assert_eq!((&alias["name"], &alias["version"]), (&json!("champion"), &json!(1)), "it is where it was: {models:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_two_hundred_revisions_is_read_whole_and_goes_back_to_any() -> Result<()> {
    // With the one that runs they are two hundred.
    const OLD: usize = 199;
    let (plane, namespace) = served().await?;
    let api = plane.api()?;
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/chat");
    api.patch(&path, &json!({ "spec": { "revisionHistoryLimit": 1_000 } })).await?;
    let deployment = api.get(&path).await?;
    let owner = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "chat", "controller": true, "blockOwnerDeletion": true,
        "uid": deployment["metadata"]["uid"],
    });
    let old = (1..=OLD).map(|number| {
        let mut template = deployment["spec"]["template"].clone();
        template["metadata"]["labels"]["pod-template-hash"] = json!(format!("old{number}"));
        template["spec"]["containers"][0]["image"] = json!(format!("registry.invalid/models/server:0.{number}"));
        json!({
            "metadata": {
                "name": format!("chat-old{number}"), "labels": template["metadata"]["labels"], "ownerReferences": [owner],
                "annotations": { "deployment.kubernetes.io/revision": number.to_string() },
            },
            "spec": { "replicas": 0, "selector": { "matchLabels": template["metadata"]["labels"] }, "template": template },
        })
    });
    api.create_all(&format!("/apis/apps/v1/namespaces/{namespace}/replicasets"), old).await?;
    let newest = (OLD + 1).to_string();
    // The controller numbers the one that runs anew, behind all of them.
    until("the newest is behind the old ones", LIMIT, async || {
        let revision = api.get(&path).await?["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone();
        Ok((revision.as_str() == Some(&newest)).then_some(()))
    })
    .await?;
    let terminal = acting::terminal(&plane).await?;
    let view = terminal.json(&["rollout", "get", "chat", "--json"]).await?;
    let shown = view["service"]["revisions"].as_array().map_or(0, Vec::len);
    let left_out = view["service"]["revisions_left_out"].as_u64().unwrap_or_default();
    assert_eq!(shown as u64 + left_out, OLD as u64 + 1, "all are read: {shown} and {left_out}");
    assert_eq!(view["service"]["row"]["revisions"], OLD + 1);

    let undo = ["act", "undo", "deployment", "chat", "-n", &namespace, "--to", "100", "--yes"];
    let said = terminal.call(&undo).await?;
    assert!(said.code == 0 && said.err.contains("verified: 2 of 2 pods are ready"), "{said:?}");
    let image =
        ["get", "deployment", "chat", "-n", &namespace, "-o", "jsonpath={.spec.template.spec.containers[0].image}"];
    assert!(plane.kubectl(&image).await?.ends_with(":0.100"));
    Ok(())
}
