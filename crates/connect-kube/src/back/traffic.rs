//! What is kept of something that moves traffic alone: of a route its backends with their pods that are ready, of a canary of
//! Flagger the workload that has the version which was promoted last.

use super::AT_ONCE;
use crate::{
    acts::beside,
    client::{Client, JSON, PATIENCE},
    facts,
    failure::{Call, Failure},
    list::encoded,
    read::{self, Spot},
};
use futures::{StreamExt, stream};
use pilothouse_wire::{
    Code, KindId, Problem, SmolStr,
    back::{Answers, Backend, KeptTraffic, Mover, SetBy},
};
use pilothouse_world::{
    Fact,
    fact::{FlaggerFact, RouteFact, RuleFact, ShareFact, StrategyFact},
};
use serde_json::Value;
use std::fmt::Write;

/// Pods of a pool that are looked at: of more it is enough to know that so many answer.
const MOST_PODS: usize = 200;

/// What is kept of it; nothing of what does not move traffic alone, or does not read.
pub(super) async fn kept(client: &Client, spot: &Spot, object: &Value) -> Option<KeptTraffic> {
    let fact = match spot.kind.kind.as_str() {
        "HTTPRoute" => facts::facts_of_route(serde_json::from_value(object.clone()).ok()?),
        "InferenceModelRewrite" => facts::facts_of_rewrite(serde_json::from_value(object.clone()).ok()?),
        "Canary" => facts::facts_of_canary(serde_json::from_value(object.clone()).ok()?),
        _ => None,
    };
    let Some(Fact::Delivered(_, fact)) = fact else { return None };
    match fact.strategy {
        StrategyFact::Routed(route) => Some(of_route(client, spot, object, &route).await),
        StrategyFact::Flagger(canary) => Some(KeptTraffic::Moved(of_canary(client, spot, *canary).await)),
        _ => None,
    }
}

async fn of_route(client: &Client, spot: &Spot, object: &Value, route: &RouteFact) -> KeptTraffic {
    let all: Vec<(u32, &ShareFact)> = (0..)
        .zip(&route.rules)
        .flat_map(|(rule, of): (u32, &RuleFact)| of.backends.iter().map(move |share| (rule, share)))
        .collect();
    let look = |(rule, share): (u32, &ShareFact)| {
        let own = spot.namespace.clone().unwrap_or_default();
        // A model is served by the pool of its rewrite, which lives beside it.
        let pool = route.parents.first().filter(|_| share.to.kind == "Model").map(|pool| &pool.of);
        let of = pool.unwrap_or(&share.to).clone();
        let namespace = share.namespace.clone().unwrap_or(own);
        let ShareFact { to, namespace: other, weight, .. } = share.clone();
        async move {
            let answers = answers(client, &of.kind, &namespace, &of.name).await;
            Backend { rule, kind: to.kind, name: to.name, namespace: other, weight, answers }
        }
    };
    let looked: Vec<_> = all.into_iter().map(look).collect();
    let (backends, set_by) =
        tokio::join!(stream::iter(looked).buffered(AT_ONCE).collect(), set_by(client, spot, object));
    KeptTraffic::Route { backends, set_by }
}

async fn set_by(client: &Client, spot: &Spot, object: &Value) -> SetBy {
    if let Some(maker) = beside::maker(object) {
        return SetBy::Another(maker);
    }
    match beside::setters(client, spot).await {
        Err(failure) => SetBy::Unknown(Box::new(failure.problem(&client.place))),
        Ok(names) => names.first().map_or(SetBy::Nobody, |name| SetBy::Another(beside::sets_again(name))),
    }
}

async fn of_canary(client: &Client, spot: &Spot, canary: FlaggerFact) -> Mover {
    // Source: `GetTargetName` and its like in Flagger: the workload of the version that was promoted is called so.
    let primary = SmolStr::from(format!("{}-primary", canary.target.name));
    let namespace = spot.namespace.clone().unwrap_or_default();
    Mover {
        answers: answers(client, &canary.target.kind, &namespace, &primary).await,
        phase: canary.phase,
        target: (canary.target.kind, canary.target.name),
        primary,
        failed: canary.failed_checks,
        most_failed: canary.most_failed,
    }
}

/// Can somebody answer?
async fn answers(client: &Client, kind: &str, namespace: &str, name: &str) -> Answers {
    let found = match kind {
        "Service" => service(client, namespace, name).await,
        "InferencePool" => pool(client, namespace, name).await,
        "Deployment" | "DaemonSet" => workload(client, kind, namespace, name).await,
        _ => return Answers::NotLooked,
    };
    found.unwrap_or_else(|problem| match problem.code {
        Code::NotFound => Answers::Absent,
        _ => Answers::Unknown(Box::new(problem)),
    })
}

/// Endpoints of a Service that are ready.
async fn service(client: &Client, namespace: &str, name: &str) -> Result<Answers, Problem> {
    let kind = KindId { group: "".into(), version: "v1".into(), plural: "services".into(), kind: "Service".into() };
    let object = found(client, kind, namespace, name).await?;
    // It is a name of elsewhere.
    if object["spec"]["type"] == "ExternalName" {
        return Ok(Answers::NotLooked);
    }
    let ready = beside::ready_endpoints(client, namespace, name).await;
    Ok(Answers::Ready(ready.map_err(|failure| failure.problem(&client.place))? as u64))
}

/// Pods of a pool that are ready.
async fn pool(client: &Client, namespace: &str, name: &str) -> Result<Answers, Problem> {
    let kind = read::kind_of(client, None, "InferencePool").await?;
    let object = found(client, kind, namespace, name).await?;
    let labels = object["spec"]["selector"]["matchLabels"].as_object();
    let mut selector = String::new();
    for (key, value) in labels.into_iter().flatten() {
        let comma = if selector.is_empty() { "" } else { "," };
        let _ = write!(selector, "{comma}{key}={}", value.as_str().unwrap_or_default());
    }
    // Without a label it would be all pods.
    if selector.is_empty() {
        return Ok(Answers::NotLooked);
    }
    let path = format!("/api/v1/namespaces/{namespace}/pods?limit={MOST_PODS}&labelSelector={}", encoded(&selector));
    let pods = pods(client, namespace, &path).await.map_err(|failure| failure.problem(&client.place))?;
    let pods = pods["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Answers::Ready(pods.iter().filter(|pod| is_ready(pod)).count() as u64))
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let mut ready = conditions.filter(|one| one["type"] == "Ready");
    ready.any(|one| one["status"] == "True") && pod["metadata"]["deletionTimestamp"].is_null()
}

/// Pods of a workload that are ready.
async fn workload(client: &Client, kind: &str, namespace: &str, name: &str) -> Result<Answers, Problem> {
    let id = read::kind_of(client, Some("apps"), kind).await?;
    let object = found(client, id, namespace, name).await?;
    let count = if kind == "DaemonSet" { "numberReady" } else { "readyReplicas" };
    Ok(Answers::Ready(object["status"][count].as_u64().unwrap_or(0)))
}

async fn found(client: &Client, kind: KindId, namespace: &str, name: &str) -> Result<Value, Problem> {
    let word = kind.kind.clone();
    let spot = read::plain(Spot { kind, namespace: Some(namespace.into()), name: name.into() })?;
    read::object(client, &spot, &word).await
}

async fn pods(client: &Client, namespace: &str, path: &str) -> Result<Value, Failure> {
    let namespace = Some(namespace.to_owned());
    let call = Call { verb: "list", group: "".into(), resource: "pods".to_owned(), namespace };
    let answer = client.get(&call, path, JSON, PATIENCE).await?;
    serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("It is no list in JSON".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_that_ends_or_says_nothing_is_not_ready() {
        let pod = |status: &str, ends: Value| {
            is_ready(&json!({
                "metadata": { "deletionTimestamp": ends },
                "status": { "conditions": [{ "type": "Initialized", "status": "True" }, { "type": "Ready", "status": status }] },
            }))
        };
        assert!(pod("True", Value::Null));
        assert!(!pod("False", Value::Null));
        assert!(!pod("True", json!("2026-11-24T03:00:00Z")));
        assert!(!is_ready(&json!({})));
    }
}
