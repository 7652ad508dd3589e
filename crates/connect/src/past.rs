//! What a server is asked of the past.

use pilothouse_wire::{Metric, SmolStr, Stamp};

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
