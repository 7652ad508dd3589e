//! Servers of this kind as they are found inside of clusters, read out of `assets/services.csv`, and the connections that
//! they are offered as.

use super::{
    catalogue::{fields, yes},
    kind::{CLUSTER, KIND},
};
use crate::destination::{Inside as Place, SERVICE_FIELD, VIA_FIELD};
use pilothouse_connect::{Inside, Offer, Service, Signature};
use pilothouse_wire::{ConnectionId, form::Draft};
use pilothouse_world::fact::ServiceFact;
use std::{collections::BTreeMap, sync::LazyLock};

/// What is looked for inside of clusters.
pub const INSIDE: Inside = Inside { signatures, offer, leads };

/// A way in which such a server is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    what: String,
    /// What stands before the paths of its API.
    prefix: String,
    /// Does it measure the cluster that it runs in, and no other?
    own: bool,
}

static ROWS: LazyLock<(Vec<Signature>, BTreeMap<String, Row>)> = LazyLock::new(|| {
    let (rows, _) = parse(include_str!("../../../../assets/services.csv"));
    let signatures = rows.iter().map(|(signature, _)| signature.clone()).collect();
    (signatures, rows.into_iter().map(|(signature, row)| (signature.id, row)).collect())
});

fn signatures() -> &'static [Signature] {
    &ROWS.0
}

fn offer(cluster: &ConnectionId, fact: &ServiceFact) -> Option<Offer> {
    let row = ROWS.1.get(fact.signature.as_str())?;
    let place = Service {
        namespace: fact.namespace.to_string(),
        name: fact.name.to_string(),
        port: fact.port.to_string(),
        tls: false,
    };
    let mut values = BTreeMap::from([
        (SERVICE_FIELD.key.to_owned(), format!("{place}{}", row.prefix)),
        (VIA_FIELD.key.to_owned(), cluster.to_string()),
    ]);
    if row.own {
        values.insert(CLUSTER.to_owned(), cluster.to_string());
    }
    let name = format!("{cluster}-{}-{}", fact.namespace, fact.name);
    Some(Offer { what: row.what.clone(), draft: Draft { kind: KIND.id.to_owned(), name, values } })
}

/// By namespace and name: a person may have written the port in another way.
fn leads(values: &BTreeMap<String, String>, cluster: &ConnectionId, fact: &ServiceFact) -> bool {
    let value = |key: &str| values.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
    let via = value(VIA_FIELD.key).or_else(|| value(CLUSTER)).map(ConnectionId::slug);
    let place = value(SERVICE_FIELD.key).and_then(|text| Service::parse(text).ok());
    let place = via.zip(place).map(|(via, (service, prefix))| Place { via, service, prefix });
    place.is_some_and(|Place { via, service, .. }| {
        via == *cluster && service.namespace == fact.namespace && service.name == fact.name
    })
}

/// Reads the file: its rows, and the lines that are none.
fn parse(text: &str) -> (Vec<(Signature, Row)>, Vec<String>) {
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).skip(1) {
        match row(&fields(line)) {
            Some(row) => rows.push(row),
            None => faults.push(line.to_owned()),
        }
    }
    (rows, faults)
}

fn row(fields: &[String]) -> Option<(Signature, Row)> {
    let [id, what, labels, ports, prefix, measures, fallback, source] = fields else { return None };
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let label = |pair: String| pair.split_once('=').map(|(label, value)| (label.to_owned(), value.to_owned()));
    let labels: Vec<(String, String)> = words(labels).into_iter().map(label).collect::<Option<_>>()?;
    let ports = words(ports);
    let whole = [id, what, source].iter().all(|field| !field.is_empty()) && !labels.is_empty() && !ports.is_empty();
    let signature = Signature { id: id.clone(), labels, ports, fallback: yes(fallback, "yes", "no")? };
    let own = yes(measures, "own", "many")?;
    whole.then(|| (signature, Row { what: what.clone(), prefix: prefix.clone(), own }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn fact(signature: &str, name: &str, port: u16) -> ServiceFact {
        ServiceFact { namespace: "monitoring".into(), name: name.into(), port, signature: signature.into() }
    }

    fn connected(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_row_is_read_and_has_an_id_of_its_own() {
        let (rows, faults) = parse(include_str!("../../../../assets/services.csv"));
        assert_eq!(faults, Vec::<String>::new());
        let ids: BTreeSet<&str> = rows.iter().map(|(signature, _)| signature.id.as_str()).collect();
        assert_eq!((ids.len(), signatures().len()), (rows.len(), rows.len()));
        for (_, row) in &rows {
            let text = format!("monitoring/it:9090{}", row.prefix);
            assert_eq!(Service::parse(&text).unwrap().1, row.prefix);
        }
    }

    #[test]
    fn a_row_that_is_none_is_found() {
        for wrong in ["a,b,c=d,80,,own,no,", "a,b,c,80,,own,no,x", "a,b,c=d,,,own,no,x", "a,b,c=d,80,,all,no,x"] {
            assert_eq!(parse(&format!("head\n{wrong}\n")).1, [wrong]);
        }
    }

    #[test]
    fn what_is_offered_can_be_opened_and_is_then_not_offered_again() {
        let cluster = ConnectionId::slug("prod-eu");
        for (found, service, own) in [
            (fact("prometheus-operated", "prometheus-operated", 9090), "monitoring/prometheus-operated:9090", true),
            (fact("vmselect", "vmselect-a", 8481), "monitoring/vmselect-a:8481/select/0/prometheus", true),
            (fact("mimir", "mimir-query-frontend", 8080), "monitoring/mimir-query-frontend:8080/prometheus", false),
            (fact("thanos-query", "thanos-query", 9090), "monitoring/thanos-query:9090", false),
        ] {
            let Offer { draft, .. } = offer(&cluster, &found).unwrap();
            assert_eq!((draft.values["service"].as_str(), draft.values["via"].as_str()), (service, "prod-eu"));
            assert_eq!(draft.values.get("cluster").map(String::as_str), own.then_some("prod-eu"));
            assert_eq!(draft.id().as_str(), format!("prod-eu-monitoring-{}", found.name));
            assert!(leads(&draft.values, &cluster, &found));
        }
        assert_eq!(offer(&cluster, &fact("grafana", "grafana", 80)), None);
    }

    #[test]
    fn a_connection_by_hand_leads_there_however_its_port_is_written() {
        let (cluster, found) = (ConnectionId::slug("prod-eu"), fact("prometheus", "prometheus", 9090));
        let by_hand = connected(&[("cluster", "prod-eu"), ("service", "monitoring/http:prometheus:web/")]);
        assert!(leads(&by_hand, &cluster, &found));
        for other in [
            &[("cluster", "prod-us"), ("service", "monitoring/prometheus:9090")][..],
            &[("cluster", "prod-eu"), ("service", "other/prometheus:9090")],
            &[("cluster", "prod-eu"), ("via", "prod-us"), ("service", "monitoring/prometheus:9090")],
            &[("cluster", "prod-eu"), ("url", "http://prometheus:9090")],
            &[("service", "monitoring/prometheus:9090")],
        ] {
            assert!(!leads(&connected(other), &cluster, &found), "{other:?}");
        }
    }
}
