//! What Argo CD and Kargo say, into facts. Addresses of repositories pass `redact`; parameters and values are not read.

use super::{delivery::MOST_WORDS, some, stamp, words};
use crate::slim::{Application, Promotion, Stage, Synced};
use pilothouse_connect::redact_url;
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{ApplicationFact, OperationFact, PromotionFact, RepositorySource, StageFact, SyncedFact};

/// Lines of a history that are kept, the newest: Argo CD keeps ten itself, unless somebody wants more.
const MOST_HISTORY: usize = 50;
/// Sources of an application, and parts of a freight, that are kept.
const MOST: usize = 20;
const ACTOR: &str = "kargo.akuity.io/create-actor";

/// What an Application says; `None` for one without a name.
#[must_use]
pub fn facts_of_application(it: Application) -> Option<ApplicationFact> {
    let (meta, spec, status) = (it.metadata?, it.spec, it.status);
    // Of several sources the single one is ignored, as Argo CD does.
    let sources = if spec.sources.is_empty() { spec.source.into_iter().collect() } else { spec.sources };
    let sources = sources.into_iter().take(MOST).map(|source| RepositorySource {
        repository: redact_url(&source.repo_url).into(),
        path: some(&source.path),
        chart: some(&source.chart),
        revision: some(&source.target_revision),
    });
    let failed = status.operation_state.as_ref().filter(|of| ["Failed", "Error"].contains(&of.phase.as_str()));
    let errors = status.conditions.iter().filter(|one| one.r#type.ends_with("Error")).map(|one| &one.message);
    // Why a sync failed says more than how that looks.
    let messages = [failed.map(|failed| &failed.message), Some(&status.health.message)];
    let message = messages.into_iter().flatten().chain(errors).find_map(|message| words(message, MOST_WORDS));
    let automated = spec.sync_policy.automated.filter(|automated| automated.enabled != Some(false));
    let left_out = status.history.len().saturating_sub(MOST_HISTORY);
    Some(ApplicationFact {
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
        project: some(&spec.project),
        sources: sources.collect(),
        self_heal: automated.as_ref().is_some_and(|automated| automated.self_heal),
        automated: automated.is_some(),
        sync: some(&status.sync.status),
        health: some(&status.health.status),
        message,
        operation: status.operation_state.map(|of| OperationFact {
            phase: SmolStr::new(&of.phase),
            started: stamp(of.started_at),
            finished: stamp(of.finished_at),
            revision: revision(&of.sync_result),
        }),
        history: status
            .history
            .iter()
            .skip(left_out)
            .map(|synced| SyncedFact {
                id: synced.id,
                revision: revision(synced),
                at: stamp(synced.deployed_at),
                by: some(&synced.initiated_by.username),
            })
            .collect(),
    })
}

fn revision(synced: &Synced) -> Option<SmolStr> {
    some(&synced.revision).or_else(|| synced.revisions.first().and_then(|first| some(first)))
}

/// What a Promotion says; `None` for one without a name.
#[must_use]
pub fn facts_of_promotion(it: Promotion) -> Option<PromotionFact> {
    let (meta, spec, status) = (it.metadata?, it.spec, it.status);
    Some(PromotionFact {
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
        stage: SmolStr::new(&spec.stage),
        freight: SmolStr::new(&spec.freight),
        phase: some(&status.phase),
        message: words(&status.message, MOST_WORDS),
        by: meta.annotations.get(ACTOR).and_then(|actor| some(actor)),
        created: stamp(meta.creation_timestamp),
        finished: stamp(status.finished_at).or_else(|| stamp(status.finish_time)),
    })
}

/// What a Stage says; `None` for one without a name.
#[must_use]
pub fn facts_of_stage(it: Stage) -> Option<StageFact> {
    let (meta, status) = (it.metadata?, it.status);
    let items: Vec<_> = status.freight_history.into_iter().next().into_iter().flat_map(|first| first.items).collect();
    let address = |text: &str| redact_url(text);
    let holds = items.iter().flat_map(|(_, freight)| {
        let images = freight.images.iter().map(move |image| format!("{}:{}", address(&image.repo_url), image.tag));
        let commits = freight.commits.iter().map(move |commit| format!("{}@{}", address(&commit.repo_url), commit.id));
        images.chain(commits)
    });
    Some(StageFact {
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
        health: some(&status.health.status),
        freight: items.iter().take(MOST).filter_map(|(_, freight)| some(&freight.name)).collect(),
        holds: holds.take(MOST).map(SmolStr::from).collect(),
        since: stamp(status.last_promotion.finished_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_application_says_from_where_it_is_kept_and_what_it_synced_without_its_values() {
        let it: Application = serde_json::from_value(json!({
            "metadata": { "name": "chat", "namespace": "argocd" },
            "spec": {
                "project": "serving", "destination": { "server": "https://kubernetes.default.svc", "namespace": "serving" },
                "source": {
                    "repoURL": "https://bot:hunter2@git.example/models.git", "path": "prod/chat", "targetRevision": "main",
                    "helm": { "parameters": [{ "name": "token", "value": "canary-of-a-secret" }], "values": "canary-of-a-secret" },
                },
                "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
            },
            "status": {
                "sync": { "status": "OutOfSync", "revision": "b" },
                "health": { "status": "Degraded", "message": "" },
                "operationState": {
                    "phase": "Failed", "message": "one or more objects failed to apply", "startedAt": "2026-11-24T03:00:00Z",
                    "finishedAt": "2026-11-24T03:00:09Z", "syncResult": { "revision": "b" },
                },
                "history": [
                    { "id": 0, "revision": "a", "deployedAt": "2026-11-24T01:00:00Z", "initiatedBy": { "username": "ann" } },
                    { "id": 1, "revisions": ["b", "c"], "deployedAt": "2026-11-24T02:00:00Z", "initiatedBy": { "automated": true } },
                ],
            },
        }))
        .unwrap();
        let fact = facts_of_application(it).unwrap();
        assert!(!format!("{fact:?}").contains("canary") && !format!("{fact:?}").contains("hunter2"), "{fact:?}");
        let source = &fact.sources[0];
        assert_eq!(
            (source.repository.as_str(), source.path.as_deref(), source.revision.as_deref()),
            ("https://git.example/models.git", Some("prod/chat"), Some("main"))
        );
        assert_eq!((fact.automated, fact.self_heal), (true, true));
        assert_eq!((fact.sync.as_deref(), fact.health.as_deref()), (Some("OutOfSync"), Some("Degraded")));
        assert_eq!(fact.message.as_deref(), Some("one or more objects failed to apply"));
        let history: Vec<_> =
            fact.history.iter().map(|one| (one.id, one.revision.as_deref(), one.by.as_deref())).collect();
        assert_eq!(history, [(0, Some("a"), Some("ann")), (1, Some("b"), None)]);
        // Switched off by name, and a bare object.
        let off = json!({ "metadata": { "name": "x" }, "spec": { "syncPolicy": { "automated": { "enabled": false, "selfHeal": true } } } });
        let fact = facts_of_application(serde_json::from_value(off).unwrap()).unwrap();
        assert_eq!((fact.automated, fact.self_heal, fact.sources.len()), (false, false, 0));
        assert_eq!(facts_of_application(Application::default()), None);
    }

    #[test]
    fn kargo_says_what_a_stage_holds_and_how_a_promotion_ended() {
        let it: Promotion = serde_json::from_value(json!({
            "metadata": {
                "name": "prod.01", "namespace": "chat", "annotations": { "kargo.akuity.io/create-actor": "email:ann@example" },
            },
            "spec": { "stage": "prod", "freight": "f1", "steps": [{ "uses": "git-push", "config": { "token": "canary" } }] },
            "status": { "phase": "Succeeded", "finishTime": "2026-11-24T03:00:00Z", "state": { "secret": "canary" } },
        }))
        .unwrap();
        let fact = facts_of_promotion(it).unwrap();
        assert_eq!(
            (fact.stage.as_str(), fact.phase.as_deref(), fact.by.as_deref()),
            ("prod", Some("Succeeded"), Some("email:ann@example"))
        );
        assert!(fact.finished.is_some() && !format!("{fact:?}").contains("canary"));
        let it: Stage = serde_json::from_value(json!({
            "metadata": { "name": "prod", "namespace": "chat" },
            "status": {
                "health": { "status": "Healthy" },
                "freightHistory": [
                    { "id": "1", "items": { "Warehouse/images": {
                        "name": "f1", "images": [{ "repoURL": "registry.example/chat", "tag": "2.0.0" }],
                        "commits": [{ "repoURL": "https://bot:hunter2@git.example/m", "id": "abc" }],
                    } } },
                    { "id": "0", "items": { "Warehouse/images": { "name": "f0" } } },
                ],
            },
        }))
        .unwrap();
        let fact = facts_of_stage(it).unwrap();
        assert_eq!(fact.freight, ["f1"]);
        assert_eq!(fact.holds, ["registry.example/chat:2.0.0", "https://git.example/m@abc"]);
    }
}
