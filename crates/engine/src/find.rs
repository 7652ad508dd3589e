//! One search over all registries: what the world knows of them at once, and runs by asking who keeps them.

use crate::{
    asks::{connected, together},
    table,
    views::Known,
};
use pilothouse_connect::Connector;
use pilothouse_insight::{FoundRuns, Words, find};
use pilothouse_wire::{
    Answer, ConnectionId, Problem,
    find::{FindQuery, MOST_FOUND},
    runs::{RunAnswer, RunAsk, RunPage, RunQuery},
    view::{ArtifactsView, ModelsView},
};
use std::{sync::Arc, time::Duration};

/// So long a server may take to look for runs: what is known already does not wait longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Runs of one server that are taken in.
const MOST_RUNS: u32 = 50;
/// Words that servers are asked for.
const MOST_WORDS: usize = 8;

/// What is looked through.
pub(crate) struct Scene {
    models: Arc<ModelsView>,
    artifacts: Arc<ArtifactsView>,
    /// Servers that keep runs, each with its connection if it is open.
    tracking: Vec<(ConnectionId, Option<Arc<dyn Connector>>)>,
}

impl Scene {
    /// Takes what is known out of the world.
    pub(crate) fn of(known: Known<'_>, connector: impl Fn(&ConnectionId) -> Option<Arc<dyn Connector>>) -> Self {
        let Known { world, registries } = known;
        let keeps = world.sources().filter(|(_, source)| table::keeps_runs(source));
        Self {
            models: Arc::clone(registries.models(world)),
            artifacts: Arc::clone(registries.artifacts(world)),
            tracking: keeps.map(|(id, _)| (id.clone(), connector(id))).collect(),
        }
    }
}

/// Looks.
pub(crate) async fn answer(scene: Scene, query: FindQuery) -> Result<Answer, Problem> {
    let words = Words::of(&query.text);
    let limit = usize::from(query.limit.clamp(1, MOST_FOUND));
    let filter = by_name(&words);
    let tracking = scene.tracking.into_iter().filter(|_| !words.is_empty());
    let found = together(tracking.map(|(id, connector)| runs(id, connector, filter.clone()))).await;
    let found: Vec<FoundRuns> = found.into_iter().flatten().collect();
    Ok(Answer::Found(Box::new(find(&words, limit, &scene.models, &scene.artifacts, &found))))
}

/// Runs in whose names the words stand, in the words of MLflow; why none can be asked for.
fn by_name(words: &Words) -> Result<String, String> {
    let mut clauses = Vec::new();
    for word in words.iter().take(MOST_WORDS) {
        if word.contains(['\'', '"', '%', '\\']) {
            return Err("a quote, a per cent sign or a backslash cannot be looked for in their names".to_owned());
        }
        clauses.push(format!("attributes.run_name ILIKE '%{word}%'"));
    }
    Ok(clauses.join(" AND "))
}

async fn runs(id: ConnectionId, connector: Option<Arc<dyn Connector>>, filter: Result<String, String>) -> FoundRuns {
    let found = async {
        let filter = filter?;
        let connector = connected(connector, &id, "Runs are read from their server").map_err(|problem| problem.what)?;
        let ask = RunAsk::Search(RunQuery { filter, most: MOST_RUNS, ..RunQuery::default() });
        match tokio::time::timeout(PATIENCE, connector.runs(&ask)).await {
            Ok(Ok(RunAnswer::Found(page))) => Ok::<RunPage, String>(page),
            Ok(Ok(_)) => Err("its answer was another".to_owned()),
            Ok(Err(problem)) => Err(problem.what),
            Err(_) => Err(format!("{id} did not answer in {} s", PATIENCE.as_secs())),
        }
    };
    let found = found.await;
    (id, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_asked_for_in_the_words_of_their_server_and_nothing_breaks_out_of_them() {
        let of = |text: &str| by_name(&Words::of(text));
        assert_eq!(
            of("Brisk fox").as_deref(),
            Ok("attributes.run_name ILIKE '%brisk%' AND attributes.run_name ILIKE '%fox%'")
        );
        for text in ["a' OR '1'='1", "50%", "\"x\"", "a\\"] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
