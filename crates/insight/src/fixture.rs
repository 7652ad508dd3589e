//! Fleet views for tests: nodes and pods in a few words.

use pilothouse_wire::{
    ConnectionId, Metric, NodeId, PodId, Reading, SmolStr, Stamp, Sum,
    view::{
        ClusterRow, Condition, Eviction, FleetSummary, FleetView, GpuCell, GpuDevice, GpuResource, GpuState, Method,
        NodeRow, PodRow, Status, TelemetryView,
    },
};
use std::collections::BTreeMap;

/// The time of all tests.
pub(crate) const NOW: Stamp = Stamp(1_700_000_000_000);

/// How old a measurement may be.
const PATIENCE_MS: u64 = 30_000;

/// The cluster of all nodes and pods.
pub(crate) fn cluster() -> ConnectionId {
    ConnectionId::slug("iad")
}

fn pod_id(name: &str) -> PodId {
    PodId { cluster: cluster(), namespace: "n".into(), name: name.into() }
}

/// A node that is ready, and what is measured of it.
#[derive(Clone)]
pub(crate) struct Node {
    pub row: NodeRow,
    readings: BTreeMap<(u16, Metric), f32>,
    times: Vec<Option<Stamp>>,
}

impl Node {
    pub(crate) fn called(name: &str) -> Self {
        let id = NodeId { cluster: cluster(), name: name.into() };
        let row = NodeRow { product: Some("H100".into()), ..NodeRow::ready(id, NOW) };
        Self { row, readings: BTreeMap::new(), times: Vec::new() }.condition("Ready", "True")
    }

    /// That many GPUs, free and measured just now.
    pub(crate) fn gpus(mut self, n: u16) -> Self {
        let name = self.row.id.name.clone();
        self.row.gpus = vec![GpuCell::slot(GpuState::Free, None); usize::from(n)];
        self.row.devices = (0..n)
            .map(|slot| GpuDevice {
                uuid: format!("GPU-{name}-{slot}").into(),
                index: Some(slot),
                source: Some(ConnectionId::slug("prometheus")),
                ..GpuDevice::default()
            })
            .collect();
        self.times = vec![Some(NOW); usize::from(n)];
        self
    }

    /// Nobody measures its GPUs.
    pub(crate) fn unmeasured(mut self) -> Self {
        self.row.devices.clear();
        self.times.fill(None);
        self
    }

    pub(crate) fn reads(mut self, slot: u16, metric: Metric, value: f32) -> Self {
        self.readings.insert((slot, metric), value);
        self
    }

    /// The last measurement of this GPU is old.
    pub(crate) fn stale(mut self, slot: u16) -> Self {
        self.times[usize::from(slot)] = Some(Stamp(NOW.0 - 600_000));
        self
    }

    /// All its GPUs were last measured then.
    pub(crate) fn at(mut self, at: Stamp) -> Self {
        self.times.fill(Some(at));
        self
    }

    pub(crate) fn gone(mut self, slot: u16) -> Self {
        self.row.devices[usize::from(slot)] = GpuDevice::default();
        self.times[usize::from(slot)] = None;
        self
    }

    pub(crate) fn condition(mut self, kind: &str, status: &str) -> Self {
        self.row.conditions.retain(|condition| condition.kind != kind);
        self.row.conditions.push(Condition {
            kind: kind.into(),
            status: status.into(),
            reason: None,
            since: Some(NOW.minus(std::time::Duration::from_secs(60))),
        });
        if kind == "Ready" && status != "True" {
            self.row.status = Status::Bad;
            self.row.gpus.iter_mut().for_each(|cell| cell.state = GpuState::Lost);
        }
        self
    }

    pub(crate) fn quarantined(mut self, why: &str) -> Self {
        self.row.quarantine = Some(why.into());
        self
    }

    pub(crate) fn without_conditions(mut self) -> Self {
        self.row.conditions.clear();
        self
    }

    fn cell(&mut self, slot: u16, cell: GpuCell) {
        self.row.gpus[usize::from(slot)] = cell;
    }

    fn place(&mut self, pod: &str) -> u16 {
        let id = pod_id(pod);
        let at = self.row.holders.iter().position(|known| *known == id).unwrap_or_else(|| {
            self.row.holders.push(id);
            self.row.holders.len() - 1
        });
        u16::try_from(at).unwrap()
    }

    /// A pod holds these GPUs.
    pub(crate) fn held(mut self, slots: std::ops::Range<u16>, pod: &str) -> Self {
        let holder = Some(self.place(pod));
        for slot in slots {
            self.cell(slot, GpuCell { state: GpuState::Held, holder, sharers: 1, method: Method::Device });
        }
        self
    }

    /// A pod holds this GPU, and nobody says which.
    pub(crate) fn unattributed(mut self, slot: u16) -> Self {
        let cell = GpuCell { state: GpuState::Held, holder: None, sharers: 0, method: Method::Unattributed };
        self.cell(slot, cell);
        self
    }

    /// Pods take turns on this GPU.
    pub(crate) fn shared(self, slot: u16, pods: &[&str]) -> Self {
        self.parted(slot, pods, "shared")
    }

    /// Pods have instances of this GPU.
    pub(crate) fn cut(self, slot: u16, pods: &[&str]) -> Self {
        self.parted(slot, pods, "1g.10gb/7")
    }

    fn parted(mut self, slot: u16, pods: &[&str], part: &str) -> Self {
        let places: Vec<u16> = pods.iter().map(|pod| self.place(pod)).collect();
        let sharers = u16::try_from(pods.len()).unwrap();
        let holder = places.first().copied();
        self.cell(slot, GpuCell { state: GpuState::Shared, holder, sharers, method: Method::Shared });
        self.row.devices[usize::from(slot)].parts = pods.iter().map(|pod| format!("{part} n/{pod}").into()).collect();
        self
    }

    /// Each of these pods is said to hold the whole of this GPU.
    pub(crate) fn contested(mut self, slot: u16, pods: &[&str]) -> Self {
        for pod in pods {
            self.place(pod);
        }
        let sharers = u16::try_from(pods.len()).unwrap();
        self.cell(slot, GpuCell { state: GpuState::Held, holder: None, sharers, method: Method::Contested });
        self
    }

    pub(crate) fn state(mut self, slot: u16, state: GpuState) -> Self {
        self.row.gpus[usize::from(slot)].state = state;
        self
    }

    /// What the cluster counts of a resource: how many there are, and how many pods ask for.
    pub(crate) fn counts(mut self, key: &str, all: u64, requested: u64, sliced: bool) -> Self {
        let (key, capacity, allocatable, replicas) = (key.into(), all, all, 1);
        self.row.resources.push(GpuResource { key, capacity, allocatable, requested, replicas, sliced });
        self
    }

    pub(crate) fn cordoned(mut self) -> Self {
        self.row.cordoned = true;
        self
    }
}

/// A pod.
#[derive(Clone)]
pub(crate) struct Pod(pub PodRow);

impl Pod {
    /// A pod of a Deployment of its name's first word, which waits for a node.
    pub(crate) fn called(name: &str) -> Self {
        let workload: SmolStr = name.split('-').next().unwrap_or(name).into();
        Self(PodRow {
            id: pod_id(name),
            status: Status::Warn,
            status_word: "Pending".into(),
            node: None,
            workload_kind: Some("Deployment".into()),
            workload: Some(workload.clone()),
            owners: vec![format!("ReplicaSet/{workload}-1").into(), format!("Deployment/{workload}").into()],
            team: None,
            queue: None,
            gpus: 0,
            shares: 0,
            requests: Vec::new(),
            images: Vec::new(),
            digests: Vec::new(),
            ready: 0,
            containers: 1,
            restarts: 0,
            conditions: Vec::new(),
            eviction: Eviction::May,
            created: Some(NOW.minus(std::time::Duration::from_secs(3_600))),
            started: None,
            seen: NOW,
        })
    }

    /// It runs there, ready.
    pub(crate) fn on(mut self, node: &str) -> Self {
        self.0.node = Some(node.into());
        (self.0.status, self.0.status_word, self.0.ready) = (Status::Good, "Running".into(), 1);
        self.0.started = self.0.created;
        self
    }

    /// It is placed, and has not been ready for so many minutes.
    pub(crate) fn not_ready(mut self, minutes: u64) -> Self {
        (self.0.status, self.0.status_word, self.0.ready) = (Status::Warn, "Not ready".into(), 0);
        let since = Some(NOW.minus(std::time::Duration::from_secs(minutes * 60)));
        self.0.conditions = vec![Condition { kind: "Ready".into(), status: "False".into(), reason: None, since }];
        self
    }

    /// What disruption budgets say of it.
    pub(crate) fn may_go(mut self, eviction: Eviction) -> Self {
        self.0.eviction = eviction;
        self
    }

    /// It asks for so many parts of GPUs.
    pub(crate) fn asks_parts(mut self, key: &str, parts: u64) -> Self {
        (self.0.gpus, self.0.shares) = (parts, parts);
        self.0.requests = vec![(key.into(), parts)];
        self
    }

    /// It asks for so many GPUs by a claim, of a class of devices.
    pub(crate) fn asks_class(mut self, class: &str, gpus: u64) -> Self {
        self.0.gpus = gpus;
        self.0.requests = vec![(class.into(), gpus)];
        self
    }

    pub(crate) fn asks(mut self, gpus: u64) -> Self {
        self.0.gpus = gpus;
        self.0.requests = vec![("nvidia.com/gpu".into(), gpus)];
        self
    }
}

/// A view of these nodes and pods, all of them read.
pub(crate) fn view(nodes: impl IntoIterator<Item = Node>, pods: impl IntoIterator<Item = Pod>) -> FleetView {
    let mut nodes: Vec<Node> = nodes.into_iter().collect();
    nodes.sort_by(|a, b| a.row.id.cmp(&b.row.id));
    let mut places = Vec::new();
    for (at, node) in nodes.iter_mut().enumerate() {
        let gpus = node.row.gpus.len();
        let whole = || node.row.gpus.iter().filter(|cell| cell.state != GpuState::Shared);
        let count = |state| whole().filter(|cell| cell.state == state).count() as u64;
        if node.row.resources.is_empty() && gpus > 0 {
            node.row.resources.push(GpuResource {
                key: "nvidia.com/gpu".into(),
                capacity: gpus as u64,
                allocatable: gpus as u64 - count(GpuState::Withheld),
                requested: count(GpuState::Held),
                replicas: 1,
                sliced: false,
            });
        }
        places.extend((0..gpus).map(|slot| (at, u16::try_from(slot).unwrap())));
    }
    let mut metrics: Vec<Metric> =
        nodes.iter().flat_map(|node| node.readings.keys().map(|(_, metric)| *metric)).collect();
    metrics.dedup();
    let column = |metric: Metric| {
        let read = |(at, slot): &(usize, u16)| nodes[*at].readings.get(&(*slot, metric)).copied();
        places.iter().map(|place| read(place).map_or(Reading::ABSENT, Reading::of)).collect()
    };
    let telemetry = TelemetryView {
        times: places.iter().map(|(at, slot)| nodes[*at].times[usize::from(*slot)]).collect(),
        columns: metrics.into_iter().map(|metric| (metric, column(metric))).collect(),
        patience_ms: PATIENCE_MS,
        ..TelemetryView::default()
    };
    let pods: Vec<PodRow> = pods.into_iter().map(|pod| pod.0).collect();
    let (gpus, all) = (places.len() as u64, nodes.len() as u64);
    FleetView {
        summary: FleetSummary { gpus: Sum::Exact(gpus), nodes: Sum::Exact(all), ..FleetSummary::default() },
        clusters: [ClusterRow {
            id: cluster(),
            name: "iad".into(),
            demo: false,
            version: None,
            gpus: Sum::Exact(gpus),
            gpus_held: Sum::NotKnown,
            nodes: Sum::Exact(all),
            pods: Sum::Exact(pods.len() as u64),
            not_visible: None,
            budgets_told: true,
        }]
        .into_iter()
        .collect(),
        nodes: nodes.into_iter().map(|node| node.row).collect(),
        pods: pods.into_iter().collect(),
        telemetry,
        ..FleetView::default()
    }
}
