//! Workers of a benchmark: an Indexed Job is made, each of its pods is told when to begin, and the Job goes again.
//!
//! A worker needs no right in its cluster and no account: when to begin stands in an annotation of its own pod, which the kubelet
//! writes into a file (downward API; a new annotation of a pod refreshes its volumes at once), and what it has to say is its log.
//! Source: `batch/v1` Job of Kubernetes; `backoffLimitPerIndex` is on by default since 1.29.

use super::{
    blocked,
    diff::{self, fields},
    draft::{About, Body, Draft, Guard, Part, Target},
    sending::{MANAGER, refused},
};
use crate::{
    client::{Client, JSON},
    failure::{Call, Failure},
    problems, read, rights, workers,
};
use http::Method;
use pilothouse_connect::{PodIs, Seen};
use pilothouse_wire::{
    Code, ObjectRef, Problem, SmolStr, Stamp,
    plan::{Affected, Deed, DryRun, Expectation, Intent, Permission, Plan, Request, Risk, Step, WorkersWanted},
};
use serde_json::{Value, json};
use std::time::Duration;

/// Whose objects are ours to take away.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const OURS: &str = "pilothouse";
/// What tells workers when to begin.
const BEGIN: &str = "pilothouse.dev/begin";
/// A Job that is over stays so long, with its logs.
const STAYS_S: u32 = 3_600;
/// How long the controller of Jobs may take to make its pods.
const MADE: Duration = Duration::from_secs(60);
/// How long a pod may take to have its annotation, or to be gone.
const SOON: Duration = Duration::from_secs(30);

/// The Job. Nothing in it is a secret.
pub(super) fn manifest(namespace: &str, name: &str, of: &WorkersWanted) -> Value {
    // A variable is put in where `$(NAME)` stands.
    let order = of.order.replace("$(", "$$(");
    let mut variables = vec![
        json!({ "name": "PILOTHOUSE_BENCH_ORDER", "value": order }),
        json!({ "name": "PILOTHOUSE_BENCH_BARRIER", "value": "/pilothouse/barrier/begin" }),
        json!({ "name": "PILOTHOUSE_BENCH_FOLDER", "value": "/pilothouse/run" }),
    ];
    if let Some((secret, key)) = &of.key {
        let from = json!({ "secretKeyRef": { "name": secret, "key": key } });
        variables.push(json!({ "name": "PILOTHOUSE_BENCH_KEY", "valueFrom": from }));
    }
    let labels = json!({ MANAGED_BY: OURS, "app.kubernetes.io/component": "bench-worker" });
    let spread = json!({
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": { "matchLabels": { "batch.kubernetes.io/job-name": name } },
    });
    let container = json!({
        "name": "worker",
        "image": of.image,
        "args": ["bench", "worker"],
        "env": variables,
        // Who measures has to be let run.
        "resources": { "requests": { "cpu": "1", "memory": "256Mi" } },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": [
            { "name": "barrier", "mountPath": "/pilothouse/barrier", "readOnly": true },
            { "name": "run", "mountPath": "/pilothouse/run" },
        ],
    });
    let field = json!({ "fieldPath": format!("metadata.annotations['{BEGIN}']") });
    let pod = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
        "topologySpreadConstraints": [spread],
        "containers": [container],
        "volumes": [
            { "name": "barrier", "downwardAPI": { "items": [{ "path": "begin", "fieldRef": field }] } },
            { "name": "run", "emptyDir": {} },
        ],
    });
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "namespace": namespace, "labels": labels },
        "spec": {
            "completions": of.workers,
            "parallelism": of.workers,
            "completionMode": "Indexed",
            // One that fails takes no other with it, and comes too late for a second time.
            "backoffLimitPerIndex": 0,
            "activeDeadlineSeconds": of.longest.as_secs().max(1),
            "ttlSecondsAfterFinished": STAYS_S,
            "template": { "metadata": { "labels": labels }, "spec": pod },
        },
    })
}

/// What would be done to have workers. Reads alone.
pub(super) async fn run(client: &Client, intent: &Intent, of: &WorkersWanted, now: Stamp) -> Result<Plan, Problem> {
    let spot = read::spot(client, &intent.object).await?;
    let (Some(namespace), "Job") = (spot.namespace.as_deref(), spot.kind.kind.as_str()) else {
        let what = format!("{} cannot be a Job of workers.", intent.object);
        return Err(Problem::new(Code::BadInput, what));
    };
    let manifest = manifest(namespace, &spot.name, of);
    let path = spot.path().rsplit_once('/').map(|(collection, _)| collection.to_owned()).unwrap_or_default();
    let request = Request {
        method: SmolStr::new_static("POST"),
        path,
        media: SmolStr::new_static(JSON),
        body: manifest.to_string(),
    };
    let call = |verb: &'static str, group: &'static str, resource: &str| Call {
        verb,
        group: group.into(),
        resource: resource.to_owned(),
        namespace: Some(namespace.to_owned()),
    };
    let create = call("create", "batch", "jobs");
    // Who has not asked yet is not known, and a role that is shown has to be for somebody.
    let _ = rights::identity(client).await;
    let permission = may(client, &create).await;
    let dry_run = tried(client, &create, &request, &permission).await;
    let words = format!("Make the Job: {} pods, each a worker", of.workers);
    let step = Step { words, request, guards: Vec::new(), permission, dry_run };
    let steps = vec![step];
    let mut blocked = blocked(&steps);
    // Without these nobody would begin, or be heard.
    for call in [call("list", "", "pods"), call("patch", "", "pods"), call("get", "", "pods/log")] {
        if let Permission::Denied(problem) = may(client, &call).await {
            blocked.push(*problem);
        }
    }
    let mut changes = Vec::new();
    fields(String::new(), &manifest, &mut changes);
    let more_changes = u32::try_from(changes.len().saturating_sub(diff::MOST)).unwrap_or(u32::MAX);
    changes.truncate(diff::MOST);
    let name = format!("{namespace}/{}", spot.name);
    Ok(Plan {
        intent: intent.clone(),
        title: format!("Run {} workers of benchmark {name}", of.workers),
        made: now,
        steps,
        changes,
        more_changes,
        traffic: Vec::new(),
        affected: Affected::new(of.workers, 0),
        risk: Risk::Medium,
        risk_why: "What they ask gets the load, and may be too slow for others meanwhile.".to_owned(),
        warnings: vec![
            format!("They send {}.", of.about),
            "Once all wait, each of these pods is told when to begin, by an annotation; what they say is read from their logs."
                .to_owned(),
            format!("The Job goes by itself {} min after its end, and its logs with it.", STAYS_S / 60),
        ],
        success: Expectation { words: format!("its {} pods are made", of.workers), within: MADE },
        undo: Some(Intent { object: intent.object.clone(), deed: Deed::EndWorkers }),
        type_name: None,
        blocked,
    })
}

async fn may(client: &Client, call: &Call) -> Permission {
    match rights::is_granted(client, call, None).await {
        Ok(true) => Permission::Granted,
        Ok(false) => Permission::Denied(Box::new(problems::may_not(&client.place, call))),
        Err(failure) => Permission::Unknown(failure.problem(&client.place).what),
    }
}

/// Asks the server to try: also its admission, its quota and its policies are.
async fn tried(client: &Client, call: &Call, request: &Request, permission: &Permission) -> DryRun {
    if matches!(permission, Permission::Denied(_)) {
        return DryRun::NotTried("We may not.".to_owned());
    }
    let path = format!("{}?{MANAGER}&dryRun=All", request.path);
    let outcome = client.write(call, Method::POST, &path, JSON, request.body.clone().into_bytes()).await;
    match outcome {
        Ok(_) => DryRun::Passed,
        Err(Failure::Refusal(refusal)) if refusal.message.contains("does not support dry run") => {
            DryRun::NotTried(problems::line(&refusal.message))
        }
        Err(Failure::Refusal(refusal)) if refusal.status == 409 => {
            let what = format!("There is a Job of this name in {}.", client.place.name);
            DryRun::Refused(Box::new(Problem::new(Code::Exists, what).next("Give another name: --job.")))
        }
        Err(failure) => DryRun::Refused(Box::new(refused(client, request, &failure))),
    }
}

/// Tells each that has not ended when to begin.
pub(super) fn begin(about: &About<'_>, at: Stamp, said: Stamp, pods: &[Value]) -> Result<Draft, Problem> {
    about.of(&["Job"], "told to begin")?;
    is_ours(about)?;
    let text = |pod: &Value, field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    let value = words(at, said);
    let steps: Vec<Part> = pods
        .iter()
        .filter(|pod| !is_over(pod))
        .map(|pod| Part {
            words: format!("Tell pod {} when to begin", text(pod, "name")),
            to: Target::Itself(text(pod, "namespace"), text(pod, "name")),
            body: Body::Patch(vec![json!({ "op": "add", "path": pointer(), "value": value })]),
            guards: vec![Guard::new("/metadata/uid", json!(text(pod, "uid")))],
        })
        .collect();
    let pods = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if pods == 0 {
        return Err(Problem::new(Code::NotFound, format!("Job {} has no pod that waits.", about.name)));
    }
    Ok(Draft {
        title: format!("Let {pods} workers of {} begin at {at}", about.name),
        steps,
        traffic: Vec::new(),
        affected: Affected::new(pods, 0),
        risk: (Risk::Medium, "What they ask gets the load.".to_owned()),
        warnings: Vec::new(),
        success: Expectation { words: format!("{pods} of {pods} are told"), within: SOON },
        undo: Some(Deed::EndWorkers),
    })
}

/// Takes the Job away, with its pods.
pub(super) fn end(about: &About<'_>) -> Result<Draft, Problem> {
    about.of(&["Job"], "ended here")?;
    is_ours(about)?;
    let uid = about.object["metadata"]["uid"].as_str().unwrap_or_default();
    let running = about.object["status"]["active"].as_u64().and_then(|pods| u32::try_from(pods).ok()).unwrap_or(0);
    Ok(Draft {
        title: format!("End the workers of {}", about.name),
        steps: vec![Part {
            words: "Delete the Job with its pods".to_owned(),
            to: Target::Object,
            body: Body::DeleteWithPods(uid.to_owned()),
            guards: vec![Guard::new("/metadata/uid", json!(uid))],
        }],
        traffic: Vec::new(),
        affected: Affected::new(running, 0),
        risk: (Risk::Low, "Nothing but workers of a benchmark ends.".to_owned()),
        warnings: vec!["What they measured and nobody has read yet is lost with their logs.".to_owned()],
        success: Expectation { words: "it is gone".to_owned(), within: SOON },
        undo: None,
    })
}

/// Is what was planned of workers as it should be? None of other deeds.
pub(super) async fn look(client: &Client, plan: &Plan) -> Option<Result<Seen, Problem>> {
    let object = &plan.intent.object;
    match &plan.intent.deed {
        Deed::RunWorkers(of) => Some(read(client, object).await.map(|job| made(job.as_ref(), of.workers))),
        Deed::EndWorkers => Some(read(client, object).await.map(|job| gone(plan, job.as_ref()))),
        Deed::BeginWorkers { at, said } => {
            let namespace = object.namespace().map_or("", SmolStr::as_str);
            let pods = workers::pods(client, namespace, &object.name()).await;
            let value = words(*at, *said);
            Some(pods.map(|pods| told(&pods, &value)).map_err(|failure| failure.problem(&client.place)))
        }
        _ => None,
    }
}

async fn read(client: &Client, object: &ObjectRef) -> Result<Option<Value>, Problem> {
    let spot = read::spot(client, object).await?;
    match read::object(client, &spot, object.kind_word()).await {
        Ok(job) => Ok(Some(job)),
        Err(problem) if problem.code == Code::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn made(job: Option<&Value>, workers: u32) -> Seen {
    let Some(job) = job else { return Seen::NotYet("there is no such Job yet".to_owned()) };
    let number = |field: &str| job["status"][field].as_u64().unwrap_or(0);
    let conditions = job["status"]["conditions"].as_array();
    let failed = conditions.into_iter().flatten().find(|one| one["type"] == "Failed" && one["status"] == "True");
    if let Some(failed) = failed {
        return Seen::Never(failed["message"].as_str().unwrap_or("the Job failed").to_owned());
    }
    let pods = number("active") + number("succeeded") + number("failed");
    match pods >= u64::from(workers) {
        true => Seen::Met(format!("its {workers} pods are made")),
        false => Seen::NotYet(format!("{pods} of its {workers} pods are made")),
    }
}

fn gone(plan: &Plan, job: Option<&Value>) -> Seen {
    let meant = plan.steps.iter().flat_map(|step| &step.guards).find(|(path, _)| path == "/metadata/uid");
    let uid = meant.map(|(_, uid)| uid.trim_matches('"'));
    match job.filter(|job| uid.is_none_or(|uid| job["metadata"]["uid"] == uid)) {
        None => Seen::Met("it is gone".to_owned()),
        Some(_) => Seen::NotYet("it is still there".to_owned()),
    }
}

fn told(pods: &[Value], value: &str) -> Seen {
    let meant: Vec<&Value> = pods.iter().filter(|pod| !is_over(pod)).collect();
    let told = meant.iter().filter(|pod| pod["metadata"]["annotations"][BEGIN] == value).count();
    match meant.len() {
        0 => Seen::Never("all of its pods have ended".to_owned()),
        all if told == all => Seen::Met(format!("{told} of {all} are told")),
        all => Seen::NotYet(format!("{told} of {all} are told")),
    }
}

fn is_over(pod: &Value) -> bool {
    matches!(workers::how(pod), PodIs::Over(_))
}

/// What stands in the annotation: when to begin, and when that was said.
fn words(at: Stamp, said: Stamp) -> String {
    json!({ "at": at, "said": said }).to_string()
}

fn pointer() -> String {
    format!("/metadata/annotations/{}", BEGIN.replace('/', "~1"))
}

/// A Job of somebody else is not ours to touch.
fn is_ours(about: &About<'_>) -> Result<(), Problem> {
    if about.object["metadata"]["labels"][MANAGED_BY] == OURS {
        return Ok(());
    }
    Err(about.not_offered("taken for one of a benchmark").why("It was not made here: it has not our label."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> WorkersWanted {
        WorkersWanted {
            workers: 4,
            image: "registry.invalid/pilothouse:1".into(),
            order: "{\"run\":\"bench-a\",\"model\":\"$(HOME)\"}".into(),
            about: "64 at a time".into(),
            key: Some(("keys".into(), "chat".into())),
            longest: Duration::from_secs(900),
        }
    }

    #[test]
    fn a_job_of_workers_has_no_right_no_secret_and_an_end() {
        let job = manifest("bench", "bench-a", &wanted());
        let spec = &job["spec"];
        assert_eq!((&spec["completions"], &spec["parallelism"]), (&json!(4), &json!(4)));
        assert_eq!((&spec["completionMode"], &spec["backoffLimitPerIndex"]), (&json!("Indexed"), &json!(0)));
        assert_eq!((&spec["activeDeadlineSeconds"], &spec["ttlSecondsAfterFinished"]), (&json!(900), &json!(3600)));
        let pod = &spec["template"]["spec"];
        assert_eq!((&pod["restartPolicy"], &pod["automountServiceAccountToken"]), (&json!("Never"), &json!(false)));
        assert!(pod["serviceAccountName"].is_null());
        let env = pod["containers"][0]["env"].as_array().unwrap();
        assert!(env[0]["value"].as_str().unwrap().contains("$$(HOME)"), "{}", env[0]);
        let key = json!({ "secretKeyRef": { "name": "keys", "key": "chat" } });
        assert_eq!((env[3]["value"].is_null(), &env[3]["valueFrom"]), (true, &key));
        let without = manifest("bench", "bench-a", &WorkersWanted { key: None, ..wanted() });
        assert!(!without.to_string().contains("secret"));
    }

    #[test]
    fn what_became_of_workers_is_read_from_the_server() {
        let job = |status: Value| json!({ "metadata": { "uid": "u-1" }, "status": status });
        for (status, want) in [
            (json!({}), Seen::NotYet("0 of its 4 pods are made".into())),
            (json!({ "active": 3 }), Seen::NotYet("3 of its 4 pods are made".into())),
            (json!({ "active": 3, "failed": 1 }), Seen::Met("its 4 pods are made".into())),
            (
                json!({ "conditions": [{ "type": "Failed", "status": "True", "message": "past its deadline" }] }),
                Seen::Never("past its deadline".into()),
            ),
        ] {
            assert_eq!(made(Some(&job(status)), 4), want);
        }
        assert_eq!(made(None, 4), Seen::NotYet("there is no such Job yet".into()));
        let value = words(Stamp(1_800_000_000_250), Stamp(1_800_000_000_000));
        assert_eq!(value, "{\"at\":\"2027-01-15T08:00:00.25Z\",\"said\":\"2027-01-15T08:00:00Z\"}");
        let pod = |phase: &str, begin: Option<&str>| json!({ "metadata": { "annotations": { BEGIN: begin } }, "status": { "phase": phase } });
        let (is_told, waits, over) = (pod("Running", Some(&value)), pod("Running", None), pod("Failed", None));
        assert_eq!(told(&[is_told.clone(), waits], &value), Seen::NotYet("1 of 2 are told".into()));
        assert_eq!(told(&[is_told, over.clone()], &value), Seen::Met("1 of 1 are told".into()));
        assert_eq!(told(&[over], &value), Seen::Never("all of its pods have ended".into()));
    }
}
