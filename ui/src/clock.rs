//! The one clock of the page: the engine's time, ticking each second, so that ages count up without frames.

use leptos::prelude::*;
use pilothouse_wire::Stamp;
use std::time::Duration;

/// Two clocks that differ by less than this are taken to agree: frames are under way for some time, too.
const AGREE_MS: i64 = 1_500;

/// The time as the engine has it.
#[derive(Clone, Copy)]
pub struct Clock {
    now: RwSignal<Stamp>,
    ahead_ms: StoredValue<i64>,
}

/// The clock of this page.
#[must_use]
pub fn use_clock() -> Clock {
    expect_context()
}

impl Clock {
    /// Starts the clock and offers it to everything below.
    pub fn provide() -> Self {
        let clock = Self { now: RwSignal::new(Stamp(page_ms())), ahead_ms: StoredValue::new(0) };
        provide_context(clock);
        // The only timer of the page that repeats: the face of the clock.
        let tick = move || clock.now.set(clock.read());
        if let Ok(timer) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || timer.clear());
        }
        clock
    }

    /// The time now; ticks each second.
    #[must_use]
    pub fn now(self) -> Stamp {
        self.now.get()
    }

    /// The time now, without ticking.
    #[must_use]
    pub fn read(self) -> Stamp {
        Stamp(page_ms() + self.ahead_ms.get_value())
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
