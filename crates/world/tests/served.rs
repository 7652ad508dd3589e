//! Services of KServe in the world: whose pods are told under them, which revisions they have, what the ribbon says.
#![allow(clippy::unwrap_used, reason = "tests")]

use pilothouse_wire::{
    ConnectionId, ObjectRef, Stamp,
    view::{
        DeliveryPhase, FleetSpec, MarkKind, RolloutView,
        delivery::{Role, ServedMode},
    },
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        CanariesFact, CanaryFact, ContainerFact, ControllerFact, Covers, DeliveryFact, Kind, OwnerFact, Phase, PodFact,
        RevisionFact, ServedFact, SizeFact, StatedFact, StrategyFact, TargetFact,
    },
    project,
};
use std::time::Duration;

const BEGAN: i64 = 1_795_500_000_000;

struct Told {
    world: World,
    now: Stamp,
}

impl Told {
    fn new() -> Self {
        let mut told = Self { world: World::default(), now: Stamp(BEGAN) };
        // What was there before is no news.
        for kind in [Kind::Pod, Kind::ReplicaSet, Kind::Deployment, Kind::InferenceService] {
            told.batch(Extent::Replace(Covers { kind, namespace: None }), Vec::new());
        }
        told
    }

    fn batch(&mut self, extent: Extent, facts: Vec<Fact>) {
        self.now = self.now.plus(Duration::from_secs(10));
        self.world.apply(Batch { source: ConnectionId::slug("iad"), seen_at: self.now, extent, facts });
    }

    fn tell(&mut self, facts: Vec<Fact>) {
        self.batch(Extent::Delta, facts);
    }

    fn page(&self) -> RolloutView {
        let object: ObjectRef = "workload:iad/serving/InferenceService/chat".parse().unwrap();
        project::rollout(&self.world, &object, self.now).unwrap()
    }

    fn titles(&self) -> Vec<String> {
        let ribbon = project::ribbon(&self.world, Duration::from_secs(86_400), pilothouse_wire::When::Now, self.now);
        let kinds = [MarkKind::Weight, MarkKind::Phase];
        let marks = ribbon.marks.rows().iter().filter(|mark| kinds.contains(&mark.key.kind));
        marks.map(|mark| mark.title.clone()).collect()
    }
}

fn service(served: ServedFact) -> Fact {
    let controller = ControllerFact {
        kind: "InferenceService".into(),
        namespace: "serving".into(),
        name: "chat".into(),
        replicas: Some(1),
        ..ControllerFact::default()
    };
    let ready = StatedFact { kind: "Ready".into(), status: "True".into(), ..StatedFact::default() };
    let knative = served.mode == ServedMode::Knative;
    let fact = DeliveryFact {
        current: served.created.clone().filter(|_| knative),
        stable: served.stable().cloned().filter(|_| knative),
        strategy: StrategyFact::Served(Box::new(served)),
        conditions: vec![ready],
        ..DeliveryFact::default()
    };
    Fact::Delivered(Box::new(controller), Box::new(fact))
}

/// A ReplicaSet of the predictor, with so many pods wanted and available, and a pod of it.
fn set(number: u64, hash: &str, sizes: (u64, u64)) -> Vec<Fact> {
    set_of("chat-predictor", number, hash, sizes)
}

/// The same of one of its Deployments.
fn set_of(deployment: &str, number: u64, hash: &str, (wanted, available): (u64, u64)) -> Vec<Fact> {
    let name = format!("{deployment}-{number}");
    let owner = OwnerFact { kind: "InferenceService".into(), name: "chat".into() };
    let revision = RevisionFact {
        namespace: "serving".into(),
        name: name.as_str().into(),
        owner: owner.clone(),
        number,
        created: Some(Stamp(BEGAN)),
        images: vec![("kserve-container".into(), "server:1".into())],
    };
    let size = SizeFact { hash: hash.into(), wanted, all: wanted, ready: available, available, ..SizeFact::default() };
    let pod = PodFact {
        namespace: "serving".into(),
        name: format!("{name}-x").into(),
        owners: vec![OwnerFact { kind: "ReplicaSet".into(), name: name.into() }, owner],
        phase: Phase::Running,
        node: Some("n".into()),
        gpus: vec![("nvidia.com/gpu".into(), 2)],
        containers: vec![ContainerFact { name: "kserve-container".into(), ready: true, ..ContainerFact::default() }],
        ..PodFact::default()
    };
    vec![Fact::SizedRevision(Box::new(revision), size), Fact::Pod(Box::new(pod))]
}

#[test]
fn sets_of_its_predictor_are_its_revisions_and_their_pods_its_own() {
    let mut told = Told::new();
    told.tell(vec![service(ServedFact { mode: ServedMode::Standard, ..ServedFact::default() })]);
    told.tell(set(1, "a", (3, 3)));
    let page = told.page();
    assert_eq!((page.row.phase, page.row.revision, page.row.ready), (DeliveryPhase::Healthy, Some(1), 3));
    // What scales it sets the number of its Deployment, and leaves its own.
    assert_eq!((page.row.wanted, page.row.gpus, page.row.strategy.as_str()), (Some(3), 2, "rolling"));
    assert_eq!((page.row.traffic.wanted, page.row.traffic.actual), (None, Some(100)));
    let revision = &page.revisions[0];
    assert_eq!((revision.role, revision.pods.len(), revision.number), (Role::Current, 1, 1));
    assert_eq!(page.served.unwrap().mode, ServedMode::Standard);
    // Another revision on its way, while its controller says that it is ready.
    told.tell(set(2, "b", (1, 0)));
    let page = told.page();
    assert_eq!(page.row.why.as_deref(), Some("3 old pods are still there"));
    assert_eq!(page.revisions.iter().map(|row| row.role).collect::<Vec<_>>(), [Role::Current, Role::Old]);
    let rows = project::delivery(&told.world, &FleetSpec::default()).rows;
    assert_eq!(rows.len(), 1);
}

#[test]
fn revisions_of_a_router_are_told_with_their_shares_also_where_their_sets_are_not() {
    let knative = |percent: u32, shares: &[(&str, u32)]| {
        service(ServedFact {
            mode: ServedMode::Knative,
            percent: Some(percent),
            created: Some("chat-predictor-00002".into()),
            ready: Some("chat-predictor-00002".into()),
            rolled_out: Some("chat-predictor-00001".into()),
            traffic: shares
                .iter()
                .map(|(name, percent)| TargetFact { revision: (*name).into(), percent: *percent })
                .collect(),
            ..ServedFact::default()
        })
    };
    let (new, old) = ("chat-predictor-00002", "chat-predictor-00001");
    let mut told = Told::new();
    told.tell(vec![knative(10, &[(new, 10), (old, 90)])]);
    let roles = |page: &RolloutView| -> Vec<(u64, Role, Option<u32>, usize)> {
        page.revisions.iter().map(|row| (row.number, row.role, row.weight_actual, row.pods.len())).collect()
    };
    assert_eq!(roles(&told.page()), [(2, Role::Canary, Some(10), 0), (1, Role::Stable, Some(90), 0)]);
    told.tell(set(2, new, (1, 1)));
    assert_eq!(roles(&told.page()), [(2, Role::Canary, Some(10), 1), (1, Role::Stable, Some(90), 0)]);
    assert_eq!(told.page().row.router.as_deref(), Some("Knative"));
    told.tell(vec![knative(50, &[(new, 10), (old, 90)])]);
    told.tell(vec![knative(50, &[(new, 50), (old, 50)])]);
    told.tell(vec![knative(0, &[(new, 0), (old, 100)])]);
    let titles = told.titles();
    for want in ["chat 10 % → 50 %", "chat 50 % → 0 %"] {
        assert!(titles.iter().any(|title| title == want), "{want}: {titles:?}");
    }
    assert_eq!(told.page().weights.len(), 4);
}

#[test]
fn a_listing_of_sets_that_names_none_takes_its_revisions_away() {
    let mut told = Told::new();
    told.tell(vec![service(ServedFact { mode: ServedMode::Standard, ..ServedFact::default() })]);
    told.tell(set(1, "a", (1, 1)));
    told.batch(Extent::Replace(Covers { kind: Kind::ReplicaSet, namespace: None }), Vec::new());
    assert!(told.page().revisions.is_empty());
    told.batch(Extent::Replace(Covers { kind: Kind::InferenceService, namespace: None }), Vec::new());
    assert!(project::delivery(&told.world, &FleetSpec::default()).rows.is_empty());
}

/// The service with canaries of these shares, of which the first is ready.
fn canaried(shares: &[(&str, u32)]) -> Fact {
    let Fact::Delivered(controller, fact) = service(ServedFact { mode: ServedMode::Standard, ..ServedFact::default() })
    else {
        unreachable!("it is delivered")
    };
    let canary = |(at, (name, percent)): (usize, &(&str, u32))| CanaryFact {
        name: (*name).into(),
        deployment: format!("chat-{name}-predictor").into(),
        percent: *percent,
        model: Some("hf://org/chat-2".into()),
        ready: Some(at == 0),
    };
    let canaries = shares.iter().enumerate().map(canary).collect();
    let StrategyFact::Served(served) = fact.strategy.clone() else { unreachable!("KServe keeps it") };
    let beside = CanariesFact { stable: "chat-predictor".into(), canaries };
    Fact::Delivered(
        controller,
        Box::new(DeliveryFact { strategy: StrategyFact::Canaried(served, Box::new(beside)), ..*fact }),
    )
}

#[test]
fn canaries_of_standard_mode_stand_beside_the_predictor_and_nobody_says_what_comes_to_them() {
    let mut told = Told::new();
    told.tell(vec![canaried(&[("v2", 25)])]);
    // Each Deployment numbers its own sets from 1.
    told.tell([set(1, "a", (3, 3)), set_of("chat-v2-predictor", 1, "b", (1, 1))].concat());
    let page = told.page();
    assert_eq!(page.row.why.as_deref(), Some("canary v2 of 25 % waits for a person"));
    assert_eq!((page.row.phase, page.row.strategy.as_str()), (DeliveryPhase::Paused, "canary"));
    assert_eq!((page.row.wanted, page.row.ready, page.row.updated), (Some(4), 4, 4));
    assert_eq!((page.row.traffic.wanted, page.row.traffic.actual), (Some(25), None));
    let rows = |page: &RolloutView| -> Vec<(String, Role, Option<u32>, Option<u32>)> {
        page.revisions.iter().map(|row| (row.title(), row.role, row.weight_wanted, row.weight_actual)).collect()
    };
    let [canary, stable] = ["v2, revision 1", "Revision 1"].map(str::to_owned);
    let mut seen = rows(&page);
    seen.sort();
    assert_eq!(seen, [(stable.clone(), Role::Stable, Some(75), None), (canary, Role::Canary, Some(25), None)]);
    let beside = page.served.unwrap().canaries;
    assert_eq!(beside[0].words(), "v2: 25 % wanted, ready, hf://org/chat-2");

    // One without a share has no pods, and is not waited for.
    told.tell(vec![canaried(&[("v2", 25), ("v3", 0)])]);
    assert_eq!(told.page().row.why.as_deref(), Some("canaries v2 of 25 %, v3 of 0 % wait for a person"));

    // A second one that is not ready, and another model for the first.
    told.tell(vec![canaried(&[("v2", 25), ("v3", 10)])]);
    told.tell(set_of("chat-v3-predictor", 1, "c", (1, 1)));
    let page = told.page();
    assert_eq!(page.row.why.as_deref(), Some("canary v3 is not ready"));
    assert_eq!(page.row.traffic.wanted, Some(35));
    told.tell(set_of("chat-v2-predictor", 2, "d", (1, 0)));
    let page = told.page();
    assert_eq!(
        (page.row.phase, page.row.why.as_deref()),
        (DeliveryPhase::Progressing, Some("1 old pods are still there"))
    );
    let of_first: Vec<_> = page
        .revisions
        .iter()
        .filter(|row| row.part.as_deref() == Some("v2"))
        .map(|row| (row.number, row.role))
        .collect();
    assert_eq!(of_first, [(2, Role::Canary), (1, Role::Old)]);

    // Taken out again, its predictor is alone.
    told.tell(vec![service(ServedFact { mode: ServedMode::Standard, ..ServedFact::default() })]);
    assert_eq!(told.page().row.strategy, "rolling");
}

#[test]
fn the_nodes_of_a_service_are_those_of_all_its_pods_and_not_of_the_shown_ones_alone() {
    let mut told = Told::new();
    told.tell(vec![service(ServedFact { mode: ServedMode::Standard, ..ServedFact::default() })]);
    let mut facts = set(1, "a", (120, 120));
    let Some(Fact::Pod(pod)) = facts.pop() else { unreachable!("a pod comes with its set") };
    facts.extend((0..120).map(|number| {
        let (name, node) = (format!("chat-{number}").into(), Some(format!("n-{number}").into()));
        Fact::Pod(Box::new(PodFact { name, node, ..(*pod).clone() }))
    }));
    told.tell(facts);
    let page = told.page();
    assert_eq!((page.revisions[0].pods.len(), page.revisions[0].pods_left_out), (50, 70));
    let object: ObjectRef = "workload:iad/serving/InferenceService/chat".parse().unwrap();
    assert_eq!(project::nodes_of(&told.world, &object).len(), 120);
}
