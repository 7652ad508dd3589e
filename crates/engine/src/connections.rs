//! Connections as tasks: each opens its connector, says facts into the engine's channel, and ends when dropped.

use crate::{
    input::{Asked, Input},
    table,
    ways::Ways,
};
use pilothouse_connect::{Clock, Connector, NoRelay, Opening, Relays, Sink};
use pilothouse_vault::{ConnectionSettings, Vault};
use pilothouse_wire::{Code, ConnectionId, Health, Problem, Stamp, view::connections::PluginNotice};
use pilothouse_world::{
    Batch, Extent, Fact,
    fact::{SourceAbout, SourceFact},
};
use secrecy::SecretString;
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::mpsc, task::AbortHandle};

/// What every connection's task is given.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub inputs: mpsc::Sender<Input>,
    pub facts: mpsc::Sender<Batch>,
    pub vault: Arc<Vault>,
    pub clock: Clock,
}

impl Surroundings {
    /// The ways that connections have into clusters, for those that need one.
    fn relays(&self) -> Relays {
        Relays::of(Ways(self.inputs.clone()))
    }

    /// Hands on what is known of the vault: one that is locked has to be shown to who can open it.
    pub(crate) async fn tell_of_vault(&self) {
        // An engine that has stopped shows nothing.
        let _ = self.inputs.send(Input::Vault(self.vault.state().await)).await;
    }
}

/// The connections that have a task, or are paused.
#[derive(Default)]
pub(crate) struct Connections {
    running: BTreeMap<ConnectionId, Running>,
    starts: u64,
}

struct Running {
    start: u64,
    task: Option<AbortHandle>,
    connector: Option<Arc<dyn Connector>>,
    /// Why it was not opened.
    shut: Option<NoRelay>,
    /// Who waits for it to be opened.
    waiting: Vec<Asked>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Connections {
    /// Starts a connection, ending the task it may have had. A paused one only says that it is.
    pub(crate) fn start(&mut self, settings: ConnectionSettings, surroundings: &Surroundings) {
        self.starts += 1;
        let (id, start) = (settings.id.clone(), self.starts);
        self.running.remove(&id);
        let task = tokio::spawn(run(settings, start, surroundings.clone())).abort_handle();
        self.running.insert(id, Running { start, task: Some(task), connector: None, shut: None, waiting: Vec::new() });
    }

    /// Ends a connection.
    pub(crate) fn stop(&mut self, id: &ConnectionId) {
        self.running.remove(id);
    }

    /// Is it one of ours? Facts of others come too late to be of use.
    pub(crate) fn has(&self, id: &ConnectionId) -> bool {
        self.running.contains_key(id)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &ConnectionId> {
        self.running.keys()
    }

    /// Its task has opened it.
    pub(crate) fn opened(&mut self, id: &ConnectionId, start: u64, connector: Arc<dyn Connector>) {
        if let Some(running) = self.running.get_mut(id).filter(|running| running.start == start) {
            running.connector = Some(connector);
            running.tell();
        }
    }

    /// Its task could not open it.
    pub(crate) fn shut(&mut self, id: &ConnectionId, start: u64, why: NoRelay) {
        if let Some(running) = self.running.get_mut(id).filter(|running| running.start == start) {
            running.shut = Some(why);
            running.tell();
        }
    }

    /// Answers who needs this connection, now or once it is known whether it can be opened.
    pub(crate) fn open(&mut self, id: &ConnectionId, asked: Asked) {
        if let Some(running) = self.running.get_mut(id) {
            running.waiting.push(asked);
            running.tell();
            return;
        }
        let leads = |running: &Running| running.connector.clone().is_none_or(|open| open.relay().is_some());
        let known = self.running.iter().filter(|(_, running)| leads(running)).map(|(id, _)| id.clone()).collect();
        // Who asked may have gone.
        let _ = asked.send(Err(NoRelay::Unknown(known)));
    }

    /// Do they lead inside of something that could be looked through?
    pub(crate) fn leading_inside(&self) -> impl Iterator<Item = &ConnectionId> {
        let leads = |running: &Running| running.connector.clone().is_some_and(|open| open.relay().is_some());
        self.running.iter().filter(move |(_, running)| leads(running)).map(|(id, _)| id)
    }

    /// The open connection, to read an object with.
    pub(crate) fn connector(&self, id: &ConnectionId) -> Option<Arc<dyn Connector>> {
        self.running.get(id)?.connector.clone()
    }

    /// All open connections, for who finds out later which one is to be asked.
    pub(crate) fn connectors(&self) -> Connectors {
        let open = self.running.iter().filter_map(|(id, running)| Some((id.clone(), running.connector.clone()?)));
        open.collect()
    }
}

/// All that are open, by their ids.
pub(crate) type Connectors = BTreeMap<ConnectionId, Arc<dyn Connector>>;

impl Running {
    /// Tells who waits, if there is something to tell.
    fn tell(&mut self) {
        let open = match (&self.connector, &self.shut) {
            (Some(open), _) => Ok(Arc::clone(open)),
            (None, Some(why)) => Err(why.clone()),
            (None, None) => return,
        };
        for asked in self.waiting.drain(..) {
            // Who asked may have gone.
            let _ = asked.send(open.clone());
        }
    }
}

/// What is known of a connection before its task has begun: a door that asks at once finds it by name.
pub(crate) fn announced(settings: &ConnectionSettings, now: Stamp) -> Batch {
    let about = SourceAbout {
        name: settings.name.as_str().into(),
        kind: settings.kind.as_str().into(),
        demo: table::kind(&settings.kind).is_some_and(|kind| kind.demo),
        address: None,
        period_ms: 5_000,
    };
    let health = match settings.paused {
        true => Health::Paused,
        false => Health::Starting { doing: "Signing in".into(), progress: None },
    };
    let facts = [SourceFact::About(Box::new(about)), SourceFact::Health(health)].map(Fact::Source);
    Batch { source: settings.id.clone(), seen_at: now, extent: Extent::Delta, facts: facts.into() }
}

async fn run(settings: ConnectionSettings, start: u64, surroundings: Surroundings) {
    let Surroundings { inputs, facts, clock, .. } = &surroundings;
    let sink = Sink::new(settings.id.clone(), facts.clone(), clock.clone());
    let health = match begin(&settings, &sink, &surroundings).await {
        Ok(connector) => {
            if inputs.send(Input::Opened(settings.id.clone(), start, Arc::clone(&connector))).await.is_ok() {
                connector.watch(sink).await;
            }
            return;
        }
        Err(health) => health,
    };
    let why = match health.problem() {
        Some(problem) => NoRelay::Shut(Box::new(problem.clone())),
        None => NoRelay::Paused,
    };
    let _ = inputs.send(Input::Shut(settings.id.clone(), start, why)).await;
    // Nothing more can be done until a person changes something, which starts this anew.
    let _ = sink.health(health).await;
}

async fn begin(
    settings: &ConnectionSettings,
    sink: &Sink,
    surroundings: &Surroundings,
) -> Result<Arc<dyn Connector>, Health> {
    if settings.paused {
        return Err(Health::Paused);
    }
    let secrets = secrets(settings, &surroundings.vault).await;
    if !settings.secrets.is_empty() {
        surroundings.tell_of_vault().await;
    }
    let secrets = secrets.map_err(Health::Lost)?;
    let connector = open(settings, secrets, surroundings).map_err(Health::Lost)?;
    let _ = sink.source(SourceFact::About(Box::new(connector.about()))).await;
    match connector.unconfirmed_plugin() {
        Some(plugin) => Err(Health::Lost(untrusted(settings, &plugin))),
        None => Ok(connector),
    }
}

/// The connection's secrets, read from the vault; the vault is not touched if its kind has none.
pub(crate) async fn secrets(
    settings: &ConnectionSettings,
    vault: &Vault,
) -> Result<BTreeMap<String, SecretString>, Problem> {
    let mut secrets = BTreeMap::new();
    for field in settings.secrets.iter() {
        if let Some(secret) = vault.get(&settings.id, field).await? {
            secrets.insert(field.clone(), secret);
        }
    }
    Ok(secrets)
}

/// Opens a connection; contacts nobody.
pub(crate) fn open(
    settings: &ConnectionSettings,
    secrets: BTreeMap<String, SecretString>,
    surroundings: &Surroundings,
) -> Result<Arc<dyn Connector>, Problem> {
    let kind = table::kind(&settings.kind).ok_or_else(|| {
        let known: Vec<&str> = table::KINDS.iter().map(|kind| kind.id).collect();
        Problem::new(Code::BadInput, format!("There is no kind of connection called \"{}\".", settings.kind))
            .next(format!("Use one of: {}.", known.join(", ")))
    })?;
    let missing = kind
        .fields
        .iter()
        .find(|field| field.required && !settings.values.contains_key(field.key) && !secrets.contains_key(field.key));
    if let Some(field) = missing {
        return Err(Problem::new(Code::BadInput, format!("{}: \"{}\" is not filled in.", settings.name, field.label))
            .next(format!("Give it a value: {}", field.help)));
    }
    (kind.open)(Opening {
        id: settings.id.clone(),
        name: settings.name.clone(),
        values: settings.values.clone(),
        secrets,
        trusted: settings.trusted_plugins.clone(),
        clock: surroundings.clock.clone(),
        relays: surroundings.relays(),
        sought: table::sought(),
    })
}

fn untrusted(settings: &ConnectionSettings, plugin: &PluginNotice) -> Problem {
    Problem::new(Code::PluginUntrusted, format!("{} signs in with a program that nobody confirmed.", settings.name))
        .why(format!("Its kubeconfig runs {} {}.", plugin.command, plugin.line()))
        .next("Look at it and confirm it once. Nothing is run until then.")
        .remedy(format!(
            "pilothouse connect edit {} --trust-plugin {}",
            settings.id,
            plugin.fingerprint.as_deref().unwrap_or_default()
        ))
}
