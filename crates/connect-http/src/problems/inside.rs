//! What is wrong on the way to a server inside of a cluster, in words.

use super::{AGAIN, sentence};
use crate::{
    destination::{SERVICE_FIELD, VIA_FIELD},
    failure::Refusal,
    place::Place,
};
use pilothouse_connect::NoRelay;
use pilothouse_wire::{Code, Problem};
use std::time::Duration;

/// The connection on the way leads nowhere now.
pub(crate) fn no_way(no: &NoRelay, place: &Place) -> Problem {
    let (name, via) = (&place.name, place.by_way.as_deref().unwrap_or_default());
    let what = |how: &str| format!("{name} is reached by way of \"{via}\", {how}");
    let label = VIA_FIELD.label;
    match no {
        NoRelay::Unknown(known) => {
            let known: Vec<&str> = known.iter().map(|id| id.as_str()).filter(|id| *id != via).collect();
            let why = match known.as_slice() {
                [] => "No cluster is connected.".to_owned(),
                some => format!("There are: {}.", some.join(", ")),
            };
            Problem::new(Code::BadInput, what("and there is no such connection in this run."))
                .why(why)
                .next(format!("{AGAIN} Connect the cluster, or correct the field \"{label}\"."))
        }
        NoRelay::Unfit => Problem::new(Code::BadInput, what("which leads into no cluster."))
            .why("It is a connection of another kind: only a cluster has services inside.")
            .next(format!("Name the connection of the cluster in the field \"{label}\".")),
        NoRelay::Paused => Problem::new(Code::NotOffered, what("which is paused."))
            .why("A connection that is paused contacts nobody, for others neither.")
            .next(format!("Resume \"{via}\". {AGAIN}")),
        NoRelay::NotYet => Problem::new(Code::TimedOut, what("which is not open yet."))
            .why("It signs in, or waits for somebody.")
            .next(AGAIN),
        NoRelay::Shut(problem) => {
            let told = Problem::new(problem.code, what("which cannot be opened.")).why(together(problem));
            let told = told.next(problem.next.clone().unwrap_or_else(|| AGAIN.to_owned()));
            Problem { remedy: problem.remedy.clone(), ..told }
        }
    }
}

/// The cluster on the way was not reached, or did not let us through: its connection's words, under this one's name.
pub(crate) fn on_the_way(problem: Problem, place: &Place) -> Problem {
    let (name, via) = (&place.name, place.by_way.as_deref().unwrap_or_default());
    Problem { what: format!("{name} is not reached by way of \"{via}\"."), why: Some(together(&problem)), ..problem }
}

fn together(problem: &Problem) -> String {
    match &problem.why {
        Some(why) => format!("{} {why}", problem.what),
        None => problem.what.clone(),
    }
}

/// Nothing came, and nobody knows from whom.
pub(super) fn silent(limit: Duration, place: &Place) -> Problem {
    let (name, host) = (&place.name, &place.host);
    Problem::new(Code::TimedOut, format!("{name} did not answer within {} s.", limit.as_secs()))
        .why(format!("Nothing came from {host}: it, or the API server on the way, is overloaded or hangs."))
        .next(AGAIN)
}

/// The cluster let us through, and the server itself says 401 or 403.
pub(super) fn refused_there(refusal: &Refusal, place: &Place) -> Problem {
    let Place { name, host, .. } = place;
    let via = place.by_way.as_deref().unwrap_or_default();
    let said = format!("{} to {} of {host} itself: {}", refusal.status, refusal.path, sentence(&refusal.message));
    let (code, what) = match refusal.status {
        401 => (Code::Unauthenticated, format!("{name} wants a sign-in of its own.")),
        _ => (Code::Denied, format!("{name} says no, though \"{via}\" let us through.")),
    };
    Problem::new(code, what).why(format!("{said} No right in the cluster would change that.")).next(format!(
        "On this way no credential gets there: give its own address with one, or name a service of it in \"{}\" that has no \
         gateway in front.",
        SERVICE_FIELD.label
    ))
}
