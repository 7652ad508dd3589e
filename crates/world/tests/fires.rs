//! Alerts by cases: what they are about, what they leave on the ribbon, and that nothing is guessed.

use pilothouse_wire::{
    ConnectionId, Keyed, ObjectRef, Stamp, When,
    view::{AlertState, FleetSpec, MarkKind, Status},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{AlertFact, AlertsFact, Covers, Kind, NamespaceFact, NodeFact, PodFact},
    project::{self, FleetProjection},
};
use std::time::Duration;

fn alert(fingerprint: &str, since: i64, labels: &[(&str, &str)]) -> AlertFact {
    AlertFact {
        fingerprint: fingerprint.into(),
        name: format!("Alert{fingerprint}").into(),
        severity: Some("critical".into()),
        since: Stamp(since),
        labels: labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        ..AlertFact::default()
    }
}

fn alerts(at: i64, cluster: Option<&str>, alerts: Vec<AlertFact>) -> Batch {
    let fact = AlertsFact { cluster: cluster.map(ConnectionId::slug), alerts };
    Batch {
        source: ConnectionId::slug("am"),
        seen_at: Stamp(at),
        extent: Extent::Delta,
        facts: vec![Fact::Alerts(Box::new(fact))],
    }
}

/// A cluster with a node `h-1`, a pod `serving/chat-0` and its namespace.
fn cluster(id: &str) -> Vec<Batch> {
    let said = |kind, fact| Batch {
        source: ConnectionId::slug(id),
        seen_at: Stamp(1_000),
        extent: Extent::Replace(Covers { kind, namespace: None }),
        facts: vec![fact],
    };
    vec![
        said(
            Kind::Node,
            Fact::Node(Box::new(NodeFact {
                name: "h-1".into(),
                capacity: vec![("nvidia.com/gpu".into(), 8)],
                ..NodeFact::default()
            })),
        ),
        said(Kind::Namespace, Fact::Namespace(NamespaceFact { name: "serving".into(), ..NamespaceFact::default() })),
        said(
            Kind::Pod,
            Fact::Pod(Box::new(PodFact { namespace: "serving".into(), name: "chat-0".into(), ..PodFact::default() })),
        ),
    ]
}

fn world(batches: impl IntoIterator<Item = Batch>) -> World {
    let mut world = World::default();
    for batch in batches {
        world.apply(batch);
    }
    world
}

fn about(clusters: &[&str], said: Option<&str>, labels: &[(&str, &str)]) -> Option<String> {
    let told = alerts(2_000, said, vec![alert("a", 500, labels)]);
    let world = world(clusters.iter().flat_map(|id| cluster(id)).chain([told]));
    let view = FleetProjection::new(&world, FleetSpec::default()).into_view();
    view.alerts.rows().first().and_then(|row| row.about.as_ref().map(ToString::to_string))
}

#[test]
fn an_alert_is_about_the_narrowest_thing_that_its_labels_name() {
    for (labels, want) in [
        (&[("node", "h-1"), ("gpu", "3")][..], Some("gpu:iad/h-1/3")),
        (&[("namespace", "serving"), ("pod", "chat-0"), ("node", "h-1")], Some("pod:iad/serving/chat-0")),
        // What the exporter itself is called is not what it tells of.
        (
            &[
                ("namespace", "monitoring"),
                ("pod", "ksm-0"),
                ("exported_namespace", "serving"),
                ("exported_pod", "chat-0"),
            ],
            Some("pod:iad/serving/chat-0"),
        ),
        (&[("instance", "h-1:9100")], Some("node:iad/h-1")),
        // The exporter of a node is a pod, and tells of the node.
        (&[("instance", "h-1:9100"), ("namespace", "serving"), ("pod", "chat-0")], Some("node:iad/h-1")),
        (&[("node", "h-1"), ("gpu", "9")], Some("node:iad/h-1")),
        (&[("namespace", "serving"), ("pod", "gone-0")], Some("namespace:iad/serving")),
        (&[("job", "batch")], None),
    ] {
        assert_eq!(about(&["iad"], None, labels).as_deref(), want, "{labels:?}");
    }
}

#[test]
fn where_two_clusters_have_one_of_that_name_none_is_guessed() {
    let labels = [("node", "h-1")];
    assert_eq!(about(&["iad", "ord"], None, &labels), None);
    assert_eq!(about(&["iad", "ord"], Some("ord"), &labels).as_deref(), Some("node:ord/h-1"));
}

#[test]
fn it_stands_where_it_began_and_where_it_was_over_and_once() {
    let mut all = world(cluster("iad"));
    for at in [2_000, 12_000] {
        all.apply(alerts(at, None, vec![alert("a", 500, &[("node", "h-1")])]));
    }
    all.apply(alerts(22_000, None, Vec::new()));
    let ribbon = project::ribbon(&all, Duration::from_secs(60), When::Now, Stamp(30_000));
    let seen: Vec<_> =
        ribbon.marks.rows().iter().map(|mark| (mark.key.at.0, mark.key.kind, mark.title.as_str())).collect();
    assert_eq!(seen, [(500, MarkKind::Alert, "Alerta"), (22_000, MarkKind::AlertOver, "Alerta over")]);
    // What it was about tells of it, too.
    let node: ObjectRef = "node:iad/h-1".parse().unwrap();
    let view = project::object(&all, &node, &Keyed::default(), Stamp(30_000)).unwrap();
    assert!(view.findings.iter().all(|finding| !finding.claim.contains("Alerta")));
}

#[test]
fn a_node_tells_what_fires_about_it_and_what_is_silenced_is_no_claim() {
    let silenced = AlertFact { state: AlertState::Silenced, ..alert("b", 600, &[("node", "h-1")]) };
    let told = alerts(2_000, None, vec![alert("a", 500, &[("node", "h-1")]), silenced]);
    let world = world(cluster("iad").into_iter().chain([told]));
    let node: ObjectRef = "node:iad/h-1".parse().unwrap();
    let view = project::object(&world, &node, &Keyed::default(), Stamp(3_000)).unwrap();
    let claims: Vec<(&str, Status)> =
        view.findings.iter().map(|finding| (finding.claim.as_str(), finding.status)).collect();
    assert_eq!(claims, [("Alert Alerta", Status::Bad)]);
    assert_eq!(view.changes.len(), 2);
}

#[test]
fn a_scope_has_the_alerts_of_its_clusters_and_those_of_none() {
    let told = alerts(2_000, None, vec![alert("a", 500, &[("node", "h-1")]), alert("b", 500, &[])]);
    let world = world(cluster("iad").into_iter().chain([told]));
    let names = |scope: &str| {
        let spec = FleetSpec { scope: vec![ConnectionId::slug(scope)] };
        let view = FleetProjection::new(&world, spec).into_view();
        view.alerts.rows().iter().map(|row| row.id.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!((names("iad"), names("ord")), (vec!["Alerta".to_owned(), "Alertb".into()], vec!["Alertb".to_owned()]));
}
