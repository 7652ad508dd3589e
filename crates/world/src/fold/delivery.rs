//! Services into the world: what each is from which time on, and the marks of its steps, weights, phases and analyses.

use super::Fold;
use crate::{
    delivery::{Delivery, MOST_MOMENTS, Moment, steps, verdict, whole},
    fact::{
        AnalysisFact, ControllerFact, DeliveryFact, ExperimentFact, Fact, Kind, RevisionFact, SizeFact, StrategyFact,
        TemplateFact,
    },
    source::{PodKey, WorkloadKey},
};
use pilothouse_wire::{
    ObjectRef, SmolStr, Stamp,
    view::{AnalysisVerdict, DeliveryPhase, Mark, MarkKind, Status},
};
use std::{collections::BTreeSet, time::Duration};

/// What is told so soon was seen as it happened.
const SOON: Duration = Duration::from_secs(30);

fn moves_traffic(fact: &DeliveryFact) -> bool {
    matches!(fact.strategy, StrategyFact::Routed(_) | StrategyFact::Flagger(_))
}

impl Fold<'_> {
    pub(super) fn delivered(&mut self, controller: ControllerFact, fact: DeliveryFact) {
        let key: WorkloadKey = (controller.kind.clone(), controller.namespace.clone(), controller.name.clone());
        let resized = self.source.controllers.get(&key) != Some(&controller);
        if let Some(mark) = self.moved(&key, &controller, &fact) {
            self.marks.push(mark);
        }
        self.controller(controller);
        let service = self.source.delivery.services.entry(key.clone()).or_default();
        if resized || service.fact != fact || service.moments.is_empty() {
            // One that moves traffic stands beside others, and so may one that is new.
            self.touched.delivery |= service.moments.is_empty() || moves_traffic(&service.fact) || moves_traffic(&fact);
            service.fact = fact;
            self.touch_service(&key);
            self.assess(&key);
        }
    }

    /// The row of a service is anew, and no other.
    pub(super) fn touch_service(&mut self, key: &WorkloadKey) {
        if self.source.delivery.services.contains_key(key) {
            let (kind, namespace, name) = key.clone();
            self.touched.services.insert(ObjectRef::Workload(self.id.clone(), namespace, kind, name));
        }
    }

    pub(super) fn sized_revision(&mut self, fact: RevisionFact, size: SizeFact) {
        let owner: WorkloadKey = (fact.owner.kind.clone(), fact.namespace.clone(), fact.owner.name.clone());
        let name: PodKey = (fact.namespace.clone(), fact.name.clone());
        self.revision(fact);
        // Of more revisions than are kept the oldest have gone, with their sizes.
        let kept = self.source.revisions.get(&owner).is_some_and(|all| all.contains_key(&name.1));
        if kept && self.source.delivery.sizes.insert(name, size.clone()) != Some(size) {
            self.touch_service(&owner);
            self.assess(&owner);
        }
    }

    /// What it makes pods of is known before it is told what changed.
    pub(super) fn templated_revision(&mut self, fact: RevisionFact, size: Option<SizeFact>, template: TemplateFact) {
        let owner: WorkloadKey = (fact.owner.kind.clone(), fact.namespace.clone(), fact.owner.name.clone());
        let name: PodKey = (fact.namespace.clone(), fact.name.clone());
        self.source.templates.insert(name.clone(), template);
        match size {
            Some(size) => self.sized_revision(fact, size),
            None => self.revision(fact),
        }
        let kept = self.source.revisions.get(&owner).is_some_and(|all| all.contains_key(&name.1));
        if !kept {
            self.source.templates.remove(&name);
        }
    }

    /// Revisions that are no longer known have no size, and no template.
    pub(super) fn forget_sizes(&mut self) {
        let known: BTreeSet<(&SmolStr, &SmolStr)> = self
            .source
            .revisions
            .iter()
            .flat_map(|((_, namespace, _), all)| all.keys().map(move |name| (namespace, name)))
            .collect();
        let sizes = &mut self.source.delivery.sizes;
        let before = sizes.len();
        sizes.retain(|(namespace, name), _| known.contains(&(namespace, name)));
        self.source.templates.retain(|(namespace, name), _| known.contains(&(namespace, name)));
        self.touched.delivery |= sizes.len() != before;
    }

    pub(super) fn service_gone(&mut self, key: &WorkloadKey) {
        self.touched.delivery |= self.source.delivery.services.remove(key).is_some();
        self.source.delivery.labels.remove(key);
    }

    pub(super) fn analysis(&mut self, fact: AnalysisFact) {
        let key: PodKey = (fact.namespace.clone(), fact.name.clone());
        let old = self.source.delivery.analyses.get(&key);
        if old == Some(&fact) {
            return;
        }
        self.touched.delivery = true;
        let was_over = old.is_some_and(|old| old.phase.is_over());
        if fact.phase.is_over() && !was_over {
            self.mark_analysis(&fact);
        }
        self.source.delivery.analyses.insert(key, fact);
    }

    pub(super) fn analysis_gone(&mut self, key: &PodKey) {
        self.touched.delivery |= self.source.delivery.analyses.remove(key).is_some();
    }

    pub(super) fn experiment(&mut self, fact: ExperimentFact) {
        let key: PodKey = (fact.namespace.clone(), fact.name.clone());
        let old = self.source.delivery.experiments.insert(key, fact.clone());
        self.touched.delivery |= old != Some(fact);
    }

    pub(super) fn experiment_gone(&mut self, key: &PodKey) {
        self.touched.delivery |= self.source.delivery.experiments.remove(key).is_some();
    }

    /// Analyses or experiments that a complete listing does not name are gone.
    pub(super) fn drop_analyses(&mut self, kind: Kind, namespace: Option<&SmolStr>, facts: &[Fact]) {
        let named: BTreeSet<(&SmolStr, &SmolStr)> = facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Analysis(fact) => Some((&fact.namespace, &fact.name)),
                Fact::Experiment(fact) => Some((&fact.namespace, &fact.name)),
                _ => None,
            })
            .collect();
        let stays = |(at, name): &PodKey| namespace.is_some_and(|only| only != at) || named.contains(&(at, name));
        let all = &mut self.source.delivery;
        let before = all.analyses.len() + all.experiments.len();
        match kind {
            Kind::Analysis => all.analyses.retain(|key, _| stays(key)),
            _ => all.experiments.retain(|key, _| stays(key)),
        }
        self.touched.delivery |= all.analyses.len() + all.experiments.len() != before;
    }

    /// Notes what a service is now, if that is something else than before, and tells of it.
    pub(super) fn assess(&mut self, key: &WorkloadKey) {
        let Some(now) = self.source.moment(key, self.seen) else { return };
        let Some(service) = self.source.delivery.services.get(key) else { return };
        let last = service.moments.last();
        if last.is_some_and(|last| last.is_like(&now)) {
            return;
        }
        // What a listing tells of first was not seen to change.
        let marks = last.map(|last| self.changed(key, service, last, &now)).unwrap_or_default();
        for mark in marks {
            self.marks.push(Mark { rebuilt: self.listing, ..mark });
        }
        if let Some(Delivery { moments, .. }) = self.source.delivery.services.get_mut(key) {
            if moments.len() >= MOST_MOMENTS {
                moments.remove(0);
            }
            moments.push(now);
        }
    }

    fn changed(&self, key: &WorkloadKey, service: &Delivery, last: &Moment, now: &Moment) -> Vec<Mark> {
        let (name, mut marks) = (&key.2, Vec::new());
        let mark = |kind, title: String, detail: Option<String>, status| Mark {
            title,
            detail,
            status,
            ..self.mark_of(key, now.at, kind)
        };
        let step_words = now.step.and_then(|step| {
            let at = usize::try_from(step).ok()?;
            let words = steps(&service.fact).get(at)?.words(whole(&service.fact));
            Some(format!("step {} of {}: {words}", step + 1, steps(&service.fact).len()))
        });
        if now.step != last.step
            && let Some(words) = &step_words
        {
            marks.push(mark(MarkKind::Step, format!("{name} {words}"), None, Status::Unknown));
        }
        // A revision that comes begins with nothing, whatever the one before it had.
        let from = if last.hash == now.hash { last.split.wanted } else { last.split.wanted.map(|_| 0) };
        if let (Some(from), Some(to)) = (from, now.split.wanted)
            && from != to
        {
            let title = format!("{name} {} → {}", now.split.words(Some(from)), now.split.words(Some(to)));
            marks.push(mark(MarkKind::Weight, title, step_words.clone(), Status::Unknown));
        }
        // A service that only got another size goes through Progressing, too: that is no news.
        let is_news = !matches!(
            (last.phase, now.phase),
            (DeliveryPhase::Healthy, DeliveryPhase::Progressing)
                | (DeliveryPhase::Progressing, DeliveryPhase::Healthy)
                | (DeliveryPhase::Unknown, _)
        ) || (now.phase == DeliveryPhase::Healthy && self.came_to_another_revision(service, now));
        if last.phase != now.phase && is_news {
            let why =
                self.source.controllers.get(key).map(|controller| crate::delivery::phase(controller, &service.fact).1);
            let why = why.filter(|why| !why.is_empty());
            let title = format!("{name} {}", now.phase.word());
            marks.push(mark(MarkKind::Phase, title, why, now.phase.status()));
        }
        marks
    }

    /// Was another revision wanted when it was healthy last?
    fn came_to_another_revision(&self, service: &Delivery, now: &Moment) -> bool {
        let healthy = service.moments.iter().rev().find(|moment| moment.phase == DeliveryPhase::Healthy);
        healthy.is_some_and(|moment| moment.hash != now.hash)
    }

    fn mark_analysis(&mut self, fact: &AnalysisFact) {
        let Some(owner) = fact.owner.as_ref().filter(|owner| owner.kind == "Rollout") else { return };
        let key: WorkloadKey = (owner.kind.clone(), fact.namespace.clone(), owner.name.clone());
        let row = verdict::analysis(fact, None);
        let at = fact.ended.unwrap_or(self.seen);
        let worst = row.metrics.iter().find(|metric| !metric.dry && metric.verdict == row.verdict);
        let words = worst.map(|metric| match &metric.compared {
            Some(compared) => format!("{} is {}, {}", metric.name, compared.value, compared.limit_words()),
            None => format!("{}: {}", metric.name, metric.why),
        });
        let detail = words.into_iter().chain(row.dispute.clone()).collect::<Vec<_>>().join(". ");
        let title = format!("{} analysis: {}", owner.name, row.verdict.word().to_lowercase());
        // That nothing was measured is worse than a pass, and no failure.
        let status = if row.verdict == AnalysisVerdict::NoData { Status::Warn } else { row.verdict.status() };
        let detail = (!detail.is_empty()).then_some(detail);
        let mark = Mark { title, detail, status, ..self.mark_of(&key, at, MarkKind::Analysis) };
        self.seen_or_rebuilt(at, mark);
    }

    pub(super) fn seen_or_rebuilt(&mut self, at: Stamp, mark: Mark) {
        if self.listing || self.seen.since(at) > SOON {
            self.rebuild(mark);
        } else {
            self.marks.push(mark);
        }
    }
}
