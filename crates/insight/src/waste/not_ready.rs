//! Does a pod hold GPUs and not run, or is it not ready?

use crate::{answer::Answer, limits::START};
use pilothouse_wire::{Stamp, view::PodRow};

/// What is said where it is so.
pub(super) const REASON: &str = "The pod is placed and holds them, but has not been ready for 10 min or longer.";

/// Since when it is not ready.
pub(super) fn judge(pod: &PodRow, now: Stamp) -> Answer<Stamp> {
    if pod.containers == 0 {
        return Answer::CannotTell("Nothing is said of its containers.");
    }
    if pod.ready >= pod.containers {
        return Answer::No;
    }
    let ready = pod.conditions.iter().find(|condition| condition.kind == "Ready" && condition.status != "True");
    match ready.and_then(|condition| condition.since).or(pod.created) {
        Some(since) if now.since(since) >= START => Answer::Yes(since),
        Some(_) => Answer::No,
        None => Answer::CannotTell("Nobody says since when it is not ready."),
    }
}
