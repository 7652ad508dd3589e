//! Whether what is there at one time alone could have been found at the other: where a rule had nothing to go by, what it
//! finds may have been so all the same; and where nobody told GPUs apart, which of them a pod held was not known.

use super::Shown;
use crate::{
    answer::Answer,
    rules,
    site::{Site, sites},
};
use pilothouse_wire::{
    ConnectionId, Freshness, NodeId, Stamp,
    units::count,
    view::{Finding, NodeRow},
};
use std::collections::HashMap;

/// A time, asked of what was found at another.
pub(super) struct Then<'a> {
    shown: &'a Shown,
    at: Stamp,
    sites: HashMap<&'a NodeId, Site<'a>>,
    /// The time at which it was found.
    other: (&'a Shown, Stamp),
}

impl<'a> Then<'a> {
    /// A time, and the other one.
    pub(super) fn of((shown, at): (&'a Shown, Stamp), other: (&'a Shown, Stamp)) -> Self {
        let sites = sites(&shown.fleet, shown.as_of).map(|site| (&site.node.id, site)).collect();
        Self { shown, at, sites, other }
    }

    /// Why nobody can tell whether a finding of the other time was there at this one, as a sentence; nothing where its rule could
    /// tell. A node that was not there had nothing wrong with it.
    pub(super) fn cannot_tell(&self, found: &Finding) -> Option<String> {
        let site = self.sites.get(&found.node)?;
        let answer = rules::of(&found.id.rule)?(*site);
        matches!(answer, Answer::CannotTell(_)).then(|| format!("Not known at {}: {}.", self.at, self.why(found)))
    }

    /// What was missing: of whom it is known by whom it was found at the other time.
    fn why(&self, found: &Finding) -> String {
        let Some(source) = measures(self.other.0, found) else { return "nobody told what it follows from".to_owned() };
        let of = |shown: &'a Shown| shown.sources.iter().find(|heard| heard.state.id == *source);
        let name = of(self.other.0).map_or(source.as_str(), |heard| heard.state.name.as_str());
        let how = match of(self.shown).map(|heard| &heard.state) {
            None if self.at < self.other.1 => "was not connected yet",
            None => "was not connected any more",
            Some(state) if state.heard.is_none() => "was not heard yet",
            Some(state) if matches!(state.freshness, Freshness::Lost | Freshness::Stale | Freshness::Paused) => {
                return format!("{name} was {}", state.freshness.word());
            }
            Some(_) => "did not measure what it follows from",
        };
        format!("{name} {how}")
    }
}

/// Who measures the GPUs that a finding is about.
fn measures<'a>(shown: &'a Shown, found: &Finding) -> Option<&'a ConnectionId> {
    let node = shown.fleet.nodes.get(&found.node)?;
    let of = |slot: &u16| node.devices.get(usize::from(*slot))?.source.as_ref();
    found.gpus.iter().find_map(of)
}

/// Are the GPUs of a node told apart? Until then its cluster tells how many of them a pod has, and not which.
pub(super) fn are_told_apart(node: &NodeRow) -> bool {
    node.devices.iter().any(|device| !device.uuid.is_empty())
}

/// That of some nodes it is not told which GPUs differ, as sentences.
pub(super) fn not_told_apart(from: (&Shown, Stamp), to: (&Shown, Stamp)) -> Vec<String> {
    let only = |here: &Shown, there: &Shown| {
        let is_so = |node: &&NodeRow| {
            let other = there.fleet.nodes.get(&node.id);
            !node.gpus.is_empty() && !are_told_apart(node) && other.is_some_and(are_told_apart)
        };
        here.fleet.nodes.rows().iter().filter(is_so).count() as u64
    };
    let said = [(only(from.0, to.0), from.1), (only(to.0, from.0), to.1)].into_iter().filter(|(nodes, _)| *nodes > 0);
    said.map(|(nodes, at)| {
        let of = if nodes == 1 { "1 node".to_owned() } else { format!("{} nodes", count(nodes)) };
        format!("Which GPU is which on {of} was not known at {at}: what changed of each there is not told.")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        compare::{Heard, Shown, compare},
        findings,
        fixture::{NOW, Node, cluster, view},
    };
    use pilothouse_wire::{
        ConnectionId, Freshness, Metric, Stamp,
        frame::SourceState,
        view::{Change, DifferKind, Difference},
    };
    use std::{sync::Arc, time::Duration};

    const BEFORE: Stamp = Stamp(NOW.0 - 3_600_000);

    fn source(id: &ConnectionId, freshness: Freshness, heard: Option<Stamp>) -> Heard {
        let is_cluster = *id == cluster();
        let state = SourceState { id: id.clone(), name: id.to_string(), demo: false, freshness, heard, note: None };
        Heard { state, nodes: is_cluster, pods: is_cluster, in_scope: true }
    }

    fn prometheus() -> ConnectionId {
        ConnectionId::slug("prometheus")
    }

    /// A node at a time, with what follows from it; `measures` is how its Prometheus was.
    fn shown(node: Node, at: Stamp, measures: Option<(Freshness, Option<Stamp>)>) -> Shown {
        let mut fleet = view([node], []);
        fleet.findings = findings(&fleet, at);
        let measures = measures.map(|(freshness, heard)| source(&prometheus(), freshness, heard));
        let sources = [source(&cluster(), Freshness::Live, Some(at))].into_iter().chain(measures).collect();
        Shown { fleet: Arc::new(fleet), sources, as_of: at, ..Shown::default() }
    }

    fn live(at: Stamp) -> Option<(Freshness, Option<Stamp>)> {
        Some((Freshness::Live, Some(at)))
    }

    fn node() -> Node {
        Node::called("a").gpus(2)
    }

    fn hot() -> Node {
        node().reads(1, Metric::Xid, 79.0)
    }

    fn of_findings(difference: &Difference) -> Vec<(Change, String, Option<&str>)> {
        let rows = difference.rows.iter().filter(|row| row.kind == DifferKind::Finding);
        rows.map(|row| (row.change, row.what.to_string(), row.why.as_deref())).collect()
    }

    #[test]
    fn what_a_prometheus_finds_that_was_connected_between_the_two_times_was_not_known_before_and_did_not_come() {
        let late = shown(hot(), NOW, live(NOW));
        for (measures, how) in [
            (None, "was not connected yet"),
            (Some((Freshness::Starting, None)), "was not heard yet"),
            (Some((Freshness::Lost, Some(BEFORE))), "was lost"),
            (live(BEFORE), "did not measure what it follows from"),
        ] {
            let early = shown(node().unmeasured(), BEFORE, measures);
            let why = format!("Not known at {BEFORE}: prometheus {how}.");
            let want = [(Change::NotKnown, "XID 79".to_owned(), Some(why.as_str()))];
            assert_eq!(of_findings(&compare((&early, BEFORE), (&late, NOW))), want);
            // The other way round it did not go.
            assert_eq!(of_findings(&compare((&late, NOW), (&early, BEFORE))), want);
        }
    }

    #[test]
    fn what_was_measured_before_and_was_well_came() {
        let early = shown(node().at(BEFORE).reads(1, Metric::Xid, 0.0), BEFORE, live(BEFORE));
        let late = shown(hot(), NOW, live(NOW));
        let difference = compare((&early, BEFORE), (&late, NOW));
        assert_eq!(of_findings(&difference), [(Change::Came, "XID 79".into(), None)]);
        assert_eq!(difference.left_out, Vec::<String>::new());
    }

    #[test]
    fn what_needs_a_reading_of_now_is_not_known_where_the_last_one_was_old() {
        let slowed = |at| node().at(at).reads(0, Metric::ThermalSlowdown, 0.5);
        let early =
            shown(slowed(BEFORE.minus(Duration::from_secs(900))), BEFORE, Some((Freshness::Lost, Some(BEFORE))));
        let late = shown(slowed(NOW), NOW, live(NOW));
        let difference = compare((&early, BEFORE), (&late, NOW));
        let told = of_findings(&difference);
        let why = format!("Not known at {BEFORE}: prometheus was lost.");
        assert!(told.contains(&(Change::NotKnown, "Throttled".into(), Some(why.as_str()))), "{told:?}");
    }

    #[test]
    fn what_a_cluster_says_itself_came_whoever_measures() {
        let early = shown(node().unmeasured(), BEFORE, None);
        let late = shown(node().condition("MemoryPressure", "True"), NOW, live(NOW));
        let difference = compare((&early, BEFORE), (&late, NOW));
        assert_eq!(of_findings(&difference), [(Change::Came, "MemoryPressure".into(), None)]);
    }

    #[test]
    fn a_node_that_came_with_its_fault_had_none_before() {
        let early = shown(Node::called("b").gpus(1).unmeasured(), BEFORE, None);
        let late = shown(hot(), NOW, live(NOW));
        let difference = compare((&early, BEFORE), (&late, NOW));
        assert_eq!(of_findings(&difference), [(Change::Came, "XID 79".into(), None)]);
    }

    #[test]
    fn until_gpus_are_told_apart_nobody_knows_which_of_them_changed_hands() {
        let early = shown(node().held(0..1, "chat").unmeasured(), BEFORE, None);
        let late = shown(node().held(1..2, "chat"), NOW, live(NOW));
        let said =
            |at| format!("Which GPU is which on 1 node was not known at {at}: what changed of each there is not told.");
        for (from, to) in [((&early, BEFORE), (&late, NOW)), ((&late, NOW), (&early, BEFORE))] {
            let difference = compare(from, to);
            let gpus = difference.rows.iter().filter(|row| row.kind == DifferKind::Gpu).count();
            assert_eq!((gpus, difference.left_out.contains(&said(BEFORE))), (0, true), "{difference:?}");
        }
        let both = shown(node().held(0..1, "chat"), BEFORE, live(BEFORE));
        let difference = compare((&both, BEFORE), (&late, NOW));
        assert_eq!(difference.rows.iter().filter(|row| row.kind == DifferKind::Gpu).count(), 2);
        assert_eq!(difference.left_out, Vec::<String>::new());
    }
}
