//! Answers of the query API of a Prometheus, as a look at a fleet or at serving engines and as a column of readings, and
//! what their facts do to the world.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_connect_http::fuzzing;
use pilothouse_fuzz::Journey;
use pilothouse_world::{Extent, Fact};
use std::time::Duration;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    if let Some(interval) = fuzzing::interval(bytes) {
        assert!((Duration::from_secs(5)..=Duration::from_secs(300)).contains(&interval), "{interval:?}");
    }
    assert!(fuzzing::words(bytes).chars().count() <= 241);
    let Some(facts) = fuzzing::facts(bytes) else { return Corpus::Keep };
    let [Fact::Devices(list), Fact::Readings(readings)] = &facts else { panic!("{facts:?}") };
    let mut ids: Vec<_> = list.devices.iter().map(|device| &device.uuid).collect();
    ids.dedup();
    assert_eq!(ids.len(), list.devices.len(), "a device is listed twice");
    assert!(list.devices.iter().all(|device| !device.uuid.is_empty()));
    assert!(readings.at.len() == ids.len() && readings.columns.iter().all(|(_, column)| column.len() == ids.len()));
    let mut journey = Journey::default();
    journey.facts(Extent::Delta, facts.to_vec());
    if let Some(serving) = fuzzing::serving(bytes) {
        let mut pods: Vec<_> = serving.pods.iter().map(|pod| (&pod.namespace, &pod.pod)).collect();
        pods.dedup();
        assert_eq!(pods.len(), serving.pods.len(), "a pod is listed twice");
        assert!(pods.iter().all(|(namespace, pod)| !namespace.is_empty() && !pod.is_empty()));
        let n = pods.len();
        assert!(serving.at.len() == n && serving.columns.iter().all(|(_, column)| column.len() == n));
        journey.facts(Extent::Delta, vec![Fact::Serving(Box::new(serving))]);
    }
    journey.look();
    Corpus::Keep
});
