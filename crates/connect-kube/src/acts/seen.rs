//! Is an object as it should be after a deed? Of Deployments and kin by the rules of `kubectl rollout status`, of Rollouts by
//! those of their own clients.

use super::{
    draft::{has_weights, leaves, moved_on, runs},
    kserve, member,
    rollout::Standing,
};
use crate::facts;
use pilothouse_connect::Seen;
use pilothouse_wire::{
    SmolStr, Stamp,
    plan::{Deed, Plan},
    view::{AnalysisPhase, DeliveryPhase},
};
use pilothouse_world::{Fact, delivery};
use serde_json::Value;

/// How an object is, after what was planned. `object` is none where there is no such object any more; `pods` are those of a
/// node, the Deployments of a service of KServe, or the members of its routing group.
pub(super) fn seen(plan: &Plan, object: Option<&Value>, pods: &[Value]) -> Seen {
    let deed = &plan.intent.deed;
    // Only a deleted pod is told from one that has taken its name.
    let uid = match deed {
        Deed::Delete => {
            guards(plan).find(|(path, _)| path == "/metadata/uid").map(|(_, value)| value.trim_matches('"'))
        }
        _ => None,
    };
    let Some(object) = object.filter(|object| uid.is_none_or(|uid| object["metadata"]["uid"] == uid)) else {
        return match deed {
            Deed::Delete => Seen::Met("it is gone".to_owned()),
            _ => Seen::Never("it is gone".to_owned()),
        };
    };
    let kind = plan.intent.object.kind_word();
    let spec = &object["spec"];
    match deed {
        Deed::MemberWeight(to) => member::seen(plan, object, *to, pods),
        _ if kserve::is_service(kind) && *deed != Deed::Delete => kserve::seen(plan, object, pods),
        Deed::Cordon => is(spec["unschedulable"] == true, "it is cordoned"),
        Deed::Uncordon => is(spec["unschedulable"] != true, "it is open for pods"),
        Deed::Drain => drained(plan, object, pods),
        Deed::Pause => is(spec["paused"] == true, "it is paused"),
        Deed::Resume if kind != "Rollout" => is(spec["paused"] != true, "it is not paused"),
        Deed::Delete => Seen::NotYet("it is still there".to_owned()),
        Deed::Terminate => {
            let phase = object["status"]["phase"].as_str().unwrap_or_default();
            is(AnalysisPhase::of(phase).is_over(), "it is over")
        }
        Deed::SetWeights { weights, .. } => weighted(plan, object, weights),
        Deed::Scale(to) if spec["replicas"].as_u64().unwrap_or(1) != u64::from(*to) => {
            Seen::Never(format!("somebody set {} pods since", spec["replicas"]))
        }
        // The template of a Rollout may be another object's: its controller says which revision it means.
        Deed::SetImage { container, image } if kind != "Rollout" && !runs(kind, object, container, image) => {
            Seen::Never(format!("{container} was given another image since"))
        }
        _ if kind == "Rollout" => Standing::of(object)
            .map_or_else(|| Seen::NotYet("it does not read".to_owned()), |standing| rollout(plan, object, &standing)),
        _ if kind == "LeaderWorkerSet" => groups(plan, object),
        _ => rolled(kind, object),
    }
}

fn guards(plan: &Plan) -> impl Iterator<Item = &(String, String)> {
    plan.steps.iter().flat_map(|step| &step.guards)
}

fn is(holds: bool, words: &str) -> Seen {
    if holds { Seen::Met(words.to_owned()) } else { Seen::NotYet(format!("not yet so: {words}")) }
}

/// Has a route these weights, and has whoever routes by it taken them up?
fn weighted(plan: &Plan, object: &Value, weights: &[(SmolStr, u32)]) -> Seen {
    let held: Vec<_> = guards(plan).cloned().collect();
    if !has_weights(object, &held, weights) {
        return Seen::Never("somebody set other weights since".to_owned());
    }
    let read = |kind: &str| match kind {
        "HTTPRoute" => facts::facts_of_route(serde_json::from_value(object.clone()).ok()?),
        _ => facts::facts_of_rewrite(serde_json::from_value(object.clone()).ok()?),
    };
    let Some(Fact::Delivered(controller, fact)) = read(plan.intent.object.kind_word()) else {
        return Seen::NotYet("it does not read".to_owned());
    };
    let words = weights.iter().map(|(name, weight)| format!("{name} weighs {weight}")).collect::<Vec<_>>().join(", ");
    match delivery::phase(&controller, &fact) {
        (DeliveryPhase::Healthy, _) => Seen::Met(format!("{words}, and it is taken up")),
        (_, why) => Seen::NotYet(format!("{words}; {why}")),
    }
}

/// Have all pods that were to go, gone?
fn drained(plan: &Plan, node: &Value, pods: &[Value]) -> Seen {
    if node["spec"]["unschedulable"] != true {
        return Seen::Never("somebody let pods come to it again".to_owned());
    }
    let meant = |uid: &str| guards(plan).any(|(path, value)| path == "/metadata/uid" && value.trim_matches('"') == uid);
    let (left, others): (Vec<&Value>, Vec<&Value>) =
        pods.iter().filter(|pod| leaves(pod)).partition(|pod| pod["metadata"]["uid"].as_str().is_some_and(meant));
    match (left.len(), others.len()) {
        (0, 0) => Seen::Met("it is cordoned, and its pods are gone".to_owned()),
        // A plan sends away whom it has shown, and nobody else.
        (0, others) => Seen::Never(format!(
            "it is cordoned, and the pods of the plan are gone; {others} came to it since and stay: plan the drain anew"
        )),
        (left, _) => Seen::NotYet(format!("{left} of its pods are still ending")),
    }
}

fn rollout(plan: &Plan, object: &Value, standing: &Standing) -> Seen {
    let (phase, why) = standing.phase();
    let (facts, status) = (standing.rollout(), &object["status"]);
    let wanted = standing.controller.replicas.unwrap_or(1);
    let all_ready = standing.fact.pods.available >= wanted;
    let ready = || format!("{wanted} of {wanted} pods are ready");
    let observed = standing.fact.observed.is_none_or(|observed| observed >= standing.fact.generation);
    if !observed {
        return Seen::NotYet("its controller has not seen it yet".to_owned());
    }
    match &plan.intent.deed {
        Deed::Promote | Deed::Resume => {
            let sent: Vec<_> = guards(plan).cloned().collect();
            let behind = sent.iter().all(|(path, _)| path == "/spec/paused") || moved_on(&sent, object);
            match (object["spec"]["paused"] == true, behind) {
                (false, true) => Seen::Met(going_on(standing, phase, &why)),
                (true, _) => Seen::NotYet("it is still paused by a person".to_owned()),
                (false, false) => Seen::NotYet("it is still at the same step".to_owned()),
            }
        }
        Deed::Retry => match (facts.aborted, phase) {
            (true, _) => Seen::NotYet("it is still aborted".to_owned()),
            (false, DeliveryPhase::Degraded) => Seen::NotYet(why),
            (false, _) => Seen::Met(going_on(standing, phase, &why)),
        },
        Deed::Abort => {
            let router = standing.rollout().weight.is_some_and(|weight| weight > 0);
            let blue = !status["blueGreen"]["activeSelector"].is_null() && facts.active != standing.fact.stable;
            let canary = facts.active.is_none() && facts.weight.is_none() && standing.fact.pods.updated > 0;
            match (facts.aborted, phase) {
                _ if standing.is_whole() => Seen::Met(format!("its stable revision is its newest: {}", ready())),
                (false, _) => Seen::Never("it was retried, or given another revision, since".to_owned()),
                (true, DeliveryPhase::Degraded) if router || blue || canary => {
                    Seen::NotYet("some traffic is still at the newest revision".to_owned())
                }
                (true, DeliveryPhase::Degraded) if all_ready => {
                    Seen::Met(format!("all traffic is at the stable revision, {}", ready()))
                }
                (true, _) => {
                    Seen::NotYet(format!("{} of {wanted} pods are ready", standing.fact.pods.available.min(wanted)))
                }
            }
        }
        Deed::Restart => match facts.restarts {
            true => Seen::NotYet("its pods are being made anew".to_owned()),
            false => is(all_ready, &ready()),
        },
        Deed::PromoteFully => match phase {
            DeliveryPhase::Healthy if standing.is_whole() => Seen::Met(ready()),
            DeliveryPhase::Degraded => Seen::Never(why),
            _ => Seen::NotYet(why),
        },
        Deed::Scale(_) if standing.fact.pods.all > wanted => {
            Seen::NotYet(format!("{} pods are ending", standing.fact.pods.all - wanted))
        }
        Deed::Scale(_) => is(all_ready, &ready()),
        _ => match phase {
            DeliveryPhase::Healthy => Seen::Met(ready()),
            // A plan for one that is paused touches no pod, and says so; any other is not done by a template alone.
            DeliveryPhase::Paused if object["spec"]["paused"] == true => match plan.affected.pods {
                0 => Seen::Met("its template is the new one, and it stays paused".to_owned()),
                _ => Seen::NotYet("a person has paused it: no pod changes until it is resumed".to_owned()),
            },
            DeliveryPhase::Paused => Seen::Met(going_on(standing, phase, &why)),
            DeliveryPhase::Degraded => Seen::Never(why),
            _ => Seen::NotYet(if why.is_empty() { "it is on its way".to_owned() } else { why }),
        },
    }
}

/// How a Rollout stands, as words for a person.
fn going_on(standing: &Standing, phase: DeliveryPhase, why: &str) -> String {
    let place = standing.step().map(|at| format!(" at step {} of {}", at + 1, standing.steps().len()));
    let place = place.unwrap_or_default();
    match phase {
        DeliveryPhase::Paused => format!("it waits{place}: {why}"),
        _ if standing.is_whole() => "its newest revision is the stable one".to_owned(),
        _ => format!("it goes on{place}"),
    }
}

/// Are all groups of the newest revision, and ready? Older controllers do not say of which spec their counts are: then the end
/// of an update that came behind the plan says so, or nothing does.
fn groups(plan: &Plan, object: &Value) -> Seen {
    let (spec, status) = (&object["spec"], &object["status"]);
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let wanted = spec["replicas"].as_u64().unwrap_or(1);
    let ended = || {
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        let update = conditions.find(|one| one["type"] == "UpdateInProgress" && one["status"] == "False")?;
        update["lastTransitionTime"].as_str()?.parse::<Stamp>().ok()
    };
    let is_scale = matches!(plan.intent.deed, Deed::Scale(_));
    match status["observedGeneration"].as_u64() {
        Some(seen) if seen < number(&object["metadata"]["generation"]) => {
            return Seen::NotYet("its controller has not seen it yet".to_owned());
        }
        // Its times are of whole seconds.
        None if !is_scale && ended().is_none_or(|ended| ended.0 / 1_000 <= plan.made.0 / 1_000) => {
            return Seen::NotYet("its controller does not say yet that it is done with it".to_owned());
        }
        _ => {}
    }
    let [all, updated, ready] = ["replicas", "updatedReplicas", "readyReplicas"].map(|key| number(&status[key]));
    if updated < wanted && !is_scale {
        Seen::NotYet(format!("{updated} of {wanted} groups are of the newest revision"))
    } else if all > wanted {
        Seen::NotYet(format!("{} groups are ending", all - wanted))
    } else if ready < wanted {
        Seen::NotYet(format!("{ready} of {wanted} groups are ready"))
    } else {
        Seen::Met(format!("{ready} of {wanted} groups are ready"))
    }
}

/// Are all pods of the newest revision, and ready?
pub(super) fn rolled(kind: &str, object: &Value) -> Seen {
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
    // Where all of them stay, nothing of what was asked has come to pass before somebody deletes them.
    let (stays, by_hand) = match stays_old(spec, wanted) {
        all if all >= wanted => (0, ": each gets it when somebody deletes it"),
        some => (some, ""),
    };
    let there = number(if kind == "DaemonSet" { &status["currentNumberScheduled"] } else { &status["replicas"] });
    if updated < wanted - stays {
        Seen::NotYet(format!("{updated} of {} pods are of the newest revision{by_hand}", wanted - stays))
    } else if there > wanted {
        Seen::NotYet(format!("{} older pods are ending", there - wanted))
    } else if ready < wanted {
        Seen::NotYet(format!("{ready} of {wanted} pods are ready"))
    } else {
        let old = if updated < wanted { ", the others get it as they are deleted" } else { "" };
        Seen::Met(format!("{ready} of {wanted} pods are ready{old}"))
    }
}

/// Pods that keep their template until somebody deletes them, or moves the partition. Source: `updateStrategy` of `apps/v1`.
pub(super) fn stays_old(spec: &Value, wanted: u64) -> u64 {
    let update = &spec["updateStrategy"];
    match update["type"].as_str() {
        Some("OnDelete") => wanted,
        _ => update["rollingUpdate"]["partition"].as_u64().unwrap_or(0).min(wanted),
    }
}
