//! The rows of the connections view that the world knows of: health, rights, freshness.

use crate::{World, gpu::is_gpu_key, source::Source};
use pilothouse_wire::{
    Code, ConnectionId, Health, Keyed, Problem, SmolStr, plan::Operation, units::count, view::ConnectionRow,
};
use std::collections::BTreeMap;

/// So many names are said of nodes that nobody has.
const NAMED: usize = 3;

/// A row for each source. Settings (`values`, `secrets_set`) are not the world's: the engine adds them.
#[must_use]
pub fn connection_rows(world: &World) -> Keyed<ConnectionRow> {
    world.sources().map(|(id, source)| row(world, id, source)).collect()
}

fn row(world: &World, id: &ConnectionId, source: &Source) -> ConnectionRow {
    let texts = |list: &[pilothouse_wire::SmolStr]| list.iter().map(ToString::to_string).collect();
    let text = |text: &Option<pilothouse_wire::SmolStr>| text.as_ref().map(ToString::to_string);
    ConnectionRow {
        id: id.clone(),
        kind: source.about.kind.to_string(),
        name: source.about.name.to_string(),
        demo: source.about.demo,
        cluster: !source.is_beside(),
        health: health(world, id, source),
        version: text(&source.probed.version),
        address: text(&source.about.address),
        identity: text(&source.probed.identity),
        may: texts(&source.probed.may),
        may_not: texts(&source.probed.may_not),
        heard: source.heard,
        period: source.period(),
        facts: source.facts,
        facts_per_s: 0,
        dropped: source.dropped,
        attempts: source.attempts.clone(),
        retry_at: source.retry_at,
        values: BTreeMap::new(),
        secrets_set: Vec::new(),
        operation: Operation::default(),
    }
}

/// How a connection says that it is; where it says that it is well, what it tells may still be of no use to anybody.
fn health(world: &World, id: &ConnectionId, source: &Source) -> Health {
    let wrong = (source.health == Health::Well).then(|| of_no_node(world, id, source)).flatten();
    wrong.map_or_else(|| source.health.clone(), Health::Partial)
}

/// It measures GPUs in nodes that its cluster does not have. Where it does not say which cluster it is about, they may be of
/// one that is not connected: then it is told only if GPUs of a connected one are measured by nobody.
fn of_no_node(world: &World, id: &ConnectionId, source: &Source) -> Option<Problem> {
    let about = source.telemetry.cluster.as_ref();
    if source.telemetry.is_empty() || about == Some(id) {
        return None;
    }
    let clusters: Vec<(&ConnectionId, &Source)> = match about {
        Some(cluster) => vec![(cluster, world.source(cluster)?)],
        None => world.sources().filter(|(_, other)| !other.is_beside()).collect(),
    };
    if clusters.is_empty() || !clusters.iter().all(|(_, cluster)| cluster.knows_nodes()) {
        return None;
    }
    let has = |name: &SmolStr| clusters.iter().any(|(_, cluster)| cluster.nodes.contains_key(name));
    let strange: Vec<&SmolStr> = source.telemetry.nodes_that_speak().filter(|name| !has(name)).collect();
    let unmeasured = || {
        clusters.iter().any(|(cluster, source)| {
            let with_gpus =
                source.nodes.values().filter(|node| node.fact.capacity.iter().any(|(key, _)| is_gpu_key(key)));
            with_gpus.into_iter().any(|node| world.measures(cluster, &node.fact.name).is_none())
        })
    };
    if strange.is_empty() || about.is_none() && !unmeasured() {
        return None;
    }
    let n = strange.len();
    let names: Vec<&str> = strange.iter().take(NAMED).map(|name| name.as_str()).collect();
    let more = if n > NAMED { format!(" and {} others", count((n - NAMED) as u64)) } else { String::new() };
    let nodes = if n == 1 { "1 node".to_owned() } else { format!("{} nodes", count(n as u64)) };
    let who = about.map_or_else(|| "no connected cluster has".to_owned(), |cluster| format!("{cluster} does not have"));
    let what = format!("{} measures GPUs of {nodes} that {who}.", source.about.name);
    Some(
        Problem::new(Code::NotFound, what)
            .why(format!("So its series call them: {}{more}.", names.join(", ")))
            .next(
                "The label Hostname, or node, has to be the node's name: see NODE_NAME of the exporter's pods, and what the \
                 scrape job relabels. If they are of another cluster, connect that, or fill in the field \"Only series with\".",
            ),
    )
}
