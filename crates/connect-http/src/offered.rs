//! Servers as they are found inside of clusters, read out of `assets/services.csv`, and the connections that they are
//! offered as.

use crate::{
    destination::{Inside as Place, SERVICE_FIELD, VIA_FIELD},
    prometheus::catalogue::{fields, yes},
};
use pilothouse_connect::{Offer, Service, Signature};
use pilothouse_wire::{ConnectionId, form::Draft};
use pilothouse_world::fact::ServiceFact;
use std::{collections::BTreeMap, sync::LazyLock};

/// Key of the field that names the cluster which a server is about.
pub const CLUSTER: &str = "cluster";

/// A way in which a server is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    what: String,
    /// What stands before the paths of its API.
    prefix: String,
    /// Does it measure the cluster that it runs in, and no other?
    own: bool,
}

/// Signatures by kind, and rows by the id of their signature.
type Rows = (BTreeMap<String, Vec<Signature>>, BTreeMap<String, Row>);

static ROWS: LazyLock<Rows> = LazyLock::new(|| {
    let (mut signatures, mut by_id) = Rows::default();
    for (signature, row) in parse(include_str!("../../../assets/services.csv")).0 {
        by_id.insert(signature.id.clone(), row);
        signatures.entry(signature.kind.clone()).or_default().push(signature);
    }
    (signatures, by_id)
});

/// What is looked for inside of clusters for a kind.
pub fn signatures(kind: &str) -> &'static [Signature] {
    ROWS.0.get(kind).map_or(&[], Vec::as_slice)
}

/// What a service is offered as; `None` if it is not of this kind.
pub fn offer(kind: &str, cluster: &ConnectionId, fact: &ServiceFact) -> Option<Offer> {
    signatures(kind).iter().find(|signature| signature.id == fact.signature)?;
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
    Some(Offer { what: row.what.clone(), draft: Draft { kind: kind.to_owned(), name, values } })
}

/// Does a connection with these settings lead there? By namespace and name: a person may have written the port in another
/// way.
pub fn leads(values: &BTreeMap<String, String>, cluster: &ConnectionId, fact: &ServiceFact) -> bool {
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
    let [kind, id, what, labels, ports, prefix, about, fallback, source] = fields else { return None };
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let label = |pair: String| pair.split_once('=').map(|(label, value)| (label.to_owned(), value.to_owned()));
    let labels: Vec<(String, String)> = words(labels).into_iter().map(label).collect::<Option<_>>()?;
    let ports = words(ports);
    let whole =
        [kind, id, what, source].iter().all(|field| !field.is_empty()) && !labels.is_empty() && !ports.is_empty();
    let (kind, id) = (kind.clone(), id.clone());
    let signature = Signature { kind, id, labels, ports, fallback: yes(fallback, "yes", "no")? };
    let own = yes(about, "own", "many")?;
    whole.then(|| (signature, Row { what: what.clone(), prefix: prefix.clone(), own }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const KINDS: [&str; 2] = [crate::prometheus::KIND.id, crate::alertmanager::KIND.id];

    fn fact(signature: &str, name: &str, port: u16) -> ServiceFact {
        ServiceFact { namespace: "monitoring".into(), name: name.into(), port, signature: signature.into() }
    }

    fn connected(values: &[(&str, &str)]) -> BTreeMap<String, String> {
        values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_row_is_read_and_has_an_id_of_its_own() {
        let (rows, faults) = parse(include_str!("../../../assets/services.csv"));
        assert_eq!(faults, Vec::<String>::new());
        let ids: BTreeSet<&str> = rows.iter().map(|(signature, _)| signature.id.as_str()).collect();
        let of_kinds: usize = KINDS.iter().map(|kind| signatures(kind).len()).sum();
        assert_eq!((ids.len(), of_kinds), (rows.len(), rows.len()));
        for (_, row) in &rows {
            let text = format!("monitoring/it:9090{}", row.prefix);
            assert_eq!(Service::parse(&text).unwrap().1, row.prefix);
        }
    }

    #[test]
    fn a_row_that_is_none_is_found() {
        for wrong in [
            "k,a,b,c=d,80,,own,no,",
            "k,a,b,c,80,,own,no,x",
            "k,a,b,c=d,,,own,no,x",
            "k,a,b,c=d,80,,all,no,x",
            ",a,b,c=d,80,,own,no,x",
        ] {
            assert_eq!(parse(&format!("head\n{wrong}\n")).1, [wrong]);
        }
    }

    #[test]
    fn what_is_offered_can_be_opened_and_is_then_not_offered_again() {
        let cluster = ConnectionId::slug("prod-eu");
        for (kind, found, service, own) in [
            (
                "prometheus",
                fact("prometheus-operated", "prometheus-operated", 9090),
                "monitoring/prometheus-operated:9090",
                true,
            ),
            (
                "prometheus",
                fact("vmselect", "vmselect-a", 8481),
                "monitoring/vmselect-a:8481/select/0/prometheus",
                true,
            ),
            (
                "prometheus",
                fact("mimir", "mimir-query-frontend", 8080),
                "monitoring/mimir-query-frontend:8080/prometheus",
                false,
            ),
            (
                "alertmanager",
                fact("alertmanager", "alertmanager-main", 9093),
                "monitoring/alertmanager-main:9093",
                true,
            ),
            (
                "alertmanager",
                fact("mimir-alertmanager", "mimir-alertmanager", 8080),
                "monitoring/mimir-alertmanager:8080/alertmanager",
                false,
            ),
        ] {
            let Offer { draft, .. } = offer(kind, &cluster, &found).unwrap();
            assert_eq!((draft.kind.as_str(), draft.values["service"].as_str()), (kind, service));
            assert_eq!(draft.values["via"], "prod-eu");
            assert_eq!(draft.values.get("cluster").map(String::as_str), own.then_some("prod-eu"));
            assert_eq!(draft.id().as_str(), format!("prod-eu-monitoring-{}", found.name));
            assert!(leads(&draft.values, &cluster, &found));
            let others = KINDS.into_iter().filter(|other| *other != kind);
            assert!(others.into_iter().all(|other| offer(other, &cluster, &found).is_none()), "of one kind alone");
        }
        assert_eq!(offer("prometheus", &cluster, &fact("grafana", "grafana", 80)), None);
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
