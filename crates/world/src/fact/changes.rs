//! Facts that tell of changes: controllers of pods with who wrote into them, their revisions, and persons' notes.

use super::OwnerFact;
use pilothouse_wire::{ConnectionId, ObjectRef, SmolStr, Stamp, view::Status};
use serde::{Deserialize, Serialize};

/// A controller of pods. Source: `apps/v1.Deployment`, `StatefulSet`, `DaemonSet`; `Rollout`, `LeaderWorkerSet`,
/// `InferenceService`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerFact {
    /// `kind`.
    pub kind: SmolStr,
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
    /// `spec.replicas`; absent for a kind that has none.
    pub replicas: Option<u64>,
    /// `metadata.managedFields`, without those of the status.
    pub writes: Vec<WriteFact>,
}

/// A Job. Source: `batch/v1.Job`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFact {
    /// As a controller of pods; its replicas are `spec.parallelism`.
    pub controller: ControllerFact,
    /// GPUs that one of its pods asks for.
    pub gpus: u64,
    /// `status.startTime`.
    pub started: Option<Stamp>,
    /// `status.completionTime`, or since when the condition `Failed` holds.
    pub ended: Option<Stamp>,
    /// `reason` of the condition `Failed`; absent where it holds not.
    pub failed: Option<SmolStr>,
}

/// Who wrote into an object, and when last. Source: `v1.ManagedFieldsEntry`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFact {
    /// `manager`.
    pub by: SmolStr,
    /// `time`; a server keeps none of a write through `scale`.
    pub at: Option<Stamp>,
    /// `subresource` is `scale`.
    pub scaled: bool,
}

/// A revision of what a controller makes pods of. Source: `apps/v1.ReplicaSet` of a Deployment or a Rollout, or of the
/// Deployments that a service of KServe keeps; `apps/v1.ControllerRevision`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionFact {
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// The controller, of `metadata.ownerReferences`; of a service of KServe that one, by its labels.
    pub owner: OwnerFact,
    /// `revision`, or the annotation `deployment.kubernetes.io/revision`; of Knative the label
    /// `serving.knative.dev/configurationGeneration`.
    pub number: u64,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
    /// Names and images of the template's containers.
    pub images: Vec<(SmolStr, SmolStr)>,
}

/// What a revision makes pods of, beside its images. Of what it refers to there are names, never what is in it. Source:
/// `spec.template.spec` of a ReplicaSet, or of the data of a ControllerRevision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateFact {
    /// Its containers, those first that begin before the others.
    pub containers: Vec<MadeFact>,
    /// `nodeSelector`.
    pub selector: Vec<(SmolStr, SmolStr)>,
    /// `tolerations`, as taints are written: `key=value:Effect`.
    pub tolerations: Vec<SmolStr>,
    /// ConfigMaps that variables and volumes refer to.
    pub config_maps: Vec<SmolStr>,
    /// Secrets that variables and volumes refer to.
    pub secrets: Vec<SmolStr>,
    /// Claims to volumes that its volumes refer to.
    pub claims: Vec<SmolStr>,
}

/// What a container is made of. Source: `v1.Container`.
///
/// Digests tell that something is another one, and not what it is: they are made under a key of the process that reads the
/// server, which is kept nowhere. Only those of one run are compared: each begins with an empty world.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFact {
    /// Its name.
    pub name: SmolStr,
    /// `resources.requests`, as written.
    pub requests: Vec<(SmolStr, SmolStr)>,
    /// `resources.limits`, as written.
    pub limits: Vec<(SmolStr, SmolStr)>,
    /// Names of its variables, each with a digest of its value.
    pub variables: Vec<(SmolStr, u64)>,
    /// A digest of its command and its arguments.
    pub arguments: u64,
}

/// What a person did through Pilothouse, as the audit book has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActedFact {
    /// When it was confirmed.
    pub at: Stamp,
    /// To what.
    pub object: ObjectRef,
    /// What, as a sentence.
    pub title: String,
    /// The account.
    pub by: SmolStr,
    /// What became of it.
    pub outcome: String,
    /// How that is.
    pub status: Status,
}

/// A person's note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteFact {
    /// Where on the ribbon.
    pub at: Stamp,
    /// What it is about; [`NoteFact::about_nothing`] if about no one thing.
    pub object: ObjectRef,
    /// What they wrote.
    pub text: String,
}

impl NoteFact {
    /// Who says notes, and what a note is about that is about no one thing.
    #[must_use]
    pub fn source() -> ConnectionId {
        ConnectionId::slug("pilothouse")
    }

    /// The object of a note that is about no one thing.
    #[must_use]
    pub fn about_nothing() -> ObjectRef {
        ObjectRef::Connection(Self::source())
    }
}
