//! Which change gets which place on the ribbon: signs that would touch are one group, labels never overlap, and
//! importance decides who keeps one.

use super::scale::Scale;
use crate::shell::text;
use pilothouse_wire::{
    sort,
    units::{middle, visible},
    view::{Mark, MarkKind},
};

/// Half the width of a sign, with its air.
const HALF: f64 = 7.0;
/// From a sign's middle to its label.
pub const TO_LABEL: f64 = 9.0;
/// Air after a label.
const AFTER: f64 = 8.0;
/// Ticks that share so much of the lower row are one: a hand points no finer.
pub const TICK: f64 = 6.0;
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
    /// So many more, which the view leaves out.
    pub left_out: usize,
    /// What stands beside it, if there is room.
    pub label: Option<Label>,
    /// Does a line fall from it through the lanes?
    pub drops: bool,
    /// Is it of the lower row, where pods come and go?
    pub low: bool,
}

/// A text beside a sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The text.
    pub text: String,
    /// Does it stand to the right of its sign?
    pub after: bool,
}

/// Is it drawn as a mere tick on the lower row? Pods come and go too often for more.
#[must_use]
pub fn is_tick(kind: MarkKind) -> bool {
    kind.is_tick()
}

impl Sign {
    fn of(x: f64, index: usize, marks: &[Mark]) -> Self {
        let left_out = marks[index].more as usize;
        let low = is_tick(marks[index].key.kind);
        Self { x, chief: index, members: vec![index], left_out, label: None, drops: false, low }
    }

    /// All changes that it stands for.
    #[must_use]
    pub fn count(&self) -> usize {
        self.members.len() + self.left_out
    }
}

/// Places the changes: first those of the upper row, then ticks, each in time order.
#[must_use]
pub fn place(marks: &[Mark], scale: &Scale) -> Vec<Sign> {
    let shown = |mark: &Mark| scale.holds(mark.key.at);
    let mut at: Vec<(f64, usize)> = marks
        .iter()
        .enumerate()
        .filter(|(_, mark)| shown(mark))
        .map(|(index, mark)| (scale.x(mark.key.at), index))
        .collect();
    sort::by(&mut at, |a, b| a.0.total_cmp(&b.0));
    let (mut groups, mut ticks): (Vec<Sign>, Vec<Sign>) = (Vec::new(), Vec::new());
    for (x, index) in at {
        let mut sign = Sign::of(x, index, marks);
        if sign.low {
            // Parts of the row that stay where they are: who joins whom does not hang on who came first.
            sign.x = scale.left + (((x - scale.left) / TICK).floor() + 0.5) * TICK;
        }
        let row = if sign.low { &mut ticks } else { &mut groups };
        match row.last_mut() {
            // A group needs room for its number, which grows with it.
            Some(group) if !sign.low && x - group.x < 2.0 * HALF + number_width(group.count() + 1) => {
                join(group, index, marks);
            }
            Some(group) if sign.low && sign.x - group.x < TICK / 2.0 => join(group, index, marks),
            _ => row.push(sign),
        }
    }
    label(&mut groups, marks, scale);
    groups.append(&mut ticks);
    groups
}

fn join(group: &mut Sign, index: usize, marks: &[Mark]) {
    group.members.push(index);
    group.left_out += marks[index].more as usize;
    if rank(&marks[index]) < rank(&marks[group.chief]) {
        group.chief = index;
    }
}

/// The order of importance: that of the kinds, a worse status goes first within a kind.
fn rank(mark: &Mark) -> (u8, pilothouse_wire::view::Status) {
    (mark.key.kind.importance(), mark.status)
}

fn number_width(members: usize) -> f64 {
    if members < 2 { 0.0 } else { text::width(&members.to_string()) + 2.0 }
}

/// Gives labels in the order of importance: to the right of the sign where there is room, else to its left.
fn label(groups: &mut [Sign], marks: &[Mark], scale: &Scale) {
    // What is taken: every sign with its number, then every label that was given.
    let mut taken: Vec<(f64, f64)> = groups.iter().map(body).collect();
    let mut order: Vec<usize> = (0..groups.len()).collect();
    sort::by_key(&mut order, |index| rank(&marks[groups[*index].chief]));
    for index in order {
        let group = &groups[index];
        let chief = &marks[group.chief];
        let title = middle(&visible(&chief.title), LONGEST);
        let more = group.count() - 1;
        let text = if more == 0 { title } else { format!("{title} +{more}") };
        let width = text::width(&text);
        let free = |from: f64, to: f64| {
            let apart = |(at, other): (usize, &(f64, f64))| at == index || to <= other.0 || other.1 <= from;
            scale.left <= from && to <= scale.right && taken.iter().enumerate().all(apart)
        };
        let (right, left) =
            ((group.x + TO_LABEL, group.x + TO_LABEL + width), (group.x - TO_LABEL - width, group.x - TO_LABEL));
        let label = if free(right.0, right.1 + AFTER) {
            Some(Label { text, after: true })
        } else if free(left.0 - AFTER, left.1) {
            Some(Label { text, after: false })
        } else {
            // The number of a group always has room: it was joined until it had.
            (more > 0).then(|| Label { text: group.count().to_string(), after: true })
        };
        let drops = label.is_some() || chief.key.kind.importance() <= MarkKind::Condition.importance();
        taken[index] = extent(group.x, label.as_ref());
        groups[index] = Sign { label, drops, ..groups[index].clone() };
    }
}

fn body(group: &Sign) -> (f64, f64) {
    (group.x - HALF, group.x + HALF + number_width(group.count()))
}

/// Where a sign with its label begins and ends.
#[must_use]
pub fn extent(x: f64, label: Option<&Label>) -> (f64, f64) {
    let (mut from, mut to) = (x - HALF, x + HALF);
    if let Some(label) = label {
        let width = TO_LABEL + text::width(&label.text);
        if label.after { to = to.max(x + width) } else { from = from.min(x - width) }
    }
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Stamp, view::ribbon::MarkKey};

    fn mark(second: i64, kind: MarkKind, title: &str) -> Mark {
        let object = "node:iad/h100-117".parse().unwrap();
        let key = MarkKey { at: Stamp(second * 1000), object, kind };
        Mark { title: title.into(), ..Mark::of(key) }
    }

    /// One pixel a second.
    fn scale(seconds: i64) -> Scale {
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        let right = seconds as f64;
        Scale { from: Stamp(0), to: Stamp(seconds * 1000), left: 0.0, right }
    }

    fn texts(signs: &[Sign]) -> Vec<Option<(&str, bool)>> {
        signs.iter().map(|sign| sign.label.as_ref().map(|label| (label.text.as_str(), label.after))).collect()
    }

    #[test]
    fn signs_that_would_touch_are_one_group_led_by_the_most_important() {
        let marks =
            [mark(10, MarkKind::Scale, "a"), mark(15, MarkKind::Fault, "XID 95"), mark(300, MarkKind::Deploy, "b")];
        let signs = place(&marks, &scale(400));
        assert_eq!(signs.len(), 2);
        assert_eq!((signs[0].chief, signs[0].members.as_slice()), (1, &[0, 1][..]));
        assert_eq!(texts(&signs), [Some(("XID 95 +1", true)), Some(("b", true))]);
    }

    #[test]
    fn what_the_view_left_out_is_counted() {
        let marks = [Mark { more: 3, ..mark(10, MarkKind::Deploy, "chat v2") }];
        let signs = place(&marks, &scale(400));
        assert_eq!((signs[0].count(), texts(&signs)), (4, vec![Some(("chat v2 +3", true))]));
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
        assert_eq!(texts(&signs), [None, Some(("2", true)), Some(("last", true))]);
    }

    #[test]
    fn the_newest_has_its_label_to_the_left() {
        let marks = [mark(380, MarkKind::Cordon, "h100-117 cordoned")];
        assert_eq!(texts(&place(&marks, &scale(400))), [Some(("h100-117 cordoned", false))]);
    }

    #[test]
    fn what_is_outside_of_the_span_gets_no_sign() {
        assert!(place(&[mark(500, MarkKind::Deploy, "later")], &scale(400)).is_empty());
    }

    #[test]
    fn ticks_stand_on_the_lower_row_behind_the_signs_and_those_that_a_hand_cannot_tell_apart_are_one() {
        let marks = [
            mark(10, MarkKind::PodPlaced, "a placed"),
            mark(11, MarkKind::PodGone, "b gone"),
            Mark { more: 4, ..mark(20, MarkKind::PodPlaced, "c placed") },
            mark(12, MarkKind::Deploy, "chat v2"),
        ];
        let signs = place(&marks, &scale(400));
        let told: Vec<_> = signs.iter().map(|sign| (sign.low, sign.members.clone(), sign.count())).collect();
        assert_eq!(told, [(false, vec![3], 1), (true, vec![0, 1], 2), (true, vec![2], 5)]);
        assert_eq!(signs[1].chief, 0, "a pod that came matters more than one that went");
        assert!((signs[1].x - 9.0).abs() < 0.01, "{}", signs[1].x);
        assert_eq!(texts(&signs[1..]), [None, None]);
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
                let [a, b] = [&pair[0], &pair[1]].map(|sign| extent(sign.x, sign.label.as_ref()));
                assert!(a.1 <= b.0, "{count}: {pair:?}");
            }
            assert!(signs.iter().all(|sign| extent(sign.x, sign.label.as_ref()).1 <= 1_207.0));
        }
    }
}
