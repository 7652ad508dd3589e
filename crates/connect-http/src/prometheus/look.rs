//! A look at the whole fleet: which GPUs there are, who holds them, how often they are measured.

use super::{
    api::Api,
    holders::Targets,
    identity::{self, Seen},
    interval, problems, query,
};
use crate::failure::Failure;
use pilothouse_wire::{Problem, SmolStr};
use std::{collections::BTreeMap, time::Duration};

/// What a look found.
#[derive(Debug, Default)]
pub struct Look {
    /// The GPUs.
    pub seen: Seen,
    /// How often each job measures, as far as that could be told.
    pub jobs: BTreeMap<SmolStr, Duration>,
    /// What the server warned of.
    pub warnings: Vec<String>,
    /// Why there are none, if there are none.
    pub nothing: Option<Problem>,
}

/// Looks at the whole fleet.
pub async fn look(api: &Api) -> Result<Look, Failure> {
    let series = api.vector(&query::identity(&api.matchers)).await?;
    if series.samples.is_empty() {
        let nothing = Some(nothing(api).await?);
        return Ok(Look { warnings: series.warnings, nothing, ..Look::default() });
    }
    let up = tolerated(api.vector(&query::targets(&api.matchers)).await)?.map(|up| up.samples).unwrap_or_default();
    let seen = identity::devices(&series.samples, &Targets::of(&up, &series.samples));
    let nothing = seen.devices.is_empty().then(|| problems::nameless(&api.client.place, seen.nameless));
    let mut jobs = BTreeMap::new();
    for (key, ids) in &seen.samples {
        let Some(query) = query::raw(key, ids.iter().map(SmolStr::as_str), &api.matchers) else { continue };
        let lines = tolerated(api.raw(&query).await)?.unwrap_or_default();
        for (job, every) in interval::of_jobs(&lines) {
            let longest: &mut Duration = jobs.entry(job).or_default();
            *longest = every.max(*longest);
        }
    }
    Ok(Look { seen, jobs, warnings: series.warnings, nothing })
}

/// What only helps may be refused, or be answered by something else.
fn tolerated<T>(outcome: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.is_of_the_question() || matches!(failure, Failure::Unreadable(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Why no series tells of a GPU: there never was one, there was one lately, or the exporter leaves these out.
async fn nothing(api: &Api) -> Result<Problem, Failure> {
    let lately = tolerated(api.vector(&query::lately(&api.matchers)).await)?;
    let lately = lately.and_then(|vector| vector.samples.first().map(|sample| sample.value)).unwrap_or_default();
    let others =
        tolerated(api.vector(&query::others(&api.matchers)).await)?.map(|vector| vector.samples).unwrap_or_default();
    let others = others.iter().filter_map(|sample| sample.labels.get("__name__")).map(ToString::to_string).collect();
    Ok(problems::nothing(&api.client.place, lately, others))
}
