//! Disruption budgets into the world.

use super::Fold;
use crate::{
    budgets,
    fact::{BudgetFact, Fact},
    source::PodKey,
};
use pilothouse_wire::{PodId, SmolStr};

impl Fold<'_> {
    pub(super) fn budget(&mut self, fact: BudgetFact) {
        let key: PodKey = (fact.namespace.clone(), fact.name.clone());
        if self.source.budgets.get(&key) != Some(&fact) {
            let old = self.source.budgets.set(&key, Some(fact.clone()));
            self.touch_chosen(&key.0, old.as_ref(), Some(&fact));
        }
    }

    pub(super) fn budget_gone(&mut self, namespace: &SmolStr, name: &SmolStr) {
        let old = self.source.budgets.set(&(namespace.clone(), name.clone()), None);
        self.touch_chosen(namespace, old.as_ref(), None);
    }

    /// What a complete listing does not name is gone.
    pub(super) fn drop_budgets(&mut self, namespace: Option<&SmolStr>, facts: &[Fact]) {
        let named = facts.iter().filter_map(|fact| match fact {
            Fact::Budget(of) => Some((&of.namespace, &of.name)),
            _ => None,
        });
        let gone = self.source.budgets.unlisted(namespace, &named.collect());
        gone.iter().for_each(|(namespace, name)| self.budget_gone(namespace, name));
    }

    /// Now that budgets are read, it is known of these pods whether they may go.
    pub(super) fn touch_budgeted(&mut self, namespace: Option<&SmolStr>) {
        self.touch_those(namespace, |_| true);
    }

    /// A budget counts anew with each pod that comes and goes: as long as one more may go, that is nothing new of its pods.
    fn touch_chosen(&mut self, namespace: &SmolStr, old: Option<&BudgetFact>, new: Option<&BudgetFact>) {
        let says = |budget: Option<&BudgetFact>| {
            budget.map(|budget| (budget.chooses.clone(), budget.allowed > 0, budget.unready_may))
        };
        if says(old) != says(new) {
            self.touch_those(Some(namespace), |pod| {
                [old, new].into_iter().flatten().any(|budget| budgets::chooses(budget, pod))
            });
        }
    }

    fn touch_those(&mut self, namespace: Option<&SmolStr>, which: impl Fn(&crate::source::Pod) -> bool) {
        let first = (namespace.cloned().unwrap_or_default(), SmolStr::default());
        let pods = self.source.pods.range(first..).take_while(|((of, _), _)| namespace.is_none_or(|only| only == of));
        let those = pods.filter(|(_, pod)| !pod.fact.gpus.is_empty() && which(pod)).map(|((namespace, name), _)| {
            PodId { cluster: self.id.clone(), namespace: namespace.clone(), name: name.clone() }
        });
        self.touched.pods.extend(those);
    }
}
