//! Slim Kubernetes types: only the fields that become facts, readable from protobuf and from JSON alike.
//!
//! Field numbers are those of `generated.proto` in k8s.io/api and k8s.io/apimachinery; a field that is not here is
//! skipped by both decoders and never kept. Commands, arguments, environment variables and annotations are read on the way to
//! facts, which take from them what they name: addresses of models, ConfigMaps and Secrets, a number of a revision, when it
//! goes, who keeps the object, whether KServe is to stop it.

mod analysis;
mod budget;
mod claims;
mod controller;
mod event;
mod inference;
mod meta;
mod node;
mod pod;
mod repository;
mod rollout;
mod template;
mod traffic;

pub use analysis::{AnalysisRun, AnalysisSpec, AnalysisStatus, Measurement, Metric, MetricResult};
pub use budget::{BudgetSpec, BudgetStatus, DisruptionBudget, LabelSelector, Requirement};
pub use claims::{
    Attribute, BasicClaim, BasicSlice, ClaimSpec, Device, Request, ResourceClaim, ResourceSlice, SliceSpec,
};
pub use controller::{
    ControllerRevision, DaemonSet, Deployment, DeploymentCondition, DeploymentSpec, DeploymentStatus, Job, JobSpec,
    JobStatus, ManagedFields, Partition, Raw, ReplicaSet, ReplicaSetStatus, ScaledSpec, StatefulSet, StatefulSetSpec,
    StatefulSetStatus, Strategy, Template, UpdateStrategy, WrittenMeta,
};
pub use event::{CoreEvent, Event, EventSeries, ObjectReference};
pub use inference::{
    CanarySpec, CanaryStatus, ComponentStatus, FailureInfo, InferenceService, InferenceSpec, InferenceStatus,
    LlmInferenceService, LlmModel, LlmSpec, ModelCopies, ModelStates, ModelStatus, Predictor, TrafficTarget,
};
pub use meta::{ListMeta, Meta, OwnerReference, Quantities, Quantity, Status, StatusCause, StatusDetails, Time};
pub use node::{
    FieldNames, NamedFields, Namespace, NamespaceStatus, Node, NodeCondition, NodeInfo, NodeMeta, NodeSpec, NodeStatus,
    Taint,
};
pub use pod::{
    Container, ContainerState, ContainerStatus, EnvVar, Pod, PodCondition, PodSpec, PodStatus, Resources, Running,
    Terminated, Waiting,
};
pub use repository::{Application, Promotion, Stage, Synced};
pub use rollout::{Condition, Experiment, GroupTemplate, LeaderWorkerSet, Rollout, RolloutStatus};
pub use template::{
    ClaimVolume, EnvFrom, LocalReference, Named, Projected, Projection, SecretVolume, TemplateSpec, Toleration,
    ValueFrom, Volume, VolumeSource,
};
pub use traffic::{
    Canary, HttpRoute, InferenceModelRewrite, InferencePool, PathMatch, Reference, RouteMatch, SeenCondition, Service,
};
