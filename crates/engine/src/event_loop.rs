//! The loop: takes what happened, folds it in, and publishes. The only writer of the world.

mod answers;
mod connecting;
mod opening;
mod telling;

pub(crate) use opening::{open, start};

use crate::{
    acts::Desk,
    back,
    benches::Benches,
    connections::{Connections, Surroundings},
    deeds::{self, Bench, Halted, Holding, Shown, book::Signing},
    gaps::Gaps,
    handle::Settled,
    input::Input,
    lanes::UnderWay,
    notes,
    notices::memory::Memory,
    options::Options,
    past::Worlds,
    publish::{Publisher, Scene},
    rates::Rates,
    registries::Registries,
};
use opening::Ways;
use pilothouse_connect::{Connector, Discovery};
use pilothouse_journal::{Reader as JournalReader, Recorder, audit::Noted};
use pilothouse_vault::{ConnectionSettings, Settings, Vault};
use pilothouse_wire::{
    Act, Acted, Code, ConnectionId, Health, Problem, SmolStr, ViewSpec,
    ask::RecordShown,
    plan::{Action, ActionsView, CutAction},
    view::VaultState,
};
use pilothouse_world::{Batch, Fact, Touched, World, project};
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
/// How often freshness is told and rates are taken: with one of the frames.
const BEAT: Duration = Duration::from_secs(1);
/// How often the world is kept in the journal, so that a seek starts near.
const CHECKPOINT: Duration = Duration::from_secs(300);
/// How often files are looked through for places to connect, while somebody looks at the connections.
const DISCOVER: Duration = Duration::from_secs(10);

struct Loop {
    world: World,
    /// What registries hold in it.
    registries: Registries,
    touched: Touched,
    publisher: Publisher,
    connections: Connections,
    recorder: Option<Recorder>,
    past: Option<JournalReader>,
    worlds: Worlds,
    /// Lanes of before that servers are asked for.
    lanes: UnderWay,
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
    /// Plans that may be confirmed, whether anything is done at all, and what is being done.
    shown_plans: Shown,
    holding: Holding,
    halted: Halted,
    signing: Signing,
    /// Actions that were cut and not looked at yet.
    cut: Vec<Noted>,
    /// What is told of those that nobody has closed.
    told_cut: Vec<CutAction>,
    actions: ActionsView,
    benches: Benches,
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
            registries: Registries::default(),
            touched: Touched::default(),
            publisher: Publisher::default(),
            connections: Connections::default(),
            recorder: None,
            past: None,
            worlds: Worlds::default(),
            lanes: UnderWay::default(),
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
            shown_plans: Shown::default(),
            holding: Holding::of_environment(),
            halted: Halted::default(),
            signing: Signing::default(),
            cut: Vec::new(),
            told_cut: Vec::new(),
            actions: ActionsView::default(),
            benches: Benches::new(options.paths.data().join("bench"), ways.inputs.clone()),
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

    async fn run(mut self, mut inbox: mpsc::Receiver<Input>, mut batches: mpsc::Receiver<Batch>) {
        let mut frame = tokio::time::interval(FRAME);
        frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let began = Instant::now();
        let (mut beat, mut checkpoint, mut discover) = (began, began + CHECKPOINT, began + DISCOVER);
        loop {
            tokio::select! {
                biased;
                // A beat takes the place of a frame: between two frames to anybody there is a tenth of a second.
                _ = frame.tick() => {
                    let now = Instant::now();
                    if now + FRAME / 2 < beat {
                        self.publish();
                        continue;
                    }
                    // One that is late does not hurry the next.
                    beat = (beat + BEAT).max(now + BEAT - FRAME / 2);
                    self.beat();
                    let wanted = self.recorder.as_ref().is_some_and(Recorder::wants_checkpoint);
                    if wanted || now >= checkpoint {
                        checkpoint = now + CHECKPOINT;
                        self.keep();
                    }
                    if now >= discover {
                        discover = now + DISCOVER;
                        if self.shown.is_none() && self.publisher.is_watched(|spec| *spec == ViewSpec::Connections) {
                            self.discover();
                        }
                    }
                }
                Some(input) = inbox.recv() => {
                    if let Input::Stop(done) = input {
                        return self.stop(done).await;
                    }
                    self.take(input);
                }
                Some(batch) = batches.recv() => self.fold(batch),
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
                if let Act::Confirm(by) = act {
                    let (bench, shown) = (self.bench(), &self.shown_plans);
                    let connector = shown.connection(&by.digest).and_then(|id| self.connections.connector(&id));
                    tokio::spawn(async move { reply.send(bench.confirm(connector, by).await) });
                    return;
                }
                if let Act::Halt(id) = act {
                    let _ = reply.send(self.halt(id));
                    return;
                }
                if let Act::Hold(on) = act {
                    let _ = reply.send(self.hold(on));
                    return;
                }
                if let Act::CloseCut(id) = act {
                    let bench = self.bench();
                    tokio::spawn(async move { reply.send(bench.close_cut(id).await) });
                    return;
                }
                if let Act::BeginBench(draft) = act {
                    match self.holding.problem() {
                        Some(held) => drop(reply.send(Err(held))),
                        None => self.benches.begin(&draft, &self.options.clock, reply),
                    }
                    return;
                }
                if let Act::EndBench = act {
                    let _ = reply.send(self.benches.end());
                    return;
                }
                let desk = self.desk.clone();
                tokio::spawn(async move {
                    let _ = reply.send(desk.act(act).await);
                });
            }
            Input::Settle(reply) => drop(reply.send(self.settled())),
            Input::Watch(spec, way) => {
                if spec == ViewSpec::Bench {
                    self.benches.look();
                }
                let looks = matches!(spec, ViewSpec::Waste(_)) && self.lacks_past(self.options.clock.now());
                self.with_scene(|publisher, scene| publisher.watch(spec, way, scene));
                if looks {
                    self.look_back(None);
                }
            }
            Input::Nodes(cluster, after, reply) => {
                let part = project::nodes_behind(&self.world, &cluster, after.as_ref(), back::MOST_NODES);
                let _ = reply.send(part);
            }
            Input::Bench(news) => {
                self.benches.take(news);
                self.with_scene(|publisher, scene| publisher.publish_bench(scene));
            }
            Input::Opened(id, start, connector) => {
                self.look_at_cut(&id, &connector);
                self.connections.opened(&id, start, connector);
            }
            Input::Shut(id, start, why) => self.connections.shut(&id, start, why),
            Input::Open(id, asked) => self.connections.open(&id, asked),
            Input::Ground(named, reply) => {
                let (bench, is_record) = (self.bench(), self.shown.is_some());
                tokio::spawn(async move { reply.send(bench.ground(&named, is_record).await) });
            }
            Input::Discovered(discovery) => {
                if self.discovery != discovery {
                    self.discovery = discovery;
                    self.touched.all = true;
                }
            }
            Input::Changed(changed) => self.changed(changed),
            Input::Vault(state) => {
                self.touched.all |= self.vault != state;
                self.vault = state;
            }
            Input::Recalled(marks) => self.keep_and_fold(vec![Fact::Recalled(marks)]),
            Input::Acting(action, who) => self.acting(*action, who),
            Input::SeenSince(now) => {
                self.told_cut.iter_mut().filter(|told| told.id == now.id).for_each(|told| told.clone_from(&now));
                self.touched.all = true;
            }
            Input::ClosedCut(id) => {
                self.told_cut.retain(|told| told.id != id);
                self.touched.all = true;
            }
            Input::LookedBack(history, asked) => self.looked_back(*history, asked),
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
        self.apply(batch);
    }

    fn apply(&mut self, batch: Batch) {
        let touched = self.world.apply(batch);
        self.registries.touched(&touched);
        self.touched.merge(touched);
    }

    /// Says which actions were cut, to who opens something that stays open.
    async fn tell_of_cut(&mut self) {
        if self.options.record {
            let paths = self.options.paths.clone();
            let cut = tokio::task::spawn_blocking(move || deeds::book::cut(&paths)).await;
            match cut {
                Ok(Ok(cut)) => {
                    self.told_cut = cut.iter().filter_map(|noted| deeds::cut::told(noted, None)).collect();
                    self.cut = cut;
                }
                Ok(Err(problem)) => self.notices.push(problem),
                Err(_) => {}
            }
        }
    }

    /// Looks at the actions that were cut and are of a connection that was opened, each once.
    fn look_at_cut(&mut self, id: &ConnectionId, connector: &Arc<dyn Connector>) {
        let (here, others) = std::mem::take(&mut self.cut).into_iter().partition(|noted| deeds::cut::is_of(noted, id));
        self.cut = others;
        for noted in here {
            tokio::spawn(self.bench().look_back(Arc::clone(connector), noted));
        }
    }

    /// What a deed works with.
    fn bench(&self) -> Bench {
        let Surroundings { vault, clock, inputs, .. } = self.desk.surroundings.clone();
        let (shown, holding) = (self.shown_plans.clone(), self.holding.clone());
        let (halted, signing) = (self.halted.clone(), self.signing.clone());
        Bench { paths: self.options.paths.clone(), vault, clock, inputs, shown, holding, halted, signing }
    }

    /// Does nothing in this session from now on, or as its connections allow. What was confirmed before goes on to its end, or
    /// until a person stops it: half of a deed is no safer than all of it.
    fn hold(&mut self, on: bool) -> Result<Acted, Problem> {
        self.holding.set(on)?;
        self.touched.all = true;
        Ok(Acted::Ok)
    }

    /// Sends no further step of an action of this process.
    fn halt(&self, id: u64) -> Result<Acted, Problem> {
        let runs = self.actions.actions.get(&id).is_some_and(|action| !action.state.is_over());
        if !runs {
            let problem = Problem::new(Code::NotFound, format!("No action {id} is under way here."));
            return Err(problem.next("Who began it stops it; pilothouse audit list tells of all."));
        }
        self.halted.halt(id);
        Ok(Acted::Ok)
    }

    /// Takes in how an action is: shown at once, and told by the ribbon as it begins and when it is over.
    fn acting(&mut self, action: Action, who: SmolStr) {
        let is_new = self.actions.actions.get(&action.id).is_none();
        if is_new || action.state.is_over() {
            self.keep_and_fold(vec![deeds::fact(&action, who)]);
        }
        deeds::note(&mut self.actions, action);
        self.with_scene(|publisher, scene| publisher.publish_actions(scene));
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
        self.apply(batch);
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
        self.worlds.tidy(self.past.as_ref(), now);
        if self.publisher.is_watched(|spec| matches!(spec, ViewSpec::Ribbon { .. })) {
            let lost = self.recorder.as_ref().map_or(0, Recorder::lost);
            self.gaps.beat(self.past.as_ref(), lost, now, &self.desk.surroundings.inputs);
        }
        if self.publisher.is_watched(|spec| *spec == ViewSpec::Connections) {
            self.touched.sources.extend(self.connections.ids().cloned());
        }
        // Another Pilothouse may keep one, such as the terminal.
        if self.publisher.is_watched(|spec| *spec == ViewSpec::Bench) {
            self.benches.look();
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
            registries: &self.registries,
            connections: &|| self.connections_view(),
            gaps: &self.gaps,
            actions: &self.actions,
            benches: self.benches.view(),
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

    /// Keeps the world in the journal.
    fn keep(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.checkpoint(&self.world, self.options.clock.now());
        }
    }

    async fn stop(mut self, done: oneshot::Sender<()>) {
        self.keep();
        self.end_telling().await;
        self.signing.end().await;
        self.benches.stop().await;
        // Dropping the recorder writes out what waits.
        drop(self);
        let _ = done.send(());
    }
}

#[cfg(test)]
mod pace_tests;
