//! Weights of an HTTPRoute on a real API server: shown, planned, set, verified, taken back, and kept from being set where
//! somebody else set them meanwhile. No gateway is here: the kind is defined by the test with an open schema, and what a
//! gateway would say of a route the test writes into its status. Services, Deployments and pods are real.

use acceptance::acting::{self, confirmed, planned};
use acceptance::{
    Context, ControlPlane, Failure, GpuNodes, Options, Result, Rule, Said, Subject, Terminal, User,
    definitions::{APPLICATION, HTTP_ROUTE, INFERENCE_POOL, MODEL_REWRITE},
    until,
};
use pilothouse_engine::Operator;
use pilothouse_wire::{
    Answer, Ask, Body, ObjectRef, SmolStr, View, ViewSpec, When,
    plan::{ActionState, Deed},
    view::FleetSpec,
};
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "default";
const PERSON: &str = "acts-token-2";

/// A cluster in which `chat-stable` and `chat-canary` share the traffic of route `chat`, and a terminal that may act.
pub struct Site {
    pub plane: ControlPlane,
    pub terminal: Terminal,
}

fn deployment(name: &str) -> String {
    let container = json!({ "name": "server", "image": "registry.invalid/models/server:1.0.0" });
    let template = json!({
        "metadata": { "labels": { "app": name } },
        "spec": { "terminationGracePeriodSeconds": 0, "containers": [container] },
    });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": { "replicas": 1, "selector": { "matchLabels": { "app": name } }, "template": template },
    })
    .to_string()
}

fn service(name: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": { "selector": { "app": name }, "ports": [{ "port": 80, "targetPort": 8000 }] },
    })
    .to_string()
}

fn route() -> String {
    let backend = |name: &str, weight: u32| json!({ "name": name, "port": 80, "weight": weight });
    json!({
        "apiVersion": HTTP_ROUTE.api_version(), "kind": HTTP_ROUTE.kind,
        "metadata": {
            "name": "chat", "namespace": NAMESPACE,
            "annotations": {
                "argocd.argoproj.io/tracking-id": format!("serving:gateway.networking.k8s.io/HTTPRoute:{NAMESPACE}/chat"),
            },
        },
        "spec": {
            "parentRefs": [{ "name": "front" }],
            "rules": [{
                "matches": [{ "path": { "type": "PathPrefix", "value": "/v1" } }],
                "backendRefs": [backend("chat-stable", 90), backend("chat-canary", 10), backend("chat-none", 0)],
            }],
        },
    })
    .to_string()
}

/// Says what a gateway would: it has seen the route as it is, and takes it.
async fn take_up(plane: &ControlPlane) -> Result<()> {
    let api = plane.api()?;
    let path = HTTP_ROUTE.path(NAMESPACE, "chat");
    let generation = api.get(&path).await?["metadata"]["generation"].clone();
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": kind, "message": "", "observedGeneration": generation,
            "lastTransitionTime": "2026-11-24T03:00:00Z",
        })
    };
    let said = json!({
        "parentRef": { "name": "front" }, "controllerName": "example.com/gateway",
        "conditions": [condition("Accepted"), condition("ResolvedRefs")],
    });
    api.patch(&format!("{path}/status"), &json!({ "status": { "parents": [said] } })).await.map(drop)
}

/// Plays the gateway, which takes up what is set, until it cannot any more.
pub async fn gateway(plane: &ControlPlane) -> Failure {
    loop {
        if let Err(failure) = take_up(plane).await {
            return failure;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

impl Site {
    pub async fn start() -> Result<Self> {
        let users = vec![User::new("person", PERSON)];
        let plane = ControlPlane::start(Options { users, ..Options::default() }).await?;
        plane.define(&[HTTP_ROUTE, APPLICATION]).await?;
        plane.add_gpu_nodes(&GpuNodes::new("routes", 1, 8), LIMIT).await?;
        for name in ["chat-stable", "chat-canary"] {
            plane.apply(&deployment(name)).await?;
            plane.apply(&service(name)).await?;
            let wait = ["rollout", "status", &format!("deployment/{name}"), "-n", NAMESPACE, "--timeout=60s"];
            plane.kubectl(&wait).await?;
        }
        plane.apply(&route()).await?;
        take_up(&plane).await?;
        let terminal = acting::terminal(&plane).await?;
        Ok(Self { plane, terminal })
    }

    async fn weigh(&self, to: &[&str], more: &[&str]) -> Result<Said> {
        let to: Vec<&str> = to.iter().flat_map(|one| ["--to", one]).collect();
        let words = ["act", "weight", "httproute", "chat", "-n", NAMESPACE];
        self.terminal.call(&[&words[..], &to, more].concat()).await
    }

    pub async fn weights(&self) -> Result<String> {
        let path = "jsonpath={.spec.rules[0].backendRefs[*].weight}";
        self.plane.kubectl(&["get", "httproute", "chat", "-n", NAMESPACE, "-o", path]).await
    }

    /// Does it while somebody plays the gateway, which takes up what is set.
    async fn with_gateway(&self, doing: impl Future<Output = Result<Said>>) -> Result<Said> {
        tokio::select! {
            said = doing => said,
            failed = gateway(&self.plane) => Err(failed),
        }
    }

    async fn engine(&self) -> Result<Operator> {
        let operator = acting::engine(&self.terminal).await?;
        // Routes are followed last: what moves before is heard of later, and not as a change.
        until("the route is followed", LIMIT, async || {
            let ask = Ask::Frame { spec: ViewSpec::Delivery(FleetSpec::default()), when: When::Now };
            let Answer::Frame(frame) = operator.reader().ask(ask).await.could_not("ask")? else { return Ok(None) };
            let Body::Full(View::Delivery(view)) = frame.body else { return Ok(None) };
            Ok(view.rows.rows().iter().any(|row| row.kind == "HTTPRoute").then_some(()))
        })
        .await?;
        Ok(operator)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_are_shown_set_verified_and_taken_back() -> Result<()> {
    let site = Site::start().await?;
    // Who gets how much, from both sides.
    let page = until("the route is joined to its Deployments", LIMIT, async || {
        let page = site.terminal.call(&["rollout", "get", "chat", "--kind", "HTTPRoute"]).await?;
        Ok(page.out.contains("Deployment chat-canary").then_some(page.out))
    })
    .await?;
    for part in [
        "Healthy",
        "weights",
        "Backends",
        "paths below /v1",
        "chat-stable",
        "90 %",
        "10 %",
        "Deployment chat-stable",
        "there is no Service chat-none in default",
        "Argo CD, serving",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let canary = site.terminal.json(&["rollout", "get", "chat-canary", "--json"]).await?;
    let share = &canary["service"]["row"]["shares"][0];
    assert_eq!(
        (&share["weight"], &share["of"], &share["backend"]),
        (&json!(10), &json!(100), &json!("chat-canary")),
        "{canary}"
    );
    let list = site.terminal.json(&["rollout", "list", "--json", "--filter", "kind=HTTPRoute"]).await?;
    assert!(list.to_string().contains("chat-none"), "{list}");

    let plan = site.weigh(&["chat-canary=50", "chat-stable=50"], &["--plan"]).await?;
    assert_eq!(plan.code, 0, "{plan:?}");
    for part in [
        "Weigh chat-stable from 90 to 50, chat-canary from 10 to 50 in HTTPRoute default/chat",
        "/spec/rules/0/backendRefs/1/name is \"chat-canary\"",
        "/spec/rules/0/backendRefs/1/weight is 10",
        "chat-stable: 90 % → 50 %",
        "chat-canary: 10 % → 50 %",
        "/spec/rules/0/backendRefs/1/weight: 10 → 50",
        "would take it",
        "Argo CD applies this object out of a repository",
    ] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    assert_eq!(site.weights().await?, "90 10 0");
    let bad = site.weigh(&["chat-none=1"], &["--plan"]).await?;
    assert!(bad.out.contains("There is no Service chat-none in default"), "{bad:?}");
    let none = site.weigh(&["nobody=1"], &["--plan"]).await?;
    assert!(none.code == 1 && none.err.contains("rule 1 has chat-stable, chat-canary, chat-none"), "{none:?}");

    let said = site.with_gateway(site.weigh(&["chat-canary=50", "chat-stable=50"], &["--yes"])).await?;
    assert!(said.code == 0 && said.err.contains("verified: chat-canary weighs 50, chat-stable weighs 50"), "{said:?}");
    assert_eq!(site.weights().await?, "50 50 0");
    let undo = "To take it back: pilothouse act weight httproute chat -n default --to chat-stable=90 --to chat-canary=10 --rule 1";
    assert!(said.err.contains(undo), "{said:?}");
    let back = site.with_gateway(site.weigh(&["chat-stable=90", "chat-canary=10"], &["--rule", "1", "--yes"])).await?;
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(site.weights().await?, "90 10 0");

    // Without anybody who takes it up it is not said to be done.
    let said = site.weigh(&["chat-canary=0"], &["--yes"]).await?;
    assert!(said.code != 0 && said.err.contains("unverified") && said.err.contains("taken up"), "{said:?}");
    assert_eq!(site.weights().await?, "90 0 0");
    let book = site.terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("Weigh chat-canary from 10 to 0"), "{book}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_that_somebody_set_meanwhile_are_kept_and_a_right_that_is_missing_is_named() -> Result<()> {
    let site = Site::start().await?;
    let operator = site.engine().await?;
    let route: ObjectRef = format!("workload:admin/{NAMESPACE}/HTTPRoute/chat").parse().could_not("name the route")?;
    let deed = Deed::SetWeights { rule: None, mark: None, weights: vec![("chat-canary".into(), 20)] };
    let plan = planned(&operator, &route, deed.clone()).await?;
    let somebody = json!([{ "op": "replace", "path": "/spec/rules/0/backendRefs/0/weight", "value": 80 }]).to_string();
    // Not the one that is planned, but what results from it would be another split.
    let patch = ["patch", "httproute", "chat", "-n", NAMESPACE, "--type", "json", "-p", &somebody];
    site.plane.kubectl(&patch).await?;
    let action = confirmed(&operator, &plan).await?;
    let ActionState::Refused(problem) = &action.state else { return Err(Failure::new(format!("{action:?}"))) };
    assert!(problem.what.contains("changed since it was planned"), "{problem}");
    assert_eq!(site.weights().await?, "80 10 0");

    // An annotation that somebody touches keeps nobody from anything.
    let plan = planned(&operator, &route, deed).await?;
    site.plane.kubectl(&["annotate", "httproute", "chat", "-n", NAMESPACE, "a=b"]).await?;
    let action = tokio::select! {
        action = confirmed(&operator, &plan) => action?,
        failed = gateway(&site.plane) => return Err(failed),
    };
    assert!(matches!(action.state, ActionState::Verified(_)), "{action:?}");
    assert_eq!(site.weights().await?, "80 20 0");
    // What moved is on the ribbon, by whom.
    let spec = ViewSpec::Ribbon { span: Duration::from_secs(600), end: When::Now };
    let mut all = Vec::new();
    let told = until("the ribbon tells of the shares that moved", LIMIT, async || {
        let ask = Ask::Frame { spec: spec.clone(), when: When::Now };
        let Answer::Frame(frame) = operator.reader().ask(ask).await.could_not("ask")? else { return Ok(None) };
        let Body::Full(View::Ribbon(ribbon)) = frame.body else { return Ok(None) };
        all = ribbon.marks.rows().iter().map(|mark| (mark.title.clone(), mark.by.clone())).collect();
        let is_it = |(title, by): &(String, Option<SmolStr>)| {
            title == "chat: chat-stable 88.9 % → 80 %, chat-canary 11.1 % → 20 %" && by.as_deref() == Some("pilothouse")
        };
        Ok(all.iter().any(is_it).then_some(()))
    });
    if let Err(failure) = told.await {
        return Err(Failure::new(format!("{failure}: {all:#?}")));
    }
    operator.shutdown().await;

    let person = Subject::User("person".to_owned());
    let read = [
        Rule::new("", &["nodes", "pods", "namespaces", "events", "services"], &["get", "list", "watch"]),
        Rule::new("events.k8s.io", &["events"], &["get", "list", "watch"]),
        Rule::new(HTTP_ROUTE.group, &["httproutes"], &["get", "list", "watch"]),
    ];
    site.plane.grant(&person, None, &read).await?;
    let file = site.plane.kubeconfig_for(PERSON)?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let terminal = Terminal::new(&file)?;
    terminal.good(&["connect", "add", "kubernetes", "--context", &name, "--name", "own"]).await?;
    terminal.good(&["connect", "operate", "own"]).await?;
    let words = ["act", "weight", "httproute", "chat", "-n", NAMESPACE, "--to", "chat-canary=1", "--plan"];
    let said = terminal.call(&words).await?;
    assert!(said.out.contains("httproutes") && said.out.contains("patch") && said.out.contains("Blocked"), "{said:?}");
    Ok(())
}

/// Says what llm-d's router would: it has seen the rewrite as it is, and takes it. It cannot any more once this answers.
async fn router(plane: &ControlPlane) -> Failure {
    let path = MODEL_REWRITE.path(NAMESPACE, "models");
    let accept = async || {
        let api = plane.api()?;
        let accepted = json!({
            "type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
            "observedGeneration": api.get(&path).await?["metadata"]["generation"],
            "lastTransitionTime": "2026-11-24T03:00:00Z",
        });
        api.patch(&format!("{path}/status"), &json!({ "status": { "conditions": [accepted] } })).await.map(drop)
    };
    loop {
        if let Err(failure) = accept().await {
            return failure;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// The other splitters: a pool behind a route, and models of that pool.
#[tokio::test(flavor = "multi_thread")]
async fn pools_and_models_are_shares_too_and_a_rewrite_is_applied_where_the_test_plays_the_router_since_none_runs()
-> Result<()> {
    let site = Site::start().await?;
    site.plane.define(&[INFERENCE_POOL, MODEL_REWRITE]).await?;
    let pool = json!({
        "apiVersion": INFERENCE_POOL.api_version(), "kind": INFERENCE_POOL.kind,
        "metadata": { "name": "llama", "namespace": NAMESPACE },
        "spec": { "selector": { "matchLabels": { "app": "chat-stable" } }, "targetPorts": [{ "number": 8000 }] },
    });
    let of_pool = json!({
        "apiVersion": HTTP_ROUTE.api_version(), "kind": HTTP_ROUTE.kind,
        "metadata": { "name": "llama", "namespace": NAMESPACE },
        "spec": { "parentRefs": [{ "name": "front" }], "rules": [{ "backendRefs": [
            { "group": INFERENCE_POOL.group, "kind": INFERENCE_POOL.kind, "name": "llama" },
        ] }] },
    });
    let rewrite = json!({
        "apiVersion": MODEL_REWRITE.api_version(), "kind": MODEL_REWRITE.kind,
        "metadata": { "name": "models", "namespace": NAMESPACE },
        "spec": { "poolRef": { "name": "llama" }, "rules": [{
            "matches": [{ "model": { "type": "Exact", "value": "chat" } }],
            "targets": [{ "modelRewrite": "org/chat-v1", "weight": 9 }, { "modelRewrite": "org/chat-v2", "weight": 1 }],
        }] },
    });
    for object in [pool, of_pool, rewrite] {
        site.plane.apply(&object.to_string()).await?;
    }
    let stable: Value = until("pool and models lead to the Deployment", LIMIT, async || {
        let page = site.terminal.call(&["rollout", "get", "chat-stable", "--json"]).await?;
        let page: Value = serde_json::from_str(&page.out).unwrap_or_default();
        let shares = page["service"]["row"]["shares"].as_array().map(Vec::len);
        Ok((shares == Some(4)).then_some(page))
    })
    .await?;
    let shares = stable["service"]["row"]["shares"].to_string();
    for part in ["InferencePool", "org/chat-v2", "model chat"] {
        assert!(shares.contains(part), "{part}: {shares}");
    }
    let words =
        ["act", "weight", "inferencemodelrewrite", "models", "-n", NAMESPACE, "--to", "org/chat-v2=9", "--plan"];
    let plan = site.terminal.call(&words).await?;
    assert!(plan.code == 0 && plan.out.contains("org/chat-v2: 10 % → 50 %"), "{plan:?}");
    assert!(plan.out.contains("/spec/rules/0/targets/1/weight is 1"), "{plan:?}");
    let weights = async || {
        let rewrite = site.plane.api()?.get(&MODEL_REWRITE.path(NAMESPACE, "models")).await?;
        let targets = &rewrite["spec"]["rules"][0]["targets"];
        Ok::<_, Failure>([0, 1].map(|at| targets[at]["weight"].as_u64()))
    };
    assert_eq!(weights().await?, [Some(9), Some(1)], "nothing was done yet");

    // Set, and not said to be done: nobody has taken it up.
    let set = [&words[..8], &["--yes"]].concat();
    let left = acting::interrupted(&site.terminal, &set, async || {
        until("it is set", LIMIT, async || Ok((weights().await? == [Some(9), Some(9)]).then_some(()))).await
    });
    let left = left.await?;
    assert!(left.code == 4 && left.err.contains("a person waited no longer"), "{left:?}");
    let with_router = async |words: &[&str]| {
        tokio::select! {
            said = site.terminal.call(words) => said,
            failed = router(&site.plane) => Err(failed),
        }
    };
    let set = ["act", "weight", "inferencemodelrewrite", "models", "-n", NAMESPACE, "--to", "org/chat-v1=0", "--yes"];
    let said = with_router(&set).await?;
    assert!(said.code == 0 && said.err.contains("verified: org/chat-v1 weighs 0, and it is taken up"), "{said:?}");
    assert_eq!(weights().await?, [Some(0), Some(9)]);
    let all_of_it = until("all requests for the model go to the newer one", LIMIT, async || {
        let page = site.terminal.json(&["rollout", "get", "chat-stable", "--json"]).await?;
        let shares = page["service"]["row"]["shares"].as_array().cloned().unwrap_or_default();
        let of = |backend: &str| {
            let share = shares.iter().find(|share| share["backend"] == backend)?;
            Some((share["weight"].as_u64()?, share["of"].as_u64()?))
        };
        Ok((of("org/chat-v2") == Some((9, 9)) && of("org/chat-v1") == Some((0, 9))).then_some(()))
    });
    all_of_it.await?;

    // Back by the line that stands there for it.
    let line = said.err.lines().find_map(|line| line.split_once("To take it back: pilothouse ")).unwrap_or_default().1;
    let back: Vec<&str> = line.split_whitespace().chain(["--yes"]).collect();
    let said = with_router(&back).await?;
    assert!(said.code == 0 && said.err.contains("verified: org/chat-v1 weighs 9"), "{line}: {said:?}");
    assert_eq!(weights().await?, [Some(9), Some(9)]);
    let book = site.terminal.good(&["audit", "list"]).await?;
    for part in ["org/chat-v2 from 1 to 9 in InferenceModelRewrite", "org/chat-v1 from 9 to 0 in InferenceModelRewrite"]
    {
        assert!(book.contains(part), "{part}: {book}");
    }
    acting::book_fits(&site.terminal).await
}
