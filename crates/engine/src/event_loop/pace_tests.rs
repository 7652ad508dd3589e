//! How often frames come: ten a second a view at most, however much is heard. Time is paused.

use super::*;
use crate::{connections::announced, options::Paths};
use pilothouse_connect::Clock;
use pilothouse_wire::{
    Stamp, View, When,
    frame::Mirror,
    view::{FleetSpec, FleetView},
};
use pilothouse_world::{Extent, fact::NodeFact};
use std::collections::BTreeMap;

const NOW: Stamp = Stamp(1_800_000_000_000);
/// Changes, one each five milliseconds.
const CHANGES: u32 = 2_000;

fn id() -> ConnectionId {
    ConnectionId::slug("iad")
}

fn node(name: &str, cordoned: bool) -> Batch {
    let node =
        NodeFact { name: name.into(), capacity: vec![("nvidia.com/gpu".into(), 8)], cordoned, ..NodeFact::default() };
    Batch { source: id(), seen_at: NOW, extent: Extent::Delta, facts: vec![Fact::Node(Box::new(node))] }
}

fn fleet(mirror: &Mirror) -> Option<&FleetView> {
    match mirror.view() {
        Some(View::Fleet(fleet)) => Some(fleet),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_view_gets_ten_frames_a_second_at_most_and_they_add_up_to_all_that_was_heard() {
    let (home, began, ways) = (tempfile::tempdir().unwrap(), Instant::now(), Ways::new());
    let clock = Clock::of(move || NOW.plus(began.elapsed()));
    let options = Options { paths: Paths::under(home.path()), demo: false, only: None, record: false, clock };
    let mut engine = Loop::new(options, &ways);
    let settings =
        ConnectionSettings { paused: true, ..ConnectionSettings::new(id(), "kubernetes", "iad", BTreeMap::new()) };
    engine.world.apply(announced(&settings, NOW));
    engine.connections.start(settings, &engine.desk.surroundings);
    let facts = ways.facts.clone();
    let operator = ways.run(engine);

    let fleet_spec = || ViewSpec::Fleet(FleetSpec::default());
    let reader = operator.reader();
    let (mut one, mut other) =
        (reader.watch(fleet_spec(), When::Now).await.unwrap(), reader.watch(fleet_spec(), When::Now).await.unwrap());
    let fed = tokio::spawn(async move {
        for change in 0..CHANGES {
            facts.send(node(&format!("h-{}", change % 50), change % 100 < 50)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        facts.send(node("last", false)).await.unwrap();
    });
    for frames in [&mut one, &mut other] {
        let (mut mirror, mut times) = (Mirror::default(), Vec::new());
        let is_whole = |mirror: &Mirror| fleet(mirror).is_some_and(|fleet| fleet.nodes.len() == 51);
        while !is_whole(&mirror) {
            let frame = tokio::time::timeout(Duration::from_secs(60), frames.next()).await.expect("the last is told");
            let frame = frame.expect("the engine lives");
            times.push(Instant::now());
            mirror.apply(frame.rev, frame.body.clone()).unwrap();
        }
        // What somebody gets who comes is no change; and who reads after the other gets one whole frame.
        let apart = times.get(1..).unwrap_or_default().windows(11).map(|eleven| eleven[10] - eleven[0]).min();
        assert!(apart.is_none_or(|least| least >= Duration::from_secs(1)), "eleven frames within {apart:?}");
        if apart.is_some() {
            assert!(times.len() > 80, "{} frames in ten seconds in which something changed", times.len());
        }
    }
    fed.await.unwrap();
    operator.shutdown().await;
}
