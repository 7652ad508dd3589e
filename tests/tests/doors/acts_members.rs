//! LLMInferenceServices that share the traffic of a routing group, by their real controller with its real webhooks: shown,
//! weighed, taken back, stopped and started. The test plays the gateway: it says of each route that it has taken it up.

use acceptance::{
    ControlPlane, Failure, GpuNodes, Options, Result, Said, Terminal, acting,
    kserve::{LlmServices, member},
    until,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

const LIMIT: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "default";
const ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";

struct Site {
    plane: Arc<ControlPlane>,
    terminal: Terminal,
    services: LlmServices,
}

impl Site {
    /// A group in which `stable` weighs 90 and `canary` 10.
    async fn start() -> Result<Self> {
        let plane = Arc::new(ControlPlane::start(Options::default()).await?);
        plane.add_gpu_nodes(&GpuNodes::new("members", 2, 8), LIMIT).await?;
        let services = LlmServices::start(Arc::clone(&plane)).await?;
        for (name, uri, weight) in [("stable", "hf://org/chat-1", 90), ("canary", "hf://org/chat-2", 10)] {
            plane.apply(&member(NAMESPACE, name, uri, weight).to_string()).await?;
        }
        services.until_together(&plane, NAMESPACE, &["stable", "canary"]).await?;
        let terminal = acting::terminal(&plane).await?;
        Ok(Self { plane, terminal, services })
    }

    async fn act(&self, verb: &str, name: &str, more: &[&str]) -> Result<Said> {
        self.terminal.call(&[&["act", verb, "llminferenceservice", name, "-n", NAMESPACE], more].concat()).await
    }

    async fn weigh(&self, to: &str, more: &[&str]) -> Result<Said> {
        self.act("member-weight", "canary", &[&["--to", to], more].concat()).await
    }

    /// The weight of the canary in the rules of a member's route that all members share, as the gateway reads it.
    async fn weight_at(&self, member: &str) -> Result<String> {
        let path = format!("{ROUTES}/{member}-kserve-route");
        let route = self.plane.api()?.get(&path).await?;
        let rules = route["spec"]["rules"].as_array().cloned().unwrap_or_default();
        let shared = rules.iter().filter_map(|rule| rule["backendRefs"].as_array()).filter(|all| all.len() > 1);
        let of_canary = shared.flatten().filter(|one| one["name"] == "canary-kserve-workload-svc");
        let weights: BTreeSet<String> = of_canary.map(|one| one["weight"].to_string()).collect();
        Ok(weights.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// Waits until the routes of both members send the canary so much: a member whose route is about to be taken up is none.
    async fn routed(&self, weight: &str) -> Result<()> {
        let mut last = [String::new(), String::new()];
        let is_so = until("both routes have the weight", LIMIT, async || {
            last = [self.weight_at("stable").await?, self.weight_at("canary").await?];
            Ok(last.iter().all(|last| last == weight).then_some(()))
        });
        is_so.await.map_err(|failure| Failure::new(format!("{failure}: {last:?} and not {weight}")))?;
        self.services.until_together(&self.plane, NAMESPACE, &["stable", "canary"]).await
    }

    /// The service, once it is so.
    async fn service(&self, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        let found = until(what, LIMIT, async || {
            last = self.terminal.json(&["rollout", "get", name, "--json"]).await?["service"].take();
            Ok(is(&last).then(|| last.clone()))
        });
        found.await.map_err(|failure| Failure::new(format!("{failure}: {last:#}")))
    }
}

#[track_caller]
fn seen(said: &Said, words: &str) {
    assert!(said.code == 0 && said.err.contains(&format!("verified: {words}")), "{words}: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_gets_more_of_the_traffic_and_then_none_and_its_pods_end_and_come_again() -> Result<()> {
    let site = Site::start().await?;
    let canary = site.service("canary", "it is seen ready", |it| it["row"]["phase"] == "Healthy").await?;
    assert_eq!(
        (&canary["row"]["kind"], &canary["row"]["ready"]),
        (&json!("LLMInferenceService"), &json!(2)),
        "{canary:#}"
    );
    assert_eq!(canary["served"]["model"], "hf://org/chat-2");
    site.routed("10").await?;
    let pods = site.terminal.json(&["pods", "--json"]).await?.to_string();
    assert!(pods.contains("LLMInferenceService/canary"), "{pods}");

    // Nothing moves by a plan. It is sent to the version of the API that has weights.
    let plan = site.weigh("60", &["--plan"]).await?;
    for part in [
        "Weigh LLMInferenceService default/canary from 10 to 60 in group chat",
        "canary: 10 % → 40 %",
        "stable: 90 % → 60 %",
        "would take it",
        "/spec/router/route/weight: 10 → 60",
        "Undo      member-weight llminferenceservice canary -n default --to 10",
    ] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    site.routed("10").await?;

    // Stopped, it would leave its traffic to the other, and nobody without an answer.
    let plan = site.act("stop", "canary", &["--plan"]).await?;
    for part in ["canary: 10 % → 0 %", "stable: 90 % → 100 %", "the other members of group chat get its traffic"] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }

    let said = site.weigh("60", &["--yes"]).await?;
    seen(&said, "it weighs 60 of 150 in its group");
    assert!(said.err.contains("To take it back: pilothouse act member-weight llminferenceservice canary"), "{said:?}");
    site.routed("60").await?;

    // The way back, all of it.
    seen(&site.weigh("0", &["--yes"]).await?, "it weighs 0 of 90 in its group");
    site.routed("0").await?;
    let said = site.act("stop", "canary", &["--yes"]).await?;
    seen(&said, "it is stopped, and has no pods");
    let stopped = site.service("canary", "it is stopped", |it| it["row"]["phase"] == "Paused").await?;
    assert_eq!(stopped["row"]["why"], "stopped by a person");
    seen(&site.act("start", "canary", &["--yes"]).await?, "it is ready");

    let book = site.terminal.good(&["audit", "list"]).await?;
    for part in ["Weigh LLMInferenceService default/canary from 60 to 0 in group chat", "Stop LLMInferenceService"] {
        assert!(book.contains(part), "{part}: {book}");
    }
    acting::book_fits(&site.terminal).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_weighed_is_refused_and_nothing_is_sent() -> Result<()> {
    let site = Site::start().await?;
    let again = site.weigh("10", &["--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("weighed 10 already"), "{again:?}");
    let mut alone = member(NAMESPACE, "alone", "hf://org/chat-3", 1);
    alone["spec"]["router"]["route"] = json!({ "http": {} });
    alone["spec"]["model"]["name"] = json!("alone");
    site.plane.apply(&alone.to_string()).await?;
    let said = site.act("member-weight", "alone", &["--to", "5", "--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("in no routing group"), "{said:?}");
    // The server's own words, where the API does not take it.
    let heavy = site.weigh("1000001", &["--yes"]).await?;
    assert!(heavy.code != 0 && heavy.err.contains("1000001"), "{heavy:?}");
    site.routed("10").await
}
