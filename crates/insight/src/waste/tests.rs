//! Each rule of waste, for *yes*, *no* and *cannot tell*.

use super::*;
use crate::fixture::{NOW, Node, Pod, view};
use pilothouse_wire::view::{Verdict, WasteItem};

/// Notes the node as it is each minute for so long, and answers what is said by a rule at the end.
fn items(node: &Node, pods: &[Pod], minutes: u64, rule: WasteRule) -> Vec<WasteItem> {
    let mut history = History::default();
    for minute in (0..=minutes).rev() {
        let at = NOW.minus(Duration::from_secs(minute * 60));
        history.note(&view([node.clone().at(at)], pods.to_vec()), at);
    }
    let found = waste(&view([node.clone()], pods.to_vec()), &history, NOW).items;
    found.rows().iter().filter(|item| item.id.rule == rule).cloned().collect()
}

/// Each item as "verdict owner gpus hours: reason".
#[track_caller]
fn check(node: &Node, pods: &[Pod], minutes: u64, rule: WasteRule, want: &[&str]) -> Vec<WasteItem> {
    let found = items(node, pods, minutes, rule);
    let lines = found.iter().map(|item| {
        let owner = match (&item.namespace, &item.workload) {
            (Some(namespace), Some(workload)) => format!("{namespace} {workload}"),
            _ => item.id.object.to_string(),
        };
        let hours = item.gpu_hours.map(|hours| format!(" {hours:.1} h")).unwrap_or_default();
        format!("{:?} {owner} {}{hours}: {}", item.id.verdict, item.gpus, item.reason)
    });
    assert_eq!(lines.collect::<Vec<_>>(), want);
    found
}

/// Two GPUs that chat-1 holds, with this activity and this use of memory.
fn held(util: f32, memory: f32) -> Node {
    [0, 1].into_iter().fold(Node::called("a-1").gpus(2).held(0..2, "chat-1"), |node, slot| {
        node.reads(slot, Metric::Utilisation, util).reads(slot, Metric::TensorActive, util / 2.0).reads(
            slot,
            Metric::MemoryUse,
            memory,
        )
    })
}

fn chat() -> Vec<Pod> {
    let mut chat = Pod::called("chat-1").on("a-1").asks(2);
    chat.0.team = Some("search".into());
    vec![chat]
}

#[test]
fn gpus_that_do_nothing_for_the_window_are_held_idle() {
    let want = format!("Yes n Deployment/chat 2 1.5 h: {}", held_idle::REASON);
    let found = check(&held(0.0, 0.9), &chat(), 45, WasteRule::HeldIdle, &[&want]);
    assert_eq!(found[0].since, Some(NOW.minus(Duration::from_secs(45 * 60))));
    assert_eq!(
        found[0].evidence,
        "a-1 GPU 0: Utilisation 0 %, Tensor active 0 %. a-1 GPU 1: Utilisation 0 %, Tensor active 0 %."
    );
    assert_eq!(found[0].team.as_deref(), Some("search"));
}

#[test]
fn gpus_that_work_are_not_idle_and_neither_are_those_whose_pod_is_new() {
    check(&held(0.4, 0.9), &chat(), 45, WasteRule::HeldIdle, &[]);
    let mut pods = chat();
    pods[0].0.started = Some(NOW.minus(Duration::from_secs(5 * 60)));
    check(&held(0.0, 0.9), &pods, 45, WasteRule::HeldIdle, &[]);
}

#[test]
fn of_gpus_that_are_not_watched_for_long_measured_or_held_by_one_pod_nobody_can_tell() {
    let rule = WasteRule::HeldIdle;
    check(
        &held(0.0, 0.9),
        &chat(),
        5,
        rule,
        &["CannotTell n Deployment/chat 2: It has not been watched for 30 min yet."],
    );
    let bare = Node::called("a-1").gpus(2).held(0..2, "chat-1");
    check(&bare, &chat(), 45, rule, &["CannotTell n Deployment/chat 2: Its activity is not measured."]);
    let shared = Node::called("a-1").gpus(1).shared(0, &["chat-1", "embed-1"]);
    check(
        &shared,
        &chat(),
        45,
        rule,
        &["CannotTell node:iad/a-1 1: Pods share the device: no split between them is measured."],
    );
    let unsaid = Node::called("a-1").gpus(1).unattributed(0);
    check(&unsaid, &[], 45, rule, &["CannotTell node:iad/a-1 1: Nobody says which pod holds it."]);
}

#[test]
fn a_pod_that_is_not_ready_for_long_wastes_all_it_asked_for_and_is_counted_once() {
    let pods = [Pod::called("chat-1").on("a-1").asks(2).not_ready(30)];
    let want = format!("Yes n Deployment/chat 2 1.0 h: {}", not_ready::REASON);
    let found = check(&held(0.0, 0.1), &pods, 45, WasteRule::AllocatedIdle, &[&want]);
    assert_eq!(found[0].evidence, "chat-1: Not ready, 0 of 1 containers ready.");
    check(&held(0.0, 0.1), &pods, 45, WasteRule::HeldIdle, &[]);
    check(&held(0.0, 0.1), &pods, 45, WasteRule::OverAskedMemory, &[]);
}

#[test]
fn a_pod_that_is_ready_or_starts_wastes_nothing() {
    check(&held(0.4, 0.9), &chat(), 0, WasteRule::AllocatedIdle, &[]);
    let starts = [Pod::called("chat-1").on("a-1").asks(2).not_ready(5)];
    check(&held(0.4, 0.9), &starts, 0, WasteRule::AllocatedIdle, &[]);
}

#[test]
fn of_a_pod_of_which_nobody_says_since_when_it_is_not_ready_nobody_can_tell() {
    let mut pod = Pod::called("chat-1").on("a-1").asks(2).not_ready(30);
    (pod.0.created, pod.0.conditions) = (None, Vec::new());
    check(
        &held(0.4, 0.9),
        &[pod],
        0,
        WasteRule::AllocatedIdle,
        &["CannotTell n Deployment/chat 2: Nobody says since when it is not ready."],
    );
}

#[test]
fn gpus_that_work_with_little_of_their_memory_are_over_asked() {
    let want = format!("Yes n Deployment/chat 2 1.5 h: {}", memory::REASON);
    let found = check(&held(0.4, 0.12), &chat(), 45, WasteRule::OverAskedMemory, &[&want]);
    assert!(found[0].evidence.starts_with("a-1 GPU 0: at most 12 % of its memory in use."), "{}", found[0].evidence);
}

#[test]
fn gpus_that_use_their_memory_or_do_nothing_at_all_are_not_over_asked() {
    check(&held(0.4, 0.6), &chat(), 45, WasteRule::OverAskedMemory, &[]);
    check(&held(0.0, 0.1), &chat(), 45, WasteRule::OverAskedMemory, &[]);
}

#[test]
fn of_gpus_whose_memory_is_not_measured_nobody_can_tell() {
    let node = Node::called("a-1").gpus(2).held(0..2, "chat-1").reads(0, Metric::Utilisation, 0.5);
    check(
        &node.reads(1, Metric::Utilisation, 0.5),
        &chat(),
        45,
        WasteRule::OverAskedMemory,
        &["CannotTell n Deployment/chat 2: Its use of memory is not measured."],
    );
}

#[test]
fn free_gpus_that_no_usual_pod_can_use_are_stranded() {
    let node = Node::called("a-1").gpus(8).held(0..2, "chat-1").held(2..4, "chat-2").held(4..5, "one-1");
    let pod = |name: &str, gpus| Pod::called(name).on("a-1").asks(gpus);
    let want =
        "Yes connection:iad 1 1.0 h: Fewer are free on their nodes than the smallest usual pod of the pool asks for.";
    let mut pods: Vec<Pod> = vec![pod("chat-1", 2), pod("chat-2", 2)];
    let found = check(&node, &pods, 60, WasteRule::Stranded, &[want]);
    assert_eq!(found[0].since, Some(NOW.minus(Duration::from_secs(3_600))));
    assert_eq!(found[0].evidence, "Free GPUs that are left over: 1 of 3, nodes: 1, the smallest usual pod: 2.");
    assert_eq!((found[0].id.verdict, found[0].id.pool.as_deref()), (Verdict::Yes, Some("H100")));
    pods.push(pod("one-1", 1));
    check(&node, &pods, 0, WasteRule::Stranded, &[]);
}

#[test]
fn where_no_size_is_usual_or_pods_are_not_read_nobody_can_tell_what_is_stranded() {
    let mut node = Node::called("a-1").gpus(8);
    let want = "CannotTell connection:iad 8: No pod holds GPUs there: no size is usual.";
    check(&node, &[], 0, WasteRule::Stranded, &[want]);
    node.row.holders_known = false;
    check(&node, &[], 0, WasteRule::Stranded, &["CannotTell connection:iad 8: Not all pods of the cluster are read."]);
}

#[test]
fn what_is_not_wasted_is_counted() {
    let mut history = History::default();
    let view = view([held(0.4, 0.9)], chat());
    history.note(&view, NOW);
    let tallies = waste(&view, &history, NOW).tallies;
    let counted: Vec<_> = tallies.iter().map(|t| (t.rule.words(), t.yes, t.no, t.cannot_tell)).collect();
    assert_eq!(
        counted,
        [("held idle", 0, 2, 0), ("allocated idle", 0, 2, 0), ("stranded", 0, 0, 0), ("over-asked memory", 0, 2, 0)]
    );
}

const SLICE: &str = "nvidia.com/mig-1g.10gb";

#[test]
fn pods_that_share_a_gpu_waste_one_gpu_and_only_where_none_of_them_is_ready() {
    let names = ["emb-0", "emb-1", "emb-2", "emb-3", "emb-4", "emb-5", "emb-6"];
    let node = Node::called("a-1").gpus(1).cut(0, &names).counts(SLICE, 7, 7, true);
    let unready = |name: &&str| Pod::called(name).on("a-1").asks_parts(SLICE, 1).not_ready(120);
    let mut pods: Vec<Pod> = names.iter().map(unready).collect();
    let want = format!("Yes n Deployment/emb 1 2.0 h: {}", not_ready::SHARED_REASON);
    let found = check(&node, &pods, 0, WasteRule::AllocatedIdle, &[&want]);
    assert_eq!((found[0].pods.len(), found[0].since), (7, Some(NOW.minus(Duration::from_secs(7_200)))));
    // It is counted once.
    check(&node, &pods, 0, WasteRule::HeldIdle, &[]);
    pods[6] = Pod::called("emb-6").on("a-1").asks_parts(SLICE, 1);
    check(&node, &pods, 0, WasteRule::AllocatedIdle, &[]);
    // Of pods of several workloads it is the node's, and since the last of them was ready.
    pods[6] = Pod::called("chat-6").on("a-1").asks_parts(SLICE, 1).not_ready(30);
    let node = Node::called("a-1").gpus(1).cut(0, &["emb-0", "chat-6"]).counts(SLICE, 7, 2, true);
    let want = format!("Yes node:iad/a-1 1 0.5 h: {}", not_ready::SHARED_REASON);
    check(&node, &[pods[0].clone(), pods[6].clone()], 0, WasteRule::AllocatedIdle, &[&want]);
}

#[test]
fn of_pods_that_share_gpus_nobody_says_which_only_all_of_them_can_be_told() {
    let node = Node::called("a-1").gpus(2).state(0, GpuState::Shared).state(1, GpuState::Shared);
    let pod = |name: &str| Pod::called(name).on("a-1").asks_parts("nvidia.com/gpu.shared", 1);
    let pods = [pod("emb-0").not_ready(60), pod("emb-1").not_ready(60)];
    let want = format!("Yes n Deployment/emb 2 2.0 h: {}", not_ready::SHARED_REASON);
    check(&node, &pods, 0, WasteRule::AllocatedIdle, &[&want]);
    let want = "CannotTell n Deployment/emb 2: Some pods of the node are not ready, and nobody says which GPU they have a \
                part of.";
    check(&node, &[pods[0].clone(), pod("emb-1")], 0, WasteRule::AllocatedIdle, &[want]);
    check(&node, &[pod("emb-0"), pod("emb-1")], 0, WasteRule::AllocatedIdle, &[]);
}
