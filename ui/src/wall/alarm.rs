//! An alert as a trouble of the wall: told like a finding, with what it hits as far as the fleet shows it.

use pilothouse_wire::{
    NodeId, ObjectRef, PodId, SmolStr,
    view::{AlertRow, Finding, FindingId, FleetView, PodRow},
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
        _ => Vec::new(),
    };
    let on = |pod: &PodRow| Some(NodeId { cluster: pod.id.cluster.clone(), name: pod.node.clone()? });
    let node = match &alert.about {
        Some(ObjectRef::Node(node) | ObjectRef::Gpu(node, _)) => Some(node.clone()),
        Some(object) => pods.first().and_then(|pod| on(pod)).or_else(|| Some(nowhere(object.connection()))),
        None => None,
    };
    let node = node.unwrap_or_else(|| nowhere(&alert.id.source));
    let holds = |pods: &[PodId]| {
        let held =
            view.nodes.get(&node).into_iter().flat_map(|row| row.gpus.iter().enumerate().map(move |cell| (row, cell)));
        let slots = held.filter(|(row, (_, cell))| {
            let holder = cell.holder.and_then(|at| row.holders.get(usize::from(at)));
            holder.is_some_and(|holder| pods.contains(holder))
        });
        slots.filter_map(|(_, (slot, _))| u16::try_from(slot).ok()).collect::<Vec<_>>()
    };
    let ids: Vec<PodId> = pods.iter().map(|pod| pod.id.clone()).collect();
    let gpus = match &alert.about {
        Some(ObjectRef::Gpu(_, slot)) => vec![*slot],
        _ => holds(&ids),
    };
    let mut workloads: Vec<SmolStr> = pods
        .iter()
        .filter_map(|pod| {
            let (kind, name) = (pod.workload_kind.as_ref()?, pod.workload.as_ref()?);
            Some(SmolStr::from(format!("{kind} {}/{name}", pod.id.namespace)))
        })
        .collect();
    workloads.dedup();
    Finding {
        id: FindingId { object: ObjectRef::Alert(Box::new(alert.id.clone())), rule: SmolStr::new_static("alert") },
        status: alert.status,
        word: alert.severity.clone().unwrap_or_else(|| SmolStr::new_static("alert")),
        claim: alert.id.name.to_string(),
        since: Some(alert.since),
        evidence: alert.summary.clone().unwrap_or_default(),
        action: match &alert.runbook {
            Some(runbook) => format!("The runbook: {runbook}"),
            None => format!("{} says no more. It has no runbook.", alert.id.source),
        },
        command: None,
        node,
        gpus,
        pods: ids,
        workloads,
    }
}

/// The node of what is on none.
fn nowhere(cluster: &pilothouse_wire::ConnectionId) -> NodeId {
    NodeId { cluster: cluster.clone(), name: SmolStr::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wall::plan;
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
    fn an_alert_about_nothing_that_is_seen_is_told_by_who_says_it() {
        let view = FleetView {
            alerts: [alert("Slow", Status::Bad, AlertState::Firing, None)].into_iter().collect(),
            ..FleetView::default()
        };
        let all = all(&view);
        assert_eq!((all[0].node.cluster.as_str(), all[0].node.name.as_str(), all[0].gpus.len()), ("am", "", 0));
    }
}
