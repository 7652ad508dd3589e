//! The loop: takes what happened, folds it in, and publishes. The only writer of the world.

mod answers;
mod telling;

use crate::{
    acts::Desk,
    checks,
    connections::{self, Connections, Surroundings},
    gaps::Gaps,
    handle::{Operator, Settled},
    input::{Changed, Input},
    notes,
    notices::memory::Memory,
    offers,
    options::{Options, Paths},
    past::Worlds,
    publish::{Publisher, Scene},
    rates::Rates,
    record::Opened,
    table,
};
use pilothouse_connect::{Clock, Discovery};
use pilothouse_journal::{Limits, Reader as JournalReader, Recorder};
use pilothouse_vault::{ConnectionSettings, Settings, Vault};
use pilothouse_wire::{
    Acted, Code, ConnectionId, Health, Problem, ViewSpec,
    ask::RecordShown,
    view::{ConnectionsView, VaultState},
};
use pilothouse_world::{Batch, Extent, Fact, Touched, World, fact::SourceFact};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior},
};

/// Ten frames a second at most.
const FRAME: Duration = Duration::from_millis(100);
/// How often freshness is told and rates are taken.
const BEAT: Duration = Duration::from_secs(1);
/// How often the world is kept in the journal, so that a seek starts near.
const CHECKPOINT: Duration = Duration::from_secs(300);
/// How often files are looked through for places to connect, while somebody looks at the connections.
const DISCOVER: Duration = Duration::from_secs(10);
/// Batches that may wait; more, and connectors wait.
const BATCHES: usize = 256;
/// Asks and acts that may wait; more, and doors wait.
const INPUTS: usize = 64;

pub(crate) async fn start(options: Options) -> Result<Operator, Problem> {
    let paths = options.paths.clone();
    let settings = tokio::task::spawn_blocking(move || Settings::load(&paths))
        .await
        .map_err(|error| Problem::new(Code::Internal, "The settings could not be read.").why(error.to_string()))??;
    let chosen = chosen(&options, &settings)?;
    let (journal, mut notices) = (checks::journal_file(&options.paths), Vec::new());
    let recorder = if options.record {
        // One of an earlier version is brought up to date first.
        let file = journal.clone();
        let opened = tokio::task::spawn_blocking(move || Recorder::open(&file, Limits::default())).await;
        let opened = opened.unwrap_or_else(|error| {
            Err(Problem::new(Code::Internal, "The record could not be opened.").why(error.to_string()))
        });
        opened.map_err(|problem| notices.push(problem)).ok()
    } else {
        None
    };
    let memory = if recorder.is_some() { telling::remembered(&options.paths).await } else { None };
    let ways = Ways::new();
    let past = journal.exists().then(|| JournalReader::new(&journal));
    let mut engine = Loop { past, recorder, notices, settings, ..Loop::new(options, &ways) };
    engine.begin_telling(memory);
    engine.begin(chosen);
    Ok(ways.run(engine))
}

/// Opens a record: its world is that of its end, and stays it.
pub(crate) async fn open(record: &Opened, paths: Paths) -> Result<Operator, Problem> {
    let past = JournalReader::new(record.path());
    let reader = past.clone();
    let read = move || {
        let empty = || Problem::new(Code::NotFound, format!("There is nothing in {}.", reader.path().display()));
        let (since, end) = reader.span()?.ok_or_else(empty)?;
        reader.world_at(end).map(|world| (since, end, world))
    };
    let (since, end, world) = tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| Problem::new(Code::Internal, "The record could not be read.").why(error.to_string()))??;
    let options = Options { paths, demo: false, only: None, record: false, clock: Clock::of(move || end) };
    let ways = Ways::new();
    let touched = Touched { all: true, ..Touched::default() };
    let world = Arc::unwrap_or_clone(world);
    // A record of the demo fleet says so, as the demo fleet itself does.
    let demo = world.sources().filter(|(_, source)| source.about.demo).map(|(id, _)| id.clone()).collect();
    let shown = Some(RecordShown { name: record.name().to_owned(), since, until: end });
    let engine = Loop { world, touched, demo, shown, past: Some(past), ..Loop::new(options, &ways) };
    Ok(ways.run(engine))
}

/// The ways into the loop.
struct Ways {
    inputs: mpsc::Sender<Input>,
    inbox: mpsc::Receiver<Input>,
    facts: mpsc::Sender<Batch>,
    batches: mpsc::Receiver<Batch>,
}

impl Ways {
    fn new() -> Self {
        let (inputs, inbox) = mpsc::channel(INPUTS);
        let (facts, batches) = mpsc::channel(BATCHES);
        Self { inputs, inbox, facts, batches }
    }

    /// Runs a loop behind them.
    fn run(self, engine: Loop) -> Operator {
        tokio::spawn(engine.run(self.inbox, self.batches));
        Operator::new(self.inputs)
    }
}

/// The connections to start: the one asked for, or all that are configured.
fn chosen(options: &Options, settings: &Settings) -> Result<Vec<ConnectionSettings>, Problem> {
    let Some(only) = &options.only else { return Ok(settings.connections.clone()) };
    let configured =
        settings.connections.iter().find(|settings| settings.id.as_str() == only || settings.name == *only);
    if let Some(settings) = configured {
        return Ok(vec![settings.clone()]);
    }
    // A context of the kubeconfig, for this run only: naming it is choosing it.
    let found = table::discover();
    let offered = found.offered.iter().find(|(context, _)| context.context == *only);
    if let Some((_, draft)) = offered {
        return Ok(vec![ConnectionSettings::new(draft.id(), &draft.kind, &draft.name, draft.values.clone())]);
    }
    if let Some(problem) = found.problems.into_iter().next() {
        return Err(problem);
    }
    let names = settings.connections.iter().map(|settings| settings.id.to_string());
    let contexts = found.offered.into_iter().map(|(context, _)| context.context);
    let known: Vec<String> = names.chain(contexts).collect();
    let next =
        if known.is_empty() { "Neither is there any.".into() } else { format!("There are: {}.", known.join(", ")) };
    Err(Problem::new(Code::NotFound, format!("There is no connection and no context \"{only}\".")).next(next))
}

struct Loop {
    world: World,
    touched: Touched,
    publisher: Publisher,
    connections: Connections,
    recorder: Option<Recorder>,
    past: Option<JournalReader>,
    worlds: Worlds,
    gaps: Gaps,
    rates: Rates,
    discovery: Discovery,
    vault: VaultState,
    notices: Vec<Problem>,
    settings: Settings,
    desk: Desk,
    /// The demo fleet's connections, while it is shown. They are in no settings.
    demo: Vec<ConnectionId>,
    /// The record that is shown instead of anything live. Nobody acts on it, and no place to connect is looked for.
    shown: Option<RecordShown>,
    /// What was told, in a file.
    memory: Option<Memory>,
    options: Options,
}

impl Loop {
    /// A loop that knows nothing yet.
    fn new(options: Options, ways: &Ways) -> Self {
        let vault = Arc::new(Vault::new(&options.paths));
        let (inputs, facts) = (ways.inputs.clone(), ways.facts.clone());
        let surroundings = Surroundings { inputs, facts, vault, clock: options.clock.clone() };
        let confirmed_early = Arc::new(Mutex::new(std::collections::BTreeMap::new()));
        Self {
            world: World::default(),
            touched: Touched::default(),
            publisher: Publisher::default(),
            connections: Connections::default(),
            recorder: None,
            past: None,
            worlds: Worlds::default(),
            gaps: Gaps::default(),
            rates: Rates::default(),
            discovery: Discovery::default(),
            vault: VaultState::NotNeeded,
            notices: Vec::new(),
            settings: Settings::default(),
            desk: Desk { paths: options.paths.clone(), surroundings, confirmed_early },
            demo: Vec::new(),
            shown: None,
            memory: None,
            options,
        }
    }

    fn begin(&mut self, chosen: Vec<ConnectionSettings>) {
        if let Some(recorder) = &self.recorder {
            // This run begins with an empty world: what an earlier run saw is its own past.
            let now = self.options.clock.now();
            recorder.checkpoint(&self.world, now);
            self.past = Some(recorder.reader());
            let inputs = self.desk.surroundings.inputs.clone();
            notes::recall(self.worlds.clone(), recorder.reader(), now, inputs);
        }
        if self.options.demo || chosen.is_empty() {
            self.start_demo();
        } else {
            for settings in chosen {
                self.start(settings);
            }
        }
        self.discover();
    }

    fn start_demo(&mut self) {
        self.demo.clear();
        for (kind, name, values) in table::demo_fleet() {
            let settings = ConnectionSettings::new(ConnectionId::slug(&name), kind, &name, values);
            self.demo.push(settings.id.clone());
            self.start(settings);
        }
    }

    fn start(&mut self, settings: ConnectionSettings) {
        let batch = connections::announced(&settings, self.options.clock.now());
        self.connections.start(settings, &self.desk.surroundings);
        self.fold(batch);
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Input>, mut batches: mpsc::Receiver<Batch>) {
        let mut frame = tokio::time::interval(FRAME);
        let mut beat = tokio::time::interval(BEAT);
        frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut checkpoint, mut discover) = (Instant::now() + CHECKPOINT, Instant::now() + DISCOVER);
        loop {
            tokio::select! {
                biased;
                _ = frame.tick() => self.publish(),
                Some(input) = inbox.recv() => {
                    if let Input::Stop(done) = input {
                        return self.stop(done);
                    }
                    self.take(input);
                }
                Some(batch) = batches.recv() => self.fold(batch),
                _ = beat.tick() => {
                    self.beat();
                    let wanted = self.recorder.as_ref().is_some_and(Recorder::wants_checkpoint);
                    if wanted || Instant::now() >= checkpoint {
                        checkpoint = Instant::now() + CHECKPOINT;
                        self.keep();
                    }
                    if Instant::now() >= discover {
                        discover = Instant::now() + DISCOVER;
                        if self.shown.is_none() && self.publisher.is_watched(|spec| *spec == ViewSpec::Connections) {
                            self.discover();
                        }
                    }
                }
                else => return,
            }
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Ask(ask, reply) => self.answer(ask, reply),
            Input::Act(_, reply) if self.shown.is_some() => {
                let problem = Problem::new(Code::NotOffered, "A record cannot be changed.")
                    .why("This shows what somebody recorded: there is no server behind it, and nothing is kept.");
                let _ = reply.send(Err(problem.next("Open Pilothouse without a file to act.")));
            }
            Input::Act(act, reply) => {
                if let Some(fact) = notes::fact_of(&act) {
                    let _ = reply.send(fact.and_then(|fact| self.note(fact)));
                    return;
                }
                if let Some(acted) = self.told(&act) {
                    let _ = reply.send(Ok(acted));
                    return;
                }
                let desk = self.desk.clone();
                tokio::spawn(async move {
                    let _ = reply.send(desk.act(act).await);
                });
            }
            Input::Settle(reply) => drop(reply.send(self.settled())),
            Input::Watch(spec, way) => self.with_scene(|publisher, scene| publisher.watch(spec, way, scene)),
            Input::Opened(id, start, connector) => self.connections.opened(&id, start, connector),
            Input::Shut(id, start, why) => self.connections.shut(&id, start, why),
            Input::Relay(id, asked) => self.connections.relay(&id, asked),
            Input::Discovered(discovery) => {
                if self.discovery != discovery {
                    self.discovery = discovery;
                    self.touched.all = true;
                }
            }
            Input::Changed(changed) => self.changed(changed),
            Input::Recalled(marks) => self.keep_and_fold(vec![Fact::Recalled(marks)]),
            Input::Gaps(gaps) => self.touched.ribbon |= self.gaps.take(gaps),
            Input::Stop(done) => drop(done.send(())),
        }
    }

    fn fold(&mut self, mut batch: Batch) {
        if !self.connections.has(&batch.source) {
            return;
        }
        if let Some(recorder) = &self.recorder {
            pilothouse_journal::round_readings(&mut batch);
            recorder.append(&batch);
        }
        let touched = self.world.apply(batch);
        self.touched.merge(touched);
    }

    /// Puts a person's note into the record and onto the ribbon.
    fn note(&mut self, fact: Fact) -> Result<Acted, Problem> {
        if self.recorder.is_none() {
            return Err(Problem::new(Code::NotOffered, "Nothing is recorded here, so the note would not be kept.")
                .next("Write it in the Pilothouse that records: another one holds the record."));
        }
        self.keep_and_fold(vec![fact]);
        Ok(Acted::Ok)
    }

    /// Takes in what no connection said.
    fn keep_and_fold(&mut self, facts: Vec<Fact>) {
        let batch = notes::batch(facts, self.options.clock.now());
        if let Some(recorder) = &self.recorder {
            recorder.append(&batch);
        }
        let touched = self.world.apply(batch);
        self.touched.merge(touched);
    }

    /// Says what changed, but for what was measured: each of many sources measures in a moment of its own, and columns go
    /// out whole. They wait for the beat, which says them all at once.
    fn publish(&mut self) {
        if self.touched.is_measured_only() && !self.publisher.is_behind() {
            return;
        }
        let touched = self.touched.take_all_but_measured();
        self.with_scene(|publisher, scene| publisher.publish(&touched, scene));
    }

    fn beat(&mut self) {
        let now = self.options.clock.now();
        self.rates.note(&self.world, now);
        if self.worlds.tidy(now)
            && let Some(past) = &self.past
        {
            past.let_go();
        }
        if self.publisher.is_watched(|spec| matches!(spec, ViewSpec::Ribbon { .. })) {
            let lost = self.recorder.as_ref().map_or(0, Recorder::lost);
            self.gaps.beat(self.past.as_ref(), lost, now, &self.desk.surroundings.inputs);
        }
        if self.publisher.is_watched(|spec| *spec == ViewSpec::Connections) {
            self.touched.sources.extend(self.connections.ids().cloned());
        }
        let touched = std::mem::take(&mut self.touched);
        self.with_scene(|publisher, scene| publisher.beat(&touched, scene));
        self.remember();
    }

    /// Lends the publisher what it projects from.
    fn with_scene(&mut self, work: impl FnOnce(&mut Publisher, &Scene<'_>)) {
        let mut publisher = std::mem::take(&mut self.publisher);
        let scene = Scene {
            world: &self.world,
            connections: &|| self.connections_view(),
            gaps: &self.gaps,
            now: self.options.clock.now(),
            dropped: self.dropped(),
            zone: self.options.clock.zone(),
        };
        work(&mut publisher, &scene);
        self.publisher = publisher;
    }

    fn dropped(&self) -> u64 {
        self.world.dropped() + self.recorder.as_ref().map_or(0, Recorder::lost)
    }

    /// The connections: what the world knows of each, joined with its settings.
    fn connections_view(&self) -> ConnectionsView {
        let rows = pilothouse_world::project::connection_rows(&self.world);
        let rows = rows.rows().iter().cloned().map(|mut row| {
            row.facts_per_s = self.rates.of(&row.id);
            if let Some(settings) = self.settings.connections.iter().find(|settings| settings.id == row.id) {
                row.values = settings.values.clone();
                row.secrets_set = settings.secrets.clone();
            }
            row
        });
        let offered = self.discovery.offered.iter().map(|(context, draft)| {
            let used = self.settings.connections.iter().find(|settings| {
                settings.kind == draft.kind && settings.values.get("context") == draft.values.get("context")
            });
            let connected_as = used.map(|settings| settings.id.clone());
            pilothouse_wire::view::OfferedContext { connected_as, ..context.clone() }
        });
        ConnectionsView {
            rows: rows.collect(),
            offered: offered.collect(),
            inside: offers::inside(&self.world, &self.settings),
            looking: offers::is_looking(&self.world, &self.connections),
            kinds: table::KINDS.iter().filter(|kind| !kind.demo).map(pilothouse_connect::Kind::form).collect(),
            vault: self.vault.clone(),
            problems: self.discovery.problems.iter().chain(&self.notices).cloned().collect(),
        }
    }

    fn settled(&self) -> Settled {
        let not_recorded = match &self.recorder {
            None if self.options.record => self.notices.first().cloned(),
            None => None,
            Some(recorder) => recorder.losing().map(|why| {
                Problem::new(Code::Internal, "What is heard cannot be written.")
                    .why(format!("{why}."))
                    .next("Make room on the disk: it goes on by itself.")
            }),
        };
        let mut settled = Settled { not_recorded, ..Settled::default() };
        for id in self.connections.ids() {
            match self.world.source(id).map(|source| &source.health) {
                Some(Health::Well) => settled.ready.push(id.clone()),
                Some(Health::Paused) => {}
                Some(Health::Partial(problem) | Health::Slow(problem) | Health::Lost(problem)) => {
                    settled.troubled.push((id.clone(), problem.clone()));
                }
                Some(Health::Idle | Health::Starting { .. }) | None => settled.late.push(id.clone()),
            }
        }
        settled
    }

    /// Takes over what an act changed.
    fn changed(&mut self, changed: Changed) {
        match Settings::load(&self.options.paths) {
            Ok(settings) => self.settings = settings,
            Err(problem) => self.notices = vec![problem],
        }
        match changed {
            Changed::Wishes => return self.wished(),
            Changed::Restart(id) => self.restart(&id),
            Changed::Moved(id) => {
                self.forget(&id);
                self.restart(&id);
            }
            Changed::Vault(state) => {
                self.vault = state;
                let waiting: Vec<ConnectionId> = self
                    .world
                    .sources()
                    .filter(|(_, source)| source.health.problem().is_some_and(|p| p.code == Code::VaultLocked))
                    .map(|(id, _)| id.clone())
                    .collect();
                waiting.iter().for_each(|id| self.restart(id));
            }
        }
        self.touched.all = true;
    }

    fn restart(&mut self, id: &ConnectionId) {
        match self.settings.connections.iter().find(|settings| settings.id == *id).cloned() {
            Some(settings) => {
                // A first connection of one's own: the demo fleet makes room, unless it was asked for.
                if !self.options.demo {
                    std::mem::take(&mut self.demo).iter().for_each(|id| self.forget(id));
                }
                self.start(settings);
            }
            None if self.demo.contains(id) => self.start_demo(),
            None => self.forget(id),
        }
        if self.settings.connections.is_empty() && self.demo.is_empty() {
            self.start_demo();
        }
    }

    /// Ends a connection and forgets what it said.
    fn forget(&mut self, id: &ConnectionId) {
        let batch = Batch {
            source: id.clone(),
            seen_at: self.options.clock.now(),
            extent: Extent::Delta,
            facts: vec![Fact::Source(SourceFact::Removed)],
        };
        self.fold(batch);
        self.connections.stop(id);
    }

    fn discover(&self) {
        let inputs = self.desk.surroundings.inputs.clone();
        tokio::spawn(async move {
            if let Ok(found) = tokio::task::spawn_blocking(table::discover).await {
                let _ = inputs.send(Input::Discovered(found)).await;
            }
        });
    }

    /// Keeps the world in the journal.
    fn keep(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.checkpoint(&self.world, self.options.clock.now());
        }
    }

    fn stop(mut self, done: oneshot::Sender<()>) {
        self.keep();
        self.end_telling();
        // Dropping the recorder writes out what waits.
        drop(self);
        let _ = done.send(());
    }
}
