//! Waste: GPUs that are paid for and do nothing, or less than they could, and whose they are.

use crate::{
    Keyed, ObjectRef, PodId, Row, SmolStr, Stamp,
    filter::{Record, Value},
};
use serde::{Deserialize, Serialize};

/// The waste of a fleet. No GPU is counted by two rules about the pod that holds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waste {
    /// What is wasted, and of what it cannot be told; a row a rule and workload. What is not wasted is only counted.
    pub items: Keyed<WasteItem>,
    /// GPUs by rule and verdict.
    pub tallies: Vec<WasteTally>,
}

/// Ways to waste GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WasteRule {
    /// A pod holds them alone, and they do nothing.
    HeldIdle,
    /// A pod holds them, and does not run or is not ready.
    AllocatedIdle,
    /// They are free, and too few on their node for pods of the sizes that the pool has.
    Stranded,
    /// A pod holds them alone, and uses little of their memory: a smaller GPU, or a part of one, would do.
    OverAskedMemory,
}

impl WasteRule {
    /// The rule in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::HeldIdle => "held idle",
            Self::AllocatedIdle => "allocated idle",
            Self::Stranded => "stranded",
            Self::OverAskedMemory => "over-asked memory",
        }
    }
}

/// Is it so?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// It is.
    Yes,
    /// It was measured, and is not.
    No,
    /// Not enough is measured, or not for long enough.
    CannotTell,
}

/// What tells one item from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WasteId {
    /// The rule.
    pub rule: WasteRule,
    /// Is it so? Some GPUs of a workload may be idle while of others nobody can tell.
    pub verdict: Verdict,
    /// Whose they are: a workload, or a pod that has none; a node, where it is not known which pod; for stranded ones the
    /// cluster.
    pub object: ObjectRef,
    /// The pool, for stranded ones.
    pub pool: Option<SmolStr>,
}

/// GPUs that are wasted, or of which that cannot be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WasteItem {
    /// Rule, verdict and whose.
    pub id: WasteId,
    /// Namespace of the pods; `None` for what no pod holds, or nobody knows which.
    pub namespace: Option<SmolStr>,
    /// Their workload, as `Kind/name`.
    pub workload: Option<SmolStr>,
    /// The team that owns them, by the label of the pods or of their namespace; `None` where there is no such label.
    pub team: Option<SmolStr>,
    /// The pods.
    pub pods: Vec<PodId>,
    /// GPUs.
    pub gpus: u64,
    /// Since when the first of them is wasted; `None` where that is not known.
    pub since: Option<Stamp>,
    /// GPU-hours so far, over all of them; `None` where that is not known.
    pub gpu_hours: Option<f64>,
    /// Why the verdict is what it is, in words with the limits.
    pub reason: String,
    /// What was measured.
    pub evidence: String,
}

/// GPUs of one rule, by verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WasteTally {
    /// The rule.
    pub rule: WasteRule,
    /// GPUs that are wasted.
    pub yes: u64,
    /// GPUs that are not.
    pub no: u64,
    /// GPUs of which nobody can tell.
    pub cannot_tell: u64,
}

impl Row for WasteItem {
    type Key = WasteId;
    fn key(&self) -> &WasteId {
        &self.id
    }
}

impl Verdict {
    /// The verdict in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::CannotTell => "cannot tell",
        }
    }
}

impl Record for WasteItem {
    const KEYS: &'static [&'static str] =
        &["rule", "verdict", "cluster", "namespace", "team", "workload", "gpus", "hours", "name"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let any = |text: &'_ Option<SmolStr>| text.iter().map(|text| Value::Text(text.to_string().into())).collect();
        Some(match key {
            "rule" => vec![Value::text(self.id.rule.words())],
            "verdict" => vec![Value::text(self.id.verdict.words())],
            "cluster" => vec![Value::text(self.id.object.connection().as_str())],
            "namespace" | "ns" => any(&self.namespace),
            "team" => any(&self.team),
            "workload" => any(&self.workload),
            "gpus" => vec![Value::number(usize::try_from(self.gpus).unwrap_or(usize::MAX))],
            "hours" => self.gpu_hours.map(Value::Number).into_iter().collect(),
            "name" => vec![Value::Text(self.id.object.name().to_string().into())],
            _ => return None,
        })
    }
}
