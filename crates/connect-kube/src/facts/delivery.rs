//! How workloads get from revision to revision, into facts.

use super::{
    controller::facts_of_controller,
    count,
    requests::requests,
    served::{of_knative, served_by},
    some, stamp, words,
};
use crate::slim::{
    Condition, Deployment, DeploymentCondition, LeaderWorkerSet, ReplicaSet, Rollout, RolloutStatus, StatefulSet,
    Template, WrittenMeta,
};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{
        Guard, Step,
        delivery::{Keeper, Wait},
    },
};
use pilothouse_world::{
    Fact,
    fact::{ControllerFact, DeliveryFact, OwnerFact, PodsFact, RolloutFact, SizeFact, StatedFact, StrategyFact},
};
use serde_json::{Map, Value};

/// The longest sentence of a controller that is kept.
pub(super) const MOST_WORDS: usize = 1_024;
/// The most steps that are kept, and the most conditions.
const MOST_STEPS: usize = 200;
pub(super) const MOST_CONDITIONS: usize = 50;
/// Where the hash of a template stands on a ReplicaSet and its pods, and in the selector of a Service for one revision alone,
/// by who keeps it.
pub(super) const HASHES: [&str; 2] = ["rollouts-pod-template-hash", "pod-template-hash"];
const GOES_AT: &str = "scale-down-deadline";
const TEMPLATE_GENERATION: &str = "rollout.argoproj.io/workload-generation";

/// What a Deployment says; `None` for one without a name.
#[must_use]
pub fn facts_of_deployment(it: Deployment) -> Option<Fact> {
    let (meta, spec, status) = (it.metadata?, it.spec.unwrap_or_default(), it.status.unwrap_or_default());
    // One that a service of KServe keeps is a part of that, and no service of its own.
    if let Some(service) = served_by(&meta.labels)
        && meta.owner_references.iter().any(|owner| owner.controller == Some(true))
    {
        let controller = facts_of_controller("Deployment", meta, spec.replicas)?;
        return Some(Fact::Part(Box::new(controller), service, Vec::new()));
    }
    let strategy = match spec.strategy.unwrap_or_default().r#type.as_str() {
        "Recreate" => StrategyFact::Recreate,
        _ => StrategyFact::Rolling { partition: 0 },
    };
    let delivery = DeliveryFact {
        strategy,
        // A server that says none has not looked at it yet.
        observed: status.observed_generation,
        paused: spec.paused,
        pods: PodsFact {
            all: count(status.replicas),
            updated: count(status.updated_replicas),
            ready: count(status.ready_replicas),
            available: count(status.available_replicas),
        },
        conditions: status.conditions.into_iter().take(MOST_CONDITIONS).map(of_deployment).collect(),
        ..of_meta(&meta, spec.template.as_ref())
    };
    // One that is not said is one: the server fills that in.
    delivered("Deployment", meta, spec.replicas, delivery)
}

/// What a StatefulSet says; `None` for one without a name.
#[must_use]
pub fn facts_of_stateful_set(it: StatefulSet) -> Option<Fact> {
    let (meta, spec, status) = (it.metadata?, it.spec.unwrap_or_default(), it.status.unwrap_or_default());
    let update = spec.update_strategy.unwrap_or_default();
    let strategy = match update.r#type.as_str() {
        "OnDelete" => StrategyFact::OnDelete,
        _ => {
            let partition = update.rolling_update.and_then(|rolling| rolling.partition).unwrap_or(0);
            StrategyFact::Rolling { partition: u32::try_from(partition).unwrap_or(0) }
        }
    };
    let delivery = DeliveryFact {
        strategy,
        observed: status.observed_generation,
        pods: PodsFact {
            all: count(status.replicas),
            updated: count(status.updated_replicas),
            ready: count(status.ready_replicas),
            available: count(status.available_replicas),
        },
        current: some(&status.update_revision),
        stable: some(&status.current_revision),
        ..of_meta(&meta, spec.template.as_ref())
    };
    delivered("StatefulSet", meta, spec.replicas, delivery)
}

/// What a LeaderWorkerSet says; `None` for one without a name. Its counts are of groups.
#[must_use]
pub fn facts_of_groups(it: LeaderWorkerSet) -> Option<Fact> {
    let (meta, spec, status) = (it.metadata?, it.spec, it.status);
    let partition = spec.rollout_strategy.rolling_update_configuration.partition.unwrap_or(0);
    let template = spec.leader_worker_template;
    let template = template.leader_template.or(template.worker_template);
    let has_status = status.replicas > 0 || !status.conditions.is_empty();
    let delivery = DeliveryFact {
        strategy: StrategyFact::Rolling { partition: u32::try_from(partition).unwrap_or(0) },
        // Its controller says which spec it means only in newer versions: of others a status is one of this spec.
        observed: status.observed_generation.or(has_status.then_some(meta.generation)),
        pods: PodsFact {
            all: count(status.replicas),
            updated: count(status.updated_replicas),
            ready: count(status.ready_replicas),
            available: count(status.ready_replicas),
        },
        conditions: status.conditions.into_iter().take(MOST_CONDITIONS).map(stated).collect(),
        ..of_meta(&meta, template.as_ref())
    };
    delivered("LeaderWorkerSet", meta, spec.replicas, delivery)
}

/// What a Rollout says; `None` for one without a name.
#[must_use]
pub fn facts_of_rollout(it: Rollout) -> Option<Fact> {
    let (meta, spec, status) = (it.metadata?, it.spec, it.status);
    let strategy = match (spec.strategy.canary, spec.strategy.blue_green) {
        (Some(canary), _) => {
            let routing = canary.traffic_routing;
            let whole = routing.as_ref().and_then(|routing| routing.get("maxTrafficWeight")?.as_u64());
            // Of several keys one names who routes; the others say how.
            let router = routing.map(|routing| {
                let name = routing.keys().find(|key| !matches!(key.as_str(), "managedRoutes" | "maxTrafficWeight"));
                name.map_or(SmolStr::new_static("unknown"), SmolStr::new)
            });
            let steps = canary.steps.iter().take(MOST_STEPS).map(step).collect();
            StrategyFact::Canary {
                steps,
                router,
                whole: whole.map_or(100, |whole| u32::try_from(whole).unwrap_or(100)),
            }
        }
        (None, Some(blue_green)) => StrategyFact::BlueGreen {
            promotes_itself: blue_green.auto_promotion_enabled.unwrap_or(true),
            analysed_behind: blue_green.post_promotion_analysis.is_some(),
        },
        (None, None) => StrategyFact::Unknown,
    };
    let template_generation = meta.annotations.get(TEMPLATE_GENERATION).and_then(|text| text.parse::<i64>().ok());
    let rollout = RolloutFact {
        template_unobserved: match (template_generation, status.workload_observed_generation.parse::<i64>().ok()) {
            (Some(is), Some(seen)) => is != seen,
            _ => false,
        },
        template_of: spec.workload_ref.and_then(|of| Some(OwnerFact { kind: some(&of.kind)?, name: some(&of.name)? })),
        // The controller writes whole seconds, whatever stands in the spec.
        restarts: spec.restart_at.is_some_and(|at| status.restarted_at.map(|done| done.seconds) != Some(at.seconds)),
        ..of_status(&status)
    };
    let delivery = DeliveryFact {
        strategy,
        observed: status.observed_generation.parse().ok(),
        paused: spec.paused,
        pods: PodsFact {
            all: count(status.replicas),
            updated: count(status.updated_replicas),
            ready: count(status.ready_replicas),
            available: count(status.available_replicas),
        },
        current: some(&status.current_pod_hash),
        stable: some(&status.stable),
        conditions: status.conditions.into_iter().take(MOST_CONDITIONS).map(stated).collect(),
        rollout: Some(Box::new(rollout)),
        ..of_meta(&meta, spec.template.as_ref())
    };
    delivered("Rollout", meta, spec.replicas, delivery)
}

fn of_status(status: &RolloutStatus) -> RolloutFact {
    let is_over = |phase: &str| pilothouse_wire::view::AnalysisPhase::of(phase).is_over();
    RolloutFact {
        phase: some(&status.phase),
        message: words(&status.message, MOST_WORDS),
        step: status.current_step_index.and_then(|step| u32::try_from(step).ok()),
        aborted: status.abort,
        promoted_fully: status.promote_full,
        controller_pauses: status.controller_pause,
        pauses: status
            .pause_conditions
            .iter()
            .take(MOST_CONDITIONS)
            .map(|pause| (SmolStr::new(&pause.reason), stamp(pause.start_time)))
            .collect(),
        weight: status.canary.weights.as_ref().and_then(|weights| u32::try_from(weights.canary.weight).ok()),
        active: some(&status.blue_green.active_selector),
        preview: some(&status.blue_green.preview_selector),
        analysed: is_over(&status.blue_green.post_promotion_analysis_run_status.status),
        ..RolloutFact::default()
    }
}

/// What all of them have.
pub(super) fn of_meta(meta: &WrittenMeta, template: Option<&Template>) -> DeliveryFact {
    let spec = template.and_then(|template| template.spec.as_ref());
    let containers = spec.map(|spec| spec.init_containers.iter().chain(&spec.containers));
    let images = containers.into_iter().flatten().map(|one| (SmolStr::new(&one.name), SmolStr::new(&one.image)));
    DeliveryFact {
        generation: meta.generation,
        images: images.collect(),
        guard: guard(meta),
        ..DeliveryFact::default()
    }
}

pub(super) fn delivered(
    kind: &'static str,
    meta: WrittenMeta,
    replicas: Option<i32>,
    delivery: DeliveryFact,
) -> Option<Fact> {
    let controller = facts_of_controller(kind, meta, replicas)?;
    let written = written(&controller);
    Some(Fact::Delivered(Box::new(controller), Box::new(DeliveryFact { written, ..delivery })))
}

fn written(controller: &ControllerFact) -> Option<Stamp> {
    controller.writes.iter().filter_map(|write| write.at).max()
}

fn of_deployment(condition: DeploymentCondition) -> StatedFact {
    let DeploymentCondition { r#type, status, reason, message, last_transition_time } = condition;
    stated(Condition { r#type, status, reason, message, last_transition_time })
}

pub(super) fn stated(condition: Condition) -> StatedFact {
    StatedFact {
        kind: SmolStr::new(&condition.r#type),
        status: SmolStr::new(&condition.status),
        reason: some(&condition.reason),
        message: words(&condition.message, MOST_WORDS),
        since: stamp(condition.last_transition_time),
    }
}

/// Who keeps the object as it stands in a repository. Sources: Argo CD, "Resource tracking"; Flux, "Ownership" of
/// Kustomizations and HelmReleases.
pub(super) fn guard(meta: &WrittenMeta) -> Option<Guard> {
    let label = |key: &str| meta.labels.get(key).map(String::as_str).filter(|text| !text.is_empty());
    let guard = |by, name: &str| Some(Guard { by, name: SmolStr::new(name) });
    if let Some(id) = meta.annotations.get("argocd.argoproj.io/tracking-id") {
        // `application:group/Kind:namespace/name`
        return guard(Keeper::ArgoCd, id.split(':').next().unwrap_or_default());
    }
    if let Some(name) = label("argocd.argoproj.io/instance") {
        return guard(Keeper::ArgoCd, name);
    }
    if let Some(name) = label("kustomize.toolkit.fluxcd.io/name") {
        return guard(Keeper::FluxKustomization, name);
    }
    if let Some(name) = label("helm.toolkit.fluxcd.io/name") {
        return guard(Keeper::FluxRelease, name);
    }
    // Argo CD tracks by it unless told otherwise, and so does everybody who follows the recommended labels.
    let by_helm = label("app.kubernetes.io/managed-by") == Some("Helm");
    label("app.kubernetes.io/instance").filter(|_| !by_helm).and_then(|name| guard(Keeper::ArgoCdPerhaps, name))
}

/// The same of an object as its server gives it.
pub(crate) fn guard_of(object: &Value) -> Option<Guard> {
    guard(&serde_json::from_value(object["metadata"].clone()).ok()?)
}

fn step(step: &Map<String, Value>) -> Step {
    let Some((key, value)) = step.iter().next() else { return Step::Other(SmolStr::default()) };
    let name = || some(value["name"].as_str().unwrap_or_default()).unwrap_or_default();
    match key.as_str() {
        "setWeight" => value.as_u64().map_or_else(
            || Step::Other(SmolStr::new(key)),
            |weight| Step::Weight(u32::try_from(weight).unwrap_or(u32::MAX)),
        ),
        "pause" => Step::Pause(wait(&value["duration"])),
        "analysis" => {
            let templates = value["templates"].as_array().into_iter().flatten();
            Step::Analysis(templates.filter_map(|of| of["templateName"].as_str()).take(20).map(SmolStr::new).collect())
        }
        "experiment" => Step::Experiment,
        "setCanaryScale" => {
            let scale = match (&value["replicas"], &value["weight"]) {
                (Value::Number(pods), _) => format!("{pods} pods"),
                (_, Value::Number(weight)) => format!("{weight} %"),
                _ => "its traffic".to_owned(),
            };
            Step::Scale(scale.into())
        }
        "setHeaderRoute" | "setMirrorRoute" => Step::Route(name()),
        "plugin" => Step::Plugin(name()),
        other => Step::Other(SmolStr::new(other)),
    }
}

/// A duration is a number of seconds, or a text of Go: `1h30m`.
fn wait(duration: &Value) -> Wait {
    let text = match duration {
        Value::Null => return Wait::ForPerson,
        Value::Number(seconds) => seconds.to_string(),
        Value::String(text) => text.trim().to_owned(),
        other => return Wait::Unread(SmolStr::new(other.to_string().chars().take(32).collect::<String>())),
    };
    milliseconds(&text).map_or_else(|| Wait::Unread(text.chars().take(32).collect::<String>().into()), Wait::For)
}

/// `30`, `90s`, `1h30m`, as milliseconds. `time.ParseDuration`.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(1_000);
    }
    let (mut rest, mut all) = (text, 0.0_f64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        rest = rest.get(end..)?;
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match rest.get(..end)? {
            "ns" => 1e-6,
            "us" | "µs" => 1e-3,
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 60e3,
            "h" => 3_600e3,
            _ => return None,
        };
        rest = rest.get(end..)?;
        all += number * unit;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    (!text.is_empty() && all.is_finite() && all < 1e15).then_some(all as u64)
}

/// How large a ReplicaSet is.
#[must_use]
pub fn size_of(set: &ReplicaSet) -> SizeFact {
    let meta = set.metadata.clone().unwrap_or_default();
    let (spec, status) = (set.spec.as_ref(), set.status.clone().unwrap_or_default());
    let pod = spec.and_then(|spec| spec.template.as_ref()).and_then(|template| template.spec.as_ref());
    let hash = || HASHES.iter().find_map(|key| meta.labels.get(*key)).map(SmolStr::new);
    SizeFact {
        // The router of Knative knows a revision by its name.
        hash: of_knative(&meta.labels).map(|(name, _)| name).or_else(hash).unwrap_or_default(),
        wanted: spec.and_then(|spec| spec.replicas).map_or(0, count),
        all: count(status.replicas),
        ready: count(status.ready_replicas),
        available: count(status.available_replicas),
        gpus: pod
            .map(|pod| requests(pod).gpus)
            .into_iter()
            .flatten()
            .map(|(_, amount)| amount)
            .fold(0, u64::saturating_add),
        goes_at: meta.annotations.get(GOES_AT).and_then(|text| text.parse().ok()),
    }
}

#[cfg(test)]
mod tests;
