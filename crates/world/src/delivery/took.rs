//! How long changes of a service took, as far as they were seen from begin to end.

use super::Moment;
use pilothouse_wire::{Stamp, view::DeliveryPhase};

/// How long each change took, in milliseconds, the oldest first: from when another revision was wanted until it was healthy.
///
/// What stood at a pause is no measure: it waited for a person or a time. Neither is what could not go on, nor what gave way to
/// a third revision.
#[must_use]
pub(crate) fn took(moments: &[Moment]) -> Vec<u64> {
    let mut all = Vec::new();
    let mut begun: Option<Begun> = None;
    for (last, now) in moments.iter().zip(moments.iter().skip(1)) {
        if now.hash != last.hash {
            begun = (last.hash.is_some() && now.hash.is_some()).then_some(Begun { at: now.at, moved: false });
        }
        match now.phase {
            DeliveryPhase::Paused | DeliveryPhase::Degraded => begun = None,
            // What is heard of first may be the revision, while the phase is still of the one before.
            DeliveryPhase::Healthy => {
                if let Some(change) = begun.take_if(|change| change.moved) {
                    all.push(u64::try_from(now.at.since(change.at).as_millis()).unwrap_or(u64::MAX));
                }
            }
            DeliveryPhase::Progressing | DeliveryPhase::Unknown => {
                if let Some(change) = &mut begun {
                    change.moved = true;
                }
            }
        }
    }
    all
}

/// A change that was seen to begin.
struct Begun {
    at: Stamp,
    /// Was it seen on its way?
    moved: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::view::delivery::Split;

    #[track_caller]
    fn check(moments: &[(i64, &str, DeliveryPhase)], want: &[u64]) {
        let moment = |(at, hash, phase): &(i64, &str, DeliveryPhase)| Moment {
            at: Stamp(*at),
            hash: (!hash.is_empty()).then(|| (*hash).into()),
            step: None,
            split: Split::default(),
            phase: *phase,
        };
        assert_eq!(took(&moments.iter().map(moment).collect::<Vec<_>>()), want, "{moments:?}");
    }

    #[test]
    fn a_change_is_measured_from_begin_to_end_and_nothing_else_is() {
        use DeliveryPhase::{Degraded, Healthy, Paused, Progressing};
        check(&[], &[]);
        // What was under way when it was first looked at began before.
        check(&[(0, "a", Progressing), (9, "a", Healthy)], &[]);
        check(&[(0, "a", Healthy), (10, "b", Progressing), (50, "b", Healthy)], &[40]);
        // The revision is heard of first; then that it is on its way.
        check(&[(0, "a", Healthy), (10, "b", Healthy), (11, "b", Progressing), (50, "b", Healthy)], &[40]);
        check(&[(0, "a", Healthy), (10, "b", Healthy)], &[]);
        let there_and_back = [
            (0, "a", Healthy),
            (10, "b", Progressing),
            (50, "b", Healthy),
            (60, "a", Progressing),
            (70, "a", Progressing),
            (80, "a", Healthy),
        ];
        check(&there_and_back, &[40, 20]);
        check(&[(0, "a", Healthy), (10, "b", Progressing), (20, "b", Paused), (50, "b", Healthy)], &[]);
        check(&[(0, "a", Healthy), (10, "b", Progressing), (20, "b", Degraded), (50, "b", Healthy)], &[]);
        check(&[(0, "a", Healthy), (10, "b", Progressing), (20, "c", Progressing), (50, "c", Healthy)], &[30]);
        check(&[(0, "", Progressing), (10, "a", Progressing), (50, "a", Healthy)], &[]);
        // Another number of pods is no other revision.
        check(&[(0, "a", Healthy), (10, "a", Progressing), (50, "a", Healthy)], &[]);
    }
}
