//! From the world to what one view needs. Pure: the time is an argument.

mod connections;
mod delivery;
mod fleet;
mod images;
mod models;
mod object;
mod ribbon;
mod serving;
mod starts;

pub use crate::registry::artifacts;
pub use connections::connection_rows;
pub use delivery::{DeliveryProjection, delivery, nodes_of, rollout, services_hit, took, weighed};
pub use fleet::{FleetProjection, NodesPart, nodes_behind, pods_of};
pub use images::{images, workload_images};
pub use models::{model, models};
pub use object::{Keeper, keeper, object, readings};
pub use ribbon::{MeasuredLanes, lane, measured_lanes, ribbon};
pub use starts::{starts, workload_starts};

use crate::World;
use pilothouse_wire::{ConnectionId, Freshness, Health, Stamp, frame::SourceState};

/// Every source in scope with its freshness; all of them when the scope is empty.
#[must_use]
pub fn sources(world: &World, scope: &[ConnectionId], now: Stamp) -> Vec<SourceState> {
    world
        .sources()
        .filter(|(id, _)| scope.is_empty() || scope.contains(id))
        .map(|(id, source)| SourceState {
            id: id.clone(),
            name: source.about.name.to_string(),
            demo: source.about.demo,
            freshness: Freshness::of(&source.health, source.heard, source.period(), now),
            heard: source.heard,
            note: note(&source.health),
        })
        .collect()
}

fn note(health: &Health) -> Option<String> {
    match health {
        Health::Starting { doing, progress: Some((done, of)) } => Some(format!(
            "{doing}: {} of about {}",
            pilothouse_wire::units::count(*done),
            pilothouse_wire::units::count(*of)
        )),
        Health::Starting { doing, progress: None } => Some(doing.clone()),
        other => other.problem().map(|problem| problem.what.clone()),
    }
}
