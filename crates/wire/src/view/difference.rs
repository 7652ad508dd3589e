//! What differs between two times, grouped by kind.

use crate::{
    ConnectionId, ObjectRef, SmolStr, Stamp,
    filter::{Record, Value},
    record::Gap,
    view::fleet::Status,
};
use serde::{Deserialize, Serialize};

/// What differs between two times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The earlier or first time.
    pub from: Stamp,
    /// The later or second time.
    pub to: Stamp,
    /// Why the record does not tell of one of the times, where what is compared is the nearest that it tells of.
    pub gaps: Vec<Gap>,
    /// Clusters whose services were not read whole at one of the times: of theirs only those are compared that are known at
    /// both.
    pub reading: Vec<ConnectionId>,
    /// What is not told, and of which time a source tells of instead, as sentences.
    pub left_out: Vec<String>,
    /// What differs: by kind, then in the order of the objects.
    pub rows: Vec<Differs>,
}

/// An object that differs, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differs {
    /// What it is.
    pub kind: DifferKind,
    /// The object.
    pub object: ObjectRef,
    /// Is it there in one alone, or different?
    pub change: Change,
    /// What of it: a finding's word, a condition's type, what an alert is about. Empty for the object itself.
    pub what: SmolStr,
    /// Each thing that differs.
    pub fields: Vec<FieldChange>,
    /// How bad it is at the second time; at the first, if it is gone.
    pub status: Status,
    /// Why nobody can tell whether it came or went, as a sentence; of [`Change::NotKnown`] alone.
    pub why: Option<String>,
}

/// One value at two times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Which.
    pub label: SmolStr,
    /// At the first time; absent where it was not there or not known.
    pub from: Option<String>,
    /// At the second time; likewise.
    pub to: Option<String>,
}

/// The groups, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DifferKind {
    /// What is wrong.
    Finding,
    /// Alerts.
    Alert,
    /// Services: how far each is on its way from revision to revision, and what traffic it gets.
    Service,
    /// Registered models, with their versions and aliases.
    Model,
    /// Controllers.
    Workload,
    /// Nodes.
    Node,
    /// Conditions of nodes.
    Condition,
    /// GPUs.
    Gpu,
    /// Pods.
    Pod,
}

/// How something differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Change {
    /// It is there at the second time alone.
    Came,
    /// It was there at the first time alone.
    Went,
    /// It is there at both.
    Changed,
    /// It is there at one of the two; whether it was there at the other, too, nobody can tell.
    NotKnown,
}

impl DifferKind {
    /// All of them, in their order.
    pub const ALL: [Self; 9] = [
        Self::Finding,
        Self::Alert,
        Self::Service,
        Self::Model,
        Self::Workload,
        Self::Node,
        Self::Condition,
        Self::Gpu,
        Self::Pod,
    ];

    /// Several of them, in a word: for a heading.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Finding => "Findings",
            Self::Alert => "Alerts",
            Self::Service => "Services",
            Self::Model => "Models",
            Self::Workload => "Workloads",
            Self::Node => "Nodes",
            Self::Condition => "Conditions",
            Self::Gpu => "GPUs",
            Self::Pod => "Pods",
        }
    }

    /// One of them, in a word: for a filter and for JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Alert => "alert",
            Self::Service => "service",
            Self::Model => "model",
            Self::Workload => "workload",
            Self::Node => "node",
            Self::Condition => "condition",
            Self::Gpu => "gpu",
            Self::Pod => "pod",
        }
    }
}

impl Change {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Came => "came",
            Self::Went => "went",
            Self::Changed => "changed",
            Self::NotKnown => "not known",
        }
    }

    /// As a sign before a line.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Came => "+",
            Self::Went => "−",
            Self::Changed => "~",
            Self::NotKnown => "?",
        }
    }
}

impl Differs {
    /// Its fields in words: from → to where it is there at both times, else how they are at the one at which it is there; then
    /// why nobody can tell more.
    #[must_use]
    pub fn words(&self) -> String {
        let at_one = |field: &FieldChange, value: &Option<String>| Some(format!("{} {}", field.label, value.as_ref()?));
        let of = |field: &FieldChange| match self.change {
            Change::Changed => Some(format!("{} {}", field.label, field.shown())),
            Change::Came => at_one(field, &field.to),
            Change::Went => at_one(field, &field.from),
            Change::NotKnown => at_one(field, &field.to).or_else(|| at_one(field, &field.from)),
        };
        let fields: Vec<String> = self.fields.iter().filter_map(of).collect();
        let why = self.why.as_ref().map(|why| format!("{}{why}", if fields.is_empty() { "" } else { " " }));
        format!("{}{}", fields.join(", "), why.unwrap_or_default())
    }
}

impl FieldChange {
    /// `from → to`, with a dash where there is nothing.
    #[must_use]
    pub fn shown(&self) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| crate::units::ABSENT.into());
        format!("{} → {}", text(&self.from), text(&self.to))
    }
}

impl Record for Differs {
    const KEYS: &'static [&'static str] = &["name", "kind", "cluster", "change", "status", "what"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        Some(match key {
            "name" => vec![Value::owned(self.object.name().to_string())],
            "kind" => vec![Value::text(self.kind.word())],
            "cluster" => vec![Value::text(self.object.connection().as_str())],
            "change" => vec![Value::text(self.change.word())],
            "status" => vec![Value::text(self.status.alias())],
            "what" => vec![Value::text(&self.what)],
            _ => return None,
        })
    }
}
