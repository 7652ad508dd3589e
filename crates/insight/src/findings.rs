//! What is wrong with a fleet: every rule asked of every node, and one finding made of each cause.

use crate::{
    draft::{Draft, one_a_cause},
    pods::PodsOf,
    rules,
    site::{Site, sites},
};
use pilothouse_wire::{
    Keyed, Stamp,
    view::{Finding, FleetView},
};

/// What is wrong, one finding a cause. Time grows with the GPUs and the pods of the view, not with their product.
#[must_use]
pub fn findings(view: &FleetView, now: Stamp) -> Keyed<Finding> {
    let silent = rules::telemetry::silent_sources(view, now);
    let hit: Vec<(Site<'_>, Vec<Draft>)> = sites(view, now)
        .map(|site| {
            let drafts = rules::ALL.iter().filter_map(|(_, look)| look(site).yes()).flatten();
            (site, one_a_cause(drafts.filter(|draft| !silent.explain(site, draft)).collect()))
        })
        .chain(silent.drafts(view, now))
        .filter(|(_, drafts)| !drafts.is_empty())
        .collect();
    let pods = PodsOf::nodes(view, hit.iter().map(|(site, _)| &site.node.id));
    hit.into_iter()
        .flat_map(|(site, drafts)| drafts.into_iter().map(move |draft| (site, draft)))
        .map(|(site, draft)| draft.finish(site, &pods))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, Node, Pod, view};
    use pilothouse_wire::{Metric, ObjectRef, view::Status};

    /// The findings as lines: "object rule: pods of workloads".
    #[track_caller]
    fn check(nodes: Vec<Node>, pods: Vec<Pod>, want: &[&str]) -> Vec<Finding> {
        let found = findings(&view(nodes, pods), NOW);
        let lines = found.rows().iter().map(|finding| {
            let pods: Vec<&str> = finding.pods.iter().map(|pod| pod.name.as_str()).collect();
            let hit = format!(
                "{} {}: {} of {}",
                finding.id.object,
                finding.id.rule,
                pods.join(" "),
                finding.workloads.join(", ")
            );
            hit.trim_end_matches(" of ").trim_end_matches(": ").to_owned()
        });
        assert_eq!(lines.collect::<Vec<_>>(), want);
        found.rows().to_vec()
    }

    fn chat(name: &str) -> Pod {
        Pod::called(name).on("a-1").asks(1)
    }

    #[test]
    fn a_fleet_that_is_well_has_no_finding() {
        check(vec![Node::called("a-1").gpus(8), Node::called("a-2").gpus(8).unmeasured()], vec![], &[]);
    }

    #[test]
    fn a_broken_gpu_hits_the_pod_that_holds_it_and_its_workload() {
        let node = Node::called("a-1").gpus(8).held(0..2, "chat-1").held(2..3, "embed-1").reads(1, Metric::Xid, 79.0);
        let found = check(
            vec![node],
            vec![chat("chat-1"), chat("embed-1")],
            &["gpu:iad/a-1/1 xid-79: chat-1 of Deployment n/chat"],
        );
        assert_eq!((found[0].status, found[0].gpus.as_slice()), (Status::Bad, [1].as_slice()));
        assert_eq!(found[0].command.as_deref(), Some("kubectl cordon a-1"));
    }

    #[test]
    fn a_shared_gpu_hits_all_pods_that_hold_a_part_of_it() {
        for node in [Node::cut, Node::shared] {
            let node = node(Node::called("a-1").gpus(1), 0, &["chat-1", "embed-1"]).reads(0, Metric::Xid, 79.0);
            check(
                vec![node],
                vec![chat("chat-1"), chat("embed-1"), chat("other-1")],
                &["gpu:iad/a-1/0 xid-79: chat-1 embed-1 of Deployment n/chat, Deployment n/embed"],
            );
        }
    }

    #[test]
    fn who_holds_a_gpu_is_not_guessed() {
        let node = Node::called("a-1").gpus(2).unattributed(0).reads(0, Metric::Xid, 79.0);
        let found = check(vec![node], vec![chat("chat-1")], &["gpu:iad/a-1/0 xid-79"]);
        assert!(found[0].evidence.ends_with("A pod holds it, but nobody says which."), "{}", found[0].evidence);
    }

    #[test]
    fn both_pods_that_contest_a_gpu_are_hit() {
        let node = Node::called("a-1").gpus(2).held(0..1, "own-1").contested(1, &["chat-1", "embed-1"]);
        check(
            vec![node],
            vec![chat("chat-1"), chat("embed-1"), chat("own-1")],
            &["gpu:iad/a-1/1 contested: chat-1 embed-1 of Deployment n/chat, Deployment n/embed"],
        );
    }

    #[test]
    fn signs_of_one_broken_memory_are_one_finding() {
        let node = Node::called("a-1").gpus(8).reads(1, Metric::Xid, 95.0).reads(1, Metric::EccUncorrected, 2.0);
        let node = node.reads(1, Metric::RemapFailed, 1.0).condition("GpuMemWatch", "True");
        let found = check(vec![node], vec![], &["gpu:iad/a-1/1 row-remap"]);
        for sign in ["last XID is 95", "Uncorrectable ECC errors: 2", "GpuMemWatch is True"] {
            assert!(found[0].evidence.contains(sign), "{sign}: {}", found[0].evidence);
        }
    }

    #[test]
    fn a_check_that_saw_the_xid_that_is_measured_is_its_evidence_and_gives_its_time() {
        let node = Node::called("a-1").gpus(8).reads(1, Metric::Xid, 119.0).condition("GpuXidError", "True");
        let found = check(vec![node], vec![], &["gpu:iad/a-1/1 xid-119"]);
        assert!(found[0].since.is_some() && found[0].evidence.contains("GpuXidError"), "{found:?}");
    }

    #[test]
    fn a_check_that_saw_what_nobody_measures_is_a_finding_of_its_own() {
        let node = Node::called("a-1").gpus(8).condition("GpuXidError", "True");
        check(vec![node], vec![chat("chat-1")], &["node:iad/a-1 condition-GpuXidError: chat-1 of Deployment n/chat"]);
    }

    #[test]
    fn a_gpu_that_fell_off_the_bus_is_found_once() {
        let node = Node::called("a-1").gpus(8).gone(5).condition("SysLogsGPUFallenOff", "True");
        check(vec![node], vec![], &["gpu:iad/a-1/5 gpu-gone"]);
    }

    #[test]
    fn a_node_that_is_not_ready_is_the_cause_of_its_silence() {
        let node = Node::called("a-1").gpus(2).gone(0).stale(1).condition("Ready", "Unknown");
        let found = check(vec![node], vec![chat("chat-1")], &["node:iad/a-1 node-ready: chat-1 of Deployment n/chat"]);
        assert_eq!(found[0].gpus, [0, 1]);
    }

    #[test]
    fn a_source_that_is_silent_is_one_cause_and_not_one_a_node() {
        let silent = |name| Node::called(name).gpus(1).stale(0);
        let found =
            check(vec![silent("a-1"), silent("a-2"), silent("a-3")], vec![], &["connection:prometheus telemetry"]);
        assert_eq!(found[0].claim, "prometheus no longer measures any of its 3 nodes.");
        assert!(matches!(found[0].id.object, ObjectRef::Connection(_)));
    }

    #[test]
    fn one_silent_node_of_several_is_a_finding_of_that_node() {
        let nodes = vec![Node::called("a-1").gpus(1).stale(0), Node::called("a-2").gpus(1)];
        check(nodes, vec![], &["node:iad/a-1 telemetry"]);
    }

    #[test]
    fn causes_of_different_kinds_on_one_node_stay_apart() {
        let node = Node::called("a-1").gpus(8).reads(0, Metric::Xid, 79.0).reads(3, Metric::ThermalSlowdown, 0.5);
        check(vec![node], vec![], &["gpu:iad/a-1/0 xid-79", "gpu:iad/a-1/3 slowdown"]);
    }
}
