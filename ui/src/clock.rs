//! The one clock of the page: the engine's time, ticking each second, so that ages count up without frames.

use leptos::prelude::*;
use pilothouse_wire::{Stamp, When};
use std::time::Duration;

/// Two clocks that differ by less than this are taken to agree: frames are under way for some time, too.
const AGREE_MS: i64 = 1_500;

/// The time as the engine has it.
#[derive(Clone, Copy)]
pub struct Clock {
    now: RwSignal<Stamp>,
    // The past that is shown, if it is.
    then: RwSignal<Option<Stamp>>,
    ahead_ms: StoredValue<i64>,
    // The end of a record, where one is shown: its time goes no further.
    end: StoredValue<Option<Stamp>>,
}

/// The clock of this page.
#[must_use]
pub fn use_clock() -> Clock {
    expect_context()
}

impl Clock {
    /// Starts the clock and offers it to everything below.
    pub fn provide() -> Self {
        let (now, then) = (RwSignal::new(Stamp(page_ms())), RwSignal::new(None));
        let clock = Self { now, then, ahead_ms: StoredValue::new(0), end: StoredValue::new(None) };
        provide_context(clock);
        // The only timer of the page that repeats: the face of the clock.
        let tick = move || clock.now.set(clock.read_real());
        if let Ok(timer) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || timer.clear());
        }
        clock
    }

    /// The time that is shown: now, which ticks each second, or the past, which stands. Ages are as of it.
    #[must_use]
    pub fn now(self) -> Stamp {
        self.then.get().unwrap_or_else(|| self.now.get())
    }

    /// The time that is shown, without ticking.
    #[must_use]
    pub fn read(self) -> Stamp {
        self.then.get_untracked().unwrap_or_else(|| self.read_real())
    }

    /// The time of day, whatever is shown: for what happens while somebody looks. Ticks each second.
    #[must_use]
    pub fn real(self) -> Stamp {
        self.now.get()
    }

    /// The time of day, without ticking.
    #[must_use]
    pub fn read_real(self) -> Stamp {
        self.end.get_value().unwrap_or_else(|| Stamp(page_ms() + self.ahead_ms.get_value()))
    }

    /// Stands at the end of a record. For the state of the page alone.
    pub fn end_at(self, end: Stamp) {
        self.end.set_value(Some(end));
        self.now.set(end);
    }

    /// Shows the past, or now. For the state of the page alone.
    pub fn show(self, when: When) {
        let then = match when {
            When::Now => None,
            When::At(then) => Some(then),
        };
        if self.then.get_untracked() != then {
            self.then.set(then);
        }
    }

    /// Learns from a live frame what time the engine has: the page may run on another machine.
    pub fn correct(self, engine: Stamp) {
        self.ahead_ms.set_value(ahead(self.ahead_ms.get_value(), engine.0 - page_ms()));
    }
}

/// How far the engine is ahead, given what was thought before and what a frame shows now.
fn ahead(before: i64, seen: i64) -> i64 {
    if (seen - before).abs() < AGREE_MS {
        before
    } else if seen.abs() < AGREE_MS {
        0
    } else {
        seen
    }
}

#[cfg(target_arch = "wasm32")]
#[allow(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
fn page_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// There is no page in a native build: it exists for checks and tests.
#[cfg(not(target_arch = "wasm32"))]
fn page_ms() -> i64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_differences_do_not_move_the_clock_and_large_ones_do() {
        assert_eq!(ahead(0, -300), 0);
        assert_eq!(ahead(0, 7_200_000), 7_200_000);
        assert_eq!(ahead(7_200_000, 7_199_500), 7_200_000);
        assert_eq!(ahead(7_200_000, 200), 0);
    }
}
