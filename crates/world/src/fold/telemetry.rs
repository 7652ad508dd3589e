//! Telemetry into the world, and the marks that new XIDs leave.

use super::Fold;
use crate::fact::{DevicesFact, ReadingsFact};
use pilothouse_wire::{
    Metric, ObjectRef, Reading, SmolStr, Stamp,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};
use std::collections::BTreeMap;

impl Fold<'_> {
    pub(super) fn devices(&mut self, fact: DevicesFact) {
        let first = self.source.telemetry.is_empty();
        let changed = self.source.telemetry.list(fact);
        self.touched.devices.extend(changed);
        self.touched.readings = true;
        if first {
            self.touched.sources.insert(self.id.clone());
        }
    }

    pub(super) fn readings(&mut self, fact: ReadingsFact) {
        let before = self.xids();
        self.source.dropped = self.source.dropped.saturating_add(self.source.telemetry.readings(fact));
        self.touched.readings = true;
        // An XID stays after its event: what was there when we first looked is no news.
        let news: Vec<(SmolStr, u16, f32, Stamp)> = self
            .source
            .telemetry
            .devices()
            .filter_map(|gpu| {
                let was = before.get(&gpu.device().uuid)?;
                let xid = gpu.read(Metric::Xid).finite().filter(|xid| *xid > 0.0)?;
                let node = gpu.device().node.clone()?;
                (was.finite() != Some(xid))
                    .then(|| (node, gpu.device().index.unwrap_or(0), xid, gpu.at().unwrap_or(self.seen)))
            })
            .collect();
        for (node, index, xid, at) in news {
            // Whose node that is may only be known to the world: it puts the cluster in.
            let object = ObjectRef::Gpu(self.node_id(&node), index);
            let key = MarkKey { at, object, kind: MarkKind::Fault };
            let title = format!("{node} / {index}: XID {}", Metric::Xid.show(Reading::of(xid)));
            self.marks.push(Mark { key, title, detail: None, status: Status::Bad });
        }
    }

    /// The last XID of each GPU that was measured before.
    fn xids(&self) -> BTreeMap<SmolStr, Reading> {
        let measured = self.source.telemetry.devices().filter(|gpu| gpu.at().is_some());
        measured.map(|gpu| (gpu.device().uuid.clone(), gpu.read(Metric::Xid))).collect()
    }
}
