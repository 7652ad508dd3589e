//! What a wall's ribbon costs, in bytes: one of two hours, which has what changed before a trouble of this hour, costs little more
//! than one of an hour, and not much over half of what both cost together.
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use pilothouse_wire::{
    Body, ConnectionId, Frame, Patch, Rev, Stamp, When,
    codec::{self, ToPage},
    view::RibbonView,
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{Covers, Kind, NodeFact, PodFact},
    project,
};
use std::time::Duration;

const BEGIN: Stamp = Stamp(1_800_000_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
const STEP: u64 = 10;

/// A message with what turned one ribbon into the next.
fn message(as_of: Stamp, from: &RibbonView, to: &RibbonView) -> usize {
    let body = Body::Patch { base: Rev(1), patch: Patch::Ribbon(from.diff(to)) };
    let frame = Frame { rev: Rev(2), as_of, when: When::Now, sources: Vec::new(), dropped: 0, gap: None, body };
    codec::encode(&ToPage::Frame(1, Box::new(frame))).len()
}

/// Four clusters in which a pod comes or goes every ten seconds, for three hours; what was sent of the last half of an hour.
fn sent(span: Duration) -> usize {
    let mut world = World::default();
    let clusters = ["iad", "ord", "fra", "sin"];
    let gpu = || vec![("nvidia.com/gpu".into(), 1)];
    let say = |world: &mut World, id: &str, seen_at: Stamp, extent: Extent, facts: Vec<Fact>| {
        drop(world.apply(Batch { source: ConnectionId::slug(id), seen_at, extent, facts }));
    };
    for id in clusters {
        let node = NodeFact { name: "h-1".into(), capacity: gpu(), allocatable: gpu(), ..NodeFact::default() };
        let listed = |kind| Extent::Replace(Covers { kind, namespace: None });
        say(&mut world, id, BEGIN, listed(Kind::Node), vec![Fact::Node(Box::new(node))]);
        say(&mut world, id, BEGIN, listed(Kind::Pod), Vec::new());
    }
    let (mut bytes, mut before) = (0, RibbonView::default());
    for step in 1..=3 * HOUR.as_secs() / STEP {
        let now = BEGIN.plus(Duration::from_secs(step * STEP));
        for (place, id) in (0_u64..).zip(clusters) {
            let name = format!("p-{}", (step + place) / 2);
            let pod = || PodFact {
                namespace: "serving".into(),
                name: name.as_str().into(),
                node: Some("h-1".into()),
                gpus: gpu(),
                ..PodFact::default()
            };
            let fact = match (step + place) % 2 {
                0 => Fact::Pod(Box::new(pod())),
                _ => Fact::PodGone("serving".into(), name.as_str().into()),
            };
            say(&mut world, id, now, Extent::Delta, vec![fact]);
        }
        let ribbon = project::ribbon(&world, span, When::Now, now);
        if step * STEP > 5 * HOUR.as_secs() / 2 {
            bytes += message(now, &before, &ribbon);
        }
        before = ribbon;
    }
    bytes
}

#[test]
fn one_ribbon_of_two_hours_costs_not_much_over_half_of_what_it_costs_beside_one_of_an_hour() {
    let (one, two) = (sent(HOUR), sent(2 * HOUR));
    println!("half an hour: {one} bytes of an hour's ribbon, {two} of one of two hours, {} of both", one + two);
    assert!(one > 0 && two * 10 < (one + two) * 6, "{one} {two}");
}
