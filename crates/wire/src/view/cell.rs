//! One GPU of a node: what it does, who holds it and how that is known, and who it is by who measures it.

use crate::{
    ConnectionId, ObjectRef, PodId, SmolStr,
    view::fleet::{NodeRow, Status},
};
use serde::{Deserialize, Serialize};

/// What is known of one GPU slot. Without telemetry a slot is not a device: which of a node's devices a pod holds
/// is not known, how many is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuCell {
    /// Its state.
    pub state: GpuState,
    /// Who holds it: an index into [`NodeRow::holders`]. The first of them, where several share it.
    pub holder: Option<u16>,
    /// How many pods are seen to hold it or a part of it.
    pub sharers: u16,
    /// How it is known who holds it.
    pub method: Method,
}

/// How it is known who holds a GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Method {
    /// By count: Kubernetes says how many GPUs of a node a pod got, not which.
    #[default]
    Count,
    /// Exact: the exporter names the one pod that holds the whole device, and the cluster has that pod there.
    Device,
    /// Exact by elimination: one pod holds all that is left of the node.
    Whole,
    /// Shared by time-slicing, MPS or MIG: the pods are known, no split between them is claimed.
    Shared,
    /// Exact: by a claim of dynamic resource allocation.
    Claim,
    /// It is measured, and pods of its node hold as many GPUs, but nobody says which pod holds this one.
    Unattributed,
    /// Two pods are said to hold the whole of it: one of them is wrong, and it is not known which.
    Contested,
}

impl Method {
    /// The method as one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Device => "device",
            Self::Whole => "whole",
            Self::Shared => "shared",
            Self::Claim => "claim",
            Self::Unattributed => "unattributed",
            Self::Contested => "contested",
        }
    }

    /// The method in words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Count => "by count: Kubernetes says how many GPUs a pod got, not which",
            Self::Device => "exact, exclusive device",
            Self::Whole => "exact: the pod holds all that is left of the node",
            Self::Shared => "shared, no split claimed",
            Self::Claim => "exact, by resource claim",
            Self::Unattributed => "unattributed: nobody says which pod of the node holds it",
            Self::Contested => "contested: two pods are said to hold the whole of it",
        }
    }
}

/// Who a GPU is, by who measures it, or by its driver of dynamic resource allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuDevice {
    /// UUID.
    pub uuid: SmolStr,
    /// Its number on its node, as the exporter counts.
    pub index: Option<u16>,
    /// PCI bus id.
    pub pci: Option<SmolStr>,
    /// Product; a node may have two kinds.
    pub product: Option<SmolStr>,
    /// Version of its driver.
    pub driver: Option<SmolStr>,
    /// The connection that measures it, if one does.
    pub source: Option<ConnectionId>,
    /// Pods that hold parts of it, and which: "1g.10gb/7 serving/embed-0"; "shared serving/embed-0" where they take turns.
    pub parts: Vec<SmolStr>,
}

impl GpuDevice {
    /// Does a pod hold a part of it?
    #[must_use]
    pub fn is_shared_by(&self, namespace: &str, pod: &str) -> bool {
        let of =
            |part: &SmolStr| part.rsplit_once(' ').and_then(|(_, of)| of.split_once('/')) == Some((namespace, pod));
        self.parts.iter().any(of)
    }
}

/// A GPU of a fleet view.
#[derive(Clone, Copy, Debug)]
pub struct GpuAt<'a> {
    /// Its node.
    pub node: &'a NodeRow,
    /// Its cell in [`NodeRow::gpus`].
    pub slot: usize,
    /// Its place in the columns of [`FleetView::telemetry`].
    pub at: usize,
}

impl<'a> GpuAt<'a> {
    /// Its cell.
    #[must_use]
    pub fn cell(self) -> GpuCell {
        self.node.gpus[self.slot]
    }

    /// Who it is, where somebody tells.
    #[must_use]
    pub fn device(self) -> Option<&'a GpuDevice> {
        self.node.devices.get(self.slot)
    }

    /// The pod that holds it, or the first of those that share it.
    #[must_use]
    pub fn holder(self) -> Option<&'a PodId> {
        self.node.holders.get(usize::from(self.cell().holder?))
    }

    /// As an object.
    #[must_use]
    pub fn object(self) -> ObjectRef {
        ObjectRef::Gpu(self.node.id.clone(), u16::try_from(self.slot).unwrap_or(u16::MAX))
    }
}

/// The state of one GPU slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GpuState {
    /// Nobody asked for it.
    Free,
    /// One pod asked for the whole of it.
    Held,
    /// Shared: time-sliced or cut (MIG); no split is claimed.
    Shared,
    /// Nobody is seen to hold it, but not all pods are read, or nobody counts the node's GPUs.
    Unknown,
    /// The node has it but does not offer it (capacity above allocatable).
    Withheld,
    /// Its node is not ready: what it does is not known.
    Lost,
}

impl GpuState {
    /// The state as a word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Held => "held",
            Self::Shared => "shared",
            Self::Unknown => "not known",
            Self::Withheld => "withheld",
            Self::Lost => "lost",
        }
    }
}

impl GpuCell {
    /// A slot that nobody measures: what is known of it is known by count.
    #[must_use]
    pub fn slot(state: GpuState, holder: Option<u16>) -> Self {
        Self { state, holder, sharers: u16::from(holder.is_some()), method: Method::Count }
    }

    /// Does a pod hold it, or a part of it, whoever that is? Of a GPU of a node that is not ready only what is seen counts.
    #[must_use]
    pub fn is_held(self) -> bool {
        match self.state {
            GpuState::Held | GpuState::Shared => true,
            GpuState::Lost => self.sharers > 0 || self.method == Method::Unattributed,
            GpuState::Free | GpuState::Unknown | GpuState::Withheld => false,
        }
    }

    /// The slot's status and its words: what it does, behind what is wrong with its node.
    #[must_use]
    pub fn status(self, node: &NodeRow) -> (Status, SmolStr) {
        match self.state {
            GpuState::Lost => (Status::Bad, SmolStr::new_static("Lost")),
            GpuState::Withheld => (Status::Warn, SmolStr::new_static("Withheld")),
            GpuState::Unknown if node.status == Status::Good => (Status::Unknown, SmolStr::new_static("Not known")),
            GpuState::Free if node.status == Status::Good => (Status::Good, SmolStr::new_static("Free")),
            GpuState::Held if node.status == Status::Good => (Status::Good, SmolStr::new_static("Held")),
            GpuState::Shared if node.status == Status::Good => (Status::Good, SmolStr::new_static("Shared")),
            state => (node.status, format!("{}, {}", node.status_word, state.word()).into()),
        }
    }
}
