//! What a batch changed, so that projections renew only that.

use pilothouse_wire::{ConnectionId, NodeId, ObjectRef, PodId, SmolStr};
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
    /// Did nodes or pods change, by which columns of readings are put together?
    pub columns: bool,
    /// Did a serving engine say anything?
    pub serving: bool,
    /// Did an alert come, go or change?
    pub alerts: bool,
    /// Did a registered model come, go or change?
    pub models: bool,
    /// Did a tag come, go or move, or a repository?
    pub artifacts: bool,
    /// Services whose own values, revisions or pods changed.
    pub services: BTreeSet<ObjectRef>,
    /// Did a service come or go, or anything change that stands beside services: routes, labels, analyses, experiments,
    /// Applications, what is listed?
    pub delivery: bool,
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

    /// Did nothing change but what is measured?
    #[must_use]
    pub fn is_measured_only(&self) -> bool {
        *self == self.measured()
    }

    /// Takes out everything but what was measured, which stays for later.
    #[must_use]
    pub fn take_all_but_measured(&mut self) -> Self {
        let measured = self.measured();
        let rest = std::mem::replace(self, measured);
        Self { readings: false, columns: false, serving: false, ..rest }
    }

    /// What was measured, alone.
    fn measured(&self) -> Self {
        Self { readings: self.readings, columns: self.columns, serving: self.serving, ..Self::default() }
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
        self.columns |= other.columns;
        self.serving |= other.serving;
        self.alerts |= other.alerts;
        self.models |= other.models;
        self.artifacts |= other.artifacts;
        self.services.extend(other.services);
        self.delivery |= other.delivery;
        self.ribbon |= other.ribbon;
        self.all |= other.all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_waits_for_the_rest_of_its_second() {
        let mut touched = Touched { readings: true, ribbon: true, ..Touched::default() };
        assert!(!touched.is_measured_only());
        assert_eq!(touched.take_all_but_measured(), Touched { ribbon: true, ..Touched::default() });
        assert_eq!(touched, Touched { readings: true, ..Touched::default() });
        assert!(touched.is_measured_only() && !touched.is_empty());
    }
}
