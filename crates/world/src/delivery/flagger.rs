//! Where a canary of Flagger is on its way, by the words of its controller.

use crate::fact::FlaggerFact;
use pilothouse_wire::view::DeliveryPhase::{self, Degraded, Healthy, Paused, Progressing, Unknown};

/// Its phase, and why. Source: `CanaryPhase` of Flagger's API.
pub(super) fn phase(flagger: &FlaggerFact) -> (DeliveryPhase, String) {
    let Some(said) = flagger.phase.as_deref() else {
        return (Progressing, "no controller has said anything of it yet".to_owned());
    };
    let checks = match flagger.failed_checks {
        0 => String::new(),
        failed => format!(", {failed} of {} failed checks that take it back", flagger.most_failed.max(1)),
    };
    let why = match said {
        "Initializing" => "its first copy of the workload is being made".to_owned(),
        "Waiting" => "it waits for the gate confirm-rollout".to_owned(),
        "Progressing" => format!("{} % of traffic{checks}", flagger.weight.unwrap_or(0)),
        "WaitingPromotion" => "it waits for the gate confirm-promotion".to_owned(),
        "Promoting" => "the new revision becomes the one that is kept".to_owned(),
        "Finalising" => "the copy that was tried is being taken down".to_owned(),
        "Failed" => format!("it was taken back{checks}"),
        "Terminating" => "it is being taken away".to_owned(),
        _ => String::new(),
    };
    let phase = match said {
        "Initializing" | "Progressing" | "Promoting" | "Finalising" | "Terminating" => Progressing,
        "Waiting" | "WaitingPromotion" => Paused,
        "Initialized" | "Succeeded" => Healthy,
        "Failed" => Degraded,
        _ => Unknown,
    };
    (phase, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_of_flagger_is_a_phase_and_a_new_one_is_none() {
        let of = |phase: &str, failed| {
            let fact = FlaggerFact {
                phase: Some(phase.into()),
                weight: Some(20),
                failed_checks: failed,
                most_failed: 5,
                ..FlaggerFact::default()
            };
            let (phase, why) = super::phase(&fact);
            format!("{}: {why}", phase.word())
        };
        for (said, failed, want) in [
            ("Initialized", 0, "Healthy: "),
            ("Progressing", 0, "Progressing: 20 % of traffic"),
            ("Progressing", 2, "Progressing: 20 % of traffic, 2 of 5 failed checks that take it back"),
            ("WaitingPromotion", 0, "Paused: it waits for the gate confirm-promotion"),
            ("Failed", 5, "Degraded: it was taken back, 5 of 5 failed checks that take it back"),
            ("Succeeded", 0, "Healthy: "),
            ("Sideways", 0, "Unknown: "),
        ] {
            assert_eq!(of(said, failed), want, "{said}");
        }
        let (phase, why) = super::phase(&FlaggerFact::default());
        assert_eq!((phase, why.as_str()), (Progressing, "no controller has said anything of it yet"));
    }
}
