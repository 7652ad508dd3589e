//! Groups with a leader (LeaderWorkerSet): made anew, taken back to a revision, given another image. Pure.
//!
//! Source: `pkg/utils/revision` of kubernetes-sigs/lws: a ControllerRevision has `spec.leaderWorkerTemplate` and
//! `spec.networkConfig` as they stood, both to be replaced whole. The limits of restarts are of now, and no revision's.

use super::{About, Body, Draft, Guard, Part, Target, controllers::RESTARTED_AT};
use crate::acts::revision::{self, GROUPS_LIVE, Revision};
use pilothouse_wire::{
    Problem,
    plan::{Affected, Deed, Expectation, Risk},
};
use serde_json::{Value, json};

const TEMPLATE: &str = "/spec/leaderWorkerTemplate";

/// Its groups anew.
pub(super) fn restart(about: &About<'_>, now: &str) -> Result<Draft, Problem> {
    let templates = ["leaderTemplate", "workerTemplate"];
    let of = &about.object["spec"]["leaderWorkerTemplate"];
    let marks: Vec<Value> = templates
        .into_iter()
        .filter(|name| of[name].is_object())
        .map(|name| {
            let mut template = of[name].clone();
            template["metadata"]["annotations"][RESTARTED_AT] = json!(now);
            let metadata = template["metadata"].take();
            json!({ "op": "add", "path": format!("{TEMPLATE}/{name}/metadata"), "value": metadata })
        })
        .collect();
    let groups = about.replicas();
    Ok(Draft {
        title: format!("Restart the {groups} groups of {} {}", about.kind, about.name),
        ..anew(
            about,
            "Mark the templates, so that every group is made anew",
            (vec![same_templates(about)], marks),
            None,
        )
    })
}

/// Back to a revision.
pub(super) fn undo(about: &About<'_>, to: Option<u64>, revisions: &[Revision]) -> Result<Draft, Problem> {
    let running = revision::running(about.kind, about.object, about.template());
    let (now, then) = revision::chosen(to, revisions, running).map_err(|problem| {
        let what = format!("{} {} cannot go back: {}", about.kind, about.name, problem.what);
        Problem { what, ..revision::of_groups_alone(problem) }
    })?;
    let mut template = then.template["leaderWorkerTemplate"].clone();
    for live in GROUPS_LIVE {
        let of_now = &about.object["spec"]["leaderWorkerTemplate"][live];
        if !of_now.is_null() {
            template[live] = of_now.clone();
        }
    }
    let mut put = vec![json!({ "op": "replace", "path": TEMPLATE, "value": template })];
    let mut guards = vec![same_templates(about)];
    let (network, of_now) = (&then.template["networkConfig"], &about.object["spec"]["networkConfig"]);
    // One that had none was as if it said so.
    if !network.is_null() && network != of_now {
        // What is not there cannot be held.
        guards.extend((!of_now.is_null()).then(|| Guard::new("/spec/networkConfig", of_now.clone())));
        put.push(json!({ "op": "add", "path": "/spec/networkConfig", "value": network }));
    }
    let words = format!("Make groups by the templates of revision {}", then.number);
    let draft = anew(about, &words, (guards, put), now.map(|now| Deed::Undo(Some(now.number))));
    Ok(Draft { title: format!("Take {} {} back to revision {}", about.kind, about.name, then.number), ..draft })
}

/// Its templates are as they were read, whoever has moved the number of its groups meanwhile.
fn same_templates(about: &About<'_>) -> Guard {
    Guard::new(TEMPLATE, about.object["spec"]["leaderWorkerTemplate"].clone())
}

/// A change of the templates, behind guards: every group is made anew.
pub(super) fn anew(
    about: &About<'_>,
    words: &str,
    (guards, put): (Vec<Guard>, Vec<Value>),
    undo: Option<Deed>,
) -> Draft {
    let groups = about.replicas();
    Draft {
        title: String::new(),
        steps: vec![Part { words: words.to_owned(), to: Target::Object, body: Body::Patch(put), guards }],
        traffic: Vec::new(),
        affected: affected(about.object, groups),
        risk: (Risk::Medium, "Every group is made anew, a few at a time; all pods of one go at once.".to_owned()),
        warnings: Vec::new(),
        success: Expectation {
            words: format!("{groups} of {groups} groups are ready and of the newest revision"),
            within: about.rollout(),
        },
        undo,
    }
}

/// Pods and GPUs of so many groups: each has a leader and `size - 1` workers.
pub(super) fn affected(object: &Value, groups: u32) -> Affected {
    let template = &object["spec"]["leaderWorkerTemplate"];
    let size = template["size"].as_u64().and_then(|size| u32::try_from(size).ok()).unwrap_or(1).max(1);
    let worker = super::about::gpus(&template["workerTemplate"]["spec"]);
    let leader = match template["leaderTemplate"].is_object() {
        true => super::about::gpus(&template["leaderTemplate"]["spec"]),
        false => worker,
    };
    Affected::new(groups.saturating_mul(size), u64::from(groups) * (leader + worker * u64::from(size - 1)))
}
