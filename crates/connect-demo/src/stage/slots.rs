//! Which pod holds which GPU of a node: the kubelet gives out the lowest numbers that are free.

use crate::{agenda::PodNo, fleet::GPUS_A_NODE};
use pilothouse_wire::{SmolStr, Stamp};
use std::collections::{BTreeMap, BTreeSet};

/// Places of a node.
pub(crate) const PLACES: usize = GPUS_A_NODE as usize;

/// One GPU of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The pod that holds it.
    pub holder: Option<PodNo>,
    /// When it was last taken or given back.
    pub since: Option<Stamp>,
}

/// The GPUs of all nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    by_node: BTreeMap<SmolStr, [Slot; PLACES]>,
    changed: BTreeSet<SmolStr>,
}

impl Slots {
    /// The GPUs of a node, in the order of their numbers.
    pub fn of(&self, node: &str) -> [Slot; PLACES] {
        self.by_node.get(node).copied().unwrap_or_default()
    }

    /// How many GPUs of a node are held.
    pub fn held(&self, node: &str) -> u64 {
        self.of(node).iter().filter(|slot| slot.holder.is_some()).count() as u64
    }

    /// Gives a pod so many GPUs of a node.
    pub fn take(&mut self, node: &SmolStr, no: PodNo, gpus: u64, now: Stamp) {
        if gpus == 0 {
            return;
        }
        let slots = self.by_node.entry(node.clone()).or_default();
        let free = slots.iter_mut().filter(|slot| slot.holder.is_none());
        for slot in free.take(usize::try_from(gpus).unwrap_or(PLACES)) {
            *slot = Slot { holder: Some(no), since: Some(now) };
        }
        self.changed.insert(node.clone());
    }

    /// Takes back what a pod holds on a node.
    pub fn give_back(&mut self, node: &SmolStr, no: PodNo, now: Stamp) {
        let slots = self.by_node.get_mut(node).into_iter().flatten();
        for slot in slots.filter(|slot| slot.holder == Some(no)) {
            *slot = Slot { holder: None, since: Some(now) };
            self.changed.insert(node.clone());
        }
    }

    /// The nodes whose GPUs changed hands since the last call.
    pub fn take_changed(&mut self) -> BTreeSet<SmolStr> {
        std::mem::take(&mut self.changed)
    }

    /// Did any GPU change hands since they were last taken?
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_keeps_its_gpus_and_the_next_one_gets_the_lowest_that_are_free() {
        let (mut slots, node) = (Slots::default(), SmolStr::from("n"));
        slots.take(&node, 1, 2, Stamp(1));
        slots.take(&node, 2, 4, Stamp(2));
        slots.give_back(&node, 1, Stamp(3));
        slots.take(&node, 3, 3, Stamp(5));
        let holders = slots.of("n").map(|slot| slot.holder);
        assert_eq!(holders, [Some(3), Some(3), Some(2), Some(2), Some(2), Some(2), Some(3), None]);
        assert_eq!((slots.held("n"), slots.held("m")), (7, 0));
        assert_eq!((slots.take_changed().len(), slots.is_changed()), (1, false));
    }
}
