//! Which controller a pod belongs to in the end.

use crate::{
    fact::{OwnerFact, PodFact},
    source::WorkloadKey,
};
use pilothouse_wire::SmolStr;

/// Who stands above a ReplicaSet where a pod says so by its labels: see [`PodFact::owners`].
const ABOVE_SETS: &[&str] = &["Rollout", "InferenceService", "LLMInferenceService"];

impl PodFact {
    /// The topmost controller that the pod itself tells of: its kind and name.
    ///
    /// A ReplicaSet made by a Deployment is named after it with the template's hash, which the pod carries as the label
    /// `pod-template-hash`: the name is exact, and no request is needed to learn it.
    #[must_use]
    pub fn workload(&self) -> Option<OwnerFact> {
        let owner = self.owners.first()?;
        let above = self.owners.get(1).filter(|above| ABOVE_SETS.contains(&above.kind.as_str()));
        if let Some(above) = above.filter(|_| owner.kind == "ReplicaSet") {
            return Some(above.clone());
        }
        let above =
            self.template_hash.as_ref().filter(|_| owner.kind == "ReplicaSet").and_then(|hash| {
                owner.name.strip_suffix(hash.as_str())?.strip_suffix('-').filter(|name| !name.is_empty())
            });
        Some(match above {
            Some(name) => OwnerFact { kind: SmolStr::new_static("Deployment"), name: name.into() },
            None => owner.clone(),
        })
    }

    /// What it is told of under: its topmost controller, or itself where it has none.
    pub(crate) fn told_under(&self) -> WorkloadKey {
        let OwnerFact { kind, name } =
            self.workload().unwrap_or_else(|| OwnerFact { kind: SmolStr::new_static("Pod"), name: self.name.clone() });
        (kind, self.namespace.clone(), name)
    }

    /// Owners from the nearest up, as `Kind/name`.
    pub(crate) fn owner_chain(&self) -> Vec<SmolStr> {
        let text = |owner: &OwnerFact| SmolStr::from(format!("{}/{}", owner.kind, owner.name));
        let mut chain: Vec<SmolStr> = self.owners.iter().take(1).map(text).collect();
        chain.extend(self.workload().as_ref().map(text).filter(|top| chain.first() != Some(top)));
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_is_above_its_replica_set() {
        let owner = |kind: &str, name: &str| OwnerFact { kind: kind.into(), name: name.into() };
        let owners = vec![owner("ReplicaSet", "chat-7c9f"), owner("Rollout", "chat")];
        let pod = PodFact { owners, ..PodFact::default() };
        assert_eq!(pod.owner_chain().join(" "), "ReplicaSet/chat-7c9f Rollout/chat");
        // A service of KServe keeps a Deployment, which keeps the ReplicaSet.
        let owners = vec![owner("ReplicaSet", "chat-predictor-7c9f"), owner("InferenceService", "chat")];
        let pod = PodFact { owners, template_hash: Some("7c9f".into()), ..PodFact::default() };
        assert_eq!(pod.owner_chain().join(" "), "ReplicaSet/chat-predictor-7c9f InferenceService/chat");
        // Somebody else's second owner is none above the first.
        let owners = vec![owner("Job", "train"), owner("Rollout", "chat")];
        assert_eq!(PodFact { owners, ..PodFact::default() }.workload(), Some(owner("Job", "train")));
    }

    #[test]
    fn the_topmost_controller_is_read_off_the_pod() {
        for (kind, name, hash, want) in [
            ("ReplicaSet", "chat-70b-7c9f4d", Some("7c9f4d"), "ReplicaSet/chat-70b-7c9f4d Deployment/chat-70b"),
            ("ReplicaSet", "own-made", None, "ReplicaSet/own-made"),
            ("ReplicaSet", "7c9f4d", Some("7c9f4d"), "ReplicaSet/7c9f4d"),
            ("StatefulSet", "cache", None, "StatefulSet/cache"),
            ("Job", "train-12", None, "Job/train-12"),
        ] {
            let pod = PodFact {
                owners: vec![OwnerFact { kind: kind.into(), name: name.into() }],
                template_hash: hash.map(Into::into),
                ..PodFact::default()
            };
            assert_eq!(pod.owner_chain().join(" "), want);
        }
    }
}
