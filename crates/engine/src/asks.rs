//! Answers that need more than a projection: search, and YAML from a server.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};
use pilothouse_connect::Connector;
use pilothouse_wire::{
    Answer, Code, ObjectRef, Problem, SmolStr,
    ask::{Hit, LogQuery, Logs},
};
use pilothouse_world::World;
use std::{sync::Arc, time::Duration};

/// The most that a search may return.
const MOST_HITS: u16 = 200;
/// How long a server may take over one object.
const YAML_LIMIT: Duration = Duration::from_secs(15);

/// Objects whose names match, best first; of equals, the shorter name, then the alphabet.
pub(crate) fn search(world: &World, text: &str, limit: u16) -> Answer {
    let text = text.trim();
    if text.is_empty() {
        return Answer::Hits(Vec::new());
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::new(text, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, ObjectRef, pilothouse_wire::SmolStr, pilothouse_wire::SmolStr)> = world
        .objects()
        .filter_map(|(object, name, place)| {
            let score = pattern.score(Utf32Str::new(&name, &mut buffer), &mut matcher)?;
            Some((score, object, name, place))
        })
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.2.len().cmp(&b.2.len())).then_with(|| a.1.cmp(&b.1)));
    scored.truncate(usize::from(limit.min(MOST_HITS)));
    let hits = scored.into_iter().map(|(_, object, name, place)| {
        let mut found = Vec::new();
        pattern.indices(Utf32Str::new(&name, &mut buffer), &mut matcher, &mut found);
        found.sort_unstable();
        found.dedup();
        Hit { object, place, matched: found.into_iter().filter_map(|at| u16::try_from(at).ok()).collect() }
    });
    Answer::Hits(hits.collect())
}

/// An object as YAML, from its server.
pub(crate) async fn yaml(connector: Option<Arc<dyn Connector>>, object: &ObjectRef) -> Result<Answer, Problem> {
    let Some(connector) = connector else {
        return Err(Problem::new(Code::NotFound, format!("{} is not connected.", object.connection()))
            .next("YAML is read from the server: it is there again once the connection is."));
    };
    match tokio::time::timeout(YAML_LIMIT, connector.yaml(object)).await {
        Ok(yaml) => yaml.map(Answer::Yaml),
        Err(_) => Err(Problem::new(Code::TimedOut, format!("{} did not answer.", object.connection()))
            .why(format!("It was asked for the {} {} and sent nothing for 15 s.", object.kind_word(), object.name()))
            .next("Try again.")),
    }
}

/// The last lines of a log, from the server of its pod. `containers` are those that the pod is known to have.
pub(crate) async fn logs(
    connector: Option<Arc<dyn Connector>>,
    containers: Vec<SmolStr>,
    mut query: LogQuery,
) -> Result<Answer, Problem> {
    let id = query.pod.cluster.clone();
    let Some(connector) = connector else {
        return Err(Problem::new(Code::NotFound, format!("{id} is not connected."))
            .next("Logs are read from the server: they are there again once the connection is."));
    };
    query.container = query.container.or_else(|| containers.first().cloned());
    let container = query.container.clone().unwrap_or_default();
    match tokio::time::timeout(YAML_LIMIT, connector.logs(&query)).await {
        Ok(lines) => lines.map(|lines| {
            let more = lines.len() >= query.lines as usize;
            Answer::Logs(Logs { containers, container, lines, more })
        }),
        Err(_) => Err(Problem::new(Code::TimedOut, format!("{id} did not answer."))
            .why(format!("It was asked for the log of {} and sent nothing for 15 s.", query.pod.name))
            .next("Try again.")),
    }
}
