//! Shares of traffic and who keeps a service, out of the facts: routes joined to services by labels, from both sides; what
//! cannot be joined, with why; what moved; applications, also of another cluster.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "traffic/kept.rs"]
mod kept;

use pilothouse_wire::{
    ConnectionId, NodeId, ObjectRef, PodId, SmolStr, Stamp, When,
    view::{
        DeliveryPhase, DeliveryRow, Finding, FindingId, FleetSpec, Mark, MarkKind, Status,
        delivery::{ServedMode, ShareRow},
    },
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        BackendFact, ControllerFact, Covers, DeliveryFact, Kind, OwnerFact, ParentFact, PodFact, PodsFact,
        RevisionFact, RolloutFact, RouteFact, RuleFact, ServedFact, ShareFact, SizeFact, StatedFact, StrategyFact,
        WriteFact,
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
        Self { world: World::default(), now: Stamp(BEGAN) }
    }

    fn of(&mut self, source: &str, extent: Extent, facts: Vec<Fact>) {
        self.now = self.now.plus(Duration::from_secs(10));
        self.world.apply(Batch { source: ConnectionId::slug(source), seen_at: self.now, extent, facts });
    }

    fn tell(&mut self, facts: Vec<Fact>) {
        self.of("iad", Extent::Delta, facts);
    }

    fn list(&mut self, kind: Kind, facts: Vec<Fact>) {
        self.of("iad", Extent::Replace(Covers { kind, namespace: None }), facts);
    }

    fn row(&self, kind: &str, name: &str) -> DeliveryRow {
        let view = project::delivery(&self.world, &FleetSpec::default());
        view.rows.get(&object(kind, name)).cloned().unwrap()
    }

    fn marks(&self, kind: MarkKind) -> Vec<Mark> {
        let ribbon = project::ribbon(&self.world, Duration::from_secs(86_400), When::Now, self.now);
        ribbon.marks.rows().iter().filter(|mark| mark.key.kind == kind).cloned().collect()
    }
}

fn object(kind: &str, name: &str) -> ObjectRef {
    format!("workload:iad/serving/{kind}/{name}").parse().unwrap()
}

fn controller(kind: &str, name: &str) -> Box<ControllerFact> {
    let (kind, namespace, name) = (kind.into(), "serving".into(), name.into());
    Box::new(ControllerFact { kind, namespace, name, ..ControllerFact::default() })
}

fn pairs(all: &[(&str, &str)]) -> Vec<(SmolStr, SmolStr)> {
    all.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn workload(kind: &str, name: &str, labels: &[(&str, &str)]) -> Fact {
    let delivery = DeliveryFact {
        strategy: StrategyFact::Rolling { partition: 0 },
        observed: Some(0),
        pods: PodsFact { all: 1, updated: 1, ready: 1, available: 1 },
        ..DeliveryFact::default()
    };
    Fact::Labelled(controller(kind, name), Box::new(delivery), pairs(labels))
}

fn backend(kind: &str, name: &str, selector: &[(&str, &str)], hash: Option<&str>) -> Fact {
    Fact::Backend(Box::new(BackendFact {
        of: OwnerFact { kind: kind.into(), name: name.into() },
        namespace: "serving".into(),
        selector: pairs(selector),
        hash: hash.map(SmolStr::new),
        wrong: Vec::new(),
    }))
}

fn share(kind: &str, name: &str, weight: u32) -> ShareFact {
    ShareFact { to: OwnerFact { kind: kind.into(), name: name.into() }, weight, ..ShareFact::default() }
}

fn route_of(kind: &str, parent: (&str, &str), backends: Vec<ShareFact>) -> Fact {
    let accepted = StatedFact { kind: "Accepted".into(), status: "True".into(), ..StatedFact::default() };
    let parent = ParentFact {
        of: OwnerFact { kind: parent.0.into(), name: parent.1.into() },
        conditions: vec![accepted],
        ..ParentFact::default()
    };
    let rule = RuleFact { matches: vec!["paths below /v1".into()], backends, ..RuleFact::default() };
    let route = RouteFact { parents: vec![parent], rules: vec![rule], ..RouteFact::default() };
    let delivery = DeliveryFact {
        strategy: StrategyFact::Routed(Box::new(route)),
        observed: Some(0),
        written: Some(Stamp(BEGAN)),
        ..DeliveryFact::default()
    };
    let mut of = controller(kind, "chat");
    of.writes = vec![WriteFact { by: "ann".into(), at: Some(Stamp(BEGAN)), scaled: false }];
    Fact::Delivered(of, Box::new(delivery))
}

fn route(backends: Vec<ShareFact>) -> Fact {
    route_of("HTTPRoute", ("Gateway", "front"), backends)
}

fn split(stable: u32, canary: u32) -> Fact {
    route(vec![share("Service", "stable", stable), share("Service", "canary", canary)])
}

fn words(row: &DeliveryRow) -> Vec<String> {
    let one = |share: &ShareRow| {
        let to: Vec<String> = share.to.iter().map(|of| format!("{} {}", of.kind_word(), of.name())).collect();
        format!("{} to [{}] {}", share.words(), to.join(", "), share.unknown.clone().unwrap_or_default())
            .trim_end()
            .to_owned()
    };
    row.shares.iter().map(one).collect()
}

#[test]
fn a_route_is_joined_to_who_stands_behind_its_services_from_both_sides() {
    let mut told = Told::new();
    told.tell(vec![
        workload("Deployment", "old", &[("app", "chat"), ("track", "stable")]),
        workload("Deployment", "new", &[("app", "chat"), ("track", "canary")]),
        backend("Service", "stable", &[("app", "chat"), ("track", "stable")], None),
        backend("Service", "canary", &[("track", "canary")], None),
        split(90, 10),
    ]);
    let row = told.row("HTTPRoute", "chat");
    assert_eq!(words(&row), ["stable 90 % to [Deployment old]", "canary 10 % to [Deployment new]"]);
    assert_eq!(
        (row.phase, row.strategy.as_str(), row.is_route(), row.has_pods()),
        (DeliveryPhase::Healthy, "weights", true, false)
    );
    assert_eq!(row.shares[0].rule_words, "paths below /v1");
    let new = told.row("Deployment", "new");
    assert_eq!((new.wanted_words(), new.is_route()), ("10 %".to_owned(), false));
    assert_eq!(new.share_words().as_deref(), Some("10 % of HTTPRoute chat"));
    // One Service may choose the pods of several.
    told.tell(vec![backend("Service", "canary", &[("app", "chat")], None)]);
    assert_eq!(words(&told.row("HTTPRoute", "chat"))[1], "canary 10 % to [Deployment new, Deployment old]");
    assert_eq!(told.row("Deployment", "old").shares.len(), 2);
    // With the route goes what it gave.
    told.tell(vec![Fact::ControllerGone("HTTPRoute".into(), "serving".into(), "chat".into())]);
    assert!(told.row("Deployment", "new").shares.is_empty());
}

/// What is wrong with a node on which these pods are.
fn finding(pods: &[&str]) -> Finding {
    let cluster = ConnectionId::slug("iad");
    let node = NodeId { cluster: cluster.clone(), name: "h-1".into() };
    let pod = |name: &&str| PodId { cluster: cluster.clone(), namespace: "serving".into(), name: (*name).into() };
    Finding {
        id: FindingId { object: ObjectRef::Node(node.clone()), rule: "xid-79".into() },
        status: Status::Bad,
        word: "XID 79".into(),
        claim: String::new(),
        since: None,
        evidence: String::new(),
        action: String::new(),
        command: None,
        node,
        gpus: vec![0],
        pods: pods.iter().map(pod).collect(),
        workloads: Vec::new(),
        services: Vec::new(),
    }
}

#[test]
fn pods_that_are_hit_name_the_services_that_choose_them_and_no_others() {
    let mut told = Told::new();
    let (app, track) = (("app", "chat"), ("track", "canary"));
    let pod = |name: &str, controller: &str, hash: Option<&str>| {
        let owners = vec![OwnerFact { kind: "Rollout".into(), name: controller.into() }];
        Fact::Pod(Box::new(PodFact {
            namespace: "serving".into(),
            name: name.into(),
            owners,
            template_hash: hash.map(SmolStr::from),
            ..PodFact::default()
        }))
    };
    told.tell(vec![
        workload("Rollout", "chat", &[app, track]),
        workload("Rollout", "embed", &[("app", "embed")]),
        backend("Service", "all", &[app], None),
        backend("Service", "stable", &[app], Some("s1")),
        backend("Service", "canary", &[app, track], Some("c1")),
        backend("Service", "other", &[("app", "other")], None),
        backend("Service", "bare", &[], None),
        backend("InferencePool", "pool", &[track], None),
        pod("chat-1", "chat", Some("s1")),
        pod("chat-2", "chat", Some("c1")),
        pod("embed-1", "embed", None),
        pod("alone", "nobody", None),
    ]);
    for (pods, want) in [
        (&["chat-1"][..], &["InferencePool serving/pool", "Service serving/all", "Service serving/stable"][..]),
        (&["chat-2"], &["InferencePool serving/pool", "Service serving/all", "Service serving/canary"]),
        (&["embed-1", "alone", "gone"], &[]),
    ] {
        assert_eq!(project::services_hit(&told.world, &finding(pods)), want, "{pods:?}");
    }
}

#[test]
fn what_cannot_be_joined_says_why() {
    let mut told = Told::new();
    told.tell(vec![
        workload("Deployment", "old", &[("app", "chat")]),
        backend("Service", "outside", &[], None),
        backend("Service", "nobody", &[("app", "other")], None),
        route(vec![
            share("Service", "gone", 1),
            share("Service", "outside", 1),
            share("Service", "nobody", 1),
            share("Thing", "x", 1),
        ]),
    ]);
    let why = |told: &Told| -> Vec<String> {
        told.row("HTTPRoute", "chat").shares.iter().filter_map(|share| share.unknown.clone()).collect()
    };
    let rest = [
        "Service outside chooses its pods by no label",
        "no service has pods with app=other",
        "who stands behind a Thing is not looked into",
    ];
    let with = |first: &str| [first].into_iter().chain(rest).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(why(&told), with("Service gone is not read here"));
    let kept = ["outside", "nobody"]
        .map(|name| backend("Service", name, if name == "nobody" { &[("app", "other")] } else { &[] }, None));
    told.list(Kind::Service, kept.to_vec());
    assert_eq!(why(&told), with("there is no Service gone in serving"));
    // A pool that is not well says so beside who stands behind it.
    let wrong = StatedFact {
        kind: "ResolvedRefs".into(),
        status: "False".into(),
        reason: Some("InvalidExtensionRef".into()),
        message: Some("no picker".into()),
        since: None,
    };
    let pool = BackendFact {
        of: OwnerFact { kind: "InferencePool".into(), name: "llama".into() },
        namespace: "serving".into(),
        selector: pairs(&[("app", "chat")]),
        hash: None,
        wrong: vec![wrong],
    };
    told.tell(vec![Fact::Backend(Box::new(pool)), route(vec![share("InferencePool", "llama", 1)])]);
    let row = told.row("HTTPRoute", "chat");
    assert_eq!(
        words(&row),
        [
            "llama 100 % to [Deployment old] InferencePool llama says ResolvedRefs is False: InvalidExtensionRef: no picker"
        ]
    );
}

#[test]
fn a_rollouts_services_name_its_revisions_and_groups_are_chosen_by_their_own_labels() {
    let mut told = Told::new();
    let delivery = DeliveryFact {
        strategy: StrategyFact::Canary { steps: Vec::new(), router: Some("plugins".into()), whole: 100 },
        current: Some("bbb".into()),
        stable: Some("aaa".into()),
        rollout: Some(Box::new(RolloutFact {
            template_of: Some(OwnerFact { kind: "Deployment".into(), name: "lent".into() }),
            ..RolloutFact::default()
        })),
        ..DeliveryFact::default()
    };
    let revision = |number, hash: &str| {
        Fact::SizedRevision(
            Box::new(RevisionFact {
                namespace: "serving".into(),
                name: format!("chat-{hash}").into(),
                owner: OwnerFact { kind: "Rollout".into(), name: "chat".into() },
                number,
                ..RevisionFact::default()
            }),
            SizeFact { hash: hash.into(), ..SizeFact::default() },
        )
    };
    told.tell(vec![
        // Its pods are made by the template of another.
        workload("Deployment", "lent", &[("app", "chat")]),
        Fact::Labelled(controller("Rollout", "chat"), Box::new(delivery), Vec::new()),
        revision(1, "aaa"),
        revision(2, "bbb"),
        backend("Service", "stable", &[("app", "chat")], Some("aaa")),
        backend("Service", "canary", &[("app", "chat")], Some("bbb")),
        split(80, 20),
        workload("LeaderWorkerSet", "llama", &[("role", "leader")]),
        backend("Service", "llama", &[("leaderworkerset.sigs.k8s.io/name", "llama"), ("role", "leader")], None),
    ]);
    let shares = told.row("Rollout", "chat").shares;
    let of: Vec<_> = shares.iter().map(|share| (share.backend.as_str(), share.revision)).collect();
    assert_eq!(of, [("stable", Some(1)), ("canary", Some(2))]);
    assert_eq!(shares[1].words_of_receiver(), "20 % of HTTPRoute chat for revision 2");
    told.tell(vec![route(vec![share("Service", "llama", 1)])]);
    assert_eq!(words(&told.row("HTTPRoute", "chat")), ["llama 100 % to [LeaderWorkerSet llama]"]);
}

#[test]
fn models_of_a_pool_are_shares_of_who_stands_behind_the_pool() {
    let mut told = Told::new();
    told.tell(vec![
        workload("Deployment", "old", &[("app", "chat")]),
        backend("InferencePool", "llama", &[("app", "chat")], None),
        route_of(
            "InferenceModelRewrite",
            ("InferencePool", "llama"),
            vec![share("Model", "v1", 3), share("Model", "v2", 1)],
        ),
    ]);
    let row = told.row("InferenceModelRewrite", "chat");
    assert_eq!(words(&row), ["v1 75 % to [Deployment old]", "v2 25 % to [Deployment old]"]);
}

#[test]
fn shares_that_move_are_a_change_and_other_weights_of_the_same_shares_are_none() {
    let mut told = Told::new();
    told.list(Kind::HttpRoute, vec![split(90, 10)]);
    assert!(told.marks(MarkKind::Weight).is_empty(), "what was there before is no news");
    told.tell(vec![split(9, 1)]);
    assert!(told.marks(MarkKind::Weight).is_empty());
    let Fact::Delivered(mut of, fact) = split(1, 1) else { unreachable!("a route is delivered") };
    of.writes[0].at = Some(Stamp(BEGAN + 20_000));
    told.tell(vec![Fact::Delivered(of, fact)]);
    let marks = told.marks(MarkKind::Weight);
    assert_eq!(marks[0].title, "chat: stable 90 % → 50 %, canary 10 % → 50 %");
    assert_eq!((marks[0].by.as_deref(), marks[0].rebuilt, marks.len()), (Some("ann"), false, 1));
    // What it gave to whom before is in the world of the moment before it was heard, whenever it was written.
    assert_eq!(project::weighed(&told.world, &object("HTTPRoute", "chat")), Some(told.now));
    assert_eq!(project::weighed(&told.world, &object("HTTPRoute", "other")), None);
}

#[test]
fn a_route_gets_to_a_service_of_kserve_by_the_labels_of_its_part() {
    let mut told = Told::new();
    let served = DeliveryFact {
        strategy: StrategyFact::Served(Box::new(ServedFact { mode: ServedMode::Standard, ..ServedFact::default() })),
        ..DeliveryFact::default()
    };
    let of = OwnerFact { kind: "InferenceService".into(), name: "chat".into() };
    let labels = [("app", "isvc.chat-predictor"), ("component", "predictor")];
    told.tell(vec![
        Fact::Part(controller("Deployment", "chat-predictor"), of, pairs(&labels)),
        Fact::Delivered(controller("InferenceService", "chat"), Box::new(served)),
        backend("Service", "stable", &[("app", "isvc.chat-predictor")], None),
        backend("Service", "canary", &[("app", "other")], None),
        split(90, 10),
    ]);
    let row = told.row("HTTPRoute", "chat");
    assert_eq!(words(&row)[0], "stable 90 % to [InferenceService chat]");
    assert_eq!(told.row("InferenceService", "chat").shares.len(), 1);
}

#[test]
fn who_wrote_before_did_not_move_what_moves_now() {
    let mut told = Told::new();
    told.tell(vec![split(90, 10)]);
    // The same write stands there still: somebody moved it who is not told of.
    told.tell(vec![split(80, 20)]);
    assert_eq!(told.marks(MarkKind::Weight).iter().map(|mark| mark.by.clone()).collect::<Vec<_>>(), [None]);
}

#[test]
fn a_share_says_for_which_hosts_its_route_is() {
    let mut told = Told::new();
    told.tell(vec![split(90, 10)]);
    assert_eq!(told.row("HTTPRoute", "chat").shares[0].rule_words, "paths below /v1");
    let Fact::Delivered(controller, mut fact) = split(90, 10) else { unreachable!("it is delivered") };
    let StrategyFact::Routed(route) = &mut fact.strategy else { unreachable!("it is a route") };
    route.hosts = vec!["chat.example".into(), "*.chat.example".into()];
    told.tell(vec![Fact::Delivered(controller, fact)]);
    assert_eq!(told.row("HTTPRoute", "chat").shares[0].rule_words, "chat.example, *.chat.example: paths below /v1");
}
