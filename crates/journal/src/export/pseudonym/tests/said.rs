//! One of each fact, with names of somebody in it wherever there is room for one.

use super::{
    AT,
    claimed::{allocation, budget, slice, written},
    delivered::{analysis, delivery, routed, served, service},
};
use pilothouse_wire::{
    AddressPlace, AlertId, Code, ConnectionId, Health, KindId, Metric, ModelAddress, ModelId, NodeId, ObjectRef,
    OtherId, PodId, Problem, Reading, ServingEngine, ServingMetric, SmolStr, Stamp, TagId,
    artifact::ArtifactKind,
    view::{AlertState, Attempt, Mark, MarkKind, Readiness, Status, ribbon::MarkKey},
};
use pilothouse_world::{
    Fact,
    fact::{
        AlertFact, AlertsFact, ApplicationFact, BackendFact, BeforeFact, ConditionFact, ContainerFact, ControllerFact,
        DeliveryFact, DeviceClaim, DeviceFact, DevicesFact, EventFact, ExperimentFact, HostFact, MadeFact,
        MissingMetric, ModelFact, NamespaceFact, NodeFact, NoteFact, OperationFact, OwnerFact, Phase, PodFact,
        PodLabels, Probed, PromotionFact, ReadingsFact, RegistryFact, RepositoryFact, RepositorySource, RevisionFact,
        ServiceFact, ServingFact, ServingPodFact, SizeFact, SourceAbout, SourceFact, StageFact, StartFact, StatedFact,
        StrategyFact, SyncedFact, TagFact, TemplateFact, VersionFact, WriteFact,
    },
};

/// A name of somebody's.
pub(super) fn canary(of: &str) -> SmolStr {
    format!("canary-{of}.canary/{of}").into()
}

pub(super) fn cluster() -> ConnectionId {
    ConnectionId::slug("canary-cluster")
}

pub(super) fn problem() -> Problem {
    Problem {
        code: Code::Refused,
        what: "canary.example refused the connection.".into(),
        why: Some("10.canary.0.1 answered canary".into()),
        next: Some("Ask canary@example".into()),
        remedy: Some("kubectl --context canary".into()),
    }
}

pub(super) fn about_source() -> Vec<SourceFact> {
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

pub(super) fn condition() -> ConditionFact {
    ConditionFact {
        kind: "Ready".into(),
        status: "False".into(),
        reason: Some("KubeletNotReady".into()),
        since: Some(AT),
    }
}

pub(super) fn node() -> NodeFact {
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

pub(super) fn pod() -> PodFact {
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

pub(super) fn starts() -> Vec<StartFact> {
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

pub(super) fn event() -> EventFact {
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

pub(super) fn devices() -> DevicesFact {
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

pub(super) fn objects() -> Vec<ObjectRef> {
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
pub(super) fn facts() -> Vec<Fact> {
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
        Fact::WrittenNode(Box::new(node()), written()),
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
        Fact::Silent(1, vec![0]),
        Fact::Paced(1, vec![(0, 5_000)]),
        Fact::TemplatedRevision(
            Box::new(RevisionFact {
                namespace: canary("namespace"),
                name: canary("templated"),
                owner: OwnerFact { kind: "Deployment".into(), name: canary("deployment") },
                ..RevisionFact::default()
            }),
            None,
            Box::new(TemplateFact {
                containers: vec![MadeFact {
                    name: canary("container"),
                    requests: vec![("cpu".into(), "4".into()), (canary("resource"), "1".into())],
                    limits: vec![("nvidia.com/gpu".into(), "1".into())],
                    variables: vec![(canary("variable"), 1)],
                    arguments: 2,
                }],
                selector: vec![(canary("key"), canary("pool"))],
                tolerations: vec!["canary=canary:NoSchedule".into()],
                config_maps: vec![canary("map")],
                secrets: vec![canary("secret")],
                claims: vec![canary("claim")],
            }),
        ),
        Fact::Before(Box::new(BeforeFact {
            list: 1,
            metric: Metric::Xid,
            step_ms: 60_000,
            found: vec![(0, AT, Reading::of(79.0))],
            more: 0,
        })),
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
        Fact::Host(Box::new(HostFact {
            node: canary("node"),
            cores: 192,
            memory_bytes: 1,
            processor: Some("AMD EPYC 9654".into()),
            system: Some("Debian 13".into()),
            processes: vec![(canary("uuid"), 3)],
        })),
        Fact::ChosenPod(
            Box::new(pod()),
            PodLabels { team: Some(canary("team")), queue: Some(canary("queue")) },
            starts(),
            vec![(canary("key"), canary("value"))],
        ),
        Fact::Budget(Box::new(budget())),
        Fact::BudgetGone(canary("namespace"), canary("gone")),
        Fact::Slice(Box::new(slice())),
        Fact::SliceGone(canary("gone")),
        Fact::Allocation(Box::new(allocation())),
        Fact::AllocationGone(canary("namespace"), canary("gone")),
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
