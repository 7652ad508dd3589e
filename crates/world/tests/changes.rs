//! What changed, on the ribbon: seen as it happened, rebuilt from what a source keeps, or noted by a person.

use pilothouse_wire::{
    ConnectionId, Metric, ObjectRef, Reading, Stamp, When,
    view::{LaneKind, Mark, MarkKind, ribbon::MarkKey},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        ConditionFact, ControllerFact, Covers, DeviceFact, DevicesFact, EventFact, JobFact, Kind, NodeFact, NoteFact,
        OwnerFact, Phase, PodFact, ReadingsFact, RevisionFact, WriteFact,
    },
    project,
};
use std::time::Duration;

const HOUR: i64 = 3_600_000;
/// When everything is listed.
const NOW: i64 = 100 * HOUR;

fn said(at: i64, extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent, facts }
}

fn all(kind: Kind) -> Extent {
    Extent::Replace(Covers { kind, namespace: None })
}

fn revision(name: &str, number: u64, created: i64, image: &str) -> Fact {
    Fact::Revision(Box::new(RevisionFact {
        namespace: "serving".into(),
        name: name.into(),
        owner: OwnerFact { kind: "Deployment".into(), name: "chat".into() },
        number,
        created: Some(Stamp(created)),
        images: vec![("server".into(), image.into())],
    }))
}

fn controller(replicas: u64, writes: &[(&str, Option<i64>, bool)]) -> Fact {
    let write = |(by, at, scaled): &(&str, Option<i64>, bool)| WriteFact {
        by: (*by).into(),
        at: at.map(Stamp),
        scaled: *scaled,
    };
    Fact::Controller(Box::new(ControllerFact {
        kind: "Deployment".into(),
        namespace: "serving".into(),
        name: "chat".into(),
        created: Some(Stamp(NOW - 90 * HOUR)),
        replicas: Some(replicas),
        writes: writes.iter().map(write).collect(),
    }))
}

fn marks(world: &World, now: i64) -> Vec<Mark> {
    project::ribbon(world, Duration::from_secs(7 * 86_400), When::Now, Stamp(now)).marks.rows().to_vec()
}

/// One line a mark: how long before the listing, how, what, by whom.
#[track_caller]
fn check(batches: Vec<Batch>, want: &[&str]) {
    let mut world = World::default();
    let mut last = NOW;
    for batch in batches {
        last = batch.seen_at.0;
        world.apply(batch);
    }
    let line = |mark: &Mark| {
        let hours = (mark.key.at.0 - NOW) / HOUR;
        let by = mark.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let detail = mark.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        format!("{hours} h {}{}{detail}{by}", if mark.rebuilt { "rebuilt " } else { "" }, mark.title)
    };
    assert_eq!(marks(&world, last).iter().map(line).collect::<Vec<_>>(), want);
}

#[test]
fn revisions_of_before_are_rebuilt_in_their_order_whatever_order_they_are_listed_in() {
    let listing = vec![
        revision("c", 3, NOW - HOUR, "chat:v3"),
        revision("a", 1, NOW - 50 * HOUR, "chat:v1"),
        revision("b", 2, NOW - 2 * HOUR, "chat:v1"),
    ];
    let who =
        vec![controller(2, &[("maker", Some(NOW - 90 * HOUR), false), ("somebody", Some(NOW - HOUR + 1_000), false)])];
    check(
        vec![said(NOW, all(Kind::Revision), listing), said(NOW, all(Kind::Controller), who)],
        &[
            "-2 h rebuilt chat settings, revision 2 (revision 1 → 2)",
            "-1 h rebuilt chat v3 (chat:v1 → chat:v3, revision 2 → 3) by somebody",
        ],
    );
}

#[test]
fn a_write_of_before_is_told_without_what_it_changed_and_one_older_than_the_ribbon_is_not() {
    let writes = [
        ("maker", Some(NOW - 90 * HOUR), false),
        ("kubectl-edit", Some(NOW - 3 * HOUR), false),
        // A server keeps no time of those.
        ("autoscaler", None, true),
    ];
    check(
        vec![said(NOW, all(Kind::Controller), vec![controller(2, &writes)])],
        &["-3 h rebuilt chat changed (what was there before is not kept) by kubectl-edit"],
    );
    let old = vec![revision("a", 1, 0, "chat:v1"), revision("b", 2, HOUR, "chat:v2")];
    check(vec![said(NOW + 100 * HOUR, all(Kind::Revision), old)], &[]);
}

#[test]
fn a_change_that_is_seen_says_from_what_to_what_and_by_whom() {
    let first = vec![
        said(NOW, all(Kind::Controller), vec![controller(2, &[])]),
        said(NOW, all(Kind::Revision), vec![revision("a", 1, NOW - 50 * HOUR, "chat:v1")]),
    ];
    let later = [
        said(NOW + HOUR, Extent::Delta, vec![controller(5, &[("autoscaler", None, true)])]),
        said(NOW + 2 * HOUR, Extent::Delta, vec![revision("b", 2, NOW + 2 * HOUR, "chat:v2")]),
        // Back to the first one: it gets the newest number.
        said(NOW + 3 * HOUR, Extent::Delta, vec![revision("a", 3, NOW - 50 * HOUR, "chat:v1")]),
    ];
    check(
        first.into_iter().chain(later).collect(),
        &[
            "1 h chat 2 → 5 by autoscaler",
            "2 h chat v2 (chat:v1 → chat:v2, revision 1 → 2)",
            "3 h chat v1 (chat:v2 → chat:v1, revision 2 → 3)",
        ],
    );
}

#[test]
fn what_a_listing_of_one_kind_does_not_name_is_gone_and_no_other_kind_is_touched() {
    let id = ConnectionId::slug("iad");
    let of = |kind: &str, name: &str| {
        let (kind, name) = (kind.into(), name.into());
        Fact::Controller(Box::new(ControllerFact {
            kind,
            namespace: "serving".into(),
            name,
            ..ControllerFact::default()
        }))
    };
    let revision = |kind: &str, owner: &str, name: &str| {
        Fact::Revision(Box::new(RevisionFact {
            namespace: "serving".into(),
            name: name.into(),
            owner: OwnerFact { kind: kind.into(), name: owner.into() },
            number: 1,
            ..RevisionFact::default()
        }))
    };
    let mut world = World::default();
    let deployments = |names: &[&str]| names.iter().map(|name| of("Deployment", name)).collect();
    world.apply(said(NOW, all(Kind::Deployment), deployments(&["chat", "old"])));
    world.apply(said(NOW, all(Kind::StatefulSet), vec![of("StatefulSet", "cache")]));
    world.apply(said(NOW, all(Kind::DaemonSet), vec![of("DaemonSet", "agent")]));
    let sets = vec![
        revision("Deployment", "chat", "chat-1"),
        revision("Deployment", "old", "old-1"),
        revision("Rollout", "canary", "canary-1"),
        of("ReplicaSet", "bare"),
    ];
    world.apply(said(NOW, all(Kind::ReplicaSet), sets));
    let others = vec![revision("StatefulSet", "cache", "cache-1"), revision("CloneSet", "clone", "clone-1")];
    world.apply(said(NOW, all(Kind::ControllerRevision), others));
    let known = |world: &World| {
        let source = world.source(&id).unwrap();
        let there = |(kind, name): &&(&str, &str)| source.controller(kind, "serving", name).is_some();
        let all = [
            ("Deployment", "chat"),
            ("Deployment", "old"),
            ("StatefulSet", "cache"),
            ("DaemonSet", "agent"),
            ("ReplicaSet", "bare"),
        ];
        let names: Vec<&str> = all.iter().filter(there).map(|(_, name)| *name).collect();
        (names.join(" "), source.revisions_known())
    };
    assert_eq!(known(&world), ("chat old cache agent bare".into(), 5));
    // A Deployment that is gone takes its revisions with it.
    world.apply(said(NOW, all(Kind::Deployment), deployments(&["chat"])));
    assert_eq!(known(&world), ("chat cache agent bare".into(), 4));
    // One namespace tells of itself alone.
    let elsewhere = Extent::Replace(Covers { kind: Kind::StatefulSet, namespace: Some("batch".into()) });
    world.apply(said(NOW, elsewhere, Vec::new()));
    assert_eq!(known(&world), ("chat cache agent bare".into(), 4));
    // ReplicaSets are the revisions of Deployments and Rollouts, and no ControllerRevision.
    world.apply(said(NOW, all(Kind::ReplicaSet), vec![revision("Deployment", "chat", "chat-1")]));
    assert_eq!(known(&world), ("chat cache agent".into(), 3));
    // Of a kind that nobody knows, a listing that names one tells which resource keeps its revisions.
    world.apply(said(NOW, all(Kind::ControllerRevision), vec![revision("CloneSet", "clone", "clone-2")]));
    assert_eq!(known(&world), ("chat cache agent".into(), 2));
    // What a build before said of several kinds at once drops none.
    world.apply(said(NOW, all(Kind::Controller), Vec::new()));
    world.apply(said(NOW, all(Kind::Revision), Vec::new()));
    assert_eq!(known(&world), ("chat cache agent".into(), 2));
}

#[test]
fn nodes_pods_and_events_tell_of_before() {
    let ready =
        ConditionFact { kind: "Ready".into(), status: "True".into(), reason: None, since: Some(Stamp(NOW - 2 * HOUR)) };
    let node = NodeFact {
        name: "h-1".into(),
        created: Some(Stamp(NOW - 5 * HOUR)),
        conditions: vec![ready],
        ..NodeFact::default()
    };
    let pod = PodFact {
        namespace: "serving".into(),
        name: "chat-0".into(),
        node: Some("h-1".into()),
        phase: Phase::Running,
        gpus: vec![("nvidia.com/gpu".into(), 2)],
        started: Some(Stamp(NOW - HOUR)),
        ..PodFact::default()
    };
    let event = EventFact {
        uid: "e".into(),
        kind: "Node".into(),
        namespace: None,
        name: "h-1".into(),
        warning: true,
        reason: "NodeNotReady".into(),
        note: "kubelet is silent".into(),
        count: 1,
        at: Stamp(NOW - 3 * HOUR),
    };
    check(
        vec![
            said(NOW, all(Kind::Node), vec![Fact::Node(Box::new(node))]),
            said(NOW, all(Kind::Pod), vec![Fact::Pod(Box::new(pod))]),
            said(NOW, all(Kind::Event), vec![Fact::Event(Box::new(event))]),
        ],
        &[
            "-5 h rebuilt h-1 came",
            "-3 h rebuilt h-1: NodeNotReady (kubelet is silent)",
            "-2 h rebuilt h-1 ready again",
            "-1 h rebuilt chat-0 placed (2 GPUs of h-1)",
        ],
    );
}

/// A world in which a source measures two GPUs of one node.
fn with_two_gpus() -> World {
    let mut world = World::default();
    let device = |index: u16| DeviceFact {
        uuid: format!("GPU-{index}").into(),
        node: Some("h-1".into()),
        index: Some(index),
        ..DeviceFact::default()
    };
    let devices =
        DevicesFact { list: 1, interval_ms: 5_000, devices: vec![device(0), device(1)], ..DevicesFact::default() };
    world.apply(said(NOW, Extent::Delta, vec![Fact::Devices(Box::new(devices))]));
    world
}

#[test]
fn a_gpu_that_begins_to_be_slowed_by_heat_is_marked_once_and_one_that_always_was_is_not() {
    let mut world = with_two_gpus();
    for (at, shares) in [(1, [0.0, 0.6]), (2, [0.02, 0.6]), (3, [0.4, 0.6]), (4, [0.5, 0.6])] {
        let at = Stamp(NOW + at * 5_000);
        let columns = vec![(Metric::ThermalSlowdown, shares.map(Reading::of).to_vec())];
        let readings = ReadingsFact { list: 1, at: vec![Some(at); 2], columns };
        world.apply(said(at.0, Extent::Delta, vec![Fact::Readings(Box::new(readings))]));
    }
    let marks = marks(&world, NOW + HOUR);
    let told: Vec<_> = marks.iter().map(|mark| (mark.key.kind, mark.title.as_str(), mark.key.at.0 - NOW)).collect();
    assert_eq!(told, [(MarkKind::Slowdown, "h-1 / 0 slowed by heat", 15_000)]);
}

#[test]
fn a_gpu_whose_clocks_are_held_back_is_marked_with_what_slows_it_once_in_a_while() {
    let mut world = with_two_gpus();
    // Minutes, and the reasons of both: the power cap is none.
    for (minute, reasons) in [
        (1, [0x0, 0x8]),
        (2, [0x4, 0x8]),
        (3, [0x88, 0x8]),
        (4, [0x0, 0x8]),
        (5, [0x80, 0x0]),
        (30, [0x0, 0x0]),
        (31, [0x40, 0x0]),
    ] {
        let at = Stamp(NOW + minute * 60_000);
        let column = reasons.map(|bits: u8| Reading::of(f32::from(bits))).to_vec();
        let readings = ReadingsFact { list: 1, at: vec![Some(at); 2], columns: vec![(Metric::ClockReasons, column)] };
        world.apply(said(at.0, Extent::Delta, vec![Fact::Readings(Box::new(readings))]));
    }
    let marks = marks(&world, NOW + HOUR);
    let mut told: Vec<_> = marks.iter().map(|mark| ((mark.key.at.0 - NOW) / 60_000, mark.title.as_str())).collect();
    told.sort_unstable();
    assert_eq!(told, [(3, "h-1 / 0 slowed by its power supply"), (31, "h-1 / 0 slowed by heat")]);
}

#[test]
fn sizes_of_before_are_told_by_the_events_that_followed_them_and_steps_of_a_rollout_are_none() {
    let event = |at: i64, set: &str, from: u32, to: u32| {
        let way = if to > from { "up" } else { "down" };
        Fact::Event(Box::new(EventFact {
            uid: format!("{set}-{at}").into(),
            kind: "Deployment".into(),
            namespace: Some("serving".into()),
            name: "chat".into(),
            warning: false,
            reason: "ScalingReplicaSet".into(),
            note: format!("Scaled {way} replica set {set} from {from} to {to}"),
            count: 1,
            at: Stamp(at),
        }))
    };
    let listing = vec![
        event(NOW - 10 * HOUR, "a", 0, 2),
        event(NOW - 8 * HOUR, "a", 2, 4),
        // A rollout.
        event(NOW - 6 * HOUR, "b", 0, 1),
        event(NOW - 6 * HOUR, "a", 4, 3),
        event(NOW - 6 * HOUR + 5_000, "b", 1, 4),
        event(NOW - 6 * HOUR + 9_000, "a", 3, 0),
        event(NOW - 4 * HOUR, "b", 4, 0),
        event(NOW - 2 * HOUR, "b", 0, 3),
    ];
    let who = vec![controller(3, &[("kubectl", None, true)])];
    check(
        vec![said(NOW, all(Kind::Event), listing.clone()), said(NOW, all(Kind::Deployment), who)],
        &["-8 h rebuilt chat 2 → 4", "-4 h rebuilt chat 4 → 0", "-2 h rebuilt chat 0 → 3 by kubectl"],
    );
    // What is listed again was seen, or was told.
    let seen = vec![said(NOW, all(Kind::Event), Vec::new()), said(NOW + HOUR, all(Kind::Event), listing)];
    check(seen, &[]);
}

#[test]
fn a_job_is_told_once_whether_it_is_listed_or_seen_and_one_without_gpus_is_not() {
    let job = |name: &str, gpus: u64, ended: Option<i64>, failed: Option<&str>| {
        Fact::Job(Box::new(JobFact {
            controller: ControllerFact {
                kind: "Job".into(),
                namespace: "batch".into(),
                name: name.into(),
                replicas: Some(2),
                ..ControllerFact::default()
            },
            gpus,
            started: Some(Stamp(NOW - 3 * HOUR)),
            ended: ended.map(Stamp),
            failed: failed.map(Into::into),
        }))
    };
    let listing = vec![
        job("done", 4, Some(NOW - HOUR), None),
        job("failed", 1, Some(NOW - 2 * HOUR), Some("BackoffLimitExceeded")),
        job("runs", 8, None, None),
        job("small", 0, Some(NOW - HOUR), None),
    ];
    check(
        vec![
            said(NOW, all(Kind::Job), listing),
            // Its status changed, and later it ends before our eyes.
            said(NOW + HOUR, Extent::Delta, vec![job("runs", 8, None, None)]),
            said(NOW + 2 * HOUR + 1_000, Extent::Delta, vec![job("runs", 8, Some(NOW + 2 * HOUR), None)]),
        ],
        &[
            "-3 h rebuilt done began (8 GPUs)",
            "-3 h rebuilt failed began (2 GPUs)",
            "-3 h rebuilt runs began (16 GPUs)",
            "-2 h rebuilt failed failed (BackoffLimitExceeded, after 1 h 00 min)",
            "-1 h rebuilt done done (after 2 h 00 min)",
            "2 h runs done (after 5 h 00 min)",
        ],
    );
}

#[test]
fn what_is_measured_of_all_gpus_is_a_lane_of_this_run() {
    let mut world = with_two_gpus();
    let before = world.clone();
    for (at, shares) in [(0, [0.5, 1.0]), (1, [0.25, f32::NAN]), (3, [0.0, 0.5])] {
        let at = Stamp(NOW + at * 10_000);
        let columns = vec![(Metric::Utilisation, shares.map(Reading::of).to_vec())];
        let readings = ReadingsFact { list: 1, at: vec![Some(at); 2], columns };
        let touched = world.apply(said(at.0, Extent::Delta, vec![Fact::Readings(Box::new(readings))]));
        assert!(touched.ribbon, "a new bucket begins");
    }
    let ribbon = project::ribbon(&world, Duration::from_secs(3_600), When::Now, Stamp(NOW + HOUR / 2));
    let lane = ribbon.lanes.iter().find(|lane| lane.kind == LaneKind::Activity).unwrap();
    assert_eq!(lane.points, [(0, 75.0), (1, 25.0), (3, 25.0)].map(|(at, value)| (Stamp(NOW + at * 10_000), value)));
    let told = project::measured_lanes(&world).remove(0);
    assert_eq!((told.kinds, told.began), (vec![LaneKind::Activity], Stamp(NOW)));
    assert!(project::measured_lanes(&before).is_empty());
}

#[test]
fn the_series_that_moved_most_over_the_span_stand_first() {
    let mut world = World::default();
    let pods = |gpus: u64| {
        let pod = PodFact {
            namespace: "serving".into(),
            name: "chat".into(),
            node: Some("h-1".into()),
            phase: Phase::Running,
            gpus: vec![("nvidia.com/gpu".into(), gpus)],
            ..PodFact::default()
        };
        vec![Fact::Pod(Box::new(pod))]
    };
    let mut tell = |source: &str, at: i64, gpus: u64| {
        let (source, seen_at) = (ConnectionId::slug(source), Stamp(NOW + at * 60_000));
        let heard = Fact::Source(pilothouse_world::fact::SourceFact::Heard);
        let facts = pods(gpus).into_iter().chain([heard]).collect();
        world.apply(Batch { source, seen_at, extent: all(Kind::Pod), facts });
    };
    // What stood still stood first by its name.
    for (at, a, b) in [(0, 4, 8), (1, 4, 4), (30, 2, 4), (31, 8, 4)] {
        tell("a", at, a);
        tell("b", at, b);
    }
    let kinds = |minutes: u64, end: i64| -> Vec<(LaneKind, String)> {
        let (span, end) = (Duration::from_secs(minutes * 60), Stamp(NOW + end * 60_000));
        let ribbon = project::ribbon(&world, span, When::At(end), Stamp(NOW + HOUR));
        let of = |lane: &pilothouse_wire::view::Lane| {
            (lane.kind, lane.source.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default())
        };
        ribbon.lanes.iter().map(of).collect()
    };
    let (a, b) = ((LaneKind::Held, "a".to_owned()), (LaneKind::Held, "b".to_owned()));
    let pending = (LaneKind::Pending, String::new());
    assert_eq!(kinds(5, 5), [b.clone(), a.clone(), pending.clone()], "of these minutes b moved");
    assert_eq!(kinds(5, 33), [a, b, pending], "and of those a");
}

#[test]
fn a_note_is_no_source_stands_until_it_is_taken_away_and_outlives_its_connection() {
    let mut world = World::default();
    let about: ObjectRef = "node:iad/h-1".parse().unwrap();
    let note = NoteFact { at: Stamp(NOW - HOUR), object: about.clone(), text: "here it began".into() };
    let by_person =
        |fact| Batch { source: NoteFact::source(), seen_at: Stamp(NOW), extent: Extent::Delta, facts: vec![fact] };
    assert!(world.apply(by_person(Fact::Note(Box::new(note)))).ribbon);
    assert_eq!(world.sources().count(), 0);
    world.apply(said(NOW, Extent::Delta, vec![Fact::Source(pilothouse_world::fact::SourceFact::Removed)]));
    let notes = marks(&world, NOW);
    assert_eq!(notes.iter().map(|mark| mark.title.as_str()).collect::<Vec<_>>(), ["here it began"]);
    assert_eq!(notes[0].heard, Stamp(NOW));
    world.apply(by_person(Fact::NoteGone(Stamp(NOW - HOUR), about)));
    assert_eq!(marks(&world, NOW), []);
}

#[test]
fn what_a_run_recalls_keeps_when_it_was_heard_and_what_was_seen_is_not_told_again_in_hindsight() {
    let key = MarkKey { at: Stamp(NOW - HOUR), object: "node:iad/h-1".parse().unwrap(), kind: MarkKind::NodeCame };
    let seen = Mark { title: "h-1 came".into(), heard: Stamp(NOW - HOUR + 5), ..Mark::of(key.clone()) };
    let mut world = World::default();
    let recalled = Batch {
        source: NoteFact::source(),
        seen_at: Stamp(NOW),
        extent: Extent::Delta,
        facts: vec![Fact::Recalled(vec![seen.clone()])],
    };
    world.apply(recalled);
    let node = NodeFact { name: "h-1".into(), created: Some(key.at), ..NodeFact::default() };
    world.apply(said(NOW, all(Kind::Node), vec![Fact::Node(Box::new(node))]));
    assert_eq!(marks(&world, NOW), std::slice::from_ref(&seen));
    assert_eq!(world.worth_recalling(Stamp(0), 10), [seen]);
    assert_eq!(world.worth_recalling(Stamp(NOW), 10), []);
}

#[test]
fn pods_that_came_and_went_are_recalled_where_what_matters_more_leaves_room() {
    let mark = |minutes: i64, object: &str, kind| {
        Mark::of(MarkKey { at: Stamp(NOW - minutes * 60_000), object: object.parse().unwrap(), kind })
    };
    let marks = vec![
        mark(1, "pod:iad/n/c", MarkKind::PodPlaced),
        mark(2, "pod:iad/n/b", MarkKind::PodGone),
        mark(3, "pod:iad/n/a", MarkKind::PodPlaced),
        mark(50, "workload:iad/n/Deployment/chat", MarkKind::Scale),
        mark(55, "workload:iad/n/Job/train", MarkKind::JobBegan),
    ];
    let mut world = World::default();
    let recalled = Batch {
        source: NoteFact::source(),
        seen_at: Stamp(NOW),
        extent: Extent::Delta,
        facts: vec![Fact::Recalled(marks.clone())],
    };
    world.apply(recalled);
    let kinds = |most| world.worth_recalling(Stamp(0), most).into_iter().map(|mark| mark.key.kind).collect::<Vec<_>>();
    assert_eq!(kinds(2), [MarkKind::Scale, MarkKind::JobBegan]);
    let newest = [MarkKind::PodPlaced, MarkKind::PodGone];
    assert_eq!(kinds(4), [MarkKind::Scale, MarkKind::JobBegan].into_iter().chain(newest).collect::<Vec<_>>());
    assert_eq!(world.worth_recalling(Stamp(0), 10).len(), marks.len());
}

#[test]
fn of_many_changes_each_part_of_the_span_keeps_the_most_important_and_counts_the_others() {
    let mut world = World::default();
    let mark = |n: i64, kind| {
        let object: ObjectRef = format!("node:iad/n-{n}").parse().unwrap();
        Mark::of(MarkKey { at: Stamp(NOW - 1_000 * HOUR / 10 + n * 10), object, kind })
    };
    let mut all: Vec<Mark> = (0..500).map(|n| mark(n, MarkKind::Cordon)).collect();
    all.push(mark(500, MarkKind::Fault));
    let recall = |facts| Batch { source: NoteFact::source(), seen_at: Stamp(NOW), extent: Extent::Delta, facts };
    world.apply(recall(vec![Fact::Recalled(all)]));
    let week = project::ribbon(&world, Duration::from_secs(7 * 86_400), When::Now, Stamp(NOW));
    assert_eq!((week.marks.len() as u64 + week.thinned, week.marks.len() < 20), (501, true));
    let fault = week.marks.rows().iter().find(|mark| mark.key.kind == MarkKind::Fault).unwrap();
    assert!(fault.more > 0, "{fault:?}");
    // A shorter span tells more of them apart, and one that ends before them has none.
    let at = Stamp(NOW - 100 * HOUR + 6_000);
    let minute = project::ribbon(&world, Duration::from_secs(60), When::At(at), Stamp(NOW));
    assert!(minute.marks.len() > 3 * week.marks.len() && minute.thinned < week.thinned, "{}", minute.marks.len());
    let before = project::ribbon(&world, Duration::from_secs(60), When::At(Stamp(NOW - 101 * HOUR)), Stamp(NOW));
    assert!(before.marks.is_empty());
}
