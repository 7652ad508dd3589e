//! Containers that were started with models and are gone: what tells where a version served before.

use crate::source::WorkloadKey;
use pilothouse_wire::{ModelAddress, SmolStr, Stamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most that are kept of one source: those that were gone first give way.
const MOST: usize = 1_000;

/// Kind, namespace and name of the workload, the address, and when they began: what an alias led to then they were
/// started with.
type Key = (SmolStr, SmolStr, SmolStr, ModelAddress, Stamp);

/// All that one source saw go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct GoneStarts {
    pub all: BTreeMap<Key, Gone>,
}

/// Containers of one workload that began at one time with the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gone {
    /// The container's name, of the last of them.
    pub container: SmolStr,
    /// When the last of them was gone.
    pub until: Stamp,
    /// How many.
    pub count: u64,
}

impl GoneStarts {
    pub(crate) fn add(
        &mut self,
        (kind, namespace, name): WorkloadKey,
        container: SmolStr,
        model: ModelAddress,
        (began, until): (Stamp, Stamp),
    ) {
        let gone = self.all.entry((kind, namespace, name, model, began)).or_insert_with(|| Gone {
            container: container.clone(),
            until,
            count: 0,
        });
        gone.count = gone.count.saturating_add(1);
        if until >= gone.until {
            (gone.container, gone.until) = (container, until);
        }
        if self.all.len() > MOST
            && let Some(first) = self.all.iter().min_by_key(|(_, gone)| gone.until).map(|(key, _)| key.clone())
        {
            self.all.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::AddressPlace;

    fn gone(all: impl IntoIterator<Item = (i64, i64)>) -> GoneStarts {
        let mut gone = GoneStarts::default();
        for (began, until) in all {
            let of = ("Deployment".into(), "serving".into(), "chat".into());
            let model = ModelAddress { text: "models:/chat/3".into(), place: AddressPlace::Argument };
            gone.add(of, "server".into(), model, (Stamp(began), Stamp(until)));
        }
        gone
    }

    #[test]
    fn those_that_began_together_are_one() {
        let all = gone([(10, 25), (10, 30), (10, 20), (11, 26)]);
        let of: Vec<(i64, u64)> = all.all.values().map(|gone| (gone.until.0, gone.count)).collect();
        assert_eq!(of, [(30, 3), (26, 1)]);
    }

    #[test]
    fn of_too_many_those_that_were_gone_first_give_way() {
        let all = gone((0..1_001).map(|n| (n, 2_000 - n)));
        assert_eq!(all.all.len(), MOST);
        assert!(all.all.values().all(|gone| gone.until.0 > 1_000));
    }
}
