//! Routes and their backends into the world, and the shares of traffic that moved.

use super::{Fold, controllers::fresh};
use crate::{
    delivery::route,
    fact::{BackendFact, ControllerFact, DeliveryFact, Fact, LabelsFact, OwnerFact, StrategyFact},
    source::WorkloadKey,
};
use pilothouse_wire::{
    SmolStr,
    view::{Mark, MarkKind},
};
use std::collections::BTreeSet;

impl Fold<'_> {
    pub(super) fn labelled(&mut self, controller: ControllerFact, fact: DeliveryFact, labels: LabelsFact) {
        let key: WorkloadKey = (controller.kind.clone(), controller.namespace.clone(), controller.name.clone());
        self.labels(key, labels);
        self.delivered(controller, fact);
    }

    /// A part of a service makes its pods: by their labels routes get to the service.
    pub(super) fn part(&mut self, controller: ControllerFact, of: OwnerFact, labels: LabelsFact) {
        let service: WorkloadKey = (of.kind, controller.namespace.clone(), of.name);
        self.labels(service.clone(), labels);
        self.controller(controller);
        self.touch_service(&service);
    }

    fn labels(&mut self, key: WorkloadKey, labels: LabelsFact) {
        if self.source.delivery.labels.get(&key) != Some(&labels) {
            self.source.delivery.labels.insert(key, labels);
            self.touched.delivery = true;
        }
    }

    pub(super) fn backend(&mut self, fact: BackendFact) {
        let key: WorkloadKey = (fact.of.kind.clone(), fact.namespace.clone(), fact.of.name.clone());
        let old = self.source.delivery.backends.insert(key, fact.clone());
        self.touched.delivery |= old != Some(fact);
    }

    pub(super) fn backend_gone(&mut self, key: &WorkloadKey) {
        self.touched.delivery |= self.source.delivery.backends.remove(key).is_some();
    }

    /// Backends of a kind that a complete listing does not name are gone.
    pub(super) fn drop_backends(&mut self, kind: &str, namespace: Option<&SmolStr>, facts: &[Fact]) {
        let named: BTreeSet<(&SmolStr, &SmolStr)> = facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Backend(fact) if fact.of.kind == kind => Some((&fact.namespace, &fact.of.name)),
                _ => None,
            })
            .collect();
        let all = &mut self.source.delivery.backends;
        let before = all.len();
        all.retain(|(of, at, name), _| {
            of != kind || namespace.is_some_and(|only| only != at) || named.contains(&(at, name))
        });
        self.touched.delivery |= all.len() != before;
    }

    /// The mark of shares that moved since a route was told of last. It stands where somebody wrote, if that has a time.
    pub(super) fn moved(&self, key: &WorkloadKey, controller: &ControllerFact, fact: &DeliveryFact) -> Option<Mark> {
        let old = &self.source.delivery.services.get(key)?.fact;
        let (StrategyFact::Routed(from), StrategyFact::Routed(to)) = (&old.strategy, &fact.strategy) else {
            return None;
        };
        let moved = route::moved(from, to);
        let (first, rest) = moved.split_first()?;
        let at = fact.written.filter(|at| Some(*at) > old.written).unwrap_or(self.seen);
        let by = fresh(self.source.controllers.get(key), controller);
        Some(Mark {
            title: format!("{}: {first}", key.2),
            detail: (!rest.is_empty()).then(|| rest.join("; ")),
            by: by.map(|write| write.by.clone()),
            rebuilt: self.listing,
            ..self.mark_of(key, at, MarkKind::Weight)
        })
    }
}
