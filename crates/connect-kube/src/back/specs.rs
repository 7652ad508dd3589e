//! The specs of the pods that a template makes: one of a pod that stands alone, two of a group with a leader. Pure.
//!
//! Source: `LeaderWorkerTemplate` of kubernetes-sigs/lws: a group is `size` pods, of which the first is its leader; without a
//! template of its own that one is made as the workers are.

use serde_json::Value;

/// What a template makes.
pub(super) struct Specs<'a> {
    /// The spec of its pods; of a group that of its leader.
    pub first: &'a Value,
    /// How many workers stand beside a leader, and the spec of each; none where pods stand alone.
    pub workers: Option<(u64, &'a Value)>,
}

impl<'a> Specs<'a> {
    /// Of what an object has now.
    pub fn of_now(kind: &str, object: &'a Value) -> Self {
        Self::of(if kind == "LeaderWorkerSet" { &object["spec"] } else { &object["spec"]["template"] })
    }

    /// Of a template, as it stands in a revision.
    pub fn of(template: &'a Value) -> Self {
        let group = &template["leaderWorkerTemplate"];
        if !group.is_object() {
            return Self { first: &template["spec"], workers: None };
        }
        let worker = &group["workerTemplate"]["spec"];
        let has_own = group["leaderTemplate"].is_object();
        let first = if has_own { &group["leaderTemplate"]["spec"] } else { worker };
        Self { first, workers: Some((group["size"].as_u64().unwrap_or(1).saturating_sub(1), worker)) }
    }

    /// The specs of which pods are made.
    pub fn all(&self) -> Vec<&'a Value> {
        let workers = self.workers.filter(|(pods, _)| *pods > 0).map(|(_, spec)| spec);
        [Some(self.first), workers].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_group_has_a_leader_and_workers_and_a_leader_without_a_template_is_made_as_they_are() {
        let [leader, worker] = ["leader", "worker"].map(|name| json!({ "spec": { "serviceAccountName": name } }));
        let names = |template: &Value| -> Vec<String> {
            let name = |spec: &&Value| spec["serviceAccountName"].as_str().unwrap_or_default().to_owned();
            Specs::of(template).all().iter().map(name).collect()
        };
        let group = |size: u64, leader: Option<&Value>| json!({ "leaderWorkerTemplate": { "size": size, "leaderTemplate": leader, "workerTemplate": worker } });
        assert_eq!(names(&group(4, Some(&leader))), ["leader", "worker"]);
        assert_eq!(Specs::of(&group(4, Some(&leader))).workers.map(|(pods, _)| pods), Some(3));
        assert_eq!(names(&group(4, None)), ["worker", "worker"]);
        // No pod is made by the template of workers: what it names is not needed.
        assert_eq!(names(&group(1, Some(&leader))), ["leader"]);
        assert_eq!(names(&leader), ["leader"]);
        assert!(Specs::of(&leader).workers.is_none());
        let object = json!({ "spec": { "template": leader, "leaderWorkerTemplate": { "workerTemplate": worker } } });
        assert!(Specs::of_now("LeaderWorkerSet", &object).workers.is_some());
        assert!(Specs::of_now("Deployment", &object).workers.is_none());
    }
}
