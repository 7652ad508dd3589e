//! Folds a recording: what is in the world at its end, and whether patches added up to it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use acceptance::{Failure, Result};
use pilothouse_wire::{
    Stamp, When,
    view::{FleetSpec, FleetView},
};
use pilothouse_world::{
    World,
    project::{self, FleetProjection},
};

use crate::recording;

/// Further back than any recording goes.
const ALWAYS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Folds a recording, batch by batch, with a view beside it that is fed by patches alone.
pub fn run(file: &Path) -> Result<()> {
    let mut world = World::default();
    let mut projection = FleetProjection::new(&world, FleetSpec::default());
    let mut mirror = FleetView::default();
    let (mut batches, mut facts, mut first, mut last) = (0_u64, 0_usize, None, Stamp::default());
    recording::read(file, |batch| {
        batches += 1;
        facts += batch.facts.len();
        first = first.or(Some(batch.seen_at));
        last = last.max(batch.seen_at);
        let touched = world.apply(batch);
        mirror.apply(projection.update(&world, &touched));
    })?;
    let whole = FleetProjection::new(&world, FleetSpec::default()).into_view();
    let span = last.since(first.unwrap_or(last));
    tell(&format!("{batches} batches, {facts} facts, from {} on for {span:?}", first.unwrap_or_default()));
    let FleetView { summary, clusters, nodes, pods, .. } = &whole;
    tell(&format!("{} clusters, {} nodes, {} pods", clusters.len(), nodes.len(), pods.len()));
    let [gpus, held, free] = [summary.gpus, summary.gpus_held, summary.gpus_free].map(pilothouse_wire::units::sum);
    tell(&format!("{gpus} GPUs, {held} held, {free} free"));
    for (kind, count) in marks(&world, last) {
        tell(&format!("{count} marks {kind}"));
    }
    tell(&format!("{} dropped", world.dropped()));
    if mirror == whole {
        tell("The view that was fed by patches equals the whole one.");
        return Ok(());
    }
    let patch = mirror.diff(&whole);
    let differ = patch.nodes.set.len() + patch.nodes.gone.len() + patch.pods.set.len() + patch.pods.gone.len();
    Err(Failure::new(format!("the view that was fed by patches differs from the whole one in {differ} rows")))
}

/// Marks by their kind, and those that a ribbon has no room for.
fn marks(world: &World, now: Stamp) -> BTreeMap<String, u64> {
    let ribbon = project::ribbon(world, ALWAYS, When::Now, now);
    let mut kinds = BTreeMap::new();
    for mark in ribbon.marks.rows() {
        *kinds.entry(format!("{:?}", mark.key.kind)).or_default() += 1;
    }
    if ribbon.thinned > 0 {
        kinds.insert("that a ribbon has no room for".to_owned(), ribbon.thinned);
    }
    kinds
}

fn tell(line: &str) {
    // Nobody reads it: then it need not be said.
    let _ = writeln!(std::io::stdout(), "{line}");
}
