//! What is known of a service because KServe keeps it.

use crate::{
    delivery,
    fact::{CanaryFact, DeliveryFact, ServedFact, StatedFact},
};
use pilothouse_wire::{
    SmolStr,
    view::{
        Status,
        delivery::{CanaryRow, RevisionRow, Role, ServedRow, StatedRow},
    },
};
use std::collections::BTreeSet;

/// As a person reads it; none of a service that another keeps.
pub(super) fn row(fact: &DeliveryFact) -> Option<ServedRow> {
    let served = delivery::served(fact)?;
    let (load, load_status) = load(served);
    Some(ServedRow {
        mode: served.mode,
        model: served.model.clone(),
        format: served.format.clone(),
        runtime: served.runtime.clone(),
        url: served.url.clone(),
        stops: served.stops,
        load,
        load_status,
        failure: served.load.failure_words(),
        failed_at: served.load.failure.as_ref().and_then(|failure| failure.at),
        conditions: fact.conditions.iter().map(stated).collect(),
        canaries: delivery::canaries(fact).iter().flat_map(|of| &of.canaries).map(canary).collect(),
    })
}

fn canary(canary: &CanaryFact) -> CanaryRow {
    CanaryRow { name: canary.name.clone(), model: canary.model.clone(), wanted: canary.percent, is_ready: canary.ready }
}

fn load(served: &ServedFact) -> (Option<String>, Status) {
    let load = &served.load;
    let status = match load.transition.as_deref() {
        Some("UpToDate") => Status::Good,
        Some("InProgress") => Status::Progress,
        Some("BlockedByFailedLoad" | "InvalidSpec") => Status::Bad,
        _ => Status::Unknown,
    };
    let states = [&load.active, &load.target].map(|state| state.as_ref().map(SmolStr::as_str));
    let states = match states {
        [Some(active), Some(target)] if active != target && !target.is_empty() => Some(format!("{active} → {target}")),
        [active, target] => active.or(target).map(str::to_owned),
    };
    let copies = (load.failed > 0).then(|| format!("{} copies failed", load.failed));
    let words: Vec<String> =
        [load.transition.as_ref().map(SmolStr::to_string), states, copies].into_iter().flatten().collect();
    ((!words.is_empty()).then(|| words.join(", ")), status)
}

fn stated(condition: &StatedFact) -> StatedRow {
    let words = [condition.reason.as_ref().map(SmolStr::as_str), condition.message.as_deref()];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    // To be stopped is no good and no bad news.
    let status = match (condition.kind.as_str(), condition.status.as_str()) {
        ("Stopped", _) => Status::Unknown,
        (_, "True") => Status::Good,
        (_, "False") => Status::Warn,
        _ => Status::Progress,
    };
    StatedRow {
        kind: condition.kind.clone(),
        holds: condition.status.clone(),
        status,
        why: (!words.is_empty()).then(|| words.join(": ")),
        since: condition.since,
    }
}

/// The revisions that its router knows, and those that it keeps the names of.
pub(super) fn routed(served: &ServedFact) -> BTreeSet<&SmolStr> {
    let named = [&served.created, &served.ready, &served.rolled_out].into_iter().flatten();
    named.chain(served.traffic.iter().map(|target| &target.revision)).filter(|name| !name.is_empty()).collect()
}

/// A revision of which nothing is known but its name and its share. Knative numbers them: `chat-predictor-00002`.
pub(super) fn revision(name: &SmolStr, role: Role, (wanted, actual): (Option<u32>, Option<u32>)) -> RevisionRow {
    RevisionRow {
        number: name.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0),
        part: None,
        name: name.clone(),
        hash: Some(name.clone()),
        role,
        created: None,
        images: Vec::new(),
        wanted: None,
        ready: None,
        available: None,
        weight_wanted: wanted,
        weight_actual: actual,
        gpus: 0,
        restarts: 0,
        pods: Vec::new(),
        pods_left_out: 0,
        goes_at: None,
        serving: None,
    }
}
