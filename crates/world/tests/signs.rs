//! Each kind of change of nodes, pods, connections and persons has its sign: what it says, and how bad it is.

use pilothouse_wire::{
    Code, ConnectionId, Health, ObjectRef, Problem, Stamp, When,
    view::{Mark, Status},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        ActedFact, ConditionFact, Covers, EventFact, Kind, NodeFact, NoteFact, Phase, PodFact, SourceAbout, SourceFact,
    },
    project,
};
use std::time::Duration;

const NOW: i64 = 1_800_000_000_000;

fn condition(kind: &str, status: &str) -> ConditionFact {
    ConditionFact { kind: kind.into(), status: status.into(), reason: Some(format!("Why{kind}").into()), since: None }
}

fn node(cordoned: bool, taints: &[&str], conditions: &[(&str, &str)]) -> Fact {
    Fact::Node(Box::new(NodeFact {
        name: "h-1".into(),
        cordoned,
        taints: taints.iter().map(|taint| (*taint).into()).collect(),
        conditions: conditions.iter().map(|(kind, status)| condition(kind, status)).collect(),
        ..NodeFact::default()
    }))
}

fn pod(node: Option<&str>) -> Fact {
    Fact::Pod(Box::new(PodFact {
        namespace: "serving".into(),
        name: "chat-0".into(),
        node: node.map(Into::into),
        phase: if node.is_some() { Phase::Running } else { Phase::Pending },
        gpus: vec![("nvidia.com/gpu".into(), 2)],
        ..PodFact::default()
    }))
}

fn said(at: i64, extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent, facts }
}

/// All signs since a time, as lines: about what, how bad, what, and from → to or why.
fn signs(world: &World, since: i64) -> Vec<String> {
    let end = Stamp(NOW + 3_600_000);
    let ribbon = project::ribbon(world, Duration::from_secs(7_200), When::Now, end);
    let line = |mark: &Mark| {
        let detail = mark.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let by = mark.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{}: {:?}: {}{detail}{by}", mark.key.object, mark.status, mark.title)
    };
    ribbon.marks.rows().iter().filter(|mark| mark.key.at.0 >= since).map(line).collect()
}

#[test]
fn what_happens_to_a_node_a_pod_and_a_connection_is_a_sign_each() {
    let ready = ("Ready", "True");
    let listed = |kind| Extent::Replace(Covers { kind, namespace: None });
    let about = SourceAbout { name: "iad".into(), ..SourceAbout::default() };
    let mut world = World::default();
    let first = vec![
        Fact::Source(SourceFact::About(Box::new(about))),
        node(false, &[], &[ready]),
        Fact::Source(SourceFact::Heard),
    ];
    world.apply(said(NOW, listed(Kind::Node), first));
    world.apply(said(NOW, listed(Kind::Pod), vec![pod(None)]));
    assert_eq!(signs(&world, 0), Vec::<String>::new(), "what is listed first did not happen");

    let lost = Problem::new(Code::Refused, "It refused the connection.");
    let health = |health| Fact::Source(SourceFact::Health(health));
    let steps = [
        (node(true, &[], &[ready]), "node:iad/h-1: Warn: h-1 cordoned"),
        (node(false, &[], &[ready]), "node:iad/h-1: Good: h-1 uncordoned"),
        (node(false, &["team=a:NoSchedule"], &[ready]), "node:iad/h-1: Warn: h-1 tainted (team=a:NoSchedule)"),
        (
            node(false, &["team=b:NoSchedule"], &[ready]),
            "node:iad/h-1: Warn: h-1 tainted (team=b:NoSchedule, − team=a:NoSchedule)",
        ),
        (node(false, &[], &[ready]), "node:iad/h-1: Good: h-1 taint gone (team=b:NoSchedule)"),
        (
            node(true, &["sick=xid:NoSchedule"], &[ready]),
            "node:iad/h-1: Warn: h-1 cordoned (tainted: sick=xid:NoSchedule)",
        ),
        (
            node(false, &["sick=ecc:NoSchedule"], &[ready]),
            "node:iad/h-1: Warn: h-1 uncordoned (tainted: sick=ecc:NoSchedule, − sick=xid:NoSchedule)",
        ),
        (node(true, &["sick=ecc:NoSchedule"], &[ready]), "node:iad/h-1: Warn: h-1 cordoned"),
        (node(false, &[], &[ready]), "node:iad/h-1: Good: h-1 uncordoned (taint gone: sick=ecc:NoSchedule)"),
        (
            node(false, &[], &[ready, ("MemoryPressure", "True")]),
            "node:iad/h-1: Warn: h-1: MemoryPressure (WhyMemoryPressure)",
        ),
        (
            node(false, &[], &[ready, ("MemoryPressure", "False")]),
            "node:iad/h-1: Good: h-1: MemoryPressure over (WhyMemoryPressure)",
        ),
        (node(false, &[], &[("Ready", "False")]), "node:iad/h-1: Bad: h-1 not ready (WhyReady)"),
        (node(false, &[], &[ready]), "node:iad/h-1: Good: h-1 ready again (WhyReady)"),
        (pod(Some("h-1")), "pod:iad/serving/chat-0: Good: chat-0 placed (2 GPUs of h-1)"),
        (
            Fact::PodGone("serving".into(), "chat-0".into()),
            "pod:iad/serving/chat-0: Unknown: chat-0 gone (gives back 2 GPUs)",
        ),
        (health(Health::Lost(lost)), "connection:iad: Bad: iad lost (It refused the connection.)"),
        (health(Health::Well), "connection:iad: Good: iad found again"),
        (Fact::NodeGone("h-1".into()), "node:iad/h-1: Warn: h-1 went"),
        (node(false, &[], &[ready]), "node:iad/h-1: Good: h-1 came"),
    ];
    for (step, (fact, want)) in steps.into_iter().enumerate() {
        let at = NOW + (1 + i64::try_from(step).unwrap()) * 60_000;
        world.apply(said(at, Extent::Delta, vec![fact]));
        assert_eq!(signs(&world, at), [want], "at step {step}");
    }
}

#[test]
fn a_cordon_of_before_is_told_by_the_event_that_is_left_of_it() {
    let mut world = World::default();
    let event = EventFact {
        uid: "e-1".into(),
        kind: "Node".into(),
        namespace: None,
        name: "h-1".into(),
        warning: false,
        reason: "NodeNotSchedulable".into(),
        note: "Node h-1 status is now: NodeNotSchedulable".into(),
        count: 1,
        at: Stamp(NOW - 1_800_000),
    };
    let all = Extent::Replace(Covers { kind: Kind::Event, namespace: None });
    world.apply(said(NOW, all, vec![Fact::Event(Box::new(event))]));
    let want = "node:iad/h-1: Unknown: h-1: NodeNotSchedulable (Node h-1 status is now: NodeNotSchedulable)";
    assert_eq!(signs(&world, 0), [want]);
}

#[test]
fn what_a_person_did_is_a_sign_with_who_and_what_became_of_it() {
    let mut world = World::default();
    let acted = |outcome: &str, status| {
        Fact::Acted(Box::new(ActedFact {
            at: Stamp(NOW),
            object: "workload:iad/serving/Deployment/chat".parse::<ObjectRef>().unwrap(),
            title: "Scale chat to 3".into(),
            by: "ann".into(),
            outcome: outcome.into(),
            status,
        }))
    };
    for (fact, want) in [
        (acted("under way", Status::Unknown), "Unknown: Scale chat to 3 (under way) by ann"),
        (acted("verified", Status::Good), "Good: Scale chat to 3 (verified) by ann"),
    ] {
        let batch =
            Batch { source: NoteFact::source(), seen_at: Stamp(NOW + 1), extent: Extent::Delta, facts: vec![fact] };
        world.apply(batch);
        assert_eq!(signs(&world, NOW), [format!("workload:iad/serving/Deployment/chat: {want}")]);
    }
}
