//! Controllers of pods: how many, made anew, held, taken back, given another image.

use super::{About, Body, Draft, Guard, Part, SOON, Target, course::Coming, groups, rollouts};
use crate::acts::{
    revision::{self, Revision},
    seen::stays_old,
};
use pilothouse_wire::{
    Problem,
    plan::{Affected, Deed, Expectation, Risk},
};
use serde_json::{Value, json};

/// The annotation by which `kubectl rollout restart` makes pods anew, too.
pub(super) const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

const SCALABLE: &[&str] = &["Deployment", "StatefulSet", "ReplicaSet", "LeaderWorkerSet", "Rollout"];
const ROLLED: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "LeaderWorkerSet"];
const WITH_REVISIONS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "Rollout", "LeaderWorkerSet"];
const PAUSABLE: &[&str] = &["Deployment", "Rollout"];

pub(super) fn scale(about: &About<'_>, to: u32, autoscalers: &[String]) -> Result<Draft, Problem> {
    about.of(SCALABLE, "scaled")?;
    let (from, what) = (about.replicas(), if about.is_groups() { "groups" } else { "pods" });
    if from == to {
        return Err(about.so_already(&format!("at {to} {what}")));
    }
    let risk = match to {
        0 => (Risk::High, format!("All {what} end.")),
        _ if to < from => (Risk::Medium, format!("{} {what} end.", from - to)),
        _ => (Risk::Low, "Pods that run go on.".to_owned()),
    };
    let warnings = autoscalers.iter().map(|name| {
        format!(
            "HorizontalPodAutoscaler {name} keeps the number of pods: it may set another one soon. Change its bounds."
        )
    });
    let put = json!({ "op": "replace", "path": "/spec/replicas", "value": to });
    let guard = Guard::new("/spec/replicas", json!(from));
    Ok(Draft {
        title: format!("Scale {} {} from {from} to {to} {what}", about.kind, about.name),
        steps: vec![Part::patch(format!("Set the number of {what} to {to}"), vec![guard], put)],
        traffic: Vec::new(),
        affected: about.affected(from.abs_diff(to)),
        risk,
        warnings: warnings.collect(),
        success: Expectation { words: format!("{to} of {to} {what} are ready"), within: about.rollout() },
        undo: Some(Deed::Scale(from)),
    })
}

pub(super) fn restart(about: &About<'_>, now: &str) -> Result<Draft, Problem> {
    about.of(ROLLED, "restarted")?;
    about.not_paused()?;
    if about.is_groups() {
        return groups::restart(about, now);
    }
    let metadata = &about.template()["metadata"];
    let put = match (metadata.is_object(), metadata["annotations"].is_object()) {
        (_, true) => {
            let key = RESTARTED_AT.replace('/', "~1");
            json!({ "op": "add", "path": format!("/spec/template/metadata/annotations/{key}"), "value": now })
        }
        (true, false) => {
            json!({ "op": "add", "path": "/spec/template/metadata/annotations", "value": { RESTARTED_AT: now } })
        }
        (false, false) => {
            json!({ "op": "add", "path": "/spec/template/metadata", "value": { "annotations": { RESTARTED_AT: now } } })
        }
    };
    let pods = about.replicas();
    Ok(Draft {
        title: format!("Restart the {pods} pods of {} {}", about.kind, about.name),
        // Pods that were made anew are no others: there is nothing to go back to.
        ..anew(
            about,
            "Mark the template, so that every pod is made anew",
            (vec![about.same_template()], vec![put]),
            None,
        )
    })
}

pub(super) fn pause(about: &About<'_>) -> Result<Draft, Problem> {
    about.of(PAUSABLE, "paused")?;
    if is_paused(about) {
        return Err(about.so_already("paused"));
    }
    let put = json!({ "op": "add", "path": "/spec/paused", "value": true });
    Ok(Draft {
        title: format!("Pause {} {}", about.kind, about.name),
        // What stops something depends on nothing: it is never held up because something else changed meanwhile.
        steps: vec![Part::patch("Change no more pods for now", Vec::new(), put)],
        traffic: Vec::new(),
        affected: Affected::default(),
        risk: (Risk::Low, "Pods that run go on; none is changed.".to_owned()),
        warnings: Vec::new(),
        success: Expectation { words: "it is paused".to_owned(), within: SOON },
        undo: Some(Deed::Resume),
    })
}

pub(super) fn resume(about: &About<'_>) -> Result<Draft, Problem> {
    about.of(PAUSABLE, "resumed")?;
    if !is_paused(about) {
        return Err(about.so_already("not paused"));
    }
    // As many as are not of the template that there is now; of a Rollout its steps say.
    let newest = about.object["status"]["updatedReplicas"].as_u64().and_then(|pods| u32::try_from(pods).ok());
    let waiting = if about.is_rollout() { 0 } else { about.replicas().saturating_sub(newest.unwrap_or(0)) };
    Ok(Draft {
        title: format!("Resume {} {}", about.kind, about.name),
        steps: vec![unpause("Go on with changing pods")],
        traffic: Vec::new(),
        affected: about.affected(waiting),
        risk: (Risk::Medium, "What was changed while it was paused reaches the pods.".to_owned()),
        warnings: Vec::new(),
        success: Expectation { words: "it is not paused".to_owned(), within: SOON },
        undo: Some(Deed::Pause),
    })
}

pub(super) fn is_paused(about: &About<'_>) -> bool {
    about.object["spec"]["paused"] == true
}

/// Takes a person's pause away.
pub(super) fn unpause(words: &str) -> Part {
    let put = json!({ "op": "add", "path": "/spec/paused", "value": false });
    Part::patch(words, vec![Guard::new("/spec/paused", json!(true))], put)
}

pub(super) fn undo(about: &About<'_>, to: Option<u64>, revisions: &[Revision]) -> Result<Draft, Problem> {
    about.of(WITH_REVISIONS, "taken back to a revision")?;
    about.not_paused()?;
    if about.is_groups() {
        return groups::undo(about, to, revisions);
    }
    let running = revision::running(about.kind, about.object, about.template());
    let to = to.or_else(|| rollouts::stable_behind(about, revisions));
    let (now, then) = revision::chosen(to, revisions, running).map_err(|problem| Problem {
        what: format!("{} {} cannot go back: {}", about.kind, about.name, problem.what),
        ..problem
    })?;
    let put = json!({ "op": "replace", "path": "/spec/template", "value": then.template });
    let words = format!("Make pods by the template of revision {}", then.number);
    let draft =
        anew(about, &words, (vec![about.same_template()], vec![put]), now.map(|now| Deed::Undo(Some(now.number))));
    let draft = rollouts::given(about, Coming::Kept(then), revisions, draft);
    Ok(Draft { title: format!("Take {} {} back to revision {}", about.kind, about.name, then.number), ..draft })
}

/// A change of the template, behind guards: every pod is made anew.
pub(super) fn anew(
    about: &About<'_>,
    words: &str,
    (guards, puts): (Vec<Guard>, Vec<Value>),
    undo: Option<Deed>,
) -> Draft {
    let pods = about.replicas();
    let part = Part { words: words.to_owned(), to: Target::Object, body: Body::Patch(puts), guards };
    Draft {
        title: String::new(),
        steps: vec![if about.borrowed { part.of(Target::Template) } else { part }],
        traffic: Vec::new(),
        affected: about.affected(pods),
        risk: match about.holder["spec"]["strategy"]["type"] == "Recreate" && !about.borrowed {
            true => (Risk::High, "All pods end before any comes again: nothing answers in between.".to_owned()),
            false => (Risk::Medium, "Every pod is made anew, a few at a time.".to_owned()),
        },
        warnings: kept(about, pods),
        success: about.success(pods),
        undo,
    }
}

/// That pods keep their template, where they do.
fn kept(about: &About<'_>, pods: u32) -> Vec<String> {
    match stays_old(&about.holder["spec"], pods.into()) {
        0 => Vec::new(),
        stays => vec![format!(
            "{stays} of {pods} pods stay as they are until they are deleted, or its update strategy is another one."
        )],
    }
}
