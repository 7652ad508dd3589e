//! What follows from a record: what was wasted by what came before, and nothing from what nobody saw.

use super::*;
use crate::{
    event_loop::{open, opening::Ways},
    handle::Operator,
    options::{Options, Paths},
};
use pilothouse_connect::Clock;
use pilothouse_journal::{Limits, Recorder};
use pilothouse_wire::{
    Health, Metric, Reading,
    record::Missing,
    view::{FleetSpec, Verdict, Waste, WasteItem, WasteRule},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        ConditionFact, ContainerFact, Covers, DeviceClaim, DeviceFact, DevicesFact, Kind, NodeFact, Phase, PodFact,
        ReadingsFact, SourceAbout, SourceFact,
    },
};
use std::time::Duration;

const BEGIN: Stamp = Stamp(1_800_000_000_000);
const STEP: Duration = Duration::from_secs(30);

fn after(minutes: u64) -> Stamp {
    BEGIN.plus(Duration::from_secs(minutes * 60))
}

fn batch(at: Stamp, extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: ConnectionId::slug("iad"), seen_at: at, extent, facts }
}

fn listed(kind: Kind) -> Extent {
    Extent::Replace(Covers { kind, namespace: None })
}

/// A cluster with a pod that holds the one GPU of a node.
fn lists(at: Stamp) -> Vec<Batch> {
    let gpu = || vec![("nvidia.com/gpu".into(), 1)];
    let container = ContainerFact { name: "engine".into(), ready: true, ..ContainerFact::default() };
    let pod = PodFact {
        namespace: "serving".into(),
        name: "chat-0".into(),
        node: Some("h-1".into()),
        phase: Phase::Running,
        gpus: gpu(),
        containers: vec![container],
        ..PodFact::default()
    };
    let ready = ConditionFact { kind: "Ready".into(), status: "True".into(), reason: None, since: None };
    let node = NodeFact {
        name: "h-1".into(),
        capacity: gpu(),
        allocatable: gpu(),
        conditions: vec![ready],
        ..NodeFact::default()
    };
    let claim = DeviceClaim { namespace: "serving".into(), pod: "chat-0".into(), ..DeviceClaim::default() };
    let device = DeviceFact {
        uuid: "GPU-1".into(),
        node: Some("h-1".into()),
        index: Some(0),
        claims: vec![claim],
        ..DeviceFact::default()
    };
    let devices = DevicesFact {
        list: 1,
        cluster: Some(ConnectionId::slug("iad")),
        interval_ms: 30_000,
        devices: vec![device],
        ..DevicesFact::default()
    };
    let about =
        SourceAbout { name: "iad".into(), kind: "kubernetes".into(), period_ms: 30_000, ..SourceAbout::default() };
    vec![
        batch(at, Extent::Delta, vec![Fact::Source(SourceFact::About(Box::new(about)))]),
        batch(at, Extent::Delta, vec![Fact::Source(SourceFact::Health(Health::Well))]),
        batch(at, listed(Kind::Node), vec![Fact::Node(Box::new(node))]),
        batch(at, listed(Kind::Pod), vec![Fact::Pod(Box::new(pod))]),
        batch(at, Extent::Delta, vec![Fact::Devices(Box::new(devices))]),
    ]
}

/// It does nothing, but at one minute.
fn measured(at: Stamp, works: bool) -> Batch {
    let columns = vec![(Metric::Utilisation, vec![Reading::of(if works { 0.9 } else { 0.0 })])];
    let readings = ReadingsFact { list: 1, at: vec![Some(at)], columns };
    batch(at, Extent::Delta, vec![Fact::Source(SourceFact::Heard), Fact::Readings(Box::new(readings))])
}

/// Records so many minutes of it; a world is kept every five.
fn record(home: &std::path::Path, minutes: u64, worked: u64) -> std::path::PathBuf {
    let path = home.join("journal.db");
    let (recorder, mut world) = (Recorder::open(&path, Limits::default()).unwrap(), World::default());
    recorder.checkpoint(&world, BEGIN);
    let mut at = BEGIN;
    let mut say = |batch: Batch| {
        recorder.append(&batch);
        world.apply(batch);
    };
    lists(at).into_iter().for_each(&mut say);
    while at < after(minutes) {
        at = at.plus(STEP);
        say(measured(at, at == after(worked)));
    }
    recorder.flush();
    path
}

fn waste_of(answer: Answer) -> Waste {
    match answer {
        Answer::Frame(frame) => match frame.body {
            Body::Full(View::Waste(waste)) => waste,
            other => panic!("no waste: {other:?}"),
        },
        other => panic!("no frame: {other:?}"),
    }
}

/// What is said of what does nothing: the verdict, since which minute, and why.
async fn idle(operator: &Operator, when: When) -> Vec<(Verdict, Option<u64>, String)> {
    let spec = ViewSpec::Waste(FleetSpec::default());
    let waste = waste_of(operator.reader().ask(Ask::Frame { spec, when }).await.unwrap());
    let minute = |item: &WasteItem| item.since.map(|since| since.since(BEGIN).as_secs() / 60);
    let items = waste.items.rows().iter().filter(|item| item.id.rule == WasteRule::HeldIdle);
    items.map(|item| (item.id.verdict, minute(item), item.reason.clone())).collect()
}

#[tokio::test]
async fn an_opened_record_and_each_time_of_it_tell_what_was_wasted() {
    let home = tempfile::tempdir().unwrap();
    let path = record(home.path(), 60, 20);
    let opened = crate::record::open(&path).await.unwrap();
    let operator = open(&opened, Paths::under(home.path())).await.unwrap();
    // Between two full minutes of work there is none: what a sample a minute would miss counts.
    for (when, want) in [
        (When::Now, (Verdict::Yes, Some(25))),
        (When::At(after(60)), (Verdict::Yes, Some(25))),
        (When::At(after(53)), (Verdict::Yes, Some(20))),
        (When::At(after(45)), (Verdict::No, None)),
        (When::At(after(19)), (Verdict::CannotTell, None)),
    ] {
        let told = idle(&operator, when).await;
        let got: Vec<_> = told.iter().map(|(verdict, since, _)| (*verdict, *since)).collect();
        match want {
            (Verdict::No, _) => assert!(got.iter().all(|(verdict, _)| *verdict == Verdict::No), "{when:?}: {told:?}"),
            want => assert_eq!(got, [want], "{when:?}: {told:?}"),
        }
    }
    // Who watches is told it too, once the record was looked through.
    let spec = ViewSpec::Waste(FleetSpec::default());
    let mut frames = operator.reader().watch(spec, When::Now).await.unwrap();
    let mut mirror = pilothouse_wire::frame::Mirror::default();
    let told = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let frame = frames.next().await.unwrap();
            mirror.apply(frame.rev, frame.body.clone()).unwrap();
            let Some(View::Waste(waste)) = mirror.view() else { continue };
            if waste.items.rows().iter().any(|item| item.id.verdict == Verdict::Yes) {
                return;
            }
        }
    });
    told.await.expect("who watches is told what is wasted");
    operator.shutdown().await;
}

#[tokio::test]
async fn a_run_that_just_began_knows_what_the_one_before_recorded() {
    for (away, want) in [(1, Verdict::Yes), (9, Verdict::CannotTell)] {
        let home = tempfile::tempdir().unwrap();
        let path = record(home.path(), 50, 5);
        let now = after(50 + away);
        let clock = Clock::of(move || now);
        let options = Options { paths: Paths::under(home.path()), demo: false, only: None, record: false, clock };
        let ways = Ways::new();
        let mut engine = Loop::new(options, &ways);
        let batches = lists(now).into_iter().chain([measured(now, false)]);
        batches.for_each(|batch| drop(engine.world.apply(batch)));
        engine.past = Some(pilothouse_journal::Reader::new(&path));
        let operator = ways.run(engine);
        let told = idle(&operator, When::Now).await;
        assert_eq!(told.iter().map(|(verdict, ..)| *verdict).collect::<Vec<_>>(), [want], "away {away}: {told:?}");
        operator.shutdown().await;
    }
}

#[tokio::test]
async fn of_a_time_that_nobody_saw_nothing_is_concluded_and_the_gap_is_said() {
    let home = tempfile::tempdir().unwrap();
    let path = record(home.path(), 40, 5);
    let opened = crate::record::open(&path).await.unwrap();
    let operator = open(&opened, Paths::under(home.path())).await.unwrap();
    // An hour later its telemetry would be long dead: nobody saw whether it was.
    let late = When::At(after(100));
    let compare = Ask::Compare { scope: Vec::new(), from: When::At(after(39)), to: late };
    let Answer::Difference(difference) = operator.reader().ask(compare).await.unwrap() else { panic!("no difference") };
    assert_eq!(difference.rows, [], "{:?}", difference.rows);
    assert_eq!((difference.from, difference.to), (after(39), after(100)));
    let gap = Gap { since: Some(after(40)), until: None, why: Missing::NotRecorded, detail: String::new() };
    assert_eq!(difference.gaps, std::slice::from_ref(&gap));
    let frame = async |spec: ViewSpec, when: When| match operator.reader().ask(Ask::Frame { spec, when }).await.unwrap()
    {
        Answer::Frame(frame) => *frame,
        other => panic!("no frame: {other:?}"),
    };
    let fleet = |frame: &Frame| match &frame.body {
        Body::Full(View::Fleet(fleet)) => (fleet.findings.clone(), fleet.funnel.clone()),
        other => panic!("no fleet: {other:?}"),
    };
    let whole = || ViewSpec::Fleet(FleetSpec::default());
    let (then, end) = (frame(whole(), late).await, frame(whole(), When::At(after(40))).await);
    assert_eq!((then.gap.clone(), end.gap.clone()), (Some(gap), None));
    assert_eq!(fleet(&then), fleet(&end));
    assert_eq!(idle(&operator, late).await, idle(&operator, When::At(after(40))).await);
    operator.shutdown().await;
}

#[tokio::test]
async fn an_export_that_is_opened_is_moved_through_like_the_record_it_is_of() {
    let home = tempfile::tempdir().unwrap();
    let path = record(home.path(), 60, 20);
    let (reader, file) = (pilothouse_journal::Reader::new(&path), home.path().join("part.pilothouse"));
    pilothouse_journal::export(&reader, after(18), after(58), pilothouse_journal::Names::Own, &file).unwrap();
    let mut sides = Vec::new();
    for file in [&path, &file] {
        let opened = crate::record::open(file).await.unwrap();
        let operator = open(&opened, Paths::under(home.path())).await.unwrap();
        let mut told = Vec::new();
        // Forth, back, and forth again, as a hand on the ribbon.
        for minute in [20, 31, 57, 56, 40, 19, 58] {
            let ask = Ask::Frame { spec: ViewSpec::Fleet(FleetSpec::default()), when: When::At(after(minute)) };
            let Answer::Frame(frame) = operator.reader().ask(ask).await.unwrap() else { panic!("no frame") };
            assert_eq!((frame.when, frame.gap), (When::At(after(minute)), None));
            let Body::Full(View::Fleet(fleet)) = frame.body else { panic!("no fleet") };
            told.push(fleet);
        }
        let waste = idle(&operator, When::At(after(55))).await;
        let before = Ask::Frame { spec: ViewSpec::Fleet(FleetSpec::default()), when: When::At(Stamp(1)) };
        let refused = operator.reader().ask(before).await.unwrap_err().code;
        sides.push((told, waste, refused));
        operator.shutdown().await;
    }
    assert_eq!(sides[0], sides[1]);
    assert_eq!(sides[1].1.iter().map(|(verdict, ..)| *verdict).collect::<Vec<_>>(), [Verdict::Yes]);
}
