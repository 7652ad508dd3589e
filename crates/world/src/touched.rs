//! What a batch changed, so that projections renew only that.

use pilothouse_wire::{ConnectionId, NodeId, PodId, SmolStr};
use std::collections::BTreeSet;

/// What the last batches changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Sources whose health, rights or counts changed.
    pub sources: BTreeSet<ConnectionId>,
    /// Nodes that came, went, or whose own values or pods changed.
    pub nodes: BTreeSet<NodeId>,
    /// Pods that came, went or changed.
    pub pods: BTreeSet<PodId>,
    /// Sources whose events changed.
    pub events: BTreeSet<ConnectionId>,
    /// Names of nodes whose GPUs, or who holds them, were told anew: whose cluster they are in is found by the reader.
    pub devices: BTreeSet<SmolStr>,
    /// Was a list of GPUs told anew, by which their columns are ordered?
    pub lists: bool,
    /// Was anything measured?
    pub readings: bool,
    /// Did a serving engine say anything?
    pub serving: bool,
    /// Did the ribbon get a mark or a point?
    pub ribbon: bool,
    /// Did so much change that everything is to be renewed?
    pub all: bool,
}

impl Touched {
    /// Did nothing change?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another batch changed.
    pub fn merge(&mut self, other: Self) {
        self.sources.extend(other.sources);
        self.nodes.extend(other.nodes);
        self.pods.extend(other.pods);
        self.events.extend(other.events);
        self.devices.extend(other.devices);
        self.lists |= other.lists;
        self.readings |= other.readings;
        self.serving |= other.serving;
        self.ribbon |= other.ribbon;
        self.all |= other.all;
    }
}
