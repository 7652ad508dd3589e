//! The funnel: from the GPUs that exist to those that do useful maths, with what is lost on the way.

use crate::{
    Metric, Stamp, Sum,
    view::{
        cell::{GpuAt, GpuState},
        fleet::{FleetView, Status},
    },
};
use serde::{Deserialize, Serialize};

/// Utilisation or engine activity above which a GPU is active: monitoring itself, and a context that only waits, stay
/// below.
pub const ACTIVE: f32 = 0.05;

/// Tensor activity above which a GPU does useful maths: models of today are matrix products, and loading data, copying
/// and waiting for others keep the tensor cores below it.
pub const USEFUL: f32 = 0.05;

/// Steps, each a part of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    /// From all GPUs down.
    pub steps: Vec<FunnelStep>,
}

/// What a step asks of a GPU that is in the step before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FunnelKind {
    /// It exists.
    Total,
    /// It can be used.
    Healthy,
    /// A pod holds it, or a part of it.
    Allocated,
    /// It works.
    Active,
    /// It does useful maths.
    Useful,
}

/// One step of the funnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunnelStep {
    /// What it asks.
    pub kind: FunnelKind,
    /// What it asks, as a sentence, with the limits.
    pub definition: String,
    /// GPUs of which it is so. A GPU of which that is not known makes it a bound.
    pub gpus: Sum,
    /// GPUs of the step before of which it is not so, or not known, one row a reason.
    pub losses: Vec<Loss>,
}

/// GPUs that do not reach a step, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Why, in words.
    pub reason: String,
    /// How many. Never 0.
    pub gpus: u64,
    /// How bad that is; [`Status::Unknown`] where they may reach the step, but nobody can tell.
    pub status: Status,
}

impl FunnelKind {
    /// The step in a word, for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Total => "Total",
            Self::Healthy => "Healthy",
            Self::Allocated => "Allocated",
            Self::Active => "Active",
            Self::Useful => "Useful",
        }
    }
}

impl FunnelKind {
    /// From the top down.
    pub const ALL: [Self; 5] = [Self::Total, Self::Healthy, Self::Allocated, Self::Active, Self::Useful];

    /// The step in a word that filters use: `lost=active` finds the GPUs that are lost there.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Healthy => "healthy",
            Self::Allocated => "allocated",
            Self::Active => "active",
            Self::Useful => "useful",
        }
    }

    /// A filter over GPUs that finds those which are lost at this step; nothing is lost at the first.
    #[must_use]
    pub fn lost(self) -> Option<String> {
        (self != Self::Total).then(|| format!("lost={}", self.id()))
    }
}

/// Why a GPU does not reach a step, in the order in which reasons are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Its node is not ready.
    NotReady,
    /// Its node does not offer it.
    Withheld,
    /// A finding says that it is broken.
    Broken,
    /// Nobody asked for it.
    Free,
    /// Nobody asked for it, and nobody can: its node is cordoned.
    FreeCordoned,
    /// Not all pods are read.
    HoldersUnknown,
    /// It is held and does nothing.
    Idle,
    /// Neither utilisation nor engine activity is measured.
    ActivityUnmeasured,
    /// They were, too long ago.
    ActivityStale,
    /// It works, and its tensor cores do not.
    NoMaths,
    /// Tensor activity is not measured.
    MathsUnmeasured,
}

impl Why {
    /// In words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NotReady => "on nodes not ready",
            Self::Withheld => "withheld by their nodes",
            Self::Broken => "broken, by a finding",
            Self::Free => "free",
            Self::FreeCordoned => "free on cordoned nodes",
            Self::HoldersUnknown => "not known: not all pods are read",
            Self::Idle => "held and idle",
            Self::ActivityUnmeasured => "not known: activity not measured",
            Self::ActivityStale => "not known: measured too long ago",
            Self::NoMaths => "active, tensor cores idle",
            Self::MathsUnmeasured => "not known: tensor activity not measured",
        }
    }

    /// How bad that is.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::NotReady | Self::Broken => Status::Bad,
            Self::Withheld | Self::FreeCordoned | Self::Idle | Self::NoMaths => Status::Warn,
            Self::Free => Status::Good,
            Self::HoldersUnknown | Self::ActivityUnmeasured | Self::ActivityStale | Self::MathsUnmeasured => {
                Status::Unknown
            }
        }
    }
}

impl FleetView {
    /// The step at which a GPU is lost, and why; `None` for one that does useful maths. `broken`: does a finding that is bad
    /// hit it? A reading that is older than the view's patience counts as none.
    ///
    /// The funnel counts by this, and the filter `lost=` finds by it: a click on a loss shows as many GPUs as it says.
    #[must_use]
    pub fn lost(&self, gpu: GpuAt<'_>, broken: bool, now: Stamp) -> Option<(FunnelKind, Why)> {
        let cell = gpu.cell();
        let unhealthy = match cell.state {
            GpuState::Lost => Some(Why::NotReady),
            GpuState::Withheld => Some(Why::Withheld),
            _ => broken.then_some(Why::Broken),
        };
        if let Some(why) = unhealthy {
            return Some((FunnelKind::Healthy, why));
        }
        let unallocated = match cell.state {
            GpuState::Free if gpu.node.cordoned => Some(Why::FreeCordoned),
            GpuState::Free => Some(Why::Free),
            GpuState::Unknown => Some(Why::HoldersUnknown),
            _ => None,
        };
        if let Some(why) = unallocated {
            return Some((FunnelKind::Allocated, why));
        }
        let stale = self.telemetry.is_stale(gpu.at, now);
        let fresh = |metric| if stale { None } else { self.telemetry.read(metric, gpu.at).finite() };
        // Whichever says more: under MIG only the second is measured.
        let active = match (fresh(Metric::Utilisation), fresh(Metric::EngineActive)) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        match active {
            Some(active) if active > ACTIVE => {}
            Some(_) => return Some((FunnelKind::Active, Why::Idle)),
            None if stale => return Some((FunnelKind::Active, Why::ActivityStale)),
            None => return Some((FunnelKind::Active, Why::ActivityUnmeasured)),
        }
        match fresh(Metric::TensorActive) {
            Some(tensor) if tensor > USEFUL => None,
            Some(_) => Some((FunnelKind::Useful, Why::NoMaths)),
            None => Some((FunnelKind::Useful, Why::MathsUnmeasured)),
        }
    }
}

impl Funnel {
    /// One of its steps.
    #[must_use]
    pub fn step(&self, kind: FunnelKind) -> Option<&FunnelStep> {
        self.steps.iter().find(|step| step.kind == kind)
    }
}
