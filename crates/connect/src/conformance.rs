//! What every connector owes, as tests: the suite runs over the table of connectors, each before a server of its own
//! that misbehaves. Time is paused: an hour of patience takes no time.
//!
//! A connector brings a [`Stand`]; the engine's table names it beside the connector's `KIND`, by the same word.

mod calls;
mod cases;
mod faults;
mod logs;
mod run;
pub mod scripted;
mod stand;
#[cfg(test)]
mod tests;

pub use cases::{
    a_closed_sink_ends_it, a_cut_page_is_no_half_world, a_missing_field_is_named, a_refusal_is_no_storm,
    a_server_that_fails_is_given_time, no_secret_is_said, patience_is_given, the_test_makes_the_calls,
};
pub use run::now;
pub use stand::{Given, Paged, Part, Place, Server, Stand};

/// Runs a case over all stands, and tells all that is wrong, not only the first.
///
/// # Errors
/// What each connector does wrong.
pub async fn each(stands: &[Stand], case: impl AsyncFn(&Stand) -> Result<(), String>) -> Result<(), String> {
    let mut faults = Vec::new();
    for stand in stands {
        if let Err(fault) = case(stand).await {
            faults.push(format!("{}: {fault}", stand.kind.id));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}
