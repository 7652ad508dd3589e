//! The recorder with the optional rights of `delivery.yaml`: it records all that they are for, and uses each of them.

use crate::rewind_units::{
    Kubelet, LIMIT, NAME, Running, apply, asked, file, granted, something_happens, the_pod_is_admitted,
};
use acceptance::certs::Authority;
use acceptance::definitions::{
    APPLICATION, CANARY, Definition, HTTP_ROUTE, INFERENCE_POOL, LEADER_WORKER_SET, MODEL_REWRITE, PROMOTION, STAGE,
};
use acceptance::{Asked, Failure, Options, Result, until};
use pilothouse_journal::Reader;
use pilothouse_wire::Stamp;
use pilothouse_world::Fact;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// A kind with a status below it.
const fn kind(group: &'static str, version: &'static str, plural: &'static str, kind: &'static str) -> Definition {
    Definition { group, version, plural, kind, status: true }
}

/// All that `delivery.yaml` lets be read and a cluster need not serve, with open schemas: no controller of theirs is asked.
const DELIVERY: [Definition; 13] = [
    kind("argoproj.io", "v1alpha1", "rollouts", "Rollout"),
    kind("argoproj.io", "v1alpha1", "analysisruns", "AnalysisRun"),
    kind("argoproj.io", "v1alpha1", "experiments", "Experiment"),
    APPLICATION,
    LEADER_WORKER_SET,
    kind("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService"),
    kind("serving.kserve.io", "v1alpha1", "llminferenceservices", "LLMInferenceService"),
    HTTP_ROUTE,
    INFERENCE_POOL,
    MODEL_REWRITE,
    CANARY,
    PROMOTION,
    STAGE,
];

/// The kinds of services and of what keeps or routes them that a journal tells of.
fn told(journal: &Path) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let read = Reader::new(journal).batches(Stamp(i64::MAX), |batch| {
        kinds.extend(batch.facts.iter().filter_map(|fact| match fact {
            Fact::Delivered(of, _) | Fact::Labelled(of, ..) => Some(of.kind.to_string()),
            Fact::Analysis(_) => Some("AnalysisRun".to_owned()),
            Fact::Experiment(_) => Some("Experiment".to_owned()),
            Fact::Application(_) => Some("Application".to_owned()),
            Fact::Backend(of) => Some(of.of.kind.to_string()),
            Fact::Promotion(_) => Some("Promotion".to_owned()),
            Fact::Stage(_) => Some("Stage".to_owned()),
            _ => None,
        }));
    });
    if read.is_ok() { kinds } else { BTreeSet::new() }
}

#[tokio::test]
async fn with_the_rights_for_delivery_it_records_all_of_it_by_exactly_those() -> Result<()> {
    let (asked_for, plane) = Asked::start(Options::default()).await?;
    let authority = Authority::new("recorders")?;
    plane.define(&DELIVERY).await?;
    apply(&plane, &authority).await?;
    plane.apply(&file("kubernetes/delivery.yaml")?).await?;
    the_pod_is_admitted(&plane).await?;
    something_happens(&plane).await?;
    for of in DELIVERY {
        let object = json!({
            "apiVersion": of.api_version(), "kind": of.kind, "metadata": { "name": "chat", "namespace": "default" },
            "spec": {
                "selector": { "matchLabels": { "app": "chat" } }, "stage": "chat",
                "targetRef": { "kind": "Deployment", "name": "chat" },
            },
            "status": { "phase": "Running" },
        });
        plane.api()?.create(&of.path("default", ""), &object).await?;
    }

    let (kubelet, port) = (Kubelet::new(&plane).await?, acceptance::free_port()?);
    let mut recorder = Running::start(kubelet.command(&plane, port)?, kubelet.at("/said"))?;
    recorder.says("in-cluster: live", 1).await?;
    let journal = kubelet.at("/var/lib/pilothouse/data/journal.db");
    let wanted: BTreeSet<String> = DELIVERY.iter().map(|of| of.kind.to_owned()).chain(["Service".to_owned()]).collect();
    until("every kind is in the journal", LIMIT, async || Ok(told(&journal).is_superset(&wanted).then_some(())))
        .await
        .map_err(|failure| Failure::new(format!("{failure}: {:?} of {wanted:?}", told(&journal))))?;

    let api = plane.api()?;
    let role = async |name: &str| {
        let path = format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}");
        Ok::<_, Failure>(granted(&api.get(&path).await?))
    };
    let mut all = role(NAME).await?;
    all.extend(role("pilothouse-recorder-delivery").await?);
    let log = asked_for.log();
    let used = until("it uses every right", LIMIT, async || Ok((asked(&log).0 == all).then_some(()))).await;
    let (got, refused) = asked(&log);
    assert_eq!((refused, got), (Vec::<String>::new(), all));
    used
}
