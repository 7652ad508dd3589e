//! Servers inside of the cluster that other kinds of connection look for, found by the labels of their services.
//!
//! The API server is asked for services with such labels alone, now and then: they are few, and change seldom. Where they
//! may not be listed, nothing is found, and nothing is wrong.

use crate::{
    client::{Client, JSON, PATIENCE},
    failure::{Call, Failure},
    list::encoded,
    resource::Scope,
    rights::may_list,
    slim::Meta,
};
use pilothouse_connect::{self as connect, Signature, Sink};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{ServiceFact, SourceFact};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(30);
/// Namespaces that are looked through one by one, at most.
const MOST_NAMESPACES: usize = 20;
/// Services that are told, at most: a person chooses among them.
const MOST: usize = 100;

const SERVICES: &str = "services";

/// A service, as far as it is looked at. Nothing else of it is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    metadata: Meta,
    spec: Spec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    ports: Option<Vec<Port>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Port {
    name: Option<String>,
    port: i64,
}

/// Looks for servers until nobody listens.
pub async fn look(client: Arc<Client>, scopes: Vec<Scope>, sought: &'static [Signature], sink: Sink) {
    let mut told = None;
    let mut allowed: Option<Vec<Scope>> = None;
    loop {
        let outcome = async {
            let scopes = match &allowed {
                Some(scopes) => scopes.clone(),
                None => readable(&client, &scopes).await?,
            };
            allowed = (!scopes.is_empty()).then(|| scopes.clone());
            found(&client, &scopes, sought).await
        };
        let found = match outcome.await {
            Ok(found) => Some(found),
            // The right was taken away: it is asked for anew.
            Err(failure) if failure.status() == Some(403) => {
                allowed = None;
                Some(Vec::new())
            }
            // The session tells of a server that does not answer. What was found stays.
            Err(_) => None,
        };
        if let Some(found) = found.filter(|found| told.as_ref() != Some(found)) {
            if sink.source(SourceFact::Inside(found.clone())).await.is_err() {
                return;
            }
            told = Some(found);
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn readable(client: &Client, scopes: &[Scope]) -> Result<Vec<Scope>, Failure> {
    let mut readable = Vec::new();
    for scope in scopes.iter().take(MOST_NAMESPACES) {
        if may_list(client, scope, "", SERVICES).await? {
            readable.push(scope.clone());
            if scope.namespace.is_none() {
                break;
            }
        }
    }
    Ok(readable)
}

async fn found(client: &Client, scopes: &[Scope], sought: &[Signature]) -> Result<Vec<ServiceFact>, Failure> {
    let mut services = Vec::new();
    for scope in scopes {
        let within = scope.namespace.as_ref().map_or_else(String::new, |name| format!("/namespaces/{name}"));
        let call =
            Call { verb: "list", group: "".into(), resource: SERVICES.to_owned(), namespace: scope.namespace.clone() };
        for selector in selectors(sought) {
            let path = format!("/api/v1{within}/{SERVICES}?labelSelector={}", encoded(&selector));
            let answer = client.get(&call, &path, JSON, PATIENCE).await?;
            services.extend(read(&answer.body)?);
        }
    }
    Ok(recognised(&services, sought))
}

/// Reads a list of services. One that cannot be read is left out: an offer less is no harm.
///
/// # Errors
/// If it is no list.
pub fn read(body: &[u8]) -> Result<Vec<Service>, Failure> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        items: Option<Vec<&'a RawValue>>,
    }
    let list: List<'_> = serde_json::from_slice(body)
        .map_err(|_| Failure::Unreadable("It is no list of services in JSON".to_owned()))?;
    Ok(list.items.unwrap_or_default().into_iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
}

/// What the API server is asked for: one question a label, for all of its values.
fn selectors(sought: &[Signature]) -> Vec<String> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (label, value) in sought.iter().filter_map(|signature| signature.labels.first()) {
        values.entry(label).or_default().insert(value);
    }
    let joined = |values: BTreeSet<&str>| values.into_iter().collect::<Vec<_>>().join(",");
    values.into_iter().map(|(label, values)| format!("{label} in ({})", joined(values))).collect()
}

/// The services that are servers of a kind that is looked for, in the order of their names.
#[must_use]
pub fn recognised(services: &[Service], sought: &[Signature]) -> Vec<ServiceFact> {
    let mut found: BTreeMap<(&str, &str), (ServiceFact, &Signature)> = BTreeMap::new();
    for service in services {
        let meta = &service.metadata;
        // A chart's second service for the same pods.
        if meta.name.ends_with("-headless") {
            continue;
        }
        let fact = sought.iter().find_map(|signature| {
            let has = |(label, value): &(String, String)| meta.labels.get(label) == Some(value);
            let port = signature.labels.iter().all(has).then(|| service.port(&signature.ports)).flatten()?;
            // It is shown as a command to copy: nothing but a name may stand there, whatever the server says.
            connect::Service::parse(&format!("{}/{}:{port}", meta.namespace, meta.name)).ok()?;
            let fact = ServiceFact {
                namespace: SmolStr::new(&meta.namespace),
                name: SmolStr::new(&meta.name),
                port,
                signature: SmolStr::new(&signature.id),
            };
            Some((fact, signature))
        });
        if let Some(fact) = fact {
            found.insert((&meta.namespace, &meta.name), fact);
        }
    }
    let place = |fact: &ServiceFact, of: &Signature| (fact.namespace.clone(), of.kind.clone());
    let sure = found.values().filter(|(_, of)| !of.fallback);
    let surer: BTreeSet<(SmolStr, String)> = sure.map(|(fact, of)| place(fact, of)).collect();
    let all = found.into_values().filter(|(fact, of)| !of.fallback || !surer.contains(&place(fact, of)));
    all.map(|(fact, _)| fact).take(MOST).collect()
}

impl Service {
    fn port(&self, likely: &[String]) -> Option<u16> {
        let ports = self.spec.ports.as_deref().unwrap_or_default();
        let is = |port: &Port, likely: &str| {
            port.name.as_deref() == Some(likely) || likely.parse().is_ok_and(|number: i64| number == port.port)
        };
        likely
            .iter()
            .find_map(|likely| ports.iter().find(|port| is(port, likely)))
            .and_then(|port| u16::try_from(port.port).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn signature(id: &str, labels: &[(&str, &str)], ports: &[&str], fallback: bool) -> Signature {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        let ports = ports.iter().map(|port| (*port).to_owned()).collect();
        let kind = if id.starts_with("alert") { "alertmanager" } else { "prometheus" }.to_owned();
        Signature { kind, id: id.to_owned(), labels, ports, fallback }
    }

    fn sought() -> Vec<Signature> {
        let name = "app.kubernetes.io/name";
        vec![
            signature("prometheus", &[(name, "prometheus")], &["web", "http"], false),
            signature("operated", &[("operated-prometheus", "true")], &["9090"], true),
            signature("mimir", &[(name, "mimir"), ("app.kubernetes.io/component", "query-frontend")], &["8080"], false),
            signature("alerts", &[(name, "alertmanager")], &["web"], false),
            signature("alerts-operated", &[("operated-alertmanager", "true")], &["web"], true),
        ]
    }

    fn service(place: &str, labels: &Value, ports: &[(&str, u16)]) -> Service {
        let (namespace, name) = place.split_once('/').unwrap();
        let ports: Vec<Value> = ports.iter().map(|(name, port)| json!({ "name": name, "port": port })).collect();
        let object = json!({
            "metadata": { "namespace": namespace, "name": name, "labels": labels },
            "spec": { "ports": ports, "clusterIP": "10.96.0.7" },
        });
        serde_json::from_value(object).unwrap()
    }

    #[track_caller]
    fn check(services: &[Service], want: &[&str]) {
        let found = recognised(services, &sought());
        let found: Vec<String> = found
            .iter()
            .map(|fact| format!("{} {}/{}:{}", fact.signature, fact.namespace, fact.name, fact.port))
            .collect();
        assert_eq!(found, want);
    }

    #[test]
    fn one_question_asks_for_all_values_of_a_label() {
        assert_eq!(
            selectors(&sought()),
            [
                "app.kubernetes.io/name in (alertmanager,mimir,prometheus)",
                "operated-alertmanager in (true)",
                "operated-prometheus in (true)"
            ]
        );
    }

    #[test]
    fn servers_are_told_by_their_labels_and_their_port() {
        let name = |name: &str| json!({ "app.kubernetes.io/name": name });
        let operated = json!({ "operated-prometheus": "true" });
        let alerts = json!({ "operated-alertmanager": "true" });
        let frontend = json!({ "app.kubernetes.io/name": "mimir", "app.kubernetes.io/component": "query-frontend" });
        check(
            &[
                service("b/prometheus", &name("prometheus"), &[("grpc", 10901), ("http", 80)]),
                service("a/prometheus-k8s", &name("prometheus"), &[("http", 8080), ("web", 9090)]),
                service("a/prometheus-k8s-thanos-sidecar", &name("prometheus"), &[("grpc", 10901)]),
                service("a/prometheus-operated", &operated, &[("web", 9090)]),
                service("c/prometheus-operated", &operated, &[("web", 9090)]),
                // One of another kind makes it no less of use.
                service("b/alertmanager-operated", &alerts, &[("web", 9093)]),
                service("c/alertmanager-main", &name("alertmanager"), &[("web", 9093), ("reloader-web", 8080)]),
                service("c/alertmanager-operated", &alerts, &[("web", 9093)]),
                service("d/mimir-distributor", &name("mimir"), &[("http-metrics", 8080)]),
                service("d/mimir-query-frontend", &frontend, &[("http-metrics", 8080)]),
                service("d/mimir-query-frontend-headless", &frontend, &[("http-metrics", 8080)]),
                service("e/grafana", &name("grafana"), &[("http", 80)]),
            ],
            &[
                "prometheus a/prometheus-k8s:9090",
                "alerts-operated b/alertmanager-operated:9093",
                "prometheus b/prometheus:80",
                "alerts c/alertmanager-main:9093",
                "operated c/prometheus-operated:9090",
                "mimir d/mimir-query-frontend:8080",
            ],
        );
    }

    #[test]
    fn what_is_no_server_or_has_no_proper_name_is_left_out() {
        let bare: Service =
            serde_json::from_value(json!({ "metadata": { "labels": null }, "spec": { "ports": null } })).unwrap();
        check(&[bare], &[]);
        let labels = json!({ "app.kubernetes.io/name": "prometheus" });
        check(&[service("a/b;reboot", &labels, &[("web", 9090)]), service("a/B", &labels, &[("web", 9090)])], &[]);
        let body = json!({ "items": [{ "spec": 7 }, { "spec": { "ports": [{ "port": 99_999 }] } }] }).to_string();
        assert_eq!(read(body.as_bytes()).unwrap().len(), 1);
        assert!(read(b"[]").is_err() && read(b"{}").unwrap().is_empty());
        check(&[service("a/b", &json!({ "app.kubernetes.io/name": "prometheus" }), &[])], &[]);
    }
}
