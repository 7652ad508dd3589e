//! What a plan depends on, on a real API server: an undo on the template that it replaces, whoever moves the number of pods meanwhile;
//! the way back of a route on its rule, wherever that stands by then.

use crate::acts_routes::{Site, gateway};
use acceptance::acting::{self, confirmed, planned};
use acceptance::{ControlPlane, Failure, GpuNodes, GpuPods, Options, Result};
use pilothouse_wire::{
    ConnectionId, ObjectRef,
    plan::{Action, ActionState, Deed},
};
use serde_json::json;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const ROUTES: &str = "default";

#[track_caller]
fn is_verified(action: &Action) {
    assert!(matches!(action.state, ActionState::Verified(_)), "{action:#?}");
}

#[track_caller]
fn is_refused(action: &Action) {
    let ActionState::Refused(problem) = &action.state else { panic!("{action:#?}") };
    assert!(problem.what.contains("changed since it was planned"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_depends_on_the_template_and_not_on_the_number_of_pods_which_an_autoscaler_moves() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("guards", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    // Signs that a server writes in another way than we do, and a value that is for nobody's eyes.
    let own = json!({ "spec": { "template": { "spec": { "containers": [{
        "name": "server", "args": ["--when=a && b > c"], "env": [{ "name": "A", "value": "hunter2" }],
    }] } } } });
    let patch = own.to_string();
    plane.kubectl(&["patch", "deployment", "chat", "-n", &namespace, "-p", &patch]).await?;
    let terminal = acting::terminal(&plane).await?;
    let operator = acting::engine(&terminal).await?;
    let object =
        ObjectRef::Workload(ConnectionId::slug("admin"), namespace.as_str().into(), "Deployment".into(), "chat".into());
    let image = async || {
        let path = "jsonpath={.spec.template.spec.containers[0].image} {.spec.replicas}";
        plane.kubectl(&["get", "deployment", "chat", "-n", &namespace, "-o", path]).await
    };
    let to = |tag: &str| Deed::SetImage {
        container: "server".into(),
        image: format!("registry.invalid/models/server:{tag}").into(),
    };

    let forth = planned(&operator, &object, to("2.0.0")).await?;
    is_verified(&confirmed(&operator, &forth).await?);
    let back = planned(&operator, &object, Deed::Undo(None)).await?;
    let held = &back.plan.steps[0].guards;
    assert!(matches!(held.as_slice(), [(path, how)] if path == "/spec/template" && how.starts_with("as it was read")));
    assert!(!format!("{back:?}").contains("hunter2"), "{back:?}");
    // As an autoscaler does it: the object has another generation by that, and the same template.
    plane.kubectl(&["scale", "deployment", "chat", "-n", &namespace, "--replicas", "3"]).await?;
    is_verified(&confirmed(&operator, &back).await?);
    assert_eq!(image().await?, "registry.invalid/models/server:1.0.0 3");

    // Who changes the template meanwhile is not overwritten, and a plan of before is no plan of it.
    let forth = planned(&operator, &object, Deed::Undo(None)).await?;
    let restart = planned(&operator, &object, Deed::Restart).await?;
    plane.kubectl(&["set", "env", "deployment/chat", "-n", &namespace, "B=other"]).await?;
    is_refused(&confirmed(&operator, &forth).await?);
    is_refused(&confirmed(&operator, &restart).await?);
    // An image depends on its own field.
    let three = planned(&operator, &object, to("3.0.0")).await?;
    plane.kubectl(&["set", "env", "deployment/chat", "-n", &namespace, "B=another"]).await?;
    is_verified(&confirmed(&operator, &three).await?);
    assert_eq!(image().await?, "registry.invalid/models/server:3.0.0 3");
    operator.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_goes_back_wherever_it_stands_by_then_and_is_refused_where_it_is_not_found() -> Result<()> {
    let site = Site::start().await?;
    let patch = async |rules: serde_json::Value| {
        let patch = json!([{ "op": "replace", "path": "/spec/rules", "value": rules }]).to_string();
        let words = ["patch", "httproute", "chat", "-n", ROUTES, "--type", "json", "-p", &patch];
        site.plane.kubectl(&words).await.map(drop)
    };
    let rule = |path: &str, canary: u32| {
        json!({
            "matches": [{ "path": { "type": "PathPrefix", "value": path } }],
            "backendRefs": [
                { "name": "chat-stable", "port": 80, "weight": 90 }, { "name": "chat-canary", "port": 80, "weight": canary },
            ],
        })
    };
    let weights = async || {
        let path = "jsonpath={.spec.rules[*].backendRefs[1].weight}";
        site.plane.kubectl(&["get", "httproute", "chat", "-n", ROUTES, "-o", path]).await
    };
    let call = async |words: &[&str]| {
        tokio::select! {
            said = site.terminal.call(words) => said,
            failed = gateway(&site.plane) => Err(failed),
        }
    };
    patch(json!([rule("/v1", 10), rule("/v2", 10)])).await?;
    let forth = ["act", "weight", "httproute", "chat", "-n", ROUTES, "--to", "chat-canary=50", "--rule", "1", "--yes"];
    let said = call(&forth).await?;
    assert!(said.code == 0 && weights().await? == "50 10", "{said:?}");
    let line = said.err.lines().find_map(|line| line.split_once("To take it back: pilothouse ")).unwrap_or_default().1;
    let back: Vec<&str> = line.split_whitespace().chain(["--yes"]).collect();

    // Somebody puts another rule before it, of the same backends: by its place alone that one would be set.
    patch(json!([rule("/v2", 10), rule("/v1", 50)])).await?;
    let said = call(&back).await?;
    assert!(said.code == 0 && weights().await? == "10 10", "{line}: {said:?}");

    patch(json!([rule("/v2", 10), rule("/v9", 50)])).await?;
    let said = call(&back).await?;
    assert!(said.code == 1 && said.err.contains("What was rule 1 of HTTPRoute default/chat is not found"), "{said:?}");
    assert_eq!(weights().await?, "10 50", "nothing was done");

    // Also between the plan and the write.
    let operator = acting::engine(&site.terminal).await?;
    let object: ObjectRef = format!("workload:admin/{ROUTES}/HTTPRoute/chat")
        .parse()
        .map_err(|error| Failure::new(format!("{error:?}")))?;
    let deed = Deed::SetWeights { rule: Some(1), mark: None, weights: vec![("chat-canary".into(), 0)] };
    let plan = planned(&operator, &object, deed).await?;
    patch(json!([rule("/v9", 50), rule("/v2", 10)])).await?;
    is_refused(&confirmed(&operator, &plan).await?);
    assert_eq!(weights().await?, "50 10");
    operator.shutdown().await;
    Ok(())
}
