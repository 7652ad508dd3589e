//! Nodes and pods: closed, opened, emptied, ended.

use super::{About, Body, Draft, Guard, Part, SOON, Target, about::gpus};
use crate::{acts::beside::controller, facts::quarantine};
use pilothouse_wire::{
    Problem,
    plan::{Affected, Deed, Expectation, Risk},
};
use pilothouse_world::QUARANTINE;
use serde_json::{Value, json};
use std::time::Duration;

/// How long disruption budgets are waited for, in all.
const DRAINED: Duration = Duration::from_secs(900);

pub(super) fn cordon(about: &About<'_>) -> Result<Draft, Problem> {
    about.of(&["node"], "cordoned")?;
    if is_cordoned(about) {
        return Err(about.so_already("cordoned"));
    }
    Ok(Draft {
        title: format!("Cordon node {}", about.name),
        steps: vec![closed()],
        success: Expectation { words: "it is cordoned".to_owned(), within: SOON },
        ..untouched(Some(Deed::Uncordon))
    })
}

pub(super) fn uncordon(about: &About<'_>) -> Result<Draft, Problem> {
    about.of(&["node"], "uncordoned")?;
    if !is_cordoned(about) {
        return Err(about.so_already("open for pods"));
    }
    let guard = Guard::new("/spec/unschedulable", json!(true));
    let put = json!({ "op": "remove", "path": "/spec/unschedulable" });
    Ok(Draft {
        title: format!("Uncordon node {}", about.name),
        steps: vec![Part::patch("Let pods come again", vec![guard], put)],
        warnings: quarantined(about).into_iter().collect(),
        success: Expectation { words: "it is open for pods".to_owned(), within: SOON },
        ..untouched(Some(Deed::Cordon))
    })
}

/// A node that NVSentinel has quarantined is opened by it, too, once it is mended.
fn quarantined(about: &About<'_>) -> Option<String> {
    let annotation = about.object["metadata"]["annotations"][QUARANTINE].as_str().filter(|text| !text.is_empty())?;
    let why = quarantine::in_words(annotation);
    Some(format!(
        "NVSentinel has quarantined it: {why}. It opens the node by itself once that is mended; opened by hand, the node \
         takes pods with what is wrong still there."
    ))
}

fn is_cordoned(about: &About<'_>) -> bool {
    about.object["spec"]["unschedulable"] == true
}

fn closed() -> Part {
    let put = json!({ "op": "add", "path": "/spec/unschedulable", "value": true });
    // What stops something depends on nothing.
    Part::patch("Let no more pods come", Vec::new(), put)
}

fn untouched(undo: Option<Deed>) -> Draft {
    Draft {
        title: String::new(),
        steps: Vec::new(),
        traffic: Vec::new(),
        affected: Affected::default(),
        risk: (Risk::Low, "Pods that run go on.".to_owned()),
        warnings: Vec::new(),
        success: Expectation::default(),
        undo,
    }
}

/// Closes a node and evicts its pods: each where its disruption budget allows it. As `kubectl drain --ignore-daemonsets`
/// does, pods of a DaemonSet, pods of the node itself and pods that are over stay.
pub(super) fn drain(about: &About<'_>, pods: &[Value]) -> Result<Draft, Problem> {
    about.of(&["node"], "drained")?;
    let leaving: Vec<&Value> = pods.iter().filter(|pod| leaves(pod)).collect();
    if leaving.is_empty() && is_cordoned(about) {
        return Err(about.so_already("cordoned and empty"));
    }
    let text = |pod: &Value, field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    let evicted = leaving.iter().map(|pod| {
        let (namespace, name) = (text(pod, "namespace"), text(pod, "name"));
        Part {
            words: format!("Evict pod {namespace}/{name}, when its disruption budget allows it"),
            to: Target::Pod(namespace, name),
            body: Body::Evict(text(pod, "uid")),
            guards: vec![Guard::new("/metadata/uid", json!(text(pod, "uid")))],
        }
    });
    let alone = leaving.iter().filter(|pod| controller(pod).is_none()).map(|pod| text(pod, "name"));
    let alone: Vec<String> = alone.collect();
    let on_disk = leaving.iter().filter(|pod| has_scratch(pod)).count();
    let mut warnings = Vec::new();
    if !alone.is_empty() {
        warnings.push(format!("Nothing makes another of {}: no controller keeps it.", alone.join(", ")));
    }
    if on_disk > 0 {
        warnings.push(format!("{on_disk} of the pods keep files on the node (emptyDir): these are lost."));
    }
    let pods = u32::try_from(leaving.len()).unwrap_or(u32::MAX);
    Ok(Draft {
        title: format!("Drain node {}: {pods} pods leave it", about.name),
        steps: (!is_cordoned(about)).then(closed).into_iter().chain(evicted).collect(),
        traffic: Vec::new(),
        affected: Affected::new(pods, leaving.iter().map(|pod| gpus(&pod["spec"])).sum()),
        risk: match alone.is_empty() {
            true => (Risk::Medium, "Its pods end, and their controllers make others elsewhere.".to_owned()),
            false => (Risk::High, "Some of its pods end for good.".to_owned()),
        },
        warnings,
        success: Expectation { words: "it is cordoned, and its pods are gone".to_owned(), within: DRAINED },
        // Who closed it before had a reason, which the drain does not take away.
        undo: (!is_cordoned(about)).then_some(Deed::Uncordon),
    })
}

/// Does a drain end this pod?
pub(in crate::acts) fn leaves(pod: &Value) -> bool {
    let is_mirror = pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string();
    let is_over = ["Succeeded", "Failed"].iter().any(|phase| pod["status"]["phase"] == *phase);
    let of_daemons = controller(pod).is_some_and(|owner| owner["kind"] == "DaemonSet");
    !(is_mirror || is_over || of_daemons)
}

fn has_scratch(pod: &Value) -> bool {
    let volumes = pod["spec"]["volumes"].as_array();
    volumes.into_iter().flatten().any(|volume| volume["emptyDir"].is_object())
}

pub(super) fn delete(about: &About<'_>) -> Result<Draft, Problem> {
    about.of(&["pod"], "deleted here")?;
    let metadata = &about.object["metadata"];
    let grace = metadata["deletionGracePeriodSeconds"].as_u64();
    let grace = grace.or(about.object["spec"]["terminationGracePeriodSeconds"].as_u64()).unwrap_or(30);
    let uid = metadata["uid"].as_str().unwrap_or_default();
    Ok(Draft {
        title: format!("Delete pod {}", about.name),
        steps: vec![Part {
            words: format!("End the pod within its {grace} s of grace"),
            to: Target::Object,
            body: Body::Delete(uid.to_owned()),
            guards: vec![Guard::new("/metadata/uid", json!(uid))],
        }],
        traffic: Vec::new(),
        affected: Affected::new(1, gpus(&about.object["spec"])),
        risk: match controller(about.object) {
            Some(owner) => {
                (Risk::Medium, format!("Its {} makes another.", owner["kind"].as_str().unwrap_or("controller")))
            }
            None => (Risk::High, "Nothing makes another: no controller keeps it.".to_owned()),
        },
        warnings: Vec::new(),
        success: Expectation { words: "it is gone".to_owned(), within: SOON + Duration::from_secs(grace) },
        undo: None,
    })
}
