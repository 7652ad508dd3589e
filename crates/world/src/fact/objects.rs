//! Facts of the objects of a cluster: nodes, namespaces, pods with their containers, events.

use pilothouse_wire::{SmolStr, Stamp};
use serde::{Deserialize, Serialize};

/// A node. Source: `v1.Node`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeFact {
    /// `metadata.name`.
    pub name: SmolStr,
    /// `metadata.uid`.
    pub uid: SmolStr,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
    /// The labels that we use (see [`crate::gpu::is_kept_label`]), and of one annotation what it says in words, under its
    /// own key ([`crate::QUARANTINE`]).
    pub labels: Vec<(SmolStr, SmolStr)>,
    /// `spec.unschedulable`.
    pub cordoned: bool,
    /// `spec.taints`, as `key=value:Effect`.
    pub taints: Vec<SmolStr>,
    /// `status.conditions`.
    pub conditions: Vec<ConditionFact>,
    /// `status.capacity` of GPU keys.
    pub capacity: Vec<(SmolStr, u64)>,
    /// `status.allocatable` of GPU keys.
    pub allocatable: Vec<(SmolStr, u64)>,
    /// `status.nodeInfo.kubeletVersion`.
    pub kubelet: Option<SmolStr>,
}

/// What a server keeps of who wrote into a node, and since when the node is as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFact {
    /// Who wrote what a person might have written, the latest last.
    pub writes: Vec<NodeWriteFact>,
    /// Since when it is cordoned: `timeAdded` of the taint by which the control plane repeats that.
    pub cordoned: Option<Stamp>,
    /// Taints as [`NodeFact::taints`] has them, each with its `timeAdded`; those without one are not here.
    pub taints: Vec<(SmolStr, Stamp)>,
}

/// Who wrote into a node, and when last. Source: `v1.ManagedFieldsEntry`, of whose fields there are names alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeWriteFact {
    /// `manager`.
    pub by: SmolStr,
    /// `time`: of the last of its writes, whatever that changed.
    pub at: Option<Stamp>,
    /// Is `spec.unschedulable` its own?
    pub cordon: bool,
    /// Are `spec.taints` its own?
    pub taints: bool,
    /// Is one of these, or labels, all that it has? Then the time is of that.
    pub alone: bool,
    /// Keys of the labels that are its own, the first few.
    pub labels: Vec<SmolStr>,
    /// How many labels are its own.
    pub labels_in_all: u32,
}

/// A condition. Source: `v1.NodeCondition`, `v1.PodCondition`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionFact {
    /// `type`.
    pub kind: SmolStr,
    /// `status`.
    pub status: SmolStr,
    /// `reason`.
    pub reason: Option<SmolStr>,
    /// `lastTransitionTime`.
    pub since: Option<Stamp>,
}

/// A namespace. Source: `v1.Namespace`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamespaceFact {
    /// `metadata.name`.
    pub name: SmolStr,
    /// `status.phase` is `Terminating`.
    pub terminating: bool,
}

/// A pod. Source: `v1.Pod`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodFact {
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// `metadata.uid`.
    pub uid: SmolStr,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
    /// `metadata.deletionTimestamp`.
    pub deleting: Option<Stamp>,
    /// `metadata.ownerReferences`, the controller first; behind a ReplicaSet of a Rollout that Rollout, by the label
    /// `rollouts-pod-template-hash`, and of a predictor of KServe its service, by the label
    /// `serving.kserve.io/inferenceservice`.
    pub owners: Vec<OwnerFact>,
    /// Label `pod-template-hash`, set by a Deployment's controller.
    pub template_hash: Option<SmolStr>,
    /// `spec.nodeName`.
    pub node: Option<SmolStr>,
    /// `status.phase`.
    pub phase: Phase,
    /// `status.reason`, such as `Evicted`.
    pub reason: Option<SmolStr>,
    /// `status.startTime`.
    pub started: Option<Stamp>,
    /// What it asks for of GPU keys, over its containers as the scheduler counts.
    pub gpus: Vec<(SmolStr, u64)>,
    /// CPU asked for, in thousandths of a core.
    pub cpu_millis: u64,
    /// Memory asked for.
    pub memory_bytes: u64,
    /// Its containers and restartable init containers.
    pub containers: Vec<ContainerFact>,
    /// `status.conditions`.
    pub conditions: Vec<ConditionFact>,
}

/// What the labels of a pod say of whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodLabels {
    /// The team, by the first label of the connection's rule.
    pub team: Option<SmolStr>,
    /// The queue through which it came: label `kueue.x-k8s.io/queue-name` or `volcano.sh/queue-name`.
    pub queue: Option<SmolStr>,
}

/// Where a pod is in its life. Source: `v1.PodStatus.phase`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// Accepted; not all containers run.
    #[default]
    Pending,
    /// On a node; at least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one of them badly.
    Failed,
    /// The node cannot be asked.
    Unknown,
}

/// An owner of an object. Source: `v1.OwnerReference`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnerFact {
    /// `kind`.
    pub kind: SmolStr,
    /// `name`.
    pub name: SmolStr,
}

/// A container. Source: `v1.Container`, `v1.ContainerStatus`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerFact {
    /// `name`.
    pub name: SmolStr,
    /// `image` of the spec.
    pub image: SmolStr,
    /// Digest out of `imageID`: `sha256:…`.
    pub digest: Option<SmolStr>,
    /// `ready`.
    pub ready: bool,
    /// `restartCount`.
    pub restarts: u32,
    /// Why it waits or how it ended: `CrashLoopBackOff`, `OOMKilled`; absent while it runs.
    pub reason: Option<SmolStr>,
    /// Is `reason` the end of it (else it waits)?
    pub ended: bool,
}

/// An event. Source: `events.k8s.io/v1.Event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventFact {
    /// `metadata.uid`.
    pub uid: SmolStr,
    /// `regarding.kind`.
    pub kind: SmolStr,
    /// `regarding.namespace`.
    pub namespace: Option<SmolStr>,
    /// `regarding.name`.
    pub name: SmolStr,
    /// `type` is `Warning`.
    pub warning: bool,
    /// `reason`.
    pub reason: SmolStr,
    /// `note`, cut at 1,024 characters.
    pub note: String,
    /// `series.count` or `deprecatedCount`, at least 1.
    pub count: u32,
    /// The last time it happened.
    pub at: Stamp,
}
