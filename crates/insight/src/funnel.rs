//! From the GPUs that exist to those that do useful maths: how many, and what is lost at which step.

use pilothouse_wire::{
    Stamp, Sum,
    view::{
        FleetView, Funnel, FunnelKind, FunnelStep, Loss, Status,
        funnel::{ACTIVE, USEFUL, Why},
        gpu::Worst,
    },
};
use std::collections::BTreeMap;

/// The funnel of a view. A reading that is older than the view's patience counts as none.
///
/// What [`FleetView::findings`] says is broken is not healthy: put the findings of the same frame in first.
#[must_use]
pub fn funnel(view: &FleetView, now: Stamp) -> Funnel {
    let worst = Worst::of(view);
    let mut counts = Counts::default();
    for gpu in view.gpus() {
        let broken = worst.on(&gpu.node.id).and_then(|hit| hit.gpu(gpu.slot)) == Some(Status::Bad);
        counts.descend(view.lost(gpu, broken, now));
    }
    let whole = matches!(view.summary.gpus, Sum::Exact(_));
    Funnel { steps: FunnelKind::ALL.iter().map(|kind| counts.step(*kind, whole)).collect() }
}

/// GPUs by the steps that they reach, and by why they reach no further.
#[derive(Default)]
struct Counts {
    reached: BTreeMap<FunnelKind, u64>,
    lost: BTreeMap<(FunnelKind, Why), u64>,
}

impl Counts {
    /// Takes a GPU down the funnel to where it is lost.
    fn descend(&mut self, lost: Option<(FunnelKind, Why)>) {
        for step in FunnelKind::ALL.iter().take_while(|step| lost.is_none_or(|(at, _)| **step < at)) {
            *self.reached.entry(*step).or_default() += 1;
        }
        if let Some(lost) = lost {
            *self.lost.entry(lost).or_default() += 1;
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
    use pilothouse_wire::{Metric, filter::Filter, units, view::GpuState};

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

    /// What each step says that it loses, and how many GPUs its filter finds.
    #[track_caller]
    fn check_filters(mut view: FleetView) {
        view.findings = crate::findings(&view, NOW);
        for step in funnel(&view, NOW).steps {
            let lost: u64 = step.losses.iter().map(|loss| loss.gpus).sum();
            let found = step.kind.lost().map_or(0, |filter| {
                let filter: Filter = filter.parse().unwrap();
                filter.check::<pilothouse_wire::view::GpuRow<'_>>().unwrap();
                view.gpu_rows().filter(|row| filter.matches(&row.as_of(NOW))).count()
            });
            assert_eq!(found as u64, lost, "{:?}", step.kind);
        }
    }

    #[test]
    fn the_filter_of_each_step_finds_exactly_the_gpus_that_it_loses() {
        let node = Node::called("a-1").gpus(8).held(0..4, "x").state(7, GpuState::Withheld);
        let node = busy(busy(busy(busy(node, 0, 0.9, 0.4), 1, 0.9, 0.01), 2, 0.0, 0.0), 3, 0.06, 0.06);
        // Bad, and none of them one and the same: a node that is not ready, a GPU that is broken and held, one that is free.
        let lost = Node::called("a-2").gpus(2).condition("Ready", "False");
        let away = Node::called("a-3").gpus(1).cordoned();
        let broken =
            Node::called("a-4").gpus(3).held(0..2, "y").reads(0, Metric::Xid, 79.0).reads(2, Metric::Xid, 79.0);
        let broken = busy(broken, 0, 0.9, 0.4).reads(1, Metric::EngineActive, 0.5);
        let stale = busy(Node::called("a-5").gpus(2).held(0..2, "z"), 0, 0.9, 0.4).stale(0);
        let unknown = Node::called("a-6").gpus(1).state(0, GpuState::Unknown);
        check_filters(view([node, lost, away, broken, stale, unknown], []));
        check_filters(view([Node::called("a-1").gpus(4).held(0..2, "x").unmeasured()], []));
    }
}
