//! What we may do to objects: asked of the server, right by right.

use super::{identity, is_granted};
use crate::{client::Client, failure::Call, kinds, problems};
use futures::{StreamExt, stream};
use pilothouse_wire::{
    Problem, SmolStr,
    plan::Operation,
    rights::{Held, Right, Rights, RightsQuery},
};

/// Reviews that are under way at once.
const AT_ONCE: usize = 8;

/// What can be done, to what, and the right that it needs: verb, group, resource, and whether it is in a namespace.
const DEEDS: &[(&str, &str, &str, &str, &str, bool)] = &[
    ("scale, restart, pause, resume, undo, set image", "Deployments", "patch", "apps", "deployments", true),
    ("scale, restart, undo, set image", "StatefulSets", "patch", "apps", "statefulsets", true),
    ("restart, undo, set image", "DaemonSets", "patch", "apps", "daemonsets", true),
    ("see revisions to go back to", "Deployments, Rollouts", "list", "apps", "replicasets", true),
    (
        "see revisions to go back to",
        "StatefulSets, DaemonSets, LeaderWorkerSets",
        "list",
        "apps",
        "controllerrevisions",
        true,
    ),
    ("see who keeps the number of pods", "autoscalers", "list", "autoscaling", "horizontalpodautoscalers", true),
    ("scale, restart, pause, undo, set image", "Rollouts", "patch", "argoproj.io", "rollouts", true),
    ("promote, abort, retry", "Rollouts", "patch", "argoproj.io", "rollouts/status", true),
    ("terminate", "AnalysisRuns", "patch", "argoproj.io", "analysisruns", true),
    ("terminate", "Experiments", "patch", "argoproj.io", "experiments", true),
    (
        "canary, promote, abort, stop, start, set model",
        "InferenceServices",
        "patch",
        "serving.kserve.io",
        "inferenceservices",
        true,
    ),
    (
        "weight, stop, start, set model",
        "LLMInferenceServices",
        "patch",
        "serving.kserve.io",
        "llminferenceservices",
        true,
    ),
    (
        "scale, restart, undo, set image",
        "LeaderWorkerSets",
        "patch",
        "leaderworkerset.x-k8s.io",
        "leaderworkersets",
        true,
    ),
    ("weight", "HTTPRoutes", "patch", "gateway.networking.k8s.io", "httproutes", true),
    ("weight", "InferenceModelRewrites", "patch", "llm-d.ai", "inferencemodelrewrites", true),
    ("cordon, uncordon, drain", "nodes", "patch", "", "nodes", false),
    ("drain", "pods", "create", "", "pods/eviction", true),
    ("delete", "pods", "delete", "", "pods", true),
];

/// Asks for all of them.
///
/// # Errors
/// If the server does not answer.
pub(crate) async fn can(client: &Client, query: &RightsQuery) -> Result<Rights, Problem> {
    let told = |failure: crate::failure::Failure| failure.problem(&client.place);
    let (who, known) = futures::try_join!(identity(client), kinds::known(client)).map_err(told)?;
    let is_served = |call: &Call| {
        let resource = call.resource.split('/').next().unwrap_or_default();
        known.kinds.iter().any(|row| row.id.group == *call.group && row.id.plural == resource)
    };
    let calls: Vec<(Call, bool)> = DEEDS
        .iter()
        .map(|(.., verb, group, resource, namespaced)| {
            let namespace = query.namespace.as_ref().filter(|_| *namespaced).map(SmolStr::to_string);
            Call { verb, group: (*group).into(), resource: (*resource).to_owned(), namespace }
        })
        .map(|call| {
            let served = is_served(&call);
            (call, served)
        })
        .collect();
    let mut asked = Vec::new();
    for (call, served) in &calls {
        asked.push(held(client, call, *served));
    }
    let held: Vec<Held> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    let missing: Vec<&Call> =
        calls.iter().zip(&held).filter(|(_, held)| **held == Held::No).map(|((call, _), _)| call).collect();
    let role = (!missing.is_empty()).then(|| problems::acting_role(client.place.who(), &missing));
    let rights = DEEDS.iter().zip(calls.iter().zip(held)).map(|((deeds, of, ..), ((call, _), held))| Right {
        deeds: SmolStr::new_static(deeds),
        of: SmolStr::new_static(of),
        needs: needs(call).into(),
        held,
    });
    Ok(Rights { of: query.clone(), who, operation: Operation::default(), rights: rights.collect(), role })
}

async fn held(client: &Client, call: &Call, served: bool) -> Held {
    if !served {
        return Held::NotServed;
    }
    match is_granted(client, call, None).await {
        Ok(true) => Held::Yes,
        Ok(false) => Held::No,
        Err(failure) => Held::Unknown(failure.problem(&client.place).what),
    }
}

/// As `kubectl auth can-i` has it: `patch deployments.apps`.
fn needs(call: &Call) -> String {
    let Call { verb, group, resource, .. } = call;
    match (group.as_ref(), resource.split_once('/')) {
        ("", _) => format!("{verb} {resource}"),
        (group, Some((resource, sub))) => format!("{verb} {resource}.{group}/{sub}"),
        (group, None) => format!("{verb} {resource}.{group}"),
    }
}
