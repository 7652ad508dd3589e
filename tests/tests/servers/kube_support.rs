//! What the tests of the Kubernetes connector share: a connection that is watched into a world, and what that world
//! should hold by the server's own word.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use acceptance::{Failure, Result, api, until};
use pilothouse_connect::{Clock, Connector, Opening, Relays, Signature, Sink};
use pilothouse_connect_kube::KIND;
use pilothouse_wire::{
    ConnectionId, Health, ObjectRef, Problem, When,
    view::{DeliveryView, FleetSpec, FleetView, RibbonView, RolloutView, connections::PluginNotice},
};
use pilothouse_world::{Batch, Source, World, project};
use serde_json::Value;
use tokio::{sync::mpsc, task::JoinSet};

/// The name of the connection in tests.
pub const NAME: &str = "ord-prod";
/// How long a change may take to be seen; generous, since the machine may be busy.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Settings of a connection, changed by the tests before it is opened.
pub struct Settings {
    pub values: BTreeMap<String, String>,
    pub trusted: Vec<PluginNotice>,
    pub clock: Clock,
    /// What is looked for inside of the cluster.
    pub sought: &'static [Signature],
}

impl Settings {
    /// The only context of a kubeconfig.
    pub fn new(kubeconfig: &Path) -> Self {
        let text = std::fs::read_to_string(kubeconfig).unwrap_or_default();
        let context = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|config| config["contexts"][0]["name"].as_str().map(str::to_owned))
            .unwrap_or_else(|| "test".to_owned());
        Self {
            values: BTreeMap::from([
                ("context".to_owned(), context),
                ("kubeconfig".to_owned(), kubeconfig.display().to_string()),
            ]),
            trusted: Vec::new(),
            clock: Clock::system(),
            sought: &[],
        }
    }

    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.values.insert(key.to_owned(), value.to_owned());
        self
    }

    pub fn trusting(mut self, plugin: PluginNotice) -> Self {
        self.trusted.push(plugin);
        self
    }

    pub fn open(&self) -> std::result::Result<Arc<dyn Connector>, Problem> {
        (KIND.open)(Opening {
            id: id(),
            name: NAME.to_owned(),
            values: self.values.clone(),
            secrets: BTreeMap::new(),
            trusted: self.trusted.clone(),
            clock: self.clock.clone(),
            relays: Relays::none(),
            sought: self.sought,
        })
    }
}

pub fn id() -> ConnectionId {
    ConnectionId::slug(NAME)
}

/// A connection that is watched, and the world that its facts make. Ends when dropped.
pub struct Watched {
    world: Arc<Mutex<World>>,
    /// Everything that was ever said, as text: to look for what must not be in it.
    said: Arc<Mutex<String>>,
    healths: Arc<Mutex<Vec<Health>>>,
    pub connector: Arc<dyn Connector>,
    _tasks: JoinSet<()>,
}

impl Watched {
    pub fn start(settings: &Settings) -> Result<Self> {
        let connector = settings.open().map_err(|problem| Failure::new(problem.to_string()))?;
        let (way, mut batches) = mpsc::channel::<Batch>(64);
        let sink = Sink::new(id(), way, settings.clock.clone());
        let world = Arc::new(Mutex::new(World::default()));
        let said = Arc::new(Mutex::new(String::new()));
        let healths = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let (world, said, healths) = (Arc::clone(&world), Arc::clone(&said), Arc::clone(&healths));
            async move {
                while let Some(batch) = batches.recv().await {
                    said.lock().unwrap().push_str(&format!("{batch:?}\n"));
                    for fact in &batch.facts {
                        if let pilothouse_world::Fact::Source(pilothouse_world::fact::SourceFact::Health(health)) = fact
                        {
                            healths.lock().unwrap().push(health.clone());
                        }
                    }
                    world.lock().unwrap().apply(batch);
                }
            }
        });
        tasks.spawn({
            let connector = Arc::clone(&connector);
            async move { connector.watch(sink).await }
        });
        Ok(Self { world, said, healths, connector, _tasks: tasks })
    }

    /// What is known now.
    pub fn see<T>(&self, look: impl FnOnce(&Source) -> T) -> Option<T> {
        self.world.lock().unwrap().source(&id()).map(look)
    }

    /// Waits until what is known is so.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&Source) -> Option<T>) -> Result<T> {
        let seen = until(what, LIMIT, async || Ok(self.see(&mut look).flatten())).await;
        seen.map_err(|failure| {
            let health = self.see(|source| format!("{:?}", source.health));
            Failure::new(format!("{failure}; its health is {}", health.unwrap_or_default()))
        })
    }

    /// The ribbon of the last day, up to the last that was heard.
    pub fn ribbon(&self) -> RibbonView {
        let now = self.see(|source| source.heard).flatten().unwrap_or_default();
        project::ribbon(&self.world.lock().unwrap(), Duration::from_secs(86_400), When::Now, now)
    }

    /// The fleet, as a door lists it.
    pub fn fleet(&self) -> FleetView {
        project::FleetProjection::new(&self.world.lock().unwrap(), FleetSpec::default()).into_view()
    }

    /// The services, as a door lists them.
    pub fn services(&self) -> DeliveryView {
        project::delivery(&self.world.lock().unwrap(), &FleetSpec::default())
    }

    /// One service in full, as of the last that was heard.
    pub fn service(&self, object: &ObjectRef) -> Option<RolloutView> {
        let now = self.see(|source| source.heard).flatten().unwrap_or_default();
        project::rollout(&self.world.lock().unwrap(), object, now)
    }

    pub async fn until_well(&self) -> Result<()> {
        self.until("it is well", |source| matches!(source.health, Health::Well).then_some(())).await
    }

    /// Waits until something is wrong, and says what.
    pub async fn until_problem(&self, word: &str) -> Result<Problem> {
        self.until(&format!("it is {word}"), |source| {
            source.health.problem().filter(|_| source.health.word() == word).cloned()
        })
        .await
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// The words of its health so far, each once where it stayed.
    pub fn words(&self) -> Vec<&'static str> {
        let mut words: Vec<&'static str> = self.healths.lock().unwrap().iter().map(Health::word).collect();
        words.dedup();
        words
    }

    /// Waits until the world holds the very pods and nodes that the server lists.
    pub async fn until_as_listed(&self, api: &acceptance::Api) -> Result<()> {
        let mut differs = String::new();
        let same = until("the world is as listed", LIMIT, async || {
            let pods = names(&api.get("/api/v1/pods").await?);
            let nodes = names(&api.get("/api/v1/nodes").await?);
            let (seen_pods, seen_nodes) = self
                .see(|source| {
                    let pods = source
                        .pods
                        .values()
                        .map(|pod| (format!("{}/{}", pod.fact.namespace, pod.fact.name), pod.fact.uid.to_string()));
                    let nodes =
                        source.nodes.values().map(|node| (format!("/{}", node.fact.name), node.fact.uid.to_string()));
                    (pods.collect::<BTreeSet<_>>(), nodes.collect::<BTreeSet<_>>())
                })
                .unwrap_or_default();
            differs = format!(
                "listed only: {:?}; seen only: {:?}",
                pods.difference(&seen_pods).take(3).collect::<Vec<_>>(),
                seen_pods.difference(&pods).take(3).collect::<Vec<_>>()
            );
            Ok((pods == seen_pods && nodes == seen_nodes).then_some(()))
        })
        .await;
        same.map_err(|failure| Failure::new(format!("{failure}; {differs}")))
    }
}

fn names(list: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    api::items(list)
        .iter()
        .map(|item| {
            let meta = &item["metadata"];
            (format!("{}/{}", text(&meta["namespace"]), text(&meta["name"])), text(&meta["uid"]))
        })
        .collect()
}
