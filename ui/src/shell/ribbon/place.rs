//! Which change gets which place on the ribbon: signs that would touch are one group, labels never overlap, and
//! importance decides who keeps one.

use super::scale::Scale;
use crate::shell::text;
use pilothouse_wire::{
    units::{middle, visible},
    view::{Mark, MarkKind},
};

/// Half the width of a sign, with its air.
const HALF: f64 = 7.0;
/// From a sign's middle to its label.
const TO_LABEL: f64 = 9.0;
/// Air after a label.
const AFTER: f64 = 8.0;
/// A label longer than this gives way in its middle.
const LONGEST: usize = 34;

/// A sign on the ribbon: one change, or several that would touch.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// Its middle.
    pub x: f64,
    /// The most important change of it, by its index; its shape is drawn.
    pub chief: usize,
    /// All its changes, by index, in time order.
    pub members: Vec<usize>,
    /// What stands beside it, if there is room.
    pub label: Option<String>,
    /// Does a line fall from it through the lanes?
    pub drops: bool,
}

/// Is it drawn as a mere tick on the lower row? Pods come and go too often for more.
#[must_use]
pub fn is_tick(kind: MarkKind) -> bool {
    matches!(kind, MarkKind::PodPlaced | MarkKind::PodGone)
}

/// Places the changes that are not ticks.
#[must_use]
pub fn place(marks: &[Mark], scale: &Scale) -> Vec<Sign> {
    let shown = |mark: &Mark| scale.holds(mark.key.at) && !is_tick(mark.key.kind);
    let mut at: Vec<(f64, usize)> =
        marks.iter().enumerate().filter(|(_, mark)| shown(mark)).map(|(index, mark)| (scale.x(mark.key.at), index)).collect();
    at.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut groups: Vec<Sign> = Vec::new();
    for (x, index) in at {
        match groups.last_mut() {
            // A group needs room for its number, which grows with it.
            Some(group) if x - group.x < 2.0 * HALF + number_width(group.members.len() + 1) => join(group, index, marks),
            _ => groups.push(Sign { x, chief: index, members: vec![index], label: None, drops: false }),
        }
    }
    label(&mut groups, marks, scale);
    groups
}

fn join(group: &mut Sign, index: usize, marks: &[Mark]) {
    group.members.push(index);
    if rank(&marks[index]) < rank(&marks[group.chief]) {
        group.chief = index;
    }
}

/// The order of importance: the kinds are listed in it, a worse status goes first within a kind.
fn rank(mark: &Mark) -> (MarkKind, pilothouse_wire::view::Status) {
    (mark.key.kind, mark.status)
}

fn number_width(members: usize) -> f64 {
    if members < 2 { 0.0 } else { text::width(&members.to_string()) + 2.0 }
}

/// Gives labels in the order of importance, to whoever has room up to the next sign.
fn label(groups: &mut [Sign], marks: &[Mark], scale: &Scale) {
    let ends: Vec<f64> = groups
        .iter()
        .skip(1)
        .map(|next| next.x - HALF)
        // The last label may reach over the axis' end, where the now line has its own place below.
        .chain([scale.right])
        .collect();
    for (group, end) in groups.iter_mut().zip(ends) {
        let chief = &marks[group.chief];
        let room = end - group.x - TO_LABEL - AFTER;
        let title = middle(&visible(&chief.title), LONGEST);
        let more = group.members.len() - 1;
        let long = if more == 0 { title } else { format!("{title} +{more}") };
        group.label = if text::width(&long) <= room {
            Some(long)
        } else if more > 0 {
            // Its number always has room: the group was joined until it had.
            Some(group.members.len().to_string())
        } else {
            None
        };
        group.drops = group.label.is_some() || chief.key.kind <= MarkKind::Condition;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Stamp, view::Status, view::ribbon::MarkKey};

    fn mark(second: i64, kind: MarkKind, title: &str) -> Mark {
        let object = "node:iad/h100-117".parse().unwrap();
        let key = MarkKey { at: Stamp(second * 1000), object, kind };
        Mark { key, title: title.into(), detail: None, status: Status::Unknown }
    }

    /// One pixel a second.
    fn scale(seconds: i64) -> Scale {
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        let right = seconds as f64;
        Scale { from: Stamp(0), to: Stamp(seconds * 1000), left: 0.0, right }
    }

    fn extent(sign: &Sign) -> (f64, f64) {
        let label = sign.label.as_deref().map_or(0.0, |label| TO_LABEL + text::width(label));
        (sign.x - 6.0, sign.x + label.max(6.0))
    }

    #[test]
    fn signs_that_would_touch_are_one_group_led_by_the_most_important() {
        let marks = [mark(10, MarkKind::Scale, "a"), mark(15, MarkKind::Fault, "XID 95"), mark(300, MarkKind::Deploy, "b")];
        let signs = place(&marks, &scale(400));
        assert_eq!(signs.len(), 2);
        assert_eq!((signs[0].chief, signs[0].members.as_slice()), (1, &[0, 1][..]));
        assert_eq!(signs[0].label.as_deref(), Some("XID 95 +1"));
    }

    #[test]
    fn a_label_without_room_is_dropped_and_a_group_keeps_its_number() {
        let marks = [
            mark(10, MarkKind::Scale, "embed-e5 12 → 16"),
            mark(60, MarkKind::Deploy, "chat-70b"),
            mark(64, MarkKind::Deploy, "chat-70b"),
            mark(100, MarkKind::Deploy, "last"),
        ];
        let signs = place(&marks, &scale(300));
        let labels: Vec<_> = signs.iter().map(|sign| sign.label.as_deref()).collect();
        assert_eq!(labels, [None, Some("2"), Some("last")]);
    }

    #[test]
    fn ticks_and_what_is_outside_of_the_span_get_no_sign() {
        let marks = [mark(10, MarkKind::PodPlaced, "pod"), mark(500, MarkKind::Deploy, "later")];
        assert!(place(&marks, &scale(400)).is_empty());
    }

    #[test]
    fn nothing_ever_overlaps() {
        // A fixed walk instead of chance: a failing case must fail again.
        let kinds = [MarkKind::Fault, MarkKind::Scale, MarkKind::Deploy, MarkKind::Cordon];
        let mut seed = 7_u32;
        for count in [1, 5, 20, 80, 400] {
            let marks: Vec<Mark> = (0..count)
                .map(|n: usize| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    mark(i64::from(seed % 1_200), kinds[n % 4], &"m".repeat((seed % 30) as usize))
                })
                .collect();
            let signs = place(&marks, &scale(1_200));
            for pair in signs.windows(2) {
                assert!(extent(&pair[0]).1 <= extent(&pair[1]).0, "{count}: {pair:?}");
            }
            assert!(signs.iter().all(|sign| extent(sign).1 <= 1_206.0));
        }
    }
}
