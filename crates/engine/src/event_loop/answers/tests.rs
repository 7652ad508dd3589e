//! Whoever leaves ends their question, whichever it is: nothing more is asked of a server for them.

use super::*;
use crate::{
    connections::announced,
    event_loop::opening::Ways,
    options::{Options, Paths},
};
use pilothouse_connect::{Clock, Connector, KeptLane, LanesQuery, ModelFiles, PastQuery, Sink};
use pilothouse_vault::ConnectionSettings;
use pilothouse_wire::{
    KindId, Metric, ModelId, ObjectRef, PodId, Reading, SmolStr,
    artifact::{Artifact, ArtifactRef, TagPage, TagsQuery},
    ask::{LogQuery, Tested, WorkloadLogQuery},
    back::{BackQuery, Kept},
    describe::Description,
    find::FindQuery,
    kinds::{Listing, ObjectTable, Offered},
    plan::{Deed, Intent, Plan},
    preflight::{ModelSubject, PreflightQuery},
    rights::{Rights, RightsQuery},
    runs::{RunAnswer, RunAsk, RunId},
    view::Series,
};
use pilothouse_world::{
    Batch, Extent, Fact,
    fact::{
        ContainerFact, DeviceFact, DevicesFact, ModelFact, NodeFact, OwnerFact, PodFact, ReadingsFact, SourceAbout,
        VersionFact,
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{oneshot, watch};

const NOW: Stamp = Stamp(1_800_000_000_000);

/// A server that answers nothing, and counts what it is asked for and has not been let off.
struct Silent(watch::Sender<usize>);

struct Held<'a>(&'a watch::Sender<usize>);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Silent {
    async fn asked<T>(&self) -> T {
        self.0.send_modify(|open| *open += 1);
        let _held = Held(&self.0);
        std::future::pending().await
    }
}

#[async_trait::async_trait]
impl Connector for Silent {
    fn about(&self) -> SourceAbout {
        SourceAbout::default()
    }
    async fn probe(&self) -> Result<Tested, Problem> {
        self.asked().await
    }
    async fn watch(&self, _: Sink) {}
    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        self.asked().await
    }
    async fn logs(&self, _: &LogQuery) -> Result<Vec<String>, Problem> {
        self.asked().await
    }
    async fn past(&self, _: &PastQuery) -> Result<Vec<Series>, Problem> {
        self.asked().await
    }
    async fn lanes(&self, _: &LanesQuery) -> Result<Vec<KeptLane>, Problem> {
        self.asked().await
    }
    async fn kinds(&self) -> Result<Offered, Problem> {
        self.asked().await
    }
    async fn objects(&self, _: &Listing) -> Result<ObjectTable, Problem> {
        self.asked().await
    }
    async fn plan(&self, _: &Intent) -> Result<Plan, Problem> {
        self.asked().await
    }
    async fn containers(&self, _: &ObjectRef) -> Result<Vec<(SmolStr, SmolStr)>, Problem> {
        self.asked().await
    }
    async fn rights(&self, _: &RightsQuery) -> Result<Rights, Problem> {
        self.asked().await
    }
    async fn back(&self, _: &BackQuery) -> Result<Kept, Problem> {
        self.asked().await
    }
    async fn runs(&self, _: &RunAsk) -> Result<RunAnswer, Problem> {
        self.asked().await
    }
    async fn tags(&self, _: &TagsQuery) -> Result<TagPage, Problem> {
        self.asked().await
    }
    async fn artifact(&self, _: &ArtifactRef) -> Result<Artifact, Problem> {
        self.asked().await
    }
    async fn model_files(&self, _: &ModelSubject) -> Result<ModelFiles, Problem> {
        self.asked().await
    }
    async fn describe(&self, _: &ObjectRef) -> Result<Description, Problem> {
        self.asked().await
    }
}

fn id() -> ConnectionId {
    ConnectionId::slug("iad")
}

/// One source that has a bit of everything: a pod of a service on a node that is measured, and a registered model.
fn facts() -> Vec<Fact> {
    let owner = OwnerFact { kind: "StatefulSet".into(), name: "chat".into() };
    let container = ContainerFact { name: "engine".into(), ..ContainerFact::default() };
    let pod = PodFact {
        namespace: "serving".into(),
        name: "chat-0".into(),
        node: Some("h-1".into()),
        owners: vec![owner],
        containers: vec![container],
        ..PodFact::default()
    };
    let node = NodeFact {
        name: "h-1".into(),
        capacity: vec![("nvidia.com/gpu".into(), 1)],
        allocatable: vec![("nvidia.com/gpu".into(), 1)],
        ..NodeFact::default()
    };
    let device = DeviceFact { uuid: "GPU-1".into(), node: Some("h-1".into()), index: Some(0), ..DeviceFact::default() };
    let devices = DevicesFact {
        list: 1,
        cluster: Some(id()),
        interval_ms: 15_000,
        devices: vec![device],
        ..DevicesFact::default()
    };
    let columns = vec![(Metric::Utilisation, vec![Reading::of(0.5)])];
    let version = VersionFact { number: 1, run: Some("ab12".into()), ..VersionFact::default() };
    let model = ModelFact { name: "chat".into(), versions: vec![version], ..ModelFact::default() };
    vec![
        Fact::Node(Box::new(node)),
        Fact::Pod(Box::new(pod)),
        Fact::Devices(Box::new(devices)),
        Fact::Readings(Box::new(ReadingsFact { list: 1, at: vec![Some(NOW)], columns })),
        Fact::Model(Box::new(model)),
    ]
}

/// A loop that knows that source, and has it open.
fn engine(home: &std::path::Path, server: Arc<Silent>) -> Loop {
    let options =
        Options { paths: Paths::under(home), demo: false, only: None, record: false, clock: Clock::of(|| NOW) };
    let mut engine = Loop::new(options, &Ways::new());
    let settings =
        ConnectionSettings { paused: true, ..ConnectionSettings::new(id(), "mlflow", "iad", BTreeMap::new()) };
    engine.world.apply(announced(&settings, NOW));
    engine.world.apply(Batch { source: id(), seen_at: NOW, extent: Extent::Delta, facts: facts() });
    engine.connections.start(settings, &engine.desk.surroundings);
    engine.connections.opened(&id(), 1, server);
    engine
}

/// Each question that a server is asked for.
fn questions() -> Vec<Ask> {
    let model = ModelId { source: id(), name: "chat".into() };
    let version = VersionId { model: model.clone(), number: 1 };
    let artifact = ArtifactRef { source: id(), repository: "chat".into(), reference: "v1".into() };
    let pod = PodId { cluster: id(), namespace: "serving".into(), name: "chat-0".into() };
    let service: ObjectRef = "workload:iad/serving/StatefulSet/chat".parse().unwrap();
    let node: ObjectRef = "node:iad/h-1".parse().unwrap();
    let hour = Duration::from_secs(3_600);
    vec![
        Ask::Older { object: node.clone(), span: hour, when: When::Now, before: None },
        Ask::Yaml(node.clone()),
        Ask::Logs(LogQuery { pod, container: None, previous: false, lines: 10, after: None }),
        Ask::WorkloadLogs(WorkloadLogQuery {
            cluster: id(),
            namespace: "serving".into(),
            kind: "StatefulSet".into(),
            name: "chat".into(),
            container: None,
            previous: false,
            lines: 10,
            after: Vec::new(),
        }),
        Ask::Kinds { scope: Vec::new() },
        Ask::Objects(Listing {
            cluster: id(),
            kind: KindId { group: "".into(), version: "v1".into(), plural: "pods".into(), kind: "Pod".into() },
            namespaced: true,
            namespace: None,
            name: None,
            most: 10,
        }),
        Ask::Describe(node),
        Ask::Lanes { span: hour, end: When::Now },
        Ask::Plan(Intent { object: service.clone(), deed: Deed::Restart }),
        Ask::PlanAnyway(Intent { object: service.clone(), deed: Deed::Undo(None) }),
        Ask::Rights(RightsQuery { connection: id(), namespace: None }),
        Ask::Containers(service.clone()),
        Ask::WayBack(service, None),
        Ask::Runs(id(), RunAsk::Run("ab12".into())),
        Ask::CompareVersions(version.clone(), version.clone()),
        Ask::CompareRuns(vec![RunId { source: id(), run: "ab12".into() }]),
        Ask::Tags(TagsQuery { source: id(), repository: "chat".into(), after: None, limit: 10 }),
        Ask::Artifact(artifact.clone()),
        Ask::CompareArtifacts(artifact.clone(), artifact),
        Ask::Find(FindQuery { text: "chat".into(), limit: 10 }),
        Ask::Preflight(Box::new(PreflightQuery {
            of: ModelSubject::Version(version),
            service: None,
            gpu: None,
            gpus_a_node: None,
            arguments: None,
            engine: None,
        })),
    ]
}

async fn is_soon(open: &mut watch::Receiver<usize>, is_it: impl Fn(usize) -> bool) -> bool {
    tokio::time::timeout(Duration::from_secs(10), open.wait_for(|open| is_it(*open))).await.is_ok()
}

#[tokio::test]
async fn whoever_leaves_ends_the_question_whichever_it_is() {
    let home = tempfile::tempdir().unwrap();
    let server = Arc::new(Silent(watch::Sender::new(0)));
    let mut engine = engine(home.path(), Arc::clone(&server));
    let mut open = server.0.subscribe();
    for ask in questions() {
        let (reply, answer) = oneshot::channel();
        let what = format!("{ask:?}");
        engine.answer(ask, reply);
        assert!(is_soon(&mut open, |open| open > 0).await, "{what} asks its server");
        drop(answer);
        assert!(is_soon(&mut open, |open| open == 0).await, "{what} is let go");
    }
}

#[tokio::test]
async fn lanes_that_two_ask_for_at_once_are_asked_of_a_server_once() {
    let home = tempfile::tempdir().unwrap();
    let server = Arc::new(Silent(watch::Sender::new(0)));
    let mut engine = engine(home.path(), Arc::clone(&server));
    let mut open = server.0.subscribe();
    let mut ask = |minutes: u64| {
        let (reply, answer) = oneshot::channel();
        engine.answer(Ask::Lanes { span: Duration::from_secs(60 * minutes), end: When::Now }, reply);
        answer
    };
    let (first, second) = (ask(60), ask(60));
    assert!(is_soon(&mut open, |open| open == 1).await);
    // Of another span it is another question.
    let other = ask(15);
    assert!(is_soon(&mut open, |open| open == 2).await);
    // Who leaves takes it from nobody.
    drop((first, other));
    assert!(is_soon(&mut open, |open| open == 1).await);
    let third = ask(60);
    drop(second);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(*open.borrow(), 1);
    drop(third);
    assert!(is_soon(&mut open, |open| open == 0).await);
}
