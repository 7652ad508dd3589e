//! Delivery: services over all clusters, each with its revisions, how traffic is split between them, and how far it is on
//! its way from one to the next. One vocabulary for every splitter.

mod analysis;
mod rollout;
mod served;
mod shares;
mod step;

pub use analysis::{
    AnalysisPhase, AnalysisRow, AnalysisVerdict, Compared, ExperimentRow, JudgedRow, MeasurementRow, MetricRow,
    Occasion, value_words,
};
pub use rollout::{Left, PodOf, RevisionRow, Role, RolloutView, StepRow, StepState, WeightPoint};
pub use served::{CanaryRow, ServedMode, ServedRow, StatedRow};
pub use shares::{Kept, ShareRow, percent};
pub use step::{Step, Wait};

use crate::{
    ConnectionId, Keyed, KeyedPatch, ObjectRef, Row, SmolStr, Stamp,
    filter::{Record, Value},
    units,
    view::fleet::Status,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A spec that its controller has not taken up for so long is told of as such.
const UNOBSERVED: Duration = Duration::from_secs(30);

/// All services in scope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeliveryView {
    /// The services.
    pub rows: Keyed<DeliveryRow>,
    /// Clusters whose services are not read whole: not yet, or since they may not be.
    pub reading: Vec<ConnectionId>,
}

/// What turns one view of delivery into a later one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeliveryPatch {
    /// Changed services.
    pub rows: KeyedPatch<DeliveryRow, ObjectRef>,
    /// As [`DeliveryView::reading`], if it changed.
    pub reading: Option<Vec<ConnectionId>>,
}

impl DeliveryPatch {
    /// Does it change nothing?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.reading.is_none()
    }
}

impl DeliveryView {
    /// What turns `self` into `newer`.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> DeliveryPatch {
        let reading = (self.reading != newer.reading).then(|| newer.reading.clone());
        DeliveryPatch { rows: self.rows.diff(&newer.rows), reading }
    }

    /// Applies what [`DeliveryView::diff`] found.
    pub fn apply(&mut self, patch: DeliveryPatch) {
        self.rows.apply(patch.rows);
        if let Some(reading) = patch.reading {
            self.reading = reading;
        }
    }
}

/// Where a service is on its way to what it should be. Source: the phases of Argo Rollouts; of other kinds it follows from
/// their counts and conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeliveryPhase {
    /// It cannot get there, or was stopped on the way.
    Degraded,
    /// It waits for a person or a time.
    Paused,
    /// It is on its way.
    Progressing,
    /// It is what it should be.
    Healthy,
    /// Nobody says.
    #[default]
    Unknown,
}

impl DeliveryPhase {
    /// The phase as its source writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Degraded => "Degraded",
            Self::Paused => "Paused",
            Self::Progressing => "Progressing",
            Self::Healthy => "Healthy",
            Self::Unknown => "Unknown",
        }
    }

    /// The phase that this word names.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let all = [Self::Degraded, Self::Paused, Self::Progressing, Self::Healthy];
        all.into_iter().find(|phase| phase.word() == word).unwrap_or_default()
    }

    /// How bad that is.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Degraded => Status::Bad,
            Self::Paused => Status::Warn,
            Self::Progressing => Status::Progress,
            Self::Healthy => Status::Good,
            Self::Unknown => Status::Unknown,
        }
    }
}

/// Who would take back a change that somebody makes by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Which tool.
    pub by: Keeper,
    /// What it calls this: its application, kustomization or release.
    pub name: SmolStr,
}

/// A tool that keeps objects as they stand in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Keeper {
    /// Argo CD, by its own mark.
    ArgoCd,
    /// Argo CD or another one: the label is anybody's.
    ArgoCdPerhaps,
    /// A Kustomization of Flux.
    FluxKustomization,
    /// A HelmRelease of Flux.
    FluxRelease,
    /// A canary of Flagger, which gives what it targets the revisions and the traffic that it wants.
    Flagger,
}

impl Guard {
    /// In words: `Argo CD, chat`.
    #[must_use]
    pub fn words(&self) -> String {
        let by = match self.by {
            Keeper::ArgoCd => "Argo CD",
            Keeper::ArgoCdPerhaps => "perhaps Argo CD",
            Keeper::FluxKustomization => "Flux",
            Keeper::FluxRelease => "Flux Helm",
            Keeper::Flagger => "Flagger",
        };
        if self.name.is_empty() { by.to_owned() } else { format!("{by}, {}", self.name) }
    }
}

/// How far a service is among its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepAt {
    /// Steps that are done.
    pub done: u32,
    /// Steps that there are.
    pub of: u32,
    /// The step that is under way, in words; absent behind the last.
    pub words: Option<SmolStr>,
}

/// How traffic is split: the share of the newest revision, out of `whole`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// What the newest revision should get; absent where nobody splits.
    pub wanted: Option<u32>,
    /// What it gets, by its router, or by its share of available pods.
    pub actual: Option<u32>,
    /// All of it; 100, unless its router counts otherwise.
    pub whole: u32,
}

impl Split {
    /// A share in words: `25 %`; of another whole than 100 `25 of 1,000`.
    #[must_use]
    pub fn words(self, share: Option<u32>) -> String {
        match (share, self.whole) {
            (None, _) => units::ABSENT.to_owned(),
            (Some(share), 100) => format!("{share} %"),
            (Some(share), whole) => format!("{} of {}", units::count(share.into()), units::count(whole.into())),
        }
    }
}

/// A service: something that keeps pods of one revision, and gets them to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Itself: [`ObjectRef::Workload`].
    pub id: ObjectRef,
    /// Its kind: `Rollout`, `Deployment`, `StatefulSet`, `LeaderWorkerSet`, `InferenceService`.
    pub kind: SmolStr,
    /// Its namespace.
    pub namespace: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// How bad its phase is.
    pub status: Status,
    /// Its phase.
    pub phase: DeliveryPhase,
    /// Why, in the words of its controller.
    pub why: Option<String>,
    /// Since when it has this phase, as far as that was seen or is told.
    pub since: Option<Stamp>,
    /// When the spec was written that its controller has not taken up; absent where it has.
    pub unobserved: Option<Stamp>,
    /// How revisions follow each other: `canary`, `blue-green`, `rolling`.
    pub strategy: SmolStr,
    /// Who splits traffic: `istio`, `plugins`; absent where the number of pods does.
    pub router: Option<SmolStr>,
    /// How far it is; absent where it has no steps.
    pub step: Option<StepAt>,
    /// How traffic is split.
    pub traffic: Split,
    /// The number of the revision that is wanted.
    pub revision: Option<u64>,
    /// The number of the revision that is gone back to.
    pub stable: Option<u64>,
    /// Revisions that are kept.
    pub revisions: u32,
    /// Images of the revision that is wanted.
    pub images: Vec<SmolStr>,
    /// Pods that are wanted.
    pub wanted: Option<u64>,
    /// Pods of the revision that is wanted.
    pub updated: u64,
    /// Pods that are ready.
    pub ready: u64,
    /// Pods that are available.
    pub available: u64,
    /// GPUs that its pods hold.
    pub gpus: u64,
    /// Whose it is, by its pods or its namespace.
    pub team: Option<SmolStr>,
    /// Who would take a change by hand back.
    pub guard: Option<Guard>,
    /// From where they keep it, where that is read.
    pub kept: Option<Box<Kept>>,
    /// Shares of traffic: those that it gives, or those that it gets.
    pub shares: Vec<ShareRow>,
    /// What became of the analysis that was begun last for the revision that is wanted.
    pub analysis: Option<AnalysisVerdict>,
    /// Does the controller's word on an analysis of that revision differ from what its measurements say?
    pub disputed: bool,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
}

impl Row for DeliveryRow {
    type Key = ObjectRef;
    fn key(&self) -> &ObjectRef {
        &self.id
    }
}

impl DeliveryRow {
    /// A service of which nothing is known but which it is.
    #[must_use]
    pub fn of(id: ObjectRef) -> Self {
        Self {
            kind: id.kind_word().into(),
            namespace: id.namespace().cloned().unwrap_or_default(),
            name: id.name(),
            id,
            status: Status::Unknown,
            phase: DeliveryPhase::Unknown,
            why: None,
            since: None,
            unobserved: None,
            strategy: SmolStr::default(),
            router: None,
            step: None,
            traffic: Split::default(),
            revision: None,
            stable: None,
            revisions: 0,
            images: Vec::new(),
            wanted: None,
            updated: 0,
            ready: 0,
            available: 0,
            gpus: 0,
            team: None,
            guard: None,
            kept: None,
            shares: Vec::new(),
            analysis: None,
            disputed: false,
            created: None,
        }
    }

    /// The cluster that it is in.
    #[must_use]
    pub fn cluster(&self) -> &ConnectionId {
        self.id.connection()
    }

    /// Nobody has taken its spec up for a while: what is said of it is of before. In words, as of a time.
    #[must_use]
    pub fn is_old(&self, now: Stamp) -> Option<String> {
        let for_long = now.since(self.unobserved?);
        (for_long >= UNOBSERVED).then(|| {
            format!(
                "No controller has taken its spec up for {}: what is shown is of before. Does the controller run?",
                units::span(for_long)
            )
        })
    }

    /// Has it pods, and revisions of them? What only moves traffic has none.
    #[must_use]
    pub fn has_pods(&self) -> bool {
        !["HTTPRoute", "InferenceModelRewrite", "Canary"].contains(&self.kind.as_str())
    }

    /// Does it give shares of traffic, rather than get some?
    #[must_use]
    pub fn is_route(&self) -> bool {
        self.shares.iter().any(|share| share.route == self.id)
    }

    /// The shares of traffic that are wanted, in words; absent where no route is known.
    #[must_use]
    pub fn share_words(&self) -> Option<String> {
        let words = |share: &ShareRow| if self.is_route() { share.words() } else { share.words_of_receiver() };
        let words: Vec<String> = self.shares.iter().map(words).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// What its newest revision should get; else what it should get itself, where one route says so.
    #[must_use]
    pub fn wanted_words(&self) -> String {
        match (self.traffic.wanted, self.shares.as_slice()) {
            (None, [only]) if !self.is_route() => only.percent(),
            (wanted, _) => self.traffic.words(wanted),
        }
    }

    /// `3 of 6`; absent without steps.
    #[must_use]
    pub fn step_words(&self) -> Option<String> {
        self.step.as_ref().map(|step| format!("{} of {}", step.done, step.of))
    }
}

impl Record for DeliveryRow {
    const KEYS: &'static [&'static str] = &[
        "name",
        "kind",
        "cluster",
        "namespace",
        "team",
        "status",
        "phase",
        "strategy",
        "step",
        "weight",
        "revision",
        "image",
        "gpus",
        "wanted",
        "ready",
        "guard",
        "analysis",
        "backend",
    ];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let number = |n: u64| vec![Value::number(usize::try_from(n).unwrap_or(usize::MAX))];
        Some(match key {
            "name" => vec![Value::text(&self.name)],
            "kind" => vec![Value::text(&self.kind)],
            "cluster" => vec![Value::text(self.cluster().as_str())],
            "namespace" | "ns" => vec![Value::text(&self.namespace)],
            "team" => self.team.iter().map(|team| Value::text(team)).collect(),
            "status" => vec![Value::text(self.phase.word()), Value::text(self.status.alias())],
            "phase" => vec![Value::text(self.phase.word())],
            "strategy" => vec![Value::text(&self.strategy)],
            "step" => self.step.iter().flat_map(|step| number(step.done.into())).collect(),
            "weight" => self.traffic.actual.iter().flat_map(|weight| number((*weight).into())).collect(),
            "revision" => self.revision.iter().flat_map(|revision| number(*revision)).collect(),
            "image" => self.images.iter().map(|image| Value::text(image)).collect(),
            "gpus" => number(self.gpus),
            "wanted" => self.wanted.iter().flat_map(|wanted| number(*wanted)).collect(),
            "ready" => number(self.ready),
            "guard" => self.guard.iter().map(|guard| Value::owned(guard.words())).collect(),
            "backend" => self.shares.iter().map(|share| Value::text(&share.backend)).collect(),
            "analysis" => self.analysis.iter().map(|verdict| Value::text(verdict.word())).collect(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_reads_back_and_a_new_one_is_unknown() {
        for phase in
            [DeliveryPhase::Degraded, DeliveryPhase::Paused, DeliveryPhase::Progressing, DeliveryPhase::Healthy]
        {
            assert_eq!(DeliveryPhase::of(phase.word()), phase);
        }
        assert_eq!(DeliveryPhase::of("Sideways"), DeliveryPhase::Unknown);
    }

    #[test]
    fn a_share_is_in_percent_unless_its_router_counts_otherwise() {
        let split = Split { wanted: Some(25), actual: None, whole: 100 };
        assert_eq!([split.words(split.wanted), split.words(split.actual)], ["25 %", "—"]);
        assert_eq!(Split { whole: 1_000, ..split }.words(Some(25)), "25 of 1,000");
    }
}
