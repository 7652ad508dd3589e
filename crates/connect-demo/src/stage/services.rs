//! Services: more pods, fewer pods, other versions, one pod after the other.

use super::{Player, Role, Stage};
use crate::{
    agenda::{Due, PodNo},
    fleet::Keeper,
    names,
    plot::Release,
};

/// Between two pods of a service that is scaled, and of one that is rolled, in milliseconds.
const SCALE_STEP_MS: u64 = 400;
const ROLL_STEP_MS: u64 = 800;

impl Stage {
    fn service(&self, name: &str) -> Option<usize> {
        self.cast().services.iter().position(|service| service.name == name)
    }

    /// The pods of a service that are not on their way out, with their versions, the oldest first.
    fn troupe(&self, service: usize) -> Vec<(PodNo, u32)> {
        let version = |player: &Player| match player.role {
            Role::Service { service: own, version, .. } if own == service => Some(version),
            _ => None,
        };
        let stays = self.players.iter().filter(|(_, player)| player.fact.deleting.is_none());
        stays.filter_map(|(no, player)| Some((*no, version(player)?))).collect()
    }

    pub(super) fn scale(&mut self, name: &str, to: usize) {
        let Some(service) = self.service(name) else { return };
        let (has, version) = (self.troupe(service).len(), self.versions[service]);
        for n in 0..to.saturating_sub(has) {
            self.agenda.after(self.now, n as u64 * SCALE_STEP_MS, Due::Add(service, version));
        }
        for n in 0..has.saturating_sub(to) {
            self.agenda.after(self.now, n as u64 * SCALE_STEP_MS, Due::Cut(service));
        }
        if has != to {
            let word = if has < to { "up" } else { "down" };
            let set = format!("{name}-{}", names::template_hash(name, version));
            self.say_of_service(service, &format!("Scaled {word} replica set {set} from {has} to {to}"));
        }
    }

    pub(super) fn roll(&mut self, name: &str, release: Release, share: usize, round: u32) {
        let Some(service) = self.service(name) else { return };
        let version = self.version_of(service, release, round);
        let troupe = self.troupe(service);
        let has = troupe.iter().filter(|(_, own)| *own == version).count();
        let wanted = (troupe.len() * share).div_ceil(100);
        for n in 0..wanted.saturating_sub(has) {
            self.agenda.after(self.now, n as u64 * ROLL_STEP_MS, Due::Swap(service, version));
        }
        if share >= 100 {
            self.versions[service] = version;
        }
        self.steps_on(service, version, release, share);
        let set = format!("{name}-{}", names::template_hash(name, version));
        self.say_of_service(service, &format!("Scaled up replica set {set} from {has} to {wanted}"));
    }

    fn say_of_service(&mut self, service: usize, note: &str) {
        let service = &self.cast().services[service];
        let (kind, reason) = match service.keeper {
            Keeper::Deployment => ("Deployment", "ScalingReplicaSet"),
            Keeper::Rollout => ("Rollout", "ScalingReplicaSet"),
            Keeper::StatefulSet => ("StatefulSet", "Scaling"),
        };
        self.say(kind, Some(service.namespace.into()), service.name.into(), false, reason, note.into());
    }

    pub(super) fn add(&mut self, service: usize, version: u32) {
        let ordinal = self.troupe(service).len();
        self.enter(Role::Service { service, version, ordinal });
    }

    pub(super) fn cut(&mut self, service: usize) {
        if let Some((no, _)) = self.troupe(service).last().copied() {
            self.leave(no, false);
        }
    }

    /// One pod of a version for one that is not: those that crash go first.
    pub(super) fn swap(&mut self, service: usize, version: u32) {
        let troupe = self.troupe(service);
        let others = troupe.iter().filter(|(_, own)| *own != version).map(|(no, _)| *no);
        let Some(old) = others.min_by_key(|no| (!self.crashes(*no), *no)) else { return };
        self.leave(old, false);
        self.add(service, version);
    }

    fn crashes(&self, no: PodNo) -> bool {
        let containers = self.players.get(&no).map(|player| player.fact.containers.as_slice()).unwrap_or_default();
        containers.iter().any(|container| container.reason.as_deref() == Some("CrashLoopBackOff"))
    }

    /// Pods of a service's newest release begin to crash.
    pub(super) fn crash_some(&mut self, name: &str, pods: usize) {
        let Some(service) = self.service(name) else { return };
        let newest = self.versions[service];
        let troupe = self.troupe(service);
        let well = troupe.iter().filter(|(no, version)| *version == newest && !self.crashes(*no));
        let chosen: Vec<PodNo> = well.map(|(no, _)| *no).take(pods).collect();
        for (n, no) in chosen.into_iter().enumerate() {
            self.agenda.after(self.now, n as u64 * 1_300, Due::Crash(no));
        }
    }
}
