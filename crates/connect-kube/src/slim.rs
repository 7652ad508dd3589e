//! Slim Kubernetes types: only the fields that become facts, readable from protobuf and from JSON alike.
//!
//! Field numbers are those of `generated.proto` in k8s.io/api and k8s.io/apimachinery; a field that is not here is
//! skipped by both decoders and never kept. There are none for environment variables, commands and arguments, on
//! purpose; of annotations the number of a revision is read, and nothing else.

mod controller;
mod event;
mod meta;
mod node;
mod pod;

pub use controller::{
    ControllerRevision, DaemonSet, Deployment, Job, JobSpec, JobStatus, ManagedFields, Raw, ReplicaSet, ScaledSpec,
    StatefulSet, Template, WrittenMeta,
};
pub use event::{CoreEvent, Event, EventSeries, ObjectReference};
pub use meta::{ListMeta, Meta, OwnerReference, Quantities, Quantity, Status, StatusDetails, Time};
pub use node::{Namespace, NamespaceStatus, Node, NodeCondition, NodeInfo, NodeSpec, NodeStatus, Taint};
pub use pod::{
    Container, ContainerState, ContainerStatus, Pod, PodCondition, PodSpec, PodStatus, Resources, Terminated, Waiting,
};
