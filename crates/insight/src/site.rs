//! One node as the rules see it: its row, and what is measured of its GPUs.

use crate::answer::Answer;
use pilothouse_wire::{
    Metric, Stamp,
    view::{FleetView, GpuCell, GpuDevice, NodeRow},
};

/// A node, with its place in the columns of the view.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The view that it is a part of.
    pub view: &'a FleetView,
    /// Its row.
    pub node: &'a NodeRow,
    /// The place of its first GPU in the columns.
    first: usize,
    /// The time at which is judged.
    pub now: Stamp,
}

/// Every node of a view.
pub(crate) fn sites(view: &FleetView, now: Stamp) -> impl Iterator<Item = Site<'_>> {
    let mut next = 0;
    view.nodes.rows().iter().map(move |node| {
        let first = next;
        next += node.gpus.len();
        Site { view, node, first, now }
    })
}

/// What a rule saw of the GPUs of a node.
pub(crate) struct Survey<T> {
    /// The slots of which the answer is yes, with what there is to say of each.
    pub hit: Vec<(u16, T)>,
    /// What it is of those of which it is not.
    rest: Answer<Vec<(u16, T)>>,
}

impl<T> Survey<T> {
    /// The answer for the whole node: yes, if it is yes of any GPU; no, if it is no of any.
    pub(crate) fn answer<U>(self, tell: impl FnOnce(Vec<(u16, T)>) -> U) -> Answer<U> {
        match self.rest {
            _ if !self.hit.is_empty() => Answer::Yes(tell(self.hit)),
            Answer::CannotTell(why) => Answer::CannotTell(why),
            Answer::No | Answer::Yes(_) => Answer::No,
        }
    }
}

impl<'a> Site<'a> {
    /// Name of the node.
    pub(crate) fn name(self) -> &'a str {
        &self.node.id.name
    }

    /// Its GPUs.
    pub(crate) fn slots(self) -> impl Iterator<Item = u16> {
        (0..self.node.gpus.len()).map_while(|slot| u16::try_from(slot).ok())
    }

    /// The cell of a GPU.
    pub(crate) fn cell(self, slot: u16) -> Option<GpuCell> {
        self.node.gpus.get(usize::from(slot)).copied()
    }

    /// Who a GPU is, if it is measured or its driver publishes it.
    pub(crate) fn device(self, slot: u16) -> Option<&'a GpuDevice> {
        self.node.devices.get(usize::from(slot)).filter(|device| !device.uuid.is_empty())
    }

    /// When a GPU was last measured.
    pub(crate) fn measured_at(self, slot: u16) -> Option<Stamp> {
        self.view.telemetry.times.get(self.first + usize::from(slot))
    }

    /// Is the last measurement of a GPU too old to tell of now?
    pub(crate) fn is_stale(self, slot: u16) -> bool {
        self.view.telemetry.is_stale(self.first + usize::from(slot), self.now)
    }

    /// The last reading, however old: for what stays as it is until somebody mends it.
    pub(crate) fn last(self, metric: Metric, slot: u16) -> Option<f32> {
        self.view.telemetry.read(metric, self.first + usize::from(slot)).finite()
    }

    /// The reading of now.
    pub(crate) fn fresh(self, metric: Metric, slot: u16) -> Option<f32> {
        if self.is_stale(slot) { None } else { self.last(metric, slot) }
    }

    /// The status of the condition Ready: is the node ready? `None` where nobody says.
    pub(crate) fn ready(self) -> Option<bool> {
        let ready = self.node.conditions.iter().find(|condition| condition.kind == "Ready")?;
        Some(ready.status == "True")
    }

    /// Asks of every GPU of the node.
    pub(crate) fn survey<T>(self, why_not: &'static str, ask: impl Fn(u16) -> Answer<T>) -> Survey<T> {
        let mut survey = Survey { hit: Vec::new(), rest: Answer::CannotTell(why_not) };
        for slot in self.slots() {
            match ask(slot) {
                Answer::Yes(said) => survey.hit.push((slot, said)),
                Answer::No => survey.rest = Answer::No,
                Answer::CannotTell(_) => {}
            }
        }
        survey
    }
}
