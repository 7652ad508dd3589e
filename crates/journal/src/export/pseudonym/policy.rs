//! What stays, and how the rest is replaced: by the type and the field in which a text stands. What is not listed is a name.

/// What becomes of the texts in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treat {
    /// A name: replaced piece by piece.
    Name,
    /// A name without pieces.
    Whole,
    /// A text for people: words of everybody stay.
    Text,
    /// It stays: a kind, a product, a version, a word of an interface.
    Keep,
    /// Pairs: keys stay, and the values of some.
    Labels,
    /// `key=value:Effect`.
    Taint,
    /// `models:/name@alias`: what tells which kind of address it is stays, and numbers of versions.
    Address,
    /// Of so many texts side by side this one is a kind, and stays; the others are names.
    KindAt(usize),
    /// A map whose keys begin with a kind; what they lead to are names.
    ByKind,
}

/// Of a field of a type; of a variant of an enum.
pub(super) fn of(owner: &str, field: &str) -> Treat {
    match (owner, field) {
        ("ConnectionId", _) | ("SourceAbout", "name") => Treat::Whole,

        ("SourceAbout", "kind")
        | ("Probed", "version")
        | ("ServiceFact", "signature")
        | ("NodeFact", "kubelet")
        | ("ConditionFact", "status")
        | ("OwnerFact" | "ControllerFact", "kind")
        | ("EventFact", "kind")
        | ("DeviceFact", "product" | "driver" | "pci")
        | ("DeviceClaim", "slice")
        | ("OfferedFact", "profile" | "pci" | "product" | "driver")
        | ("HostFact", "processor" | "system")
        | ("RequirementFact", "operator")
        | ("KindId", "version" | "plural" | "kind")
        | ("StatedFact", "status")
        | ("RolloutFact", "phase")
        | ("ServedFact", "format")
        | ("LoadFact", "transition" | "active" | "target")
        | ("Canary", "router")
        | ("MetricFact", "provider")
        | ("Step", "Other")
        | ("FlaggerFact", "phase" | "provider")
        | ("ApplicationFact", "sync" | "health")
        | ("OperationFact" | "PromotionFact", "phase")
        | ("StageFact", "health") => Treat::Keep,

        ("NodeFact" | "AlertFact", "labels") => Treat::Labels,
        ("NodeFact" | "WrittenFact", "taints") => Treat::Taint,
        ("ModelAddress", "text") | ("VersionFact", "source") | ("ServedFact", "model") => Treat::Address,
        ("NodeFact", "capacity" | "allocatable") | ("PodFact", "gpus") => Treat::KindAt(0),

        ("Fact", "ControllerGone" | "BackendGone") => Treat::KindAt(0),
        ("ObjectRef", "Workload") => Treat::KindAt(2),
        ("Source", "workloads" | "controllers" | "revisions" | "regarding")
        | ("Deliveries", "services" | "labels" | "backends")
        | ("GoneStarts", "all") => Treat::ByKind,

        // Any controller or rule may have words of its own for these.
        ("ConditionFact", "kind" | "reason")
        | ("PodFact" | "ContainerFact", "reason")
        | ("EventFact", "reason" | "note")
        | ("AlertFact", "severity")
        | ("NoteFact", "text")
        | ("StatedFact", "kind" | "reason" | "message")
        | ("RolloutFact", "message" | "pauses")
        | ("FailureFact", "reason" | "message")
        | ("AnalysisFact" | "MetricFact" | "ExperimentFact" | "MeasurementRow", "message")
        | ("ApplicationFact" | "PromotionFact", "message")
        | ("RuleFact", "matches")
        | ("MetricFact", "success" | "failure")
        | ("MeasurementRow", "value")
        | ("Step", "Scale")
        | ("Wait", "Unread")
        | ("AlertFact", "summary")
        | ("ModelFact", "description")
        | ("VersionFact", "description" | "message" | "stage")
        | ("MissingMetric", "why" | "next")
        | ("Probed", "may" | "may_not" | "not_visible")
        | ("Health", "Starting")
        | ("Starting", "doing")
        | ("Problem", _)
        | ("Attempt", "outcome")
        // As the marks say them that are made of them: both are read the same.
        | ("TemplateFact", "selector" | "tolerations")
        | ("MadeFact", "requests" | "limits")
        | ("Mark", "title" | "detail") => Treat::Text,

        _ => Treat::Name,
    }
}

impl Treat {
    /// Of an element of a tuple.
    pub fn element(self, place: usize) -> Self {
        match self {
            Self::KindAt(kind) => {
                if place == kind {
                    Self::Keep
                } else {
                    Self::Name
                }
            }
            other => other,
        }
    }

    /// Of the keys of a map.
    pub fn key(self) -> Self {
        if self == Self::ByKind { Self::KindAt(0) } else { self }
    }

    /// Of what keys lead to.
    pub fn value(self) -> Self {
        if self == Self::ByKind { Self::Name } else { self }
    }
}

/// Does the value of a label stay? What a GPU or a machine is, not whose, where or in which pool.
pub(super) fn is_kept(label: &str, value: &str) -> bool {
    // Of alerts; an exporter may write there who a GPU is.
    if matches!(label, "gpu" | "xid") {
        return value.bytes().all(|digit| digit.is_ascii_digit());
    }
    const KEPT: &[&str] = &[
        "nvidia.com/gpu.product",
        "nvidia.com/gpu.count",
        "nvidia.com/gpu.memory",
        "nvidia.com/gpu.replicas",
        "nvidia.com/gpu.family",
        "nvidia.com/mig.strategy",
        "nvidia.com/mig.config.state",
        "nvidia.com/cuda.driver-version.full",
        "node.kubernetes.io/instance-type",
        "karpenter.sh/capacity-type",
        "eks.amazonaws.com/capacityType",
        "cloud.google.com/gke-spot",
        "amd.com/gpu.product-name",
        "amd.com/gpu.vram",
        "amd.com/compute-memory-partition",
        "cloud.google.com/gke-accelerator",
        "cloud.google.com/gke-tpu-accelerator",
        "modelName",
    ];
    KEPT.contains(&label)
}

/// Is the key of a taint everybody's?
pub(super) fn is_common_taint(key: &str) -> bool {
    const COMMON: &[&str] = &[
        "not-ready",
        "unreachable",
        "memory-pressure",
        "disk-pressure",
        "pid-pressure",
        "network-unavailable",
        "unschedulable",
        "out-of-service",
    ];
    let of_kubernetes = key.strip_prefix("node.kubernetes.io/").is_some_and(|taint| COMMON.contains(&taint));
    of_kubernetes || ["node.cloudprovider.kubernetes.io/uninitialized", "nvidia.com/gpu", "amd.com/gpu"].contains(&key)
}
