//! Which time a view was asked for, and whether it has come: of the past one frame is on its way at a time.

use pilothouse_wire::When;

/// The time that a view was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    asked: When,
    came: bool,
}

impl Turn {
    /// It is asked for the first time, or anew.
    pub fn first(when: When) -> Self {
        Self { asked: when, came: false }
    }

    /// Should the engine be asked for this time now? If so it counts as asked.
    pub fn to(&mut self, when: When) -> bool {
        let waits = self.asked != When::Now && !self.came;
        // Now is a watch, and ends what is on its way.
        if self.asked == when || (waits && when != When::Now) {
            return false;
        }
        *self = Self::first(when);
        true
    }

    /// A frame of this time came: is it the one that was asked for?
    pub fn came(&mut self, when: When) -> bool {
        let fits = self.asked == when;
        self.came |= fits;
        fits
    }

    /// It will not come.
    pub fn refused(&mut self) {
        self.came = true;
    }

    /// Has this time come, or was it refused?
    pub fn has_come(&self, when: When) -> bool {
        self.asked == when && self.came
    }

    /// Was the past asked for?
    pub fn is_past(&self) -> bool {
        self.asked != When::Now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::Stamp;

    const fn at(ms: i64) -> When {
        When::At(Stamp(ms))
    }

    #[test]
    fn of_the_past_one_frame_is_on_its_way_and_the_newest_time_wins() {
        let mut turn = Turn::first(When::Now);
        assert!(turn.to(at(1)), "from now at once");
        assert!(!turn.to(at(2)) && !turn.to(at(3)), "one is on its way");
        assert!(!turn.came(at(2)), "that was never asked for");
        assert!(turn.came(at(1)));
        assert!(turn.to(at(3)), "the newest, not the one between");
        assert!(!turn.has_come(at(3)));
        assert!(turn.came(at(3)) && turn.has_come(at(3)));
        assert!(!turn.to(at(3)), "it is there");
    }

    #[test]
    fn now_does_not_wait_and_what_comes_late_is_not_taken() {
        let mut turn = Turn::first(at(1));
        assert!(turn.to(When::Now));
        assert!(!turn.came(at(1)));
        assert!(turn.came(When::Now) && !turn.is_past());
    }

    #[test]
    fn what_is_refused_holds_nothing_up() {
        let mut turn = Turn::first(at(1));
        turn.refused();
        assert!(turn.has_come(at(1)) && turn.to(at(2)));
    }
}
