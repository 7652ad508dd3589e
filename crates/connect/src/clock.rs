//! The one clock of the process, handed to whoever needs to know the time.

use pilothouse_wire::Stamp;
use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Tells the time. Tests hand in their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Stamp + Send + Sync>);

impl Clock {
    /// The clock of this machine.
    #[must_use]
    pub fn system() -> Self {
        Self::of(|| {
            #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Stamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        })
    }

    /// A clock that tells what `time` tells.
    pub fn of(time: impl Fn() -> Stamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(time))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Stamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
