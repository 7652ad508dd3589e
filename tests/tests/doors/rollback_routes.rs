//! "Can I go back?" of what moves traffic alone, on a real API server with real Services and pods: each grade of a route's split,
//! and the way back then taken, which ends as graded. No gateway is here: what one would say the test writes, as `acts_routes` does.

use crate::{
    acts_routes::{Site, gateway},
    rollback_support::LIMIT,
};
use acceptance::{
    Context, Result, Rule, Said, Subject, Terminal,
    definitions::{HTTP_ROUTE, INFERENCE_POOL, MODEL_REWRITE},
    until,
};
use pilothouse_engine::{Clock, Engine, Operator, Options, Paths};
use pilothouse_wire::{Answer, Ask, Body, View, ViewSpec, When, view::FleetSpec};
use serde_json::{Value, json};

const NAMESPACE: &str = "default";
/// The token of a person whom the site knows, and who may nothing yet.
const PERSON: &str = "acts-token-2";

/// Somebody who records what is seen, with the connections of a terminal.
async fn recorder(terminal: &Terminal, kind: &str) -> Result<Operator> {
    let paths = Paths::under(terminal.home());
    let options = Options { paths, demo: false, only: None, record: true, clock: Clock::system() };
    let operator = Engine::start(options).await.could_not("start an engine")?;
    // What moved before it is followed was not seen to move.
    until("it is followed", LIMIT, async || {
        let ask = Ask::Frame { spec: ViewSpec::Delivery(FleetSpec::default()), when: When::Now };
        let Answer::Frame(frame) = operator.reader().ask(ask).await.could_not("ask")? else { return Ok(None) };
        let Body::Full(View::Delivery(view)) = frame.body else { return Ok(None) };
        Ok(view.rows.rows().iter().any(|row| row.kind == kind).then_some(()))
    })
    .await?;
    Ok(operator)
}

/// What the terminal says of the way back: its grade, its code, and each check as `state what: words`.
async fn checked(terminal: &Terminal, kind: &str) -> Result<(String, i32, Vec<String>)> {
    let said = terminal.call(&["rollback", "chat", "--kind", kind, "--check", "--json"]).await?;
    let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let way = &document["way_back"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |check: &Value| format!("{} {}: {}", text(&check["state"]), text(&check["what"]), text(&check["words"]));
    let checks = way["detail"]["checks"].as_array().into_iter().flatten().map(line).collect();
    Ok((text(&way["grade"]), said.code, checks))
}

/// Waits until it is graded so, for a reason that begins so.
async fn graded(terminal: &Terminal, kind: &str, grade: &str, code: i32, line: &str) -> Result<()> {
    let mut last = None;
    let found = until(&format!("{kind} is {grade}"), LIMIT, async || {
        let (is, ends, checks) = checked(terminal, kind).await?;
        let fits = is == grade && ends == code && checks.iter().any(|check| check.starts_with(line));
        last = Some((is, ends, checks));
        Ok(fits.then_some(()))
    })
    .await;
    assert!(found.is_ok(), "{line}: {last:#?}");
    Ok(())
}

async fn rollback(site: &Site, more: &[&str]) -> Result<Said> {
    let words = [&["rollback", "chat", "--kind", "HTTPRoute"], more].concat();
    tokio::select! {
        said = site.terminal.call(&words) => said,
        failed = gateway(&site.plane) => Err(failed),
    }
}

/// Somebody else changes the route.
async fn change(site: &Site, patch: &Value) -> Result<()> {
    let patch = patch.to_string();
    let words = ["patch", "httproute", "chat", "-n", NAMESPACE, "--type", "json", "-p", &patch];
    site.plane.kubectl(&words).await.map(drop)
}

/// A weight of a backend of a rule, as a patch has it.
fn at((rule, backend): (usize, usize), weight: u32) -> Value {
    json!({ "op": "replace", "path": format!("/spec/rules/{rule}/backendRefs/{backend}/weight"), "value": weight })
}

/// Somebody else gives the first two backends of the first rule these weights.
async fn weigh(site: &Site, [stable, canary]: [u32; 2]) -> Result<()> {
    change(site, &json!([at((0, 0), stable), at((0, 1), canary)])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_goes_back_to_the_weights_before_as_it_is_graded() -> Result<()> {
    let site = Site::start().await?;
    // Nobody has recorded anything: the route itself keeps no earlier weights.
    let line = "Unknown Weights: What it gave to whom before is not known: there is no record";
    graded(&site.terminal, "HTTPRoute", "unknown", 3, line).await?;
    let said = rollback(&site, &["--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("Whether HTTPRoute chat can go back is not known"), "{said:?}");
    assert!(said.err.contains("pilothouse act weight"), "{said:?}");
    assert_eq!(site.weights().await?, "90 10 0");

    // One who saw it move knows from where: it is taken, verified, and is there.
    let watching = recorder(&site.terminal, "HTTPRoute").await?;
    weigh(&site, [50, 50]).await?;
    graded(&site.terminal, "HTTPRoute", "ready", 0, "Holds Weights: Until ").await?;
    graded(&site.terminal, "HTTPRoute", "ready", 0, "Holds Service chat-stable: 1 pod of it is ready.").await?;
    let plan = rollback(&site, &["--plan"]).await?;
    for part in [
        "Can HTTPRoute default/chat go back to chat-stable 90 %, chat-canary 10 %? ready",
        "Weigh chat-stable from 50 to 90, chat-canary from 50 to 10",
    ] {
        assert!(plan.out.contains(part), "{part}: {plan:?}");
    }
    assert_eq!(site.weights().await?, "50 50 0");
    let said = rollback(&site, &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: chat-stable weighs 90, chat-canary weighs 10"), "{said:?}");
    assert_eq!(site.weights().await?, "90 10 0");
    // And forth again, which is a way back, too.
    let line = "Holds Service chat-canary: 1 pod of it is ready.";
    graded(&site.terminal, "HTTPRoute", "ready", 0, line).await?;

    // Who would get the traffic again has no pod any more: it is refused, and nothing is done.
    weigh(&site, [0, 100]).await?;
    site.plane.kubectl(&["scale", "deployment/chat-stable", "-n", NAMESPACE, "--replicas=0"]).await?;
    let line = "Fails Service chat-stable: No pod of the Service is ready";
    graded(&site.terminal, "HTTPRoute", "not possible", 1, line).await?;
    let said = rollback(&site, &["--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("HTTPRoute chat cannot go back as it is"), "{said:?}");
    assert_eq!(site.weights().await?, "0 100 0");
    // Taken all the same, what it gets is answered with an error, as the plan says: nobody is ready.
    let said = rollback(&site, &["--anyway", "--yes"]).await?;
    assert!(said.out.contains("Service chat-stable has no pod that is ready"), "{said:?}");
    assert_eq!(site.weights().await?, "90 10 0");
    watching.shutdown().await;
    Ok(())
}

/// Each rule goes back by a plan of its own, the first one first.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_rules_each_goes_back_in_its_turn_which_is_slow() -> Result<()> {
    let site = Site::start().await?;
    let second = json!([{ "op": "add", "path": "/spec/rules/-", "value": {
        "matches": [{ "path": { "type": "PathPrefix", "value": "/v2" } }],
        "backendRefs": [{ "name": "chat-stable", "port": 80, "weight": 1 }, { "name": "chat-canary", "port": 80, "weight": 0 }],
    } }]);
    change(&site, &second).await?;
    let watching = recorder(&site.terminal, "HTTPRoute").await?;
    let all = async || {
        let path = "jsonpath={.spec.rules[*].backendRefs[*].weight}";
        site.plane.kubectl(&["get", "httproute", "chat", "-n", NAMESPACE, "-o", path]).await
    };
    change(&site, &json!([at((0, 0), 20), at((0, 1), 80), at((1, 0), 0), at((1, 1), 1)])).await?;
    assert_eq!(all().await?, "20 80 0 0 1");
    let other = "weight httproute chat -n default --to chat-stable=1 --to chat-canary=0 --rule 2";
    let line =
        format!("Slow Rule 2: Its weights are others, too, and go back by a plan of their own: pilothouse act {other}");
    graded(&site.terminal, "HTTPRoute", "slow", 0, &line).await?;
    let said = rollback(&site, &["--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: chat-stable weighs 90, chat-canary weighs 10"), "{said:?}");
    assert_eq!(all().await?, "90 10 0 0 1", "the first one is back");
    // The other one by the plan that was named.
    let words: Vec<&str> = ["act"].into_iter().chain(other.split(' ')).chain(["--yes"]).collect();
    let said = tokio::select! {
        said = site.terminal.call(&words) => said?,
        failed = gateway(&site.plane) => return Err(failed),
    };
    assert!(said.code == 0 && said.err.contains("verified"), "{said:?}");
    assert_eq!(all().await?, "90 10 0 1 0", "all of it is back");
    watching.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_look_at_services_does_not_know_and_takes_it_all_the_same() -> Result<()> {
    let site = Site::start().await?;
    let person = Subject::User("person".to_owned());
    let rules = [
        Rule::new("", &["nodes", "pods", "namespaces", "events"], &["get", "list", "watch"]),
        Rule::new(HTTP_ROUTE.group, &["httproutes"], &["get", "list", "watch", "patch"]),
    ];
    site.plane.grant(&person, None, &rules).await?;
    let file = site.plane.kubeconfig_for(PERSON)?;
    let context = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let terminal = Terminal::new(&file)?;
    terminal.good(&["connect", "add", "kubernetes", "--context", &context, "--name", "own"]).await?;
    terminal.good(&["connect", "operate", "own"]).await?;
    let edit = format!("kubeconfig={}", file.display());
    terminal.good(&["connect", "edit", "own", "--set", &edit]).await?;
    let watching = recorder(&terminal, "HTTPRoute").await?;
    weigh(&site, [50, 50]).await?;
    graded(&terminal, "HTTPRoute", "unknown", 3, "Unknown Service chat-stable: Not known:").await?;
    let said = tokio::select! {
        said = terminal.call(&["rollback", "chat", "--kind", "HTTPRoute", "--yes"]) => said?,
        failed = gateway(&site.plane) => return Err(failed),
    };
    assert!(said.code == 0 && said.err.contains("verified: chat-stable weighs 90"), "{said:?}");
    assert_eq!(site.weights().await?, "90 10 0");
    watching.shutdown().await;
    Ok(())
}

/// A rewrite sends to models of one pool: whether its pods answer is known, and whether they serve a model that is asked for by
/// nobody now is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_rewrite_goes_back_by_the_pods_of_its_pool() -> Result<()> {
    let site = Site::start().await?;
    let api = site.plane.api()?;
    site.plane.define(&[INFERENCE_POOL, MODEL_REWRITE]).await?;
    let pool = json!({
        "apiVersion": INFERENCE_POOL.api_version(), "kind": INFERENCE_POOL.kind, "metadata": { "name": "llama" },
        "spec": { "selector": { "matchLabels": { "app": "chat-stable" } }, "targetPorts": [{ "number": 8000 }] },
    });
    api.create(&INFERENCE_POOL.path(NAMESPACE, ""), &pool).await?;
    let target = |model: &str, weight: u32| json!({ "modelRewrite": model, "weight": weight });
    let rewrite = json!({
        "apiVersion": MODEL_REWRITE.api_version(), "kind": MODEL_REWRITE.kind, "metadata": { "name": "chat" },
        "spec": { "poolRef": { "name": "llama" }, "rules": [{ "targets": [target("v1", 90), target("v2", 10)] }] },
    });
    api.create(&MODEL_REWRITE.path(NAMESPACE, ""), &rewrite).await?;
    let kind = MODEL_REWRITE.kind;
    let watching = recorder(&site.terminal, kind).await?;
    let move_to = async |v1: u32, v2: u32| {
        let change = json!({ "spec": { "rules": [{ "targets": [target("v1", v1), target("v2", v2)] }] } });
        api.patch(&MODEL_REWRITE.path(NAMESPACE, "chat"), &change).await.map(drop)
    };
    move_to(50, 50).await?;
    graded(&site.terminal, kind, "ready", 0, "Holds Model v1: 1 pod of it is ready.").await?;
    move_to(0, 100).await?;
    let line = "Unknown Model v1: 1 pod of it is ready. Whether one of them serves this model is not read.";
    graded(&site.terminal, kind, "unknown", 3, line).await?;
    api.delete(&INFERENCE_POOL.path(NAMESPACE, "llama")).await?;
    let line = "Fails Model v1: There is no such pool";
    graded(&site.terminal, kind, "not possible", 1, line).await?;
    let said = site.terminal.call(&["rollback", "chat", "--kind", kind, "--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("cannot go back as it is"), "{said:?}");
    let weights = "jsonpath={.spec.rules[0].targets[*].weight}";
    let now = site.plane.kubectl(&["get", MODEL_REWRITE.plural, "chat", "-n", NAMESPACE, "-o", weights]).await?;
    assert_eq!(now, "0 100", "nothing was done");
    watching.shutdown().await;
    Ok(())
}
