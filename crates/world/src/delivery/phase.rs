//! The phase of a service: of a Rollout by the rules that clients of Argo Rollouts follow (`utils/rollout` of v1.10), which
//! believe the controller only of a spec that it has seen; of others from their counts and conditions.

use super::served;
use crate::fact::{ControllerFact, DeliveryFact, RolloutFact, StatedFact, StrategyFact};
use pilothouse_wire::{
    SmolStr,
    view::DeliveryPhase::{self, Degraded, Healthy, Paused, Progressing},
};

/// The phase of a service, and why; without a reason the text is empty.
#[must_use]
pub fn phase(controller: &ControllerFact, fact: &DeliveryFact) -> (DeliveryPhase, String) {
    if let Some(served) = served(fact) {
        return super::served::phase(fact, served, controller.replicas);
    }
    let wanted = controller.replicas.unwrap_or(1);
    match (&fact.strategy, &fact.rollout) {
        (StrategyFact::Routed(route), _) => super::route::phase(fact, route),
        (StrategyFact::Flagger(flagger), _) => super::flagger::phase(flagger),
        (_, Some(rollout)) => of_rollout(fact, rollout, wanted),
        (_, None) => of_other(fact, wanted),
    }
}

fn of_rollout(fact: &DeliveryFact, rollout: &RolloutFact, wanted: u64) -> (DeliveryPhase, String) {
    let progressing = |why: &str| (Progressing, why.to_owned());
    // One that is newer than the spec is no generation: controllers before 0.10 kept a hash there.
    if fact.observed.is_some_and(|observed| observed < fact.generation) {
        return progressing("waiting for rollout spec update to be observed");
    }
    if rollout.controller_pauses && rollout.pauses.is_empty() {
        return progressing("waiting for rollout to unpause");
    }
    if rollout.template_of.is_some() && rollout.template_unobserved {
        return progressing("waiting for rollout spec update to be observed for the reference workload");
    }
    match &rollout.phase {
        Some(phase) => (DeliveryPhase::of(phase), rollout.message.clone().unwrap_or_default()),
        None => reckoned(fact, rollout, wanted),
    }
}

/// What a controller before 1.0 left to its clients.
fn reckoned(fact: &DeliveryFact, rollout: &RolloutFact, wanted: u64) -> (DeliveryPhase, String) {
    let progressing = |why: &str| (Progressing, why.to_owned());
    for condition in &fact.conditions {
        let message = condition.message.as_deref().unwrap_or_default();
        if condition.kind == "InvalidSpec" {
            return (Degraded, format!("InvalidSpec: {message}"));
        }
        if let Some(reason @ ("RolloutAborted" | "ProgressDeadlineExceeded")) = condition.reason.as_deref() {
            return (Degraded, format!("{reason}: {message}"));
        }
    }
    if fact.paused {
        return (Paused, "manually paused".to_owned());
    }
    if let Some((reason, _)) = rollout.pauses.first() {
        return (Paused, reason.to_string());
    }
    if rollout.restarts {
        return progressing("rollout is restarting");
    }
    if fact.pods.updated < wanted {
        return progressing("more replicas need to be updated");
    }
    if fact.pods.available < fact.pods.updated {
        return progressing("updated replicas are still becoming available");
    }
    let promoted = fact.stable.is_some() && fact.stable == fact.current;
    match &fact.strategy {
        StrategyFact::BlueGreen { analysed_behind, .. } => {
            if rollout.active.is_none() || rollout.active != fact.current {
                return progressing("active service cutover pending");
            }
            if !promoted && *analysed_behind && !rollout.analysed {
                return progressing("waiting for analysis to complete");
            }
            if !promoted {
                return progressing("waiting for post-promotion verification to complete");
            }
        }
        StrategyFact::Canary { router, .. } => {
            if router.is_none() && fact.pods.all > fact.pods.updated {
                return progressing("old replicas are pending termination");
            }
            if !promoted {
                return progressing("waiting for all steps to complete");
            }
        }
        _ => {}
    }
    (Healthy, String::new())
}

fn of_other(fact: &DeliveryFact, wanted: u64) -> (DeliveryPhase, String) {
    let progressing = |why: String| (Progressing, why);
    let Some(observed) = fact.observed else { return progressing("no controller has said anything of it yet".into()) };
    if observed < fact.generation {
        return progressing("waiting for the spec to be taken up".into());
    }
    if let Some(stuck) = fact.conditions.iter().find(|condition| is_stuck(condition)) {
        return (Degraded, stated(stuck));
    }
    if fact.paused {
        return (Paused, "paused by a person".to_owned());
    }
    let pods = fact.pods;
    let held = match fact.strategy {
        StrategyFact::Rolling { partition } => u64::from(partition).min(wanted),
        _ => 0,
    };
    // A StatefulSet says that it keeps no other revision; a Deployment says only how many pods have the new one.
    let settled = fact.current.is_some() && fact.current == fact.stable;
    if pods.updated < wanted - held && !settled {
        let why = format!("{} of {wanted} pods have the new revision", pods.updated);
        return match fact.strategy {
            StrategyFact::OnDelete => (Paused, format!("{why}; the others wait until somebody deletes them")),
            _ => progressing(why),
        };
    }
    if held > 0 && !settled {
        return (Paused, format!("its partition keeps {held} of {wanted} pods on the old revision"));
    }
    if pods.all > wanted.max(pods.updated) {
        return progressing(format!("{} old pods are still there", pods.all - wanted.max(pods.updated)));
    }
    if pods.available < wanted {
        return progressing(format!("{} of {wanted} pods are available", pods.available));
    }
    (Healthy, String::new())
}

fn is_stuck(condition: &StatedFact) -> bool {
    let is = |kind: &str, status: &str| condition.kind == kind && condition.status == status;
    is("ReplicaFailure", "True")
        || (is("Progressing", "False") && condition.reason.as_deref() == Some("ProgressDeadlineExceeded"))
}

fn stated(condition: &StatedFact) -> String {
    let words = [condition.reason.as_ref().map(SmolStr::as_str), condition.message.as_deref()];
    words.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::PodsFact;

    fn pods(all: u64, updated: u64, available: u64) -> PodsFact {
        PodsFact { all, updated, ready: available, available }
    }

    #[track_caller]
    fn check(replicas: u64, fact: DeliveryFact, want: &str) {
        let controller = ControllerFact { replicas: Some(replicas), ..ControllerFact::default() };
        let (phase, why) = phase(&controller, &fact);
        assert_eq!(format!("{}: {why}", phase.word()).trim_end_matches(": "), want);
    }

    fn rollout(change: impl FnOnce(&mut DeliveryFact, &mut RolloutFact)) -> DeliveryFact {
        let mut fact = DeliveryFact {
            strategy: StrategyFact::Canary { steps: Vec::new(), router: None, whole: 100 },
            generation: 3,
            observed: Some(3),
            pods: pods(5, 5, 5),
            current: Some("b".into()),
            stable: Some("b".into()),
            ..DeliveryFact::default()
        };
        let mut rollout = RolloutFact::default();
        change(&mut fact, &mut rollout);
        DeliveryFact { rollout: Some(Box::new(rollout)), ..fact }
    }

    #[test]
    fn a_controller_is_believed_only_of_a_spec_that_it_has_seen() {
        let says = |_: &mut DeliveryFact, of: &mut RolloutFact| of.phase = Some("Healthy".into());
        check(5, rollout(says), "Healthy");
        check(
            5,
            rollout(|fact, of| {
                says(fact, of);
                fact.observed = Some(2);
            }),
            "Progressing: waiting for rollout spec update to be observed",
        );
        // What is newer than the spec is a hash of old.
        check(
            5,
            rollout(|fact, of| {
                says(fact, of);
                fact.observed = Some(77_123);
            }),
            "Healthy",
        );
        check(
            5,
            rollout(|fact, of| {
                says(fact, of);
                of.controller_pauses = true;
            }),
            "Progressing: waiting for rollout to unpause",
        );
        check(
            5,
            rollout(|_, of| {
                of.phase = Some("Paused".into());
                of.message = Some("CanaryPauseStep".into());
                of.controller_pauses = true;
                of.pauses = vec![("CanaryPauseStep".into(), None)];
            }),
            "Paused: CanaryPauseStep",
        );
    }

    #[test]
    fn where_the_controller_says_no_phase_it_is_reckoned_as_its_clients_do() {
        check(5, rollout(|_, _| ()), "Healthy");
        check(5, rollout(|fact, _| fact.paused = true), "Paused: manually paused");
        check(5, rollout(|fact, _| fact.pods.updated = 2), "Progressing: more replicas need to be updated");
        check(5, rollout(|fact, _| fact.pods.all = 6), "Progressing: old replicas are pending termination");
        check(5, rollout(|fact, _| fact.stable = Some("a".into())), "Progressing: waiting for all steps to complete");
        check(5, rollout(|_, of| of.restarts = true), "Progressing: rollout is restarting");
        let aborted = StatedFact {
            reason: Some("RolloutAborted".into()),
            message: Some("by hand".into()),
            ..StatedFact::default()
        };
        check(5, rollout(|fact, _| fact.conditions = vec![aborted]), "Degraded: RolloutAborted: by hand");
        let blue = |fact: &mut DeliveryFact| {
            fact.strategy = StrategyFact::BlueGreen { promotes_itself: false, analysed_behind: true };
            fact.stable = Some("a".into());
        };
        check(5, rollout(|fact, _| blue(fact)), "Progressing: active service cutover pending");
        check(
            5,
            rollout(|fact, of| {
                blue(fact);
                of.active = Some("b".into());
            }),
            "Progressing: waiting for analysis to complete",
        );
    }

    #[test]
    fn a_deployment_is_where_its_counts_and_conditions_say() {
        let of = |pods, change: fn(&mut DeliveryFact)| {
            let mut fact = DeliveryFact {
                strategy: StrategyFact::Rolling { partition: 0 },
                generation: 2,
                observed: Some(2),
                pods,
                current: Some("b".into()),
                stable: Some("a".into()),
                ..DeliveryFact::default()
            };
            change(&mut fact);
            fact
        };
        check(3, of(pods(3, 3, 3), |_| ()), "Healthy");
        check(3, of(pods(4, 1, 3), |_| ()), "Progressing: 1 of 3 pods have the new revision");
        check(3, of(pods(4, 3, 3), |_| ()), "Progressing: 1 old pods are still there");
        check(3, of(pods(3, 3, 2), |_| ()), "Progressing: 2 of 3 pods are available");
        check(0, of(pods(0, 0, 0), |_| ()), "Healthy");
        // A Deployment names no revision.
        let unnamed = |fact: &mut DeliveryFact| (fact.current, fact.stable) = (None, None);
        check(3, of(pods(4, 1, 3), unnamed), "Progressing: 1 of 3 pods have the new revision");
        check(3, of(pods(3, 3, 3), |fact| fact.observed = Some(1)), "Progressing: waiting for the spec to be taken up");
        check(3, of(pods(3, 3, 3), |fact| fact.paused = true), "Paused: paused by a person");
        check(
            3,
            of(pods(4, 1, 3), |fact| {
                fact.conditions = vec![StatedFact {
                    kind: "Progressing".into(),
                    status: "False".into(),
                    reason: Some("ProgressDeadlineExceeded".into()),
                    message: Some("it took too long".into()),
                    since: None,
                }];
            }),
            "Degraded: ProgressDeadlineExceeded: it took too long",
        );
        check(
            3,
            of(pods(3, 1, 3), |fact| fact.strategy = StrategyFact::OnDelete),
            "Paused: 1 of 3 pods have the new revision; the others wait until somebody deletes them",
        );
        check(
            3,
            of(pods(3, 1, 3), |fact| fact.strategy = StrategyFact::Rolling { partition: 2 }),
            "Paused: its partition keeps 2 of 3 pods on the old revision",
        );
    }
}
