//! What is measured while revisions come, into facts.

use super::{count, delivery::MOST_WORDS, some, stamp, words};
use crate::slim::{AnalysisRun, Experiment, Measurement, Metric, MetricResult, WrittenMeta};
use pilothouse_wire::{
    SmolStr,
    view::{AnalysisPhase, MeasurementRow, Occasion},
};
use pilothouse_world::fact::{AnalysisFact, CountsFact, ExperimentFact, MOST_MEASUREMENTS, MetricFact, OwnerFact};

/// The longest query and the longest value that are kept.
const MOST_QUERY: usize = 4_096;
const MOST_VALUE: usize = 256;
/// The most metrics of an analysis that are kept.
const MOST_METRICS: usize = 100;
/// `DefaultConsecutiveErrorLimit` of Argo Rollouts.
const USUAL_ERRORS: i64 = 4;

/// What an AnalysisRun says; `None` for one without a name.
#[must_use]
pub fn facts_of_analysis(run: AnalysisRun) -> Option<AnalysisFact> {
    let (meta, spec, status) = (run.metadata?, run.spec, run.status);
    let label = |key: &str| meta.labels.get(key).map(String::as_str);
    // The controller writes arguments into queries: one with a secret is not kept.
    let secret = spec.args.iter().any(|arg| arg.value_from.as_ref().is_some_and(|from| from.secret_key_ref.is_some()));
    let mut results = status.metric_results;
    let mut metrics: Vec<MetricFact> = spec
        .metrics
        .into_iter()
        .take(MOST_METRICS)
        .map(|spec| {
            let place = results.iter().position(|result| result.name == spec.name);
            let result = place.map(|place| results.swap_remove(place)).unwrap_or_default();
            metric(spec, result, secret)
        })
        .collect();
    // What is measured and not asked for any more.
    results.sort_by(|a, b| a.name.cmp(&b.name));
    let rest = results.into_iter().take(MOST_METRICS.saturating_sub(metrics.len()));
    metrics.extend(rest.map(|result| {
        let spec = Metric { name: result.name.clone(), ..Metric::default() };
        metric(spec, result, secret)
    }));
    Some(AnalysisFact {
        owner: owner(&meta),
        created: stamp(meta.creation_timestamp),
        hash: label("rollouts-pod-template-hash").and_then(some),
        occasion: match label("rollout-type") {
            Some("Step") => Occasion::Step,
            Some("Background") => Occasion::Background,
            Some("PrePromotion") => Occasion::PrePromotion,
            Some("PostPromotion") => Occasion::PostPromotion,
            _ => Occasion::Unknown,
        },
        step: label("step-index").and_then(|step| step.parse().ok()),
        ended_by_hand: spec.terminate,
        phase: AnalysisPhase::of(&status.phase),
        message: words(&status.message, MOST_WORDS),
        started: stamp(status.started_at),
        ended: stamp(status.completed_at),
        metrics,
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
    })
}

/// What an Experiment says; `None` for one without a name.
#[must_use]
pub fn facts_of_experiment(experiment: Experiment) -> Option<ExperimentFact> {
    let (meta, status) = (experiment.metadata?, experiment.status);
    let templates = status.template_statuses.iter().take(MOST_METRICS);
    Some(ExperimentFact {
        owner: owner(&meta),
        created: stamp(meta.creation_timestamp),
        phase: AnalysisPhase::of(&status.phase),
        message: words(&status.message, MOST_WORDS),
        available: stamp(status.available_at),
        templates: templates
            .map(|one| (SmolStr::new(&one.name), count(one.replicas), count(one.available_replicas)))
            .collect(),
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
    })
}

fn owner(meta: &WrittenMeta) -> Option<OwnerFact> {
    let owner = meta.owner_references.iter().find(|owner| owner.controller == Some(true))?;
    Some(OwnerFact { kind: SmolStr::new(&owner.kind), name: some(&owner.name)? })
}

fn metric(spec: Metric, result: MetricResult, secret: bool) -> MetricFact {
    let (provider, asked) = spec.provider.into_iter().next().map(|(name, of)| (name, of.query)).unwrap_or_default();
    let query = if result.metadata.query.is_empty() { asked } else { result.metadata.query };
    let written = |text: &str| (!text.is_empty()).then(|| text.chars().take(MOST_WORDS).collect::<String>());
    let over = result.measurements.len().saturating_sub(MOST_MEASUREMENTS);
    MetricFact {
        name: SmolStr::new(&spec.name),
        provider: some(&provider),
        query: if secret { None } else { words(&query, MOST_QUERY) },
        success: written(&spec.success_condition),
        failure: written(&spec.failure_condition),
        most_failed: spec.failure_limit.unwrap_or(0),
        most_inconclusive: spec.inconclusive_limit.unwrap_or(0),
        most_errors: spec.consecutive_error_limit.unwrap_or(USUAL_ERRORS),
        wanted: spec.count.and_then(|count| u64::try_from(count).ok()),
        dry: result.dry_run,
        phase: AnalysisPhase::of(&result.phase),
        message: words(&result.message, MOST_WORDS),
        counted: CountsFact {
            passed: count(result.successful),
            failed: count(result.failed),
            inconclusive: count(result.inconclusive),
            errors: count(result.error),
        },
        measurements: result.measurements.into_iter().skip(over).map(measurement).collect(),
    }
}

fn measurement(of: Measurement) -> MeasurementRow {
    MeasurementRow {
        phase: AnalysisPhase::of(&of.phase),
        value: (!of.value.is_empty()).then(|| of.value.chars().take(MOST_VALUE).collect()),
        started: stamp(of.started_at),
        finished: stamp(of.finished_at),
        message: words(&of.message, MOST_WORDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn run(change: impl FnOnce(&mut Value)) -> AnalysisFact {
        let mut value = json!({
            "metadata": {
                "name": "chat-b-2", "namespace": "serving",
                "labels": { "rollouts-pod-template-hash": "b", "rollout-type": "Step", "step-index": "2" },
                "ownerReferences": [{ "kind": "Rollout", "name": "chat", "controller": true }],
            },
            "spec": { "metrics": [{
                "name": "ttft", "successCondition": "result[0] <= 800", "failureLimit": "3", "count": 4,
                "provider": { "prometheus": { "address": "http://me:hunter2@prom", "query": "histogram_quantile(0.95, x{revision=\"{{args.hash}}\"})" } },
            }] },
            "status": { "phase": "Failed", "message": "Metric \"ttft\" assessed Failed", "metricResults": [{
                "name": "ttft", "phase": "Failed", "failed": 4, "count": 4,
                "metadata": { "ResolvedPrometheusQuery": "histogram_quantile(0.95, x{revision=\"b\"})" },
                "measurements": [{ "phase": "Failed", "value": "[1142]", "startedAt": "2026-11-24T03:00:00Z" }],
            }] },
        });
        change(&mut value);
        facts_of_analysis(serde_json::from_value(value).unwrap()).unwrap()
    }

    #[test]
    fn a_run_says_its_values_its_conditions_and_what_was_asked() {
        let fact = run(|_| ());
        assert_eq!((fact.occasion, fact.step, fact.hash.as_deref()), (Occasion::Step, Some(2), Some("b")));
        let metric = &fact.metrics[0];
        assert_eq!((metric.provider.as_deref(), metric.most_failed, metric.wanted), (Some("prometheus"), 3, Some(4)));
        assert_eq!(metric.query.as_deref(), Some("histogram_quantile(0.95, x{revision=\"b\"})"));
        assert_eq!(metric.measurements[0].value.as_deref(), Some("[1142]"));
        assert!(!format!("{fact:?}").contains("hunter2"));
    }

    /// As the controller of Argo Rollouts 1.10 wrote it in the tests against it: what is not read left out, and one pod of two
    /// not yet there, which lasts too short a while to be recorded.
    const EXPERIMENT: &str = r#"{
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Experiment",
        "metadata": {
            "name": "chat-6f7955dccb-2-1", "namespace": "default", "creationTimestamp": "2026-11-30T10:53:51Z", "generation": 9,
            "annotations": { "rollout.argoproj.io/revision": "2" }, "labels": { "rollouts-pod-template-hash": "6f7955dccb" },
            "ownerReferences": [{
                "apiVersion": "argoproj.io/v1alpha1", "blockOwnerDeletion": true, "controller": true, "kind": "Rollout",
                "name": "chat", "uid": "ce7de850-0fe9-4832-a8a5-a7ca33850cee"
            }]
        },
        "spec": {
            "analyses": [{ "name": "slow", "templateName": "slow" }], "analysisRunMetadata": {}, "duration": "90m",
            "templates": [{ "name": "baseline" }, { "name": "candidate", "replicas": 2 }]
        },
        "status": {
            "phase": "Running", "availableAt": "2026-11-30T10:53:52Z",
            "analysisRuns": [{ "analysisRun": "chat-6f7955dccb-2-1-slow", "name": "slow", "phase": "Running" }],
            "conditions": [{
                "lastTransitionTime": "2026-11-30T10:53:52Z", "message": "Experiment \"chat-6f7955dccb-2-1\" is running.",
                "reason": "NewReplicaSetAvailable", "status": "True", "type": "Progressing"
            }],
            "templateStatuses": [
                { "availableReplicas": 1, "lastTransitionTime": "2026-11-30T10:53:52Z", "name": "baseline", "readyReplicas": 1,
                  "replicas": 1, "status": "Running", "updatedReplicas": 1 },
                { "availableReplicas": 1, "lastTransitionTime": "2026-11-30T10:53:52Z", "name": "candidate", "readyReplicas": 1,
                  "replicas": 2, "status": "Running", "updatedReplicas": 2 }
            ]
        }
    }"#;

    #[test]
    fn an_experiment_says_its_templates_with_their_pods_and_whose_it_is() {
        let fact = facts_of_experiment(serde_json::from_str(EXPERIMENT).unwrap()).unwrap();
        let owner = OwnerFact { kind: "Rollout".into(), name: "chat".into() };
        assert_eq!(
            (fact.name.as_str(), fact.owner, fact.phase),
            ("chat-6f7955dccb-2-1", Some(owner), AnalysisPhase::Running)
        );
        let template = |name: &str, all, available| (SmolStr::new(name), all, available);
        assert_eq!(fact.templates, [template("baseline", 1, 1), template("candidate", 2, 1)]);
        let after = fact.available.unwrap().since(fact.created.unwrap());
        assert_eq!((after.as_secs(), fact.message), (1, None));

        // Before its controller has looked at it, and without a name.
        let bare = json!({ "metadata": { "name": "new", "namespace": "serving" }, "status": null });
        let fact = facts_of_experiment(serde_json::from_value(bare).unwrap()).unwrap();
        assert_eq!((fact.phase, fact.owner, fact.templates.len()), (AnalysisPhase::Unknown, None, 0));
        assert_eq!(facts_of_experiment(serde_json::from_value(json!({ "metadata": {} })).unwrap()), None);
    }

    #[test]
    fn a_query_that_holds_a_secret_is_not_kept() {
        let fact = run(|value| {
            value["spec"]["args"] =
                json!([{ "name": "token", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } }]);
        });
        assert_eq!(fact.metrics[0].query, None);
    }

    #[test]
    fn of_a_long_list_the_newest_are_kept() {
        let fact = run(|value| {
            let one = |n: usize| json!({ "phase": "Successful", "value": format!("[{n}]") });
            value["status"]["metricResults"][0]["measurements"] = (0..MOST_MEASUREMENTS + 7).map(one).collect();
        });
        let values = &fact.metrics[0].measurements;
        assert_eq!((values.len(), values[0].value.as_deref()), (MOST_MEASUREMENTS, Some("[7]")));
    }

    #[test]
    fn what_is_measured_and_not_asked_for_is_told_too() {
        let fact = run(|value| value["spec"]["metrics"] = json!(null));
        assert_eq!((fact.metrics.len(), fact.metrics[0].success.as_deref()), (1, None));
    }
}
