//! A canary beside the predictor of a service in KServe's Standard mode (`spec.canary`, since v0.20): another share, all of it, none.
//! Pure.
//!
//! Each canary has a Deployment of its own, whose pods are its share of those of the service; its predictor is laid over that of the
//! service. It is promoted by its name: the predictor that takes it takes that Deployment over, with the pods that are there.
//! Sources: `CanarySpec`, `canaryReplicaCount` and `buildCanaryPredictor` of KServe v0.20.

use super::{
    About, Body, Draft, Guard, Part, ROLLOUT, Target,
    kserve::{gpus_of_a_pod, number},
};
use crate::acts::kserve::{CANARY, KIND, model};
use pilothouse_connect::redact_url;
use pilothouse_wire::{
    Problem, SmolStr,
    plan::{Affected, Deed, Expectation, Resized, Risk, Share},
    view::delivery::CanaryRow,
};
use pilothouse_world::fact::{CanariesFact, CanaryFact};
use serde_json::{Value, json};

const PERCENT: &str = "/spec/canary/0/trafficPercent";

/// The only canary: of several nobody says which one is meant.
fn only<'a>(about: &About<'_>, of: &'a CanariesFact, deed: &str) -> Result<&'a CanaryFact, Problem> {
    let entries = about.object["spec"]["canary"].as_array().map_or(0, Vec::len);
    match of.canaries.as_slice() {
        [only] if entries == 1 => Ok(only),
        all => {
            let names: Vec<&str> = all.iter().map(|canary| canary.name.as_str()).collect();
            let why = format!("Several canaries serve beside it ({}), and a plan is about one.", names.join(", "));
            let next = "Take entries out of spec.canary until one is left, or change their trafficPercent there.";
            Err(about.not_offered(deed).why(why).next(next))
        }
    }
}

/// Another share for the canary.
pub(super) fn share(about: &About<'_>, of: &CanariesFact, to: u32) -> Result<Draft, Problem> {
    let canary = only(about, of, "given a canary")?;
    if canary.percent == to {
        return Err(about.so_already(&format!("at {to} % for canary {}", canary.name)));
    }
    let risk = match to > canary.percent {
        true => (Risk::Medium, "More of its pods are the canary's, and fetch its model first.".to_owned()),
        false => (Risk::Low, "Pods of the canary end, and others of what served before begin.".to_owned()),
    };
    let title = format!("Give canary {} of {KIND} {} a share of {to} %", canary.name, about.name);
    Ok(moved(about, canary, to, (title, risk)))
}

/// Nothing for the canary.
pub(super) fn abort(about: &About<'_>, of: &CanariesFact) -> Result<Draft, Problem> {
    let canary = only(about, of, "rolled back")?;
    if canary.percent == 0 {
        return Err(about.so_already("rolled back"));
    }
    let risk = (Risk::Low, "Pods of the canary end, and others of what served before begin.".to_owned());
    let title = format!("Roll {KIND} {} back: give canary {} no share", about.name, canary.name);
    let draft = moved(about, canary, 0, (title, risk));
    let stays = "Its entry stays in spec.canary without a share: it can be given one again, or promoted.".to_owned();
    // What takes it back is not held up because somebody gave it another share meanwhile.
    let steps = draft.steps.into_iter().map(|part| Part { guards: part.guards.into_iter().take(1).collect(), ..part });
    Ok(Draft { steps: steps.collect(), warnings: draft.warnings.into_iter().chain([stays]).collect(), ..draft })
}

fn moved(about: &About<'_>, canary: &CanaryFact, to: u32, (title, risk): (String, (Risk, String))) -> Draft {
    let spec = &about.object["spec"];
    let guards = vec![Guard::new(CANARY, json!(canary.name)), Guard::new(PERCENT, json!(canary.percent))];
    let put = json!({ "op": "replace", "path": PERCENT, "value": to });
    let [now, then] = [canary.percent, to].map(|percent| pods(spec, percent));
    let mut warnings = vec![CanaryRow::NO_ROUTER.to_owned()];
    if number(&spec["canary"][0]["predictor"]["minReplicas"]).is_some() {
        warnings.push("It names its own number of pods: the share does not change how many it has.".to_owned());
    }
    Draft {
        title,
        steps: vec![Part::patch(format!("Set the share of canary {} to {to} %", canary.name), guards, put)],
        traffic: shares(&canary.name, canary.percent, to),
        affected: affected(about, &canary.name, now, then),
        risk,
        warnings,
        success: Expectation {
            words: format!("its controller has taken up {to} % for canary {}, and all pods are ready", canary.name),
            within: ROLLOUT,
        },
        undo: Some(Deed::Canary(canary.percent)),
    }
}

fn shares(name: &str, now: u32, then: u32) -> Vec<Share> {
    let rest = |of: u32| 100_u32.saturating_sub(of);
    vec![
        Share::in_percent(format!("canary {name}"), now, then),
        Share::in_percent("what is beside it", rest(now), rest(then)),
    ]
}

/// The pods of both that begin or end: of the canary, and of what is beside it, now and then.
fn affected(about: &About<'_>, name: &str, now: (u32, u32), then: (u32, u32)) -> Affected {
    let rows = [(format!("canary {name}"), now.0, then.0), ("what is beside it".to_owned(), now.1, then.1)];
    let rows = rows.into_iter().filter(|(_, now, then)| now != then);
    let revisions: Vec<Resized> = rows.map(|(of, now, then)| Resized { of, now, then }).collect();
    let pods = revisions.iter().map(|one| one.now.abs_diff(one.then)).fold(0, u32::saturating_add);
    Affected { revisions, ..Affected::new(pods, gpus_of_a_pod(about) * u64::from(pods)) }
}

/// Pods of the canary at a share, and of what is beside it. Sources: `canaryReplicaCount`, `reconcileRawDeployment`.
fn pods(spec: &Value, percent: u32) -> (u32, u32) {
    let all = number(&spec["predictor"]["minReplicas"]).unwrap_or(1);
    let own = number(&spec["canary"][0]["predictor"]["minReplicas"]);
    let canary = own.unwrap_or_else(|| all.saturating_mul(percent).div_ceil(100));
    (canary, all.saturating_sub(canary).max(1))
}

/// The predictor of the canary in the place of the one beside it.
pub(super) fn promote(about: &About<'_>, of: &CanariesFact) -> Result<Draft, Problem> {
    let canary = only(about, of, "promoted")?;
    let (below, above) = (&about.object["spec"]["predictor"], &about.object["spec"]["canary"][0]["predictor"]);
    // How many pods it has as a canary is not how many it has alone.
    let above = without(above, "minReplicas");
    let then = over(below, &above);
    let fields = then.as_object().into_iter().flatten().filter(|(key, value)| below[key.as_str()] != **value);
    let put = |(key, value): (&String, &Value)| {
        let path = format!("/spec/predictor/{}", key.replace('~', "~0").replace('/', "~1"));
        json!({ "op": "add", "path": path, "value": value })
    };
    let mut puts: Vec<Value> = fields.map(put).collect();
    puts.push(json!({ "op": "remove", "path": "/spec/canary" }));
    let before = pods(&about.object["spec"], canary.percent);
    // Those of the canary stay; as many as are missing to all of them begin.
    let all = number(&below["minReplicas"]).unwrap_or(1).max(before.0);
    let mut warnings = Vec::new();
    if canary.ready != Some(true) {
        warnings.push(format!("Canary {} is not ready: until it is, nothing answers.", canary.name));
    }
    let undo = model_of_before(about, &then);
    if undo.is_none() {
        warnings
            .push("More than the model differs, and KServe keeps no earlier spec: nothing takes this back.".to_owned());
    }
    Ok(Draft {
        title: format!("Promote canary {} of {KIND} {}: let it serve alone", canary.name, about.name),
        steps: vec![Part {
            words: format!("Let the predictor be that of canary {}, and take its entry out", canary.name),
            to: Target::Object,
            body: Body::Patch(puts),
            // What is put there is both predictors as they were read.
            guards: vec![Guard::new(CANARY, json!(canary.name)), about.generation()],
        }],
        traffic: shares(&canary.name, canary.percent, 100),
        affected: affected(about, &canary.name, before, (all, 0)),
        risk: (Risk::Medium, "The pods of before end, as soon as its controller has taken this up.".to_owned()),
        warnings,
        success: Expectation {
            words: format!("the predictor is {}, and all its pods are ready", canary.name),
            within: ROLLOUT,
        },
        undo,
    })
}

/// What takes a promotion back, where only the model and the name differ: the model of before.
fn model_of_before(about: &About<'_>, then: &Value) -> Option<Deed> {
    let (path, uri) = model(about.object)?;
    if redact_url(uri) != uri {
        return None;
    }
    let within = path.strip_prefix("/spec/predictor")?;
    let bare = |of: &Value| {
        let mut of = without(of, "name");
        *of.pointer_mut(within)? = Value::Null;
        Some(of)
    };
    let is_all = bare(&about.object["spec"]["predictor"])? == bare(then)?;
    is_all.then(|| Deed::SetModel(SmolStr::new(uri)))
}

fn without(of: &Value, key: &str) -> Value {
    let mut of = of.clone();
    if let Some(fields) = of.as_object_mut() {
        fields.remove(key);
    }
    of
}

/// A predictor laid over another: what it names is its own, what it leaves out stays, and lists are taken whole.
fn over(below: &Value, above: &Value) -> Value {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            let mut all = below.clone();
            for (key, value) in above {
                let of = below.get(key).map_or_else(|| value.clone(), |below| over(below, value));
                all.insert(key.clone(), of);
            }
            Value::Object(all)
        }
        (below, above) if is_left_out(above) => below.clone(),
        (_, above) => above.clone(),
    }
}

/// Source: `mergo.WithOverride`, for which what is empty is not there.
fn is_left_out(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Object(_) => false,
    }
}
