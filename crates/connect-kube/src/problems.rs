//! Every failure in words: what happened, why, what comes next. The only place of this crate that puts them together.

mod relay;
mod status;
mod transport;

pub use relay::beyond;
pub use status::{acting_role, denied, may_not, role};

use crate::{failure::Failure, place::Place};
use pilothouse_wire::{Code, Problem, Stamp};
use std::time::Duration;

/// What stands at the end of most: nobody has to do anything for it.
pub(crate) const AGAIN: &str = "It is tried again by itself.";

impl Failure {
    /// The failure in words.
    #[must_use]
    pub fn problem(&self, place: &Place) -> Problem {
        let Place { name, host, .. } = place;
        match self {
            Self::Told(problem) => problem.clone(),
            Self::Transport(error) => transport::problem(error.as_ref(), place),
            Self::TimedOut(limit) => {
                Problem::new(Code::TimedOut, format!("{name} did not answer within {} s.", limit.as_secs()))
                    .why(format!("{host} took the request and then said nothing."))
                    .next(format!("{AGAIN} The API server is overloaded or hangs; the network is not the cause."))
            }
            Self::Refusal(refusal) => status::problem(refusal, place),
            Self::Unreadable(why) => Problem::new(Code::BadInput, format!("What {name} answered cannot be read."))
                .why(format!("{why}."))
                .next(format!("{AGAIN} Check that {host} is a Kubernetes API server, and no proxy in front of it.")),
            Self::TooLarge => Problem::new(Code::BadInput, format!("An answer of {name} is too large."))
                .why("One object in it is larger than any that Kubernetes keeps.")
                .next(format!("{AGAIN} Check that {host} is a Kubernetes API server.")),
        }
    }
}

/// The server's clock and ours differ.
#[must_use]
pub fn clock_skew(place: &Place, server: Stamp, ours: Stamp) -> Problem {
    let (ahead, by) = if server > ours { ("ahead of", server.since(ours)) } else { ("behind", ours.since(server)) };
    Problem::new(Code::ClockSkew, format!("The clock of {} is {} {ahead} ours.", place.name, span(by)))
        .why("Its answers carry another time than this machine's clock.")
        .next("Ages are off by as much. Set the clock that is wrong: mostly this machine's.")
}

/// TLS is not checked: a person is to be reminded as long as it is so.
#[must_use]
pub fn insecure(place: &Place) -> Problem {
    Problem::new(Code::TlsUntrusted, format!("The certificate of {} is not checked.", place.name))
        .why(format!(
            "TLS verification is off: whoever answers at {} is believed, and is sent our credential.",
            place.host
        ))
        .next(format!("Put the cluster's authority into {} and turn verification on.", place.file))
}

/// A length of time for people: "2 min 08 s".
#[must_use]
pub fn span(length: Duration) -> String {
    let s = length.as_secs();
    match (s / 86_400, s / 3_600 % 24, s / 60 % 60, s % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, min, s) => format!("{min} min {s:02} s"),
        (0, h, min, _) => format!("{h} h {min:02} min"),
        (d, h, ..) => format!("{d} d {h} h"),
    }
}

/// A server's own words, as one line of bearable length.
#[must_use]
pub(crate) fn line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
