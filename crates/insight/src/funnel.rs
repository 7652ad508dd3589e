//! From the GPUs that exist to those that do useful maths: how many, and what is lost at which step.

use crate::{
    limits::{ACTIVE, USEFUL},
    site::{Site, sites},
};
use pilothouse_wire::{
    Metric, NodeId, Stamp, Sum,
    view::{FleetView, Funnel, FunnelKind, FunnelStep, GpuState, Loss, Status},
};
use std::collections::{BTreeMap, HashSet};

/// The funnel of a view. A reading that is older than the view's patience counts as none.
///
/// What [`FleetView::findings`] says is broken is not healthy: put the findings of the same frame in first.
#[must_use]
pub fn funnel(view: &FleetView, now: Stamp) -> Funnel {
    let broken: HashSet<(&NodeId, u16)> = view
        .findings
        .rows()
        .iter()
        .filter(|finding| finding.status == Status::Bad)
        .flat_map(|finding| finding.gpus.iter().map(|slot| (&finding.node, *slot)))
        .collect();
    let mut counts = Counts::default();
    for site in sites(view, now) {
        for slot in site.slots() {
            counts.reached(FunnelKind::Total);
            counts.descend(site, slot, broken.contains(&(&site.node.id, slot)));
        }
    }
    let whole = matches!(view.summary.gpus, Sum::Exact(_));
    Funnel { steps: STEPS.iter().map(|kind| counts.step(*kind, whole)).collect() }
}

/// From the top down.
const STEPS: [FunnelKind; 5] =
    [FunnelKind::Total, FunnelKind::Healthy, FunnelKind::Allocated, FunnelKind::Active, FunnelKind::Useful];

/// Why a GPU does not reach a step, in the order in which reasons are shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    NotReady,
    Withheld,
    Broken,
    Free,
    FreeCordoned,
    HoldersUnknown,
    Idle,
    ActivityUnmeasured,
    ActivityStale,
    NoMaths,
    MathsUnmeasured,
}

impl Why {
    fn words(self) -> &'static str {
        match self {
            Self::NotReady => "on nodes not ready",
            Self::Withheld => "withheld by their nodes",
            Self::Broken => "broken, by a finding",
            Self::Free => "free",
            Self::FreeCordoned => "free on cordoned nodes",
            Self::HoldersUnknown => "not known: not all pods are read",
            Self::Idle => "held and idle",
            Self::ActivityUnmeasured => "not known: activity not measured",
            Self::ActivityStale => "not known: measured too long ago",
            Self::NoMaths => "active, tensor cores idle",
            Self::MathsUnmeasured => "not known: tensor activity not measured",
        }
    }

    fn status(self) -> Status {
        match self {
            Self::NotReady | Self::Broken => Status::Bad,
            Self::Withheld | Self::FreeCordoned | Self::Idle | Self::NoMaths => Status::Warn,
            Self::Free => Status::Good,
            Self::HoldersUnknown | Self::ActivityUnmeasured | Self::ActivityStale | Self::MathsUnmeasured => {
                Status::Unknown
            }
        }
    }
}

/// GPUs by the steps that they reach, and by why they reach no further.
#[derive(Default)]
struct Counts {
    reached: BTreeMap<FunnelKind, u64>,
    lost: BTreeMap<(FunnelKind, Why), u64>,
}

impl Counts {
    fn reached(&mut self, step: FunnelKind) {
        *self.reached.entry(step).or_default() += 1;
    }

    /// Takes a GPU down the funnel to where it is lost.
    fn descend(&mut self, site: Site<'_>, slot: u16, broken: bool) {
        for (step, lost) in [
            (FunnelKind::Healthy, unhealthy as fn(Site<'_>, u16, bool) -> Option<Why>),
            (FunnelKind::Allocated, |site, slot, _| unallocated(site, slot)),
            (FunnelKind::Active, |site, slot, _| inactive(site, slot)),
            (FunnelKind::Useful, |site, slot, _| useless(site, slot)),
        ] {
            if let Some(why) = lost(site, slot, broken) {
                *self.lost.entry((step, why)).or_default() += 1;
                return;
            }
            self.reached(step);
        }
    }

    /// A step with its losses. From the first GPU on of which nobody can tell, numbers are lower bounds.
    fn step(&self, kind: FunnelKind, whole: bool) -> FunnelStep {
        let unknown_above = self.lost.keys().any(|(step, why)| *step <= kind && why.status() == Status::Unknown);
        let own = self.lost.iter().filter(|((step, _), _)| *step == kind);
        FunnelStep {
            kind,
            definition: definition(kind),
            gpus: Sum::of(self.reached.get(&kind).copied().unwrap_or(0), whole && !unknown_above),
            losses: own
                .map(|((_, why), gpus)| Loss { reason: why.words().into(), gpus: *gpus, status: why.status() })
                .collect(),
        }
    }
}

fn unhealthy(site: Site<'_>, slot: u16, broken: bool) -> Option<Why> {
    match site.cell(slot).map(|cell| cell.state) {
        None | Some(GpuState::Lost) => Some(Why::NotReady),
        Some(GpuState::Withheld) => Some(Why::Withheld),
        Some(_) if broken => Some(Why::Broken),
        Some(_) => None,
    }
}

fn unallocated(site: Site<'_>, slot: u16) -> Option<Why> {
    match site.cell(slot)?.state {
        GpuState::Free if site.node.cordoned => Some(Why::FreeCordoned),
        GpuState::Free => Some(Why::Free),
        GpuState::Unknown => Some(Why::HoldersUnknown),
        _ => None,
    }
}

fn inactive(site: Site<'_>, slot: u16) -> Option<Why> {
    match activity(site, slot) {
        Some(activity) if activity > ACTIVE => None,
        Some(_) => Some(Why::Idle),
        None if site.is_stale(slot) => Some(Why::ActivityStale),
        None => Some(Why::ActivityUnmeasured),
    }
}

/// Utilisation or engine activity, whichever says more: under MIG only the second is measured.
fn activity(site: Site<'_>, slot: u16) -> Option<f32> {
    let of = |metric| site.fresh(metric, slot);
    match (of(Metric::Utilisation), of(Metric::EngineActive)) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

fn useless(site: Site<'_>, slot: u16) -> Option<Why> {
    match site.fresh(Metric::TensorActive, slot) {
        Some(tensor) if tensor > USEFUL => None,
        Some(_) => Some(Why::NoMaths),
        None => Some(Why::MathsUnmeasured),
    }
}

fn definition(kind: FunnelKind) -> String {
    let (active, useful) = (ACTIVE * 100.0, USEFUL * 100.0);
    match kind {
        FunnelKind::Total => "GPUs that the nodes have.".into(),
        FunnelKind::Healthy => {
            "Of those: their node is ready and offers them, and no finding says that they are broken.".into()
        }
        FunnelKind::Allocated => "Of those: a pod holds them, or a part of them.".into(),
        FunnelKind::Active => format!("Of those: utilisation or engine activity is above {active:.0} %."),
        FunnelKind::Useful => format!("Of those: tensor cores are active above {useful:.0} % of the cycles."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, Node, view};
    use pilothouse_wire::units;

    /// The funnel as lines: "Healthy 7: 1 on nodes not ready".
    #[track_caller]
    fn check(view: &FleetView, want: &[&str]) {
        let lines = funnel(view, NOW).steps.into_iter().map(|step| {
            let losses: Vec<String> = step.losses.iter().map(|loss| format!("{} {}", loss.gpus, loss.reason)).collect();
            format!("{} {}: {}", step.kind.word(), units::sum(step.gpus), losses.join(", "))
        });
        assert_eq!(lines.collect::<Vec<_>>(), want);
    }

    fn busy(node: Node, slot: u16, util: f32, tensor: f32) -> Node {
        node.reads(slot, Metric::Utilisation, util).reads(slot, Metric::TensorActive, tensor)
    }

    #[test]
    fn each_gpu_is_lost_at_one_step_for_one_reason() {
        let node = Node::called("a-1").gpus(8).held(0..4, "x").state(7, GpuState::Withheld);
        let node = busy(busy(busy(busy(node, 0, 0.9, 0.4), 1, 0.9, 0.01), 2, 0.0, 0.0), 3, 0.06, 0.06);
        let lost = Node::called("a-2").gpus(2).condition("Ready", "False");
        let away = Node::called("a-3").gpus(1).cordoned();
        check(
            &view([node, lost, away], []),
            &[
                "Total 11: ",
                "Healthy 8: 2 on nodes not ready, 1 withheld by their nodes",
                "Allocated 4: 3 free, 1 free on cordoned nodes",
                "Active 3: 1 held and idle",
                "Useful 2: 1 active, tensor cores idle",
            ],
        );
    }

    #[test]
    fn a_gpu_without_telemetry_makes_a_lower_bound_of_what_is_active() {
        let node = Node::called("a-1").gpus(3).held(0..3, "x").stale(2);
        check(
            &view([busy(busy(node, 0, 0.9, 0.4), 2, 0.9, 0.4)], []),
            &[
                "Total 3: ",
                "Healthy 3: ",
                "Allocated 3: ",
                "Active ≥ 1: 1 not known: activity not measured, 1 not known: measured too long ago",
                "Useful ≥ 1: ",
            ],
        );
    }

    #[test]
    fn where_nothing_is_measured_what_is_active_is_not_known_and_never_zero() {
        let want = "not known: activity not measured";
        let steps = funnel(&view([Node::called("a-1").gpus(2).held(0..2, "x").unmeasured()], []), NOW).steps;
        assert_eq!([steps[3].gpus, steps[4].gpus], [Sum::NotKnown, Sum::NotKnown]);
        assert_eq!((steps[3].losses[0].reason.as_str(), steps[3].losses[0].gpus), (want, 2));
    }

    #[test]
    fn what_a_finding_says_is_broken_is_not_healthy() {
        let mut view = view([Node::called("a-1").gpus(2).reads(1, Metric::Xid, 79.0)], []);
        view.findings = crate::findings(&view, NOW);
        let healthy = funnel(&view, NOW).step(FunnelKind::Healthy).cloned().unwrap();
        assert_eq!((healthy.gpus, healthy.losses[0].reason.as_str()), (Sum::Exact(1), "broken, by a finding"));
    }

    #[test]
    fn nodes_that_are_not_all_read_make_every_step_a_bound() {
        let mut view = view([Node::called("a-1").gpus(2)], []);
        view.summary.gpus = Sum::AtLeast(2);
        assert_eq!(funnel(&view, NOW).steps[0].gpus, Sum::AtLeast(2));
    }

    #[test]
    fn pods_that_are_not_all_read_make_what_is_allocated_a_bound() {
        let view = view([Node::called("a-1").gpus(2).held(0..1, "x").state(1, GpuState::Unknown)], []);
        assert_eq!(funnel(&view, NOW).steps[2].gpus, Sum::AtLeast(1));
    }
}
