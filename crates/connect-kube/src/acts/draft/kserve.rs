//! Services of KServe: a share of the traffic for the newest revision, all of it, none; no pods and pods again; another model.
//!
//! Which of it there is depends on who makes the pods. In Knative mode a router stands before revisions, and
//! `canaryTrafficPercent` is the share of the newest one. In Standard mode a Deployment replaces its pods: no two revisions share
//! traffic, and the way back is the model of before; only a canary that stands beside it (`super::canaries`) has a share.

use super::{About, Body, Draft, Guard, Part, ROLLOUT, SOON, Target, about::gpus, canaries, member as group};
use crate::{
    acts::{
        kserve::{KIND, Standing, model},
        member,
    },
    facts::STOP,
};
use pilothouse_connect::redact_url;
use pilothouse_wire::{
    Code, Problem, SmolStr,
    plan::{Affected, Deed, Expectation, Risk, Share},
    view::delivery::ServedMode,
};
use serde_json::{Value, json};

const PERCENT: &str = "/spec/predictor/canaryTrafficPercent";
const CREATED: &str = "/status/components/predictor/latestCreatedRevision";

fn standing(about: &About<'_>, kinds: &[&str], deed: &str) -> Result<Standing, Problem> {
    about.of(kinds, deed)?;
    Standing::of(about.object).ok_or_else(|| {
        Problem::new(Code::BadInput, format!("{} {} is of a form that is not known.", about.kind, about.name))
            .next("Use kubectl, with the API of the controller's own version.")
    })
}

/// Is it one whose router splits traffic between revisions?
fn split(about: &About<'_>, standing: &Standing, deed: &str) -> Result<(), Problem> {
    let why = match standing.served.mode {
        ServedMode::Knative => return Ok(()),
        ServedMode::Standard => {
            "In Standard mode (RawDeployment) its pods are replaced a few at a time: no two revisions of it share traffic."
        }
        ServedMode::ModelMesh => "ModelMesh has no revisions of it that share traffic.",
        ServedMode::Llm | ServedMode::Unknown => "Its controller has not said yet in which mode it serves it.",
    };
    let back = match model(about.object) {
        Some(_) => "The way back is the model of before: pilothouse act set-model.",
        None => "The way back is its spec as it was before.",
    };
    Err(about.not_offered(deed).why(why).next(back))
}

/// A share of the traffic for its newest revision.
pub(super) fn canary(about: &About<'_>, to: u32) -> Result<Draft, Problem> {
    let standing = standing(about, &[KIND], "given a canary")?;
    if to > 100 {
        return Err(Problem::new(Code::BadInput, format!("{to} is no percentage.")).next("Give 0 to 100."));
    }
    if let Some(beside) = &standing.canaries {
        return canaries::share(about, beside, to);
    }
    split(about, &standing, "given a canary")?;
    if standing.served.percent == Some(to) {
        return Err(about.so_already(&format!("at {to} %")));
    }
    let now = standing.served.share().unwrap_or(0);
    let (risk, why) = match standing.other() {
        None => (Risk::Low, "No traffic moves: there is no other revision.".to_owned()),
        Some(_) if to > now => (Risk::Medium, "More of the traffic reaches the newest revision.".to_owned()),
        Some(_) => (Risk::Low, "Traffic goes back to pods that served it before.".to_owned()),
    };
    Ok(Draft {
        title: format!("Give the newest revision of {KIND} {} {to} % of its traffic", about.name),
        risk: (risk, why),
        warnings: warnings(&standing, to),
        success: Expectation { words: format!("its router gives the newest revision {to} %"), within: SOON },
        ..moved(&standing, format!("Set the share of the newest revision to {to} %"), Some(to))
    })
}

/// All traffic for its newest revision.
pub(super) fn promote(about: &About<'_>) -> Result<Draft, Problem> {
    let standing = standing(about, &[KIND], "promoted")?;
    if let Some(beside) = &standing.canaries {
        return canaries::promote(about, beside);
    }
    split(about, &standing, "promoted")?;
    if standing.served.percent.is_none_or(|percent| percent >= 100) {
        return Err(about.so_already("at its newest revision with all traffic"));
    }
    Ok(Draft {
        title: format!("Promote {KIND} {}: give its newest revision all traffic", about.name),
        risk: (
            Risk::Medium,
            "All traffic reaches the newest revision, and each that comes after it at once.".to_owned(),
        ),
        warnings: warnings(&standing, 100),
        success: Expectation { words: "its router gives the newest revision all traffic".to_owned(), within: SOON },
        ..moved(&standing, "Take the share away: the newest revision gets all traffic".to_owned(), None)
    })
}

/// All traffic back to the revision before.
pub(super) fn abort(about: &About<'_>) -> Result<Draft, Problem> {
    let standing = standing(about, &[KIND], "rolled back")?;
    if let Some(beside) = &standing.canaries {
        return canaries::abort(about, beside);
    }
    split(about, &standing, "rolled back")?;
    if standing.served.percent == Some(0) {
        return Err(about.so_already("rolled back"));
    }
    let Some(other) = standing.other() else {
        return Err(about
            .not_offered("rolled back")
            .why("Its router knows no other revision: there is none to go back to.")
            .next("Set the model that it served before: pilothouse act set-model."));
    };
    let draft = moved(&standing, format!("Give all traffic back to {other}"), Some(0));
    // Only that another revision is the one to go back to would make it wrong.
    let kept = [
        ("latestRolledoutRevision", &standing.served.rolled_out),
        ("previousRolledoutRevision", &standing.served.before),
    ];
    let guards = kept.into_iter().filter(|(_, name)| name.as_deref() == Some(other));
    let guards = guards.map(|(field, name)| Guard::new(&format!("/status/components/predictor/{field}"), json!(name)));
    let guards: Vec<Guard> = guards.take(1).collect();
    let steps = draft.steps.into_iter().map(|part| Part { guards: guards.clone(), ..part }).collect();
    Ok(Draft {
        title: format!("Roll {KIND} {} back: give all traffic to {other}", about.name),
        steps,
        risk: (Risk::Low, "Traffic goes back to pods that served it before.".to_owned()),
        warnings: vec![
            "Its spec still asks for the newest revision: it stays with no traffic until it is promoted, or another model is set."
                .to_owned(),
        ],
        success: Expectation { words: format!("its router gives {other} all traffic"), within: SOON },
        ..draft
    })
}

/// It keeps its settings and loses its pods.
pub(super) fn stop(about: &About<'_>) -> Result<Draft, Problem> {
    let standing = standing(about, &[KIND, member::KIND], "stopped")?;
    if standing.served.stops {
        return Err(about.so_already("stopped"));
    }
    let mut warnings = match standing.served.mode {
        ServedMode::Standard => vec![
            "KServe before v0.16 takes no notice of this in Standard mode: then nothing changes, and it ends unverified."
                .to_owned(),
        ],
        _ => Vec::new(),
    };
    let alone = || (Risk::High, "All pods end: nothing answers until it is started.".to_owned());
    let (traffic, risk) = match group::stopped(about) {
        Some(of) => {
            warnings.extend(of.warnings);
            (of.traffic, of.risk)
        }
        None => (Vec::new(), alone()),
    };
    Ok(Draft {
        title: format!("Stop {} {}", about.kind, about.name),
        // What stops something depends on nothing: it is never held up because something else changed meanwhile.
        steps: vec![Part {
            words: "Let it have no pods, and keep its settings".to_owned(),
            to: Target::Object,
            body: Body::Merge(json!({ "metadata": { "annotations": { STOP: "true" } } })),
            guards: Vec::new(),
        }],
        traffic,
        affected: affected(about, &standing),
        risk,
        warnings,
        success: Expectation { words: "it says that it is stopped, and has no pods".to_owned(), within: ROLLOUT },
        undo: Some(Deed::Start),
    })
}

/// Its pods again.
pub(super) fn start(about: &About<'_>) -> Result<Draft, Problem> {
    let standing = standing(about, &[KIND, member::KIND], "started")?;
    if !standing.served.stops {
        return Err(about.so_already("not stopped"));
    }
    let path = format!("/metadata/annotations/{}", STOP.replace('/', "~1"));
    let guard = Guard::new(&path, json!("true"));
    let put = json!({ "op": "add", "path": path, "value": "false" });
    let alone = || (Risk::Low, "Its pods ask for their GPUs anew: where none is free they wait.".to_owned());
    let (traffic, risk, warnings) = match group::started(about) {
        Some(of) => (of.traffic, of.risk, of.warnings),
        None => (Vec::new(), alone(), Vec::new()),
    };
    Ok(Draft {
        title: format!("Start {} {}", about.kind, about.name),
        steps: vec![Part::patch("Let it have its pods again", vec![guard], put)],
        traffic,
        affected: affected(about, &standing),
        risk,
        warnings,
        success: Expectation { words: "it is ready".to_owned(), within: ROLLOUT },
        undo: Some(Deed::Stop),
    })
}

/// Another model.
pub(super) fn set_model(about: &About<'_>, uri: &str) -> Result<Draft, Problem> {
    let standing = standing(about, &[KIND, member::KIND], "given a model")?;
    let Some((path, from)) = model(about.object) else {
        return Err(about
            .not_offered("given a model")
            .why("Its predictor names no address of one: its container brings it along, or a storage is named instead.")
            .next("Change its spec where it is kept."));
    };
    if uri.is_empty() || uri.chars().any(|sign| sign.is_whitespace() || sign.is_control()) {
        return Err(Problem::new(Code::BadInput, format!("\"{uri}\" is no address of a model."))
            .next("Such as s3://bucket/folder, hf://org/name, oci://registry/name:tag, pvc://claim/folder."));
    }
    if redact_url(uri) != uri {
        let what = "There is a credential in the address, and a plan is shown and written down.";
        return Err(Problem::new(Code::BadInput, what)
            .next("Keep it in a Secret of the service's account, and give the address without it."));
    }
    if from == uri {
        return Err(about.so_already(&format!("serving {uri}")));
    }
    // One with a credential is neither shown nor sent again: the whole spec is held instead, and nothing leads back to it.
    let is_open = redact_url(from) == from;
    let mut guards = vec![if is_open { Guard::new(&path, json!(from)) } else { about.generation() }];
    // By it the revision is known that comes.
    if standing.served.mode == ServedMode::Knative
        && let Some(created) = &standing.served.created
    {
        guards.push(Guard::new(CREATED, json!(created)));
    }
    let put = json!({ "op": "replace", "path": path, "value": uri });
    let (traffic, risk) = coming(&standing);
    Ok(Draft {
        title: format!("Serve {uri} by {} {}", about.kind, about.name),
        steps: vec![Part::patch("Set the address of the model", guards, put)],
        traffic,
        affected: affected(about, &standing),
        risk: (Risk::Medium, risk),
        warnings: stopped(&standing),
        success: Expectation { words: "its pods are ready with the model".to_owned(), within: ROLLOUT },
        undo: is_open.then(|| Deed::SetModel(SmolStr::new(from))),
    })
}

/// It has no revisions that a template of it could be taken back to.
pub(super) fn undo(about: &About<'_>) -> Result<Draft, Problem> {
    let standing = standing(about, &[KIND], "taken back to a revision")?;
    let problem = about.not_offered("taken back to a revision");
    Err(match standing.served.mode {
        ServedMode::Knative => problem
            .why("Its revisions are made of its spec by Knative, and only traffic goes back to one.")
            .next("Roll it back: pilothouse act abort."),
        _ => problem
            .why("Its controller makes its Deployment by its spec: what is taken back there is made anew.")
            .next("Set the model that it served before: pilothouse act set-model."),
    })
}

/// What follows from another share, for the newest revision; none takes it away.
fn moved(standing: &Standing, words: String, to: Option<u32>) -> Draft {
    let served = &standing.served;
    let mut guards = Vec::new();
    guards.extend(served.created.as_ref().map(|created| Guard::new(CREATED, json!(created))));
    guards.extend(served.percent.map(|percent| Guard::new(PERCENT, json!(percent))));
    let put = match to {
        Some(to) => json!({ "op": "add", "path": PERCENT, "value": to }),
        None => json!({ "op": "remove", "path": PERCENT }),
    };
    Draft {
        title: String::new(),
        steps: vec![Part::patch(words, guards, put)],
        traffic: traffic(standing, to.unwrap_or(100)),
        // Traffic moves between pods that run: none is made anew.
        affected: Affected::default(),
        risk: (Risk::Medium, String::new()),
        warnings: Vec::new(),
        success: Expectation::default(),
        undo: Some(served.percent.filter(|percent| *percent < 100).map_or(Deed::Promote, Deed::Canary)),
    }
}

/// The shares of the newest revision and of the other one, now and with so much for the newest.
fn traffic(standing: &Standing, then: u32) -> Vec<Share> {
    let served = &standing.served;
    let Some((newest, now)) = served.created.as_ref().zip(served.share()) else { return Vec::new() };
    let Some(other) = standing.other() else {
        return vec![Share::in_percent(format!("{newest}, the only one"), now, 100)];
    };
    vec![
        Share::in_percent(format!("{newest}, newest"), now, then),
        Share::in_percent(format!("{other}, before"), 100 - now, 100 - then),
    ]
}

/// The shares once another revision comes, and how much that is.
fn coming(standing: &Standing) -> (Vec<Share>, String) {
    let served = &standing.served;
    if served.mode != ServedMode::Knative {
        return (Vec::new(), "Every pod is made anew, a few at a time, and fetches the model first.".to_owned());
    }
    // Without one that had all traffic before there is none to share it with.
    let then = served.percent.filter(|_| served.rolled_out.is_some()).unwrap_or(100).min(100);
    let mut shares = vec![Share::in_percent("the revision that comes", 0, then)];
    let mut known: Vec<(&SmolStr, u32)> = Vec::new();
    for target in &served.traffic {
        match known.iter_mut().find(|(name, _)| **name == target.revision) {
            Some((_, percent)) => *percent = percent.saturating_add(target.percent).min(100),
            None => known.push((&target.revision, target.percent.min(100))),
        }
    }
    shares.extend(known.into_iter().map(|(name, now)| {
        let is_base = served.rolled_out.as_ref() == Some(name);
        Share::in_percent(name.as_str(), now, if is_base { 100 - then } else { 0 })
    }));
    let risk = match then {
        100 => "All traffic goes to the revision that comes, once it is ready.".to_owned(),
        then => format!("{then} % of the traffic goes to the revision that comes, once it is ready."),
    };
    (shares, risk)
}

fn warnings(standing: &Standing, to: u32) -> Vec<String> {
    let served = &standing.served;
    let mut all = Vec::new();
    if let (Some(created), true) = (&served.created, served.created != served.ready) {
        all.push(format!("Revision {created} is not ready: traffic comes to it once it is."));
    }
    if standing.other().is_none() && to < 100 {
        all.push(format!("There is no other revision: all traffic stays, and the next revision gets {to} % at first."));
    }
    all.extend(stopped(standing));
    all
}

fn stopped(standing: &Standing) -> Vec<String> {
    let words = "It is stopped: nothing of this reaches pods until it is started, and it ends unverified.";
    if standing.served.stops { vec![words.to_owned()] } else { Vec::new() }
}

/// Pods that end or begin, and their GPUs.
fn affected(about: &About<'_>, standing: &Standing) -> Affected {
    let pods = standing.controller.replicas.and_then(|pods| u32::try_from(pods).ok()).unwrap_or(1);
    Affected::new(pods, gpus_of_a_pod(about) * u64::from(pods))
}

/// The GPUs that one of its pods asks for.
pub(super) fn gpus_of_a_pod(about: &About<'_>) -> u64 {
    let predictor = &about.object["spec"]["predictor"];
    let engine = model(about.object)
        .and_then(|(path, _)| about.object.pointer(path.strip_suffix("/storageUri")?))
        .map_or(0, |engine| gpus(&json!({ "containers": [engine] })));
    // Of an LLMInferenceService it is the pod itself, where it does not come from a preset.
    engine + gpus(predictor) + gpus(&about.object["spec"]["template"])
}

pub(super) fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}
