//! Devices of dynamic resource allocation, and claims to them, into the world.

use super::Fold;
use crate::{
    fact::{AllocationFact, Covers, Fact, Kind, SliceFact},
    source::PodKey,
};
use pilothouse_wire::{PodId, SmolStr};
use std::collections::BTreeSet;

impl Fold<'_> {
    pub(super) fn slice(&mut self, fact: SliceFact) {
        let changed = self.source.claims.publish(&fact.name.clone(), Some(fact));
        self.touched.delivery |= !changed.is_empty();
        self.touched.devices.extend(changed);
    }

    pub(super) fn slice_gone(&mut self, name: &SmolStr) {
        let changed = self.source.claims.publish(name, None);
        self.touched.delivery |= !changed.is_empty();
        self.touched.devices.extend(changed);
    }

    pub(super) fn allocation(&mut self, fact: AllocationFact) {
        let key = (fact.namespace.clone(), fact.name.clone());
        let changed = self.source.set_claim(&key, Some(fact));
        self.touch_claimed(changed);
    }

    pub(super) fn allocation_gone(&mut self, key: &(SmolStr, SmolStr)) {
        let changed = self.source.set_claim(key, None);
        self.touch_claimed(changed);
    }

    /// Whose a claim is shows at its pods, and at the nodes that they are on. One that is not known yet brings its node.
    fn touch_claimed(&mut self, pods: BTreeSet<PodKey>) {
        for (namespace, name) in pods {
            let key = (namespace, name);
            let node = self.source.pods.get(&key).and_then(|pod| pod.fact.node.clone());
            self.touched.devices.extend(node);
            // How many GPUs a service has follows from the claims of its pods.
            self.touched.delivery = true;
            let (namespace, name) = key;
            self.touched.pods.insert(PodId { cluster: self.id.clone(), namespace, name });
        }
    }

    /// What a complete listing of devices or of claims does not name is gone.
    pub(super) fn drop_claims(&mut self, covers: &Covers, facts: &[Fact]) {
        if covers.kind == Kind::ResourceSlice {
            let named = facts.iter().filter_map(|fact| if let Fact::Slice(of) = fact { Some(&of.name) } else { None });
            let gone = self.source.claims.not_published(&named.collect());
            gone.iter().for_each(|name| self.slice_gone(name));
        } else {
            let named = facts.iter().filter_map(|fact| match fact {
                Fact::Allocation(of) => Some((&of.namespace, &of.name)),
                _ => None,
            });
            let gone = self.source.claims.not_claimed(covers.namespace.as_ref(), &named.collect());
            gone.iter().for_each(|key| self.allocation_gone(key));
        }
    }
}
