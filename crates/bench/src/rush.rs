//! Many answers at once come in thousands of small pieces a second. Read one by one, each costs a wake of the thread and a
//! question to the kernel who has something, which is more than the reading itself. Where pieces come that fast, the thread
//! stays asleep for a moment longer, and reads what came meanwhile in one go; where they do not, each wakes it.

use std::{cell::RefCell, time::Duration};

/// Pieces a second from which on they are gathered.
const MANY: u64 = 10_000;
/// For how long they are gathered: so much later than it came may be the time of a piece, and what the kernel takes to wake a
/// thread. A quarter of a millisecond, beside gaps between pieces of milliseconds.
const MOMENT: Duration = Duration::from_micros(250);
/// How often it is looked at how many come, in microseconds.
const SPAN: u64 = 10_000;

thread_local! {
    static RUSH: RefCell<Rush> = RefCell::default();
}

/// How fast pieces come.
#[derive(Debug, Default)]
struct Rush {
    /// When it was looked at last, in microseconds.
    since: u64,
    pieces: u64,
    is_on: bool,
}

impl Rush {
    fn piece(&mut self, at: u64) {
        self.pieces += 1;
        let span = at.saturating_sub(self.since);
        if span >= SPAN {
            self.is_on = self.pieces.saturating_mul(1_000_000) >= MANY.saturating_mul(span);
            (self.since, self.pieces) = (at, 0);
        }
    }
}

/// A piece was read by this thread at a time, in microseconds from any begin.
pub(crate) fn piece(at: u64) {
    RUSH.with_borrow_mut(|rush| rush.piece(at));
}

/// Waits for a moment where pieces come fast: for the thread that reads them, when it has nothing to do.
#[expect(clippy::disallowed_methods, reason = "the runtime has one thread, which is about to sleep anyway")]
pub(crate) fn gather() {
    if RUSH.with_borrow(|rush| rush.is_on) {
        std::thread::sleep(MOMENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces come for some milliseconds, each so many microseconds after the one before.
    fn come(rush: &mut Rush, from: u64, every: u64, ms: u64) -> u64 {
        let pieces = ms * 1_000 / every;
        (1..=pieces).for_each(|n| rush.piece(from + n * every));
        from + pieces * every
    }

    #[test]
    fn pieces_are_gathered_while_they_come_fast() {
        let mut rush = Rush::default();
        let at = come(&mut rush, 0, 200, 50);
        assert!(!rush.is_on, "5,000 a second");
        let at = come(&mut rush, at, 50, 25);
        assert!(rush.is_on, "20,000 a second");
        // Silence ends it with the first piece behind it.
        rush.piece(at + 500_000);
        assert!(!rush.is_on);
    }
}
