//! What a source measures of GPUs: who they are, and columns of readings. A column a metric, a row a GPU.

use crate::{
    earlier,
    fact::{DeviceFact, DevicesFact, MissingMetric, ReadingsFact},
};
use pilothouse_wire::{ConnectionId, Metric, Reading, SmolStr, Stamp};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

/// The telemetry of one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Telemetry {
    list: u32,
    /// The cluster that it is about, where the source knows it.
    pub cluster: Option<ConnectionId>,
    interval_ms: u64,
    /// Where GPUs are measured more often than that: from which place on how often, in milliseconds.
    #[serde(deserialize_with = "earlier::since::<_, _, 17>")]
    paces: Vec<(u32, u64)>,
    devices: Vec<DeviceFact>,
    /// What the source does not have, and why.
    pub missing: Vec<MissingMetric>,
    /// Places of the devices by node, in the order of their numbers.
    by_node: BTreeMap<SmolStr, Vec<u32>>,
    /// A checkpoint does not keep it: the journal keeps readings in columns of its own. Older checkpoints have it.
    #[serde(serialize_with = "nothing")]
    latest: Latest,
    /// GPUs of which it was asked and said nothing. A checkpoint does not keep it: by the next one their age tells it.
    #[serde(skip)]
    silent: Silent,
}

/// Places of a list. They are beside what a world is: two worlds are equal whether they were told.
#[derive(Clone, Debug, Default)]
struct Silent(BTreeSet<u32>);

impl PartialEq for Silent {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The newest reading of each metric of each GPU of a list, and when each GPU was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// When each GPU was last measured, by the clock of who measured; `None` before it ever was.
    pub at: Vec<Option<Stamp>>,
    /// One column a metric of which anything was measured, one reading a GPU.
    pub columns: BTreeMap<Metric, Vec<Reading>>,
}

/// The metrics of which every reading leaves something in the world: a mark, or a point of a lane. Of the others only the
/// last one counts, so that who folds a long stretch may leave out those before ([`crate::World::amend`]).
pub const TRACED: [Metric; 4] = [Metric::Utilisation, Metric::ClockReasons, Metric::ThermalSlowdown, Metric::Xid];

fn nothing<S: serde::Serializer>(_: &Latest, serializer: S) -> Result<S::Ok, S::Error> {
    Latest::default().serialize(serializer)
}

impl Latest {
    /// Nothing was measured yet of so many GPUs.
    #[must_use]
    pub fn of(gpus: usize) -> Self {
        Self { at: vec![None; gpus], columns: BTreeMap::new() }
    }

    /// Takes in readings of the same GPUs. One that was not measured this time keeps its last readings with their time:
    /// it ages. A metric that is missing from a measurement is absent. What is behind the end of a column is left out.
    pub fn take(&mut self, fact: ReadingsFact) {
        // So a walk along the record says that somebody was heard of whom nothing was kept.
        if fact.columns.is_empty() && fact.at.iter().all(Option::is_none) {
            return;
        }
        let measured: Vec<bool> = fact.at.iter().map(Option::is_some).collect();
        let named: BTreeSet<Metric> = fact.columns.iter().map(|(metric, _)| *metric).collect();
        for (metric, column) in &mut self.columns {
            if !named.contains(metric) {
                for (reading, measured) in column.iter_mut().zip(&measured) {
                    if *measured {
                        *reading = Reading::ABSENT;
                    }
                }
            }
        }
        for (metric, column) in fact.columns {
            match self.columns.get_mut(&metric) {
                Some(old) => {
                    for ((old, new), measured) in old.iter_mut().zip(column).zip(&measured) {
                        if *measured {
                            *old = new;
                        }
                    }
                }
                None => {
                    let known = |(reading, measured)| if measured { reading } else { Reading::ABSENT };
                    let column = column.into_iter().zip(measured.iter().copied()).map(known).collect();
                    self.columns.insert(metric, column);
                }
            }
        }
        for (old, new) in self.at.iter_mut().zip(fact.at) {
            if new.is_some() {
                *old = new;
            }
        }
    }
}

/// One GPU of a source with what was measured of it.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    telemetry: &'a Telemetry,
    at: usize,
}

impl<'a> Measured<'a> {
    /// Who it is.
    #[must_use]
    pub fn device(self) -> &'a DeviceFact {
        &self.telemetry.devices[self.at]
    }

    /// The newest reading of a metric.
    #[must_use]
    pub fn read(self, metric: Metric) -> Reading {
        match metric {
            Metric::MemoryUse => self.memory_use(),
            metric => self.column(metric),
        }
    }

    /// Its place in the columns of its source.
    pub(crate) fn place(self) -> usize {
        self.at
    }

    fn column(self, metric: Metric) -> Reading {
        self.telemetry.latest.columns.get(&metric).and_then(|column| column.get(self.at)).copied().unwrap_or_default()
    }

    /// When it was last measured, by the clock of who measured.
    #[must_use]
    pub fn at(self) -> Option<Stamp> {
        self.telemetry.latest.at.get(self.at).copied().flatten()
    }

    /// Is its last measurement older than it should be, or did its source just say nothing of it? One that was never
    /// measured is not stale, but absent.
    #[must_use]
    pub fn is_stale(self, now: Stamp) -> bool {
        self.at().is_some_and(|at| self.is_silent() || now.since(at) > self.telemetry.patience_at(self.at))
    }

    /// Was its source asked, and said nothing of it?
    fn is_silent(self) -> bool {
        u32::try_from(self.at).is_ok_and(|at| self.telemetry.silent.0.contains(&at))
    }

    fn memory_use(self) -> Reading {
        let [said, used, total] =
            [Metric::MemoryUse, Metric::MemoryUsed, Metric::MemoryTotal].map(|of| self.column(of));
        share(said, used, total)
    }
}

/// The share of memory that is in use: as it is said, else of its parts, where both are known.
fn share(said: Reading, used: Reading, total: Reading) -> Reading {
    match (said.is_absent(), used.finite(), total.finite().filter(|total| *total > 0.0)) {
        (true, Some(used), Some(total)) => Reading::of(used / total),
        _ => said,
    }
}

impl Telemetry {
    /// Was it ever told what is measured?
    pub(crate) fn is_told(&self) -> bool {
        self.interval_ms > 0
    }

    /// Names of the nodes of which it tells.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &SmolStr> {
        self.by_node.keys()
    }

    /// Names of the nodes of which it was told something when it was last asked.
    pub(crate) fn nodes_that_speak(&self) -> impl Iterator<Item = &SmolStr> {
        let speaks = |places: &Vec<u32>| places.iter().any(|place| !self.silent.0.contains(place));
        self.by_node.iter().filter(move |(_, places)| speaks(places)).map(|(name, _)| name)
    }

    /// How old a measurement may be of the GPU that is measured most seldom: two and a half times its interval, so that one
    /// that comes late is not stale yet.
    #[must_use]
    pub fn patience(&self) -> Duration {
        patience(self.interval_ms)
    }

    /// How old that of the GPU at this place may be.
    fn patience_at(&self, at: usize) -> Duration {
        let begun = self.paces.partition_point(|(from, _)| *from as usize <= at);
        patience(begun.checked_sub(1).map_or(self.interval_ms, |last| self.paces[last].1))
    }

    /// How old measurements of these GPUs may be: from which place on, each up to the next one.
    pub(crate) fn patience_of(&self, places: Range<u32>) -> impl Iterator<Item = (u32, Duration)> + '_ {
        let first = (places.start, self.patience_at(places.start as usize));
        let later = self.paces.iter().filter(move |(from, _)| *from > places.start && *from < places.end);
        std::iter::once(first).chain(later.map(|(from, ms)| (*from, patience(*ms))))
    }

    /// Does it know no GPU?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// All GPUs.
    pub fn devices(&self) -> impl Iterator<Item = Measured<'_>> {
        (0..self.devices.len()).map(|at| Measured { telemetry: self, at })
    }

    /// The GPUs of a node, in the order of their numbers.
    pub fn of_node<'a>(&'a self, node: &str) -> impl Iterator<Item = Measured<'a>> + use<'a> {
        let places = self.by_node.get(node).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|at| Measured { telemetry: self, at: *at as usize })
    }

    /// Metrics of which anything was measured.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> + '_ {
        self.latest.columns.keys().copied()
    }

    /// When each GPU was last measured, in the order of the list.
    pub(crate) fn times(&self) -> &[Option<Stamp>] {
        &self.latest.at
    }

    /// The newest reading of each GPU, in the order of the list; what is behind its end is absent.
    pub(crate) fn column(&self, metric: Metric) -> Cow<'_, [Reading]> {
        let own = |metric| self.latest.columns.get(&metric).map(Vec::as_slice).unwrap_or_default();
        let (said, used, total) = (own(metric), own(Metric::MemoryUsed), own(Metric::MemoryTotal));
        if metric != Metric::MemoryUse || used.is_empty() || total.is_empty() {
            return Cow::Borrowed(said);
        }
        let said = said.iter().copied().chain(std::iter::repeat(Reading::ABSENT));
        Cow::Owned(used.iter().zip(total).zip(said).map(|((used, total), said)| share(said, *used, *total)).collect())
    }

    /// Of which GPUs, by their places in the list, its source said nothing when it was asked.
    pub(crate) fn are_silent(&self) -> &BTreeSet<u32> {
        &self.silent.0
    }

    /// The number of the list that readings follow.
    #[must_use]
    pub fn list_number(&self) -> u32 {
        self.list
    }

    /// The newest readings.
    #[must_use]
    pub fn latest(&self) -> &Latest {
        &self.latest
    }

    /// Takes back the newest readings after a checkpoint, which does not keep them. Those of other GPUs are of no use.
    pub(crate) fn resume(&mut self, latest: Latest) {
        let n = self.devices.len();
        let fits = latest.at.len() == n && latest.columns.values().all(|column| column.len() == n);
        self.latest = if fits { latest } else { Latest::of(n) };
    }

    /// Puts in what was measured last of some of the GPUs of the list. What is of other GPUs is of no use.
    pub(crate) fn amend(&mut self, newer: Latest) {
        let n = self.devices.len();
        if newer.at.len() != n || newer.columns.values().any(|column| column.len() != n) {
            return;
        }
        for metric in newer.columns.keys() {
            self.latest.columns.entry(*metric).or_insert_with(|| vec![Reading::ABSENT; n]);
        }
        let measured = || newer.at.iter().enumerate().filter(|(_, at)| at.is_some());
        for (gpu, at) in measured() {
            self.latest.at[gpu] = *at;
        }
        for (metric, column) in &mut self.latest.columns {
            let newer = newer.columns.get(metric);
            for (gpu, _) in measured() {
                column[gpu] = newer.map_or(Reading::ABSENT, |newer| newer[gpu]);
            }
        }
    }

    /// The GPU at a place of the list.
    pub(crate) fn gpu(&self, at: usize) -> Option<Measured<'_>> {
        (at < self.devices.len()).then_some(Measured { telemetry: self, at })
    }

    /// Takes in a new list; answers the nodes whose GPUs, or their holders, changed.
    pub(crate) fn list(&mut self, fact: DevicesFact) -> BTreeSet<SmolStr> {
        let mut newer = Self {
            list: fact.list,
            cluster: fact.cluster,
            interval_ms: fact.interval_ms,
            by_node: by_node(&fact.devices),
            latest: Latest::of(fact.devices.len()),
            devices: fact.devices,
            missing: fact.missing,
            silent: Silent::default(),
            paces: Vec::new(),
        };
        newer.keep_readings(self);
        let names = self.by_node.keys().chain(newer.by_node.keys()).cloned().collect::<BTreeSet<_>>();
        let moved = self.cluster != newer.cluster;
        let changed = names
            .into_iter()
            .filter(|name| {
                moved || !self.of_node(name).map(Measured::device).eq(newer.of_node(name).map(Measured::device))
            })
            .collect();
        *self = newer;
        changed
    }

    /// What was measured of a GPU stays its own when the list is said anew in another order.
    fn keep_readings(&mut self, older: &Self) {
        let was: BTreeMap<&SmolStr, usize> =
            older.devices.iter().enumerate().map(|(at, device)| (&device.uuid, at)).collect();
        let places: Vec<Option<usize>> = self.devices.iter().map(|device| was.get(&device.uuid).copied()).collect();
        let pick = |column: &Vec<Reading>| {
            places.iter().map(|at| at.and_then(|at| column.get(at)).copied().unwrap_or_default()).collect()
        };
        let (older, own) = (&older.latest, &mut self.latest);
        own.columns = older.columns.iter().map(|(metric, column)| (*metric, pick(column))).collect();
        own.at = places.iter().map(|at| at.and_then(|at| older.at.get(at).copied().flatten())).collect();
    }

    /// Takes in readings; answers how many could not be used.
    pub(crate) fn readings(&mut self, fact: ReadingsFact) -> u64 {
        let n = self.devices.len();
        if fact.list != self.list || fact.at.len() != n || fact.columns.iter().any(|(_, column)| column.len() != n) {
            return 1;
        }
        if n > 0 {
            self.latest.take(fact);
        }
        0
    }

    /// Takes in which GPUs are measured more often than others; answers how much of that is of no use.
    pub(crate) fn paced(&mut self, list: u32, paces: Vec<(u32, u64)>) -> u64 {
        if list != self.list || !paces.is_sorted_by(|one, next| one.0 < next.0) {
            return 1;
        }
        self.paces = paces;
        0
    }

    /// Takes in of which GPUs nothing was said; answers how much of that is of no use.
    pub(crate) fn silent(&mut self, list: u32, places: Vec<u32>) -> u64 {
        if list != self.list {
            return 1;
        }
        self.silent = Silent(places.into_iter().collect());
        0
    }
}

/// Two and a half times an interval.
fn patience(interval_ms: u64) -> Duration {
    Duration::from_millis(interval_ms.max(1_000).saturating_mul(5) / 2)
}

fn by_node(devices: &[DeviceFact]) -> BTreeMap<SmolStr, Vec<u32>> {
    let mut by_node: BTreeMap<SmolStr, Vec<u32>> = BTreeMap::new();
    for (at, device) in devices.iter().enumerate() {
        if let (Some(node), Ok(at)) = (&device.node, u32::try_from(at)) {
            by_node.entry(node.clone()).or_default().push(at);
        }
    }
    for places in by_node.values_mut() {
        places.sort_by(|a, b| {
            let order = |at: &u32| {
                let device = &devices[*at as usize];
                (device.index.is_none(), device.index, &device.pci, &device.uuid)
            };
            order(a).cmp(&order(b))
        });
    }
    by_node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(uuid: &str, node: &str, index: u16) -> DeviceFact {
        DeviceFact { uuid: uuid.into(), node: Some(node.into()), index: Some(index), ..DeviceFact::default() }
    }

    fn listed(list: u32, devices: Vec<DeviceFact>) -> DevicesFact {
        DevicesFact { list, interval_ms: 15_000, devices, ..DevicesFact::default() }
    }

    fn power(list: u32, at: &[Option<i64>], watts: &[f32]) -> ReadingsFact {
        ReadingsFact {
            list,
            at: at.iter().map(|at| at.map(Stamp)).collect(),
            columns: vec![(Metric::Power, watts.iter().map(|watts| Reading::of(*watts)).collect())],
        }
    }

    #[test]
    fn a_gpu_that_is_not_measured_ages_and_keeps_its_values() {
        let mut telemetry = Telemetry::default();
        telemetry.list(listed(1, vec![device("b", "n", 1), device("a", "n", 0)]));
        assert_eq!(telemetry.readings(power(1, &[Some(1_000), Some(1_000)], &[20.0, 10.0])), 0);
        assert_eq!(telemetry.readings(power(1, &[None, Some(16_000)], &[0.0, 11.0])), 0);
        let seen: Vec<(&str, Reading, bool)> = telemetry
            .of_node("n")
            .map(|gpu| (gpu.device().uuid.as_str(), gpu.read(Metric::Power), gpu.is_stale(Stamp(40_000))))
            .collect();
        assert_eq!(seen, [("a", Reading::of(11.0), false), ("b", Reading::of(20.0), true)]);
    }

    #[test]
    fn a_gpu_is_stale_by_how_often_it_is_measured_itself() {
        let mut telemetry = Telemetry::default();
        telemetry.list(DevicesFact {
            interval_ms: 60_000,
            ..listed(1, vec![device("a", "n", 0), device("b", "n", 1), device("c", "n", 2)])
        });
        telemetry.readings(power(1, &[Some(1_000); 3], &[10.0, 20.0, 30.0]));
        let stale = |telemetry: &Telemetry, now| -> Vec<bool> {
            telemetry.of_node("n").map(|gpu| gpu.is_stale(Stamp(now))).collect()
        };
        assert_eq!(telemetry.paced(1, vec![(1, 5_000), (2, 60_000)]), 0);
        assert_eq!(stale(&telemetry, 13_501), [false, true, false]);
        assert_eq!(stale(&telemetry, 151_001), [true; 3]);
        let of: Vec<_> = telemetry.patience_of(1..3).map(|(from, is)| (from, is.as_millis())).collect();
        assert_eq!(of, [(1, 12_500), (2, 150_000)]);
        // What is of another list, or in no order, is of no use.
        assert_eq!((telemetry.paced(2, Vec::new()), telemetry.paced(1, vec![(2, 1), (1, 1)])), (1, 1));
        telemetry.list(listed(2, vec![device("b", "n", 1), device("a", "n", 0)]));
        assert_eq!(stale(&telemetry, 13_501), [false, false], "of a new list it is told anew");
    }

    #[test]
    fn a_gpu_of_which_its_source_says_nothing_is_stale_at_once_and_until_it_is_heard() {
        let mut telemetry = Telemetry::default();
        telemetry.list(listed(1, vec![device("a", "n", 0), device("b", "n", 1), device("c", "n", 2)]));
        telemetry.readings(power(1, &[Some(1_000), Some(1_000), None], &[10.0, 20.0, 0.0]));
        let stale = |telemetry: &Telemetry| -> Vec<bool> {
            telemetry.of_node("n").map(|gpu| gpu.is_stale(Stamp(2_000))).collect()
        };
        assert_eq!(stale(&telemetry), [false, false, false]);
        assert_eq!(telemetry.silent(1, vec![1, 2]), 0);
        assert_eq!(stale(&telemetry), [false, true, false], "one that was never measured is absent");
        assert_eq!(telemetry.silent(2, Vec::new()), 1, "it is of another list");
        assert_eq!(stale(&telemetry), [false, true, false]);
        assert_eq!(telemetry.silent(1, Vec::new()), 0);
        assert_eq!(stale(&telemetry), [false, false, false]);
        telemetry.silent(1, vec![0]);
        telemetry.list(listed(2, vec![device("b", "n", 1), device("a", "n", 0)]));
        assert_eq!(stale(&telemetry), [false, false], "a new list is told of anew");
    }

    #[test]
    fn the_first_column_of_a_metric_tells_nothing_of_a_gpu_that_was_not_measured() {
        let mut telemetry = Telemetry::default();
        telemetry.list(listed(1, vec![device("a", "n", 0), device("b", "n", 1)]));
        telemetry.readings(power(1, &[None, Some(1)], &[10.0, 20.0]));
        let read: Vec<Reading> = telemetry.devices().map(|gpu| gpu.read(Metric::Power)).collect();
        assert_eq!(read, [Reading::ABSENT, Reading::of(20.0)]);
    }

    #[test]
    fn a_list_in_another_order_keeps_each_gpus_readings_and_says_which_nodes_changed() {
        let mut telemetry = Telemetry::default();
        telemetry.list(listed(1, vec![device("a", "n", 0), device("b", "m", 0)]));
        telemetry.readings(power(1, &[Some(1), Some(1)], &[10.0, 20.0]));
        let changed = telemetry.list(listed(2, vec![device("c", "m", 1), device("b", "m", 0), device("a", "n", 0)]));
        assert_eq!(changed.into_iter().collect::<Vec<_>>(), ["m"]);
        let read: Vec<Reading> = telemetry.devices().map(|gpu| gpu.read(Metric::Power)).collect();
        assert_eq!(read, [Reading::ABSENT, Reading::of(20.0), Reading::of(10.0)]);
    }

    #[test]
    fn readings_for_another_list_are_of_no_use() {
        let mut telemetry = Telemetry::default();
        telemetry.list(listed(2, vec![device("a", "n", 0)]));
        assert_eq!(telemetry.readings(power(1, &[Some(1)], &[1.0])), 1);
        assert_eq!(telemetry.readings(power(2, &[Some(1), Some(1)], &[1.0, 2.0])), 1);
        assert!(telemetry.devices().all(|gpu| gpu.read(Metric::Power).is_absent()));
    }

    #[test]
    fn memory_in_use_is_a_share_where_both_parts_are_known() {
        let mut telemetry = Telemetry::default();
        telemetry.list(listed(1, vec![device("a", "n", 0), device("b", "n", 1)]));
        let column = |values: [Reading; 2]| values.to_vec();
        telemetry.readings(ReadingsFact {
            list: 1,
            at: vec![Some(Stamp(1)); 2],
            columns: vec![
                (Metric::MemoryUsed, column([Reading::of(20.0), Reading::of(20.0)])),
                (Metric::MemoryTotal, column([Reading::of(80.0), Reading::ABSENT])),
            ],
        });
        let read: Vec<Reading> = telemetry.devices().map(|gpu| gpu.read(Metric::MemoryUse)).collect();
        assert_eq!(read, [Reading::of(0.25), Reading::ABSENT]);
    }
}
