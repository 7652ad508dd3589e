//! Services on their way from revision to revision: what is kept of each, and what follows from it.

pub mod condition;
mod flagger;
mod left;
mod phase;
pub(crate) mod route;
mod served;
mod split;
mod took;
pub mod verdict;

pub(crate) use left::left;
pub use phase::phase;
pub use served::{canaries, pods, served};
pub use split::{Sizes, split};
pub(crate) use took::took;

use crate::{
    fact::{
        AnalysisFact, ApplicationFact, BackendFact, CanariesFact, CanaryFact, ControllerFact, DeliveryFact,
        ExperimentFact, LabelsFact, PodsFact, PromotionFact, SizeFact, StageFact, StrategyFact,
    },
    source::{PodKey, Source, WorkloadKey},
};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{
        DeliveryPhase, Step,
        delivery::{ServedMode, Split},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// The most moments of one service that are kept: the oldest give way.
pub(crate) const MOST_MOMENTS: usize = 200;

/// All that one source says of delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deliveries {
    /// Services, by kind, namespace and name.
    pub services: BTreeMap<WorkloadKey, Delivery>,
    /// How large revisions are, by namespace and name.
    pub sizes: BTreeMap<PodKey, SizeFact>,
    /// Analyses, by namespace and name.
    pub analyses: BTreeMap<PodKey, AnalysisFact>,
    /// Experiments, by namespace and name.
    pub experiments: BTreeMap<PodKey, ExperimentFact>,
    /// The labels that pods of a service get, by kind, namespace and name.
    pub labels: BTreeMap<WorkloadKey, LabelsFact>,
    /// What routes may send traffic to, by kind, namespace and name.
    pub backends: BTreeMap<WorkloadKey, BackendFact>,
    /// What Argo CD keeps, by namespace and name.
    pub applications: BTreeMap<PodKey, ApplicationFact>,
    /// Promotions of Kargo, by namespace and name.
    pub promotions: BTreeMap<PodKey, PromotionFact>,
    /// Stages of Kargo, by namespace and name.
    pub stages: BTreeMap<PodKey, StageFact>,
}

/// A service, and how it came to be as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// What was said last.
    pub fact: DeliveryFact,
    /// What it was from which time on, the oldest first.
    pub moments: Vec<Moment>,
}

/// What a service was, from a time on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// From when on, by our clock.
    pub at: Stamp,
    /// The revision that was wanted.
    pub hash: Option<SmolStr>,
    /// The step that was under way, from 0.
    pub step: Option<u32>,
    /// How traffic was split.
    pub split: Split,
    /// Its phase.
    pub phase: DeliveryPhase,
}

impl Moment {
    /// Is it the same, but for its time?
    pub fn is_like(&self, other: &Self) -> bool {
        Self { at: other.at, ..self.clone() } == *other
    }
}

impl Delivery {
    /// Since when it has its phase, as far as that was seen.
    pub fn since(&self) -> Option<Stamp> {
        let now = self.moments.last()?.phase;
        self.moments.iter().rev().take_while(|moment| moment.phase == now).last().map(|moment| moment.at)
    }
}

impl Source {
    /// What was said of a service. Of one that names no revision itself the newest is the one that is wanted.
    pub(crate) fn service(&self, key: &WorkloadKey) -> Option<Cow<'_, DeliveryFact>> {
        let fact = &self.delivery.services.get(key)?.fact;
        if served(fact).is_some() {
            return Some(Cow::Owned(self.served(key, fact.clone())));
        }
        if fact.current.is_some() || fact.rollout.is_some() {
            return Some(Cow::Borrowed(fact));
        }
        let Some(current) = self.newest(key) else { return Some(Cow::Borrowed(fact)) };
        Some(Cow::Owned(DeliveryFact { current: Some(current), ..fact.clone() }))
    }

    /// The hash of the newest revision of a service.
    fn newest(&self, key: &WorkloadKey) -> Option<SmolStr> {
        let newest = self.revisions.get(key)?.values().max_by_key(|revision| revision.number)?;
        let size = self.delivery.sizes.get(&(key.1.clone(), newest.name.clone()));
        Some(size.map_or(&newest.name, |size| &size.hash).clone())
    }

    /// A service of KServe: its own status counts no pods, and names no revision where a Deployment makes them.
    fn served(&self, key: &WorkloadKey, fact: DeliveryFact) -> DeliveryFact {
        if let Some(canaries) = canaries(&fact) {
            return self.canaried(key, canaries, &fact);
        }
        let current = fact.current.clone().or_else(|| self.newest(key));
        DeliveryFact { pods: pods(current.as_ref(), &self.sizes_of(key)), current, ..fact }
    }

    /// One with canaries: of each Deployment the newest revision is wanted, and the predictor's own is gone back to.
    fn canaried(&self, key: &WorkloadKey, canaries: &CanariesFact, fact: &DeliveryFact) -> DeliveryFact {
        let (stable, coming) = (self.newest_of(key, &canaries.stable), self.coming(key, canaries));
        let sizes = self.sizes_of(key);
        let wanted = stable.iter().chain(coming.iter().map(|(hash, _)| hash));
        let updated = wanted.filter_map(|hash| sizes.get(hash)).map(|size| size.all).fold(0, u64::saturating_add);
        let current = coming.into_iter().next().map(|(hash, _)| hash).or_else(|| stable.clone());
        DeliveryFact { pods: PodsFact { updated, ..pods(None, &sizes) }, current, stable, ..fact.clone() }
    }

    /// The newest revision of each canary, by its hash.
    pub(crate) fn coming<'a>(&self, key: &WorkloadKey, of: &'a CanariesFact) -> Vec<(SmolStr, &'a CanaryFact)> {
        of.canaries.iter().filter_map(|canary| Some((self.newest_of(key, &canary.deployment)?, canary))).collect()
    }

    /// The hash of the newest revision of one of the Deployments that a service has.
    fn newest_of(&self, key: &WorkloadKey, deployment: &str) -> Option<SmolStr> {
        let all = self.revisions.get(key)?.values().filter(|revision| deployment_of(&revision.name) == deployment);
        let newest = all.max_by_key(|revision| revision.number)?;
        let size = self.delivery.sizes.get(&(key.1.clone(), newest.name.clone()));
        Some(size.map_or(&newest.name, |size| &size.hash).clone())
    }

    /// The sizes of the revisions of a service, by the hash of each.
    pub(crate) fn sizes_of(&self, key: &WorkloadKey) -> Sizes<'_> {
        let revisions = self.revisions.get(key).into_iter().flat_map(BTreeMap::values);
        let size = |name: &SmolStr| self.delivery.sizes.get(&(key.1.clone(), name.clone()));
        revisions.filter_map(|revision| size(&revision.name)).map(|size| (&size.hash, size)).collect()
    }

    /// What a service is at this moment.
    pub(crate) fn moment(&self, key: &WorkloadKey, at: Stamp) -> Option<Moment> {
        let (controller, fact) = (self.controllers.get(key)?, &*self.service(key)?);
        Some(Moment {
            at,
            hash: fact.current.clone(),
            step: step(fact),
            split: split(fact, &self.sizes_of(key)),
            phase: phase(controller, fact).0,
        })
    }
}

/// The Deployment whose ReplicaSet is called so: it puts a hash behind its own name.
pub(crate) fn deployment_of(set: &str) -> &str {
    set.rsplit_once('-').map_or(set, |(deployment, _)| deployment)
}

/// The steps of a service.
#[must_use]
pub fn steps(fact: &DeliveryFact) -> &[Step] {
    if let StrategyFact::Canary { steps, .. } = &fact.strategy { steps } else { &[] }
}

/// The step that is under way, from 0; as many as there are behind the last. Absent without steps.
#[must_use]
pub fn step(fact: &DeliveryFact) -> Option<u32> {
    let steps = u32::try_from(steps(fact).len()).ok().filter(|steps| *steps > 0)?;
    let at = fact.rollout.as_ref().and_then(|rollout| rollout.step).unwrap_or(0);
    Some(at.min(steps))
}

/// All of the traffic, as its router counts.
#[must_use]
pub fn whole(fact: &DeliveryFact) -> u32 {
    if let StrategyFact::Canary { whole, .. } = fact.strategy { whole } else { 100 }
}

/// Who splits traffic; absent where the number of pods does.
#[must_use]
pub fn router(fact: &DeliveryFact) -> Option<SmolStr> {
    match &fact.strategy {
        StrategyFact::Canary { router, .. } => router.clone(),
        StrategyFact::Served(served) if served.mode == ServedMode::Knative => Some(SmolStr::new_static("Knative")),
        StrategyFact::Flagger(flagger) => flagger.provider.clone(),
        _ => None,
    }
}

/// How revisions follow each other, as a word.
#[must_use]
pub fn strategy_word(fact: &DeliveryFact) -> &'static str {
    match fact.strategy {
        StrategyFact::Unknown => "unknown",
        StrategyFact::Rolling { .. } => "rolling",
        StrategyFact::Recreate => "recreate",
        StrategyFact::OnDelete => "on delete",
        StrategyFact::Canary { .. } => "canary",
        StrategyFact::BlueGreen { .. } => "blue-green",
        StrategyFact::Served(ref served) => match served.mode {
            ServedMode::Knative => "canary",
            ServedMode::Standard | ServedMode::Llm => "rolling",
            ServedMode::ModelMesh | ServedMode::Unknown => "unknown",
        },
        StrategyFact::Canaried(..) => "canary",
        StrategyFact::Routed(_) => "weights",
        StrategyFact::Flagger(_) => "canary of Flagger",
    }
}

/// When the spec was written that nobody has taken up; absent where somebody has. A controller that never was leaves no
/// status at all.
#[must_use]
pub fn unobserved(controller: &ControllerFact, fact: &DeliveryFact) -> Option<Stamp> {
    let never = match (&fact.rollout, served(fact)) {
        (Some(rollout), _) => rollout.phase.is_none() && fact.current.is_none() && fact.conditions.is_empty(),
        // Which spec its controller means is not said: only that it has never looked is known.
        (None, Some(_)) => fact.conditions.is_empty(),
        (None, None) => fact.observed.is_none(),
    };
    let behind = fact.observed.is_some_and(|observed| observed < fact.generation);
    (never || behind).then(|| fact.written.or(controller.created)).flatten()
}
