//! The one clock of the process, handed to whoever needs to know the time.

use jiff::tz::TimeZone;
use pilothouse_wire::Stamp;
use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Tells the time. Tests hand in their own.
#[derive(Clone)]
pub struct Clock {
    time: Arc<dyn Fn() -> Stamp + Send + Sync>,
    /// Where it is; `None` for where this machine is at the time.
    zone: Option<TimeZone>,
}

impl Clock {
    /// The clock of this machine.
    #[must_use]
    pub fn system() -> Self {
        let time = || {
            #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Stamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        };
        Self { time: Arc::new(time), zone: None }
    }

    /// A clock that tells what `time` tells, in UTC.
    pub fn of(time: impl Fn() -> Stamp + Send + Sync + 'static) -> Self {
        Self { time: Arc::new(time), zone: Some(TimeZone::UTC) }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Stamp {
        (self.time)()
    }

    /// The zone whose times of day people here mean. A machine may travel: asked for anew each time.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        self.zone.clone().unwrap_or_else(TimeZone::system)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
