//! Hours of a small fleet, recorded: what was said, and the world after it.
#![allow(dead_code, reason = "each test needs its part")]

use pilothouse_journal::{Limits, Reader, Recorder};
use pilothouse_wire::{AddressPlace, ConnectionId, Metric, ModelAddress, Reading, Stamp};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{Covers, DeviceFact, DevicesFact, Kind, NodeFact, PodFact, PodLabels, ReadingsFact, SourceFact, StartFact},
};
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;

/// When it begins.
pub const START: i64 = 1_795_500_000_000;
/// GPUs that are measured.
pub const GPUS: usize = 6;

/// Nothing is thinned and nothing is dropped.
pub const WHOLE: Limits = Limits { thin: None, bytes: u64::MAX, age: Duration::from_secs(86_400 * 365) };

/// What was recorded.
pub struct Recorded {
    pub folder: TempDir,
    pub path: PathBuf,
    /// The world after each step of ten seconds.
    pub then: Vec<(Stamp, World)>,
}

fn batch(at: i64, extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent, facts }
}

/// What is said at a step: lists first, then readings, and a pod comes or goes.
pub fn step(number: i64) -> Vec<Batch> {
    let at = START + number * 10_000;
    if number == 0 {
        let node = |n: usize| Fact::Node(Box::new(NodeFact { name: format!("n{n}").into(), ..NodeFact::default() }));
        let device = |n: usize| DeviceFact {
            uuid: format!("GPU-{n}").into(),
            node: Some(format!("n{}", n / 2).into()),
            index: Some((n % 2) as u16),
            ..DeviceFact::default()
        };
        let devices = (0..GPUS).map(device).collect();
        let list = DevicesFact { list: 1, interval_ms: 10_000, devices, ..DevicesFact::default() };
        let listing = Extent::Replace(Covers { kind: Kind::Node, namespace: None });
        return vec![
            batch(at, listing, (0..GPUS / 2).map(node).collect()),
            batch(at, Extent::Delta, vec![Fact::Devices(Box::new(list))]),
        ];
    }
    // One spike of one GPU, for one measurement.
    let watts =
        |gpu: usize| if (number, gpu) == (15, 4) { 697.0 } else { (300 + (number * 7 + gpu as i64 * 31) % 40) as f32 };
    let xid = |gpu: usize| if gpu == 1 && number >= 44 { 79.0 } else { 0.0 };
    let column = |value: &dyn Fn(usize) -> f32| (0..GPUS).map(|gpu| Reading::of(value(gpu))).collect();
    let readings = ReadingsFact {
        list: 1,
        at: (0..GPUS).map(|gpu| ((number + gpu as i64) % 9 != 0).then_some(Stamp(at - 400))).collect(),
        columns: vec![(Metric::Power, column(&watts)), (Metric::Xid, column(&xid))],
    };
    let name = format!("p{}", number % 5);
    let change = match number % 3 {
        0 => Fact::PodGone("ns".into(), name.into()),
        _ => {
            let pod = PodFact {
                namespace: "ns".into(),
                name: name.into(),
                node: Some(format!("n{}", number % 3).into()),
                gpus: vec![("nvidia.com/gpu".into(), 1)],
                ..PodFact::default()
            };
            Fact::StartedPod(Box::new(pod), PodLabels::default(), vec![started(number)])
        }
    };
    vec![
        batch(at, Extent::Delta, vec![Fact::Source(SourceFact::Heard), Fact::Readings(Box::new(readings))]),
        batch(at + 5, Extent::Delta, vec![change]),
    ]
}

/// What a pod is started with; what is gone of these is kept.
fn started(number: i64) -> StartFact {
    let text = if number % 2 == 0 { "models:/chat@champion" } else { "models:/chat/3" };
    let model = ModelAddress { text: text.into(), place: AddressPlace::Variable("MODEL_URI".into()) };
    StartFact { container: "server".into(), began: Some(Stamp(START + number / 20 * 1_000)), models: vec![model] }
}

/// Records two hours and a half of it; a world is kept every five minutes, but for the end.
pub fn recorded(limits: Limits) -> Recorded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let recorder = Recorder::open(&path, limits).unwrap();
    let mut world = World::default();
    let mut then = Vec::new();
    recorder.checkpoint(&world, Stamp(START));
    for number in 0..900 {
        let mut at = Stamp(START);
        for batch in step(number) {
            at = batch.seen_at;
            recorder.append(&batch);
            world.apply(batch);
        }
        then.push((at, world.clone()));
        if number % 30 == 29 && number < 890 {
            recorder.checkpoint(&world, at);
            recorder.flush();
        }
    }
    recorder.flush();
    drop(recorder);
    Recorded { folder, path, then }
}

/// Of two worlds of one time the later is what was known then.
pub fn known(then: &mut Vec<(Stamp, World)>, at: Stamp, world: &World) {
    then.retain(|(of, _)| *of != at);
    then.push((at, world.clone()));
}

/// The world at a time is the one that was, or it is refused. Answers how often either.
#[track_caller]
pub fn is_right_or_refused(reader: &Reader, then: &[(Stamp, World)]) -> (usize, usize) {
    let (mut right, mut refused) = (0, 0);
    for (at, want) in then.iter().step_by(23) {
        match reader.world_at(*at) {
            Ok(world) => {
                assert!(*world == *want, "a wrong picture of {at}");
                right += 1;
            }
            Err(problem) => {
                assert!(!problem.what.is_empty() && problem.why.is_some(), "{problem:?}");
                refused += 1;
            }
        }
    }
    (right, refused)
}
