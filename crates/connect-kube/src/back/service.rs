//! A service as its server has it: its revisions, how it replaces pods, how long its last change took. Pure.

use crate::acts::{
    revision::{self, Revision, Running},
    rollout,
};
use pilothouse_wire::{Stamp, back::Replaces};
use serde_json::Value;

/// Where the number of a revision stands on a ReplicaSet, by who keeps it.
const NUMBERS: [&str; 2] = ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"];

/// A Rollout between two revisions.
pub(super) struct Midway {
    /// The number of the revision that it came from.
    pub stable: u64,
    /// Was it stopped already?
    pub aborted: bool,
}

/// Is it between two revisions?
pub(super) fn midway(kind: &str, object: &Value, revisions: &[Revision]) -> Option<Midway> {
    let status = &object["status"];
    let stable = status["stableRS"].as_str().filter(|stable| kind == "Rollout" && !stable.is_empty())?;
    let stable =
        revisions.iter().find(|revision| Running::Hash(stable).is(revision) && status["currentPodHash"] != stable);
    Some(Midway { stable: stable?.number, aborted: status["abort"] == true })
}

/// Is it the stable revision of a Rollout: the one that serves, whatever else is on its way?
pub(super) fn is_stable(kind: &str, object: &Value, revision: &Revision) -> bool {
    kind == "Rollout" && rollout::is_stable(object, revision)
}

/// What a Rollout waits for on its way back. One that goes back to its stable revision goes straight, and so do others that its
/// controller takes there fast. Source: the documentation of `strategy` of Argo Rollouts.
pub(super) fn stops(kind: &str, object: &Value, revisions: &[Revision], then: &Revision) -> Option<String> {
    let spec = &object["spec"];
    if kind != "Rollout" || rollout::fast(object, revisions, then).is_some() {
        return None;
    }
    if spec["strategy"]["blueGreen"]["autoPromotionEnabled"] == false {
        return Some("It waits for a person to promote it.".to_owned());
    }
    let steps = spec["strategy"]["canary"]["steps"].as_array().filter(|steps| !steps.is_empty())?;
    let waits = steps.iter().position(|step| step["pause"].is_object() && step["pause"]["duration"].is_null());
    let waits = waits.map(|at| format!(", of which step {} waits for a person", at + 1)).unwrap_or_default();
    Some(format!("It goes by the {} steps of its strategy{waits}.", steps.len()))
}

/// The object that keeps the revision of this number.
pub(super) fn item<'a>(list: &'a Value, owner: &str, number: u64) -> Option<&'a Value> {
    let items = list["items"].as_array()?;
    items.iter().find(|item| revision::is_owned(item, owner) && number_of(item) == Some(number))
}

fn number_of(item: &Value) -> Option<u64> {
    let annotations = &item["metadata"]["annotations"];
    let annotated = || NUMBERS.iter().find_map(|key| annotations[*key].as_str()?.parse().ok());
    item["revision"].as_u64().or_else(annotated)
}

/// The API of the controller, as it stood when the revision was made.
pub(super) fn owner_api(item: &Value) -> pilothouse_wire::SmolStr {
    let owners = item["metadata"]["ownerReferences"].as_array();
    let owner = owners.into_iter().flatten().find(|owner| owner["controller"] == true);
    owner.and_then(|owner| owner["apiVersion"].as_str()).unwrap_or_default().into()
}

/// Pods that are wanted. What is not said is one.
pub(super) fn wanted(kind: &str, object: &Value) -> u64 {
    match kind {
        "DaemonSet" => object["status"]["desiredNumberScheduled"].as_u64().unwrap_or(0),
        _ => object["spec"]["replicas"].as_u64().unwrap_or(1),
    }
}

/// How pods are replaced. Sources: `apps/v1` of each kind; of Rollouts the documentation of `strategy`.
pub(super) fn replaces(kind: &str, object: &Value) -> Replaces {
    let (spec, wanted) = (&object["spec"], wanted(kind, object));
    let rolling = |of: &Value, surge: &str, unavailable: &str| {
        let surge = pods(&of["maxSurge"], surge, wanted, Round::Up);
        let unavailable = pods(&of["maxUnavailable"], unavailable, wanted, Round::Down);
        // With none of either nothing could ever move: a controller takes one.
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        Replaces::Rolling { surge, unavailable }
    };
    let update = &spec["updateStrategy"];
    match kind {
        "Deployment" if spec["strategy"]["type"] == "Recreate" => Replaces::AllAtOnce,
        "Deployment" => rolling(&spec["strategy"]["rollingUpdate"], "25%", "25%"),
        "Rollout" if spec["strategy"]["blueGreen"].is_object() => Replaces::BesideIt,
        // Where a router splits traffic, a whole set stands beside the other, unless that one shrinks as this one grows.
        "Rollout"
            if spec["strategy"]["canary"]["trafficRouting"].is_object()
                && spec["strategy"]["canary"]["dynamicStableScale"] != true =>
        {
            Replaces::BesideIt
        }
        "Rollout" => rolling(&spec["strategy"]["canary"], "25%", "25%"),
        // Source: `RolloutStrategy` of kubernetes-sigs/lws: a group ends whole before it comes anew, unless there may be more.
        "LeaderWorkerSet" => {
            let of = &spec["rolloutStrategy"]["rollingUpdateConfiguration"];
            match (of["partition"].as_u64().unwrap_or(0), pods(&of["maxSurge"], "0", wanted, Round::Up)) {
                (0, surge) if surge > 0 => rolling(of, "0", "1"),
                (partition, _) => Replaces::InPlace { partition },
            }
        }
        "StatefulSet" | "DaemonSet" if update["type"] == "OnDelete" => Replaces::OnDelete,
        "DaemonSet" if pods(&update["rollingUpdate"]["maxSurge"], "0", wanted, Round::Up) > 0 => {
            rolling(&update["rollingUpdate"], "0", "1")
        }
        _ => Replaces::InPlace { partition: update["rollingUpdate"]["partition"].as_u64().unwrap_or(0) },
    }
}

enum Round {
    Up,
    Down,
}

/// A number of pods, or a share of those that are wanted.
fn pods(value: &Value, default: &str, wanted: u64, round: Round) -> u64 {
    let text = value.as_str().unwrap_or(default);
    match (value.as_u64(), text.strip_suffix('%').and_then(|share| share.parse::<u64>().ok())) {
        (Some(number), _) => number,
        (None, Some(share)) => {
            let parts = share.saturating_mul(wanted);
            match round {
                Round::Up => parts.div_ceil(100),
                Round::Down => parts / 100,
            }
        }
        (None, None) => text.parse().unwrap_or(0),
    }
}

/// From when to when the last change took, where the server keeps both: a Deployment that has made a ReplicaSet anew says when
/// that was complete. One that took up an older set does not say when it began.
pub(super) fn last_change(kind: &str, object: &Value, set: &Value) -> Option<(Stamp, Stamp)> {
    let metadata = &set["metadata"];
    let reused = metadata["annotations"]["deployment.kubernetes.io/revision-history"].is_string();
    if kind != "Deployment" || reused {
        return None;
    }
    let conditions = object["status"]["conditions"].as_array()?;
    let done = conditions.iter().find(|of| of["type"] == "Progressing" && of["reason"] == "NewReplicaSetAvailable")?;
    // It may be of the set before.
    done["message"].as_str()?.contains(metadata["name"].as_str()?).then_some(())?;
    let at = |value: &Value| value.as_str()?.parse::<Stamp>().ok();
    let (begun, ended) = (at(&metadata["creationTimestamp"])?, at(&done["lastUpdateTime"])?);
    (ended >= begun).then_some((begun, ended))
}
