//! No name is left, and all that fitted together still does.

#[path = "../../../tests/story/mod.rs"]
mod story;

use super::*;
use crate::{
    Limits, Manifest, Reader, Recorder, body,
    export::{import, write::prepare_under},
    grid::round_readings,
};
use pilothouse_wire::{
    AddressPlace, AlertId, ConnectionId, Health, KindId, Metric, ModelAddress, ModelId, NodeId, ObjectRef, OtherId,
    PodId, Reading, ServingEngine, ServingMetric, SmolStr, Stamp, TagId,
    artifact::ArtifactKind,
    view::{
        AlertState, AnalysisPhase, Attempt, Guard, Mark, MarkKind, MeasurementRow, Readiness, Status, Step,
        delivery::{Keeper, Wait},
        ribbon::MarkKey,
    },
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        AlertFact, AlertsFact, AnalysisFact, ApplicationFact, BackendFact, ConditionFact, ContainerFact,
        ControllerFact, Covers, DeliveryFact, DeviceClaim, DeviceFact, DevicesFact, EventFact, ExperimentFact,
        FailureFact, Kind, LoadFact, MetricFact, MissingMetric, ModelFact, NamespaceFact, NodeFact, NoteFact,
        OperationFact, OwnerFact, ParentFact, Phase, PodFact, PodLabels, Probed, PromotionFact, ReadingsFact,
        RegistryFact, RepositoryFact, RepositorySource, RevisionFact, RolloutFact, RouteFact, RuleFact, ServedFact,
        ServiceFact, ServingFact, ServingPodFact, ShareFact, SizeFact, SourceAbout, SourceFact, StageFact, StartFact,
        StatedFact, StrategyFact, SyncedFact, TagFact, TargetFact, VersionFact, WriteFact,
    },
};
use proptest::prelude::*;
use rusqlite::Connection;
use std::{io::Read, path::Path};

const AT: Stamp = Stamp(1_795_500_000_000);

/// A name of somebody's.
fn canary(of: &str) -> SmolStr {
    format!("canary-{of}.canary/{of}").into()
}

fn cluster() -> ConnectionId {
    ConnectionId::slug("canary-cluster")
}

fn problem() -> Problem {
    Problem {
        code: Code::Refused,
        what: "canary.example refused the connection.".into(),
        why: Some("10.canary.0.1 answered canary".into()),
        next: Some("Ask canary@example".into()),
        remedy: Some("kubectl --context canary".into()),
    }
}

fn about_source() -> Vec<SourceFact> {
    vec![
        SourceFact::About(Box::new(SourceAbout {
            name: canary("source"),
            kind: "kubernetes".into(),
            demo: false,
            address: Some(canary("address")),
            period_ms: 5_000,
        })),
        SourceFact::Heard,
        SourceFact::Health(Health::Starting { doing: "Listing pods of canary".into(), progress: Some((1, 2)) }),
        SourceFact::Health(Health::Lost(problem())),
        SourceFact::Probed(Box::new(Probed {
            version: Some("v1.36.1".into()),
            identity: Some(canary("identity")),
            may: vec!["list pods in canary".into()],
            may_not: vec!["list pods in canary".into()],
            not_visible: Some("Pods of canary are not visible.".into()),
        })),
        SourceFact::Attempt(Attempt { at: AT, worked: false, outcome: "refused by canary".into() }),
        SourceFact::RetryAt(Some(AT)),
        SourceFact::Dropped(1),
        SourceFact::Inside(vec![ServiceFact {
            namespace: canary("namespace"),
            name: canary("service"),
            port: 9090,
            signature: "prometheus".into(),
        }]),
    ]
}

fn condition() -> ConditionFact {
    ConditionFact {
        kind: "Ready".into(),
        status: "False".into(),
        reason: Some("KubeletNotReady".into()),
        since: Some(AT),
    }
}

fn node() -> NodeFact {
    NodeFact {
        name: canary("node"),
        uid: canary("uid"),
        created: Some(AT),
        labels: vec![
            ("nvidia.com/gpu.product".into(), "NVIDIA-H100-80GB-HBM3".into()),
            ("topology.kubernetes.io/zone".into(), canary("zone")),
            ("pool".into(), canary("pool")),
        ],
        cordoned: true,
        taints: vec!["canary=canary:NoSchedule".into(), "node.kubernetes.io/not-ready:NoExecute".into()],
        conditions: vec![
            condition(),
            ConditionFact { kind: canary("Condition"), reason: Some(canary("Reason")), ..condition() },
        ],
        capacity: vec![("nvidia.com/gpu".into(), 8)],
        allocatable: vec![("nvidia.com/gpu".into(), 8)],
        kubelet: Some("v1.36.1".into()),
    }
}

fn pod() -> PodFact {
    PodFact {
        namespace: canary("namespace"),
        name: canary("pod"),
        uid: canary("uid"),
        created: Some(AT),
        deleting: None,
        owners: vec![OwnerFact { kind: "ReplicaSet".into(), name: canary("owner") }],
        template_hash: Some(canary("hash")),
        node: Some(canary("node")),
        phase: Phase::Running,
        reason: Some(canary("Reason")),
        started: Some(AT),
        gpus: vec![("nvidia.com/gpu".into(), 8)],
        cpu_millis: 1,
        memory_bytes: 2,
        containers: vec![ContainerFact {
            name: canary("container"),
            image: canary("image"),
            digest: Some(canary("digest")),
            ready: false,
            restarts: 3,
            reason: Some("OOMKilled".into()),
            ended: true,
        }],
        conditions: vec![condition()],
    }
}

fn starts() -> Vec<StartFact> {
    let places = [
        AddressPlace::Argument,
        AddressPlace::Flag(canary("flag")),
        AddressPlace::Variable(canary("VARIABLE")),
        AddressPlace::Annotation(canary("annotation")),
    ];
    let texts = ["models:/canary@canary", "runs:/canary/canary", "s3://canary/canary", "canary://canary"];
    let models = texts.into_iter().zip(places).map(|(text, place)| ModelAddress { text: text.into(), place });
    vec![StartFact { container: canary("container"), began: Some(AT), models: models.collect() }]
}

#[test]
fn an_address_of_a_model_says_still_what_it_is() {
    let veil = Pseudonyms::new().unwrap();
    let began = |text: &str| StartFact {
        container: "c".into(),
        began: None,
        models: vec![ModelAddress { text: text.into(), place: AddressPlace::Argument }],
    };
    let all = ["models:/chat@champion", "models:/chat/3", "mlflow-artifacts:/1/r/artifacts/model"].map(began);
    let fact = Fact::StartedPod(Box::new(pod()), PodLabels::default(), all.to_vec());
    let back: Batch = postcard::from_bytes(&veil.encode(&batch(Extent::Delta, vec![fact]))).unwrap();
    let Fact::StartedPod(_, _, starts) = &back.facts[0] else { panic!("{back:?}") };
    let texts: Vec<&str> = starts.iter().map(|start| start.models[0].text.as_str()).collect();
    let (chat, champion) = (veil.name("chat"), veil.name("champion"));
    assert_eq!(texts[0], format!("models:/{chat}@{champion}"));
    assert_eq!(texts[1], format!("models:/{chat}/3"));
    assert!(texts[2].starts_with("mlflow-artifacts:/1/") && texts[2].contains("/artifacts/"), "{texts:?}");
}

fn event() -> EventFact {
    EventFact {
        uid: canary("uid"),
        kind: "Pod".into(),
        namespace: Some(canary("namespace")),
        name: canary("pod"),
        warning: true,
        reason: "FailedScheduling".into(),
        note: "0/12 nodes are available: canary".into(),
        count: 4,
        at: AT,
    }
}

fn devices() -> DevicesFact {
    DevicesFact {
        list: 1,
        cluster: Some(cluster()),
        interval_ms: 10_000,
        devices: vec![DeviceFact {
            uuid: canary("uuid"),
            node: Some(canary("node")),
            index: Some(3),
            pci: Some("00000000:3B:00.0".into()),
            product: Some("NVIDIA H100".into()),
            driver: Some("580.95.05".into()),
            claims: vec![DeviceClaim {
                namespace: canary("namespace"),
                pod: canary("pod"),
                slice: Some("1g.10gb-7".into()),
                dra: Some(canary("claim")),
            }],
        }],
        missing: vec![MissingMetric {
            metric: Metric::Power,
            why: "canary does not say".into(),
            next: Some("Add it to canary".into()),
        }],
    }
}

fn objects() -> Vec<ObjectRef> {
    let kind =
        KindId { group: "canary.example".into(), version: "v1".into(), plural: "jobs".into(), kind: "Job".into() };
    let node = NodeId { cluster: cluster(), name: canary("node") };
    let pod = PodId { cluster: cluster(), namespace: canary("namespace"), name: canary("pod") };
    let alert = AlertId { source: cluster(), name: canary("alert"), fingerprint: canary("fingerprint") };
    vec![
        ObjectRef::Connection(cluster()),
        ObjectRef::Namespace(cluster(), canary("namespace")),
        ObjectRef::Node(node.clone()),
        ObjectRef::Gpu(node, 1),
        ObjectRef::Pod(pod),
        ObjectRef::Workload(cluster(), canary("namespace"), "Deployment".into(), canary("deployment")),
        ObjectRef::Other(Box::new(OtherId {
            cluster: cluster(),
            kind,
            namespace: Some(canary("n")),
            name: canary("o"),
        })),
        ObjectRef::Alert(Box::new(alert)),
        ObjectRef::Model(Box::new(ModelId { source: cluster(), name: canary("model") })),
        ObjectRef::Tag(Box::new(TagId { source: cluster(), repository: canary("repository"), tag: canary("tag") })),
    ]
}

/// One of each fact, with a name of somebody's in each field that may have one. A new field does not compile until it is
/// filled in here.
fn facts() -> Vec<Fact> {
    let labels = PodLabels { team: Some(canary("team")), queue: Some(canary("queue")) };
    let namespace = NamespaceFact { name: canary("namespace"), terminating: true };
    let notes = objects().into_iter().zip(0_i64..).map(|(object, n)| {
        Fact::Note(Box::new(NoteFact { at: Stamp(AT.0 + n), object, text: "canary was here".into() }))
    });
    let marks = objects().into_iter().map(|object| Mark {
        key: MarkKey { at: AT, object, kind: MarkKind::Fault },
        title: "canary placed".into(),
        detail: Some("on canary".into()),
        status: Status::Bad,
        by: Some(canary("person")),
        heard: AT,
        rebuilt: false,
        more: 0,
    });
    let mut all: Vec<Fact> = about_source().into_iter().map(Fact::Source).collect();
    all.extend(notes);
    all.extend([
        Fact::Node(Box::new(node())),
        Fact::Namespace(namespace.clone()),
        Fact::Pod(Box::new(pod())),
        Fact::Event(Box::new(event())),
        Fact::Event(Box::new(EventFact { reason: canary("Reason"), ..event() })),
        Fact::NodeGone(canary("gone")),
        Fact::NamespaceGone(canary("gone")),
        Fact::PodGone(canary("namespace"), canary("gone")),
        Fact::EventGone(canary("gone")),
        Fact::Devices(Box::new(devices())),
        Fact::Readings(Box::new(ReadingsFact {
            list: 1,
            at: vec![Some(AT)],
            columns: vec![(Metric::Power, vec![Reading::of(500.0)])],
        })),
        Fact::LabelledPod(Box::new(pod()), labels.clone()),
        Fact::StartedPod(Box::new(pod()), labels, starts()),
        Fact::LabelledNamespace(namespace, canary("team")),
        Fact::Serving(Box::new(ServingFact {
            cluster: Some(cluster()),
            interval_ms: 1,
            pods: vec![ServingPodFact {
                namespace: canary("namespace"),
                pod: canary("pod"),
                engine: ServingEngine::Vllm,
                models: vec![canary("model")],
            }],
            at: vec![Some(AT)],
            columns: vec![(ServingMetric::Running, vec![Reading::of(1.0)])],
        })),
        Fact::Controller(Box::new(ControllerFact {
            kind: "Deployment".into(),
            namespace: canary("namespace"),
            name: canary("deployment"),
            created: Some(AT),
            replicas: Some(2),
            writes: vec![WriteFact { by: canary("person"), at: Some(AT), scaled: true }],
        })),
        Fact::ControllerGone("Deployment".into(), canary("namespace"), canary("gone")),
        Fact::Revision(Box::new(RevisionFact {
            namespace: canary("namespace"),
            name: canary("revision"),
            owner: OwnerFact { kind: "Deployment".into(), name: canary("deployment") },
            number: 3,
            created: Some(AT),
            images: vec![(canary("container"), canary("image"))],
        })),
        Fact::RevisionGone(canary("namespace"), canary("gone")),
        Fact::Model(Box::new(ModelFact {
            name: canary("model"),
            created: Some(AT),
            updated: Some(AT),
            description: Some("canary talks".into()),
            tags: vec![(canary("key"), canary("value"))],
            aliases: vec![(canary("alias"), 1)],
            versions: vec![VersionFact {
                number: 1,
                created: Some(AT),
                updated: Some(AT),
                stage: Some(canary("stage")),
                readiness: Readiness::Failed,
                message: Some("canary failed".into()),
                description: Some("of canary".into()),
                source: Some("s3://canary/canary".into()),
                run: Some(canary("run")),
                model: Some(canary("m")),
                user: Some(canary("person")),
                tags: vec![(canary("key"), canary("value"))],
            }],
            more: 0,
        })),
        Fact::ModelGone(canary("gone")),
        Fact::Delivered(Box::new(service()), Box::new(delivery())),
        Fact::Delivered(
            Box::new(ControllerFact { kind: "InferenceService".into(), ..service() }),
            Box::new(DeliveryFact { strategy: StrategyFact::Served(Box::new(served())), ..delivery() }),
        ),
        Fact::SizedRevision(
            Box::new(RevisionFact {
                namespace: canary("namespace"),
                name: canary("set"),
                owner: OwnerFact { kind: "Rollout".into(), name: canary("rollout") },
                ..RevisionFact::default()
            }),
            SizeFact { hash: canary("hash"), ..SizeFact::default() },
        ),
        Fact::Analysis(Box::new(analysis())),
        Fact::AnalysisGone(canary("namespace"), canary("gone")),
        Fact::Experiment(Box::new(ExperimentFact {
            namespace: canary("namespace"),
            name: canary("experiment"),
            owner: Some(OwnerFact { kind: "Rollout".into(), name: canary("rollout") }),
            message: Some("canary waits".into()),
            templates: vec![(canary("template"), 1, 1)],
            ..ExperimentFact::default()
        })),
        Fact::ExperimentGone(canary("namespace"), canary("gone")),
        Fact::Labelled(Box::new(service()), Box::new(routed()), vec![(canary("key"), canary("value"))]),
        Fact::Part(
            Box::new(service()),
            OwnerFact { kind: "InferenceService".into(), name: canary("service") },
            vec![(canary("key"), canary("value"))],
        ),
        Fact::Backend(Box::new(BackendFact {
            of: OwnerFact { kind: "Service".into(), name: canary("backend") },
            namespace: canary("namespace"),
            selector: vec![(canary("key"), canary("value"))],
            hash: Some(canary("hash")),
            wrong: vec![StatedFact { kind: canary("Kind"), message: Some("canary".into()), ..StatedFact::default() }],
        })),
        Fact::BackendGone("Service".into(), canary("namespace"), canary("gone")),
        Fact::Application(Box::new(ApplicationFact {
            namespace: canary("namespace"),
            name: canary("application"),
            project: Some(canary("project")),
            sources: vec![RepositorySource {
                repository: "https://canary/canary".into(),
                path: Some(canary("path")),
                chart: Some(canary("chart")),
                revision: Some(canary("branch")),
            }],
            sync: Some("Synced".into()),
            health: Some("Healthy".into()),
            message: Some("canary waits".into()),
            operation: Some(OperationFact { phase: "Failed".into(), ..OperationFact::default() }),
            history: vec![SyncedFact {
                revision: Some(canary("commit")),
                by: Some(canary("person")),
                ..SyncedFact::default()
            }],
            ..ApplicationFact::default()
        })),
        Fact::ApplicationGone(canary("namespace"), canary("gone")),
        Fact::Promotion(Box::new(PromotionFact {
            namespace: canary("namespace"),
            name: canary("promotion"),
            stage: canary("stage"),
            freight: canary("freight"),
            phase: Some("Succeeded".into()),
            message: Some("canary".into()),
            by: Some(canary("person")),
            ..PromotionFact::default()
        })),
        Fact::PromotionGone(canary("namespace"), canary("gone")),
        Fact::Stage(Box::new(StageFact {
            namespace: canary("namespace"),
            name: canary("stage"),
            health: Some("Healthy".into()),
            freight: vec![canary("freight")],
            holds: vec![canary("image")],
            since: None,
        })),
        Fact::StageGone(canary("namespace"), canary("gone")),
        Fact::NoteGone(AT, ObjectRef::Connection(cluster())),
        Fact::Recalled(marks.collect()),
        Fact::Registry(Box::new(RegistryFact {
            hosts: vec![canary("host")],
            repositories: vec![RepositoryFact {
                name: canary("repository"),
                tags: vec![TagFact {
                    name: canary("tag"),
                    digest: canary("digest"),
                    kind: ArtifactKind::Image,
                    size: Some(1),
                    created: Some(AT),
                    parts: vec![canary("part")],
                }],
                more: true,
            }],
        })),
        Fact::Alerts(Box::new(AlertsFact {
            cluster: Some(cluster()),
            alerts: vec![AlertFact {
                fingerprint: canary("fingerprint"),
                name: canary("alert"),
                severity: Some(canary("severity")),
                state: AlertState::Firing,
                since: AT,
                summary: Some("canary burns".into()),
                labels: vec![
                    ("pod".into(), canary("pod")),
                    ("xid".into(), "79".into()),
                    ("gpu".into(), canary("GPU")),
                    ("reason".into(), canary("reason")),
                ],
                runbook: Some("https://canary/canary".into()),
            }],
        })),
    ]);
    all
}

fn service() -> ControllerFact {
    ControllerFact {
        kind: "Rollout".into(),
        namespace: canary("namespace"),
        name: canary("rollout"),
        ..ControllerFact::default()
    }
}

fn delivery() -> DeliveryFact {
    let steps = vec![
        Step::Analysis(vec![canary("template")]),
        Step::Scale("canary pods".into()),
        Step::Route(canary("route")),
        Step::Plugin(canary("plugin")),
        Step::Pause(Wait::Unread(canary("pause"))),
    ];
    let rollout = RolloutFact {
        phase: Some("Paused".into()),
        message: Some("canary waits".into()),
        pauses: vec![("BlueGreenPause".into(), None)],
        active: Some(canary("hash")),
        template_of: Some(OwnerFact { kind: "Deployment".into(), name: canary("deployment") }),
        ..RolloutFact::default()
    };
    DeliveryFact {
        strategy: StrategyFact::Canary { steps, router: Some("istio".into()), whole: 100 },
        current: Some(canary("hash")),
        stable: Some(canary("hash")),
        conditions: vec![StatedFact { kind: canary("Kind"), message: Some("canary".into()), ..StatedFact::default() }],
        images: vec![(canary("container"), canary("image"))],
        guard: Some(Guard { by: Keeper::ArgoCd, name: canary("application") }),
        rollout: Some(Box::new(rollout)),
        ..DeliveryFact::default()
    }
}

fn served() -> ServedFact {
    ServedFact {
        model: Some("s3://canary/canary".into()),
        format: Some("huggingface".into()),
        runtime: Some(canary("runtime")),
        url: Some("http://canary.canary.example.com".into()),
        created: Some(canary("revision")),
        ready: Some(canary("revision")),
        rolled_out: Some(canary("revision")),
        before: Some(canary("revision")),
        traffic: vec![TargetFact { revision: canary("revision"), percent: 10 }],
        load: LoadFact {
            transition: Some("UpToDate".into()),
            failure: Some(FailureFact {
                reason: Some(canary("Reason")),
                message: Some("canary failed".into()),
                location: Some(canary("pod")),
                ..FailureFact::default()
            }),
            ..LoadFact::default()
        },
        ..ServedFact::default()
    }
}

fn routed() -> DeliveryFact {
    let of = OwnerFact { kind: "Gateway".into(), name: canary("gateway") };
    let to = OwnerFact { kind: "Service".into(), name: canary("backend") };
    let route = RouteFact {
        hosts: vec![canary("host")],
        parents: vec![ParentFact {
            of,
            namespace: Some(canary("namespace")),
            by: Some(canary("controller")),
            conditions: vec![StatedFact {
                kind: canary("Kind"),
                message: Some("canary".into()),
                ..StatedFact::default()
            }],
        }],
        rules: vec![RuleFact {
            name: Some(canary("rule")),
            matches: vec!["PathPrefix /canary".into()],
            backends: vec![ShareFact { to, namespace: Some(canary("namespace")), port: Some(80), weight: 1 }],
        }],
    };
    DeliveryFact { strategy: StrategyFact::Routed(Box::new(route)), ..DeliveryFact::default() }
}

fn analysis() -> AnalysisFact {
    let metric = MetricFact {
        name: canary("metric"),
        query: Some("sum(canary)".into()),
        success: Some("result.canary".into()),
        failure: Some("canary".into()),
        message: Some("canary".into()),
        phase: AnalysisPhase::Failed,
        measurements: vec![MeasurementRow {
            value: Some("canary".into()),
            message: Some("canary".into()),
            ..MeasurementRow::default()
        }],
        ..MetricFact::default()
    };
    AnalysisFact {
        namespace: canary("namespace"),
        name: canary("analysis"),
        owner: Some(OwnerFact { kind: "Rollout".into(), name: canary("rollout") }),
        hash: Some(canary("hash")),
        phase: AnalysisPhase::Failed,
        message: Some("canary".into()),
        metrics: vec![metric],
        ..AnalysisFact::default()
    }
}

fn batch(extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: cluster(), seen_at: AT, extent, facts }
}

/// Fails where a name of somebody's is.
#[track_caller]
fn has_none(bytes: &[u8], what: &str) {
    let found = bytes.windows(6).position(|six| six.eq_ignore_ascii_case(b"canary"));
    let around =
        |at: usize| String::from_utf8_lossy(&bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())]).into_owned();
    assert!(found.is_none(), "{what}: {:?}", found.map(around));
}

#[test]
fn no_fact_and_no_world_keeps_a_name_and_all_of_them_read_back() {
    let veil = Pseudonyms::new().unwrap();
    let mut world = World::default();
    for fact in facts() {
        let extent = Extent::Replace(Covers { kind: Kind::Pod, namespace: Some(canary("namespace")) });
        let one = batch(extent, vec![fact.clone()]);
        let bytes = veil.encode(&one);
        has_none(&bytes, &format!("{fact:?}"));
        let back: Batch = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(std::mem::discriminant(&back.facts[0]), std::mem::discriminant(&fact));
        world.apply(batch(Extent::Delta, vec![fact]));
        has_none(&veil.encode(&world), "the world");
        postcard::from_bytes::<World>(&veil.encode(&world)).unwrap();
    }
}

#[test]
fn kinds_products_numbers_and_times_stay() {
    let veil = Pseudonyms::new().unwrap();
    let all = vec![Fact::Node(Box::new(node())), Fact::Event(Box::new(event())), Fact::Devices(Box::new(devices()))];
    let back: Batch = postcard::from_bytes(&veil.encode(&batch(Extent::Delta, all))).unwrap();
    let [Fact::Node(node), Fact::Event(event), Fact::Devices(devices)] = &back.facts[..] else { panic!("{back:?}") };
    assert_eq!((back.seen_at, node.label("nvidia.com/gpu.product").unwrap().as_str()), (AT, "NVIDIA-H100-80GB-HBM3"));
    assert_eq!(node.label("pool").unwrap().as_str(), veil.name(&canary("pool")));
    assert!(
        node.taints[0].ends_with(":NoSchedule") && node.taints[1] == "node.kubernetes.io/not-ready:NoExecute",
        "{:?}",
        node.taints
    );
    assert_eq!((node.capacity[0].0.as_str(), node.conditions[0].kind.as_str()), ("nvidia.com/gpu", "Ready"));
    assert_eq!((event.kind.as_str(), event.reason.as_str(), event.count), ("Pod", "FailedScheduling", 4));
    assert!(event.note.starts_with("0/12 nodes are available: "), "{}", event.note);
    let device = &devices.devices[0];
    assert_eq!((device.product.as_deref(), device.node.as_deref()), (Some("NVIDIA H100"), Some(node.name.as_str())));
}

/// What every table of a journal holds, unpacked.
fn contents(path: &Path) -> Vec<(String, Vec<u8>)> {
    let db = Connection::open(path).unwrap();
    let mut all = Vec::new();
    let base = |seq: Option<i64>| -> Option<Vec<u8>> {
        let text = "SELECT body FROM checkpoint WHERE seq = ?1";
        seq.map(|seq| body::unpack(&db.query_row(text, [seq], |row| row.get::<_, Vec<u8>>(0)).unwrap(), None).unwrap())
    };
    for (table, columns) in [
        ("checkpoint", "base, body, state"),
        ("block", "NULL, body"),
        ("batch", "NULL, body, readings, source"),
        ("shape", "NULL, body, print"),
        ("chunk", "NULL, head, source"),
        ("gap", "NULL, why, detail"),
        ("stretch", "NULL, why"),
    ] {
        let mut query = db.prepare(&format!("SELECT {columns} FROM {table}")).unwrap();
        let count = query.column_count();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let base = base(row.get(0).unwrap());
            for column in 1..count {
                let bytes = match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Blob(bytes) => {
                        body::unpack(bytes, base.as_deref()).unwrap_or_else(|| bytes.to_vec())
                    }
                    rusqlite::types::ValueRef::Text(text) => text.to_vec(),
                    _ => Vec::new(),
                };
                all.push((format!("{table}, column {column}"), bytes));
            }
        }
    }
    all
}

/// Exports a whole journal under these pseudonyms, and opens that.
fn exported(journal: &Path, veil: Pseudonyms) -> (tempfile::TempDir, Manifest, Reader) {
    let (reader, folder) = (Reader::new(journal), tempfile::tempdir().unwrap());
    let prepared = prepare_under(&reader, Stamp(0), Stamp(i64::MAX), Some(veil), folder.path()).unwrap();
    let (file, path) = (folder.path().join("file"), folder.path().join("other.db"));
    let mut bytes = Vec::new();
    prepared.into_bytes().read_to_end(&mut bytes).unwrap();
    has_none(&bytes, "the file");
    std::fs::write(&file, bytes).unwrap();
    let manifest = import(&file, &path).unwrap();
    (folder, manifest, Reader::new(&path))
}

#[test]
fn a_file_with_pseudonyms_has_no_name_in_it_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canary.db");
    let recorder = Recorder::open(&path, Limits::default()).unwrap();
    let mut world = World::default();
    recorder.checkpoint(&world, AT);
    for round in 0..3_i64 {
        for fact in facts() {
            let mut batch = Batch { seen_at: Stamp(AT.0 + round * 60_000), ..batch(Extent::Delta, vec![fact]) };
            round_readings(&mut batch);
            recorder.append(&batch);
            world.apply(batch);
        }
        // One that is packed against another, blocks and columns; and rows behind the last.
        if round < 2 {
            recorder.checkpoint(&world, Stamp(AT.0 + round * 60_000));
            recorder.flush();
        }
    }
    drop(recorder);
    let (_kept, manifest, other) = exported(&path, Pseudonyms::new().unwrap());
    has_none(format!("{manifest:?}").as_bytes(), "the manifest");
    let contents = contents(other.path());
    for table in ["checkpoint", "block", "batch", "shape", "chunk"] {
        assert!(contents.iter().any(|(what, bytes)| what.starts_with(table) && !bytes.is_empty()), "{table} is empty");
    }
    for (what, bytes) in contents {
        has_none(&bytes, &what);
    }
    assert_eq!(other.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_folded_of_other_names_is_the_world_with_other_names() {
    let story::Recorded { path, then, folder: _folder } = story::recorded(Limits::default());
    let (veil, same) = {
        let veil = Pseudonyms::new().unwrap();
        (Pseudonyms { key: veil.key }, veil)
    };
    let (_kept, _, other) = exported(&path, veil);
    // Without what was measured, which has no name in it.
    let bare = |world: &World| postcard::to_stdvec(world).unwrap();
    let marks = |world: &World| format!("{:#?}", world.worth_recalling(Stamp(0), usize::MAX));
    for (at, world) in then.iter().step_by(97) {
        let wanted: World = postcard::from_bytes(&same.encode(world)).unwrap();
        let found = other.world_at(*at).unwrap();
        assert_eq!(marks(&found), marks(&wanted), "{at}");
        assert!(bare(&found) == bare(&wanted), "{at}:\n{found:#?}\n{wanted:#?}");
        let (source, found) = found.sources().next().unwrap();
        assert_eq!(source.as_str(), same.whole("iad"));
        // As thinned as the record itself.
        let own = Reader::new(&path).world_at(*at).unwrap();
        let (_, own) = own.sources().next().unwrap();
        assert_eq!(found.telemetry.latest(), own.telemetry.latest(), "{at}");
    }
}

#[test]
fn the_same_name_has_the_same_pseudonym_and_another_key_gives_another() {
    let (one, two) = (Pseudonyms::new().unwrap(), Pseudonyms::new().unwrap());
    assert_eq!(one.name("chat-7d9f"), one.name("chat-7d9f"));
    assert_ne!(one.name("chat-7d9f"), two.name("chat-7d9f"));
    assert_ne!(one.name("chat"), one.name("Chat"));
    assert_eq!((one.name(OURS), one.whole(OURS), one.name("")), (OURS.into(), OURS.into(), String::new()));
    assert_eq!(format!("{one:?}"), "Pseudonyms(…)");
}

#[test]
fn a_text_keeps_its_sense_and_loses_its_names() {
    let veil = Pseudonyms::new().unwrap();
    let text = "0/12 nodes are available: 3 Insufficient nvidia.com/gpu. (node gpu-node-7, 10.0.12.7, ann@acme.com)";
    let other = veil.text(text);
    assert!(other.starts_with("0/12 nodes are available: 3 Insufficient nvidia.com/gpu. (node "), "{other}");
    for name in ["gpu-node-7", "node-7", "10.0", "12.7", "ann", "acme"] {
        assert!(!other.contains(name), "{name}: {other}");
    }
    assert!(other.contains(&veil.name("gpu-node-7")) && other.contains(&veil.name("10.0.12.7")));
}

proptest! {
    /// Whatever is joined to a name, or cut off it, at a sign is so of its pseudonym.
    #[test]
    fn pseudonyms_fit_together_as_names_do(a in "[a-z0-9]{1,8}", b in "[a-zA-Z0-9._/-]{0,20}", sign in "[-./:@_=]") {
        let veil = Pseudonyms::new().unwrap();
        let joined = format!("{a}{sign}{b}");
        prop_assert_eq!(veil.name(&joined), format!("{}{sign}{}", veil.name(&a), veil.name(&b)));
        prop_assert!(!veil.name(&joined).contains(&a) || a.bytes().all(|letter| LETTERS.contains(&letter)));
    }
}
