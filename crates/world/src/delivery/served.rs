//! Services of KServe: which revision is wanted, how traffic is split, which phase that is. Pure.
//!
//! `status.observedGeneration` of an InferenceService is that of its Deployment or its Knative Service, and says nothing of its
//! own spec: it is not looked at.

use super::Sizes;
use crate::fact::{CanariesFact, CanaryFact, DeliveryFact, PodsFact, ServedFact, StatedFact, StrategyFact};
use pilothouse_wire::{
    SmolStr,
    view::{
        DeliveryPhase::{self, Degraded, Healthy, Paused, Progressing},
        delivery::{ServedMode, Split},
    },
};

/// What only a service of KServe has; none of another.
#[must_use]
pub fn served(fact: &DeliveryFact) -> Option<&ServedFact> {
    match &fact.strategy {
        StrategyFact::Served(served) | StrategyFact::Canaried(served, _) => Some(served),
        _ => None,
    }
}

/// The canaries of a service of KServe in Standard mode; none of another.
#[must_use]
pub fn canaries(fact: &DeliveryFact) -> Option<&CanariesFact> {
    if let StrategyFact::Canaried(_, canaries) = &fact.strategy { Some(canaries) } else { None }
}

impl CanariesFact {
    /// The share that all canaries together should get.
    #[must_use]
    pub fn wanted(&self) -> u32 {
        self.canaries.iter().fold(0_u32, |sum, canary| sum.saturating_add(canary.percent)).min(100)
    }

    /// The canary that has this Deployment.
    #[must_use]
    pub fn of_deployment(&self, deployment: &str) -> Option<&CanaryFact> {
        self.canaries.iter().find(|canary| canary.deployment == deployment)
    }

    fn phase(&self) -> (DeliveryPhase, String) {
        // One without a share has no pods, and is not waited for.
        if let Some(canary) = self.canaries.iter().find(|canary| canary.percent > 0 && canary.ready != Some(true)) {
            return (Progressing, format!("canary {} is not ready", canary.name));
        }
        let each: Vec<String> =
            self.canaries.iter().map(|canary| format!("{} of {} %", canary.name, canary.percent)).collect();
        match each.as_slice() {
            [only] => (Paused, format!("canary {only} waits for a person")),
            all => (Paused, format!("canaries {} wait for a person", all.join(", "))),
        }
    }
}

impl ServedFact {
    /// The revision that is gone back to: the other one that the router knows, else the last that had all traffic.
    #[must_use]
    pub fn stable(&self) -> Option<&SmolStr> {
        let newest = self.created.as_ref();
        let other = self.traffic.iter().map(|target| &target.revision).find(|name| Some(*name) != newest);
        let kept = || [&self.rolled_out, &self.before].into_iter().flatten().find(|name| Some(*name) != newest);
        match (&self.rolled_out, other) {
            // All traffic was at the newest before, and is there.
            (Some(all), None) if Some(all) == newest => newest,
            (_, Some(other)) => Some(other),
            (_, None) => kept(),
        }
    }

    /// The share of the newest revision, as the router has it; none where it says nothing.
    #[must_use]
    pub fn share(&self) -> Option<u32> {
        let newest = self.created.as_ref().or(self.ready.as_ref())?;
        if self.traffic.is_empty() {
            return None;
        }
        let of_newest = self.traffic.iter().filter(|target| target.revision == *newest);
        Some(of_newest.map(|target| target.percent).fold(0, u32::saturating_add).min(100))
    }

    /// The share of the newest revision that is wanted. A percentage splits nothing where there is only one revision.
    #[must_use]
    pub fn wanted(&self) -> u32 {
        let alone = self.stable().is_none_or(|stable| Some(stable) == self.created.as_ref());
        if alone { 100 } else { self.percent.unwrap_or(100).min(100) }
    }

    /// Does its controller say that it is stopped? Sources: the condition `Stopped` of an InferenceService; the reason of
    /// `MainWorkloadReady` of an LLMInferenceService, which has no such condition.
    fn is_stopped(conditions: &[StatedFact]) -> bool {
        conditions.iter().any(|one| match one.kind.as_str() {
            "Stopped" => one.status == "True",
            "MainWorkloadReady" => one.status == "False" && one.reason.as_deref() == Some("Stopped"),
            _ => false,
        })
    }
}

/// How traffic is split: by the router of Knative; of others by their pods, which is for the caller.
pub(super) fn split(served: &ServedFact) -> Option<Split> {
    (served.mode == ServedMode::Knative).then(|| Split {
        wanted: Some(served.wanted()),
        actual: served.share(),
        whole: 100,
    })
}

/// Counts of pods by the sizes of its revisions: its own status has none.
#[must_use]
pub fn pods(current: Option<&SmolStr>, sizes: &Sizes<'_>) -> PodsFact {
    let sum = |of: fn(&crate::fact::SizeFact) -> u64| sizes.values().map(|size| of(size)).fold(0, u64::saturating_add);
    PodsFact {
        all: sum(|size| size.all),
        updated: current.and_then(|hash| sizes.get(hash)).map_or(0, |size| size.all),
        ready: sum(|size| size.ready),
        available: sum(|size| size.available),
    }
}

/// The phase, and why.
pub(super) fn phase(fact: &DeliveryFact, served: &ServedFact, wanted: Option<u64>) -> (DeliveryPhase, String) {
    let progressing = |why: String| (Progressing, why);
    let stopped = ServedFact::is_stopped(&fact.conditions);
    match (served.stops, stopped) {
        (true, true) => return (Paused, "stopped by a person".to_owned()),
        (true, false) => return progressing("it is being stopped".to_owned()),
        (false, true) => return progressing("it is being started".to_owned()),
        (false, false) => {}
    }
    if let Some(transition @ ("BlockedByFailedLoad" | "InvalidSpec")) = served.load.transition.as_deref() {
        let why = served.load.failure_words().map_or_else(String::new, |why| format!(": {why}"));
        return (Degraded, format!("{transition}{why}"));
    }
    let of = |kind: &str| fact.conditions.iter().find(|one| one.kind == kind);
    let Some(ready) = of("Ready") else {
        return progressing("no controller has said anything of it yet".to_owned());
    };
    if ready.status != "True" {
        // The one that says most is not the sum of them.
        let others = || fact.conditions.iter().filter(|one| one.kind != "Ready" && one.kind != "Stopped");
        let first = |status: &str| others().find(|one| one.status == status);
        let failing = first("False").or_else(|| first("Unknown")).unwrap_or(ready);
        let hopeless = ready.status == "False" && !is_on_its_way(failing);
        return (if hopeless { Degraded } else { Progressing }, words(failing));
    }
    if served.mode == ServedMode::Knative {
        return by_router(served);
    }
    if served.load.transition.as_deref() == Some("InProgress") {
        let state = served.load.target.as_ref().map_or_else(String::new, |state| format!(": {state}"));
        return progressing(format!("its model is being loaded{state}"));
    }
    match (by_pods(fact.pods, wanted), canaries(fact)) {
        ((Healthy, _), Some(canaries)) => canaries.phase(),
        (phase, _) => phase,
    }
}

fn by_router(served: &ServedFact) -> (DeliveryPhase, String) {
    if let (Some(created), Some(ready)) = (&served.created, &served.ready)
        && created != ready
    {
        return (Progressing, format!("revision {created} is not ready; {ready} answers"));
    }
    match (served.wanted(), served.share()) {
        (wanted, Some(share)) if share != wanted => {
            (Progressing, format!("its newest revision gets {share} %, and should get {wanted} %"))
        }
        (100, _) => (Healthy, String::new()),
        (0, _) => (Paused, "its newest revision gets no traffic: it was rolled back, or waits".to_owned()),
        (wanted, _) => (Paused, format!("a canary of {wanted} % waits for a person")),
    }
}

/// A Deployment that replaces its pods stays available meanwhile, and its service ready.
fn by_pods(pods: PodsFact, wanted: Option<u64>) -> (DeliveryPhase, String) {
    // Whose revisions are not read: nothing is known of its pods.
    let Some(wanted) = wanted.filter(|_| pods != PodsFact::default()) else { return (Healthy, String::new()) };
    let progressing = |why: String| (Progressing, why);
    if pods.updated < wanted {
        return progressing(format!("{} of {wanted} pods have the new revision", pods.updated));
    }
    if pods.all > pods.updated.max(wanted) {
        return progressing(format!("{} old pods are still there", pods.all - pods.updated.max(wanted)));
    }
    if pods.available < wanted {
        return progressing(format!("{} of {wanted} pods are available", pods.available));
    }
    (Healthy, String::new())
}

/// Pods that are not there yet are no failure: a Deployment says so from its first second on. Sources: the reasons of
/// `apps/v1.Deployment`, of Knative Serving, and of LLMInferenceService.
fn is_on_its_way(condition: &StatedFact) -> bool {
    const COMING: &[&str] = &[
        "MinimumReplicasUnavailable",
        "ProgressingDeployment",
        "Progressing",
        "Deploying",
        "ContainerCreating",
        "ReconcileIngress",
        "Uninitialized",
    ];
    condition.reason.as_deref().is_some_and(|reason| COMING.contains(&reason))
}

fn words(condition: &StatedFact) -> String {
    let parts = [Some(condition.kind.as_str()), condition.reason.as_deref(), condition.message.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

impl crate::fact::LoadFact {
    /// The last failure in words.
    #[must_use]
    pub fn failure_words(&self) -> Option<String> {
        let failure = self.failure.as_ref()?;
        let said = [failure.reason.as_ref().map(SmolStr::as_str), failure.message.as_deref()];
        let mut words = said.into_iter().flatten().collect::<Vec<_>>().join(": ");
        let more = [
            failure.exit_code.map(|code| format!("exit code {code}")),
            failure.location.as_ref().map(|place| format!("at {place}")),
        ];
        let more: Vec<String> = more.into_iter().flatten().collect();
        if !more.is_empty() {
            words.push_str(&format!(" ({})", more.join(", ")));
        }
        (!words.is_empty()).then_some(words)
    }
}

#[cfg(test)]
mod tests;
