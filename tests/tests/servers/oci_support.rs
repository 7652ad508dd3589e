//! A connection to a registry, opened and watched as the engine does it, with the world that its facts make.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acceptance::{Failure, Registry, Result, until};
use pilothouse_connect::{Clock, Connector, Opening, Relays, Sink};
use pilothouse_connect_oci::KIND;
use pilothouse_wire::view::{ArtifactsView, Mark, TagRow};
use pilothouse_wire::{ConnectionId, Health, Problem, When};
use pilothouse_world::{Batch, World, project};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long a look at a registry may take: it is looked at each half a minute.
pub const LIMIT: Duration = Duration::from_secs(90);

/// What a connection is opened with.
pub struct Settings {
    values: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
}

impl Settings {
    /// Of a registry, with what is to be watched.
    pub fn new(registry: &Registry, watch: &str) -> Self {
        Self::at(&registry.url(), watch)
    }

    /// Of an address.
    pub fn at(url: &str, watch: &str) -> Self {
        let values = [("url", url), ("watch", watch)].map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self { values: values.into(), secrets: BTreeMap::new() }
    }

    /// Signing in as somebody.
    pub fn signed_in(mut self, user: &str, password: &str) -> Self {
        self.values.insert("username".to_owned(), user.to_owned());
        self.secrets.insert("password".to_owned(), password.to_owned());
        self
    }

    /// The connection; contacts nobody.
    pub fn open(&self) -> Result<Arc<dyn Connector>> {
        let secrets = self.secrets.iter().map(|(key, value)| (key.clone(), value.clone().into()));
        let opening = Opening {
            id: id(),
            name: "registry".to_owned(),
            values: self.values.clone(),
            secrets: secrets.collect(),
            trusted: Vec::new(),
            clock: Clock::system(),
            relays: Relays::none(),
            sought: &[],
        };
        (KIND.open)(opening).map_err(|problem| Failure::new(problem.to_string()))
    }
}

/// The connection's id.
pub fn id() -> ConnectionId {
    ConnectionId::slug("registry")
}

/// A connection that is watched.
pub struct Watched {
    /// It.
    pub connector: Arc<dyn Connector>,
    world: Arc<Mutex<World>>,
    said: Arc<Mutex<Vec<Batch>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Watched {
    /// Watches it from now on.
    pub fn start(settings: &Settings) -> Result<Self> {
        let connector = settings.open()?;
        let (way, mut facts) = mpsc::channel::<Batch>(16);
        let sink = Sink::new(id(), way, Clock::system());
        let (world, said) = (Arc::new(Mutex::new(World::default())), Arc::new(Mutex::new(Vec::new())));
        let watching = tokio::spawn({
            let connector = Arc::clone(&connector);
            async move { connector.watch(sink).await }
        });
        let folding = tokio::spawn({
            let (world, said) = (Arc::clone(&world), Arc::clone(&said));
            async move {
                while let Some(batch) = facts.recv().await {
                    said.lock().unwrap_or_else(PoisonError::into_inner).push(batch.clone());
                    world.lock().unwrap_or_else(PoisonError::into_inner).apply(batch);
                }
            }
        });
        Ok(Self { connector, world, said, tasks: vec![watching, folding] })
    }

    fn world<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is known of all that is watched.
    pub fn artifacts(&self) -> ArtifactsView {
        self.world(project::artifacts)
    }

    /// The changes so far.
    pub fn marks(&self) -> Vec<Mark> {
        let now = Clock::system().now();
        self.world(|world| project::ribbon(world, Duration::from_secs(3_600), When::Now, now).marks.rows().to_vec())
    }

    /// How it is.
    pub fn health(&self) -> Health {
        self.world(|world| world.source(&id()).map(|source| source.health.clone()).unwrap_or_default())
    }

    /// What is wrong with it.
    pub fn problem(&self) -> Option<Problem> {
        self.health().problem().cloned()
    }

    /// Everything that it said, as a text to look for secrets in.
    pub fn said(&self) -> String {
        format!("{:?}", self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until something is so.
    pub async fn until<T>(&self, what: &str, wanted: impl Fn(&Self) -> Option<T>) -> Result<T> {
        let found = until(what, LIMIT, async || Ok(wanted(self)));
        found.await.map_err(|failure| {
            Failure::new(format!("{failure}\nIts health: {:?}\nIts tags: {:?}", self.health(), self.artifacts().tags))
        })
    }

    /// Waits until a tag stands at a digest.
    pub async fn stands(&self, repository: &str, tag: &str, digest: &str) -> Result<TagRow> {
        self.until(&format!("{repository}:{tag} stands at {digest}"), |watched| {
            let artifacts = watched.artifacts();
            let is_it = |row: &&TagRow| row.id.repository == repository && row.id.tag == tag && row.digest == digest;
            artifacts.tags.rows().iter().find(is_it).cloned()
        })
        .await
    }
}
