//! How a loop begins: live, with the connections that are configured, or on a record that is shown.

use super::{Loop, telling};
use crate::{
    checks,
    handle::Operator,
    input::Input,
    options::{Options, Paths},
    record::Opened,
    table,
};
use pilothouse_connect::Clock;
use pilothouse_journal::{Limits, Reader as JournalReader, Recorder};
use pilothouse_vault::{ConnectionSettings, Settings};
use pilothouse_wire::{Code, Problem, ask::RecordShown};
use pilothouse_world::{Batch, Touched};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Batches that may wait; more, and connectors wait.
const BATCHES: usize = 256;
/// Asks and acts that may wait; more, and doors wait.
const INPUTS: usize = 64;

/// Starts a loop with what is configured.
///
/// # Errors
/// The settings cannot be read, or what alone is to be started is not known.
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
    let memory = if options.record { telling::remembered(&options.paths).await } else { None };
    let ways = Ways::new();
    let past = journal.exists().then(|| JournalReader::new(&journal));
    let mut engine = Loop { past, recorder, notices, settings, ..Loop::new(options, &ways) };
    engine.begin_telling(memory);
    engine.tell_of_cut().await;
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
    let mut engine = Loop { world, touched, demo, shown, past: Some(past), ..Loop::new(options, &ways) };
    engine.benches.none();
    Ok(ways.run(engine))
}

/// The ways into the loop.
pub(super) struct Ways {
    pub inputs: mpsc::Sender<Input>,
    inbox: mpsc::Receiver<Input>,
    pub facts: mpsc::Sender<Batch>,
    batches: mpsc::Receiver<Batch>,
}

impl Ways {
    pub(super) fn new() -> Self {
        let (inputs, inbox) = mpsc::channel(INPUTS);
        let (facts, batches) = mpsc::channel(BATCHES);
        Self { inputs, inbox, facts, batches }
    }

    /// Runs a loop behind them.
    pub(super) fn run(self, engine: Loop) -> Operator {
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
