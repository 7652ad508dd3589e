//! Services in the world: what their facts make of rows, of the ribbon, and of a page; what goes with what.
#![allow(clippy::unwrap_used, reason = "tests")]

use pilothouse_wire::{
    ConnectionId, ObjectRef, Reading, ServingEngine, ServingMetric, SmolStr, Stamp,
    view::{
        AnalysisPhase, AnalysisVerdict, DeliveryPhase, FleetSpec, MarkKind, MeasurementRow, Occasion, ServingRow, Step,
        delivery::{DeliveryView, Left, Role, StepState, Wait},
    },
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        AnalysisFact, ContainerFact, ControllerFact, CountsFact, Covers, DeliveryFact, ExperimentFact, Kind,
        MetricFact, OwnerFact, Phase, PodFact, PodsFact, Probed, RevisionFact, RolloutFact, ServingFact,
        ServingPodFact, SizeFact, SourceFact, StrategyFact,
    },
    project,
};
use proptest::prelude::*;
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
        for kind in [Kind::Pod, Kind::ReplicaSet, Kind::Deployment, Kind::StatefulSet, Kind::Rollout, Kind::Analysis] {
            told.listing(kind, Vec::new());
        }
        told
    }

    fn batch(&mut self, extent: Extent, facts: Vec<Fact>) {
        self.now = self.now.plus(Duration::from_secs(10));
        let source = ConnectionId::slug("iad");
        self.world.apply(Batch { source, seen_at: self.now, extent, facts });
    }

    fn tell(&mut self, facts: Vec<Fact>) {
        self.batch(Extent::Delta, facts);
    }

    fn listing(&mut self, kind: Kind, facts: Vec<Fact>) {
        self.batch(Extent::Replace(Covers { kind, namespace: None }), facts);
    }

    fn view(&self) -> DeliveryView {
        project::delivery(&self.world, &FleetSpec::default())
    }

    fn titles(&self) -> Vec<String> {
        let ribbon = project::ribbon(&self.world, Duration::from_secs(86_400), pilothouse_wire::When::Now, self.now);
        let kinds = [MarkKind::Step, MarkKind::Weight, MarkKind::Phase, MarkKind::Analysis];
        let marks = ribbon.marks.rows().iter().filter(|mark| kinds.contains(&mark.key.kind));
        marks.map(|mark| mark.title.clone()).collect()
    }
}

fn chat() -> ObjectRef {
    "workload:iad/serving/Rollout/chat".parse().unwrap()
}

/// The Rollout `chat` at a step, in a phase, with this revision wanted; stable is `a`.
fn rollout(step: u32, phase: &str, current: &str) -> Fact {
    let steps = vec![Step::Weight(20), Step::Pause(Wait::ForPerson), Step::Analysis(vec!["ttft".into()])];
    let (controller, stable) = (controller(), if current == "b" && step == 3 { "b" } else { "a" });
    let delivery = DeliveryFact {
        strategy: StrategyFact::Canary { steps, router: None, whole: 100 },
        generation: 1,
        observed: Some(1),
        pods: PodsFact { all: 5, updated: 1, ready: 5, available: 5 },
        current: Some(current.into()),
        stable: Some(stable.into()),
        rollout: Some(Box::new(RolloutFact {
            phase: Some(phase.into()),
            message: (phase == "Degraded").then(|| "RolloutAborted".to_owned()),
            step: Some(step),
            aborted: phase == "Degraded",
            ..RolloutFact::default()
        })),
        ..DeliveryFact::default()
    };
    Fact::Delivered(Box::new(controller), Box::new(delivery))
}

fn controller() -> ControllerFact {
    ControllerFact {
        kind: "Rollout".into(),
        namespace: "serving".into(),
        name: "chat".into(),
        replicas: Some(5),
        ..ControllerFact::default()
    }
}

fn revision(number: u64, hash: &str, available: u64) -> Fact {
    let fact = RevisionFact {
        namespace: "serving".into(),
        name: format!("chat-{hash}").into(),
        owner: OwnerFact { kind: "Rollout".into(), name: "chat".into() },
        number,
        created: Some(Stamp(BEGAN)),
        images: vec![("server".into(), format!("vllm:{number}").into())],
    };
    let size = SizeFact {
        hash: hash.into(),
        wanted: available,
        all: available,
        ready: available,
        available,
        gpus: 8,
        goes_at: None,
    };
    Fact::SizedRevision(Box::new(fact), size)
}

fn pod(name: &str, set: &str, restarts: u32) -> Fact {
    Fact::Pod(Box::new(PodFact {
        namespace: "serving".into(),
        name: name.into(),
        uid: name.into(),
        owners: vec![OwnerFact { kind: "ReplicaSet".into(), name: set.into() }],
        node: Some("h100-1".into()),
        phase: Phase::Running,
        gpus: vec![("nvidia.com/gpu".into(), 8)],
        containers: vec![ContainerFact { ready: true, restarts, ..ContainerFact::default() }],
        ..PodFact::default()
    }))
}

fn analysis(phase: AnalysisPhase, values: &[&str]) -> Fact {
    let measured = |value: &&str| MeasurementRow {
        phase: AnalysisPhase::Failed,
        value: Some((*value).to_owned()),
        ..MeasurementRow::default()
    };
    let metric = MetricFact {
        name: "ttft".into(),
        success: Some("result[0] <= 800".into()),
        phase,
        counted: CountsFact { failed: values.len() as u64, ..CountsFact::default() },
        measurements: values.iter().map(measured).collect(),
        ..MetricFact::default()
    };
    Fact::Analysis(Box::new(AnalysisFact {
        namespace: "serving".into(),
        name: "chat-b-2".into(),
        owner: Some(OwnerFact { kind: "Rollout".into(), name: "chat".into() }),
        hash: Some("b".into()),
        occasion: Occasion::Step,
        step: Some(2),
        phase,
        metrics: vec![metric],
        ..AnalysisFact::default()
    }))
}

#[test]
fn a_canary_is_followed_from_step_to_step_and_stands_on_the_ribbon() {
    let mut told = Told::new();
    told.tell(vec![revision(1, "a", 5), rollout(3, "Healthy", "a")]);
    assert_eq!(told.titles(), Vec::<String>::new(), "what is seen first did not change");
    told.tell(vec![revision(2, "b", 0), rollout(0, "Progressing", "b")]);
    told.tell(vec![revision(2, "b", 1), rollout(1, "Paused", "b"), pod("chat-b-x", "chat-b", 2)]);
    let row = told.view().rows.get(&chat()).cloned().unwrap();
    assert_eq!((row.phase, row.step_words().as_deref()), (DeliveryPhase::Paused, Some("1 of 3")));
    assert_eq!((row.traffic.wanted, row.traffic.actual), (Some(20), Some(20)));
    assert_eq!((row.revision, row.stable, row.gpus), (Some(2), Some(1), 8));
    told.tell(vec![analysis(AnalysisPhase::Running, &[]), rollout(2, "Progressing", "b")]);
    told.tell(vec![analysis(AnalysisPhase::Failed, &["[1142]"]), rollout(2, "Degraded", "b")]);
    // Of one moment they stand in the order of their kinds.
    assert_eq!(
        told.titles(),
        [
            "chat 0 % → 20 %",
            "chat step 1 of 3: Weight 20 %",
            "chat step 2 of 3: Pause until promoted",
            "chat Paused",
            "chat step 3 of 3: Analysis ttft",
            "chat Progressing",
            "chat 20 % → 0 %",
            "chat Degraded",
            "chat analysis: failed",
        ]
    );
}

#[test]
fn a_service_in_full_has_its_steps_its_revisions_and_what_was_measured() {
    let mut told = Told::new();
    told.tell(vec![revision(1, "a", 4), rollout(3, "Healthy", "a")]);
    told.tell(vec![revision(2, "b", 1), rollout(0, "Progressing", "b"), pod("chat-b-x", "chat-b", 2)]);
    told.tell(vec![rollout(2, "Progressing", "b"), analysis(AnalysisPhase::Running, &["[1142]"])]);
    let view = project::rollout(&told.world, &chat(), told.now).unwrap();
    let states: Vec<StepState> = view.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Done, StepState::Done, StepState::Now]);
    assert_eq!(view.left, Left::Unknown("step 3 (Analysis ttft) was never seen before".into()));
    let roles: Vec<(u64, Role, usize, u32)> =
        view.revisions.iter().map(|row| (row.number, row.role, row.pods.len(), row.restarts)).collect();
    assert_eq!(roles, [(2, Role::Canary, 1, 2), (1, Role::Stable, 0, 0)]);
    assert_eq!((view.revisions[0].weight_wanted, view.revisions[1].weight_wanted), (Some(20), Some(80)));
    assert_eq!((view.analyses[0].verdict, view.analyses[0].revision), (AnalysisVerdict::Failed, Some(2)));
    assert!(view.weights.len() >= 2, "{:?}", view.weights);
    // Of what nobody has told there is nothing.
    let other: ObjectRef = "workload:iad/serving/Rollout/other".parse().unwrap();
    assert_eq!(project::rollout(&told.world, &other, told.now), None);
}

/// Each step with what came of it, as the service stands in the world.
fn steps(told: &Told) -> Vec<(StepState, Option<String>)> {
    let view = project::rollout(&told.world, &chat(), told.now).unwrap();
    view.steps.into_iter().map(|step| (step.state, step.result)).collect()
}

#[test]
fn what_was_reached_before_an_abort_stays_reached_though_the_step_is_set_back() {
    use StepState::{Done, NotReached, Unknown};
    let before = || {
        let mut told = Told::new();
        told.tell(vec![revision(1, "a", 5), rollout(3, "Healthy", "a")]);
        told.tell(vec![revision(2, "b", 1), rollout(0, "Progressing", "b")]);
        told.tell(vec![rollout(1, "Paused", "b")]);
        told
    };
    let said = |text: &str| Some(text.to_owned());
    // Stopped by a person while it waited.
    let mut told = before();
    told.tell(vec![rollout(0, "Degraded", "b")]);
    let want = [(Done, None), (Done, said("stopped here after 10 s")), (NotReached, said("not reached"))];
    assert_eq!(steps(&told), want);
    // Stopped by its analysis.
    let mut told = before();
    told.tell(vec![rollout(2, "Progressing", "b"), analysis(AnalysisPhase::Running, &[])]);
    told.tell(vec![analysis(AnalysisPhase::Failed, &["[1142]"]), rollout(0, "Degraded", "b")]);
    assert_eq!(steps(&told), [(Done, None), (Done, said("held 10 s")), (Done, said("1 failed"))]);
    // Tried again and stopped at its first step.
    let mut told = before();
    told.tell(vec![rollout(0, "Degraded", "b")]);
    told.tell(vec![rollout(0, "Progressing", "b")]);
    told.tell(vec![rollout(0, "Degraded", "b")]);
    assert_eq!(steps(&told).into_iter().map(|step| step.0).collect::<Vec<_>>(), [Done, NotReached, NotReached]);
    // Nobody saw it: an analysis that ran tells of its step, and nothing else tells of any.
    let mut told = Told::new();
    told.tell(vec![revision(1, "a", 5), revision(2, "b", 1), rollout(0, "Degraded", "b")]);
    assert_eq!(steps(&told), vec![(Unknown, said("not known whether it was reached")); 3]);
    told.tell(vec![analysis(AnalysisPhase::Failed, &["[1142]"])]);
    assert_eq!(steps(&told), [(Done, None), (Done, None), (Done, said("1 failed"))]);
}

#[test]
fn an_analysis_of_another_revision_says_nothing_of_a_step() {
    let mut told = Told::new();
    told.tell(vec![revision(1, "a", 5), revision(2, "b", 1), analysis(AnalysisPhase::Failed, &["[1142]"])]);
    told.tell(vec![revision(3, "c", 1), rollout(1, "Paused", "c")]);
    assert_eq!(steps(&told)[2], (StepState::ToCome, None));
}

/// Engines of pods that another source measures, with the p99 of the time to the first token of each, in seconds.
fn engines(pods: &[(&str, f32)], at: Stamp) -> Vec<Fact> {
    let of = |(pod, _): &(&str, f32)| ServingPodFact {
        namespace: "serving".into(),
        pod: (*pod).into(),
        engine: ServingEngine::Vllm,
        models: vec!["chat".into()],
    };
    vec![Fact::Serving(Box::new(ServingFact {
        cluster: Some(ConnectionId::slug("iad")),
        interval_ms: 15_000,
        pods: pods.iter().map(of).collect(),
        at: vec![Some(at); pods.len()],
        columns: vec![(ServingMetric::FirstTokenP99, pods.iter().map(|(_, value)| Reading::of(*value)).collect())],
    }))]
}

#[test]
fn what_engines_say_is_told_of_each_revision_apart() {
    let mut told = Told::new();
    told.tell(vec![revision(1, "a", 2), rollout(3, "Healthy", "a")]);
    told.tell(vec![revision(2, "b", 1), rollout(0, "Progressing", "b"), pod("chat-b-x", "chat-b", 0)]);
    told.tell(vec![pod("chat-a-x", "chat-a", 0), pod("chat-a-y", "chat-a", 0)]);
    let read = |told: &Told| -> Vec<Option<(u32, Reading)>> {
        let view = project::rollout(&told.world, &chat(), told.now).unwrap();
        let of = |serving: &ServingRow| (serving.pods, serving.read(ServingMetric::FirstTokenP99));
        view.revisions.iter().map(|row| row.serving.as_ref().map(of)).collect()
    };
    assert_eq!(read(&told), [None, None], "nobody measures");
    let at = told.now;
    told.world.apply(Batch {
        source: ConnectionId::slug("prom"),
        seen_at: at,
        extent: Extent::Delta,
        facts: engines(&[("chat-b-x", 3.5), ("chat-a-x", 0.5), ("chat-a-y", 0.75)], at),
    });
    assert_eq!(read(&told), [Some((1, Reading::of(3.5))), Some((2, Reading::of(0.75)))]);
}

#[test]
fn what_a_listing_does_not_name_is_gone_with_all_that_hung_on_it() {
    let mut told = Told::new();
    told.tell(vec![revision(1, "a", 5), rollout(3, "Healthy", "a"), analysis(AnalysisPhase::Failed, &["[1]"])]);
    told.listing(Kind::Analysis, Vec::new());
    assert_eq!(project::rollout(&told.world, &chat(), told.now).unwrap().analyses, []);
    told.listing(Kind::ReplicaSet, Vec::new());
    assert_eq!(project::rollout(&told.world, &chat(), told.now).unwrap().revisions, []);
    told.listing(Kind::Rollout, Vec::new());
    assert_eq!((told.view().rows.len(), project::rollout(&told.world, &chat(), told.now)), (0, None));
    told.tell(vec![rollout(3, "Healthy", "a")]);
    told.tell(vec![Fact::ControllerGone("Rollout".into(), "serving".into(), "chat".into())]);
    assert!(told.view().rows.is_empty());
}

#[test]
fn a_cluster_is_read_whole_once_each_kind_was_listed() {
    let mut world = World::default();
    let source = ConnectionId::slug("iad");
    let mut list = |kind| {
        let extent = Extent::Replace(Covers { kind, namespace: None });
        world.apply(Batch { source: source.clone(), seen_at: Stamp(BEGAN), extent, facts: Vec::new() });
        project::delivery(&world, &FleetSpec::default()).reading.len()
    };
    assert_eq!(list(Kind::Node), 0, "nothing is expected of who has no pods");
    assert_eq!([list(Kind::Pod), list(Kind::Deployment), list(Kind::StatefulSet), list(Kind::ReplicaSet)], [1; 4]);
    assert_eq!([list(Kind::Rollout), list(Kind::LeaderWorkerSet), list(Kind::Canary)], [1; 3]);
    assert_eq!([list(Kind::InferenceService), list(Kind::LlmInferenceService)], [1; 2]);
    // Routes with what stands behind them say who gets the traffic.
    assert_eq!(
        [list(Kind::HttpRoute), list(Kind::ModelRewrite), list(Kind::InferencePool), list(Kind::Service)],
        [1; 4]
    );
    // A page of one that is on its way shows what measures it.
    assert_eq!([list(Kind::Analysis), list(Kind::Experiment)], [1, 0]);
}

#[test]
fn what_may_not_be_listed_is_not_waited_for() {
    let mut world = World::default();
    let source = ConnectionId::slug("iad");
    let mut tell = |extent, facts| {
        world.apply(Batch { source: source.clone(), seen_at: Stamp(BEGAN), extent, facts });
        project::delivery(&world, &FleetSpec::default()).reading.len()
    };
    let standard = [Kind::Pod, Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet];
    let added = [Kind::Rollout, Kind::LeaderWorkerSet, Kind::Canary, Kind::InferencePool, Kind::ModelRewrite];
    let added = added.into_iter().chain([Kind::Analysis, Kind::Experiment]);
    for kind in standard.into_iter().chain(added) {
        tell(Extent::Replace(Covers { kind, namespace: None }), Vec::new());
    }
    let may_not = |text: &str| {
        let probed = Probed { may_not: vec![text.into()], ..Probed::default() };
        vec![Fact::Source(SourceFact::Probed(Box::new(probed)))]
    };
    assert_eq!(tell(Extent::Delta, may_not("list and watch services: not told")), 1);
    let all = "list and watch services, httproutes, inferenceservices, llminferenceservices in a, b: not told";
    assert_eq!(tell(Extent::Delta, may_not(all)), 0);
}

fn experiment(name: &str, created: i64, available: u64) -> Fact {
    Fact::Experiment(Box::new(ExperimentFact {
        namespace: "serving".into(),
        name: name.into(),
        owner: Some(OwnerFact { kind: "Rollout".into(), name: "chat".into() }),
        created: Some(Stamp(BEGAN + created)),
        phase: AnalysisPhase::Running,
        templates: vec![("baseline".into(), 1, 1), ("canary".into(), 1, available)],
        ..ExperimentFact::default()
    }))
}

#[test]
fn an_experiment_stands_with_its_service_and_so_does_what_it_measures_until_it_is_gone() {
    let mut told = Told::new();
    told.listing(Kind::Experiment, Vec::new());
    let of_it = |fact: Fact| match fact {
        Fact::Analysis(mut fact) => {
            fact.owner = Some(OwnerFact { kind: "Experiment".into(), name: "chat-2".into() });
            Fact::Analysis(fact)
        }
        other => other,
    };
    let measured = of_it(analysis(AnalysisPhase::Failed, &["[1142]"]));
    told.tell(vec![revision(1, "a", 5), revision(2, "b", 1), rollout(0, "Progressing", "b")]);
    // Whose an analysis is, is known once its experiment is.
    told.tell(vec![measured.clone()]);
    assert_eq!(told.view().rows.get(&chat()).unwrap().analysis, None);
    told.tell(vec![experiment("chat-1", 1, 1), experiment("chat-2", 2, 0)]);
    let view = project::rollout(&told.world, &chat(), told.now).unwrap();
    let rows: Vec<(&str, String)> = view.experiments.iter().map(|row| (row.name.as_str(), row.pods_words())).collect();
    let (newer, older) = ("baseline 1 of 1, canary 0 of 1", "baseline 1 of 1, canary 1 of 1");
    assert_eq!(rows, [("chat-2", newer.to_owned()), ("chat-1", older.to_owned())]);
    assert_eq!((view.analyses.len(), view.row.analysis), (1, Some(AnalysisVerdict::Failed)));
    // Each word of it is a change, and the same words again are none.
    let apply = |told: &mut Told, fact| {
        let source = ConnectionId::slug("iad");
        told.world.apply(Batch { source, seen_at: told.now, extent: Extent::Delta, facts: vec![fact] }).delivery
    };
    assert!(apply(&mut told, experiment("chat-2", 2, 1)) && !apply(&mut told, experiment("chat-2", 2, 1)));
    // A listing that does not name it, and a word that it is gone.
    told.listing(Kind::Experiment, vec![experiment("chat-1", 1, 1)]);
    let view = project::rollout(&told.world, &chat(), told.now).unwrap();
    assert_eq!((view.experiments.len(), view.analyses.len(), view.row.analysis), (1, 0, None));
    told.tell(vec![Fact::ExperimentGone("serving".into(), "chat-1".into())]);
    assert_eq!(project::rollout(&told.world, &chat(), told.now).unwrap().experiments, []);
    // A listing of analyses takes no experiment away.
    told.tell(vec![experiment("chat-3", 3, 1), measured]);
    told.listing(Kind::Analysis, Vec::new());
    assert_eq!(project::rollout(&told.world, &chat(), told.now).unwrap().experiments.len(), 1);
}

#[test]
fn of_many_revisions_and_moments_the_newest_are_kept() {
    let mut told = Told::new();
    let hash = |n: u64| format!("h{n:03}");
    for n in 0..300 {
        told.tell(vec![revision(n, &hash(n), 1), rollout(u32::try_from(n % 3).unwrap(), "Progressing", &hash(n))]);
    }
    let view = project::rollout(&told.world, &chat(), told.now).unwrap();
    assert_eq!((view.row.revisions, view.revisions.len(), view.revisions[0].number), (200, 20, 299));
    assert!(view.weights.len() <= 200);
}

fn facts() -> impl Strategy<Value = Fact> {
    let hash = || prop::sample::select(vec!["a", "b", "c"]);
    let phase = prop::sample::select(vec!["Healthy", "Paused", "Progressing", "Degraded", ""]);
    prop_oneof![
        (0_u32..5, phase, hash()).prop_map(|(step, phase, hash)| rollout(step, phase, hash)),
        (1_u64..4, hash(), 0_u64..6).prop_map(|(number, hash, available)| revision(number, hash, available)),
        (hash(), 0_u32..3).prop_map(|(hash, restarts)| pod(&format!("p-{hash}"), &format!("chat-{hash}"), restarts)),
        Just(analysis(AnalysisPhase::Running, &["[1]"])),
        Just(analysis(AnalysisPhase::Failed, &["[900]", "[]"])),
        Just(Fact::AnalysisGone("serving".into(), "chat-b-2".into())),
        (0_u64..2).prop_map(|available| experiment("chat-2", 2, available)),
        Just(Fact::ExperimentGone("serving".into(), "chat-2".into())),
        hash().prop_map(|hash| Fact::RevisionGone("serving".into(), SmolStr::from(format!("chat-{hash}")))),
        Just(Fact::ControllerGone("Rollout".into(), "serving".into(), "chat".into())),
    ]
}

proptest! {
    /// Patches add up to the view, what says that nothing changed is true, and a world is what it is told, whenever it is asked.
    #[test]
    fn patches_add_up_and_a_world_reads_back(all in prop::collection::vec(facts(), 0..40)) {
        let mut told = Told::new();
        let mut followed = told.view();
        let mut projection = project::DeliveryProjection::new(&told.world, FleetSpec::default());
        for fact in all {
            told.now = told.now.plus(Duration::from_secs(1));
            let batch = Batch { source: ConnectionId::slug("iad"), seen_at: told.now, extent: Extent::Delta, facts: vec![fact] };
            let touched = told.world.apply(batch);
            let newer = told.view();
            followed.apply(projection.update(&told.world, &touched));
            prop_assert_eq!(&followed, &newer, "a change that nobody is told of");
            prop_assert_eq!(projection.view(), &newer);
            let _ = project::rollout(&told.world, &chat(), told.now);
        }
        let bytes = postcard::to_stdvec(&told.world).unwrap();
        prop_assert!(postcard::from_bytes::<World>(&bytes).unwrap() == told.world);
    }
}
