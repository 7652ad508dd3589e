//! Which changes a ribbon of the past shows, and where their neighbours are: those that were known then, or those that
//! were true then, whenever they were heard.

use pilothouse_wire::{
    Stamp, When,
    view::{Mark, MarkKind},
};

/// Was it known at that time? What is to come is shown all the same, under the veil.
#[must_use]
pub fn is_shown(mark: &Mark, when: When, true_then: bool) -> bool {
    match when {
        When::Now => true,
        When::At(then) => true_then || mark.key.at > then || heard(mark) <= then,
    }
}

/// When it was heard. A note is nobody's news: whoever put it there put it to that time.
fn heard(mark: &Mark) -> Stamp {
    if mark.key.kind == MarkKind::Bookmark { mark.key.at } else { mark.heard }
}

/// The time at which a change can be seen: once it was heard. One that was rebuilt is only true.
#[must_use]
pub fn seen_at(mark: &Mark) -> Stamp {
    if mark.rebuilt { mark.key.at } else { mark.key.at.max(heard(mark)) }
}

/// The time to go to for the change before or after the one that is shown; `None` for now. Ticks are too many to step
/// through.
#[must_use]
pub fn neighbour(marks: &[Mark], when: When, now: Stamp, later: bool) -> Option<When> {
    let shown = when.stamp(now);
    let times = marks.iter().filter(|mark| !mark.key.kind.is_tick()).map(seen_at).filter(|at| *at < now);
    if later {
        let next = times.filter(|at| *at > shown).min();
        (when != When::Now).then(|| next.map_or(When::Now, When::At))
    } else {
        times.filter(|at| *at < shown).max().map(When::At)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::view::ribbon::MarkKey;

    fn mark(at: i64, heard: i64, rebuilt: bool) -> Mark {
        let key = MarkKey { at: Stamp(at), object: "node:iad/a".parse().unwrap(), kind: MarkKind::Cordon };
        Mark { heard: Stamp(heard), rebuilt, ..Mark::of(key) }
    }

    #[test]
    fn what_was_heard_later_was_not_known_then_but_true() {
        let late = mark(10, 50, false);
        for (when, true_then, want) in [
            (When::Now, false, true),
            (When::At(Stamp(60)), false, true),
            (When::At(Stamp(20)), false, false),
            (When::At(Stamp(20)), true, true),
            // It is to come, then: under the veil.
            (When::At(Stamp(5)), false, true),
        ] {
            assert_eq!(is_shown(&late, when, true_then), want, "{when:?} {true_then}");
        }
    }

    #[test]
    fn a_note_that_was_put_into_the_past_is_shown_at_the_time_that_it_is_about() {
        let late = mark(10, 50, false);
        let note = Mark { key: MarkKey { kind: MarkKind::Bookmark, ..late.key.clone() }, ..late };
        for at in [10, 20, 60] {
            assert!(is_shown(&note, When::At(Stamp(at)), false), "{at}");
        }
        assert_eq!(seen_at(&note), Stamp(10));
        assert_eq!(neighbour(&[note], When::At(Stamp(20)), Stamp(100), false), Some(When::At(Stamp(10))));
    }

    #[test]
    fn steps_go_to_where_a_change_can_be_seen_and_end_at_now() {
        let marks = [mark(10, 12, false), mark(30, 90, true), mark(40, 41, false)];
        let now = Stamp(100);
        let steps = |when, later| neighbour(&marks, when, now, later);
        assert_eq!(steps(When::Now, false), Some(When::At(Stamp(41))));
        assert_eq!(steps(When::At(Stamp(41)), false), Some(When::At(Stamp(30))));
        assert_eq!(steps(When::At(Stamp(30)), false), Some(When::At(Stamp(12))));
        assert_eq!(steps(When::At(Stamp(12)), false), None);
        assert_eq!(steps(When::At(Stamp(12)), true), Some(When::At(Stamp(30))));
        assert_eq!(steps(When::At(Stamp(41)), true), Some(When::Now));
        assert_eq!(steps(When::Now, true), None);
    }
}
