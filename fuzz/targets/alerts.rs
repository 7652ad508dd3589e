//! Answers of an Alertmanager, and what their facts do to the world.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_connect_http::{alertmanager, fuzzing};
use pilothouse_fuzz::Journey;
use pilothouse_world::{Extent, Fact};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    if let Ok(Some(version)) = alertmanager::version(bytes) {
        assert!(version.chars().count() <= 64);
    }
    let Some(alerts) = fuzzing::alerts(bytes) else { return Corpus::Keep };
    for alert in &alerts.alerts {
        assert!(alert.summary.as_ref().is_none_or(|summary| summary.chars().count() <= 1_024));
        assert!(alert.labels.iter().all(|(name, _)| pilothouse_world::alert::is_kept_label(name)));
    }
    let mut journey = Journey::default();
    journey.facts(Extent::Delta, vec![Fact::Alerts(Box::new(alerts))]);
    journey.look();
    Corpus::Keep
});
