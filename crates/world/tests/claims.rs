//! GPUs that pods have by claims of dynamic resource allocation: facts into the fleet, and into the inspector.
#![allow(clippy::unwrap_used, reason = "tests")]

use pilothouse_wire::{
    ConnectionId, Keyed, NodeId, ObjectRef, PodId, Stamp, Sum, When,
    view::{FleetSpec, FleetView, GpuState, LaneKind, Method},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        AllocatedFact, AllocationFact, ConditionFact, Covers, Kind, NodeFact, OfferedFact, Phase, PodFact, Probed,
        ReservedFact, SliceFact, SourceFact,
    },
    project::{self, FleetProjection},
};
use std::time::Duration;

const NOW: Stamp = Stamp(1_795_500_000_000);

fn cluster() -> ConnectionId {
    ConnectionId::slug("iad")
}

fn node() -> NodeFact {
    NodeFact {
        name: "h-1".into(),
        uid: "u".into(),
        conditions: vec![ConditionFact { kind: "Ready".into(), status: "True".into(), reason: None, since: None }],
        ..NodeFact::default()
    }
}

fn pod(name: &str) -> Fact {
    Fact::Pod(Box::new(PodFact {
        namespace: "n".into(),
        name: name.into(),
        uid: format!("{name}-uid").into(),
        node: Some("h-1".into()),
        phase: Phase::Running,
        ..PodFact::default()
    }))
}

fn slice(gpus: u16) -> Fact {
    let device = |n: u16| OfferedFact {
        name: format!("gpu-{n}").into(),
        uuid: Some(format!("GPU-{n}").into()),
        pci: Some(format!("0000:{n:02x}:00.0").into()),
        product: Some("NVIDIA H100 80GB HBM3".into()),
        ..OfferedFact::default()
    };
    Fact::Slice(Box::new(SliceFact {
        name: "h-1-gpu".into(),
        driver: "gpu.nvidia.com".into(),
        pool: "h-1".into(),
        generation: 1,
        node: Some("h-1".into()),
        devices: (0..gpus).map(device).collect(),
    }))
}

fn claim(name: &str, devices: &[&str], pods: &[&str]) -> Fact {
    let device =
        |name: &&str| AllocatedFact { driver: "gpu.nvidia.com".into(), pool: "h-1".into(), device: (*name).into() };
    let pod = |name: &&str| ReservedFact { name: (*name).into(), uid: format!("{name}-uid").into() };
    Fact::Allocation(Box::new(AllocationFact {
        namespace: "n".into(),
        name: name.into(),
        devices: devices.iter().map(device).collect(),
        pods: pods.iter().map(pod).collect(),
    }))
}

/// A world, and a view of it that follows each batch.
struct Told {
    world: World,
    view: FleetProjection,
}

impl Told {
    /// A node with three published GPUs and three pods; claims are not listed yet.
    fn new() -> Self {
        let world = World::default();
        let view = FleetProjection::new(&world, FleetSpec::default());
        let mut told = Self { world, view };
        told.all(Kind::Node, vec![Fact::Node(Box::new(node()))]);
        told.all(Kind::Pod, vec![pod("chat"), pod("embed"), pod("rank")]);
        told.all(Kind::ResourceSlice, vec![slice(3)]);
        told
    }

    fn tell(&mut self, extent: Extent, facts: Vec<Fact>) {
        let touched = self.world.apply(Batch { source: cluster(), seen_at: NOW, extent, facts });
        self.view.update(&self.world, &touched);
        // What follows facts one by one is what is made of all of them.
        let whole = FleetProjection::new(&self.world, FleetSpec::default());
        assert_eq!(self.view.view().nodes, whole.view().nodes);
        assert_eq!(self.view.view().pods, whole.view().pods);
        assert_eq!(self.view.view().workloads, whole.view().workloads);
        assert_eq!(self.view.view().clusters, whole.view().clusters);
    }

    fn all(&mut self, kind: Kind, facts: Vec<Fact>) {
        self.tell(Extent::Replace(Covers { kind, namespace: None }), facts);
    }

    fn fleet(&self) -> &FleetView {
        self.view.view()
    }

    /// The GPUs of the node: `chat/claim`, `free`, `not known`.
    fn gpus(&self) -> Vec<String> {
        let node = self.fleet().nodes.rows().first().unwrap();
        let of = |cell: &pilothouse_wire::view::GpuCell| match cell.holder {
            Some(holder) => format!("{}/{}", node.holders[usize::from(holder)].name, cell.method.word()),
            None => cell.state.word().to_owned(),
        };
        node.gpus.iter().map(of).collect()
    }
}

#[test]
fn a_pod_has_the_gpus_of_its_claim_and_what_nobody_claims_is_free() {
    let mut told = Told::new();
    assert_eq!(told.gpus(), ["not known"; 3], "until claims are listed");
    let known = |told: &Told| told.fleet().clusters.rows()[0].gpus;
    assert_eq!(known(&told), Sum::AtLeast(3), "who has them is still to come");
    told.all(Kind::ResourceClaim, vec![claim("a", &["gpu-1", "gpu-2"], &["chat"])]);
    assert_eq!(told.gpus(), ["free", "chat/claim", "chat/claim"]);
    assert_eq!(known(&told), Sum::Exact(3));
    let node = told.fleet().nodes.rows().first().unwrap();
    assert_eq!(node.product.as_deref(), Some("NVIDIA H100 80GB HBM3"), "no label says it");
    let row = told.fleet().pods.rows().iter().find(|pod| pod.id.name == "chat").unwrap();
    assert_eq!(row.gpus, 2);
    let workloads = told.fleet().workloads.rows();
    assert_eq!(workloads.iter().map(|row| (row.name.as_str(), row.gpus_held)).collect::<Vec<_>>(), [("chat", 2)]);

    told.tell(Extent::Delta, vec![claim("b", &["gpu-0"], &["embed"]), claim("a", &["gpu-1"], &["chat"])]);
    assert_eq!(told.gpus(), ["embed/claim", "chat/claim", "free"]);
    told.tell(Extent::Delta, vec![Fact::AllocationGone("n".into(), "b".into())]);
    assert_eq!(told.gpus(), ["free", "chat/claim", "free"]);
    told.all(Kind::ResourceClaim, Vec::new());
    assert_eq!(told.gpus(), ["free"; 3]);
    told.tell(Extent::Delta, vec![Fact::SliceGone("h-1-gpu".into())]);
    assert_eq!(told.gpus(), Vec::<String>::new());
}

#[test]
fn who_may_not_read_claims_is_not_kept_waiting_for_them() {
    let mut told = Told::new();
    told.all(Kind::ResourceSlice, Vec::new());
    let gpus = |told: &Told| told.fleet().clusters.rows()[0].gpus;
    assert_eq!(gpus(&told).exact(), None, "claims are still to come");
    let refused = "list and watch resourceslices, resourceclaims: which pod has which GPU by a claim is not told";
    let probed = Probed { may_not: vec![refused.into()], ..Probed::default() };
    told.tell(Extent::Delta, vec![Fact::Source(SourceFact::Probed(Box::new(probed)))]);
    assert_eq!(gpus(&told), Sum::Exact(0));
}

#[test]
fn that_there_are_no_gpus_is_known_once_devices_and_claims_are_both_told() {
    for (first, last) in [(Kind::ResourceClaim, Kind::ResourceSlice), (Kind::ResourceSlice, Kind::ResourceClaim)] {
        let world = World::default();
        let view = FleetProjection::new(&world, FleetSpec::default());
        let mut told = Told { world, view };
        told.all(Kind::Node, vec![Fact::Node(Box::new(node()))]);
        told.all(Kind::Pod, Vec::new());
        told.all(first, Vec::new());
        assert_eq!(told.fleet().clusters.rows()[0].gpus.exact(), None, "{last:?} are still to come");
        told.all(last, Vec::new());
        assert_eq!(told.fleet().clusters.rows()[0].gpus, Sum::Exact(0));
    }
}

#[test]
fn pods_that_use_one_claim_share_its_gpu_and_no_split_is_claimed() {
    let mut told = Told::new();
    told.all(Kind::ResourceClaim, vec![claim("a", &["gpu-0"], &["chat", "embed"])]);
    let cell = told.fleet().nodes.rows().first().unwrap().gpus[0];
    assert_eq!((cell.state, cell.method, cell.sharers), (GpuState::Shared, Method::Shared, 2));
}

#[test]
fn a_later_pod_of_the_same_name_has_nothing_by_the_claim_of_the_one_before() {
    let mut told = Told::new();
    told.all(Kind::ResourceClaim, vec![claim("a", &["gpu-0"], &["chat"])]);
    let Fact::Pod(mut later) = pod("chat") else { panic!("it is a pod") };
    later.uid = "later".into();
    told.tell(Extent::Delta, vec![Fact::Pod(later)]);
    assert_eq!(told.gpus(), ["free"; 3]);
    assert_eq!(told.fleet().workloads.rows().len(), 0);
}

#[test]
fn the_inspector_says_that_it_is_known_by_a_claim_and_by_which() {
    let mut told = Told::new();
    told.all(Kind::ResourceClaim, vec![claim("a", &["gpu-0"], &["chat"])]);
    let values = |object: &ObjectRef, label: &str| -> Vec<String> {
        let view = project::object(&told.world, object, &Keyed::default(), NOW).unwrap();
        let fields = view.identity.iter().chain(&view.holding).filter(|field| field.label == label);
        fields.filter_map(|field| field.value.clone()).collect()
    };
    let node = NodeId { cluster: cluster(), name: "h-1".into() };
    let gpu = ObjectRef::Gpu(node, 0);
    assert_eq!(values(&gpu, "How sure"), ["exact, by resource claim"]);
    assert_eq!(values(&gpu, "UUID"), ["GPU-0"]);
    let pod = ObjectRef::Pod(PodId { cluster: cluster(), namespace: "n".into(), name: "chat".into() });
    assert_eq!(values(&pod, "GPUs"), ["1 by claim a"]);
    assert_eq!(values(&pod, "GPU"), [format!("{}, exact, by resource claim", gpu.name())]);
}

#[test]
fn the_lane_of_held_gpus_counts_those_of_claims_each_once() {
    let mut told = Told::new();
    let held = |told: &Told| {
        let view = project::ribbon(&told.world, Duration::from_secs(3_600), When::Now, NOW);
        let lane = view.lanes.iter().find(|lane| lane.kind == LaneKind::Held).unwrap();
        lane.points.last().unwrap().1
    };
    told.all(Kind::ResourceClaim, Vec::new());
    assert!(held(&told).abs() < 0.1);
    // What two share is one.
    told.tell(Extent::Delta, vec![claim("a", &["gpu-0", "gpu-1"], &["chat", "embed"])]);
    assert!((held(&told) - 2.0).abs() < 0.1);
    told.tell(Extent::Delta, vec![claim("b", &["gpu-2"], &["rank"])]);
    assert!((held(&told) - 3.0).abs() < 0.1);
    told.tell(Extent::Delta, vec![Fact::PodGone("n".into(), "chat".into())]);
    assert!((held(&told) - 3.0).abs() < 0.1);
    told.tell(Extent::Delta, vec![Fact::PodGone("n".into(), "embed".into())]);
    assert!((held(&told) - 1.0).abs() < 0.1);
    told.tell(Extent::Delta, vec![pod("chat"), claim("b", &[], &[])]);
    assert!((held(&told) - 2.0).abs() < 0.1);
    // Who folds it anew, from a checkpoint, counts the same.
    let mut again: World = postcard::from_bytes(&postcard::to_stdvec(&told.world).unwrap()).unwrap();
    told.tell(Extent::Delta, vec![Fact::AllocationGone("n".into(), "b".into()), pod("rank")]);
    let facts = vec![Fact::AllocationGone("n".into(), "b".into()), pod("rank")];
    again.apply(Batch { source: cluster(), seen_at: NOW, extent: Extent::Delta, facts });
    assert_eq!(again, told.world);
}

#[test]
fn a_pod_that_waits_for_its_claim_asks_for_what_the_claim_asks_for() {
    let mut told = Told::new();
    let class = AllocatedFact { driver: "gpu.nvidia.com".into(), ..AllocatedFact::default() };
    let waits = Fact::Pod(Box::new(PodFact {
        namespace: "n".into(),
        name: "train".into(),
        uid: "train-uid".into(),
        phase: Phase::Pending,
        ..PodFact::default()
    }));
    told.tell(Extent::Delta, vec![waits]);
    told.all(
        Kind::ResourceClaim,
        vec![
            claim("a", &["gpu-1"], &["chat"]),
            Fact::Allocation(Box::new(AllocationFact {
                namespace: "n".into(),
                name: "b".into(),
                devices: vec![class.clone(), class],
                pods: vec![ReservedFact { name: "train".into(), uid: "train-uid".into() }],
            })),
        ],
    );
    let row = |told: &Told| told.fleet().pods.rows().iter().find(|pod| pod.id.name == "train").unwrap().clone();
    assert_eq!((row(&told).gpus, row(&told).requests), (2, vec![("gpu.nvidia.com".into(), 2)]));
    assert_eq!(told.fleet().summary.gpus_wanted.number(), Some(2));
    let wanted =
        told.fleet().workloads.rows().iter().map(|row| (row.name.as_str(), row.gpus_wanted)).collect::<Vec<_>>();
    assert_eq!(wanted, [("chat", 0), ("train", 2)]);
    // What it asks for is nobody's: the node has what its driver publishes, and one of it is given.
    assert_eq!(told.gpus(), ["free", "chat/claim", "free"]);
    let resource = told.fleet().nodes.rows()[0].resources[0].clone();
    assert_eq!((resource.key.as_str(), resource.capacity, resource.requested), ("gpu.nvidia.com", 3, 1));
    told.tell(Extent::Delta, vec![Fact::AllocationGone("n".into(), "b".into())]);
    assert_eq!((row(&told).gpus, row(&told).requests), (0, vec![]));
}
