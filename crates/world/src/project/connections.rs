//! The rows of the connections view that the world knows of: health, rights, freshness.

use crate::{World, source::Source};
use pilothouse_wire::{ConnectionId, Keyed, plan::Operation, view::ConnectionRow};
use std::collections::BTreeMap;

/// A row for each source. Settings (`values`, `secrets_set`) are not the world's: the engine adds them.
#[must_use]
pub fn connection_rows(world: &World) -> Keyed<ConnectionRow> {
    world.sources().map(|(id, source)| row(id, source)).collect()
}

fn row(id: &ConnectionId, source: &Source) -> ConnectionRow {
    let texts = |list: &[pilothouse_wire::SmolStr]| list.iter().map(ToString::to_string).collect();
    let text = |text: &Option<pilothouse_wire::SmolStr>| text.as_ref().map(ToString::to_string);
    ConnectionRow {
        id: id.clone(),
        kind: source.about.kind.to_string(),
        name: source.about.name.to_string(),
        demo: source.about.demo,
        cluster: !source.is_beside(),
        health: source.health.clone(),
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
