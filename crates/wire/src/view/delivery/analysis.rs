//! What is measured while a revision comes: each value against its condition, what the controller made of it, and what
//! follows from the measurements.

use crate::{
    KindId, ObjectRef, OtherId, SmolStr, Stamp,
    runs::Number,
    units::{count, number},
    view::fleet::Status,
};
use serde::{Deserialize, Serialize};

/// How far something that is measured is. Source: `AnalysisPhase` of Argo Rollouts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AnalysisPhase {
    /// Nobody says, or in a word that is not known here.
    #[default]
    Unknown,
    /// Nothing was measured yet.
    Pending,
    /// It is under way.
    Running,
    /// It passed.
    Successful,
    /// It failed.
    Failed,
    /// It could not be measured.
    Error,
    /// Neither of its conditions held.
    Inconclusive,
}

impl AnalysisPhase {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Successful, Self::Failed, Self::Error, Self::Inconclusive];

    /// The phase as its source writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Error => "Error",
            Self::Inconclusive => "Inconclusive",
        }
    }

    /// The phase that this word names.
    #[must_use]
    pub fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|phase| phase.word() == word).unwrap_or_default()
    }

    /// Does it stay as it is?
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Successful | Self::Failed | Self::Error | Self::Inconclusive)
    }

    /// How bad that is.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Unknown => Status::Unknown,
            Self::Pending | Self::Running => Status::Progress,
            Self::Successful => Status::Good,
            Self::Failed | Self::Error => Status::Bad,
            Self::Inconclusive => Status::Warn,
        }
    }
}

/// What follows from the measurements themselves. Without one that passed, nothing passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AnalysisVerdict {
    /// More failed than may.
    Failed,
    /// More in a row could not be measured than may.
    Error,
    /// More were inconclusive than may.
    Inconclusive,
    /// There is no measurement that passed or failed: that is not a pass.
    NoData,
    /// It goes on.
    #[default]
    Running,
    /// It is over, something passed, and not too much did not.
    Passed,
}

impl AnalysisVerdict {
    /// The verdict as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Error => "Error",
            Self::Inconclusive => "Inconclusive",
            Self::NoData => "No data",
            Self::Running => "Running",
            Self::Passed => "Passed",
        }
    }

    /// How bad that is.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Failed | Self::Error => Status::Bad,
            Self::Inconclusive => Status::Warn,
            Self::NoData => Status::Unknown,
            Self::Running => Status::Progress,
            Self::Passed => Status::Good,
        }
    }
}

/// When an analysis is made. Source: label `rollout-type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Occasion {
    /// Nobody says.
    #[default]
    Unknown,
    /// At a step.
    Step,
    /// While steps go on.
    Background,
    /// Before the service turns.
    PrePromotion,
    /// After the service turned.
    PostPromotion,
}

impl Occasion {
    /// In words, with the number of its step, from 0: `at step 3`.
    #[must_use]
    pub fn words(self, step: Option<u32>) -> String {
        match (self, step) {
            (Self::Step, Some(step)) => format!("at step {}", step.saturating_add(1)),
            (Self::Step, None) => "at a step".to_owned(),
            (Self::Background, _) => "in the background".to_owned(),
            (Self::PrePromotion, _) => "before promotion".to_owned(),
            (Self::PostPromotion, _) => "after promotion".to_owned(),
            (Self::Unknown, _) => String::new(),
        }
    }
}

/// An analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnalysisRow {
    /// Its name.
    pub name: SmolStr,
    /// When it is made.
    pub occasion: Occasion,
    /// At which step, from 0.
    pub step: Option<u32>,
    /// The number of its revision.
    pub revision: Option<u64>,
    /// The controller's word.
    pub phase: AnalysisPhase,
    /// The controller's sentence.
    pub message: Option<String>,
    /// What follows from its measurements.
    pub verdict: AnalysisVerdict,
    /// How the two differ, as a sentence.
    pub dispute: Option<String>,
    /// Did a person end it?
    pub ended_by_hand: bool,
    /// When it began, by its server's clock.
    pub started: Option<Stamp>,
    /// When it was over.
    pub ended: Option<Stamp>,
    /// Its metrics.
    pub metrics: Vec<MetricRow>,
}

impl AnalysisRow {
    /// It as an object: beside its service, in whose namespace its controller makes it.
    #[must_use]
    pub fn object(&self, service: &ObjectRef) -> Option<ObjectRef> {
        beside(service, ("analysisruns", "AnalysisRun"), &self.name)
    }
}

/// An object of Argo Rollouts in the namespace of a service. There is one version of its API.
fn beside(service: &ObjectRef, (plural, kind): (&'static str, &'static str), name: &SmolStr) -> Option<ObjectRef> {
    let [group, version, plural, kind] = ["argoproj.io", "v1alpha1", plural, kind].map(SmolStr::new_static);
    let kind = KindId { group, version, plural, kind };
    let (cluster, namespace) = (service.connection().clone(), Some(service.namespace()?.clone()));
    Some(ObjectRef::Other(Box::new(OtherId { cluster, kind, namespace, name: name.clone() })))
}

/// A metric of an analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Its name.
    pub name: SmolStr,
    /// Who measures: `prometheus`.
    pub provider: Option<SmolStr>,
    /// What was asked.
    pub query: Option<String>,
    /// By which a measurement passes, as it is written.
    pub success: Option<String>,
    /// By which it fails.
    pub failure: Option<String>,
    /// Of the newest measurement that has a value: that value, as it came.
    pub value: Option<String>,
    /// That value against the first comparison of the condition, where both can be read.
    pub compared: Option<Compared>,
    /// The controller's word.
    pub phase: AnalysisPhase,
    /// The controller's sentence.
    pub message: Option<String>,
    /// What follows from its measurements.
    pub verdict: AnalysisVerdict,
    /// Why, as a sentence.
    pub why: String,
    /// How the two differ, as a sentence.
    pub dispute: Option<String>,
    /// Does it decide nothing?
    pub dry: bool,
    /// Measurements that passed, failed, were inconclusive, and could not be made.
    pub passed: u64,
    /// As [`MetricRow::passed`].
    pub failed: u64,
    /// As [`MetricRow::passed`].
    pub inconclusive: u64,
    /// As [`MetricRow::passed`].
    pub errors: u64,
    /// How many may fail; none is too many below 0.
    pub most_failed: i64,
    /// Measurements that gave no value.
    pub no_data: u64,
    /// The measurements, the oldest first.
    pub measurements: Vec<MeasurementRow>,
    /// What each of these measurements shows, in their order.
    pub judged: Vec<JudgedRow>,
    /// Measurements that were made and that their source does not keep.
    pub left_out: u64,
}

/// A measurement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasurementRow {
    /// What came of it, by the controller's word.
    pub phase: AnalysisPhase,
    /// The value as it came, cut at 256 characters: `[0.97]`.
    pub value: Option<String>,
    /// When it began.
    pub started: Option<Stamp>,
    /// When it was over.
    pub finished: Option<Stamp>,
    /// Why it could not be made, cut at 1,024 characters.
    pub message: Option<String>,
}

/// What a measurement shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedRow {
    /// What follows from its value and the conditions, else the controller's word; [`AnalysisVerdict::Running`] while it is
    /// under way.
    pub verdict: AnalysisVerdict,
    /// Its value against the first comparison of the condition, where both can be read.
    pub compared: Option<Compared>,
}

/// A value against a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The value.
    pub value: f64,
    /// `<`, `<=`, `>`, `>=`, `==`, `!=`.
    pub sign: SmolStr,
    /// The limit.
    pub limit: f64,
    /// Does the comparison hold?
    pub holds: bool,
    /// Is it of the condition by which a measurement fails?
    pub of_failure: bool,
}

impl Compared {
    /// How far the value is from the limit, in percent of it; absent for a limit of 0.
    #[must_use]
    pub fn distance(&self) -> Option<f64> {
        let distance = (self.value - self.limit) * 100.0 / self.limit.abs();
        distance.is_finite().then_some(distance)
    }

    /// That distance in words, with its sign: `+43 %`.
    #[must_use]
    pub fn distance_words(&self) -> Option<String> {
        let distance = self.distance()?;
        Some(format!("{}{} %", if distance > 0.0 { "+" } else { "" }, number(distance, 0)))
    }

    /// The comparison in words: `≤ 800`, or `fails at > 1.5`.
    #[must_use]
    pub fn limit_words(&self) -> String {
        let sign = match self.sign.as_str() {
            "<=" => "≤",
            ">=" => "≥",
            "==" => "=",
            "!=" => "≠",
            other => other,
        };
        let words = format!("{sign} {}", figure(self.limit));
        if self.of_failure { format!("fails at {words}") } else { words }
    }

    /// The value in words. What is beyond its limit does not look as if it were the limit.
    #[must_use]
    pub fn value_words(&self) -> String {
        let (value, limit) = (figure(self.value), figure(self.limit));
        let is_beside = value == limit && self.value.total_cmp(&self.limit).is_ne();
        if is_beside { number(self.value, 6) } else { value }
    }
}

/// What was measured, for people: a number and no list of one; absent where there is no value, or none that says anything.
/// `text` is the value as it came.
#[must_use]
pub fn value_words(compared: Option<&Compared>, text: Option<&str>) -> Option<String> {
    if let Some(compared) = compared {
        return Some(compared.value_words());
    }
    let text = text.map(str::trim)?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if bare.trim().is_empty() {
        return None;
    }
    let all: Option<Vec<String>> = bare.split(',').map(|one| one.trim().parse().ok().map(figure)).collect();
    Some(all.map_or_else(|| text.to_owned(), |all| all.join(", ")))
}

/// A number with four digits that matter.
fn figure(n: f64) -> String {
    let size = n.abs();
    let decimals = [1_000.0, 100.0, 10.0, 1.0, 0.1, 0.01].iter().position(|least| size >= *least).unwrap_or(6);
    let text = number(n, decimals);
    let bare = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if bare == "0" && size > 0.0 { Number(n).to_string() } else { bare.to_owned() }
}

/// Pods of several revisions side by side, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentRow {
    /// Its name.
    pub name: SmolStr,
    /// How far it is.
    pub phase: AnalysisPhase,
    /// The controller's sentence.
    pub message: Option<String>,
    /// When it was made.
    pub created: Option<Stamp>,
    /// Since when all of its pods are there.
    pub available: Option<Stamp>,
    /// Its templates: name, pods, those of them that are available.
    pub templates: Vec<(SmolStr, u64, u64)>,
    /// The service.
    pub owner: ObjectRef,
}

impl ExperimentRow {
    /// It as an object.
    #[must_use]
    pub fn object(&self) -> Option<ObjectRef> {
        beside(&self.owner, ("experiments", "Experiment"), &self.name)
    }

    /// The pods of each template: `baseline 1 of 1, canary 0 of 1`.
    #[must_use]
    pub fn pods_words(&self) -> String {
        let one =
            |(name, all, available): &(SmolStr, u64, u64)| format!("{name} {} of {}", count(*available), count(*all));
        self.templates.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_an_object_beside_its_service() {
        let owner: ObjectRef = "workload:iad/serving/Rollout/chat".parse().unwrap();
        let row = ExperimentRow {
            name: "chat-6f-2".into(),
            phase: AnalysisPhase::Running,
            message: None,
            created: None,
            available: None,
            templates: Vec::new(),
            owner,
        };
        let said = |object: Option<ObjectRef>| object.unwrap().to_string();
        let experiment = "object:iad/experiments.v1alpha1.argoproj.io/Experiment/serving/chat-6f-2";
        assert_eq!(said(row.object()), experiment);
        assert_eq!(said(beside(&row.owner, ("analysisruns", "AnalysisRun"), &row.name)), {
            experiment.replace("experiments", "analysisruns").replace("Experiment", "AnalysisRun")
        });
        // What is of no namespace has nothing beside it.
        assert_eq!(beside(&"node:iad/h-1".parse().unwrap(), ("analysisruns", "AnalysisRun"), &row.name), None);
    }

    #[test]
    fn a_value_is_told_by_its_distance_to_its_limit() {
        let compared = Compared { value: 1_142.0, sign: "<=".into(), limit: 800.0, holds: false, of_failure: false };
        assert_eq!((compared.limit_words().as_str(), compared.distance().map(f64::round)), ("≤ 800", Some(43.0)));
        assert_eq!((compared.value_words().as_str(), compared.distance_words().as_deref()), ("1,142", Some("+43 %")));
        let failing = Compared { sign: ">".into(), of_failure: true, limit: 1.5, ..compared.clone() };
        assert_eq!(failing.limit_words(), "fails at > 1.5");
        assert_eq!(Compared { limit: 0.0, ..compared }.distance(), None);
    }

    #[test]
    fn a_value_is_a_number_and_no_list_and_never_looks_like_the_limit_that_it_is_beyond() {
        for (text, want) in [
            ("[1.403]", Some("1.403")),
            ("[1142.25]", Some("1,142")),
            ("0.00042", Some("0.00042")),
            ("[0.97,NaN]", Some("0.97, NaN")),
            ("[-3]", Some("−3")),
            ("[2e-9]", Some("2e-9")),
            ("[0]", Some("0")),
            ("true", Some("true")),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(value_words(None, Some(text)).as_deref(), want, "{text}");
        }
        let against =
            |value, limit| Compared { value, limit, sign: "<=".into(), holds: value <= limit, of_failure: false };
        assert_eq!(value_words(Some(&against(1.400_02, 1.4)), None).as_deref(), Some("1.400020"));
        assert_eq!(value_words(Some(&against(1.4, 1.4)), None).as_deref(), Some("1.4"));
    }

    #[test]
    fn an_occasion_says_which_step_as_people_count() {
        assert_eq!(Occasion::Step.words(Some(2)), "at step 3");
        assert_eq!(Occasion::Background.words(None), "in the background");
    }
}
