//! Does a pod hold GPUs and not run, or is it not ready?

use crate::{answer::Answer, limits::START, site::Site};
use pilothouse_wire::{
    Stamp,
    view::{GpuState, PodRow},
};

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

/// What is said of a GPU that pods share.
pub(super) const SHARED_REASON: &str =
    "Pods that hold parts of it are placed, and none of them has been ready for 10 min or longer.";

/// A GPU of which pods hold parts: it is wasted only where none of them is ready.
pub(super) struct Shared<'a> {
    /// Those that are known to hold parts of it; of one of which nobody says who does, all that may.
    pub pods: Vec<&'a PodRow>,
    /// Since when none of them is ready.
    pub answer: Answer<Stamp>,
}

/// Judges a GPU that is shared; `there` are the pods of its node. `None` for one of which nothing is seen.
pub(super) fn judge_shared<'a>(site: Site<'a>, slot: u16, there: &[&'a PodRow]) -> Option<Shared<'a>> {
    site.cell(slot).filter(|cell| cell.state == GpuState::Shared)?;
    let holds = |pod: &PodRow, slot: u16| site.node.is_held_by(usize::from(slot), &pod.id);
    let named: Vec<&PodRow> = there.iter().copied().filter(|pod| holds(pod, slot)).collect();
    let is_named = !named.is_empty();
    let may = |pod: &&PodRow| pod.shares > 0 && !site.slots().any(|slot| holds(pod, slot));
    let pods = if is_named { named } else { there.iter().copied().filter(may).collect() };
    let answers: Vec<Answer<Stamp>> = pods.iter().map(|pod| judge(pod, site.now)).collect();
    let since: Vec<Stamp> = answers.iter().filter_map(|answer| answer.clone().yes()).collect();
    let answer = match since.iter().max() {
        Some(latest) if since.len() == pods.len() => Answer::Yes(*latest),
        _ if pods.is_empty() => return None,
        // One that works is enough, where it is known to have a part of this one.
        _ if answers.contains(&Answer::No) && (is_named || since.is_empty()) => Answer::No,
        _ if is_named => Answer::CannotTell("Nobody says since when one of the pods that share it is not ready."),
        _ => Answer::CannotTell("Some pods of the node are not ready, and nobody says which GPU they have a part of."),
    };
    Some(Shared { pods, answer })
}
