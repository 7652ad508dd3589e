//! Whether a source was heard at both times: what nobody heard of at one of them has neither come nor gone.

use super::Shown;
use pilothouse_wire::{
    ConnectionId, Freshness, Stamp,
    frame::SourceState,
    view::{Change, DifferKind, Differs},
};
use std::collections::BTreeSet;

/// A source at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// How it was.
    pub state: SourceState,
    /// Were its nodes listed by then?
    pub nodes: bool,
    /// Were its pods, of a part of its namespaces at least?
    pub pods: bool,
    /// Is it in the scope that is compared? One that is not may still tell of what is: who measures, who tells of alerts.
    pub in_scope: bool,
}

impl Heard {
    fn is_heard(&self) -> bool {
        self.state.heard.is_some()
    }

    /// Had it told of what is of this kind?
    fn tells(&self, kind: DifferKind) -> bool {
        match kind {
            DifferKind::Node | DifferKind::Condition | DifferKind::Gpu => self.nodes,
            DifferKind::Workload | DifferKind::Pod => self.pods,
            DifferKind::Finding | DifferKind::Alert | DifferKind::Service | DifferKind::Model => self.is_heard(),
        }
    }

    /// Was as much of it read?
    fn stands_like(&self, other: &Self) -> bool {
        (self.is_heard(), self.nodes, self.pods) == (other.is_heard(), other.nodes, other.pods)
    }
}

fn of<'a>(sources: &'a [Heard], id: &ConnectionId) -> Option<&'a Heard> {
    sources.iter().find(|source| source.state.id == *id)
}

/// May a difference be told? One that came or went was looked for at both times.
pub(super) fn is_told(from: &[Heard], to: &[Heard], row: &Differs) -> bool {
    let id = row.object.connection();
    let (from, to) = (of(from, id), of(to, id));
    // What a finding follows from are nodes and pods.
    let is_like = || match (from, to) {
        (Some(from), Some(to)) => row.kind != DifferKind::Finding || from.stands_like(to),
        _ => true,
    };
    let tells = |source: Option<&Heard>| source.is_some_and(|source| source.tells(row.kind));
    row.change == Change::Changed || tells(from) == tells(to) && is_like()
}

/// What is to be said of the sources beside what differs, as sentences: who was not heard at one of the times, or no longer. Of
/// those outside of the scope only where something is not told because of that: they are `left_out`.
pub(super) fn words(from: (&Shown, Stamp), to: (&Shown, Stamp), left_out: &BTreeSet<ConnectionId>) -> Vec<String> {
    let mut all = Vec::new();
    let concerns = |source: &&Heard| source.in_scope || left_out.contains(&source.state.id);
    for ((here, at), (there, _)) in [(from, to), (to, from)] {
        for other in there.sources.iter().filter(concerns) {
            let (source, name) = (of(&here.sources, &other.state.id), &other.state.name);
            let lacks = match source {
                None if other.is_heard() => Some("not connected"),
                Some(source) if other.is_heard() && !source.is_heard() => Some("not heard yet"),
                Some(source) if other.nodes && !source.nodes || other.pods && !source.pods => {
                    Some("not read whole yet")
                }
                _ => None,
            };
            all.extend(lacks.map(|lacks| format!("{name} was {lacks} at {at}: what came or went there is not told.")));
        }
        all.extend(here.sources.iter().filter(concerns).filter_map(|source| silent(&source.state, at)));
    }
    all
}

/// That a source was silent at a time, and what is shown of it then.
fn silent(source: &SourceState, at: Stamp) -> Option<String> {
    let heard = source.heard?;
    matches!(source.freshness, Freshness::Lost | Freshness::Stale | Freshness::Paused).then(|| {
        let (name, how) = (&source.name, source.freshness.word());
        format!("{name} was {how} at {at}: what is shown of it is as it was last heard, {heard}.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::{compare, tests::told},
        fixture::{NOW, Node, Pod, cluster, view},
    };
    use pilothouse_wire::{
        AlertId,
        view::{AlertRow, AlertState, FleetView, Status},
    };
    use std::sync::Arc;

    fn source(id: &ConnectionId, freshness: Freshness, heard: Option<i64>, listed: bool) -> Heard {
        let (name, heard) = (id.to_string(), heard.map(Stamp));
        let state = SourceState { id: id.clone(), name, demo: false, freshness, heard, note: None };
        Heard { state, nodes: listed, pods: listed, in_scope: true }
    }

    fn shown(fleet: FleetView, sources: impl IntoIterator<Item = Heard>) -> Shown {
        Shown { fleet: Arc::new(fleet), sources: sources.into_iter().collect(), ..Shown::default() }
    }

    fn full() -> FleetView {
        view([Node::called("a").gpus(1)], [Pod::called("chat").on("a")])
    }

    fn live() -> Heard {
        source(&cluster(), Freshness::Live, Some(5), true)
    }

    #[test]
    fn of_a_source_that_was_not_heard_at_one_of_the_times_nothing_came_and_nothing_went() {
        let nothing = || view([], []);
        let whole = shown(full(), [live()]);
        let begun = source(&cluster(), Freshness::Starting, None, false);
        let half = Heard { nodes: true, ..source(&cluster(), Freshness::Starting, Some(1), false) };
        for (sources, want) in [
            (vec![], "iad was not connected at"),
            (vec![begun], "iad was not heard yet at"),
            (vec![half], "iad was not read whole yet at"),
        ] {
            let other = shown(nothing(), sources);
            for (from, to, at) in [(&other, &whole, Stamp(0)), (&whole, &other, NOW)] {
                let difference = compare((from, Stamp(0)), (to, NOW));
                let is_node = |row: &Differs| row.kind == DifferKind::Node;
                let rows: Vec<_> =
                    difference.rows.iter().filter(|row| !(want.contains("whole") && is_node(row))).collect();
                assert!(rows.is_empty(), "{want}: {rows:?}");
                let said = format!("{want} {at}: what came or went there is not told.");
                assert_eq!(difference.left_out, [said]);
            }
        }
    }

    #[test]
    fn what_went_from_a_source_that_was_heard_went_also_where_it_is_lost_later() {
        let lost = source(&cluster(), Freshness::Lost, Some(60_000), true);
        let (old, new) = (shown(full(), [live()]), shown(view([Node::called("a").gpus(1)], []), [lost]));
        told(&old, &new, &["pod − chat status Running → —, node a → —, ready 1 of 1 → —, restarts 0 → —, GPUs 0 → —"]);
        let difference = compare((&old, Stamp(0)), (&new, NOW));
        let said = format!("iad was lost at {NOW}: what is shown of it is as it was last heard, 1970-01-01T00:01:00Z.");
        assert_eq!(difference.left_out, [said]);
        assert_eq!(compare((&old, Stamp(0)), (&old, NOW)).left_out, Vec::<String>::new());
    }

    #[test]
    fn of_a_source_outside_of_the_scope_is_said_what_is_not_told_because_of_it_and_nothing_else() {
        let outside = |id: &str, heard| Heard {
            in_scope: false,
            ..source(&ConnectionId::slug(id), Freshness::Live, heard, false)
        };
        let alert = AlertRow {
            id: AlertId { source: ConnectionId::slug("am"), name: "Slow".into(), fingerprint: "f".into() },
            severity: None,
            status: Status::Bad,
            state: AlertState::Firing,
            since: Stamp(0),
            summary: None,
            about: None,
            labels: Vec::new(),
            runbook: None,
        };
        let old = shown(full(), [live()]);
        let fires = FleetView { alerts: [alert].into_iter().collect(), ..full() };
        let new = shown(fires, [live(), outside("am", Some(9)), outside("ord", Some(9))]);
        let difference = compare((&old, Stamp(0)), (&new, NOW));
        let said = format!("am was not connected at {}: what came or went there is not told.", Stamp(0));
        assert_eq!((difference.rows, difference.left_out), (Vec::new(), vec![said]));
    }

    #[test]
    fn what_is_of_another_source_is_told_all_the_same() {
        let ord = ConnectionId::slug("ord");
        let old = shown(full(), [live(), source(&ord, Freshness::Starting, None, false)]);
        let new = shown(view([Node::called("a").gpus(1)], []), [live(), source(&ord, Freshness::Live, Some(9), true)]);
        let difference = compare((&old, Stamp(0)), (&new, NOW));
        assert_eq!(difference.rows.iter().map(|row| row.kind).collect::<Vec<_>>(), [DifferKind::Pod]);
        assert_eq!(difference.left_out.len(), 1, "{:?}", difference.left_out);
    }
}
