//! A connector of a stand before a scripted server: opened, tested, watched for spans of paused time.

use super::{
    scripted::{Reply, Scripted},
    stand::{Given, Place, Stand},
};
use crate::{Clock, Connector, Opening, Relays, Sink};
use pilothouse_wire::{ConnectionId, Health, Problem, Stamp};
use pilothouse_world::{Batch, Extent, Fact, fact, fact::SourceFact};
use std::{
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

/// What the connector signs in with. It must be said nowhere.
pub const SECRET: &str = "canary-Zm9yLXRoZS1zdWl0ZQ";
/// The address of the server of a connector that has none.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A connector of a stand, and the server that it is sent to.
pub struct Before {
    /// The server, if the connector contacts one.
    pub server: Option<Scripted>,
    /// The connector.
    pub connector: Arc<dyn Connector>,
    clock: Clock,
    // Holds the files that the settings name.
    _folder: tempfile::TempDir,
}

impl Before {
    /// Opens the stand's connector before a server that answers by the script, and else as one that is well.
    pub async fn open(
        stand: &Stand,
        script: impl Fn(&str, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let server = match &stand.server {
            Some(speaks) => {
                let well = speaks.well;
                let script = move |path: &str, before| script(path, before).unwrap_or_else(|| well(path));
                Some(Scripted::start(script).await.map_err(|error| error.to_string())?)
            }
            None => None,
        };
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let given = fill(stand, server.as_ref(), folder.path());
        let clock = clock();
        let connector = (stand.kind.open)(opening(given, clock.clone())).map_err(|problem| problem.to_string())?;
        Ok(Self { server, connector, clock, _folder: folder })
    }

    /// Begins to watch.
    pub fn watch(&self) -> Run {
        let (way, batches) = mpsc::channel(64);
        let sink = Sink::new(id(), way, self.clock.clone());
        let connector = Arc::clone(&self.connector);
        Run { batches, watch: tokio::spawn(async move { connector.watch(sink).await }), said: Vec::new() }
    }

    /// The server's requests for which something holds: path without query, and when.
    pub fn asked(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, Instant)> {
        let asked = self.server.as_ref().map(Scripted::requests).unwrap_or_default();
        asked.into_iter().filter(|asked| wanted(&asked.path)).map(|asked| (plain(&asked.path), asked.at)).collect()
    }
}

/// A path without its query.
pub fn plain(path: &str) -> String {
    path.split('?').next().unwrap_or_default().to_owned()
}

/// The stand's form, filled in.
pub fn fill(stand: &Stand, server: Option<&Scripted>, folder: &Path) -> Given {
    let url = server.map_or(NOWHERE, |server| &server.url);
    (stand.fill)(&Place { url, secret: SECRET, folder })
}

/// All that a connector is opened with.
pub fn opening(given: Given, clock: Clock) -> Opening {
    let Given { values, secrets } = given;
    Opening {
        id: id(),
        name: "ord-prod".to_owned(),
        values,
        secrets,
        trusted: Vec::new(),
        clock,
        relays: Relays::none(),
        sought: &[],
    }
}

/// A clock that stands still where the runtime's does.
pub fn clock() -> Clock {
    Clock::of(now)
}

/// The time by that clock, for servers whose answers carry it.
#[must_use]
pub fn now() -> Stamp {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let start = *START;
    Stamp(1_795_489_964_000).plus(Instant::now().saturating_duration_since(start))
}

fn id() -> ConnectionId {
    ConnectionId::slug("ord-prod")
}

/// A connector that is watched.
pub struct Run {
    batches: mpsc::Receiver<Batch>,
    watch: JoinHandle<()>,
    /// What it said so far.
    pub said: Vec<Batch>,
}

impl Run {
    /// Hears it for a while.
    pub async fn hear(&mut self, span: Duration) -> Result<(), String> {
        let until = Instant::now() + span;
        loop {
            match tokio::time::timeout_at(until, self.batches.recv()).await {
                Ok(Some(batch)) => self.said.push(batch),
                Ok(None) => return Err("it ended by itself, though somebody listened".to_owned()),
                Err(_) => return Ok(()),
            }
        }
    }

    /// Hears it until it is well.
    pub async fn until_well(&mut self, limit: Duration) -> Result<(), String> {
        let until = Instant::now() + limit;
        while !matches!(self.health(), Some(Health::Well)) {
            if Instant::now() >= until {
                return Err(format!("it is not well after {limit:?}, but {:?}", self.health()));
            }
            self.hear(Duration::from_millis(250)).await?;
        }
        Ok(())
    }

    /// Stops to listen; it must end.
    pub async fn close(mut self, limit: Duration) -> Result<(), String> {
        self.batches.close();
        while self.batches.recv().await.is_some() {}
        match tokio::time::timeout(limit, self.watch).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("its watch failed: {error}")),
            Err(_) => Err(format!("it goes on {limit:?} after nobody listens")),
        }
    }

    /// How it says that it is.
    pub fn health(&self) -> Option<&Health> {
        self.healths().last()
    }

    /// Problems that it told, in order.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.healths().filter_map(Health::problem)
    }

    fn healths(&self) -> impl Iterator<Item = &Health> {
        self.said.iter().flat_map(|batch| &batch.facts).filter_map(|fact| match fact {
            Fact::Source(SourceFact::Health(health)) => Some(health),
            _ => None,
        })
    }

    /// How many facts each complete listing of a kind had, in order.
    pub fn listings(&self, kind: fact::Kind) -> Vec<usize> {
        let of_kind = |batch: &&Batch| matches!(&batch.extent, Extent::Replace(covers) if covers.kind == kind);
        self.said.iter().filter(of_kind).map(|batch| batch.facts.len()).collect()
    }

    /// Does anything that it said tell of what a server holds, and not of the source itself?
    pub fn tells_of_objects(&self) -> bool {
        let holds = |batch: &Batch| {
            matches!(batch.extent, Extent::Replace(_))
                || batch.facts.iter().any(|fact| !matches!(fact, Fact::Source(_)))
        };
        self.said.iter().any(holds)
    }
}
