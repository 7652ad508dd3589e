//! What finds the objects of a source: which pods are on a node or of a workload, which events are about an object. It follows
//! from the objects, so that a world at rest does not keep it: it would be a tenth of what is read at every seek.

use crate::{fact::OwnerFact, source::Source};
use pilothouse_wire::ConnectionId;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

/// Reads sources as a world at rest has them, and makes their indexes anew.
pub(crate) fn of_all<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<ConnectionId, Source>, D::Error> {
    let mut sources: BTreeMap<ConnectionId, Source> = Deserialize::deserialize(from)?;
    sources.values_mut().for_each(Source::index);
    Ok(sources)
}

impl Source {
    /// Makes the indexes of all that is there. Each is built at once from what is in order, and not entry by entry.
    fn index(&mut self) {
        let (mut placed, mut workloads) = (BTreeMap::new(), BTreeMap::new());
        for (key, pod) in &self.pods {
            if let Some(node) = &pod.fact.node {
                of(&mut placed, node.clone()).push(key.clone());
            }
            if let Some(OwnerFact { kind, name }) = pod.fact.workload() {
                of(&mut workloads, (kind, key.0.clone(), name)).push(key.clone());
            }
        }
        let mut regarding = BTreeMap::new();
        for (uid, event) in &self.events {
            of(&mut regarding, (event.kind.clone(), event.namespace.clone(), event.name.clone())).push(uid.clone());
        }
        (self.placed, self.workloads, self.regarding) = (sets(placed), sets(workloads), sets(regarding));
    }
}

fn of<K: Ord, V>(lists: &mut BTreeMap<K, Vec<V>>, key: K) -> &mut Vec<V> {
    lists.entry(key).or_default()
}

fn sets<K: Ord, V: Ord>(lists: BTreeMap<K, Vec<V>>) -> BTreeMap<K, BTreeSet<V>> {
    lists.into_iter().map(|(key, list)| (key, list.into_iter().collect())).collect()
}
