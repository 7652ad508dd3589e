//! What a container is started with.

use pilothouse_wire::{ModelAddress, SmolStr, Stamp};
use serde::{Deserialize, Serialize};

/// A container that is started with models. Source: `command`, `args` and `env` of `v1.Container`, an annotation of KServe,
/// and `v1.ContainerStatus`. Of these there are addresses of models alone: see `connect_kube::facts::start`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StartFact {
    /// `name`.
    pub container: SmolStr,
    /// `state.running.startedAt`; of one that only fetches the model, also `state.terminated.startedAt`; of what an
    /// annotation says, `status.startTime` of the pod.
    pub began: Option<Stamp>,
    /// The addresses, without credentials.
    pub models: Vec<ModelAddress>,
}
