//! Serving engines: which pods have one, and what it says of itself.
//!
//! An engine names no pod: the scrape does, by the labels of its target. One query says which pods there are, of which
//! engine, serving which models; one query a metric gives a reading a pod, with rates and quantiles worked out by the
//! server, which knows when a counter began anew.

mod memory;
pub mod pods;
pub mod query;

pub use memory::Engines;

use super::{answer::Vector, api::Api, interval};
use crate::failure::Failure;
use pilothouse_wire::{ServingMetric, Stamp};
use std::collections::BTreeMap;

/// What a poll brought of engines.
#[derive(Debug, Default)]
pub struct Taken {
    /// A column a metric that some engine says.
    pub columns: Vec<(ServingMetric, Vector)>,
    /// What the server does not answer, and why.
    pub failures: Vec<(&'static str, Failure)>,
    /// What the server warned of.
    pub warnings: Vec<String>,
}

/// Asks which pods have engines, and what these say.
///
/// # Errors
/// If the server fails at more than one question.
pub async fn take(api: &Api, engines: &mut Engines, due: bool, now: Stamp) -> Result<Taken, Failure> {
    let mut taken = Taken::default();
    let seen = match api.vector(&query::identity(&api.matchers)).await {
        Ok(vector) => vector,
        // A server that knows one of the functions not, or has too many series, still has GPUs.
        Err(failure) if failure.is_of_the_question() => {
            taken.failures.push(("Serving engines", failure));
            return Ok(taken);
        }
        Err(failure) => return Err(failure),
    };
    taken.warnings.clone_from(&seen.warnings);
    let others = engines.see(&pods::seen(&seen.samples), now) || due;
    if others {
        let mut jobs = BTreeMap::new();
        for raw in engines.raw(&api.matchers) {
            match api.raw(&raw).await {
                Ok(lines) => jobs.extend(interval::of_jobs(&lines)),
                Err(failure) if failure.is_of_the_question() || matches!(failure, Failure::Unreadable(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        engines.measured_every(&jobs);
    }
    let (columns, failures) = api.vectors(engines.queries(&api.matchers, others)).await?;
    if others {
        let there = columns.iter().filter(|(_, vector)| !vector.samples.is_empty()).map(|(metric, _)| *metric);
        engines.measured(there.chain(failures.iter().map(|(metric, _)| *metric)).collect());
    }
    taken.warnings.extend(columns.iter().flat_map(|(_, vector)| vector.warnings.iter().cloned()));
    taken.failures.extend(failures.into_iter().map(|(metric, failure)| (metric.label(), failure)));
    taken.columns = columns;
    Ok(taken)
}
