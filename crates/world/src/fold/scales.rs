//! Changes of the number of pods from before we were there. A server keeps no time of a write through `scale`: the events of
//! the controller that followed it do, with from and to, as long as events are kept.

use super::Fold;
use crate::{fact::EventFact, source::WorkloadKey};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{Mark, MarkKind},
};
use std::collections::BTreeMap;

/// The reason of the events of a Deployment that follow its size.
const REASON: &str = "ScalingReplicaSet";
/// A rollout moves two ReplicaSets this near to each other, in milliseconds: of these neither tells of a new size.
const ROLLOUT_MS: u64 = 60_000;

/// A ReplicaSet got another size.
struct Sized<'a> {
    at: Stamp,
    set: &'a str,
    from: u64,
    to: u64,
}

/// `Scaled up replica set chat-7f9d from 2 to 4`; earlier servers do not say from what.
fn sized(event: &EventFact) -> Option<Sized<'_>> {
    let mut words = event.note.strip_prefix("Scaled ")?.split(' ');
    words.find(|word| *word == "set")?;
    let set = words.next()?;
    let mut number = |word: &str| (words.next()? == word).then(|| words.next())??.parse().ok();
    let (from, to) = (number("from")?, number("to")?);
    Some(Sized { at: event.at, set, from, to })
}

impl Fold<'_> {
    /// Tells of each size that was no step of a rollout.
    pub(super) fn rebuild_scales(&mut self, namespace: Option<&SmolStr>) {
        let mut by_owner: BTreeMap<WorkloadKey, Vec<Sized<'_>>> = BTreeMap::new();
        for event in self.source.events.values().filter(|event| event.reason == REASON && event.kind == "Deployment") {
            if let Some(of) = event.namespace.clone().filter(|of| namespace.is_none_or(|only| only == of))
                && let Some(sized) = sized(event)
            {
                by_owner.entry((event.kind.clone(), of, event.name.clone())).or_default().push(sized);
            }
        }
        let mut marks = Vec::new();
        for (key, all) in &by_owner {
            for one in all {
                let near = |other: &&Sized<'_>| other.at.0.abs_diff(one.at.0) <= ROLLOUT_MS;
                let is_step = all.iter().filter(near).any(|other| other.set != one.set);
                // Its first pods are its making.
                let is_first = one.from == 0 && !all.iter().any(|other| other.set == one.set && other.at < one.at);
                if !is_step && !is_first {
                    let title = format!("{} {} → {}", key.2, one.from, one.to);
                    marks.push(Mark { title, ..self.mark_of(key, one.at, MarkKind::Scale) });
                }
            }
        }
        marks.into_iter().for_each(|mark| self.rebuild(mark));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_where_it_says_from_what_to_what() {
        let read = |note: &str| {
            let event = EventFact {
                uid: "u".into(),
                kind: "Deployment".into(),
                namespace: Some("serving".into()),
                name: "chat".into(),
                warning: false,
                reason: REASON.into(),
                note: note.into(),
                count: 1,
                at: Stamp(0),
            };
            sized(&event).map(|sized| (sized.set.to_owned(), sized.from, sized.to))
        };
        assert_eq!(read("Scaled up replica set chat-7f9d from 2 to 4"), Some(("chat-7f9d".into(), 2, 4)));
        assert_eq!(read("Scaled down replica set chat-7f9d from 4 to 0"), Some(("chat-7f9d".into(), 4, 0)));
        for none in ["Scaled up replica set chat-7f9d to 4", "Scaled up replica set", "", "Scaled set a from x to 4"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
