//! Statuses and their words, as people know them from kubectl.

use crate::fact::{NodeFact, Phase, PodFact};
use pilothouse_wire::{
    SmolStr,
    view::{Condition, Status},
};

impl NodeFact {
    /// Is the node ready?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True")
    }

    /// The node's status and its word. The worst of what is known wins.
    pub(crate) fn status(&self) -> (Status, SmolStr) {
        let ready = self.conditions.iter().find(|condition| condition.kind == "Ready");
        match ready.map(|condition| condition.status.as_str()) {
            Some("True") => {}
            Some("False") => return (Status::Bad, SmolStr::new_static("Not ready")),
            Some(_) => return (Status::Bad, SmolStr::new_static("Lost")),
            None => return (Status::Unknown, SmolStr::new_static("No data")),
        }
        let pressed = self.bad_conditions().next();
        match (self.cordoned, pressed) {
            (true, _) => (Status::Warn, SmolStr::new_static("Cordoned")),
            (false, Some(condition)) if condition.status == "False" => {
                (Status::Warn, format!("{} is False", condition.kind).into())
            }
            (false, Some(condition)) => (Status::Warn, condition.kind.clone()),
            (false, None) => (Status::Good, SmolStr::new_static("Ready")),
        }
    }

    /// Conditions other than Ready that are as they should not be.
    pub(crate) fn bad_conditions(&self) -> impl Iterator<Item = &crate::fact::ConditionFact> {
        self.conditions.iter().filter(|condition| Condition::is_wrong(&condition.kind, &condition.status))
    }
}

impl PodFact {
    /// Is it placed on a node, and does it hold there what it asked for?
    #[must_use]
    pub fn holds(&self) -> bool {
        self.node.is_some() && !self.ended()
    }

    /// Does it wait for a node?
    #[must_use]
    pub fn waits(&self) -> bool {
        self.node.is_none() && self.phase == Phase::Pending
    }

    pub(crate) fn ended(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    /// The pod's status and its word.
    pub(crate) fn status(&self) -> (Status, SmolStr) {
        if let Some(reason) = &self.reason {
            return (Status::Bad, reason.clone());
        }
        if self.deleting.is_some() {
            return (Status::Progress, SmolStr::new_static("Terminating"));
        }
        let blamed = self.containers.iter().find(|container| container.reason.is_some() && !container.ready);
        let reason = blamed.and_then(|container| container.reason.clone());
        match (self.phase, reason) {
            (Phase::Succeeded, _) => (Status::Good, SmolStr::new_static("Completed")),
            (Phase::Failed, reason) => (Status::Bad, reason.unwrap_or(SmolStr::new_static("Failed"))),
            (Phase::Unknown, _) => (Status::Unknown, SmolStr::new_static("Unknown")),
            (_, Some(reason)) if is_under_way(&reason) => (Status::Progress, reason),
            (_, Some(reason)) => (Status::Bad, reason),
            (Phase::Pending, None) if self.node.is_none() => (Status::Warn, SmolStr::new_static("Pending")),
            (Phase::Pending, None) => (Status::Progress, SmolStr::new_static("Starting")),
            (Phase::Running, None) if self.containers.iter().any(|container| !container.ready) => {
                (Status::Warn, SmolStr::new_static("Not ready"))
            }
            (Phase::Running, None) => (Status::Good, SmolStr::new_static("Running")),
        }
    }
}

fn is_under_way(reason: &str) -> bool {
    matches!(reason, "ContainerCreating" | "PodInitializing" | "Completed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{ConditionFact, ContainerFact};

    fn condition(kind: &str, status: &str) -> ConditionFact {
        ConditionFact { kind: kind.into(), status: status.into(), reason: None, since: None }
    }

    #[test]
    fn a_node_shows_the_worst_of_what_is_known() {
        for (conditions, cordoned, want) in [
            (vec![], false, (Status::Unknown, "No data")),
            (vec![condition("Ready", "True")], false, (Status::Good, "Ready")),
            (vec![condition("Ready", "True")], true, (Status::Warn, "Cordoned")),
            (vec![condition("Ready", "False")], true, (Status::Bad, "Not ready")),
            (vec![condition("Ready", "Unknown")], false, (Status::Bad, "Lost")),
            (vec![condition("Ready", "True"), condition("GpuXidError", "True")], false, (Status::Warn, "GpuXidError")),
            (vec![condition("Ready", "True"), condition("KernelReady", "True")], false, (Status::Good, "Ready")),
            (
                vec![condition("Ready", "True"), condition("StorageReady", "False")],
                false,
                (Status::Warn, "StorageReady is False"),
            ),
        ] {
            let node = NodeFact { conditions, cordoned, ..NodeFact::default() };
            let (status, word) = node.status();
            assert_eq!((status, word.as_str()), want);
        }
    }

    #[test]
    fn a_pod_reads_as_in_kubectl() {
        let container = |reason: Option<&str>, ready| ContainerFact {
            reason: reason.map(Into::into),
            ready,
            ..ContainerFact::default()
        };
        for (phase, node, containers, want) in [
            (Phase::Pending, None, vec![], (Status::Warn, "Pending")),
            (
                Phase::Pending,
                Some("n"),
                vec![container(Some("ContainerCreating"), false)],
                (Status::Progress, "ContainerCreating"),
            ),
            (
                Phase::Pending,
                Some("n"),
                vec![container(Some("ImagePullBackOff"), false)],
                (Status::Bad, "ImagePullBackOff"),
            ),
            (Phase::Running, Some("n"), vec![container(None, true)], (Status::Good, "Running")),
            (
                Phase::Running,
                Some("n"),
                vec![container(None, true), container(Some("CrashLoopBackOff"), false)],
                (Status::Bad, "CrashLoopBackOff"),
            ),
            (Phase::Running, Some("n"), vec![container(None, false)], (Status::Warn, "Not ready")),
            (Phase::Succeeded, Some("n"), vec![container(Some("Completed"), false)], (Status::Good, "Completed")),
            (Phase::Failed, Some("n"), vec![container(Some("OOMKilled"), false)], (Status::Bad, "OOMKilled")),
        ] {
            let pod = PodFact { phase, node: node.map(Into::into), containers, ..PodFact::default() };
            let (status, word) = pod.status();
            assert_eq!((status, word.as_str()), want);
        }
    }
}
