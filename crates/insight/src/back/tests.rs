//! Each thing that a way back needs: there, slow, missing, not known; and the grade that follows.

mod groups;
mod images;
mod traffic;

use super::{Around, asks_for_room, unlisted, way_back};
use crate::fixture::{NOW, Node, Pod, cluster, view};
use pilothouse_wire::{
    Code, ConnectionId, ModelId, ObjectRef, Problem, SmolStr,
    artifact::{Artifact, ArtifactKind, ArtifactRef, ReferrersBy},
    back::{
        Check, CheckState, Grade, Kept, Known, NamedObject, NodeImages, Placed, Replaces, Then, ThenImage, Toleration,
        Took, WayBack, Without,
    },
    plan::Deed,
    runs::VersionId,
    view::{
        AliasRow, ArtifactsView, ContainerImage, FleetView, ModelRow, ModelsView, NodeRow, Readiness, RepositoryId,
        RepositoryRow, VersionRow,
    },
};
use proptest::prelude::*;

const IMAGE: &str = "ghcr.io/team/chat:v1";

/// A way back that is ready; the tests change what matters.
struct Case {
    kept: Kept,
    then: Then,
    fleet: FleetView,
    artifacts: ArtifactsView,
    said: Vec<(ArtifactRef, Result<Artifact, Problem>)>,
    seen: Vec<ContainerImage>,
    models: ModelsView,
    versions: Vec<(VersionId, Result<bool, Problem>)>,
    took: Vec<u64>,
}

fn object() -> ObjectRef {
    ObjectRef::Workload(cluster(), "n".into(), "Deployment".into(), "chat".into())
}

fn registry() -> ConnectionId {
    ConnectionId::slug("ghcr")
}

fn asked(reference: &str) -> ArtifactRef {
    ArtifactRef { source: registry(), repository: "team/chat".into(), reference: reference.into() }
}

fn artifact(digest: &str) -> Artifact {
    Artifact {
        id: asked("v1"),
        host: "ghcr.io".into(),
        digest: digest.into(),
        media_type: "m".into(),
        artifact_type: None,
        kind: ArtifactKind::Image,
        size: Some(12_000_000_000),
        weights: None,
        config: None,
        says: Vec::new(),
        parts: Vec::new(),
        annotations: Vec::new(),
        subject: None,
        referrers: Vec::new(),
        referrers_by: ReferrersBy::Neither,
        problems: Vec::new(),
        read_at: NOW,
    }
}

/// A pod of the revision that runs at a digest.
fn runs(digest: &str) -> ContainerImage {
    ContainerImage { container: "engine".into(), image: IMAGE.into(), digest: Some(digest.into()), started: None }
}

fn gone() -> Problem {
    Problem::new(Code::NotFound, "team/chat has no v1 in ghcr.")
}

fn denied() -> Problem {
    Problem::new(Code::Denied, "iad is readable in part.").why("403 for user x: may not get secrets in n.")
}

fn named(kind: &str, name: &str, without: Without, there: Known) -> NamedObject {
    NamedObject { kind: kind.into(), name: name.into(), by: "volume v".to_owned(), without, there }
}

/// A model with one alias.
fn chat() -> ModelRow {
    ModelRow {
        id: ModelId { source: ConnectionId::slug("mlflow"), name: "chat".into() },
        created: None,
        updated: None,
        description: None,
        tags: Vec::new(),
        aliases: vec![AliasRow { name: "prod".into(), version: 7, since: None, seen: None, before: None }],
        versions: Vec::new(),
        more: 0,
    }
}

/// Two pods of two GPUs run on a node of eight.
fn fleet() -> FleetView {
    let node = Node::called("h-1").gpus(8).held(0..2, "chat-1").held(2..4, "chat-2");
    view([node], [Pod::called("chat-1").on("h-1").asks(2), Pod::called("chat-2").on("h-1").asks(2)])
}

/// The same on a node that is full with them.
fn full() -> FleetView {
    let node = Node::called("h-1").gpus(4).held(0..2, "chat-1").held(2..4, "chat-2");
    view([node], [Pod::called("chat-1").on("h-1").asks(2), Pod::called("chat-2").on("h-1").asks(2)])
}

impl Case {
    fn ready() -> Self {
        let then = Then {
            number: 2,
            kind: "ReplicaSet".into(),
            name: "chat-5d".into(),
            images: vec![ThenImage { container: "engine".into(), image: IMAGE.into(), always_pulled: false }],
            gpus: vec![("nvidia.com/gpu".into(), 2)],
            named: vec![named("Secret", "hf-token", Without::NoStart, Known::Yes)],
            api: ("apps/v1".into(), Known::Yes),
            ..Then::default()
        };
        let repository = RepositoryRow {
            id: RepositoryId { source: registry(), name: "team/chat".into() },
            hosts: vec!["ghcr.io".into()],
            watched: 1,
            more: false,
        };
        Self {
            kept: Kept {
                from: Some(3),
                deed: Deed::Undo(Some(2)),
                then: Err(gone()),
                wanted: 2,
                gpus: 2,
                workers: None,
                replaces: Replaces::Rolling { surge: 1, unavailable: 0 },
                paused: false,
                stops: None,
                last: None,
                traffic: None,
            },
            then,
            fleet: fleet(),
            artifacts: ArtifactsView { repositories: [repository].into_iter().collect(), ..ArtifactsView::default() },
            said: vec![(asked("v1"), Ok(artifact("sha256:aa")))],
            seen: vec![runs("sha256:aa")],
            models: ModelsView::default(),
            versions: Vec::new(),
            took: vec![9_000, 4_000],
        }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self::ready();
        change(&mut case);
        case
    }

    fn way(&self) -> WayBack {
        let kept = Kept { then: Ok(Box::new(self.then.clone())), ..self.kept.clone() };
        self.way_of(&kept)
    }

    fn way_of(&self, kept: &Kept) -> WayBack {
        let Self { fleet, artifacts, said, seen, models, versions, took, .. } = self;
        let are_read = fleet.clusters.get(&cluster()).is_some_and(|row| row.nodes.exact().is_some());
        let with_gpus: Vec<NodeRow> = fleet.nodes.rows().iter().filter(|row| !row.gpus.is_empty()).cloned().collect();
        let (nodes, pods) = (are_read.then_some(with_gpus.as_slice()), fleet.pods.rows());
        let around = Around { nodes, pods, artifacts, said, seen, models, versions, took, given: Err("") };
        way_back(&object(), kept, &around, NOW)
    }
}

/// The grade, and of one check its state and the beginning of its words.
#[track_caller]
fn check(change: impl FnOnce(&mut Case), what: &str, state: CheckState, words: &str, grade: Grade) {
    let way = Case::with(change).way();
    let found = way.checks.iter().find(|check| check.what == what);
    let Some(found) = found else { panic!("no {what}: {way:#?}") };
    assert!(found.words.starts_with(words), "{found:?}");
    assert_eq!((found.state, way.grade), (state, grade), "{way:#?}");
}

#[test]
fn what_has_all_that_it_needs_is_ready_and_says_how_each_is_known() {
    let way = Case::ready().way();
    assert_eq!((way.grade, way.from, way.to), (Grade::Ready, Some(3), Some(2)), "{way:#?}");
    let told: Vec<String> = way.checks.iter().map(|Check { what, words, .. }| format!("{what}: {words}")).collect();
    assert_eq!(
        told,
        [
            "Revision: Revision 2 is kept. Its pods are made anew.",
            "Image ghcr.io/team/chat:v1: ghcr has it at the digest that ran: sha256:aa.",
            "Secret hf-token: It is there.",
            "GPUs: 2 pods of 2 GPUs fit beside those that run; 1 comes at once.",
            "API: Deployment of apps/v1 is served.",
        ]
    );
    assert!(way.checks.iter().all(|check| !check.evidence.is_empty()));
    let want =
        Took::Between { least_ms: 4_000, most_ms: 9_000, evidence: "its last 2 changes, as they were seen".into() };
    assert_eq!((way.took, way.checked_at), (want, NOW));
}

#[test]
fn without_a_revision_nothing_is_possible_and_of_a_kind_that_we_do_not_know_nothing_is_known() {
    let case = Case::ready();
    let none = Problem::new(Code::NotFound, "there is no revision before this one.").next("Kept are 1.");
    let way = case.way_of(&Kept { then: Err(none), ..case.kept.clone() });
    assert_eq!((way.grade, way.to, way.checks.len()), (Grade::NotPossible, None, 1));
    assert_eq!(way.checks[0].evidence, "Kept are 1.");
    let unknown = Problem::new(Code::NotOffered, "Pilothouse knows no way back for Thing chat.");
    assert_eq!(case.way_of(&Kept { then: Err(unknown), ..case.kept.clone() }).grade, Grade::Unknown);
}

#[test]
fn how_pods_are_replaced_decides_whether_it_moves_at_all() {
    use CheckState::{Fails, Slow};
    let by = |replaces: Replaces| move |case: &mut Case| case.kept.replaces = replaces;
    check(|case| case.kept.paused = true, "Moves", Fails, "It is paused", Grade::NotPossible);
    check(by(Replaces::OnDelete), "Moves", Fails, "Its pods go back only", Grade::NotPossible);
    check(by(Replaces::InPlace { partition: 1 }), "Moves", Fails, "Its pods below number 1", Grade::NotPossible);
    check(by(Replaces::InPlace { partition: 2 }), "Moves", Fails, "None of its pods", Grade::NotPossible);
    check(by(Replaces::InPlace { partition: 0 }), "Moves", Slow, "Each pod ends", Grade::Slow);
    let steps = |case: &mut Case| case.kept.stops = Some("It goes by 4 steps.".to_owned());
    check(steps, "Moves", Slow, "It goes by 4 steps.", Grade::Slow);
    check(by(Replaces::AllAtOnce), "Moves", Slow, "All its pods end", Grade::Slow);
}

#[test]
fn what_pods_name_is_there_or_not_needed_or_missing_or_denied() {
    use CheckState::{Fails, Holds, Unknown};
    let of = |without: Without, there: Known| {
        move |case: &mut Case| case.then.named = vec![named("Secret", "hf-token", without, there)]
    };
    let problem = || Known::Unknown(Box::new(denied()));
    let what = "Secret hf-token";
    check(of(Without::NoStart, Known::No), what, Fails, "It is not there: pods would not start", Grade::NotPossible);
    check(of(Without::NoStart, problem()), what, Unknown, "Not known: 403 for user x: may not get", Grade::Unknown);
    check(of(Without::NoStart, Known::NotAsked), what, Unknown, "Nobody looked", Grade::Unknown);
    check(of(Without::PerhapsNoImage, Known::No), what, Unknown, "It is not there: whether images", Grade::Unknown);
    check(of(Without::Nothing, Known::No), what, Holds, "It is not there, and need not be", Grade::Ready);
    check(of(Without::Nothing, problem()), what, Holds, "It need not be there", Grade::Ready);
    check(|case| case.then.api.1 = Known::No, "API", Fails, "Deployment of apps/v1 is not served", Grade::NotPossible);
    check(|case| case.then.api.1 = problem(), "API", Unknown, "Not known", Grade::Unknown);
    check(|case| case.then.api.1 = Known::NotAsked, "API", Unknown, "Nobody looked", Grade::Unknown);
    check(|case| case.then.images.clear(), "Image", Unknown, "Which images", Grade::Unknown);
}

#[test]
fn where_all_pods_are_there_nothing_is_needed_that_only_starts_them() {
    let all = |case: &mut Case| {
        case.then.there = 2;
        case.then.named = vec![named("Secret", "hf-token", Without::NoStart, Known::No)];
        case.said = vec![(asked("v1"), Err(gone()))];
    };
    check(all, "Secret hf-token", CheckState::Moot, "It is not there", Grade::Ready);
    check(all, &format!("Image {IMAGE}"), CheckState::Moot, "ghcr has no team/chat:v1", Grade::Ready);
    let one_is_missing = |case: &mut Case| {
        all(case);
        case.then.there = 1;
    };
    check(one_is_missing, "Secret hf-token", CheckState::Fails, "It is not there", Grade::NotPossible);
    // What it moves by is needed all the same.
    let paused = |case: &mut Case| {
        all(case);
        case.kept.paused = true;
    };
    check(paused, "Moves", CheckState::Fails, "It is paused", Grade::NotPossible);
}

#[test]
fn the_address_of_a_model_leads_somewhere_or_nobody_can_say() {
    use CheckState::{Fails, Holds, Unknown};
    let model = |text: &'static str| {
        move |case: &mut Case| {
            case.then.models = vec![("an argument of engine".to_owned(), text.into())];
            case.models = ModelsView { models: [chat()].into_iter().collect() };
        }
    };
    check(
        model("models:/chat@prod"),
        "Model models:/chat@prod",
        Holds,
        "It leads to version 7 of chat now",
        Grade::Ready,
    );
    let gone = "models:/chat@gone";
    check(
        model(gone),
        &format!("Model {gone}"),
        Fails,
        "mlflow says that models:/chat@gone leads to no version now.",
        Grade::NotPossible,
    );
    let other = "models:/other@prod";
    check(
        model(other),
        &format!("Model {other}"),
        Unknown,
        "No registry that is connected has a model other.",
        Grade::Unknown,
    );
    let none = |case: &mut Case| {
        model("models:/chat@prod")(case);
        case.models = ModelsView::default();
    };
    check(none, "Model models:/chat@prod", Unknown, "No registry of models is read.", Grade::Unknown);
}

#[test]
fn a_version_that_is_not_among_those_that_are_read_is_there_or_not_by_the_word_of_its_registry_alone() {
    use CheckState::{Fails, Holds, Unknown};
    let id = |number: u64| VersionId { model: chat().id, number };
    let version = |number: u64, stage: Option<&str>| VersionRow {
        number,
        created: None,
        updated: None,
        stage: stage.map(SmolStr::new),
        readiness: Readiness::Ready,
        message: None,
        description: None,
        source: None,
        run: None,
        model: None,
        user: None,
        tags: Vec::new(),
    };
    // The newest two of nine are read.
    let named = |text: &'static str, said: Option<Result<bool, Problem>>| {
        move |case: &mut Case| {
            case.then.models = vec![("an argument of engine".to_owned(), text.into()); 2];
            let versions = vec![version(9, Some("Production")), version(8, None)];
            case.models = ModelsView { models: [ModelRow { versions, more: 7, ..chat() }].into_iter().collect() };
            assert_eq!(unlisted(&case.then, &case.models), if text == "models:/chat/3" { vec![id(3)] } else { vec![] });
            case.versions = said.map(|said| (id(3), said)).into_iter().collect();
        }
    };
    let (text, what) = ("models:/chat/3", "Model models:/chat/3");
    check(named(text, Some(Ok(true))), what, Holds, "mlflow has version 3 of chat", Grade::Ready);
    check(named(text, Some(Ok(false))), what, Fails, "mlflow says that there is no version 3", Grade::NotPossible);
    let silent = || Problem::new(Code::TimedOut, "mlflow did not answer within 12 s.");
    let words =
        "It is not among the 2 versions that are read of chat, and whether it is there is not known: mlflow did";
    check(named(text, Some(Err(silent()))), what, Unknown, words, Grade::Unknown);
    let words = "It is not among the 2 versions that are read of chat, and nobody asked for it.";
    check(named(text, None), what, Unknown, words, Grade::Unknown);
    // Also where all of its versions were read: that may be a while ago.
    let all_read = |case: &mut Case| {
        named(text, None)(case);
        case.models = ModelsView { models: [chat()].into_iter().collect() };
    };
    check(all_read, what, Unknown, "It is not among the 0 versions that are read of chat", Grade::Unknown);
    check(named("models:/chat/8", None), "Model models:/chat/8", Holds, "It leads to version 8 of chat.", Grade::Ready);
    // A stage may be that of one that is not read.
    let staged = "Model models:/chat/Staging";
    let words = "None of the 2 versions that are read of chat has that stage; 7 more are not read.";
    check(named("models:/chat/Staging", None), staged, Unknown, words, Grade::Unknown);
    let production = "Model models:/chat/Production";
    check(named("models:/chat/Production", None), production, Holds, "It leads to version 9", Grade::Ready);
}

#[test]
fn nodes_are_asked_for_only_where_what_is_free_on_them_decides() {
    let asks = |change: fn(&mut Case)| {
        let case = Case::with(change);
        asks_for_room(&Kept { then: Ok(Box::new(case.then.clone())), ..case.kept.clone() })
    };
    assert!(asks(|_| ()));
    assert!(!asks(|case| case.then.gpus.clear()), "its pods ask for no GPU");
    assert!(!asks(|case| case.then.there = 2), "all its pods are there");
    assert!(!asks_for_room(&Case::ready().kept), "there is no revision");
}

#[test]
fn room_is_what_is_free_where_its_pods_may_be_and_what_ends_first() {
    use CheckState::{Fails, Holds, Slow, Unknown};
    let rolling = |surge: u64, unavailable: u64| Replaces::Rolling { surge, unavailable };
    let in_full = |replaces: Replaces| {
        move |case: &mut Case| {
            case.fleet = full();
            case.kept.replaces = replaces;
        }
    };
    check(in_full(rolling(1, 0)), "GPUs", Fails, "No pod of 2 GPUs fits, and no pod may end", Grade::NotPossible);
    check(in_full(rolling(1, 1)), "GPUs", Slow, "No pod of 2 GPUs fits: 1 pod ends before", Grade::Slow);
    check(in_full(rolling(0, 1)), "GPUs", Slow, "A pod ends before the one in its place begins", Grade::Slow);
    check(
        |case| case.kept.replaces = rolling(0, 1),
        "GPUs",
        Slow,
        "A pod ends before the one in its place",
        Grade::Slow,
    );
    check(in_full(Replaces::BesideIt), "GPUs", Fails, "No pod of 2 GPUs fits, and no pod may end", Grade::NotPossible);
    check(in_full(Replaces::AllAtOnce), "GPUs", Holds, "A pod that ends frees the 2 GPUs", Grade::Slow);
    // What ends frees less than what comes takes.
    let larger = |case: &mut Case| {
        in_full(rolling(1, 1))(case);
        case.then.gpus = vec![("nvidia.com/gpu".into(), 3)];
    };
    check(larger, "GPUs", Unknown, "No pod of 3 GPUs fits, and one that ends frees 2", Grade::Unknown);
    // A pod that is not ready ends first, whatever else may not.
    let broken = |case: &mut Case| {
        let node = Node::called("h-1").gpus(4).held(0..2, "chat-1").held(2..4, "chat-2");
        case.fleet = view(
            [node],
            [Pod::called("chat-1").on("h-1").asks(2), Pod::called("chat-2").on("h-1").not_ready(9).asks(2)],
        );
    };
    check(broken, "GPUs", Slow, "No pod of 2 GPUs fits: 1 pod ends", Grade::Slow);
    let there = |case: &mut Case| {
        case.fleet = full();
        case.then.there = 2;
    };
    check(there, "GPUs", Holds, "All 2 pods of it are there", Grade::Ready);
    check(|case| case.then.gpus.clear(), "GPUs", Holds, "Its pods ask for no GPU", Grade::Ready);
    let many = |case: &mut Case| (case.kept.wanted, case.kept.replaces) = (9, rolling(3, 0));
    check(many, "GPUs", Slow, "2 pods of 2 GPUs fit, and 3 would come at once", Grade::Slow);
    // A whole set that does not fit as a whole never serves.
    let beside = |case: &mut Case| (case.kept.wanted, case.kept.replaces) = (3, Replaces::BesideIt);
    check(beside, "GPUs", Fails, "2 pods of 2 GPUs fit, and 3 have to be there", Grade::NotPossible);

    let on = |nodes: &[&str]| Some(nodes.iter().map(SmolStr::new).collect());
    check(|case| case.then.placed.on = on(&["h-2"]), "GPUs", Fails, "No pod of 2 GPUs fits", Grade::NotPossible);
    check(|case| case.then.placed.on = on(&["h-1"]), "GPUs", Holds, "2 pods of 2 GPUs fit", Grade::Ready);
    let tainted = |tolerates: Vec<Toleration>| {
        move |case: &mut Case| {
            let mut node = Node::called("h-1").gpus(8);
            node.row.taints = vec!["team=a:NoSchedule".into(), "soft:PreferNoSchedule".into()];
            case.fleet = view([node], []);
            case.then.placed = Placed { tolerates, ..Placed::default() };
        }
    };
    check(tainted(vec![]), "GPUs", Fails, "No pod of 2 GPUs fits", Grade::NotPossible);
    check(tainted(vec![Toleration::default()]), "GPUs", Holds, "4 pods of 2 GPUs fit", Grade::Ready);
    let cordoned = |case: &mut Case| case.fleet = view([Node::called("h-1").gpus(8).cordoned()], []);
    check(cordoned, "GPUs", Fails, "No pod of 2 GPUs fits", Grade::NotPossible);
    let unread = |case: &mut Case| case.then.placed.unread = vec!["a required node affinity".into()];
    check(unread, "GPUs", Unknown, "2 pods of 2 GPUs fit, and a required node affinity is not read", Grade::Unknown);
    let early = |case: &mut Case| {
        let mut node = Node::called("h-1").gpus(8);
        node.row.holders_known = false;
        case.fleet = view([node], []);
    };
    check(early, "GPUs", Unknown, "How many GPUs are free is not known", Grade::Unknown);
    check(|case| case.fleet = FleetView::default(), "GPUs", Unknown, "How many GPUs are free", Grade::Unknown);
}

#[test]
fn the_time_is_by_what_was_seen_else_by_what_the_server_keeps_else_unknown() {
    let took = |change: fn(&mut Case)| Case::with(change).way().took.words();
    assert_eq!(took(|case| case.took = vec![5_000]), "about 5 s, by its last change, as it was seen");
    let kept = took(|case| {
        case.took.clear();
        case.kept.last = Some((NOW.minus(std::time::Duration::from_secs(42)), NOW));
    });
    assert_eq!(kept, "about 42 s, by its last change, as its server keeps it");
    assert_eq!(took(|case| case.took.clear()), "unknown: no change of it was seen from begin to end");
}

proptest! {
    /// What is free never makes a way back worse, and whatever is read is graded.
    #[test]
    fn more_room_is_never_worse(
        gpus in 1_u64..=8, wanted in 0_u64..=9, surge in 0_u64..=4, unavailable in 0_u64..=4, each in 1_u64..=8, free in 1_u16..=8,
    ) {
        let case = |free: u16| Case::with(|case| {
            case.kept.gpus = gpus;
            case.kept.wanted = wanted;
            case.kept.replaces = Replaces::Rolling { surge, unavailable };
            case.then.gpus = vec![("nvidia.com/gpu".into(), each)];
            case.fleet = view([Node::called("h-1").gpus(free)], []);
        }).way().grade;
        let rank = |grade: Grade| match grade {
            Grade::NotPossible => 0,
            Grade::Unknown => 1,
            Grade::Slow => 2,
            Grade::Ready => 3,
        };
        prop_assert!(rank(case(free + 1)) >= rank(case(free)));
    }
}
