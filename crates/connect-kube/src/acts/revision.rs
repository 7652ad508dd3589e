//! Revisions of a controller, and which of them an undo goes back to.

use pilothouse_wire::{Code, Problem};
use serde_json::Value;

/// A revision that is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Revision {
    /// Its number.
    pub number: u64,
    /// The template of its pods, without what its controller adds.
    pub template: Value,
}

/// Out of the ReplicaSets of a namespace, those of a Deployment.
pub(super) fn of_replica_sets(list: &Value, owner: &str) -> Vec<Revision> {
    revisions(list, owner, |set| {
        let number = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str()?.parse().ok()?;
        let mut template = set["spec"]["template"].clone();
        if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
            labels.remove("pod-template-hash");
        }
        Some(Revision { number, template })
    })
}

/// Out of the ControllerRevisions of a namespace, those of a StatefulSet or DaemonSet.
pub(super) fn of_controller_revisions(list: &Value, owner: &str) -> Vec<Revision> {
    revisions(list, owner, |revision| {
        let mut template = revision["data"]["spec"]["template"].clone();
        template.as_object_mut()?.remove("$patch");
        Some(Revision { number: revision["revision"].as_u64()?, template })
    })
}

fn revisions(list: &Value, owner: &str, one: impl Fn(&Value) -> Option<Revision>) -> Vec<Revision> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let owned = |item: &&Value| {
        let owners = item["metadata"]["ownerReferences"].as_array();
        owners.into_iter().flatten().any(|of| of["uid"] == owner && of["controller"] == true)
    };
    let mut all: Vec<Revision> = items.iter().filter(owned).filter_map(one).collect();
    all.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    all
}

/// The revision that runs, if it is kept, and the one to go back to.
///
/// # Errors
/// If there is none such, or it runs already.
pub(super) fn chosen<'a>(
    to: Option<u64>,
    revisions: &'a [Revision],
    template: &Value,
) -> Result<(Option<&'a Revision>, &'a Revision), Problem> {
    let now = revisions.iter().find(|revision| same(&revision.template, template));
    let then = match to {
        Some(number) => revisions.iter().find(|revision| revision.number == number),
        None => revisions.iter().find(|revision| !same(&revision.template, template)),
    };
    let kept = || {
        let numbers: Vec<String> = revisions.iter().map(|revision| revision.number.to_string()).collect();
        if numbers.is_empty() { "No revision is kept.".to_owned() } else { format!("Kept are {}.", numbers.join(", ")) }
    };
    match (then, to) {
        (Some(then), _) if same(&then.template, template) => {
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
