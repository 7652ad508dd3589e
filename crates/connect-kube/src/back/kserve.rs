//! The way back of a service of KServe: in Knative mode to the revision that its router knows beside the newest one, by traffic
//! alone; in Standard mode, and of an LLMInferenceService, to the model that its pods fetched before, where nothing but that
//! differs. KServe keeps no earlier spec: what cannot be told from what its Deployment or its router keeps is unknown, and said so.

use super::{Needs, gpus_of, read_then, served, service};
use crate::{
    acts::{
        self,
        kserve::{self, Standing},
        member,
        revision::{self, Revision},
    },
    client::Client,
    read::{self, Spot},
};
use pilothouse_connect::redact_url;
use pilothouse_wire::{
    Code, KindId, Problem, SmolStr,
    back::{BackQuery, Kept, Known, Replaces, Then},
    plan::Deed,
    view::delivery::ServedMode,
};
use pilothouse_world::fact::CanariesFact;
use serde_json::Value;

/// What is kept of it. `now` is what is known of any service.
pub(super) async fn back(
    client: &Client,
    (spot, object): (&Spot, &Value),
    query: &BackQuery,
    now: Kept,
) -> Result<Kept, Problem> {
    let Some(standing) = Standing::of(object) else { return Ok(now) };
    match standing.served.mode {
        ServedMode::Knative => Ok(routed(client, spot, query, (&standing, object), now).await),
        ServedMode::Standard => match &standing.canaries {
            Some(canaries) => to_what_is_beside(client, (spot, object), query, (&standing, canaries), now).await,
            None => replaced(client, (spot, object), query, now).await,
        },
        ServedMode::Llm => {
            let kept = replaced(client, (spot, object), query, now).await?;
            // Beside its own way back, traffic can go to the other members of its group.
            let then = kept.then.map_err(|problem| in_group(object, problem));
            Ok(Kept { then, ..kept })
        }
        ServedMode::ModelMesh | ServedMode::Unknown => {
            let why = "Its controller has not said in which mode it serves it, or that mode has no revisions.";
            Ok(Kept { then: Err(unknown(spot, why)), ..now })
        }
    }
}

/// Nobody can say whether there is a way back: KServe keeps no spec of before.
fn unknown(spot: &Spot, why: impl Into<String>) -> Problem {
    let what = format!("Whether {} {} can go back is not known.", spot.kind.kind, spot.name);
    Problem::new(Code::NotOffered, what)
        .why(why)
        .next("KServe keeps no earlier spec of it: put it back from where it is kept.")
}

/// To the other revision of its router.
async fn routed(
    client: &Client,
    spot: &Spot,
    query: &BackQuery,
    (standing, object): (&Standing, &Value),
    now: Kept,
) -> Kept {
    let newest = standing.served.created.as_deref();
    let kept = Kept {
        from: newest.and_then(number),
        deed: Deed::Abort,
        wanted: standing.controller.replicas.unwrap_or(1),
        // Both are there at once, and traffic alone moves.
        replaces: Replaces::BesideIt,
        ..now
    };
    let then = match other(spot, standing, query.to) {
        Ok(name) => revision_of(client, spot, query, (&name, object)).await,
        Err(problem) => Err(problem),
    };
    Kept { then, ..kept }
}

/// The revision that gets all traffic once it is rolled back.
fn other(spot: &Spot, standing: &Standing, to: Option<u64>) -> Result<SmolStr, Problem> {
    let Some(other) = standing.other() else {
        return Err(unknown(spot, "Its router knows no other revision than the newest one."));
    };
    if standing.served.percent == Some(0) {
        return Err(Problem::new(Code::Exists, format!("All traffic is at {other} already."))
            .why("It was rolled back, and its spec still asks for the newest revision.")
            .next("Promote it to go forward again: pilothouse act promote."));
    }
    if to.is_some_and(|to| number(other) != Some(to)) {
        return Err(unknown(spot, format!("Its router knows {other} alone beside the newest revision.")));
    }
    Ok(other.into())
}

/// The revision as Knative keeps it. Where its API is not served nobody can look.
async fn revision_of(
    client: &Client,
    spot: &Spot,
    query: &BackQuery,
    (name, object): (&SmolStr, &Value),
) -> Result<Box<Then>, Problem> {
    const API: &str = "serving.knative.dev/v1";
    if let Known::No | Known::Unknown(_) = served(client, API, "Revision").await {
        return Err(unknown(spot, format!("Its router names {name}, and revisions of {API} cannot be read here.")));
    }
    let kind = KindId {
        group: "serving.knative.dev".into(),
        version: "v1".into(),
        plural: "revisions".into(),
        kind: "Revision".into(),
    };
    let place = read::plain(Spot { kind, namespace: spot.namespace.clone(), name: name.clone() })?;
    let kept = match read::object(client, &place, "Revision").await {
        Ok(kept) => kept,
        Err(problem) if problem.code == Code::NotFound => return Err(problem),
        Err(problem) => return Err(unknown(spot, problem.to_string())),
    };
    let (revision, needs) = (knative(name, &kept), needs("Revision", name, object));
    read_then(client, spot, query, &revision, needs).await.map(Box::new)
}

/// A revision of Knative as one of ours: its spec is that of a pod.
fn knative(name: &str, kept: &Value) -> Revision {
    Revision {
        number: number(name).unwrap_or(0),
        template: serde_json::json!({ "metadata": kept["metadata"], "spec": kept["spec"] }),
        available: kept["status"]["actualReplicas"].as_u64().unwrap_or(0),
        ..Revision::default()
    }
}

fn needs(kind: &'static str, name: &str, object: &Value) -> Needs {
    let api = object["apiVersion"].as_str().unwrap_or_default();
    Needs { kind, name: name.into(), api: api.into() }
}

/// The number in the name that Knative gives a revision: `chat-predictor-00002`.
fn number(name: &str) -> Option<u64> {
    name.rsplit_once('-')?.1.parse().ok()
}

/// From several canaries one goes back by their entries, and not by a revision.
fn beside(spot: &Spot, of: &CanariesFact) -> Problem {
    let each: Vec<String> =
        of.canaries.iter().map(|canary| format!("{} of {} %", canary.name, canary.percent)).collect();
    let why = format!("Canaries serve beside it: {}. It was not replaced by them.", each.join(", "));
    unknown(spot, why).next("Take their entries out of spec.canary: what is beside them serves alone then.")
}

/// From its only canary to what serves beside it, whose pods take the places of those that the canary has.
async fn to_what_is_beside(
    client: &Client,
    (spot, object): (&Spot, &Value),
    query: &BackQuery,
    (standing, canaries): (&Standing, &CanariesFact),
    now: Kept,
) -> Result<Kept, Problem> {
    let [canary] = canaries.canaries.as_slice() else {
        return Ok(Kept { then: Err(beside(spot, canaries)), ..now });
    };
    if canary.percent == 0 {
        let what = format!("Canary {} has no share already.", canary.name);
        let problem =
            Problem::new(Code::Exists, what).next("Give it one again, or promote it: pilothouse act promote.");
        return Ok(Kept { then: Err(problem), ..now });
    }
    let told = |failure: crate::failure::Failure| failure.problem(&client.place);
    let deployments = kserve::workloads(client, spot).await.map_err(told)?;
    let called = |name: &str| deployments.iter().find(|one| one["metadata"]["name"] == name);
    let (Some(own), Some(of_canary)) = (called(&canaries.stable), called(&canary.deployment)) else {
        return Ok(Kept { then: Err(unknown(spot, "Its controller has not made all of its pods yet.")), ..now });
    };
    let sets = acts::list(client, spot, "/apis/apps/v1", "replicasets").await.map_err(told)?;
    let uid = own["metadata"]["uid"].as_str().unwrap_or_default();
    let revisions = revision::of_replica_sets(&sets, uid, revision::DEPLOYMENT);
    let running = revision::running("Deployment", own, &own["spec"]["template"]);
    let Some(then) = revisions.iter().find(|revision| running.is(revision)) else {
        return Ok(Kept { then: Err(unknown(spot, "Which revision serves beside its canary is not known.")), ..now });
    };
    let (wanted, ends) = (standing.controller.replicas.unwrap_or(1), service::wanted("Deployment", of_canary));
    let kept = Kept {
        from: None,
        deed: Deed::Abort,
        wanted,
        gpus: gpus_of(&of_canary["spec"]["template"]["spec"]),
        // Both are told at once how many pods they have.
        replaces: Replaces::Rolling { surge: wanted.saturating_sub(then.available), unavailable: ends },
        ..now
    };
    let set = service::item(&sets, uid, then.number).unwrap_or(&Value::Null);
    let name = set["metadata"]["name"].as_str().unwrap_or_default();
    let mut read = read_then(client, spot, query, then, needs("ReplicaSet", name, object)).await?;
    read.models.extend(source(then).map(|uri| ("what its pods fetch".to_owned(), uri)));
    Ok(Kept { then: Ok(Box::new(read)), ..kept })
}

/// To the model that the revision before of its Deployment fetched.
async fn replaced(
    client: &Client,
    (spot, object): (&Spot, &Value),
    query: &BackQuery,
    now: Kept,
) -> Result<Kept, Problem> {
    let told = |failure: crate::failure::Failure| failure.problem(&client.place);
    let mut deployments = kserve::workloads(client, spot).await.map_err(told)?;
    deployments.retain(kserve::is_engine);
    let [deployment] = deployments.as_slice() else {
        let why = format!("Its controller keeps {} Deployments of it.", deployments.len());
        return Ok(Kept { then: Err(unknown(spot, why)), ..now });
    };
    let sets = acts::list(client, spot, "/apis/apps/v1", "replicasets").await.map_err(told)?;
    let uid = deployment["metadata"]["uid"].as_str().unwrap_or_default();
    let revisions = revision::of_replica_sets(&sets, uid, revision::DEPLOYMENT);
    let running = revision::running("Deployment", deployment, &deployment["spec"]["template"]);
    let item = |number: u64| service::item(&sets, uid, number).unwrap_or(&Value::Null);
    let current = revisions.iter().find(|revision| running.is(revision));
    let kept = Kept {
        from: current.map(|current| current.number),
        wanted: service::wanted("Deployment", deployment),
        gpus: gpus_of(&deployment["spec"]["template"]["spec"]),
        replaces: service::replaces("Deployment", deployment),
        last: current.and_then(|current| service::last_change("Deployment", deployment, item(current.number))),
        ..now
    };
    let then = match revision::chosen(query.to, &revisions, running) {
        Ok((now, then)) => before(spot, object, now, then).map(|uri| (uri, then)),
        Err(problem) => Err(unknown(spot, format!("Of its Deployment, {}", problem.what))),
    };
    match then {
        Err(problem) => Ok(Kept { then: Err(problem), ..kept }),
        Ok((uri, then)) => {
            let name = item(then.number)["metadata"]["name"].as_str().unwrap_or_default();
            let mut read = read_then(client, spot, query, then, needs("ReplicaSet", name, object)).await?;
            read.models.push(("what its pods fetch".to_owned(), uri.clone()));
            Ok(Kept { deed: Deed::SetModel(uri), then: Ok(Box::new(read)), ..kept })
        }
    }
}

/// The model of the revision before, where setting that makes it what it was.
fn before(spot: &Spot, object: &Value, now: Option<&Revision>, then: &Revision) -> Result<SmolStr, Problem> {
    let Some(now) = now else { return Err(unknown(spot, "Which revision of its Deployment runs is not known.")) };
    if kserve::model(object).is_none() {
        return Err(unknown(spot, "Its spec names no address of a model that could be set back."));
    }
    let [is, was] = [now, then].map(source);
    let Some(was) = was.filter(|was| is.as_ref() != Some(was)) else {
        let why = format!("Revision {} of its Deployment fetched the same model, or none.", then.number);
        return Err(unknown(spot, why));
    };
    if redact_url(&was) != was {
        return Err(unknown(spot, "There is a credential in the address of the model before."));
    }
    if kserve::without_fetched(&now.template) != kserve::without_fetched(&then.template) {
        let why = format!(
            "Between revisions {} and {} of its Deployment more differs than the model {was}.",
            then.number, now.number
        );
        return Err(unknown(spot, why));
    }
    Ok(was)
}

fn source(of: &Revision) -> Option<SmolStr> {
    kserve::fetched(&of.template).map(SmolStr::new)
}

/// What can be done all the same where its own way back is not known: of a member of a routing group its traffic goes back, to the
/// others.
fn in_group(object: &Value, problem: Problem) -> Problem {
    let Some(group) = member::group(object) else { return problem };
    let weights: Vec<String> =
        member::members(object).iter().map(|member| format!("{} weighs {}", member.name, member.weight)).collect();
    let weights = if weights.is_empty() { "nobody says who is in it".to_owned() } else { weights.join(", ") };
    let why = problem.why.clone().unwrap_or_default();
    let next = problem.next.clone().unwrap_or_default();
    problem
        .why(format!("{why} In its routing group {group}, {weights}.").trim_start())
        .next(format!("Give its traffic to another member: pilothouse act member-weight. {next}").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acts::kserve::SOURCE;
    use serde_json::json;

    fn spot() -> Spot {
        let [group, version, plural, kind] =
            ["serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService"].map(SmolStr::new_static);
        let kind = KindId { group, version, plural, kind };
        Spot { kind, namespace: Some("serving".into()), name: "chat".into() }
    }

    fn revision(number: u64, model: &str, image: &str) -> Revision {
        let template = json!({
            "metadata": { "annotations": { SOURCE: model, "team": "chat" } },
            "spec": { "containers": [{ "name": "kserve-container", "image": image }] },
        });
        Revision { number, template, ..Revision::default() }
    }

    fn service(model: &str) -> Value {
        json!({ "spec": { "predictor": { "model": { "storageUri": model } } } })
    }

    #[test]
    fn the_model_of_before_is_the_way_back_where_nothing_else_differs() {
        let object = service("s3://models/chat-2");
        let of = |now: &Revision, then: &Revision| {
            before(&spot(), &object, Some(now), then).map_err(|problem| problem.why.unwrap_or_default())
        };
        let (now, then) = (revision(2, "s3://models/chat-2", "vllm:1"), revision(1, "s3://models/chat-1", "vllm:1"));
        assert_eq!(of(&now, &then), Ok("s3://models/chat-1".into()));
        let other = revision(1, "s3://models/chat-1", "vllm:0");
        assert!(of(&now, &other).unwrap_err().contains("Between revisions 1 and 2 of its Deployment more differs"));
        assert!(of(&now, &revision(1, "s3://models/chat-2", "vllm:0")).unwrap_err().contains("the same model"));
        let secret = revision(1, "https://hub/x?token=hunter2", "vllm:1");
        let refused = of(&now, &secret).unwrap_err();
        assert!(refused.contains("credential") && !refused.contains("hunter2"), "{refused}");
        let bare = before(&spot(), &json!({ "spec": { "predictor": {} } }), Some(&now), &then).unwrap_err();
        assert_eq!(bare.code, Code::NotOffered);
    }

    #[test]
    fn a_router_goes_back_to_the_other_revision_that_it_knows() {
        let standing = |percent: Option<u64>, before: Option<&str>| {
            let object = json!({
                "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
                "metadata": { "name": "chat", "namespace": "serving", "uid": "u" },
                "spec": { "predictor": { "canaryTrafficPercent": percent, "model": { "storageUri": "s3://m/2" } } },
                "status": {
                    "deploymentMode": "Knative",
                    "components": { "predictor": {
                        "latestCreatedRevision": "chat-predictor-00002", "latestReadyRevision": "chat-predictor-00002",
                        "latestRolledoutRevision": before,
                        "traffic": [{ "revisionName": "chat-predictor-00002", "percent": percent.unwrap_or(100), "latestRevision": true }],
                    } },
                },
            });
            Standing::of(&object).unwrap()
        };
        let first = "chat-predictor-00001";
        let of = |percent, before, to| other(&spot(), &standing(percent, before), to);
        assert_eq!(of(Some(10), Some(first), None), Ok(first.into()));
        assert_eq!(of(Some(10), Some(first), Some(1)), Ok(first.into()));
        assert_eq!(of(Some(10), Some(first), Some(7)).unwrap_err().code, Code::NotOffered);
        assert_eq!(of(Some(0), Some(first), None).unwrap_err().code, Code::Exists);
        assert!(of(None, None, None).unwrap_err().to_string().contains("no other revision"));
        assert_eq!((number(first), number("chat")), (Some(1), None));
    }

    #[test]
    fn a_revision_of_knative_is_read_as_a_pod() {
        let kept = json!({
            "metadata": { "name": "chat-predictor-00001" },
            "spec": { "containerConcurrency": 0, "containers": [{ "name": "kserve-container", "image": "vllm:1" }] },
            "status": { "actualReplicas": 2 },
        });
        let read = knative("chat-predictor-00001", &kept);
        assert_eq!((read.number, read.available), (1, 2));
        assert_eq!(super::super::images(&[&read.template["spec"]])[0].image, "vllm:1");
    }

    #[test]
    fn an_engine_goes_back_to_what_its_first_container_fetched() {
        let object = json!({ "spec": { "model": { "uri": "hf://org/chat-2" } } });
        let revision = |number: u64, args: &Value, image: &str| Revision {
            number,
            template: json!({ "spec": {
                "initContainers": [{ "name": "storage-initializer", "image": image, "args": args }],
                "containers": [{ "name": "main", "image": "vllm:1" }],
            } }),
            ..Revision::default()
        };
        let fetches = |number: u64, uri: &str, image: &str| revision(number, &json!([uri, "/mnt/models"]), image);
        let of = |now: &Revision, then: &Revision| {
            before(&spot(), &object, Some(now), then).map_err(|problem| problem.why.unwrap_or_default())
        };
        let (now, then) = (fetches(2, "hf://org/chat-2", "fetch:1"), fetches(1, "hf://org/chat-1", "fetch:1"));
        assert_eq!(of(&now, &then), Ok("hf://org/chat-1".into()));
        assert!(of(&now, &fetches(1, "hf://org/chat-1", "fetch:0")).unwrap_err().contains("more differs"));
        // With an adapter beside it more than one is fetched: which of them is the model is not guessed.
        let both = json!(["hf://org/chat-1", "/mnt/models", "hf://org/adapter", "/mnt/lora"]);
        assert!(of(&now, &revision(1, &both, "fetch:1")).unwrap_err().contains("the same model, or none"));
    }

    #[test]
    fn a_member_of_a_group_names_who_could_take_its_traffic() {
        let object = json!({
            "spec": { "router": { "route": { "group": "chat", "weight": 90 } } },
            "status": { "router": { "group": { "members": [{ "name": "stable", "weight": 90 }, { "name": "canary", "weight": 10 }] } } },
        });
        let told = in_group(&object, unknown(&spot(), "There is no revision before.")).to_string();
        for part in
            ["There is no revision before. In its routing group", "stable weighs 90, canary weighs 10", "member-weight"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
        let alone = unknown(&spot(), "There is no revision before.");
        assert_eq!(in_group(&json!({}), alone.clone()), alone);
    }
}
