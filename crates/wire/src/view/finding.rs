//! Findings: claims about what is wrong, one a cause, with evidence, who is hit and what to do.

use crate::{NodeId, ObjectRef, PodId, Row, SmolStr, Stamp, view::fleet::Status};
use serde::{Deserialize, Serialize};

/// What tells one finding from another: the rule and the object that it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingId {
    /// The object that is the cause.
    pub object: ObjectRef,
    /// The rule: `xid`, `row-remap`, `thermal`, …
    pub rule: SmolStr,
}

/// A claim about what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Rule and object.
    pub id: FindingId,
    /// How bad it is.
    pub status: Status,
    /// The state as one or two words, for a table: "XID 79", "Throttled".
    pub word: SmolStr,
    /// The claim, a sentence.
    pub claim: String,
    /// Since when, by the source's clock, where that is known.
    pub since: Option<Stamp>,
    /// The rule and the facts behind it.
    pub evidence: String,
    /// What to do, a sentence.
    pub action: String,
    /// The command that looks at it or does it, to copy. Pilothouse does not run it.
    pub command: Option<String>,
    /// The node that is hit.
    pub node: NodeId,
    /// The GPU slots of the node that are hit; all of them for a finding about the node itself.
    pub gpus: Vec<u16>,
    /// Pods that are hit.
    pub pods: Vec<PodId>,
    /// Workloads that are hit, as `Kind namespace/name`.
    pub workloads: Vec<SmolStr>,
    /// Services and pools behind which these pods stand, as `Kind namespace/name`.
    pub services: Vec<SmolStr>,
}

impl Row for Finding {
    type Key = FindingId;
    fn key(&self) -> &FindingId {
        &self.id
    }
}
