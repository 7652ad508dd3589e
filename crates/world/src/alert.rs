//! Alerts of a source, and what they are about.

use crate::{
    World,
    fact::{AlertFact, AlertsFact},
    source::Source,
};
use pilothouse_wire::{
    AlertId, ConnectionId, NodeId, ObjectRef, PodId, SmolStr,
    view::{AlertRow, Status, alert::status_of},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Labels that say what an alert is about, or whose it is. Others may say anything, and are not kept.
const KEPT: &[&str] = &[
    "namespace",
    "exported_namespace",
    "pod",
    "exported_pod",
    "container",
    "exported_container",
    "node",
    "nodename",
    "kubernetes_node",
    "exported_node",
    "Hostname",
    "hostname",
    "instance",
    "exported_instance",
    "gpu",
    "UUID",
    "uuid",
    "device",
    "modelName",
    "service",
    "job",
    "deployment",
    "statefulset",
    "daemonset",
    "job_name",
    "model_name",
    "cluster",
    "team",
    "condition",
    "reason",
    "xid",
];

/// Is a label of this name kept?
#[must_use]
pub fn is_kept_label(name: &str) -> bool {
    KEPT.contains(&name)
}

/// The alerts that a source has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alerts {
    /// The cluster that they are about, where the source knows it.
    cluster: Option<ConnectionId>,
    by_fingerprint: BTreeMap<SmolStr, AlertFact>,
    /// Were they ever told? What fired before is no news then.
    told: bool,
}

impl Alerts {
    /// Were they ever told?
    pub(crate) fn are_told(&self) -> bool {
        self.told
    }

    /// Takes in what there is now; answers what came or began anew, and what is gone, if anything changed.
    pub(crate) fn take(&mut self, fact: AlertsFact) -> Option<News> {
        let AlertsFact { cluster, alerts } = fact;
        let newer: BTreeMap<SmolStr, AlertFact> =
            alerts.into_iter().map(|alert| (alert.fingerprint.clone(), alert)).collect();
        if newer == self.by_fingerprint && cluster == self.cluster && self.told {
            return None;
        }
        let is_news = |alert: &&AlertFact| {
            self.by_fingerprint.get(&alert.fingerprint).is_none_or(|before| before.since != alert.since)
        };
        let came = newer.values().filter(is_news).cloned().collect();
        let gone =
            self.by_fingerprint.values().filter(|alert| !newer.contains_key(&alert.fingerprint)).cloned().collect();
        let before = !self.told;
        *self = Self { cluster, by_fingerprint: newer, told: true };
        Some(News { came, gone, before })
    }

    /// Are there none?
    pub(crate) fn is_empty(&self) -> bool {
        self.by_fingerprint.is_empty()
    }
}

/// What another list of alerts changed.
pub(crate) struct News {
    pub came: Vec<AlertFact>,
    pub gone: Vec<AlertFact>,
    /// Did what came fire before anybody looked?
    pub before: bool,
}

/// The object that an alert is.
pub(crate) fn object(source: &ConnectionId, alert: &AlertFact) -> ObjectRef {
    ObjectRef::Alert(Box::new(id(source, alert)))
}

fn id(source: &ConnectionId, alert: &AlertFact) -> AlertId {
    AlertId { source: source.clone(), name: alert.name.clone(), fingerprint: alert.fingerprint.clone() }
}

/// How bad an alert is: what nobody is told of hurts nobody.
pub(crate) fn status(alert: &AlertFact) -> Status {
    if alert.state.is_told() { status_of(alert.severity.as_deref()) } else { Status::Unknown }
}

/// The alerts of all sources as rows.
pub(crate) fn rows(world: &World) -> impl Iterator<Item = AlertRow> {
    world.sources().flat_map(move |(source, said)| {
        said.alerts.by_fingerprint.values().map(move |alert| row(world, source, &said.alerts, alert))
    })
}

/// One alert as a row, if it fires.
pub(crate) fn find(world: &World, id: &AlertId) -> Option<AlertRow> {
    let alerts = &world.source(&id.source)?.alerts;
    let alert = alerts.by_fingerprint.get(&id.fingerprint).filter(|alert| alert.name == id.name)?;
    Some(row(world, &id.source, alerts, alert))
}

fn row(world: &World, source: &ConnectionId, alerts: &Alerts, alert: &AlertFact) -> AlertRow {
    AlertRow {
        id: id(source, alert),
        severity: alert.severity.clone(),
        status: status(alert),
        state: alert.state,
        since: alert.since,
        summary: alert.summary.clone(),
        about: about(world, alerts.cluster.as_ref(), alert),
        labels: alert.labels.clone(),
        runbook: alert.runbook.clone(),
    }
}

/// The cluster that a source's alerts are about, if it says so.
pub(crate) fn cluster(source: &Source) -> Option<&ConnectionId> {
    source.alerts.cluster.as_ref()
}

/// What an alert is about: the narrowest thing that its labels name and that is seen. Never guessed: where two clusters
/// have one of that name, none is.
pub(crate) fn about(world: &World, cluster: Option<&ConnectionId>, alert: &AlertFact) -> Option<ObjectRef> {
    let labels = Labels(alert);
    let found = |of: &dyn Fn(&ConnectionId, &Source) -> Option<ObjectRef>| {
        let mut all = world
            .sources()
            .filter(|(id, _)| cluster.is_none_or(|only| only == *id))
            .filter_map(|(id, source)| of(id, source));
        all.next().filter(|_| all.next().is_none())
    };
    let node = |id: &ConnectionId, source: &Source| {
        let name = labels.nodes().find_map(|name| source.nodes.get_key_value(name).map(|(name, _)| name.clone()))?;
        Some(NodeId { cluster: id.clone(), name })
    };
    let gpu = |id: &ConnectionId, source: &Source| {
        let (node, slot) = (node(id, source)?, labels.one(&["gpu"])?.parse::<u16>().ok()?);
        let has = source.nodes.get(&node.name)?.fact.capacity.iter().map(|(_, gpus)| *gpus).sum::<u64>();
        (u64::from(slot) < has).then_some(ObjectRef::Gpu(node, slot))
    };
    // An exporter that runs on each node is a pod of its own, and tells of the node: its alerts name both.
    let of_the_node =
        labels.one(&["exported_pod"]).is_none() && labels.one(&["node", "nodename", "kubernetes_node"]).is_none();
    let by_instance = |id: &ConnectionId, source: &Source| {
        let is_a_node = of_the_node && labels.one(&["instance"]).is_some();
        is_a_node.then(|| node(id, source)).flatten().map(ObjectRef::Node)
    };
    let namespace = labels.one(&["exported_namespace", "namespace"]);
    let pod = |id: &ConnectionId, source: &Source| {
        let key = (SmolStr::new(namespace?), SmolStr::new(labels.one(&["exported_pod", "pod"])?));
        let (namespace, name) = source.pods.get_key_value(&key)?.0.clone();
        Some(ObjectRef::Pod(PodId { cluster: id.clone(), namespace, name }))
    };
    let workload = |id: &ConnectionId, source: &Source| {
        let kinds = [
            ("deployment", "Deployment"),
            ("statefulset", "StatefulSet"),
            ("daemonset", "DaemonSet"),
            ("job_name", "Job"),
        ];
        let named = kinds.iter().filter_map(|(label, kind)| Some((*kind, labels.one(&[label])?)));
        let mut keys =
            named.map(|(kind, name)| (SmolStr::new(kind), SmolStr::new(namespace.unwrap_or("")), SmolStr::new(name)));
        let (kind, namespace, name) = keys.find(|key| source.workloads.contains_key(key))?;
        Some(ObjectRef::Workload(id.clone(), namespace, kind, name))
    };
    let whole = |id: &ConnectionId, source: &Source| {
        let name = source.namespaces.get_key_value(namespace?)?.0.clone();
        Some(ObjectRef::Namespace(id.clone(), name))
    };
    found(&gpu)
        .or_else(|| found(&by_instance))
        .or_else(|| found(&pod))
        .or_else(|| found(&workload))
        .or_else(|| found(&|id, source| node(id, source).map(ObjectRef::Node)))
        .or_else(|| found(&whole))
}

/// The labels of an alert, by what they name.
struct Labels<'a>(&'a AlertFact);

impl<'a> Labels<'a> {
    /// The first of these labels that is there.
    fn one(&self, names: &[&str]) -> Option<&'a str> {
        let value =
            |name: &&str| self.0.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str());
        names.iter().find_map(value).filter(|value| !value.is_empty())
    }

    /// What may be the name of a node, the likeliest first: an instance is one with a port behind it.
    fn nodes(&self) -> impl Iterator<Item = &'a str> {
        let names = [
            "exported_node",
            "node",
            "nodename",
            "kubernetes_node",
            "Hostname",
            "hostname",
            "exported_instance",
            "instance",
        ];
        let values: Vec<&'a str> = names.iter().filter_map(|name| self.one(&[name])).collect();
        values.into_iter().flat_map(|value| {
            let bare = value.rsplit_once(':').map(|(host, _)| host);
            [Some(value), bare].into_iter().flatten()
        })
    }
}
