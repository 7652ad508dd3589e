//! Telemetry into the world, and the marks that new XIDs leave.

use super::Fold;
use crate::fact::{BeforeFact, DevicesFact, ReadingsFact, ServingFact};
use pilothouse_wire::{
    Metric, ObjectRef, Reading, SmolStr, Stamp, clocks, units,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};
use std::{borrow::Cow, time::Duration};

/// What of a measurement says that a GPU is slowed.
const OF_SLOWDOWN: [Metric; 2] = [Metric::ClockReasons, Metric::ThermalSlowdown];

impl Fold<'_> {
    pub(super) fn devices(&mut self, fact: DevicesFact) {
        let first = self.source.telemetry.is_empty();
        let changed = self.source.telemetry.list(fact);
        self.touched.devices.extend(changed);
        self.touched.readings = true;
        self.touched.lists = true;
        if first {
            self.touched.sources.insert(self.id.clone());
        }
    }

    pub(super) fn readings(&mut self, fact: ReadingsFact) {
        let before_slowed = self.slowed(fact.columns.iter().any(|(metric, _)| OF_SLOWDOWN.contains(metric)));
        // A walk without readings has none, and would look at all GPUs for nothing.
        let names_activity = fact.columns.iter().any(|(metric, _)| *metric == Metric::Utilisation);
        let names_xids = fact.columns.iter().any(|(metric, _)| *metric == Metric::Xid);
        let before = if names_xids { self.xids() } else { Vec::new() };
        self.source.dropped = self.source.dropped.saturating_add(self.source.telemetry.readings(fact));
        self.touched.readings = true;
        if names_activity {
            self.gpus_measured();
        }
        // An XID stays after its event: what was there when we first looked is no news.
        let after = self.xids_now();
        let changed = before.iter().zip(after.iter()).enumerate().filter_map(|(at, (was, now))| {
            let (was, xid) = ((*was)?, now.finite().filter(|xid| *xid > 0.0)?);
            (was.finite() != Some(xid)).then_some((at, xid))
        });
        let news: Vec<(SmolStr, u16, f32, Stamp)> = changed
            .filter_map(|(at, xid)| {
                let gpu = self.source.telemetry.gpu(at)?;
                let node = gpu.device().node.clone()?;
                Some((node, gpu.device().index.unwrap_or(0), xid, gpu.at().unwrap_or(self.seen)))
            })
            .collect();
        self.mark_slowed(&before_slowed);
        for (node, index, xid, at) in news {
            let mark = self.xid_came(&node, index, xid, at);
            self.marks.push(mark);
        }
    }

    // Whose node that is may only be known to the world: it puts the cluster in.
    fn xid_came(&self, node: &SmolStr, index: u16, xid: f32, at: Stamp) -> Mark {
        let key = MarkKey { at, object: ObjectRef::Gpu(self.node_id(node), index), kind: MarkKind::Fault };
        let title = format!("{node} / {index}: XID {}", Metric::Xid.show(Reading::of(xid)));
        Mark { title, status: Status::Bad, ..Mark::of(key) }
    }

    fn slowed_down(&self, node: &SmolStr, index: u16, by: &str, at: Stamp) -> Mark {
        let key = MarkKey { at, object: ObjectRef::Gpu(self.node_id(node), index), kind: MarkKind::Slowdown };
        let title = format!("{node} / {index} slowed by {by}");
        Mark { title, status: Status::Warn, ..Mark::of(key) }
    }

    /// What a server that measures keeps of before: marks as if somebody had watched then, told apart.
    pub(super) fn before(&mut self, fact: BeforeFact) {
        if fact.list != self.source.telemetry.list_number() {
            self.source.dropped = self.source.dropped.saturating_add(1);
            return;
        }
        self.source.dropped = self.source.dropped.saturating_add(fact.more);
        let step = units::span(Duration::from_millis(fact.step_ms));
        for (place, at, reading) in fact.found {
            let mark = self.mark_of_before(fact.metric, place as usize, at, reading);
            if let Some(mark) = mark {
                let detail = format!("first seen there at this time, not yet {step} before");
                self.rebuild(Mark { detail: Some(detail), ..mark });
            }
        }
    }

    fn mark_of_before(&self, metric: Metric, place: usize, at: Stamp, reading: Reading) -> Option<Mark> {
        let device = self.source.telemetry.gpu(place)?.device();
        let (node, index) = (device.node.as_ref()?, device.index.unwrap_or(0));
        let value = reading.finite()?;
        let slowed = |by: Option<&str>| Some(self.slowed_down(node, index, by?, at));
        match metric {
            Metric::Xid => (value > 0.0).then(|| self.xid_came(node, index, value, at)),
            Metric::ClockReasons => slowed(clocks::slowed_by(clocks::bits(value)?, None)),
            Metric::ThermalSlowdown => slowed(clocks::slowed_by(0, Some(value))),
            _ => None,
        }
    }

    pub(super) fn paced(&mut self, list: u32, paces: Vec<(u32, u64)>) {
        self.source.dropped = self.source.dropped.saturating_add(self.source.telemetry.paced(list, paces));
        self.touched.readings = true;
    }

    pub(super) fn silent(&mut self, list: u32, places: Vec<u32>) {
        self.source.dropped = self.source.dropped.saturating_add(self.source.telemetry.silent(list, places));
        self.touched.readings = true;
    }

    /// By what each GPU is slowed, if it is; `None` for one of which that was never measured, nothing where it is not measured
    /// now.
    fn slowed(&self, is_measured: bool) -> Vec<Option<Option<&'static str>>> {
        if !is_measured {
            return Vec::new();
        }
        let [reasons, shares] = OF_SLOWDOWN.map(|metric| self.source.telemetry.column(metric));
        let of = |column: &[Reading], gpu: usize| column.get(gpu).and_then(|reading| reading.finite());
        let by = |gpu: usize| {
            let (bits, share) = (of(&reasons, gpu).and_then(clocks::bits), of(&shares, gpu));
            (bits.is_some() || share.is_some()).then(|| clocks::slowed_by(bits.unwrap_or(0), share))
        };
        (0..reasons.len().max(shares.len())).map(by).collect()
    }

    /// Marks the GPUs that were not slowed, and now are.
    fn mark_slowed(&mut self, before: &[Option<Option<&'static str>>]) {
        if before.is_empty() {
            return;
        }
        let after = self.slowed(true);
        for (at, (was, now)) in before.iter().zip(after).enumerate() {
            let (Some(None), Some(Some(by))) = (was, now) else { continue };
            let Some(gpu) = self.source.telemetry.gpu(at) else { continue };
            let (Some(node), index) = (gpu.device().node.clone(), gpu.device().index.unwrap_or(0)) else { continue };
            let mark = self.slowed_down(&node, index, by, gpu.at().unwrap_or(self.seen));
            self.marks.push(mark);
        }
    }

    pub(super) fn serving(&mut self, fact: ServingFact) {
        self.source.dropped = self.source.dropped.saturating_add(self.source.serving.take(fact));
        self.touched.serving = true;
        self.engines_measured();
    }

    fn xids_now(&self) -> Cow<'_, [Reading]> {
        self.source.telemetry.column(Metric::Xid)
    }

    /// The last XID of each GPU of the list that was measured before.
    fn xids(&self) -> Vec<Option<Reading>> {
        let all = self.xids_now();
        let all = all.iter().copied().chain(std::iter::repeat(Reading::ABSENT));
        self.source.telemetry.times().iter().zip(all).map(|(at, xid)| at.map(|_| xid)).collect()
    }
}
