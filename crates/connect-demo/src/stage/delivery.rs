//! Services as their controllers would tell of them: how many pods each has, and how many of its newest version.

use super::{Role, Stage};
use crate::{fleet::Keeper, names};
use pilothouse_wire::SmolStr;
use pilothouse_world::{
    Fact,
    fact::{ControllerFact, DeliveryFact, PodFact, PodsFact, StrategyFact},
};

impl Stage {
    /// All services whose pods are kept like this.
    pub(super) fn kept_by(&self, keeper: Keeper) -> Vec<Fact> {
        self.services_now().into_iter().filter(|(own, _)| *own == keeper).map(|(_, fact)| fact).collect()
    }

    /// Services that are something else than when this was asked last.
    pub(super) fn changed_services(&mut self) -> Vec<Fact> {
        let now = self.services_now();
        let news = now.iter().enumerate().filter(|(at, (_, fact))| self.told.get(*at) != Some(fact));
        let news: Vec<Fact> = news.map(|(_, (_, fact))| fact.clone()).collect();
        self.told = now.into_iter().map(|(_, fact)| fact).collect();
        news
    }

    /// Each service as it is now, in the order of the cast.
    fn services_now(&self) -> Vec<(Keeper, Fact)> {
        let cast = self.cast();
        // One look at all pods, for all services.
        let mut counts = vec![Counts::default(); cast.services.len()];
        for player in self.players.values().filter(|player| player.fact.deleting.is_none()) {
            if let Role::Service { service, version, .. } = player.role
                && let Some(counts) = counts.get_mut(service)
            {
                counts.add(&player.fact, version);
            }
        }
        let fact = |(service, counts): (&crate::fleet::Service, Counts)| {
            let kind = match service.keeper {
                Keeper::Deployment => "Deployment",
                Keeper::StatefulSet => "StatefulSet",
            };
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
                pods: PodsFact {
                    all: counts.all,
                    updated: counts.updated,
                    ready: counts.ready,
                    available: counts.ready,
                },
                images: vec![("server".into(), image)],
                ..DeliveryFact::default()
            };
            (service.keeper, Fact::Delivered(Box::new(controller), Box::new(delivery)))
        };
        cast.services.iter().zip(counts).map(fact).collect()
    }
}

/// The pods of a service.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    all: u64,
    /// Of the newest version.
    updated: u64,
    ready: u64,
    newest: u32,
}

impl Counts {
    fn add(&mut self, pod: &PodFact, version: u32) {
        self.all += 1;
        self.ready += u64::from(!pod.containers.is_empty() && pod.containers.iter().all(|container| container.ready));
        if version > self.newest {
            (self.newest, self.updated) = (version, 0);
        }
        self.updated += u64::from(version == self.newest);
    }
}
