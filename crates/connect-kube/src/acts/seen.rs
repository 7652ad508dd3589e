//! Is an object as it should be after a deed? By the rules of `kubectl rollout status`.

use pilothouse_connect::Seen;
use pilothouse_wire::plan::Deed;
use serde_json::Value;

/// How an object is, after a deed. `uid` is of the one that the plan was made for; `object` is none where there is no such
/// object any more.
pub(super) fn seen(deed: &Deed, kind: &str, uid: &str, object: Option<&Value>) -> Seen {
    let Some(object) = object.filter(|object| uid.is_empty() || object["metadata"]["uid"] == uid) else {
        return match deed {
            Deed::Delete => Seen::Met("it is gone".to_owned()),
            _ => Seen::Never("it is gone".to_owned()),
        };
    };
    let spec = &object["spec"];
    let is = |holds: bool, words: &str| {
        if holds { Seen::Met(words.to_owned()) } else { Seen::NotYet(format!("not yet so: {words}")) }
    };
    match deed {
        Deed::Cordon => is(spec["unschedulable"] == true, "it is cordoned"),
        Deed::Uncordon => is(spec["unschedulable"] != true, "it is open for pods"),
        Deed::Pause => is(spec["paused"] == true, "it is paused"),
        Deed::Resume => is(spec["paused"] != true, "it is not paused"),
        Deed::Delete => Seen::NotYet("it is still there".to_owned()),
        Deed::Scale(to) if spec["replicas"].as_u64().unwrap_or(1) != u64::from(*to) => {
            Seen::Never(format!("somebody set {} pods since", spec["replicas"]))
        }
        Deed::SetImage { container, image } if !runs(spec, container, image) => {
            Seen::Never(format!("{container} was given another image since"))
        }
        Deed::Scale(_) | Deed::Restart | Deed::Undo(_) | Deed::SetImage { .. } => rolled(kind, object),
    }
}

fn runs(spec: &Value, container: &str, image: &str) -> bool {
    let containers = spec["template"]["spec"]["containers"].as_array();
    containers.into_iter().flatten().any(|one| one["name"] == container && one["image"] == image)
}

/// Are all pods of the newest revision, and ready?
fn rolled(kind: &str, object: &Value) -> Seen {
    let (spec, status) = (&object["spec"], &object["status"]);
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let observed = number(&status["observedGeneration"]) >= number(&object["metadata"]["generation"]);
    if !observed {
        return Seen::NotYet("its controller has not seen it yet".to_owned());
    }
    let conditions = status["conditions"].as_array();
    let stuck = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded");
    if let Some(stuck) = stuck {
        return Seen::Never(stuck["message"].as_str().unwrap_or("it made no progress in its time").to_owned());
    }
    let (wanted, updated, ready) = match kind {
        "DaemonSet" => (
            number(&status["desiredNumberScheduled"]),
            number(&status["updatedNumberScheduled"]),
            number(&status["numberAvailable"]),
        ),
        "ReplicaSet" => (spec["replicas"].as_u64().unwrap_or(1), u64::MAX, number(&status["availableReplicas"])),
        "StatefulSet" => {
            // A revision that all pods have is no update any more, and is not counted as one.
            let done = status["currentRevision"] == status["updateRevision"];
            let updated = if done { u64::MAX } else { number(&status["updatedReplicas"]) };
            (spec["replicas"].as_u64().unwrap_or(1), updated, number(&status["readyReplicas"]))
        }
        _ => (
            spec["replicas"].as_u64().unwrap_or(1),
            number(&status["updatedReplicas"]),
            number(&status["availableReplicas"]),
        ),
    };
    let there = number(if kind == "DaemonSet" { &status["currentNumberScheduled"] } else { &status["replicas"] });
    if updated < wanted {
        Seen::NotYet(format!("{updated} of {wanted} pods are of the newest revision"))
    } else if there > wanted {
        Seen::NotYet(format!("{} older pods are ending", there - wanted))
    } else if ready < wanted {
        Seen::NotYet(format!("{ready} of {wanted} pods are ready"))
    } else {
        Seen::Met(format!("{ready} of {wanted} pods are ready"))
    }
}
