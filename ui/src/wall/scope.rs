//! Where what changed before a trouble is looked for: in its cluster; before an alert that is about nothing that is seen, wherever
//! its labels may mean.

use pilothouse_wire::{
    ConnectionId, ObjectRef, SmolStr,
    frame::SourceState,
    view::{AlertRow, Finding, FleetView, Mark},
};

/// Labels by which an alert names a workload.
const WORKLOADS: [&str; 4] = ["deployment", "statefulset", "daemonset", "job_name"];

/// Where it is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The sources; all, if there are none.
    pub sources: Vec<ConnectionId>,
    /// The namespace: what is in another one is not of it. What is in none, as nodes are, is.
    pub namespace: Option<SmolStr>,
    /// The name of the workload that is meant: what is of it goes first.
    pub workload: Option<SmolStr>,
}

impl Scope {
    /// That of a trouble, on a wall that shows these sources (all, if there are none).
    #[must_use]
    pub fn of(finding: &Finding, view: &FleetView, sources: &[SourceState], shown: &[ConnectionId]) -> Self {
        let alert = match &finding.id.object {
            ObjectRef::Alert(id) => view.alerts.get(id),
            _ => None,
        };
        let alert = match alert.map(|alert| (alert, &alert.about)) {
            Some((alert, None)) => alert,
            Some((_, Some(ObjectRef::Namespace(cluster, name)))) => {
                return Self { sources: vec![cluster.clone()], namespace: Some(name.clone()), workload: None };
            }
            _ => return Self { sources: vec![finding.node.cluster.clone()], ..Self::default() },
        };
        let of_cluster = |label: &SmolStr| {
            let named = |source: &&SourceState| source.id.as_str() == label || source.name == **label;
            sources.iter().find(named).map(|source| source.id.clone())
        };
        // A cluster that is called otherwise here may be any of those that are shown.
        let cluster = alert.label("cluster").and_then(of_cluster);
        Self {
            sources: cluster.map_or_else(|| shown.to_vec(), |cluster| vec![cluster]),
            namespace: first(alert, &["exported_namespace", "namespace"]),
            workload: first(alert, &WORKLOADS),
        }
    }

    /// Is it of the namespace, as far as it is of any?
    #[must_use]
    pub fn holds(&self, mark: &Mark) -> bool {
        let of = match &mark.key.object {
            ObjectRef::Namespace(_, name) => Some(name),
            object => object.namespace(),
        };
        of.is_none() || self.namespace.is_none() || of == self.namespace.as_ref()
    }

    /// How near an object is to what is meant: the workload, then what is of the namespace, then the rest.
    #[must_use]
    pub fn nearness(&self, object: &ObjectRef) -> u8 {
        let names = |name: &SmolStr| self.workload.as_ref().is_some_and(|workload| workload == name);
        match object {
            ObjectRef::Workload(_, _, _, name) if names(name) => 0,
            object if self.namespace.is_some() && object.namespace() == self.namespace.as_ref() => 1,
            _ => 2,
        }
    }
}

fn first(alert: &AlertRow, labels: &[&str]) -> Option<SmolStr> {
    labels.iter().find_map(|label| alert.label(label)).filter(|value| !value.is_empty()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wall::{alarm, plan};
    use pilothouse_wire::{
        AlertId, Freshness, Stamp,
        view::{AlertState, MarkKind, Status, ribbon::MarkKey},
    };

    fn alert(labels: &[(&str, &str)], about: Option<&str>) -> AlertRow {
        AlertRow {
            id: AlertId { source: ConnectionId::slug("am"), name: "Slow".into(), fingerprint: "f".into() },
            severity: Some("critical".into()),
            status: Status::Bad,
            state: AlertState::Firing,
            since: Stamp(7_200_000),
            summary: None,
            about: about.map(|object| object.parse().unwrap()),
            labels: labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            runbook: None,
        }
    }

    fn source(id: &str, name: &str) -> SourceState {
        let (id, name) = (ConnectionId::slug(id), name.to_owned());
        SourceState { id, name, demo: false, freshness: Freshness::Live, heard: None, note: None }
    }

    fn mark(second: i64, object: &str, kind: MarkKind) -> Mark {
        Mark::of(MarkKey { at: Stamp(second * 1_000), object: object.parse().unwrap(), kind })
    }

    /// What is told before an alert, by the seconds, of a wall that shows these sources.
    fn told(alert: AlertRow, shown: &[&str]) -> Vec<i64> {
        let view = FleetView { alerts: [alert].into_iter().collect(), ..FleetView::default() };
        let finding = &alarm::all(&view)[0];
        let sources = [source("iad", "iad-prod"), source("ord", "ord-prod"), source("am", "am")];
        let shown: Vec<ConnectionId> = shown.iter().map(|id| ConnectionId::slug(id)).collect();
        let scope = Scope::of(finding, &view, &sources, &shown);
        let marks = [
            mark(4_000, "workload:iad/serving/Deployment/chat", MarkKind::Scale),
            mark(4_100, "workload:ord/serving/Deployment/chat", MarkKind::Scale),
            mark(4_200, "workload:ord/batch/Deployment/other", MarkKind::Deploy),
            mark(4_300, "node:iad/h-1", MarkKind::Cordon),
            // Signs are not what it came from.
            mark(4_400, "alert:am/Slow/f", MarkKind::Alert),
            mark(4_500, "alert:am/Other/g", MarkKind::AlertOver),
        ];
        plan::before(&marks, finding, &scope, Stamp(9_000_000)).into_iter().map(|mark| mark.key.at.0 / 1_000).collect()
    }

    #[test]
    fn an_alert_about_nothing_that_is_seen_is_looked_for_wherever_it_may_mean() {
        assert_eq!(told(alert(&[], None), &[]), [4_000, 4_100, 4_200, 4_300], "everywhere");
        assert_eq!(told(alert(&[], None), &["ord"]), [4_100, 4_200], "in what the wall shows");
        assert_eq!(told(alert(&[("cluster", "ord-prod")], None), &[]), [4_100, 4_200]);
        assert_eq!(told(alert(&[("cluster", "iad")], None), &[]), [4_000, 4_300]);
        assert_eq!(told(alert(&[("cluster", "elsewhere")], None), &[]), [4_000, 4_100, 4_200, 4_300]);
        assert_eq!(told(alert(&[("namespace", "serving")], None), &[]), [4_000, 4_100, 4_300]);
        let both = [("cluster", "ord"), ("namespace", "serving")];
        assert_eq!(told(alert(&both, None), &[]), [4_100]);
    }

    #[test]
    fn an_alert_about_something_is_looked_for_in_its_cluster() {
        assert_eq!(told(alert(&[("namespace", "batch")], Some("node:iad/h-1")), &[]), [4_000, 4_300]);
        assert_eq!(told(alert(&[], Some("namespace:ord/batch")), &[]), [4_200]);
    }

    #[test]
    fn of_more_than_there_is_room_for_what_is_of_the_workload_stays() {
        let labels = [("namespace", "serving"), ("deployment", "chat")];
        let view = FleetView { alerts: [alert(&labels, None)].into_iter().collect(), ..FleetView::default() };
        let finding = &alarm::all(&view)[0];
        let scope = Scope::of(finding, &view, &[], &[]);
        let mut marks: Vec<Mark> =
            (0..9).map(|n| mark(5_000 + n, &format!("node:iad/h-{n}"), MarkKind::Fault)).collect();
        marks.push(mark(4_000, "workload:iad/serving/Deployment/chat", MarkKind::Scale));
        let told = plan::before(&marks, finding, &scope, Stamp(9_000_000));
        assert_eq!(told[0].key.at, Stamp(4_000_000));
    }
}
