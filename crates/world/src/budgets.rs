//! Disruption budgets, and which of its pods a cluster would evict now.

use crate::{
    fact::{BudgetFact, Phase, PodFact},
    source::{Pod, PodKey},
};
use pilothouse_wire::{SmolStr, view::Eviction};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All budgets of one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Budgets {
    all: BTreeMap<PodKey, BudgetFact>,
}

impl Budgets {
    /// Keeps a budget, or forgets it; answers what was kept before.
    pub fn set(&mut self, key: &PodKey, new: Option<BudgetFact>) -> Option<BudgetFact> {
        match new {
            Some(new) => self.all.insert(key.clone(), new),
            None => self.all.remove(key),
        }
    }

    /// A budget.
    pub fn get(&self, key: &PodKey) -> Option<&BudgetFact> {
        self.all.get(key)
    }

    /// Those that a complete listing of this namespace, or of all, does not name.
    pub fn unlisted(&self, namespace: Option<&SmolStr>, named: &BTreeSet<(&SmolStr, &SmolStr)>) -> Vec<PodKey> {
        let of_it = self.all.keys().filter(|(of, _)| namespace.is_none_or(|only| only == of));
        of_it.filter(|(of, name)| !named.contains(&(of, name))).cloned().collect()
    }

    /// Would a pod be evicted now, as far as budgets go? They have to be known. Source: `EvictionREST` of Kubernetes
    /// (`pkg/registry/core/pod/storage/eviction.go`).
    pub fn judge(&self, pod: &Pod) -> Eviction {
        let fact = &pod.fact;
        // The server looks for no budget of a pod without labels.
        let ends = fact.deleting.is_some() || !matches!(fact.phase, Phase::Running | Phase::Unknown);
        if ends || pod.all_labels.is_empty() {
            return Eviction::May;
        }
        let first = (fact.namespace.clone(), SmolStr::default());
        let of_namespace = self.all.range(first..).take_while(|((of, _), _)| *of == fact.namespace);
        let chosen: Vec<&BudgetFact> =
            of_namespace.map(|(_, budget)| budget).filter(|budget| chooses(budget, pod)).collect();
        match chosen.as_slice() {
            [] => Eviction::May,
            [budget] if budget.allowed > 0 || budget.unready_may && !is_ready(fact) => Eviction::May,
            // With more than one, a server evicts never.
            _ => {
                let names: Vec<&str> = chosen.iter().map(|budget| budget.name.as_str()).collect();
                Eviction::MayNot(names.join(", ").into())
            }
        }
    }
}

/// Does a budget of its namespace choose a pod?
pub(crate) fn chooses(budget: &BudgetFact, pod: &Pod) -> bool {
    budget.chooses.as_ref().is_some_and(|selector| selector.chooses(&pod.all_labels))
}

fn is_ready(pod: &PodFact) -> bool {
    pod.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True")
}
