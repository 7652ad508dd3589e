//! The ribbon at the foot: changes as marks, and the series that moved, on one clock.

use crate::{ConnectionId, Keyed, KeyedPatch, ObjectRef, Row, SmolStr, Stamp, record::Gap, view::fleet::Status};
use serde::{Deserialize, Serialize};

/// Changes and series of the last while.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RibbonView {
    /// Changes, thinned by importance; the thinned ones are counted.
    pub marks: Keyed<Mark>,
    /// Series, those that moved most first.
    pub lanes: Vec<Lane>,
    /// Marks left out because they matter less; each [`Mark::more`] says where.
    pub thinned: u64,
    /// Times that the record does not tell of, and why; the oldest first.
    pub gaps: Vec<Gap>,
}

/// What turns one ribbon into a later one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RibbonPatch {
    /// Changed marks.
    pub marks: KeyedPatch<Mark, MarkKey>,
    /// All lanes, if any changed.
    pub lanes: Option<Vec<Lane>>,
    /// Marks left out because they matter less.
    pub thinned: u64,
    /// All gaps, if any changed.
    pub gaps: Option<Vec<Gap>>,
}

impl RibbonView {
    /// What turns `self` into `newer`.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> RibbonPatch {
        RibbonPatch {
            marks: self.marks.diff(&newer.marks),
            lanes: (self.lanes != newer.lanes).then(|| newer.lanes.clone()),
            thinned: newer.thinned,
            gaps: (self.gaps != newer.gaps).then(|| newer.gaps.clone()),
        }
    }

    /// Applies what [`RibbonView::diff`] found.
    pub fn apply(&mut self, patch: RibbonPatch) {
        self.marks.apply(patch.marks);
        if let Some(lanes) = patch.lanes {
            self.lanes = lanes;
        }
        self.thinned = patch.thinned;
        if let Some(gaps) = patch.gaps {
            self.gaps = gaps;
        }
    }
}

/// A change, placed by the source's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When, about what, which kind.
    pub key: MarkKey,
    /// In a few words: "chat-70b 12 → 16".
    pub title: String,
    /// From → to, or the reason.
    pub detail: Option<String>,
    /// How bad it is.
    pub status: Status,
    /// Who did it, as the source calls them: the manager of a field, a person.
    pub by: Option<SmolStr>,
    /// When it was heard, by our clock: a change may be known long after it was.
    pub heard: Stamp,
    /// Was it rebuilt from what the source keeps, and not seen as it happened?
    pub rebuilt: bool,
    /// So many others of about this time are left out of the view, since they matter less.
    pub more: u32,
}

impl Mark {
    /// A change without words, to be filled in.
    #[must_use]
    pub fn of(key: MarkKey) -> Self {
        Self {
            key,
            title: String::new(),
            detail: None,
            status: Status::Unknown,
            by: None,
            heard: Stamp(0),
            rebuilt: false,
            more: 0,
        }
    }
}

/// What tells one mark from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MarkKey {
    /// When, by the source's clock.
    pub at: Stamp,
    /// About what.
    pub object: ObjectRef,
    /// Which kind of change.
    pub kind: MarkKind,
}

/// The kinds of change, from the most to the least important: a label is kept for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MarkKind {
    /// A person's own note.
    Bookmark,
    /// A connection was lost.
    ConnectionLost,
    /// A node or GPU failed.
    Fault,
    /// An alert began to fire.
    Alert,
    /// A condition became bad.
    Condition,
    /// A GPU runs slower than it could.
    Slowdown,
    /// A connection was found again.
    ConnectionFound,
    /// An alert fires no more.
    AlertOver,
    /// A cordon or a taint.
    Cordon,
    /// A workload got another image or template.
    Deploy,
    /// Something else of a workload's settings was written.
    Config,
    /// A workload got more or fewer pods.
    Scale,
    /// A node came.
    NodeCame,
    /// A node went.
    NodeWent,
    /// A pod got a node, and its GPUs.
    PodPlaced,
    /// A pod went away.
    PodGone,
    // What journals hold keeps its place: later kinds stand behind.
    /// A Job began.
    JobBegan,
    /// A Job was done.
    JobEnded,
    /// A person did something through Pilothouse.
    Acted,
    /// An alias of a registered model was set, moved or taken away.
    ModelAlias,
    /// A version of a model was registered.
    ModelVersion,
    /// A version of a model went to another stage.
    ModelStage,
    /// A tag of a registry stands at another digest.
    TagMoved,
    /// A service got another share of traffic for its new revision.
    Weight,
    /// A service came to another of its steps.
    Step,
    /// A service got another phase.
    Phase,
    /// An analysis was over.
    Analysis,
}

impl MarkKind {
    /// Its place in the order of importance, the most important first. Kinds that came later stand among those they are
    /// like.
    #[must_use]
    pub fn importance(self) -> u8 {
        match self {
            Self::Analysis | Self::Phase => Self::Condition as u8,
            Self::Weight | Self::Step => Self::Config as u8,
            other => other as u8,
        }
    }

    /// Is it one of the many small ones? Pods come and go too often to have a sign of their own.
    #[must_use]
    pub fn is_tick(self) -> bool {
        matches!(self, Self::PodPlaced | Self::PodGone)
    }

    /// Is it of a person, who finds it again wherever they left it?
    #[must_use]
    pub fn is_persons(self) -> bool {
        matches!(self, Self::Bookmark | Self::Acted)
    }
}

/// What a lane is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LaneKind {
    /// GPUs that pods hold.
    Held,
    /// Pods that wait.
    Pending,
    /// How busy GPUs are: the mean of their utilisation, in percent.
    Activity,
    /// Tokens that serving engines write a second, all together.
    Tokens,
    /// The time to first token of the slowest serving engine, 99 of 100 requests, in milliseconds.
    FirstToken,
}

impl LaneKind {
    /// Those that a server measures, and may keep from before we were there.
    pub const MEASURED: [Self; 3] = [Self::Activity, Self::Tokens, Self::FirstToken];

    /// Its unit; empty for a count.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Held | Self::Pending => "",
            Self::Activity => "%",
            Self::Tokens => "tok/s",
            Self::FirstToken => "ms",
        }
    }
}

/// A series with one value a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// What it is of.
    pub kind: LaneKind,
    /// Whose it is; `None` for one of all sources.
    pub source: Option<ConnectionId>,
    /// Its name: "GPUs held, iad-prod".
    pub name: SmolStr,
    /// Its unit, empty for a count.
    pub unit: SmolStr,
    /// Points in time order, by our clock; a gap is a missing point, never a zero.
    pub points: Vec<(Stamp, f64)>,
}

impl Row for Mark {
    type Key = MarkKey;
    fn key(&self) -> &MarkKey {
        &self.key
    }
}
