//! Changes that were not seen as they happened: of one batch as many as have room, the most important first.

use super::Fold;
use pilothouse_wire::{
    Stamp,
    view::{Mark, MarkKind},
};
use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

/// How far back changes are rebuilt from what a source keeps: as far as the ribbon reaches.
const REBUILT: Duration = Duration::from_secs(7 * 86_400);
/// The most changes that are rebuilt of one batch: what a fresh cluster lists is all new.
const MOST_REBUILT: usize = 2_000;

/// The larger, the sooner it gives way: pods that came, what else matters less, and of that the older.
type Rank = (u8, Reverse<Stamp>);

fn rank(kind: MarkKind, at: Stamp) -> Rank {
    (if kind.is_tick() { u8::MAX } else { kind.importance() }, Reverse(at))
}

/// What is rebuilt of one batch, in whatever order it is listed.
#[derive(Default)]
pub(crate) struct Rebuilt {
    /// Each with its turn.
    kept: Vec<(usize, Mark)>,
    /// The places of those that are kept.
    least: BinaryHeap<(Rank, usize)>,
    turns: usize,
    left_out: u64,
}

impl Rebuilt {
    fn has_room(&self, kind: MarkKind, at: Stamp) -> bool {
        self.kept.len() < MOST_REBUILT || self.least.peek().is_some_and(|(worst, _)| rank(kind, at) < *worst)
    }

    fn put(&mut self, mark: Mark) {
        let rank = rank(mark.key.kind, mark.key.at);
        let of_turn = (self.turns, mark);
        self.turns += 1;
        if self.kept.len() < MOST_REBUILT {
            self.least.push((rank, self.kept.len()));
            self.kept.push(of_turn);
        } else if let Some((_, place)) = self.least.pop()
            && let Some(kept) = self.kept.get_mut(place)
        {
            self.least.push((rank, place));
            let (_, left) = std::mem::replace(kept, of_turn);
            self.leave_out(left.key.kind);
        }
    }

    fn leave_out(&mut self, kind: MarkKind) {
        self.left_out += u64::from(!kind.is_tick());
    }

    /// How many had no room. Ticks are not counted: a large cluster lists tens of thousands of pods that were placed, and the
    /// ribbon shows few of them in any case.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Those that are kept, in the order in which they were told.
    pub fn into_marks(mut self) -> impl Iterator<Item = Mark> {
        self.kept.sort_unstable_by_key(|(turn, _)| *turn);
        self.kept.into_iter().map(|(_, mark)| mark)
    }
}

impl Fold<'_> {
    /// Is there room for a change that was not seen as it happened? Asked before it is put into words.
    pub(super) fn may_rebuild(&mut self, kind: MarkKind, at: Stamp) -> bool {
        if !self.is_recent(at) {
            return false;
        }
        let has_room = self.rebuilt.has_room(kind, at);
        if !has_room {
            self.rebuilt.leave_out(kind);
        }
        has_room
    }

    /// Marks a change that was not seen as it happened. One that is too old for the ribbon is none.
    pub(super) fn rebuild(&mut self, mark: Mark) {
        if self.may_rebuild(mark.key.kind, mark.key.at) {
            self.rebuilt.put(Mark { rebuilt: true, ..mark });
        }
    }

    fn is_recent(&self, at: Stamp) -> bool {
        at >= self.seen.minus(REBUILT) && at <= self.seen
    }
}
