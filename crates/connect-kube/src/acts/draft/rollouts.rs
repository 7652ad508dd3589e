//! Rollouts of Argo: on, all the way, back, again. Each write has the effect of the one that `kubectl argo rollouts` sends
//! (`pkg/kubectl-argo-rollouts/cmd` of v1.8), as a JSON patch behind its guards.

use super::{About, Body, Draft, Guard, Part, SOON, Target, controllers::is_paused, controllers::unpause};
use crate::acts::{revision::Revision, rollout::Standing};
use pilothouse_wire::{
    Code, Problem,
    plan::{Affected, Deed, Expectation, Risk, Share},
    view::{AnalysisPhase, Step, delivery::Wait},
};
use serde_json::{Value, json};

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
    let (words, ahead) = (standing.words(at), standing.ahead(at.map_or(0, |at| at + 1)));
    let sent =
        (!put.is_empty()).then(|| Part { words: words.clone(), to: Target::Status, body: Body::Patch(put), guards });
    Ok(Draft {
        title: format!("Promote Rollout {}: {}", about.name, lower(&words)),
        steps: sent.into_iter().chain(is_paused(about).then(|| unpause("Take the pause of a person away"))).collect(),
        traffic: traffic(&standing, revisions, ahead),
        affected: changed(about),
        risk: (Risk::Medium, "More of the traffic reaches the newest revision.".to_owned()),
        warnings: Vec::new(),
        success: Expectation { words: "it goes on".to_owned(), within: SOON },
        // Once the newest revision is the stable one, there is nothing to abort.
        undo: match standing.waits_for_somebody(at.map_or(0, |at| at + 1)) {
            true => Some(Deed::Abort),
            false => stable(&standing, revisions).map(|stable| Deed::Undo(Some(stable.number))),
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
    let pods = about.replicas();
    Ok(Draft {
        title: format!("Promote Rollout {} fully", about.name),
        steps: [part].into_iter().chain(is_paused(about).then(|| unpause("Take the pause of a person away"))).collect(),
        traffic: traffic(&standing, revisions, standing.whole()),
        affected: changed(about),
        risk: (Risk::High, "All traffic goes to the newest revision, and nothing that is left is measured.".to_owned()),
        warnings: Vec::new(),
        success: Expectation {
            words: format!("{pods} of {pods} pods are of the newest revision, and it is the stable one"),
            within: about.rollout(),
        },
        undo: stable(&standing, revisions).map(|stable| Deed::Undo(Some(stable.number))),
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
    let stable = stable(&standing, revisions);
    let words = match stable {
        Some(stable) => format!("Give all traffic back to revision {}", stable.number),
        None => "Give all traffic back to the stable revision".to_owned(),
    };
    Ok(Draft {
        title: format!("Abort Rollout {}: {}", about.name, lower(&words)),
        steps: vec![Part {
            words,
            to: Target::Status,
            body: Body::Patch(vec![json!({ "op": "add", "path": "/status/abort", "value": true })]),
            // Only that another revision is the stable one by now would make it wrong.
            guards: vec![Guard::new("/status/stableRS", about.object["status"]["stableRS"].clone())],
        }],
        traffic: traffic(&standing, revisions, 0),
        affected: changed(about),
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

/// The newest revision again.
pub(super) fn retry(about: &About<'_>) -> Result<Draft, Problem> {
    let standing = standing(about, "retried")?;
    if !standing.rollout().aborted {
        return Err(Problem::new(Code::NotOffered, format!("Rollout {} was not aborted.", about.name))
            .next("There is nothing to try again."));
    }
    let put = json!({ "op": "replace", "path": "/status/abort", "value": false });
    Ok(Draft {
        title: format!("Retry Rollout {}", about.name),
        steps: vec![
            Part::patch("Begin its steps anew", vec![Guard::new("/status/abort", json!(true))], put).of(Target::Status),
        ],
        traffic: Vec::new(),
        affected: changed(about),
        risk: (Risk::Medium, "Traffic reaches the revision again that was aborted.".to_owned()),
        warnings: Vec::new(),
        success: Expectation { words: "its steps have begun anew".to_owned(), within: SOON },
        undo: Some(Deed::Abort),
    })
}

/// Its pods anew.
pub(super) fn restart(about: &About<'_>, now: &str) -> Result<Draft, Problem> {
    standing(about, "restarted")?;
    let pods = about.replicas();
    let put = json!({ "op": "add", "path": "/spec/restartAt", "value": now });
    let guard = Guard::new("/metadata/generation", about.object["metadata"]["generation"].clone());
    Ok(Draft {
        title: format!("Restart the {pods} pods of Rollout {}", about.name),
        steps: vec![Part::patch("Let each pod that is older be made anew", vec![guard], put)],
        traffic: Vec::new(),
        affected: changed(about),
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
        warnings: Vec::new(),
        success: Expectation { words: "it is over".to_owned(), within: SOON },
        undo: None,
    })
}

fn changed(about: &About<'_>) -> Affected {
    about.affected(about.replicas())
}

fn stable<'a>(standing: &Standing, revisions: &'a [Revision]) -> Option<&'a Revision> {
    standing
        .fact
        .stable
        .as_ref()
        .and_then(|hash| revisions.iter().find(|revision| revision.hash.as_ref() == Some(hash)))
}

/// The shares of the newest and of the stable revision, now and with so much for the newest.
fn traffic(standing: &Standing, revisions: &[Revision], then: u32) -> Vec<Share> {
    let Some(now) = standing.actual(revisions) else { return Vec::new() };
    let named = |hash: Option<&_>, role: &str| {
        let found = revisions.iter().find(|revision| hash.is_some() && revision.hash.as_ref() == hash);
        found.map_or_else(|| role.to_owned(), |revision| format!("revision {}, {role}", revision.number))
    };
    let whole = standing.whole().max(1);
    let percent = |weight: u32| u32::try_from(u64::from(weight) * 100 / u64::from(whole)).unwrap_or(100).min(100);
    let (now, then) = (percent(now), percent(then));
    vec![
        Share::in_percent(named(standing.fact.current.as_ref(), "newest"), now, then),
        Share::in_percent(named(standing.fact.stable.as_ref(), "stable"), 100 - now, 100 - then),
    ]
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
    fn waits_for_somebody(&self, from: u32) -> bool {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        self.steps().iter().skip(from).any(|step| matches!(step, Step::Pause(Wait::ForPerson)))
    }

    /// The weight that follows by itself from this step on, up to the next that waits.
    fn ahead(&self, from: u32) -> u32 {
        let steps = self.steps();
        if steps.is_empty() {
            return self.whole();
        }
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(steps.len());
        let waits =
            |step: &Step| matches!(step, Step::Pause(_) | Step::Analysis(_) | Step::Experiment | Step::Plugin(_));
        let to = steps[from..].iter().position(waits).map(|more| from + more);
        let Some(to) = to else { return self.whole() };
        let set = |step: &Step| if let Step::Weight(weight) = step { Some(*weight) } else { None };
        steps[..to].iter().rev().find_map(set).unwrap_or(0)
    }
}

/// The traffic of one that goes back to its stable revision while another is on its way; nothing of any other.
pub(super) fn traffic_back(about: &About<'_>, to: &Revision, revisions: &[Revision]) -> Vec<Share> {
    let standing = Standing::of(about.object).filter(|standing| !standing.is_whole());
    let standing = standing.filter(|standing| standing.fact.stable.is_some() && standing.fact.stable == to.hash);
    standing.map(|standing| traffic(&standing, revisions, 0)).unwrap_or_default()
}

/// The number of its stable revision, while another one is on its way: whoever goes back goes back to that, whatever was tried
/// in between.
pub(super) fn stable_behind(about: &About<'_>, revisions: &[Revision]) -> Option<u64> {
    let standing = Standing::of(about.object).filter(|standing| about.is_rollout() && !standing.is_whole())?;
    stable(&standing, revisions).map(|stable| stable.number)
}

/// Does a guard of these tell which pause or step it was? What is behind it is another.
pub(in crate::acts) fn moved_on(guards: &[(String, String)], object: &Value) -> bool {
    let placed = |path: &str| guards.iter().find(|(own, _)| own == path).map(|(_, value)| value.as_str());
    let now = |path: &str| object.pointer(path).map(Value::to_string);
    ["/status/pauseConditions/0/startTime", "/status/currentStepIndex", "/status/currentPodHash"]
        .into_iter()
        .any(|path| placed(path).is_some_and(|was| now(path).as_deref() != Some(was)))
}
