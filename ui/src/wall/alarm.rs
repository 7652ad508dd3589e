//! An alert as a trouble of the wall: told like a finding, with what it hits as far as the fleet shows it.

use pilothouse_wire::{
    NodeId, ObjectRef, PodId, SmolStr, sort,
    view::{AlertRow, Finding, FindingId, FleetView, Method, NodeRow, PodRow},
};

/// Everything that may need a person: what was found, and the alerts that somebody is told of.
#[must_use]
pub fn all(view: &FleetView) -> Vec<Finding> {
    let told = view.alerts.rows().iter().filter(|alert| alert.state.is_told());
    view.findings.rows().iter().cloned().chain(told.map(|alert| of(alert, view))).collect()
}

/// One of them by its id.
#[must_use]
pub fn find(view: &FleetView, id: &FindingId) -> Option<Finding> {
    match &id.object {
        ObjectRef::Alert(alert) => {
            view.alerts.get(alert).filter(|alert| alert.state.is_told()).map(|row| of(row, view))
        }
        _ => view.findings.get(id).cloned(),
    }
}

fn of(alert: &AlertRow, view: &FleetView) -> Finding {
    let pods: Vec<&PodRow> = match &alert.about {
        Some(ObjectRef::Pod(id)) => view.pods.get(id).into_iter().collect(),
        Some(ObjectRef::Workload(cluster, namespace, kind, name)) => view
            .pods
            .rows()
            .iter()
            .filter(|pod| pod.id.cluster == *cluster && pod.id.namespace == *namespace)
            .filter(|pod| pod.workload.as_ref() == Some(name) && pod.workload_kind.as_ref() == Some(kind))
            .collect(),
        Some(ObjectRef::Node(id)) => {
            let holders = view.nodes.get(id).into_iter().flat_map(|node| &node.holders);
            holders.filter_map(|pod| view.pods.get(pod)).collect()
        }
        Some(ObjectRef::Gpu(id, slot)) => {
            view.nodes.get(id).and_then(|node| holder(node, *slot, view)).into_iter().collect()
        }
        _ => Vec::new(),
    };
    let ids: Vec<PodId> = pods.iter().map(|pod| pod.id.clone()).collect();
    let mut nodes: Vec<&NodeRow> = pods
        .iter()
        .filter_map(|pod| view.nodes.get(&NodeId { cluster: pod.id.cluster.clone(), name: pod.node.clone()? }))
        .collect();
    sort::by(&mut nodes, |one, other| one.id.cmp(&other.id));
    nodes.dedup_by(|one, other| one.id == other.id);
    let node = match (&alert.about, &nodes[..]) {
        (Some(ObjectRef::Node(node) | ObjectRef::Gpu(node, _)), _) => node.clone(),
        (_, [only]) => only.id.clone(),
        (Some(object), _) => nowhere(object.connection()),
        (None, _) => nowhere(&alert.id.source),
    };
    // Slots of several nodes: how many is all that is shown of them.
    let gpus = match &alert.about {
        Some(ObjectRef::Gpu(_, slot)) => vec![*slot],
        Some(ObjectRef::Node(id)) => {
            let all = view.nodes.get(id).map_or(0, |node| node.gpus.len());
            (0..u16::try_from(all).unwrap_or(u16::MAX)).collect()
        }
        _ => nodes.iter().flat_map(|node| held(node, &ids)).collect(),
    };
    let mut workloads: Vec<SmolStr> = Vec::new();
    for pod in &pods {
        if let (Some(kind), Some(name)) = (&pod.workload_kind, &pod.workload) {
            let workload = SmolStr::from(format!("{kind} {}/{name}", pod.id.namespace));
            // Pods of one need not stand side by side.
            if !workloads.contains(&workload) {
                workloads.push(workload);
            }
        }
    }
    Finding {
        id: FindingId { object: ObjectRef::Alert(Box::new(alert.id.clone())), rule: SmolStr::new_static("alert") },
        status: alert.status,
        word: alert.severity.clone().unwrap_or_else(|| SmolStr::new_static("alert")),
        claim: alert.id.name.to_string(),
        since: Some(alert.since),
        evidence: alert.summary.clone().unwrap_or_default(),
        action: match &alert.runbook {
            Some(runbook) => format!("The runbook: {runbook}"),
            // Runbooks are not sent to a wall: whether it has one is not known there.
            None => format!("{} says no more here.", alert.id.source),
        },
        command: None,
        node,
        gpus,
        pods: ids,
        workloads,
        services: Vec::new(),
    }
}

/// The pod that holds a GPU, where it is known exactly which: a slot is no device.
fn holder<'a>(node: &NodeRow, slot: u16, view: &'a FleetView) -> Option<&'a PodRow> {
    let cell = node.gpus.get(usize::from(slot))?;
    let is_exact = matches!(cell.method, Method::Device | Method::Whole | Method::Claim);
    view.pods.get(node.holders.get(usize::from(cell.holder.filter(|_| is_exact)?))?)
}

/// The slots of a node that these pods hold.
fn held<'a>(node: &'a NodeRow, pods: &'a [PodId]) -> impl Iterator<Item = u16> + 'a {
    (0_u16..).zip(&node.gpus).filter_map(|(slot, cell)| {
        let holder = node.holders.get(usize::from(cell.holder?))?;
        pods.contains(holder).then_some(slot)
    })
}

/// The node of what is on none, or on several.
fn nowhere(cluster: &pilothouse_wire::ConnectionId) -> NodeId {
    NodeId { cluster: cluster.clone(), name: SmolStr::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{screens::fleet::sample, wall::plan};
    use pilothouse_wire::{
        AlertId, ConnectionId, Stamp,
        view::{AlertState, Status},
    };

    fn alert(name: &str, status: Status, state: AlertState, about: Option<&str>) -> AlertRow {
        AlertRow {
            id: AlertId { source: ConnectionId::slug("am"), name: name.into(), fingerprint: name.into() },
            severity: Some("critical".into()),
            status,
            state,
            since: Stamp(1_000),
            summary: Some("It is slow.".into()),
            about: about.map(|object| object.parse().unwrap()),
            labels: vec![],
            runbook: None,
        }
    }

    #[test]
    fn what_fires_badly_is_a_trouble_and_what_is_silenced_or_mild_is_none() {
        let alerts = [
            alert("Slow", Status::Bad, AlertState::Firing, Some("gpu:iad/h-1/3")),
            alert("Hushed", Status::Unknown, AlertState::Silenced, None),
            alert("Warm", Status::Warn, AlertState::Firing, None),
        ];
        let view = FleetView { alerts: alerts.into_iter().collect(), ..FleetView::default() };
        let all = all(&view);
        let bad = plan::troubles(&all);
        assert_eq!(bad.len(), 1);
        assert_eq!(
            (bad[0].claim.as_str(), bad[0].gpus.as_slice(), bad[0].node.name.as_str()),
            ("Slow", &[3][..], "h-1")
        );
        assert_eq!(find(&view, &bad[0].id).as_ref(), Some(bad[0]));
    }

    #[test]
    fn an_alert_about_a_workload_hits_the_gpus_of_all_its_pods() {
        let pod = |name: &str, node: &str| PodRow { node: Some(node.into()), ..sample::pod("iad", name) };
        let node = |name: &str, holder: &str| {
            let mut node = sample::node("iad", name, "pool", 3);
            node.holders = vec![sample::pod("iad", holder).id];
            node.gpus[0].holder = Some(0);
            node.gpus[2].holder = Some(0);
            node
        };
        let about = Some("workload:iad/serving/Deployment/chat-70b");
        let view = FleetView {
            alerts: [alert("Slow", Status::Bad, AlertState::Firing, about)].into_iter().collect(),
            nodes: [node("h-1", "chat-0"), node("h-2", "chat-1"), node("h-3", "other-0")].into_iter().collect(),
            pods: [pod("chat-0", "h-1"), pod("chat-1", "h-2")].into_iter().collect(),
            ..FleetView::default()
        };
        let found = &all(&view)[0];
        assert_eq!((found.gpus.len(), found.node.name.as_str(), found.pods.len()), (4, "", 2));
        assert_eq!(found.workloads, ["Deployment serving/chat-70b"]);
    }

    #[test]
    fn an_alert_about_a_node_or_a_gpu_hits_who_is_known_to_be_there() {
        let mut node = sample::node("iad", "h-1", "pool", 3);
        node.holders = vec![sample::pod("iad", "chat-0").id];
        (node.gpus[0].holder, node.gpus[1].holder) = (Some(0), Some(0));
        node.gpus[1].method = Method::Device;
        let about = |about: &str| {
            let view = FleetView {
                alerts: [alert("Down", Status::Bad, AlertState::Firing, Some(about))].into_iter().collect(),
                nodes: [node.clone()].into_iter().collect(),
                pods: [PodRow { node: Some("h-1".into()), ..sample::pod("iad", "chat-0") }].into_iter().collect(),
                ..FleetView::default()
            };
            let found = all(&view).remove(0);
            (found.gpus, found.pods.len(), found.workloads.len())
        };
        assert_eq!(about("node:iad/h-1"), (vec![0, 1, 2], 1, 1));
        assert_eq!(about("gpu:iad/h-1/1"), (vec![1], 1, 1), "its holder is known exactly");
        assert_eq!(about("gpu:iad/h-1/0"), (vec![0], 0, 0), "by count nobody knows which pod has it");
        assert_eq!(about("node:iad/gone"), (vec![], 0, 0));
    }

    #[test]
    fn a_workload_whose_pods_do_not_stand_side_by_side_is_named_once() {
        let pod = |name: &str, of: &str| PodRow {
            workload_kind: Some("Deployment".into()),
            workload: Some(of.into()),
            ..sample::pod("iad", name)
        };
        let pods = [pod("a-0", "a"), pod("b-0", "b"), pod("a-1", "a"), pod("b-1", "b")];
        let mut node = sample::node("iad", "h-1", "pool", 4);
        node.holders = pods.iter().map(|pod| pod.id.clone()).collect();
        let view = FleetView {
            alerts: [alert("Down", Status::Bad, AlertState::Firing, Some("node:iad/h-1"))].into_iter().collect(),
            nodes: [node].into_iter().collect(),
            pods: pods.into_iter().collect(),
            ..FleetView::default()
        };
        let found = all(&view).remove(0);
        assert_eq!((found.pods.len(), found.workloads.len()), (4, 2), "{:?}", found.workloads);
    }

    #[test]
    fn an_alert_about_nothing_that_is_seen_is_told_by_who_says_it() {
        let view = FleetView {
            alerts: [alert("Slow", Status::Bad, AlertState::Firing, None)].into_iter().collect(),
            ..FleetView::default()
        };
        let all = all(&view);
        assert_eq!((all[0].node.cluster.as_str(), all[0].node.name.as_str(), all[0].gpus.len()), ("am", "", 0));
    }
}
