//! The room of small fleets.

use super::*;
use crate::fixture::{NOW, Node, Pod, view};
use pilothouse_wire::{
    SmolStr, units,
    view::{Eviction, GpuState, PoolKind, Relief},
};
use proptest::prelude::*;

/// A node of eight GPUs with pods of these sizes on it, called `a-1-0`, `a-1-1`, ….
fn node(name: &str, sizes: &[u16]) -> (Node, Vec<Pod>) {
    let mut node = Node::called(name).gpus(8);
    let (mut at, mut pods) = (0, Vec::new());
    for (i, size) in sizes.iter().enumerate() {
        let pod = format!("{name}-{i}");
        node = node.held(at..at + size, &pod);
        pods.push(Pod::called(&pod).on(name).asks(u64::from(*size)));
        at += size;
    }
    (node, pods)
}

fn fleet(nodes: Vec<(Node, Vec<Pod>)>, waiting: Vec<Pod>) -> FleetView {
    let (nodes, pods): (Vec<Node>, Vec<Vec<Pod>>) = nodes.into_iter().unzip();
    view(nodes, pods.into_iter().flatten().chain(waiting))
}

/// Why the only waiting pod waits.
#[track_caller]
fn check_pending(view: &FleetView, want: &str) {
    let says: Vec<String> = room(view, NOW).pending.into_iter().map(|pod| pod.says).collect();
    assert_eq!(says, [want]);
}

/// The relief of the only pool: "a-1 8: a-1-0 to a-2, …".
#[track_caller]
fn check_relief(view: &FleetView, want: &str) {
    let said = match room(view, NOW).pools.remove(0).relief {
        Relief::Moves { node, gpus, moves } => {
            let moves: Vec<String> = moves.iter().map(|m| format!("{} to {}", m.pod.name, m.to.name)).collect();
            format!("{} {gpus}: {}", node.name, moves.join(", "))
        }
        other => format!("{other:?}"),
    };
    assert_eq!(said, want);
}

#[test]
fn ten_nodes_with_seven_free_each_have_no_room_for_eight_and_a_repack_would_mend_it() {
    let nodes = (0..10).map(|i| node(&format!("a-{i}"), &[1])).collect();
    let pool = room(&fleet(nodes, vec![]), NOW).pools.remove(0);
    let slots: Vec<String> = pool.sizes.iter().map(|size| units::sum(size.slots)).collect();
    let frags: Vec<String> = pool.sizes.iter().filter_map(|size| Some(format!("{:.4}", size.frag?))).collect();
    assert_eq!(slots, ["70", "30", "10", "0"]);
    assert_eq!(frags, ["0.0000", "0.1429", "0.4286", "1.0000"]);
    let score = pool.score.unwrap();
    // All demand is of size 1: 0.03 · 0.1429 + 0.06 · 0.4286 + 0.18 · 1.
    assert!((score.observed - 0.21).abs() < 1e-3, "{score:?}");
    // After it eight nodes are empty and two hold the ten pods: Frag(8) = 1 − 64 / 70.
    assert!(score.reclaimable > 0.15 && score.reclaimable < score.observed, "{score:?}");
    assert!(score.pressure.abs() < 1e-12 && !score.act, "{score:?}");
}

#[test]
fn full_and_empty_clusters_are_not_fragmented() {
    for sizes in [&[8][..], &[]] {
        let view = fleet(vec![node("a-1", sizes), node("a-2", sizes)], vec![]);
        let pool = room(&view, NOW).pools.remove(0);
        assert!(pool.sizes.iter().all(|size| size.frag == Some(0.0)), "{:?}", pool.sizes);
        assert_eq!(pool.score.map(|score| score.score), Some(0.0));
    }
}

#[test]
fn kinds_of_gpu_are_never_mixed() {
    let mut other = Node::called("b-1").gpus(4);
    other.row.product = None;
    other.row.instance_type = Some("p4d".into());
    let view = fleet(vec![node("a-1", &[]), (other, vec![])], vec![]);
    let pools: Vec<(SmolStr, PoolKind, Sum)> =
        room(&view, NOW).pools.into_iter().map(|pool| (pool.name, pool.kind, pool.free)).collect();
    let want =
        [("H100".into(), PoolKind::Product, Sum::Exact(8)), ("p4d".into(), PoolKind::InstanceType, Sum::Exact(4))];
    assert_eq!(pools, want);
}

#[test]
fn what_is_free_and_cannot_be_had_is_stranded_with_the_reason() {
    let lost = Node::called("a-3").gpus(8).condition("Ready", "Unknown");
    let withheld = Node::called("a-4").gpus(8).state(7, GpuState::Withheld);
    let nodes =
        vec![node("a-1", &[4]), (Node::called("a-2").gpus(8).cordoned(), vec![]), (lost, vec![]), (withheld, vec![])];
    let pool = room(&fleet(nodes, vec![]), NOW).pools.remove(0);
    let rows: Vec<String> =
        pool.stranded.iter().map(|row| format!("{} {} in {}", row.gpus, row.why.words(), row.nodes)).collect();
    assert_eq!(rows, ["8 node cordoned in 1", "8 node not ready in 1", "1 withheld by the node in 1"]);
    assert_eq!((pool.total, pool.free), (Sum::Exact(32), Sum::Exact(11)));
}

#[test]
fn where_not_all_pods_are_read_what_is_free_is_not_known() {
    let (mut node, pods) = node("a-1", &[2]);
    node.row.holders_known = false;
    for slot in 2..8 {
        node = node.state(slot, GpuState::Unknown);
    }
    let view = fleet(vec![(node, pods)], vec![Pod::called("w-1").asks(4)]);
    let room = room(&view, NOW);
    let pool = &room.pools[0];
    assert_eq!(
        (pool.free, pool.score, pool.sizes[3].frag, &pool.relief),
        (Sum::NotKnown, None, None, &Relief::CannotTell)
    );
    assert_eq!(room.score, None);
    check_pending(&view, "cannot tell: the pods of the cluster are not all read");
}

#[test]
fn a_pod_that_has_room_as_it_is_makes_no_pressure() {
    let view = fleet(vec![node("a-1", &[3])], vec![Pod::called("w-1").asks(4)]);
    let score = room(&view, NOW).pools.remove(0).score.unwrap();
    assert!(score.pressure.abs() < 1e-12 && !score.act, "{score:?}");
}

#[test]
fn a_pod_that_a_repack_would_seat_waits_for_fragmentation() {
    let view = fleet(vec![node("a-1", &[5]), node("a-2", &[3, 3])], vec![Pod::called("w-1").asks(4)]);
    check_pending(&view, "asks 4; largest hole is 3 on a-1; 5 free in 2 nodes; fragmentation: a repack would seat it");
    let score = room(&view, NOW).pools.remove(0).score.unwrap();
    assert!(score.act && score.pressure > 0.8, "{score:?}");
}

#[test]
fn a_pod_that_no_repack_could_seat_waits_for_shortage() {
    let view = fleet(vec![node("a-1", &[6]), node("a-2", &[7])], vec![Pod::called("w-1").asks(4)]);
    check_pending(
        &view,
        "asks 4; largest hole is 2 on a-1; 3 free in 2 nodes; shortage: not even a repack could seat it",
    );
    let full = fleet(vec![node("a-1", &[8])], vec![Pod::called("w-1").asks(1)]);
    check_pending(&full, "asks 1; nothing is free; shortage: not even a repack could seat it");
}

#[test]
fn a_pod_that_is_larger_than_every_node_can_never_run() {
    let view = fleet(vec![node("a-1", &[])], vec![Pod::called("w-1").asks(16)]);
    check_pending(&view, "can never run: asks 16, the largest node has 8");
    let mut pod = Pod::called("w-1").asks(1);
    pod.0.requests[0].0 = "amd.com/gpu".into();
    check_pending(
        &fleet(vec![node("a-1", &[])], vec![pod]),
        "can never run: asks for amd.com/gpu, and no node offers it",
    );
}

#[test]
fn room_on_cordoned_nodes_is_said_to_be_there() {
    let (node_1, pods) = node("a-1", &[5]);
    let cordoned = |name| (Node::called(name).gpus(8).cordoned(), vec![]);
    let view = fleet(vec![(node_1, pods), cordoned("a-2"), cordoned("a-3")], vec![Pod::called("w-1").asks(8)]);
    check_pending(&view, "asks 8; largest hole is 3 on a-1; 3 free in 1 node; 2 nodes with 8 free are cordoned");
}

#[test]
fn a_pod_that_has_room_waits_for_something_else() {
    let view = fleet(vec![node("a-1", &[])], vec![Pod::called("w-1").asks(4)]);
    check_pending(
        &view,
        "asks 4; largest hole is 8 on a-1; 8 free in 1 node; GPUs are not what it waits for: see its taints, selectors, \
         quota and other resources",
    );
}

#[test]
fn the_fewest_moves_make_room_and_each_goes_to_the_smallest_hole() {
    let nodes = vec![node("a-1", &[1, 1]), node("a-2", &[2]), node("a-3", &[4, 2])];
    check_relief(&fleet(nodes, vec![]), "a-2 8: a-2-0 to a-3");
}

#[test]
fn a_node_with_room_needs_no_moves() {
    check_relief(&fleet(vec![node("a-1", &[2]), node("a-2", &[])], vec![]), "NotNeeded");
}

#[test]
fn pods_that_belong_where_they_are_and_bare_pods_are_never_moved() {
    let (node_1, mut daemon) = node("a-1", &[1]);
    daemon[0].0.workload_kind = Some("DaemonSet".into());
    let (node_2, mut bare) = node("a-2", &[1]);
    (bare[0].0.workload_kind, bare[0].0.workload) = (None, None);
    check_relief(&fleet(vec![(node_1, daemon), (node_2, bare)], vec![]), "None");
}

/// The same fleet as above, with what budgets say of the pods of `a-2`, and what is said of budgets.
fn with_budgets(eviction: Eviction) -> (FleetView, Option<String>) {
    let (node_2, mut pods) = node("a-2", &[2]);
    pods[0] = pods[0].clone().may_go(eviction);
    let view = fleet(vec![node("a-1", &[1, 1]), (node_2, pods), node("a-3", &[4, 2])], vec![]);
    let told = room(&view, NOW).pools.remove(0).budgets();
    (view, told)
}

#[test]
fn a_pod_whose_budget_lets_none_go_is_no_move() {
    let (view, told) = with_budgets(Eviction::May);
    check_relief(&view, "a-2 8: a-2-0 to a-3");
    assert_eq!(told, None);
    let (view, told) = with_budgets(Eviction::MayNot("chat".into()));
    check_relief(&view, "a-1 8: a-1-0 to a-3, a-1-1 to a-3");
    assert_eq!(told.as_deref(), Some("disruption budgets hold 1 pod back"));
    let (mut view, told) = with_budgets(Eviction::NotKnown);
    check_relief(&view, "a-2 8: a-2-0 to a-3");
    assert_eq!(told.as_deref(), Some("disruption budgets are not read"));
    for mut pod in view.pods.rows().to_vec() {
        pod.eviction = Eviction::MayNot("all".into());
        view.pods.set(pod);
    }
    check_relief(&view, "None");
    assert_eq!(room(&view, NOW).pools.remove(0).budgets().as_deref(), Some("disruption budgets hold 5 pods back"));
}

#[test]
fn moves_that_do_not_find_room_elsewhere_are_not_shown() {
    check_relief(&fleet(vec![node("a-1", &[4]), node("a-2", &[6])], vec![]), "None");
}

proptest! {
    #[test]
    fn moves_make_the_room_that_they_say_and_find_room_themselves(
        sizes in prop::collection::vec(prop::collection::vec(1_u16..=4, 0..4), 1..12),
    ) {
        let sizes: Vec<Vec<u16>> = sizes.into_iter().map(fitting).collect();
        let free = |at: usize| u64::from(8 - sizes[at].iter().sum::<u16>());
        let at = |name: &str| name.trim_start_matches("a-").parse::<usize>().unwrap();
        let nodes = sizes.iter().enumerate().map(|(i, sizes)| node(&format!("a-{i}"), sizes)).collect();
        if let Relief::Moves { node, gpus, moves } = room(&fleet(nodes, vec![]), NOW).pools.remove(0).relief {
            let moved: u64 = moves.iter().map(|m| m.gpus).sum();
            prop_assert_eq!(free(at(&node.name)) + moved, gpus);
            prop_assert!(gpus >= 8);
            for to in moves.iter().map(|m| &m.to) {
                let taken: u64 = moves.iter().filter(|m| m.to == *to).map(|m| m.gpus).sum();
                prop_assert!(*to != node && taken <= free(at(&to.name)), "{:?}", moves);
            }
        }
    }
}

/// As many of these pods as a node of eight holds.
fn fitting(mut sizes: Vec<u16>) -> Vec<u16> {
    while sizes.iter().sum::<u16>() > 8 {
        sizes.pop();
    }
    sizes
}

#[test]
fn slices_are_counted_as_the_cluster_counts_them() {
    let mut node = Node::called("a-1").gpus(1).shared(0, &["x-1"]);
    node.row.resources = vec![pilothouse_wire::view::GpuResource {
        key: "nvidia.com/mig-1g.10gb".into(),
        capacity: 7,
        allocatable: 7,
        requested: 5,
        replicas: 1,
        sliced: true,
    }];
    let pod = Pod::called("w-1").asks_parts("nvidia.com/mig-1g.10gb", 3);
    check_pending(
        &view([node], [pod]),
        "asks 3; largest hole is 2 on a-1; 2 free in 1 node; shortage: not even a repack could seat it",
    );
}

const GPU: &str = "nvidia.com/gpu";
const SLICE: &str = "nvidia.com/mig-1g.10gb";

/// What the only pool of a fleet has: GPUs that are free, with those that nobody can get, and parts that are free.
#[track_caller]
fn check_free(view: &FleetView, want: (u64, &str, &[&str])) {
    let pool = room(view, NOW).pools.remove(0);
    let stranded: Vec<String> = pool.stranded.iter().map(|row| format!("{} {}", row.gpus, row.why.words())).collect();
    let parts: Vec<String> = pool.parts.iter().map(pilothouse_wire::view::PartRoom::words).collect();
    assert_eq!(
        (pool.free, stranded.join(", "), parts),
        (Sum::Exact(want.0), want.1.into(), want.2.iter().map(|part| (*part).to_owned()).collect())
    );
}

#[test]
fn beside_gpus_that_are_cut_whole_ones_are_free_and_slices_by_their_kind() {
    let mixed = Node::called("a-1").gpus(8).counts(GPU, 7, 0, false).counts(SLICE, 7, 0, true);
    let empty = view([mixed.clone()], []);
    check_free(&empty, (7, "1 given in shares or slices only", &["7 of 7 nvidia.com/mig-1g.10gb"]));
    assert_eq!(
        room(&empty, NOW).pools[0].sizes.iter().map(|size| units::sum(size.slots)).collect::<Vec<_>>(),
        ["7", "3", "1", "0"]
    );
    let mut held = mixed.held(0..2, "chat-1").cut(7, &["emb-1"]);
    (held.row.resources[0].requested, held.row.resources[1].requested) = (2, 3);
    let pods = [
        Pod::called("chat-1").on("a-1").asks(2),
        Pod::called("emb-1").on("a-1").asks_parts(SLICE, 3),
        Pod::called("w-1").asks(6),
    ];
    let fleet = view([held], pods);
    check_free(&fleet, (5, "", &["4 of 7 nvidia.com/mig-1g.10gb"]));
    check_pending(
        &fleet,
        "asks 6; largest hole is 5 on a-1; 5 free in 1 node; shortage: not even a repack could seat it",
    );
}

#[test]
fn instances_that_are_called_gpus_are_no_room_for_a_pod_that_asks_for_gpus() {
    let fleet = view([Node::called("a-1").gpus(2).counts(GPU, 14, 3, true)], [Pod::called("w-1").asks(8)]);
    check_free(&fleet, (0, "2 given in shares or slices only", &["11 of 14 nvidia.com/gpu"]));
    assert!(room(&fleet, NOW).pools[0].sizes.iter().all(|size| size.slots == Sum::Exact(0)));
    check_pending(
        &fleet,
        "asks 8; largest hole is 11 on a-1; 11 free in 1 node; GPUs are not what it waits for: see its taints, \
         selectors, quota and other resources",
    );
}

#[test]
fn what_is_broken_or_quarantined_is_no_room() {
    let with_findings = |mut view: FleetView| {
        view.findings = crate::findings(&view, NOW);
        view
    };
    let broken = || Node::called("a-1").gpus(8).reads(3, pilothouse_wire::Metric::Xid, 79.0);
    check_free(&with_findings(view([broken()], [])), (7, "1 broken, by a finding", &[]));
    // The one that its plug-in withholds is the one that is broken.
    check_free(&with_findings(view([broken().state(7, GpuState::Withheld)], [])), (7, "1 withheld by the node", &[]));
    let fleet = || view([Node::called("a-1").gpus(8).quarantined("GpuMemWatch")], [Pod::called("w-1").asks(8)]);
    check_free(&fleet(), (0, "8 node quarantined", &[]));
    check_pending(&fleet(), "asks 8; nothing is free; 1 node with 8 free is cordoned or quarantined");
}

#[test]
fn pods_that_are_of_use_only_together_wait_for_room_for_all_of_them() {
    let gang = |name: &str| {
        let mut pod = Pod::called(name).asks(8);
        pod.0.workload_kind = Some("PyTorchJob".into());
        pod
    };
    let says = |nodes: Vec<(Node, Vec<Pod>)>| {
        let pending = room(&fleet(nodes, vec![gang("train-0"), gang("train-1")]), NOW).pending;
        assert!(pending.iter().all(|pod| pod.says == pending[0].says && pod.why == pending[0].why), "{pending:?}");
        pending[0].says.clone()
    };
    let numbers = "asks 8; largest hole is 8 on a-1";
    let wait = "2 pods of PyTorchJob/train wait together, 1 of them has room at once";
    assert_eq!(
        says(vec![node("a-1", &[]), node("a-2", &[6])]),
        format!("{numbers}; 10 free in 2 nodes; {wait}; shortage: not even a repack could seat all of them")
    );
    assert_eq!(
        says(vec![node("a-1", &[]), node("a-2", &[4]), node("a-3", &[4])]),
        format!("{numbers}; 16 free in 3 nodes; {wait}; fragmentation: a repack would seat all of them")
    );
    let cordoned = (Node::called("a-2").gpus(8).cordoned(), vec![]);
    assert_eq!(
        says(vec![node("a-1", &[]), cordoned]),
        format!("{numbers}; 8 free in 1 node; {wait}; 1 node with 8 free is cordoned")
    );
    let both = says(vec![node("a-1", &[]), node("a-2", &[])]);
    assert!(both.contains("GPUs are not what it waits for"), "{both}");
}

#[test]
fn a_pod_that_waits_for_a_claim_waits_for_gpus_of_its_class() {
    let waits = |class: &str| Pod::called("w-1").asks_class(class, 4);
    let published = || Node::called("a-1").gpus(8).held(0..6, "chat-1").counts("gpu.nvidia.com", 8, 6, false);
    check_pending(
        &view([published()], [waits("gpu.nvidia.com")]),
        "asks 4; largest hole is 2 on a-1; 2 free in 1 node; shortage: not even a repack could seat it",
    );
    check_pending(
        &view([published()], [waits("gpu.of-ours")]),
        "cannot tell: which devices the class gpu.of-ours chooses is not read",
    );
}
