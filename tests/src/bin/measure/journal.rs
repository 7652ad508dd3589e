//! The flight recorder under a large fleet: what a day of it takes, how quickly a time is found, and what a crash costs.

mod crash;
mod day;
mod load;
mod seek;

pub use crash::{CHILD, child};

use acceptance::Result;

use crate::report::Report;

/// How large it is made.
#[derive(Clone, Copy)]
pub struct Scale {
    /// Nodes with eight GPUs each.
    nodes: usize,
    /// Hours that are recorded.
    hours: usize,
    /// Facts a day, beside what is measured.
    facts: usize,
    /// Times that are sought.
    seeks: usize,
    /// Processes that are killed.
    kills: usize,
}

impl Scale {
    /// As it is promised.
    pub const WHOLE: Self = Self { nodes: 1_250, hours: 24, facts: 200_000, seeks: 200, kills: 200 };
    /// To see that it runs.
    pub const SMALL: Self = Self { nodes: 40, hours: 3, facts: 40_000, seeks: 20, kills: 10 };
}

/// Measures what is wanted of it: a day is recorded once.
pub async fn measure(wanted: impl Fn(&str) -> bool, scale: Scale, report: &mut Report) -> Result<()> {
    if wanted("journal-day") || wanted("journal-seek") {
        let day = day::record(scale)?;
        if wanted("journal-day") {
            day.tell(report);
        }
        if wanted("journal-seek") {
            seek::measure(&day, scale, report).await?;
        }
    }
    if wanted("journal-crash") {
        crash::measure(scale, report)?;
    }
    Ok(())
}
