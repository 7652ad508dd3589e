//! The commands about benchmarks: run one, compare several, and show, list and hand over what is kept.

mod compare;
mod hand_over;
mod inside;
mod list;
mod log;
mod page;
mod search;
mod served;
mod worker;
mod workers;

use crate::{
    bench_args::{BenchArgs, BenchVerb, RunArgs},
    exit::{Exit, Failed},
    json,
    out::{Style, note, stdout},
    serve,
};
use indicatif::{ProgressBar, ProgressStyle};
use pilothouse_bench::{
    beside::Given,
    kept::Kept,
    measures::Counts,
    oip,
    plan::Plan,
    result::{Document, State},
    run::{self, Progress, Running},
    served::Tells,
    store::{self, Place},
    told,
};
use pilothouse_connect::Clock;
use pilothouse_engine::Paths;
use pilothouse_wire::{Code, Problem, units::count};
use std::{path::PathBuf, time::Duration};

/// How often the bar moves.
const PULSE: Duration = Duration::from_millis(200);

/// Does what was asked for.
pub async fn run(of: &BenchArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    match &of.verb {
        BenchVerb::Run(of) => begin(of, out, err).await,
        BenchVerb::Compare(of) => compare::run(of, out, err).await,
        BenchVerb::Search(of) => search::run(of, out, err).await,
        BenchVerb::Show { run, json } => show(&store::find(&folder()?, run)?.1, *json, out),
        BenchVerb::Log { run, to, how } => log::run(run, to, how, out, err).await,
        BenchVerb::List { json } => list::list(*json, out),
        BenchVerb::Worker(of) => worker::run(of).await,
        BenchVerb::Report(of) => hand_over::report(of),
        BenchVerb::Export(of) => hand_over::export(of),
        BenchVerb::Import { file, json } => hand_over::import(file, *json, out),
    }
}

/// Where runs are kept.
fn folder() -> Result<PathBuf, Problem> {
    Ok(Paths::from_env()?.data().join("bench"))
}

async fn begin(of: &RunArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let ((mut plan, local), clock) = (of.plan()?, Clock::system());
    // Before a folder or a file is made for it.
    plan.check()?;
    if let Some(on) = &of.workers.on {
        if local.is_some() {
            return Err(Failed::Usage(
                "A model out of a file is served here, and workers do not reach it: give an address.".into(),
            ));
        }
        return workers::run(of, on, plan, out, err).await;
    }
    inside::open([&mut plan.target], of.way.typed.as_deref()).await?;
    let place = match &of.out {
        Some(file) => Place::at(file),
        None => Place::new(&folder()?, clock.now(), &plan.target.model),
    };
    let local = local.as_ref().map(|local| (local, &of.local));
    let served = served::start(&of.serve, local, &mut plan.target, &place).await?;
    let settled = oip::settle(&mut plan.target).await.map_err(Failed::from);
    let document = match settled.and_then(|()| served::given(&served, &of.serve, "", &plan.target)) {
        Ok(given) => measure(&plan, &place, clock, given, err).await,
        Err(failed) => Err(failed),
    };
    let ended = served::stop(served, &place).await;
    let mut document = document?;
    document.tell(&ended);
    note(&format!("Kept as {}: {}", document.id, place.document.display()));
    let (exit, kept) = (verdict(&document), document.kept());
    show(&Kept::Run(Box::new(document)), of.json, out)?;
    // What was measured is shown all the same.
    kept?;
    exit
}

async fn measure(plan: &Plan, place: &Place, clock: Clock, given: Given, err: Style) -> Result<Document, Failed> {
    let (asked, kept) = (plan.clone(), place.clone());
    let began = tokio::task::spawn_blocking(move || run::start_beside(asked, given, kept, clock)).await;
    let mut running =
        began.map_err(|error| Problem::new(Code::Internal, "The run broke.").why(error.to_string()))??;
    follow(&mut running, plan, err).await
}

/// Waits for its end, with a bar for a person at a terminal; Ctrl-C ends it, and what was measured is kept.
async fn follow(running: &mut Running, plan: &Plan, err: Style) -> Result<Document, Failed> {
    let bar = Bar::of(running.requests, plan, err);
    let mut progress = running.progress.clone();
    let mut interruption = std::pin::pin!(serve::interruption_or_hangup());
    let (mut pulse, mut is_cut) = (tokio::time::interval(PULSE), false);
    loop {
        tokio::select! {
            document = running.end() => return Ok(document?),
            () = &mut interruption, if !is_cut => {
                is_cut = true;
                running.interrupt();
            }
            _ = pulse.tick() => bar.show(*progress.borrow_and_update()),
        }
    }
}

struct Bar {
    bar: ProgressBar,
    by_number: bool,
}

impl Bar {
    fn of(requests: Option<u64>, plan: &Plan, err: Style) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run is a few days at most")]
        let seconds = plan.until.seconds.map_or(0, |seconds| seconds.ceil() as u64);
        let bar = if err.terminal { ProgressBar::new(requests.unwrap_or(seconds)) } else { ProgressBar::hidden() };
        let template = match requests {
            Some(_) => "{bar:32} {pos} of {len} requests, {eta} to go  {msg}",
            None => "{bar:32} {pos} of {len} s  {msg}",
        };
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, by_number: requests.is_some() }
    }

    fn show(&self, progress: Progress) {
        let Progress { answered, failed, tokens, .. } = progress;
        self.bar.set_position(if self.by_number { progress.over() } else { self.bar.elapsed().as_secs() });
        let failed = if failed > 0 { format!(", {} failed", count(failed)) } else { String::new() };
        self.bar.set_message(format!("{} answered{failed}, {} tokens", count(answered), count(tokens)));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A run in which something failed is no success, whatever its medians are.
fn verdict(document: &Document) -> Result<Exit, Failed> {
    let Counts { answered, failed, unfinished, .. } =
        document.measures.as_ref().map(|of| of.requests).unwrap_or_default();
    if answered == 0 && (failed > 0 || document.state == State::Whole) {
        let first = document.measures.iter().flat_map(|of| &of.failures).next();
        let open = || format!("{} were open still when their time was over", count(document.left_open()));
        let why = first.map_or_else(open, told::failures);
        let what = format!("Not one of {} requests was answered.", count(failed + document.left_open()));
        return Err(Problem::new(Code::ServerFailed, what)
            .why(format!("{why}."))
            .next("Check the address, the model and the key; what failed is kept all the same.")
            .into());
    }
    let is_whole = document.state == State::Whole && failed == 0 && unfinished == 0;
    Ok(if is_whole { Exit::Ok } else { Exit::Partial })
}

fn show(kept: &Kept, as_json: bool, style: Style) -> Result<Exit, Failed> {
    let mut out = stdout();
    if as_json {
        json::write(&mut out, kept, false)?;
    } else {
        page::write(&mut out, &kept.page(), style)?;
    }
    Ok(Exit::Ok)
}
