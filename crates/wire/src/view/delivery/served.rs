//! What is known of a service because KServe keeps it: its model, its address, how the model loads, what its controller says.

use crate::{SmolStr, Stamp, view::fleet::Status};
use serde::{Deserialize, Serialize};

/// Who makes the pods of a service of KServe, and who splits its traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ServedMode {
    /// Its controller has not said it yet.
    #[default]
    Unknown,
    /// A Deployment, formerly `RawDeployment`: no two revisions of it share traffic.
    Standard,
    /// Knative, formerly `Serverless`: a revision a change, and a router between two of them.
    Knative,
    /// Pods that many models share.
    ModelMesh,
    /// The workloads of an LLMInferenceService.
    Llm,
}

impl ServedMode {
    /// The mode that this word names, as KServe writes it now or wrote it before v0.16.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "Standard" | "RawDeployment" => Self::Standard,
            "Knative" | "Serverless" => Self::Knative,
            "ModelMesh" => Self::ModelMesh,
            _ => Self::Unknown,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Unknown => "not said yet",
            Self::Standard => "Standard (RawDeployment)",
            Self::Knative => "Knative (Serverless)",
            Self::ModelMesh => "ModelMesh",
            Self::Llm => "LLM",
        }
    }
}

/// A service of KServe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedRow {
    /// Who makes its pods.
    pub mode: ServedMode,
    /// The address from which its model is fetched.
    pub model: Option<SmolStr>,
    /// The format of the model.
    pub format: Option<SmolStr>,
    /// By which runtime it is served.
    pub runtime: Option<SmolStr>,
    /// Where it answers.
    pub url: Option<String>,
    /// Does a person want no pods of it?
    pub stops: bool,
    /// How the model loads, as its controller writes it: `UpToDate, Loaded`.
    pub load: Option<String>,
    /// How that is.
    pub load_status: Status,
    /// Why the model did not load, the last time that one did not.
    pub failure: Option<String>,
    /// When that was.
    pub failed_at: Option<Stamp>,
    /// What its controller says, condition by condition.
    pub conditions: Vec<StatedRow>,
    /// The canaries beside its predictor.
    pub canaries: Vec<CanaryRow>,
}

/// A canary beside the predictor of a service, in Standard mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryRow {
    /// Its name.
    pub name: SmolStr,
    /// The address from which its model is fetched.
    pub model: Option<SmolStr>,
    /// The share of traffic that it should get, in percent.
    pub wanted: u32,
    /// Is it ready? Absent where its controller has not said it.
    pub is_ready: Option<bool>,
}

impl CanaryRow {
    /// Who sends requests to canaries.
    pub const NO_ROUTER: &'static str =
        "KServe gives a canary pods and a Service of its own, and sends nobody there: a route in front of it does.";

    /// In words: `v2: 25 % wanted, ready, hf://org/chat`.
    #[must_use]
    pub fn words(&self) -> String {
        let ready = match self.is_ready {
            Some(true) => "ready",
            Some(false) => "not ready",
            None => "its controller has not said whether it is ready",
        };
        let model = self.model.as_ref().map(|model| format!(", {model}")).unwrap_or_default();
        format!("{}: {} % wanted, {ready}{model}", self.name, self.wanted)
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.is_ready {
            Some(true) => Status::Good,
            Some(false) => Status::Warn,
            None => Status::Progress,
        }
    }
}

/// A condition of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedRow {
    /// Which: `PredictorReady`.
    pub kind: SmolStr,
    /// `True`, `False`, `Unknown`.
    pub holds: SmolStr,
    /// How that is.
    pub status: Status,
    /// Why, in its controller's words.
    pub why: Option<String>,
    /// Since when.
    pub since: Option<Stamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_known_by_its_name_of_now_and_of_before() {
        for (word, mode) in [
            ("Standard", ServedMode::Standard),
            ("RawDeployment", ServedMode::Standard),
            ("Knative", ServedMode::Knative),
            ("Serverless", ServedMode::Knative),
            ("ModelMesh", ServedMode::ModelMesh),
            ("", ServedMode::Unknown),
            ("Sideways", ServedMode::Unknown),
        ] {
            assert_eq!(ServedMode::of(word), mode, "{word}");
        }
    }
}
