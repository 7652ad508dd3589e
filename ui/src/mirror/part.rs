//! Parts of a fleet view that change each for itself: measurements come each few seconds, nodes hardly ever.

use leptos::prelude::*;
use pilothouse_wire::{Body, Patch, view::fleet::FleetPatch};

/// A part of a fleet view. Who reads by parts is not woken by the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Totals, clusters and the funnel.
    Totals,
    /// Nodes with their GPUs.
    Nodes,
    /// Pods.
    Pods,
    /// Workloads.
    Workloads,
    /// What is measured.
    Telemetry,
    /// What serving engines say.
    Serving,
    /// What is wrong.
    Findings,
    /// What fires.
    Alerts,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Totals,
        Self::Nodes,
        Self::Pods,
        Self::Workloads,
        Self::Telemetry,
        Self::Serving,
        Self::Findings,
        Self::Alerts,
    ];

    fn is_in(self, patch: &FleetPatch) -> bool {
        match self {
            Self::Totals => patch.summary.is_some() || !patch.clusters.is_empty() || patch.funnel.is_some(),
            Self::Nodes => !patch.nodes.is_empty(),
            Self::Pods => !patch.pods.is_empty(),
            Self::Workloads => !patch.workloads.is_empty(),
            Self::Telemetry => patch.telemetry.is_some(),
            Self::Serving => patch.serving.is_some(),
            Self::Findings => !patch.findings.is_empty(),
            Self::Alerts => patch.alerts.is_some(),
        }
    }
}

/// The parts that a frame's body changes: all of them, unless it is a patch of a fleet.
pub(super) fn changed(body: &Body) -> Vec<Part> {
    let of_patch = |patch| Part::ALL.into_iter().filter(|part| part.is_in(patch)).collect();
    match body {
        Body::Patch { patch: Patch::Fleet(patch), .. } => of_patch(patch),
        Body::Same { .. } => Vec::new(),
        Body::Full(_) | Body::Patch { .. } => Part::ALL.to_vec(),
    }
}

/// Wakes those who read a part.
#[derive(Default)]
pub(super) struct Wakers([ArcTrigger; Part::ALL.len()]);

impl Wakers {
    /// Who calls this is woken by changes of these parts.
    pub fn track(&self, parts: &[Part]) {
        parts.iter().for_each(|part| self.0[*part as usize].track());
    }

    /// Wakes those who read one of these parts.
    pub fn wake(&self, parts: &[Part]) {
        parts.iter().for_each(|part| self.0[*part as usize].notify());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        Rev, View,
        view::{FleetSummary, FleetView, telemetry::TelemetryPatch},
    };
    use std::sync::Arc;

    #[test]
    fn a_patch_changes_what_is_in_it_and_a_full_frame_everything() {
        let patch = |patch| Body::Patch { base: Rev(1), patch: Patch::Fleet(patch) };
        let measured = FleetPatch { telemetry: Some(Box::<TelemetryPatch>::default()), ..FleetPatch::default() };
        assert_eq!(changed(&patch(measured.clone())), [Part::Telemetry]);
        let summed = FleetPatch { summary: Some(Box::<FleetSummary>::default()), ..measured };
        assert_eq!(changed(&patch(summed)), [Part::Totals, Part::Telemetry]);
        assert_eq!(changed(&patch(FleetPatch::default())), []);
        assert_eq!(changed(&Body::Same { base: Rev(1) }), []);
        assert_eq!(changed(&Body::Full(View::Fleet(Arc::<FleetView>::default()))), Part::ALL);
    }
}
