//! Who cordoned, tainted or labelled a node: as it is seen, and as its server keeps it of before. Of what is rebuilt the most
//! important stays, in whatever order it is listed.
#![allow(clippy::unwrap_used, reason = "tests")]

use pilothouse_wire::{
    ConnectionId, Stamp, When,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{ConditionFact, Covers, EventFact, Kind, NodeFact, NodeWriteFact, NoteFact, WrittenFact},
    project,
};
use std::time::Duration;

const HOUR: i64 = 3_600_000;
/// When everything is listed.
const NOW: i64 = 100 * HOUR;
/// The taint by which the control plane repeats a cordon.
const ECHO: &str = "node.kubernetes.io/unschedulable:NoSchedule";

fn said(at: i64, extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent, facts }
}

fn all(kind: Kind) -> Extent {
    Extent::Replace(Covers { kind, namespace: None })
}

fn node(cordoned: bool, taints: &[&str], labels: &[(&str, &str)]) -> NodeFact {
    NodeFact {
        name: "h-1".into(),
        created: Some(Stamp(NOW - 50 * HOUR)),
        cordoned,
        taints: taints.iter().map(|taint| (*taint).into()).collect(),
        labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        ..NodeFact::default()
    }
}

/// What somebody wrote: `what` is `cordon`, `taints`, `labels a b`, each alone, or several with a sign between.
fn write(by: &str, at: i64, what: &str) -> NodeWriteFact {
    let parts: Vec<&str> = what.split('+').collect();
    let of = |word: &str| parts.iter().find_map(|part| part.strip_prefix(word));
    let labels: Vec<_> = of("labels ").into_iter().flat_map(|keys| keys.split(' ')).map(Into::into).collect();
    NodeWriteFact {
        by: by.into(),
        at: Some(Stamp(at)),
        cordon: of("cordon").is_some(),
        taints: of("taints").is_some(),
        alone: parts.len() == 1,
        labels_in_all: u32::try_from(labels.len()).unwrap_or(u32::MAX),
        labels,
    }
}

fn written(writes: &[NodeWriteFact]) -> WrittenFact {
    WrittenFact { writes: writes.to_vec(), ..WrittenFact::default() }
}

fn fact(node: NodeFact, written: WrittenFact) -> Fact {
    Fact::WrittenNode(Box::new(node), written)
}

fn marks(world: &World, now: i64) -> Vec<Mark> {
    let week = Duration::from_secs(7 * 86_400);
    project::ribbon(world, week, When::Now, Stamp(now)).marks.rows().to_vec()
}

/// One line a mark, but for that the node came.
fn lines(world: &World) -> Vec<String> {
    let line = |mark: &Mark| {
        let by = mark.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let detail = mark.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let hours = (mark.key.at.0 - NOW).div_euclid(HOUR);
        format!("{hours} h {}{}{detail}{by}", if mark.rebuilt { "rebuilt " } else { "" }, mark.title)
    };
    let all = marks(world, NOW + 50 * HOUR);
    all.iter().filter(|mark| mark.key.kind != MarkKind::NodeCame).map(line).collect()
}

#[track_caller]
fn of_before(node: NodeFact, written: WrittenFact, want: &[&str]) {
    let mut world = World::default();
    world.apply(said(NOW, all(Kind::Node), vec![fact(node, written)]));
    assert_eq!(lines(&world), want);
}

#[test]
fn a_cordon_and_a_taint_of_before_have_their_time_and_their_writer() {
    let cordon = || write("kubectl-cordon", NOW - 5 * HOUR, "cordon");
    of_before(
        node(true, &["sick=xid:NoSchedule", ECHO], &[]),
        written(&[cordon(), write("kubectl-taint", NOW - 3 * HOUR, "taints")]),
        &[
            "-5 h rebuilt h-1 cordoned by kubectl-cordon",
            // Whoever wrote the list of taints last may have taken another one away.
            "-3 h rebuilt h-1 tainted (sick=xid:NoSchedule; at the latest: of its writer only the last time is kept)",
        ],
    );
    // Both at once are one sign.
    of_before(
        node(true, &["sick=xid:NoSchedule"], &[]),
        written(&[write("sentinel", NOW - 5 * HOUR, "cordon+taints")]),
        &[
            "-5 h rebuilt h-1 cordoned (tainted: sick=xid:NoSchedule; at the latest: of its writer only the last time is \
           kept) by sentinel",
        ],
    );
    // It is cordoned no more: who has written since says nothing.
    of_before(node(false, &[], &[]), written(&[cordon()]), &[]);
    // Whoever made it made no change, and of two nobody knows who it was.
    of_before(node(true, &[], &[]), written(&[write("maker", NOW - 50 * HOUR, "cordon")]), &[]);
    of_before(node(true, &[], &[]), written(&[cordon(), write("other", NOW - HOUR, "cordon")]), &[]);
}

#[test]
fn a_time_that_the_control_plane_keeps_is_believed_before_that_of_a_writer_who_went_on() {
    let went_on = || vec![write("ann", NOW - HOUR, "cordon+labels tier")];
    let since = |cordoned: Option<i64>, taints: &[(&str, i64)]| WrittenFact {
        writes: went_on(),
        cordoned: cordoned.map(Stamp),
        taints: taints.iter().map(|(taint, at)| ((*taint).into(), Stamp(*at))).collect(),
    };
    let labelled = "-1 h rebuilt h-1 labelled (tier; at the latest: of its writer only the last time is kept) by ann";
    of_before(
        node(true, &[ECHO], &[]),
        since(Some(NOW - 4 * HOUR), &[]),
        &["-4 h rebuilt h-1 cordoned by ann", labelled],
    );
    of_before(
        node(true, &[], &[]),
        since(None, &[]),
        &["-1 h rebuilt h-1 cordoned (at the latest: of its writer only the last time is kept) by ann", labelled],
    );
    // A taint with a time needs no writer.
    let sick = "sick=xid:NoExecute";
    of_before(
        node(false, &[sick, "team:NoSchedule"], &[]),
        since(None, &[(sick, NOW - 2 * HOUR)]),
        &["-2 h rebuilt h-1 tainted (sick=xid:NoExecute)", labelled],
    );
}

#[test]
fn of_labels_of_before_the_names_are_told_and_what_a_program_finds_out_is_not() {
    let tenfold = (0..10).map(|n| format!("f{n}")).collect::<Vec<_>>().join(" ");
    let writes = [
        write("discovery", NOW - HOUR, &format!("labels {tenfold}")),
        write("kubectl-label", NOW - 2 * HOUR, "labels team tier"),
        write("pipeline", NOW - 2 * HOUR, "labels owner"),
        // As it came up.
        write("installer", NOW - 50 * HOUR + 60_000, "labels pool"),
    ];
    of_before(
        node(false, &[], &[]),
        written(&writes),
        &[
            "-2 h rebuilt h-1 labelled (team, tier; at the latest: of its writer only the last time is kept) by kubectl-label",
            "-2 h rebuilt h-1 labelled (owner; at the latest: of its writer only the last time is kept) by pipeline",
        ],
    );
}

#[test]
fn a_cordon_that_an_earlier_run_saw_is_not_told_again_by_what_its_server_keeps() {
    let at = NOW - 5 * HOUR;
    let kept = || fact(node(true, &[], &[]), written(&[write("kubectl-cordon", at, "cordon")]));
    for (seen, want) in [
        (at + 700, &["-5 h h-1 cordoned by kubectl"][..]),
        // Another one, of before.
        (at - 60_000, &["-6 h h-1 cordoned by kubectl", "-5 h rebuilt h-1 cordoned by kubectl-cordon"]),
    ] {
        let key = MarkKey { at: Stamp(seen), object: "node:iad/h-1".parse().unwrap(), kind: MarkKind::Cordon };
        let mark = Mark { title: "h-1 cordoned".into(), by: Some("kubectl".into()), ..Mark::of(key) };
        let mut world = World::default();
        let recalled = vec![Fact::Recalled(vec![mark])];
        world.apply(Batch { source: NoteFact::source(), ..said(NOW, Extent::Delta, recalled) });
        world.apply(said(NOW, all(Kind::Node), vec![kept()]));
        assert_eq!(lines(&world), want);
    }
}

#[test]
fn what_is_seen_of_a_node_says_by_whom() {
    let mut world = World::default();
    let own = |at: i64| write("gitops", NOW - at, "labels env");
    let begin = fact(node(false, &[], &[("pool", "a")]), written(&[own(9 * HOUR)]));
    world.apply(said(NOW, all(Kind::Node), vec![begin]));
    let later = |hour: i64, what: &str| write("ann", NOW + hour * HOUR, what);
    let steps = [
        (1, node(true, &[], &[("pool", "a")]), vec![own(9 * HOUR), later(1, "cordon")]),
        // Nobody has it any more: it was the only one who wrote.
        (2, node(false, &[], &[("pool", "a")]), vec![own(9 * HOUR), later(2, "labels env")]),
        // The control plane is no writer.
        (3, node(false, &["sick:NoSchedule"], &[("pool", "a")]), vec![own(9 * HOUR), later(2, "labels env")]),
        (4, node(false, &["sick:NoSchedule"], &[("pool", "b")]), vec![own(9 * HOUR), later(4, "labels env pool tier")]),
        (5, node(false, &["sick:NoSchedule"], &[("pool", "b")]), vec![own(9 * HOUR), later(4, "labels env pool tier")]),
    ];
    for (hour, node, writes) in steps {
        world.apply(said(NOW + hour * HOUR, Extent::Delta, vec![fact(node, written(&writes))]));
    }
    assert_eq!(
        lines(&world),
        [
            "-9 h rebuilt h-1 labelled (env; at the latest: of its writer only the last time is kept) by gitops",
            "1 h h-1 cordoned by ann",
            "2 h h-1 uncordoned by ann",
            "3 h h-1 tainted (sick:NoSchedule)",
            "4 h h-1 labelled (pool a → b, + tier) by ann",
        ]
    );
}

#[test]
fn after_a_listing_a_change_that_nobody_owns_is_nobodys() {
    let mut world = World::default();
    let cordoned = written(&[write("ann", NOW - HOUR, "cordon")]);
    world.apply(said(NOW, all(Kind::Node), vec![fact(node(true, &[], &[]), cordoned)]));
    // Between two listings many may have written.
    let later = written(&[write("ben", NOW + HOUR, "labels tier")]);
    world.apply(said(NOW + 2 * HOUR, all(Kind::Node), vec![fact(node(false, &[], &[]), later)]));
    let told = lines(&world);
    assert_eq!(
        told,
        ["-1 h rebuilt h-1 cordoned by ann", "2 h h-1 uncordoned", "2 h h-1 labelled (+ tier) by ben"],
        "{told:?}"
    );
}

#[test]
fn a_cordon_whose_writer_is_known_is_not_told_again_by_its_event() {
    let event = |at: i64| {
        Fact::Event(Box::new(EventFact {
            uid: "e".into(),
            kind: "Node".into(),
            namespace: None,
            name: "h-1".into(),
            warning: false,
            reason: "NodeNotSchedulable".into(),
            note: String::new(),
            count: 1,
            at: Stamp(at),
        }))
    };
    let ann = || written(&[write("ann", NOW - HOUR, "cordon")]);
    let told = |at: i64| {
        let mut world = World::default();
        world.apply(said(NOW, all(Kind::Node), vec![fact(node(true, &[], &[]), ann())]));
        world.apply(said(NOW, all(Kind::Event), vec![event(at)]));
        lines(&world)
    };
    let own = "-1 h rebuilt h-1 cordoned by ann";
    assert_eq!(told(NOW - HOUR + 9_000), [own]);
    assert_eq!(told(NOW - 3 * HOUR), ["-3 h rebuilt h-1: NodeNotSchedulable", own]);
}

#[test]
fn of_more_than_have_room_the_most_important_and_of_these_the_newest_are_rebuilt_and_the_others_counted() {
    let listed = |newest_first: bool| {
        // Two thousand are kept: of 2,500 nodes that came, and three that are not well, the oldest first.
        let of = |n: i64| {
            let since = Some(Stamp(NOW - 60 * HOUR + n));
            let bad = ConditionFact { kind: "Ready".into(), status: "False".into(), reason: None, since };
            let node = NodeFact {
                name: format!("h-{n}").into(),
                created: Some(Stamp(NOW - 90 * HOUR + n * 1_000)),
                conditions: if n % 1_000 == 0 { vec![bad] } else { Vec::new() },
                ..NodeFact::default()
            };
            Fact::Node(Box::new(node))
        };
        let mut facts: Vec<Fact> = (0..2_500).map(of).collect();
        if newest_first {
            facts.reverse();
        }
        let mut world = World::default();
        world.apply(said(NOW, all(Kind::Node), facts));
        let mut kept = world.worth_recalling(Stamp(0), 10_000);
        kept.sort_by(|a, b| a.key.cmp(&b.key));
        (kept, world.dropped())
    };
    let (kept, dropped) = listed(false);
    assert_eq!((kept.len(), dropped), (2_000, 503));
    let faults: Vec<&str> =
        kept.iter().filter(|mark| mark.status == Status::Bad).map(|mark| mark.title.as_str()).collect();
    assert_eq!(faults, ["h-0 not ready", "h-1000 not ready", "h-2000 not ready"]);
    let came = |n: usize| kept.iter().any(|mark| mark.title == format!("h-{n} came"));
    assert!(came(2_499) && came(503) && !came(502) && !came(0));
    assert_eq!(listed(true), (kept, dropped), "in whatever order they are listed");
}
