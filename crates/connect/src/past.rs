//! What a server is asked of the past.

use pilothouse_wire::{Metric, SmolStr, Stamp, view::LaneKind};

/// A question about what was measured of some GPUs, before anybody here wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastQuery {
    /// The GPUs, by UUID.
    pub gpus: Vec<SmolStr>,
    /// What is wanted; of several GPUs together, as [`Metric::over`] says.
    pub metrics: Vec<Metric>,
    /// From then on.
    pub since: Stamp,
    /// Up to then.
    pub until: Stamp,
    /// The most points of a series.
    pub most_points: u32,
}

/// A question about what was measured of everything together, for the lanes of the ribbon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanesQuery {
    /// What is wanted.
    pub kinds: Vec<LaneKind>,
    /// From then on.
    pub since: Stamp,
    /// Up to then.
    pub until: Stamp,
    /// The most points of each.
    pub most_points: u32,
}

/// A lane as a server keeps it: in the order of time, each point in the unit of the lane.
pub type KeptLane = (LaneKind, Vec<(Stamp, f64)>);
