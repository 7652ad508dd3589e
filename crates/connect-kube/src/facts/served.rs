//! Services of KServe into facts, and what of their pods and sets belongs to them.

use super::{
    count,
    delivery::{MOST_CONDITIONS, MOST_WORDS, delivered, guard, stated},
    some, stamp,
    start::of_store,
    words,
};
use crate::slim::{
    CanarySpec, ComponentStatus, InferenceService, InferenceSpec, InferenceStatus, LlmInferenceService, ModelStatus,
    Predictor, WrittenMeta,
};
use pilothouse_connect::redact_url;
use pilothouse_wire::{SmolStr, view::delivery::ServedMode};
use pilothouse_world::{
    Fact,
    fact::{
        CanariesFact, CanaryFact, DeliveryFact, FailureFact, LoadFact, OwnerFact, ServedFact, StrategyFact, TargetFact,
    },
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Who makes the pods of an InferenceService.
const MODE: &str = "serving.kserve.io/deploymentMode";
/// A person wants no pods of it.
pub(crate) const STOP: &str = "serving.kserve.io/stop";
/// Of whose service a pod or a set is.
pub(crate) const SERVICE: &str = "serving.kserve.io/inferenceservice";
/// Which part of it.
const COMPONENT: &str = "component";
const PREDICTOR: &str = "predictor";
/// The revision of Knative that a set is of, and its number.
const REVISION: &str = "serving.knative.dev/revision";
const GENERATION: &str = "serving.knative.dev/configurationGeneration";
/// Targets of a router that are kept.
const MOST_TARGETS: usize = 50;
/// The longest address of a service.
const LONGEST: usize = 512;

/// What an InferenceService says; `None` for one without a name.
#[must_use]
pub fn facts_of_inference(it: InferenceService) -> Option<Fact> {
    let (meta, spec, status) = (it.metadata?, it.spec, it.status);
    let canaries = canaries(&meta.name, &spec, &status);
    let predictor = spec.predictor;
    let spec = spec_of(&predictor.other);
    let part = status.components.get(PREDICTOR).cloned().unwrap_or_default();
    let mode = if status.deployment_mode.is_empty() {
        meta.annotations.get(MODE).map_or(ServedMode::Unknown, |word| ServedMode::of(word))
    } else {
        ServedMode::of(&status.deployment_mode)
    };
    let runtime = some(&status.serving_runtime_name).or_else(|| some(&status.cluster_serving_runtime_name));
    let served = ServedFact {
        mode,
        model: spec.and_then(|(_, spec)| of_store(spec["storageUri"].as_str()?)),
        format: spec.and_then(|(key, spec)| match key {
            "model" => some(spec["modelFormat"]["name"].as_str()?),
            framework => some(framework),
        }),
        runtime: runtime.or_else(|| spec.and_then(|(_, spec)| some(spec["runtime"].as_str()?))),
        percent: predictor.canary_traffic_percent.and_then(|percent| u32::try_from(percent).ok()),
        ..served_of(&meta, &status, &part)
    };
    // What is not said is one. A number below none is a mistake of somebody's.
    let replicas = predictor.min_replicas.map_or(Some(1), |replicas| i32::try_from(replicas.max(0)).ok());
    service("InferenceService", meta, replicas, (served, canaries), status)
}

/// Its canaries. Each has a Deployment that is called by the service and by its own name, and what its predictor leaves out is
/// as the predictor of the service has it. Source: `reconcileCanaryDeployments`, `PredictorServiceName` of KServe v0.20.
fn canaries(service: &str, spec: &InferenceSpec, status: &InferenceStatus) -> Option<CanariesFact> {
    let deployment = |name: &str| match name {
        "" => SmolStr::new(format!("{service}-predictor")),
        name => SmolStr::new(format!("{service}-{name}-predictor")),
    };
    let model = |of: &Predictor| spec_of(&of.other).and_then(|(_, spec)| of_store(spec["storageUri"].as_str()?));
    let canary = |canary: &CanarySpec| {
        let name = some(&canary.predictor.name)?;
        let said = status.canary_statuses.iter().find(|said| said.name == name);
        Some(CanaryFact {
            deployment: deployment(&name),
            percent: canary.traffic_percent.and_then(|percent| u32::try_from(percent).ok()).unwrap_or(0),
            model: match spec_of(&canary.predictor.other) {
                Some(_) => model(&canary.predictor),
                None => model(&spec.predictor),
            },
            ready: said.and_then(|said| said.ready),
            name,
        })
    };
    let canaries: Vec<CanaryFact> = spec.canary.iter().take(MOST_TARGETS).filter_map(canary).collect();
    (!canaries.is_empty()).then(|| CanariesFact { stable: deployment(&spec.predictor.name), canaries })
}

/// What an LLMInferenceService says; `None` for one without a name.
#[must_use]
pub fn facts_of_llm(it: LlmInferenceService) -> Option<Fact> {
    let (meta, spec, status) = (it.metadata?, it.spec, it.status);
    let served = ServedFact {
        mode: ServedMode::Llm,
        model: of_store(&spec.model.uri),
        ..served_of(&meta, &status, &ComponentStatus::default())
    };
    let replicas = spec.replicas.map_or(Some(1), |replicas| i32::try_from(replicas.max(0)).ok());
    service("LLMInferenceService", meta, replicas, (served, None), status)
}

/// What says which model: `model`, or the framework that is named instead.
fn spec_of(other: &BTreeMap<String, Value>) -> Option<(&str, &Value)> {
    let found = other.get_key_value("model").or_else(|| other.iter().find(|(_, spec)| spec["storageUri"].is_string()));
    found.map(|(key, spec)| (key.as_str(), spec))
}

/// What both kinds have.
fn served_of(meta: &WrittenMeta, status: &InferenceStatus, part: &ComponentStatus) -> ServedFact {
    let target = |target: &crate::slim::TrafficTarget| {
        let percent = target.percent.and_then(|percent| u32::try_from(percent).ok()).unwrap_or(0);
        Some(TargetFact { revision: some(&target.revision_name)?, percent })
    };
    ServedFact {
        url: some(&status.url).filter(|url| url.len() <= LONGEST).map(|url| redact_url(&url)),
        stops: meta.annotations.get(STOP).is_some_and(|stop| stop == "true"),
        created: some(&part.latest_created_revision),
        ready: some(&part.latest_ready_revision),
        rolled_out: some(&part.latest_rolledout_revision),
        before: some(&part.previous_rolledout_revision),
        traffic: part.traffic.iter().take(MOST_TARGETS).filter_map(target).collect(),
        load: load(&status.model_status),
        ..ServedFact::default()
    }
}

fn load(status: &ModelStatus) -> LoadFact {
    LoadFact {
        transition: some(&status.transition_status),
        active: some(&status.states.active_model_state),
        target: some(&status.states.target_model_state),
        failed: count(status.copies.failed_copies),
        failure: status.last_failure_info.as_ref().map(|info| FailureFact {
            reason: some(&info.reason),
            message: words(&info.message, MOST_WORDS),
            location: some(&info.location),
            exit_code: Some(info.exit_code).filter(|code| *code != 0),
            at: stamp(info.time),
        }),
    }
}

fn service(
    kind: &'static str,
    meta: WrittenMeta,
    replicas: Option<i32>,
    (served, canaries): (ServedFact, Option<CanariesFact>),
    status: InferenceStatus,
) -> Option<Fact> {
    let knative = served.mode == ServedMode::Knative;
    let delivery = DeliveryFact {
        generation: meta.generation,
        guard: guard(&meta),
        // A Deployment names no revision: the newest of its sets is the one that is wanted.
        current: served.created.clone().filter(|_| knative),
        stable: served.stable().cloned().filter(|_| knative),
        conditions: status.conditions.into_iter().take(MOST_CONDITIONS).map(stated).collect(),
        strategy: match canaries {
            // Of another mode its controller refuses them.
            Some(canaries) if !knative => StrategyFact::Canaried(Box::new(served), Box::new(canaries)),
            _ => StrategyFact::Served(Box::new(served)),
        },
        ..DeliveryFact::default()
    };
    delivered(kind, meta, replicas, delivery)
}

/// The service of KServe whose predictor, or whose engine, this pod, set or Deployment is, by its labels. Transformers,
/// explainers, routers and those that fill the cache alone are workloads of their own, as are pods of several hosts.
pub(super) fn served_by(labels: &BTreeMap<String, String>) -> Option<OwnerFact> {
    let is = |key: &str, value: &str| labels.get(key).is_some_and(|is| is == value);
    let named = |kind: &'static str, key: &str| {
        let name = labels.get(key).filter(|name| !name.is_empty())?;
        Some(OwnerFact { kind: SmolStr::new_static(kind), name: SmolStr::new(name) })
    };
    let is_worker = labels.get("app").is_some_and(|app| app.ends_with("-predictor-worker"));
    if is(COMPONENT, PREDICTOR) && !is_worker {
        return named("InferenceService", SERVICE);
    }
    if is("app.kubernetes.io/component", "llminferenceservice-workload")
        && is("app.kubernetes.io/part-of", "llminferenceservice")
    {
        return named("LLMInferenceService", "app.kubernetes.io/name");
    }
    None
}

/// The revision of Knative that a set is of: its name and its number.
pub(super) fn of_knative(labels: &BTreeMap<String, String>) -> Option<(SmolStr, u64)> {
    let name = labels.get(REVISION).filter(|name| !name.is_empty())?;
    Some((SmolStr::new(name), labels.get(GENERATION)?.parse().ok()?))
}

#[cfg(test)]
mod tests;
