//! How time passed while a load was on: whether the machine slept meanwhile, and whether somebody set its clock. Latencies are of
//! a clock that does neither; what sleeps serves nobody, though, and times of day before and after are of two clocks.

use pilothouse_connect::Clock;
use pilothouse_wire::Stamp;
use std::{sync::Arc, time::Duration};

/// Less sleep than this is only that clocks are read one after the other.
const SLEPT: Duration = Duration::from_millis(100);
/// By so much a clock may be off for other reasons: it is kept right in small steps, and told to the millisecond.
const OFF_MS: i64 = 250;
/// And by so many parts of a thousand of the time.
const OFF_SHARE: i64 = 1;

/// What the clocks of a machine say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The clock that stands still while the machine sleeps.
    pub awake: Duration,
    /// The one that goes on; none where the system has none.
    pub always: Option<Duration>,
    /// The time of day.
    pub day: Stamp,
}

/// Tells what the clocks say. Tests hand in their own.
#[derive(Clone)]
pub struct Clocks(Arc<dyn Fn() -> Moment + Send + Sync>);

/// What happened between two moments besides that time passed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Passed {
    /// Seconds that the machine slept; none where it did not, or nobody can tell.
    pub slept_s: Option<f64>,
    /// Seconds by which its time of day was set, forward if more than 0; none where it was not.
    pub stepped_s: Option<f64>,
}

impl Clocks {
    /// Those of this machine, with the time of day by this clock.
    #[must_use]
    pub fn system(day: Clock) -> Self {
        Self(Arc::new(move || Moment { awake: awake(), always: always(), day: day.now() }))
    }

    /// What they say now.
    #[must_use]
    pub fn now(&self) -> Moment {
        (self.0)()
    }
}

impl Moment {
    /// What happened until then.
    #[must_use]
    pub fn until(self, then: Self) -> Passed {
        let awake = then.awake.saturating_sub(self.awake);
        let always = self.always.zip(then.always).map(|(before, after)| after.saturating_sub(before));
        let slept = always.map(|always| always.saturating_sub(awake)).filter(|slept| *slept >= SLEPT);
        // Where nobody tells how long it slept, that it did looks as if its clock had been set forward.
        let ran = i64::try_from(always.unwrap_or(awake).as_millis()).unwrap_or(i64::MAX);
        let by = then.day.0.saturating_sub(self.day.0).saturating_sub(ran);
        let is_set = by.saturating_abs() > OFF_MS.saturating_add(ran / 1_000 * OFF_SHARE);
        #[allow(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^53")]
        let stepped_s = is_set.then(|| by as f64 / 1e3);
        Passed { slept_s: slept.map(|slept| slept.as_secs_f64()), stepped_s }
    }
}

/// The clock that requests are timed by.
fn awake() -> Duration {
    #[cfg(target_os = "linux")]
    {
        read(rustix::time::ClockId::Monotonic).unwrap_or_default()
    }
    #[cfg(not(target_os = "linux"))]
    {
        use std::{sync::OnceLock, time::Instant};
        static BEGIN: OnceLock<Instant> = OnceLock::new();
        #[allow(clippy::disallowed_methods, reason = "the clock that never goes back, for how time passed")]
        BEGIN.get_or_init(Instant::now).elapsed()
    }
}

fn always() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        read(rustix::time::ClockId::Boottime)
    }
    #[cfg(not(target_os = "linux"))]
    {
        None
    }
}

#[cfg(target_os = "linux")]
fn read(clock: rustix::time::ClockId) -> Option<Duration> {
    let time = rustix::time::clock_gettime(clock);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::Mutex;

    fn at(awake_ms: u64, always_ms: Option<u64>, day_ms: i64) -> Moment {
        Moment {
            awake: Duration::from_millis(awake_ms),
            always: always_ms.map(Duration::from_millis),
            day: Stamp(1_800_000_000_000 + day_ms),
        }
    }

    /// Clocks that say one of these after the other, and the last for ever.
    pub fn saying(moments: Vec<Moment>) -> Clocks {
        let left = Mutex::new(moments);
        Clocks(Arc::new(move || {
            let mut left = left.lock().unwrap();
            if left.len() > 1 { left.remove(0) } else { left[0] }
        }))
    }

    /// Clocks by which the machine slept for half a minute while it ran for ten seconds.
    pub fn that_slept() -> Clocks {
        saying(vec![at(0, Some(0), 0), at(10_000, Some(40_000), 40_000)])
    }

    #[track_caller]
    fn check(then: Moment, slept_s: Option<f64>, stepped_s: Option<f64>) {
        let clocks = saying(vec![at(5_000, Some(9_000), 0), then]);
        let begin = clocks.now();
        assert_eq!(begin.until(clocks.now()), Passed { slept_s, stepped_s });
    }

    #[test]
    fn time_that_only_passes_is_nothing_to_say() {
        check(at(65_000, Some(69_000), 60_000), None, None);
        // A clock that is kept right is a little off, and more so over a long time.
        check(at(65_000, Some(69_050), 60_200), None, None);
        check(at(3_605_000, Some(3_609_000), 3_602_000), None, None);
    }

    #[test]
    fn sleep_is_what_the_one_clock_has_more_than_the_other() {
        check(at(65_000, Some(99_000), 90_000), Some(30.0), None);
    }

    #[test]
    fn a_clock_that_was_set_is_off_by_what_it_was_set_by() {
        check(at(65_000, Some(69_000), 3_660_000), None, Some(3_600.0));
        check(at(65_000, Some(69_000), -60_000), None, Some(-120.0));
        // Both at once are told apart.
        check(at(65_000, Some(99_000), 95_000), Some(30.0), Some(5.0));
    }

    #[test]
    fn where_one_clock_is_missing_a_jump_is_said_and_not_what_it_was() {
        let begin = at(5_000, None, 0);
        assert_eq!(begin.until(at(65_000, None, 90_000)), Passed { slept_s: None, stepped_s: Some(30.0) });
    }

    #[test]
    fn the_clocks_of_this_machine_go_on() {
        let clocks = Clocks::system(Clock::system());
        let (begin, then) = (clocks.now(), clocks.now());
        assert!(then.awake >= begin.awake && then.always >= begin.always);
        assert_eq!(cfg!(target_os = "linux"), begin.always.is_some());
    }
}
