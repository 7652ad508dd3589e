//! What is wrong with an Alertmanager, in words: what happened, why, what comes next.

use super::kind;
use crate::{
    failure::Failure,
    place::Place,
    problems::{self, sentence},
};
use pilothouse_wire::{Code, Problem, units};

/// Where its API may stand.
const PREFIXES: &str =
    "Mimir has /alertmanager before it, and an Alertmanager behind a gateway what --web.route-prefix says.";

/// A failure in words.
#[must_use]
pub fn problem(failure: &Failure, place: &Place) -> Problem {
    match failure {
        Failure::Refusal(refusal) if matches!(refusal.status, 404 | 405 | 410) => {
            let Place { name, host, .. } = place;
            Problem::new(Code::NotFound, format!("{name} has no API of an Alertmanager at this address."))
                .why(format!("{} to {}: {}", refusal.status, refusal.path, sentence(&refusal.message)))
                .next(format!(
                    "Check that {host} is an Alertmanager of version 0.16 or later, and the prefix in the field \"{}\". \
                     {PREFIXES}",
                    place.field()
                ))
        }
        other => problems::problem(other, place),
    }
}

/// Some alerts could not be used.
#[must_use]
pub fn dropped(place: &Place, n: u64) -> Problem {
    Problem::new(Code::BadInput, format!("{} of the alerts of {} are left out.", units::count(n), place.name))
        .why("They have no start or no fingerprint, or there are more than 5,000.")
        .next("All others are shown.")
}

/// YAML of an alert.
#[must_use]
pub fn no_yaml(place: &Place) -> Problem {
    Problem::new(Code::NotOffered, format!("{} keeps no objects.", place.name))
        .why(format!("It is an {}: it has alerts alone.", kind::KIND.name))
}
