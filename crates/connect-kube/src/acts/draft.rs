//! What is sent for a deed, out of the object as it is: pure.
//!
//! Patches are JSON patches (RFC 6902): their `test` operations are the guards, which the server holds in the same moment as
//! it writes. Guards are the fields that the plan depends on, never the whole version of the object: an annotation that
//! somebody else touches must not keep anybody from going back.

use super::revision::{self, Revision};
use pilothouse_wire::{
    Code, Problem,
    plan::{Affected, Deed, Expectation, Intent, Risk},
};
use pilothouse_world::gpu;
use serde_json::{Value, json};
use std::time::Duration;

/// The annotation by which `kubectl rollout restart` makes pods anew, too.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// How long a node takes to be cordoned, and a pod to be gone beyond its grace.
const SOON: Duration = Duration::from_secs(30);
/// How long pods may take to be ready, where the object names no time.
const ROLLOUT: Duration = Duration::from_secs(600);

/// What is to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub title: String,
    pub words: String,
    /// A JSON patch, or nothing where the object is deleted.
    pub patch: Option<Vec<Value>>,
    pub guards: Vec<(String, String)>,
    pub affected: Affected,
    pub risk: (Risk, String),
    pub warnings: Vec<String>,
    pub success: Expectation,
    pub undo: Option<Deed>,
}

/// What a plan is made from.
pub(super) struct Present<'a> {
    /// The object as its server has it.
    pub object: &'a Value,
    /// The revisions that are kept of it, the newest first.
    pub revisions: &'a [Revision],
    /// Autoscalers that keep its number of pods.
    pub autoscalers: &'a [String],
    /// The time, as RFC 3339.
    pub now: &'a str,
}

/// Makes the draft.
///
/// # Errors
/// If it cannot be done to such an object, or is so already.
pub(super) fn draft(intent: &Intent, present: &Present<'_>) -> Result<Draft, Problem> {
    let object = present.object;
    let about = About { kind: intent.object.kind_word(), name: title(intent), object };
    match &intent.deed {
        Deed::Scale(to) => scale(&about, *to, present.autoscalers),
        Deed::Restart => restart(&about, present.now),
        Deed::Pause => paused(&about, true),
        Deed::Resume => paused(&about, false),
        Deed::Undo(to) => undo(&about, *to, present.revisions),
        Deed::SetImage { container, image } => set_image(&about, container, image),
        Deed::Cordon => cordon(&about, true),
        Deed::Uncordon => cordon(&about, false),
        Deed::Delete => delete(&about),
    }
    .map(|mut draft| {
        draft.warnings.extend(owner(object));
        draft
    })
}

struct About<'a> {
    kind: &'a str,
    name: String,
    object: &'a Value,
}

fn title(intent: &Intent) -> String {
    let name = intent.object.name();
    match intent.object.namespace() {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_string(),
    }
}

impl About<'_> {
    fn not_offered(&self, deed: &str) -> Problem {
        Problem::new(Code::NotOffered, format!("{} {} cannot be {deed}.", self.kind, self.name))
    }

    fn so_already(&self, how: &str) -> Problem {
        Problem::new(Code::Exists, format!("{} {} is {how} already.", self.kind, self.name))
            .next("Nothing is to be done.")
    }

    /// Only these kinds.
    fn of(&self, kinds: &[&str], deed: &str) -> Result<(), Problem> {
        if kinds.contains(&self.kind) {
            return Ok(());
        }
        Err(self.not_offered(deed).why(format!("That is for {}.", kinds.join(", "))))
    }

    fn replicas(&self) -> u32 {
        let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        match self.kind {
            "DaemonSet" => number(&self.object["status"]["desiredNumberScheduled"]).unwrap_or(0),
            // What is not said is one.
            _ => number(&self.object["spec"]["replicas"]).unwrap_or(1),
        }
    }

    fn gpus_of_a_pod(&self) -> u64 {
        let spec = if self.kind == "Pod" { &self.object["spec"] } else { &self.object["spec"]["template"]["spec"] };
        let containers = spec["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let amount = |of: &Value| of.as_str().and_then(|text| text.parse().ok()).or(of.as_u64()).unwrap_or(0_u64);
        let asked = |container: &Value, list: &str| {
            let all = container["resources"][list].as_object();
            all.into_iter().flatten().filter(|(key, _)| gpu::is_gpu_key(key)).map(|(_, of)| amount(of)).sum::<u64>()
        };
        containers.iter().map(|one| asked(one, "limits").max(asked(one, "requests"))).sum()
    }

    fn affected(&self, pods: u32) -> Affected {
        Affected { pods, gpus: self.gpus_of_a_pod() * u64::from(pods) }
    }

    /// The whole of the settings is as it was read: what a plan for all pods depends on.
    fn generation(&self) -> Guard {
        Guard { path: "/metadata/generation", value: self.object["metadata"]["generation"].clone() }
    }

    /// How long its pods may take, by its own word.
    fn rollout(&self) -> Duration {
        let own = self.object["spec"]["progressDeadlineSeconds"].as_u64().map(Duration::from_secs);
        own.filter(|own| *own < Duration::from_secs(86_400)).unwrap_or(ROLLOUT)
    }

    fn success(&self, pods: u32) -> Expectation {
        Expectation {
            words: format!("{pods} of {pods} pods are ready and of the newest revision"),
            within: self.rollout(),
        }
    }
}

/// A field that has to be as it was read.
struct Guard {
    path: &'static str,
    value: Value,
}

impl Guard {
    fn test(&self) -> Value {
        json!({ "op": "test", "path": self.path, "value": self.value })
    }

    fn shown(&self) -> (String, String) {
        (self.path.to_owned(), self.value.to_string())
    }
}

const SCALABLE: &[&str] = &["Deployment", "StatefulSet", "ReplicaSet", "LeaderWorkerSet", "Rollout"];
const ROLLED: &[&str] = &["Deployment", "StatefulSet", "DaemonSet"];

fn scale(about: &About<'_>, to: u32, autoscalers: &[String]) -> Result<Draft, Problem> {
    about.of(SCALABLE, "scaled")?;
    let from = about.replicas();
    if from == to {
        return Err(about.so_already(&format!("at {to} pods")));
    }
    let guard = Guard { path: "/spec/replicas", value: json!(from) };
    let risk = match to {
        0 => (Risk::High, "All pods end.".to_owned()),
        _ if to < from => (Risk::Medium, format!("{} pods end.", from - to)),
        _ => (Risk::Low, "Pods that run go on.".to_owned()),
    };
    let warnings = autoscalers.iter().map(|name| {
        format!(
            "HorizontalPodAutoscaler {name} keeps the number of pods: it may set another one soon. Change its bounds."
        )
    });
    Ok(Draft {
        title: format!("Scale {} {} from {from} to {to} pods", about.kind, about.name),
        words: format!("Set the number of pods to {to}"),
        patch: Some(vec![guard.test(), json!({ "op": "replace", "path": "/spec/replicas", "value": to })]),
        guards: vec![guard.shown()],
        affected: about.affected(from.abs_diff(to)),
        risk,
        warnings: warnings.collect(),
        success: Expectation { words: format!("{to} of {to} pods are ready"), within: about.rollout() },
        undo: Some(Deed::Scale(from)),
    })
}

fn restart(about: &About<'_>, now: &str) -> Result<Draft, Problem> {
    about.of(ROLLED, "restarted")?;
    not_paused(about)?;
    let metadata = &about.object["spec"]["template"]["metadata"];
    let put = match (metadata.is_object(), metadata["annotations"].is_object()) {
        (_, true) => {
            let key = RESTARTED_AT.replace('/', "~1");
            json!({ "op": "add", "path": format!("/spec/template/metadata/annotations/{key}"), "value": now })
        }
        (true, false) => {
            json!({ "op": "add", "path": "/spec/template/metadata/annotations", "value": { RESTARTED_AT: now } })
        }
        (false, false) => {
            json!({ "op": "add", "path": "/spec/template/metadata", "value": { "annotations": { RESTARTED_AT: now } } })
        }
    };
    let (pods, guard) = (about.replicas(), about.generation());
    Ok(Draft {
        title: format!("Restart the {pods} pods of {} {}", about.kind, about.name),
        words: "Mark the template, so that every pod is made anew".to_owned(),
        patch: Some(vec![guard.test(), put]),
        guards: vec![guard.shown()],
        affected: about.affected(pods),
        risk: (Risk::Medium, "Every pod is made anew, a few at a time.".to_owned()),
        warnings: Vec::new(),
        success: about.success(pods),
        // Pods that were made anew are no others: there is nothing to go back to.
        undo: None,
    })
}

fn paused(about: &About<'_>, to: bool) -> Result<Draft, Problem> {
    about.of(&["Deployment"], if to { "paused" } else { "resumed" })?;
    if about.object["spec"]["paused"].as_bool().unwrap_or(false) == to {
        return Err(about.so_already(if to { "paused" } else { "not paused" }));
    }
    let guard = (!to).then(|| Guard { path: "/spec/paused", value: json!(true) });
    let put = json!({ "op": "add", "path": "/spec/paused", "value": to });
    Ok(Draft {
        title: format!("{} {} {}", if to { "Pause" } else { "Resume" }, about.kind, about.name),
        words: if to { "Change no more pods for now" } else { "Go on with changing pods" }.to_owned(),
        patch: Some(guard.iter().map(Guard::test).chain([put]).collect()),
        guards: guard.iter().map(Guard::shown).collect(),
        affected: Affected::default(),
        risk: match to {
            true => (Risk::Low, "Pods that run go on; none is changed.".to_owned()),
            false => (Risk::Medium, "What was changed while it was paused reaches the pods.".to_owned()),
        },
        warnings: Vec::new(),
        success: Expectation {
            words: if to { "it is paused".to_owned() } else { "it is not paused".to_owned() },
            within: SOON,
        },
        undo: Some(if to { Deed::Resume } else { Deed::Pause }),
    })
}

fn not_paused(about: &About<'_>) -> Result<(), Problem> {
    if about.object["spec"]["paused"] == true {
        return Err(Problem::new(Code::BadInput, format!("{} {} is paused.", about.kind, about.name))
            .why("Nothing that is changed now would reach its pods.")
            .next("Resume it first."));
    }
    Ok(())
}

fn undo(about: &About<'_>, to: Option<u64>, revisions: &[Revision]) -> Result<Draft, Problem> {
    about.of(ROLLED, "taken back to a revision")?;
    not_paused(about)?;
    let (now, then) = revision::chosen(to, revisions, &about.object["spec"]["template"]).map_err(|problem| {
        Problem { what: format!("{} {} cannot go back: {}", about.kind, about.name, problem.what), ..problem }
    })?;
    let (pods, guard) = (about.replicas(), about.generation());
    let put = json!({ "op": "replace", "path": "/spec/template", "value": then.template });
    Ok(Draft {
        title: format!("Take {} {} back to revision {}", about.kind, about.name, then.number),
        words: format!("Make pods by the template of revision {}", then.number),
        patch: Some(vec![guard.test(), put]),
        guards: vec![guard.shown()],
        affected: about.affected(pods),
        risk: (Risk::Medium, "Every pod is made anew, a few at a time.".to_owned()),
        warnings: Vec::new(),
        success: about.success(pods),
        undo: now.map(|now| Deed::Undo(Some(now.number))),
    })
}

fn set_image(about: &About<'_>, container: &str, image: &str) -> Result<Draft, Problem> {
    about.of(ROLLED, "given an image")?;
    not_paused(about)?;
    let containers = about.object["spec"]["template"]["spec"]["containers"].as_array().map(Vec::as_slice);
    let containers = containers.unwrap_or_default();
    let Some(place) = containers.iter().position(|one| one["name"] == container) else {
        let names: Vec<&str> = containers.iter().filter_map(|one| one["name"].as_str()).collect();
        return Err(Problem::new(
            Code::NotFound,
            format!("{} {} has no container {container}.", about.kind, about.name),
        )
        .next(format!("It has {}.", names.join(", "))));
    };
    if image.is_empty() || image.chars().any(|sign| sign.is_whitespace() || sign.is_control()) {
        return Err(
            Problem::new(Code::BadInput, format!("\"{image}\" is no image.")).next("Such as registry/name:tag.")
        );
    }
    let from = containers[place]["image"].as_str().unwrap_or_default();
    if from == image {
        return Err(about.so_already(&format!("at {image}")));
    }
    let (pods, guard) = (about.replicas(), about.generation());
    let path = format!("/spec/template/spec/containers/{place}/image");
    Ok(Draft {
        title: format!("Run {image} in {container} of {} {}", about.kind, about.name),
        words: format!("Set the image of {container}"),
        patch: Some(vec![guard.test(), json!({ "op": "replace", "path": path, "value": image })]),
        guards: vec![guard.shown()],
        affected: about.affected(pods),
        risk: (Risk::Medium, "Every pod is made anew, a few at a time.".to_owned()),
        warnings: Vec::new(),
        success: about.success(pods),
        undo: Some(Deed::SetImage { container: container.into(), image: from.into() }),
    })
}

fn cordon(about: &About<'_>, to: bool) -> Result<Draft, Problem> {
    about.of(&["node"], if to { "cordoned" } else { "uncordoned" })?;
    if about.object["spec"]["unschedulable"].as_bool().unwrap_or(false) == to {
        return Err(about.so_already(if to { "cordoned" } else { "open for pods" }));
    }
    let guard = (!to).then(|| Guard { path: "/spec/unschedulable", value: json!(true) });
    let put = if to {
        json!({ "op": "add", "path": "/spec/unschedulable", "value": true })
    } else {
        json!({ "op": "remove", "path": "/spec/unschedulable" })
    };
    Ok(Draft {
        title: format!("{} node {}", if to { "Cordon" } else { "Uncordon" }, about.name),
        words: if to { "Let no more pods come" } else { "Let pods come again" }.to_owned(),
        patch: Some(guard.iter().map(Guard::test).chain([put]).collect()),
        guards: guard.iter().map(Guard::shown).collect(),
        affected: Affected::default(),
        risk: (Risk::Low, "Pods that run go on.".to_owned()),
        warnings: Vec::new(),
        success: Expectation {
            words: if to { "it is cordoned".to_owned() } else { "it is open for pods".to_owned() },
            within: SOON,
        },
        undo: Some(if to { Deed::Uncordon } else { Deed::Cordon }),
    })
}

fn delete(about: &About<'_>) -> Result<Draft, Problem> {
    about.of(&["pod"], "deleted here")?;
    let metadata = &about.object["metadata"];
    let owners = metadata["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default();
    let owner = owners.iter().find(|owner| owner["controller"] == true);
    let grace = metadata["deletionGracePeriodSeconds"].as_u64();
    let grace = grace.or(about.object["spec"]["terminationGracePeriodSeconds"].as_u64()).unwrap_or(30);
    let uid = metadata["uid"].as_str().unwrap_or_default();
    Ok(Draft {
        title: format!("Delete pod {}", about.name),
        words: format!("End the pod within its {grace} s of grace"),
        patch: None,
        guards: vec![("/metadata/uid".to_owned(), format!("\"{uid}\""))],
        affected: Affected {
            pods: 1,
            gpus: About { kind: "Pod", ..About { name: String::new(), ..*about } }.gpus_of_a_pod(),
        },
        risk: match owner {
            Some(owner) => {
                (Risk::Medium, format!("Its {} makes another.", owner["kind"].as_str().unwrap_or("controller")))
            }
            None => (Risk::High, "Nothing makes another: no controller keeps it.".to_owned()),
        },
        warnings: Vec::new(),
        success: Expectation { words: "it is gone".to_owned(), within: SOON + Duration::from_secs(grace) },
        undo: None,
    })
}

/// Who applies the object out of a repository, and would take back what is done here. Sources: the tracking marks of
/// [Argo CD](https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/) and the labels of
/// [Flux](https://fluxcd.io/flux/components/).
fn owner(object: &Value) -> Option<String> {
    let metadata = &object["metadata"];
    let is = |list: &str, key: &str| metadata[list][key].is_string();
    let who = if is("annotations", "argocd.argoproj.io/tracking-id") || is("labels", "argocd.argoproj.io/instance") {
        "Argo CD"
    } else if is("labels", "kustomize.toolkit.fluxcd.io/name") || is("labels", "helm.toolkit.fluxcd.io/name") {
        "Flux"
    } else {
        return None;
    };
    Some(format!(
        "{who} applies this object out of a repository and may take this back. Better: change it there, or suspend the syncing first."
    ))
}
