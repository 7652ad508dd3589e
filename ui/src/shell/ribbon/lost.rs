//! When which connection was lost: from its last fact until it was found again, hatched on the ribbon.

use pilothouse_wire::{
    ConnectionId, Freshness, Stamp,
    frame::SourceState,
    view::{Mark, MarkKind},
};
use std::collections::BTreeMap;

/// Spans in which a connection was lost, `None` at the end for one that still is.
#[must_use]
pub fn spans(marks: &[Mark], sources: &[SourceState]) -> Vec<(Stamp, Option<Stamp>)> {
    let mut open: BTreeMap<&ConnectionId, Stamp> = BTreeMap::new();
    let mut spans = Vec::new();
    for mark in marks {
        let id = mark.key.object.connection();
        match mark.key.kind {
            MarkKind::ConnectionLost => drop(open.entry(id).or_insert(mark.key.at)),
            MarkKind::ConnectionFound => spans.extend(open.remove(id).map(|from| (from, Some(mark.key.at)))),
            _ => {}
        }
    }
    // What is lost now without a mark of its own (a link that only went quiet) is hatched from its last fact.
    for source in sources.iter().filter(|source| source.freshness >= Freshness::Stale) {
        if let Some(heard) = source.heard {
            open.entry(&source.id).or_insert(heard);
        }
    }
    spans.extend(open.into_iter().filter(|(id, _)| still(id, sources)).map(|(_, from)| (from, None)));
    spans
}

/// A connection that was removed is not lost any more.
fn still(id: &ConnectionId, sources: &[SourceState]) -> bool {
    sources.iter().any(|source| source.id == *id && source.freshness >= Freshness::Stale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ObjectRef,
        view::{Status, ribbon::MarkKey},
    };

    fn mark(at: i64, id: &str, kind: MarkKind) -> Mark {
        let key = MarkKey { at: Stamp(at), object: ObjectRef::Connection(ConnectionId::slug(id)), kind };
        Mark { status: Status::Bad, ..Mark::of(key) }
    }

    fn source(id: &str, freshness: Freshness, heard: i64) -> SourceState {
        let id = ConnectionId::slug(id);
        SourceState { name: id.to_string(), id, demo: false, freshness, heard: Some(Stamp(heard)), note: None }
    }

    #[test]
    fn a_loss_lasts_until_it_is_found_and_one_without_an_end_until_now() {
        let marks = [
            mark(10, "ord", MarkKind::ConnectionLost),
            mark(30, "ord", MarkKind::ConnectionFound),
            mark(40, "fra", MarkKind::ConnectionLost),
            mark(50, "gone", MarkKind::ConnectionLost),
        ];
        let sources = [
            source("ord", Freshness::Live, 90),
            source("fra", Freshness::Lost, 40),
            source("iad", Freshness::Stale, 60),
        ];
        let want = [(Stamp(10), Some(Stamp(30))), (Stamp(40), None), (Stamp(60), None)];
        assert_eq!(spans(&marks, &sources), want);
    }
}
