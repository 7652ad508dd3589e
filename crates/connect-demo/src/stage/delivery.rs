//! Services as their controllers would tell of them: how many pods each has, and how many of its newest version.

use super::{
    Role, Stage,
    canary::{Versions, revision},
};
use crate::{
    fleet::{Keeper, Service},
    names,
};
use pilothouse_wire::SmolStr;
use pilothouse_world::{
    Fact,
    fact::{ControllerFact, DeliveryFact, PodFact, PodsFact, StrategyFact},
};

impl Stage {
    /// What is told of services, as far as it is wanted.
    pub(super) fn told_of(&self, is_wanted: impl Fn(&Fact) -> bool) -> Vec<Fact> {
        let (counts, versions) = self.counted();
        self.services_now(&counts, &versions).into_iter().filter(is_wanted).collect()
    }

    /// Services that are something else than when this was asked last, and what is gone of them.
    pub(super) fn changed_services(&mut self) -> Vec<Fact> {
        let (counts, versions) = self.counted();
        let now = self.services_now(&counts, &versions);
        let is_there = |gone: &Fact| !now.iter().any(|fact| gone_of(fact).as_ref() == Some(gone));
        let gone: Vec<Fact> = self.told.iter().filter_map(gone_of).filter(is_there).collect();
        let news = now.iter().filter(|fact| !self.told.contains(fact)).cloned();
        let news: Vec<Fact> = gone.into_iter().chain(news).collect();
        self.told = now;
        news
    }

    /// One look at all pods, for all services: in all, and by version where a Rollout keeps them.
    pub(super) fn counted(&self) -> (Vec<Counts>, Vec<Versions>) {
        let services = self.cast().services.len();
        let (mut counts, mut versions) = (vec![Counts::default(); services], vec![Versions::default(); services]);
        for player in self.players.values().filter(|player| player.fact.deleting.is_none()) {
            if let Role::Service { service, version, .. } = player.role
                && let (Some(counts), Some(versions)) = (counts.get_mut(service), versions.get_mut(service))
            {
                let ready = counts.add(&player.fact, version);
                let of = versions.entry(version).or_default();
                *of = (of.0 + 1, of.1 + u64::from(ready));
            }
        }
        (counts, versions)
    }

    /// Each service as it is now, in the order of the cast.
    fn services_now(&self, counts: &[Counts], versions: &[Versions]) -> Vec<Fact> {
        let of = self.cast().services.iter().zip(&self.canaries).zip(counts.iter().zip(versions));
        of.flat_map(|((service, canary), (counts, versions))| match canary {
            Some(canary) => self.rollout(service, canary, versions),
            None => {
                let mut all = vec![plain(service, *counts)];
                if service.keeper == Keeper::Deployment {
                    all.extend(self.sets(service, versions));
                }
                all
            }
        })
        .collect()
    }

    /// The ReplicaSets of a Deployment: those that have pods, and the one before the newest.
    fn sets(&self, service: &Service, versions: &Versions) -> Vec<Fact> {
        let mut kept = versions.clone();
        if let Some(newest) = versions.keys().next_back() {
            kept.entry(newest.saturating_sub(1)).or_default();
        }
        let set = |(version, pods): (u32, (u64, u64))| {
            revision(("Deployment", service), version, u64::from(version), pods, self.now)
        };
        kept.into_iter().map(set).collect()
    }
}

/// What a service without steps would say.
fn plain(service: &Service, counts: Counts) -> Fact {
    let kind = if service.keeper == Keeper::StatefulSet { "StatefulSet" } else { "Deployment" };
    let controller = ControllerFact {
        kind: SmolStr::new_static(kind),
        namespace: service.namespace.into(),
        name: service.name.into(),
        replicas: Some(counts.all),
        ..ControllerFact::default()
    };
    let image = names::image(&format!("{}/{}", service.namespace, service.name), counts.newest);
    let delivery = DeliveryFact {
        strategy: StrategyFact::Rolling { partition: 0 },
        generation: 1,
        observed: Some(1),
        pods: PodsFact { all: counts.all, updated: counts.updated, ready: counts.ready, available: counts.ready },
        images: vec![("server".into(), image)],
        ..DeliveryFact::default()
    };
    Fact::Delivered(Box::new(controller), Box::new(delivery))
}

/// What is said of it once it is gone; of what stays as long as its service, nothing.
fn gone_of(fact: &Fact) -> Option<Fact> {
    match fact {
        Fact::SizedRevision(revision, _) => Some(Fact::RevisionGone(revision.namespace.clone(), revision.name.clone())),
        Fact::Analysis(analysis) => Some(Fact::AnalysisGone(analysis.namespace.clone(), analysis.name.clone())),
        _ => None,
    }
}

/// The pods of a service.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    all: u64,
    /// Of the newest version.
    updated: u64,
    ready: u64,
    newest: u32,
}

impl Counts {
    /// Counts a pod, and says whether it is ready.
    fn add(&mut self, pod: &PodFact, version: u32) -> bool {
        let ready = !pod.containers.is_empty() && pod.containers.iter().all(|container| container.ready);
        self.all += 1;
        self.ready += u64::from(ready);
        if version > self.newest {
            (self.newest, self.updated) = (version, 0);
        }
        self.updated += u64::from(version == self.newest);
        ready
    }
}
