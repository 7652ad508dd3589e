//! A look at the whole fleet: which GPUs there are, who holds them, how often they are measured.

use super::{
    api::Api,
    holders::Targets,
    identity::{self, Seen},
    interval::{self, Interval},
    problems, query,
};
use crate::failure::Failure;
use pilothouse_wire::Problem;

/// What a look found.
#[derive(Debug)]
pub struct Look {
    /// The GPUs.
    pub seen: Seen,
    /// How often they are measured, if that could be told.
    pub interval: Option<Interval>,
    /// What the server warned of.
    pub warnings: Vec<String>,
    /// Why there are none, if there are none.
    pub nothing: Option<Problem>,
}

/// Looks at the whole fleet.
pub async fn look(api: &Api) -> Result<Look, Failure> {
    let series = api.vector(&query::identity()).await?;
    if series.samples.is_empty() {
        let nothing = Some(nothing(api).await?);
        return Ok(Look { seen: Seen::default(), interval: None, warnings: series.warnings, nothing });
    }
    let up = tolerated(api.vector(&query::targets()).await)?.map(|up| up.samples).unwrap_or_default();
    let seen = identity::devices(&series.samples, &Targets::of(&up, &series.samples));
    let nothing = seen.devices.is_empty().then(|| problems::nameless(&api.client.place, seen.nameless));
    let interval = match query::raw(seen.key, some_of(&seen)) {
        Some(query) => tolerated(api.times(&query).await)?.and_then(|times| interval::of(&times)),
        None => None,
    };
    Ok(Look { seen, interval, warnings: series.warnings, nothing })
}

/// What only helps may be refused, or be answered by something else.
fn tolerated<T>(outcome: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.is_of_the_question() || matches!(failure, Failure::Unreadable(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The first, the middle and the last device: they may be measured by different jobs.
fn some_of(seen: &Seen) -> impl Iterator<Item = &str> {
    let n = seen.devices.len();
    let mut places = vec![0, n / 2, n.saturating_sub(1)];
    places.dedup();
    places.into_iter().filter_map(|at| seen.devices.get(at)).map(|(device, _)| device.uuid.as_str())
}

/// Why no series tells of a GPU: there never was one, there was one lately, or the exporter leaves these out.
async fn nothing(api: &Api) -> Result<Problem, Failure> {
    let lately = tolerated(api.vector(&query::lately()).await)?;
    let lately = lately.and_then(|vector| vector.samples.first().map(|sample| sample.value)).unwrap_or_default();
    let others = tolerated(api.vector(&query::others()).await)?.map(|vector| vector.samples).unwrap_or_default();
    let others = others.iter().filter_map(|sample| sample.labels.get("__name__")).map(ToString::to_string).collect();
    Ok(problems::nothing(&api.client.place, lately, others))
}
