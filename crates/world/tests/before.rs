//! What a server that measures keeps of GPUs from before it was watched: marks as if somebody had watched, told apart.

use pilothouse_wire::{
    ConnectionId, Metric, Reading, Stamp, When,
    view::{Mark, MarkKind, RibbonView},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{BeforeFact, DeviceFact, DevicesFact, ReadingsFact},
    project,
};
use std::time::Duration;

const MINUTE: i64 = 60_000;
const DAY: Duration = Duration::from_secs(86_400);

fn said(at: i64, fact: Fact) -> Batch {
    Batch { source: ConnectionId::slug("dcgm"), seen_at: Stamp(at), extent: Extent::Delta, facts: vec![fact] }
}

fn devices() -> Fact {
    let device = |index: u16| DeviceFact {
        uuid: format!("GPU-{index}").into(),
        node: Some("h-1".into()),
        index: Some(index),
        ..DeviceFact::default()
    };
    let devices = vec![device(0), device(1)];
    Fact::Devices(Box::new(DevicesFact { list: 1, interval_ms: 15_000, devices, ..DevicesFact::default() }))
}

fn before(metric: Metric, found: &[(u32, i64, f32)]) -> Fact {
    let found = found.iter().map(|(gpu, at, value)| (*gpu, Stamp(*at), Reading::of(*value))).collect();
    Fact::Before(Box::new(BeforeFact { list: 1, metric, step_ms: 60_000, found, more: 0 }))
}

fn xid(at: i64, value: f32) -> Fact {
    let columns = vec![(Metric::Xid, vec![Reading::of(value), Reading::of(0.0)])];
    Fact::Readings(Box::new(ReadingsFact { list: 1, at: vec![Some(Stamp(at)); 2], columns }))
}

fn ribbon(world: &World, now: i64) -> RibbonView {
    project::ribbon(world, DAY, When::Now, Stamp(now))
}

fn marks(world: &World, now: i64) -> Vec<(MarkKind, String, i64, bool)> {
    let told = |mark: &Mark| (mark.key.kind, mark.title.clone(), mark.key.at.0 / MINUTE, mark.rebuilt);
    let mut marks: Vec<_> = ribbon(world, now).marks.rows().iter().map(told).collect();
    marks.sort_by_key(|(_, _, at, _)| *at);
    marks
}

fn world(batches: impl IntoIterator<Item = Batch>) -> World {
    let mut world = World::default();
    batches.into_iter().for_each(|batch| drop(world.apply(batch)));
    world
}

#[test]
fn xids_and_slow_downs_of_before_are_marks_that_say_that_nobody_saw_them() {
    let now = 600 * MINUTE;
    let world = world([
        said(now, devices()),
        said(now, before(Metric::Xid, &[(0, 500 * MINUTE, 79.0), (1, 510 * MINUTE, 0.0)])),
        // 0x48 is heat; 0x4 a power cap, at which a GPU works as it should.
        said(now, before(Metric::ClockReasons, &[(1, 520 * MINUTE, 72.0), (0, 530 * MINUTE, 4.0)])),
        said(now, before(Metric::ThermalSlowdown, &[(0, 540 * MINUTE, 0.3), (1, 545 * MINUTE, f32::NAN)])),
    ]);
    let want = [
        (MarkKind::Fault, "h-1 / 0: XID 79".to_owned(), 500, true),
        (MarkKind::Slowdown, "h-1 / 1 slowed by heat".to_owned(), 520, true),
        (MarkKind::Slowdown, "h-1 / 0 slowed by heat".to_owned(), 540, true),
    ];
    assert_eq!(marks(&world, now), want);
    let first = ribbon(&world, now).marks.rows()[0].clone();
    assert_eq!(first.heard, Stamp(now), "it was heard now");
    assert_eq!(first.detail.as_deref(), Some("first seen there at this time, not yet 1 min 00 s before"));
}

#[test]
fn what_an_earlier_run_saw_as_it_happened_is_not_told_again_in_hindsight() {
    let began = 500 * MINUTE;
    let seen =
        world([said(began, devices()), said(began, xid(began, 0.0)), said(began + 30_000, xid(began + 20_000, 79.0))]);
    let recalled = seen.worth_recalling(Stamp(0), 100);
    assert_eq!(recalled.len(), 1, "{recalled:?}");
    let now = 600 * MINUTE;
    // The next run begins with what the one before saw; the server knows it to the minute, and one more of another code.
    let later = world([
        said(now, Fact::Recalled(recalled)),
        said(now, devices()),
        said(now, before(Metric::Xid, &[(0, began + MINUTE, 79.0), (0, began + 2 * MINUTE, 31.0)])),
        said(now, before(Metric::ClockReasons, &[(0, began, 72.0), (0, began + 3 * MINUTE, 72.0)])),
        said(now, before(Metric::ThermalSlowdown, &[(0, began - MINUTE, 0.2)])),
    ]);
    let told: Vec<(String, bool)> =
        marks(&later, now).into_iter().map(|(_, title, _, rebuilt)| (title, rebuilt)).collect();
    let told: Vec<(&str, bool)> = told.iter().map(|(title, rebuilt)| (title.as_str(), *rebuilt)).collect();
    assert_eq!(told, [("h-1 / 0 slowed by heat", true), ("h-1 / 0: XID 79", false), ("h-1 / 0: XID 31", true)]);
}

#[test]
fn what_is_about_another_list_is_dropped_and_counted_and_what_was_left_out_too() {
    let now = 600 * MINUTE;
    let other =
        BeforeFact { list: 2, metric: Metric::Xid, step_ms: 1, found: vec![(0, Stamp(1), Reading::of(79.0))], more: 0 };
    let more = BeforeFact { list: 1, found: Vec::new(), more: 5, ..other.clone() };
    let facts = [other, more].map(|fact| said(now, Fact::Before(Box::new(fact))));
    let world = world([said(now, devices())].into_iter().chain(facts));
    assert_eq!((marks(&world, now), world.dropped()), (Vec::new(), 6));
}
