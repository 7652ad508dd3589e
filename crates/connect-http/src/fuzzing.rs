//! Parsers of this crate as the targets in `fuzz/` call them. Not for anybody else.

use crate::{
    alertmanager, failure,
    prometheus::{
        answer,
        engines::{Engines, Taken, pods},
        holders::Targets,
        identity, interval,
        readings::Places,
    },
};
use pilothouse_wire::{Metric, ServingMetric, SmolStr, Stamp};
use pilothouse_world::{
    Fact,
    fact::{AlertsFact, DeviceFact, DevicesFact, ReadingsFact, ServingFact},
};
use std::{collections::BTreeMap, time::Duration};

/// What an answer tells, taken for the look at a fleet and for a column at once.
#[must_use]
pub fn facts(body: &[u8]) -> Option<[Fact; 2]> {
    let vector = answer::vector(body).ok()?;
    let seen = identity::devices(&vector.samples, &Targets::of(&vector.samples, &vector.samples));
    let at: BTreeMap<SmolStr, Stamp> = seen.devices.iter().map(|(device, at)| (device.uuid.clone(), *at)).collect();
    let devices: Vec<DeviceFact> = seen.devices.into_iter().map(|(device, _)| device).collect();
    let readings: ReadingsFact =
        devices.iter().map(|device| &device.uuid).collect::<Places>().readings(1, &at, &[(Metric::Power, vector)]);
    let list = DevicesFact { list: readings.list, interval_ms: 15_000, devices, ..DevicesFact::default() };
    Some([Fact::Devices(Box::new(list)), Fact::Readings(Box::new(readings))])
}

/// What an answer tells of serving engines, taken for the look at them and for a column at once.
#[must_use]
pub fn serving(body: &[u8]) -> Option<ServingFact> {
    let vector = answer::vector(body).ok()?;
    let mut known = Engines::default();
    known.see(&pods::seen(&vector.samples), Stamp(0));
    let taken = Taken { columns: vec![(ServingMetric::KvUse, vector)], ..Taken::default() };
    known.fact(None, &taken)
}

/// What an answer tells of alerts.
#[must_use]
pub fn alerts(body: &[u8]) -> Option<AlertsFact> {
    let read = alertmanager::alerts(body).ok()?;
    Some(AlertsFact { cluster: None, alerts: read.alerts })
}

/// The times of raw samples, and the interval that they tell.
#[must_use]
pub fn interval(body: &[u8]) -> Option<Duration> {
    interval::of(&answer::times(body).ok()?).map(|found| found.longest)
}

/// The words of a body that says no.
#[must_use]
pub fn words(body: &[u8]) -> String {
    crate::problems::line(&failure::words(body))
}
