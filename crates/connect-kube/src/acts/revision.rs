//! Revisions of a controller, and which of them an undo goes back to.

use pilothouse_wire::{Code, Problem, SmolStr, Stamp};
use serde_json::{Value, json};

/// A revision that is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Revision {
    /// Its number.
    pub number: u64,
    /// The template of its pods, without what its controller adds.
    pub template: Value,
    /// The hash by which its controller knows it; of a ReplicaSet alone.
    pub hash: Option<SmolStr>,
    /// Pods of it that are available; of a ReplicaSet alone.
    pub available: u64,
    /// Pods of it that are there; of a ReplicaSet alone.
    pub pods: u32,
    /// When its object was made; of a ReplicaSet alone.
    pub created: Option<Stamp>,
    /// Do its pods stay for a while, since it had all traffic just now? Of a ReplicaSet of a Rollout alone.
    pub lingers: bool,
}

/// Who keeps ReplicaSets, and where it writes the number and the hash of a revision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeper {
    number: &'static str,
    hash: &'static str,
}

/// Of Deployments.
pub(crate) const DEPLOYMENT: Keeper = Keeper { number: "deployment.kubernetes.io/revision", hash: "pod-template-hash" };
/// Of Rollouts.
pub(super) const ROLLOUT: Keeper =
    Keeper { number: "rollout.argoproj.io/revision", hash: "rollouts-pod-template-hash" };

/// Where a Rollout writes until when pods of a revision stay that had all traffic. Source: `DefaultReplicaSetScaleDownDeadlineAnnotationKey`
/// of Argo Rollouts.
const LINGERS: &str = "scale-down-deadline";

/// Out of the ReplicaSets of a namespace, those of a Deployment or a Rollout.
pub(crate) fn of_replica_sets(list: &Value, owner: &str, keeper: Keeper) -> Vec<Revision> {
    revisions(list, owner, |set| {
        let number = set["metadata"]["annotations"][keeper.number].as_str()?.parse().ok()?;
        let mut template = set["spec"]["template"].clone();
        let hash = template["metadata"]["labels"].as_object_mut().and_then(|labels| labels.remove(keeper.hash));
        let hash = hash.as_ref().and_then(Value::as_str).map(SmolStr::new);
        let count = |field: &str| set["status"][field].as_u64().unwrap_or(0);
        Some(Revision {
            number,
            template,
            hash,
            available: count("availableReplicas"),
            pods: u32::try_from(count("replicas")).unwrap_or(u32::MAX),
            created: set["metadata"]["creationTimestamp"].as_str().and_then(|text| text.parse().ok()),
            lingers: set["metadata"]["annotations"][LINGERS].as_str().is_some_and(|until| !until.is_empty()),
        })
    })
}

/// Out of the ControllerRevisions of a namespace, those of a StatefulSet or DaemonSet.
fn of_controller_revisions(list: &Value, owner: &str) -> Vec<Revision> {
    revisions(list, owner, |revision| {
        let mut template = revision["data"]["spec"]["template"].clone();
        template.as_object_mut()?.remove("$patch");
        let number = revision["revision"].as_u64()?;
        Some(Revision { number, template, ..Revision::default() })
    })
}

/// What stands in the template of groups and is of no revision. Source: `getPatch` of kubernetes-sigs/lws.
pub(super) const GROUPS_LIVE: [&str; 2] = ["maxGroupRestarts", "restartBackoff"];

/// Out of the ControllerRevisions of a namespace, those of a LeaderWorkerSet: its template has both templates of a group,
/// and the settings of their network.
fn of_groups(list: &Value, owner: &str) -> Vec<Revision> {
    revisions(list, owner, |revision| {
        let mut template = json!({});
        for part in ["leaderWorkerTemplate", "networkConfig"] {
            let mut kept = revision["data"]["spec"][part].clone();
            if let Some(fields) = kept.as_object_mut() {
                fields.remove("$patch");
                template[part] = kept;
            }
        }
        template["leaderWorkerTemplate"].is_object().then_some(())?;
        Some(Revision { number: revision["revision"].as_u64()?, template, ..Revision::default() })
    })
}

/// The templates of groups as a revision would keep them.
fn of_now(spec: &Value) -> Value {
    let mut template = spec["leaderWorkerTemplate"].clone();
    if let Some(fields) = template.as_object_mut() {
        GROUPS_LIVE.iter().for_each(|live| drop(fields.remove(*live)));
    }
    json!({ "leaderWorkerTemplate": template, "networkConfig": network(&spec["networkConfig"]) })
}

/// Where nothing is said of its network, a revision says what that means.
fn network(said: &Value) -> Value {
    if said.is_object() { said.clone() } else { json!({ "subdomainPolicy": "Shared" }) }
}

/// Why a set of groups has no revision to go back to: its controller keeps hardly any.
pub(crate) fn of_groups_alone(problem: Problem) -> Problem {
    let next = problem.next.clone().unwrap_or_default();
    let next = format!("{next} Its controller keeps another revision only while it goes to a new one.");
    problem.next(next.trim_start())
}

fn revisions(list: &Value, owner: &str, one: impl Fn(&Value) -> Option<Revision>) -> Vec<Revision> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut all: Vec<Revision> = items.iter().filter(|item| is_owned(item, owner)).filter_map(one).collect();
    all.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    all
}

/// Is it of this controller?
pub(crate) fn is_owned(item: &Value, owner: &str) -> bool {
    let owners = item["metadata"]["ownerReferences"].as_array();
    owners.into_iter().flatten().any(|of| of["uid"] == owner && of["controller"] == true)
}

/// Which of the revisions runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Running<'a> {
    /// The one of this template: the server fills in what it leaves out, of object and revision alike.
    Template(&'a Value),
    /// The one of this hash, as its controller says: of a custom resource nothing is filled in, so that templates differ
    /// from those of its ReplicaSets.
    Hash(&'a str),
    /// The one of this spec of groups: its templates, without what is of no revision.
    Groups(&'a Value),
}

impl Running<'_> {
    /// Is it this one?
    pub(crate) fn is(self, revision: &Revision) -> bool {
        match self {
            Self::Template(template) => same(&revision.template, template),
            Self::Hash(hash) => revision.hash.as_deref() == Some(hash),
            Self::Groups(spec) => {
                let mut kept = revision.template.clone();
                if let Some(fields) = kept["leaderWorkerTemplate"].as_object_mut() {
                    // Older controllers kept these, too.
                    GROUPS_LIVE.iter().for_each(|live| drop(fields.remove(*live)));
                }
                kept["networkConfig"] = network(&kept["networkConfig"]);
                same(&kept, &of_now(spec))
            }
        }
    }
}

/// Where a controller keeps its revisions.
pub(crate) struct Keeps {
    /// As objects of this kind.
    pub kind: &'static str,
    /// Their resource.
    pub plural: &'static str,
    /// Those of an owner, out of all of a namespace.
    pub revisions: fn(&Value, &str) -> Vec<Revision>,
}

/// Where controllers of this kind keep their revisions.
pub(crate) fn keeps(kind: &str) -> Option<Keeps> {
    let sets = |revisions| Keeps { kind: "ReplicaSet", plural: "replicasets", revisions };
    match kind {
        "Deployment" => Some(sets(|list, owner| of_replica_sets(list, owner, DEPLOYMENT))),
        "Rollout" => Some(sets(|list, owner| of_replica_sets(list, owner, ROLLOUT))),
        "StatefulSet" | "DaemonSet" => Some(Keeps {
            kind: "ControllerRevision",
            plural: "controllerrevisions",
            revisions: of_controller_revisions,
        }),
        "LeaderWorkerSet" => {
            Some(Keeps { kind: "ControllerRevision", plural: "controllerrevisions", revisions: of_groups })
        }
        _ => None,
    }
}

/// Which revision runs. `template` is the one of its pods, which a Rollout may take from another workload.
pub(crate) fn running<'a>(kind: &str, object: &'a Value, template: &'a Value) -> Running<'a> {
    if kind == "LeaderWorkerSet" {
        return Running::Groups(&object["spec"]);
    }
    match object["status"]["currentPodHash"].as_str().filter(|_| kind == "Rollout") {
        Some(hash) => Running::Hash(hash),
        None => Running::Template(template),
    }
}

/// The revision that runs, if it is kept, and the one to go back to.
///
/// # Errors
/// If there is none such, or it runs already.
pub(crate) fn chosen<'a>(
    to: Option<u64>,
    revisions: &'a [Revision],
    running: Running<'_>,
) -> Result<(Option<&'a Revision>, &'a Revision), Problem> {
    let now = revisions.iter().find(|revision| running.is(revision));
    let then = match to {
        Some(number) => revisions.iter().find(|revision| revision.number == number),
        None => revisions.iter().find(|revision| !running.is(revision)),
    };
    let kept = || {
        let numbers: Vec<String> = revisions.iter().map(|revision| revision.number.to_string()).collect();
        if numbers.is_empty() { "No revision is kept.".to_owned() } else { format!("Kept are {}.", numbers.join(", ")) }
    };
    match (then, to) {
        (Some(then), _) if running.is(then) => {
            Err(Problem::new(Code::Exists, format!("revision {} is what runs.", then.number)).next(kept()))
        }
        (Some(then), _) => Ok((now, then)),
        (None, Some(number)) => {
            Err(Problem::new(Code::NotFound, format!("revision {number} is not kept.")).next(kept()))
        }
        (None, None) => Err(Problem::new(Code::NotFound, "there is no revision before this one.").next(kept())),
    }
}

/// Are two templates one, but for what is nothing? Servers fill in `creationTimestamp: null`.
fn same(a: &Value, b: &Value) -> bool {
    bare(a) == bare(b)
}

fn bare(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.clone(), bare(value)));
            Value::Object(
                fields.filter(|(_, value)| !value.is_null() && *value != Value::Object(Default::default())).collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(bare).collect()),
        other => other.clone(),
    }
}
