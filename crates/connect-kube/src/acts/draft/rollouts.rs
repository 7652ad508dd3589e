//! Rollouts of Argo: on, all the way, back, again. Each write has the effect of the one that `kubectl argo rollouts` sends
//! (`pkg/kubectl-argo-rollouts/cmd` of v1.8), as a JSON patch behind its guards.

use super::{
    About, Body, Draft, Guard, Part, SOON, Target,
    controllers::{is_paused, unpause},
    course::{Coming, Course, Reached},
};
use crate::acts::{
    beside::controller,
    revision::Revision,
    rollout::{Fast, Standing},
};
use pilothouse_wire::{
    Code, Problem,
    plan::{Affected, Deed, Expectation, Risk},
    view::{AnalysisPhase, Step, delivery::Wait},
};
use serde_json::{Value, json};

/// What a person should know who did not pause it.
const STAYS_PAUSED: &str = "It stays paused: nothing of this reaches its pods until it is resumed.";

/// How a Rollout stands, with what every deed asks first.
fn standing(about: &About<'_>, deed: &str) -> Result<Standing, Problem> {
    about.of(&["Rollout"], deed)?;
    Standing::of(about.object).ok_or_else(|| {
        Problem::new(Code::BadInput, format!("Rollout {} is of a form that is not known.", about.name))
            .next("Use kubectl argo rollouts, which is of the controller's own version.")
    })
}

/// One that is between two revisions, and was not aborted.
fn under_way(about: &About<'_>, deed: &str) -> Result<Standing, Problem> {
    let standing = standing(about, deed)?;
    if standing.is_whole() {
        return Err(about.so_already("at its newest revision with all traffic"));
    }
    if standing.rollout().aborted {
        return Err(Problem::new(Code::BadInput, format!("Rollout {} was aborted.", about.name))
            .next("Retry it first, or take it back to another revision."));
    }
    Ok(standing)
}

/// On behind the pause, the analysis or the step at which it is.
pub(super) fn promote(about: &About<'_>, revisions: &[Revision]) -> Result<Draft, Problem> {
    let standing = under_way(about, "promoted")?;
    let status = &about.object["status"];
    let rollout = standing.rollout();
    let at = standing.step();
    let mut guards = vec![Guard::new("/status/currentPodHash", status["currentPodHash"].clone())];
    let next = at.map(|at| json!({ "op": "add", "path": "/status/currentStepIndex", "value": at + 1 }));
    let put = if !rollout.pauses.is_empty() {
        // This very pause, and not the next one.
        let began = &status["pauseConditions"][0]["startTime"];
        guards.extend((!began.is_null()).then(|| Guard::new("/status/pauseConditions/0/startTime", began.clone())));
        let cleared = json!({ "op": "remove", "path": "/status/pauseConditions" });
        let undecided = status["canary"]["currentStepAnalysisRunStatus"]["status"] == "Inconclusive";
        match next.filter(|_| undecided && rollout.controller_pauses) {
            // Without these it would stay undecided.
            Some(next) => {
                vec![cleared, json!({ "op": "add", "path": "/status/controllerPause", "value": false }), next]
            }
            None => vec![cleared],
        }
    } else if let Some(next) = next {
        let is = &status["currentStepIndex"];
        guards.extend((!is.is_null()).then(|| Guard::new("/status/currentStepIndex", is.clone())));
        vec![next]
    } else if is_paused(about) {
        Vec::new()
    } else {
        return Err(Problem::new(Code::NotOffered, format!("Rollout {} waits at no step.", about.name))
            .why("Its controller is giving the newest revision its pods, and goes on by itself."));
    };
    let course = Course::new(about, &standing, revisions);
    // Behind the last step there is none that is left out.
    let behind = standing.behind() + usize::from(at.is_some());
    let (words, reached) = (standing.words(at), course.ahead(behind));
    let sent =
        (!put.is_empty()).then(|| Part { words: words.clone(), to: Target::Status, body: Body::Patch(put), guards });
    Ok(Draft {
        title: format!("Promote Rollout {}: {}", about.name, lower(&words)),
        steps: sent.into_iter().chain(is_paused(about).then(|| unpause("Take the pause of a person away"))).collect(),
        traffic: course.traffic(Coming::Newest, reached),
        affected: course.affected(Coming::Newest, reached),
        risk: (Risk::Medium, format!("More of the traffic reaches the newest revision. {}", course.words(reached))),
        warnings: Vec::new(),
        success: Expectation { words: "it goes on".to_owned(), within: SOON },
        // Once the newest revision is the stable one, there is nothing to abort.
        undo: match standing.waits_for_somebody(behind) {
            true => Some(Deed::Abort),
            false => course.stable().map(|stable| Deed::Undo(Some(stable.number))),
        },
    })
}

/// All traffic to the newest revision.
pub(super) fn promote_fully(about: &About<'_>, revisions: &[Revision]) -> Result<Draft, Problem> {
    let standing = under_way(about, "promoted")?;
    let current = about.object["status"]["currentPodHash"].clone();
    let part = Part {
        words: "Skip the steps, pauses and analyses that are left".to_owned(),
        to: Target::Status,
        body: Body::Patch(vec![json!({ "op": "add", "path": "/status/promoteFull", "value": true })]),
        guards: vec![Guard::new("/status/currentPodHash", current)],
    };
    let (pods, course) = (about.replicas(), Course::new(about, &standing, revisions));
    Ok(Draft {
        title: format!("Promote Rollout {} fully", about.name),
        steps: [part].into_iter().chain(is_paused(about).then(|| unpause("Take the pause of a person away"))).collect(),
        traffic: course.traffic(Coming::Newest, Reached::Whole),
        affected: course.affected(Coming::Newest, Reached::Whole),
        risk: (Risk::High, "All traffic goes to the newest revision, and nothing that is left is measured.".to_owned()),
        warnings: Vec::new(),
        success: Expectation {
            words: format!("{pods} of {pods} pods are of the newest revision, and it is the stable one"),
            within: about.rollout(),
        },
        undo: course.stable().map(|stable| Deed::Undo(Some(stable.number))),
    })
}

/// All traffic back to the stable revision.
pub(super) fn abort(about: &About<'_>, revisions: &[Revision]) -> Result<Draft, Problem> {
    let standing = standing(about, "aborted")?;
    if standing.is_whole() {
        return Err(about.so_already("at its stable revision with all traffic"));
    }
    if standing.rollout().aborted {
        return Err(about.so_already("aborted"));
    }
    if standing.fact.stable.is_none() {
        return Err(Problem::new(Code::NotOffered, format!("Rollout {} cannot be aborted.", about.name))
            .why("No revision of it was ever stable: there is none to go back to."));
    }
    let course = Course::new(about, &standing, revisions);
    let words = match course.stable() {
        Some(stable) => format!("Give all traffic back to revision {}", stable.number),
        None => "Give all traffic back to the stable revision".to_owned(),
    };
    let sent = Part {
        words: words.clone(),
        to: Target::Status,
        body: Body::Patch(vec![json!({ "op": "add", "path": "/status/abort", "value": true })]),
        // Only that another revision is the stable one by now would make it wrong.
        guards: vec![Guard::new("/status/stableRS", about.object["status"]["stableRS"].clone())],
    };
    Ok(Draft {
        title: format!("Abort Rollout {}: {}", about.name, lower(&words)),
        steps: [sent].into_iter().chain(let_go(about)).collect(),
        traffic: course.traffic(Coming::Newest, Reached::Back),
        affected: course.affected(Coming::Newest, Reached::Back),
        risk: (Risk::Low, "Traffic goes back to pods that served it before.".to_owned()),
        warnings: vec![
            "Its spec still asks for the newest revision: it stays Degraded until it is retried, or taken back to the stable one.".to_owned(),
        ],
        success: Expectation {
            words: "all traffic is at the stable revision, and its pods are ready".to_owned(),
            within: about.rollout(),
        },
        undo: Some(Deed::Retry),
    })
}

/// Takes away the pause of a person, under which no pod changes, and of a canary without a router no traffic either: behind what
/// goes back, never before it, and whatever somebody did to it meanwhile. Source: `haltProgress` of Argo Rollouts.
fn let_go(about: &About<'_>) -> Option<Part> {
    is_paused(about).then(|| Part {
        words: "Take the pause of a person away, under which its pods would stay as they are".to_owned(),
        to: Target::Object,
        // Away, and not false: its controller leaves out what is false as it writes.
        body: Body::Merge(json!({ "spec": { "paused": null } })),
        guards: Vec::new(),
    })
}

/// One that a person has paused goes on.
pub(super) fn resume(about: &About<'_>, revisions: &[Revision], draft: Draft) -> Draft {
    let Some(standing) = Standing::of(about.object).filter(|_| about.is_rollout()) else { return draft };
    // Nothing of it is on its way.
    if standing.is_whole() || standing.rollout().aborted {
        return draft;
    }
    let course = Course::new(about, &standing, revisions);
    let reached = course.goes_on(Coming::Newest, standing.behind());
    Draft {
        traffic: course.traffic(Coming::Newest, reached),
        affected: course.affected(Coming::Newest, reached),
        risk: (draft.risk.0, format!("{} {}", draft.risk.1, course.words(reached))),
        ..draft
    }
}

/// The newest revision again.
pub(super) fn retry(about: &About<'_>, revisions: &[Revision]) -> Result<Draft, Problem> {
    let standing = standing(about, "retried")?;
    if !standing.rollout().aborted {
        return Err(Problem::new(Code::NotOffered, format!("Rollout {} was not aborted.", about.name))
            .next("There is nothing to try again."));
    }
    let put = json!({ "op": "replace", "path": "/status/abort", "value": false });
    let course = Course::new(about, &standing, revisions);
    let reached = course.begins(Coming::Newest);
    let is_held = reached == Reached::Held;
    let waits_for_somebody = match reached {
        Reached::Beside => about.object["spec"]["strategy"]["blueGreen"]["autoPromotionEnabled"] == false,
        Reached::Whole => false,
        _ => is_held || standing.waits_for_somebody(0),
    };
    Ok(Draft {
        title: format!("Retry Rollout {}", about.name),
        steps: vec![
            Part::patch("Begin its steps anew", vec![Guard::new("/status/abort", json!(true))], put).of(Target::Status),
        ],
        traffic: course.traffic(Coming::Newest, reached),
        affected: course.affected(Coming::Newest, reached),
        risk: (
            Risk::Medium,
            format!("The revision that was aborted begins again at its first step. {}", course.words(reached)),
        ),
        warnings: if is_held { vec![STAYS_PAUSED.to_owned()] } else { Vec::new() },
        success: Expectation {
            words: if is_held { "it is not aborted, and it stays paused" } else { "its steps have begun anew" }
                .to_owned(),
            within: SOON,
        },
        // What goes all the way by itself has nothing left to be aborted by then.
        undo: match waits_for_somebody {
            true => Some(Deed::Abort),
            false => course.stable().map(|stable| Deed::Undo(Some(stable.number))),
        },
    })
}

/// Its pods anew.
pub(super) fn restart(about: &About<'_>, now: &str) -> Result<Draft, Problem> {
    standing(about, "restarted")?;
    let pods = about.replicas();
    let put = json!({ "op": "add", "path": "/spec/restartAt", "value": now });
    // Pods of another revision than the one that was shown are made anew by that.
    let current = &about.object["status"]["currentPodHash"];
    let guards = (!current.is_null()).then(|| Guard::new("/status/currentPodHash", current.clone()));
    Ok(Draft {
        title: format!("Restart the {pods} pods of Rollout {}", about.name),
        steps: vec![Part::patch("Let each pod that is older be made anew", guards.into_iter().collect(), put)],
        traffic: Vec::new(),
        affected: about.affected(about.replicas()),
        risk: (Risk::Medium, "Every pod is made anew, a few at a time.".to_owned()),
        warnings: Vec::new(),
        success: Expectation { words: format!("{pods} of {pods} pods were made anew"), within: about.rollout() },
        undo: None,
    })
}

/// An analysis or experiment to its end.
pub(super) fn terminate(about: &About<'_>) -> Result<Draft, Problem> {
    about.of(&["AnalysisRun", "Experiment"], "terminated")?;
    let phase = about.object["status"]["phase"].as_str().unwrap_or_default();
    if AnalysisPhase::of(phase).is_over() {
        return Err(about.so_already(&format!("over ({phase})")));
    }
    let put = json!({ "op": "add", "path": "/spec/terminate", "value": true });
    Ok(Draft {
        title: format!("Terminate {} {}", about.kind, about.name),
        steps: vec![Part::patch("Measure nothing more", Vec::new(), put)],
        traffic: Vec::new(),
        affected: Affected::default(),
        risk: (Risk::Medium, "What waits for it goes by what was measured so far.".to_owned()),
        // Source: `assessRunStatus` of Argo Rollouts: what is ended and has not failed is successful.
        warnings: vec![format!(
            "What is ended before it failed counts as passed: {} goes on with that. To stop a Rollout, abort it.",
            owner(about)
        )],
        success: Expectation { words: "it is over".to_owned(), within: SOON },
        undo: None,
    })
}

/// Who waits for an analysis or an experiment.
fn owner(about: &About<'_>) -> String {
    let named = controller(about.object).and_then(|owner| Some((owner["kind"].as_str()?, owner["name"].as_str()?)));
    named.map_or_else(|| "whoever waits for it".to_owned(), |(kind, name)| format!("{kind} {name}"))
}

fn lower(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

impl Standing {
    /// What comes when it goes on behind a step.
    fn words(&self, at: Option<u32>) -> String {
        let steps = self.steps();
        match at.and_then(|at| usize::try_from(at).ok()).and_then(|at| Some((at, steps.get(at)?))) {
            Some((at, Step::Pause(_))) => format!("Go on behind the pause of step {} of {}", at + 1, steps.len()),
            Some((at, Step::Analysis(_))) => {
                format!("Go on without the result of the analysis of step {} of {}", at + 1, steps.len())
            }
            Some((at, _)) => format!("Skip step {} of {}", at + 1, steps.len()),
            None => "Go on".to_owned(),
        }
    }

    /// Does it stop from this step on until a person goes on?
    fn waits_for_somebody(&self, from: usize) -> bool {
        self.steps().iter().skip(from).any(|step| matches!(step, Step::Pause(Wait::ForPerson)))
    }
}

/// What follows from another template of a Rollout: a revision that is kept or made begins. Of any other kind nothing does.
pub(super) fn given(about: &About<'_>, coming: Coming<'_>, revisions: &[Revision], draft: Draft) -> Draft {
    let Some(standing) = Standing::of(about.object).filter(|_| about.is_rollout()) else { return draft };
    let course = Course::new(about, &standing, revisions);
    let reached = course.begins(coming);
    let anew = |words: &str| (Risk::Medium, format!("{words} {}", course.words(reached)));
    let risk = match (reached, course.fast(coming)) {
        (Reached::Held, _) => (Risk::Low, course.words(reached)),
        (_, Some(Fast::Stable)) => (Risk::Medium, "It is its stable revision: no step is waited for.".to_owned()),
        (_, Some(Fast::Window)) => {
            (Risk::Medium, "It is within its window of rollbacks: no step is waited for.".to_owned())
        }
        (_, Some(Fast::Lingers)) => {
            (Risk::Medium, "Its pods are still there: it turns back to them at once.".to_owned())
        }
        (Reached::Step(..), None) => anew("Pods are made anew, by the steps of its strategy."),
        (_, None) => anew("Pods are made anew."),
    };
    let mut warnings = draft.warnings;
    // Whoever goes back to what served before is not held up by a pause that somebody set to stop what came.
    let gone = let_go(about).filter(|_| reached != Reached::Held);
    let success = match reached {
        Reached::Held => {
            warnings.push(STAYS_PAUSED.to_owned());
            Expectation { words: "its template is the new one, and it stays paused".to_owned(), within: SOON }
        }
        _ => draft.success,
    };
    Draft {
        steps: draft.steps.into_iter().chain(gone).collect(),
        traffic: course.traffic(coming, reached),
        affected: course.affected(coming, reached),
        risk,
        warnings,
        success,
        ..draft
    }
}

/// The number of its stable revision, while another one is on its way: whoever goes back goes back to that, whatever was tried
/// in between.
pub(super) fn stable_behind(about: &About<'_>, revisions: &[Revision]) -> Option<u64> {
    let standing = Standing::of(about.object).filter(|standing| about.is_rollout() && !standing.is_whole())?;
    Course::new(about, &standing, revisions).stable().map(|stable| stable.number)
}

/// Does a guard of these tell which pause or step it was? What is behind it is another.
pub(in crate::acts) fn moved_on(guards: &[(String, String)], object: &Value) -> bool {
    let placed = |path: &str| guards.iter().find(|(own, _)| own == path).map(|(_, value)| value.as_str());
    let now = |path: &str| object.pointer(path).map(Value::to_string);
    ["/status/pauseConditions/0/startTime", "/status/currentStepIndex", "/status/currentPodHash"]
        .into_iter()
        .any(|path| placed(path).is_some_and(|was| now(path).as_deref() != Some(was)))
}
