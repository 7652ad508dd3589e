//! Which of several targets is better: blocks with a bar for whoever waits, the verdict, and what a job needs of it. Two kept
//! runs are put side by side instead.

use super::{PULSE, folder, page, served};
use crate::{
    bench_args::{CompareArgs, FailIf},
    exit::{Exit, Failed},
    json,
    out::{Style, note, stdout},
    serve,
};
use indicatif::{ProgressBar, ProgressStyle};
use pilothouse_bench::{
    beside::Given,
    compare::{self, Document, Progress, Running, Wanted, side_by_side},
    kept::Kept,
    oip,
    report::{self, Fail},
    result::State,
    served::Tells,
    store::{self, Place},
};
use pilothouse_connect::Clock;
use pilothouse_insight::verdict::Verdict;
use pilothouse_wire::{Code, Problem, units::count};
use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

/// The file that a job of GitHub shows as its summary.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// Earlier comparisons of which the noise is asked.
const EARLIER: usize = 20;

/// Does what was asked for.
pub async fn run(of: &CompareArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    if of.are_kept()? {
        return side(of, out);
    }
    let (mut arms, locals) = of.arms()?;
    let (plan, embed) = (of.plan(&arms)?, of.embed()?);
    let clock = Clock::system();
    let kept = folder()?;
    let names: Vec<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
    let place = match &of.out {
        Some(file) => Place::at(file),
        None => Place::new(&kept, clock.now(), &names.join("-")),
    };
    arms.iter().try_for_each(|arm| arm.plan.check())?;
    super::inside::open(arms.iter_mut().map(|arm| &mut arm.plan.target), of.way.typed.as_deref()).await?;
    let targets: Vec<_> = arms.iter().map(|arm| (arm.name.as_str(), &arm.plan.target)).collect();
    let mut started = served::start_all(&of.serve, &targets, &place).await?;
    for (arm, local) in arms.iter_mut().zip(&locals) {
        let Some(local) = local else { continue };
        let (within_s, target) = (of.serve.ready_within, &mut arm.plan.target);
        served::load(&mut started, &arm.name, (local, &of.local), within_s, target, &place).await?;
    }
    let mut settled = Ok(());
    for arm in &mut arms {
        if settled.is_ok() {
            settled = oip::settle(&mut arm.plan.target).await;
        }
    }
    let given = arms.iter().map(|arm| served::given(&started, &of.serve, &arm.name, &arm.plan.target));
    let given: Vec<Given> = match settled.map_err(Failed::from).and_then(|()| given.collect()) {
        Ok(given) => given,
        Err(failed) => {
            served::stop(started, &place).await;
            return Err(failed);
        }
    };
    let mut watched = Vec::new();
    for (arm, given) in arms.iter_mut().zip(given) {
        arm.server = given.server;
        watched.push(given.watched);
    }
    let unworthy = watched.iter().flat_map(|watched| of.metric.iter().map(|metric| metric.check_worth(watched)));
    if let Err(problem) = unworthy.collect::<Result<(), Problem>>() {
        served::stop(started, &place).await;
        return Err(problem.into());
    }
    let wanted = Wanted {
        plan,
        arms,
        watched,
        most_late_us: of.most_late_us(),
        prompts: of.answers,
        least_overlap: of.least_overlap.map(|percent| percent / 100.0),
        embed,
        earlier: store::comparisons(&kept, EARLIER),
    };
    let document = async {
        let mut running = compare::start(wanted, place.clone(), clock)?;
        follow(&mut running, err).await
    };
    let document = document.await;
    let ended = served::stop(started, &place).await;
    let mut document = document?;
    document.tell(&ended);
    note(&format!("Kept as {}: {}", document.id, place.document.display()));
    let fails: Vec<Fail> = of.fail_if.iter().map(|fail| fail.fail()).collect();
    hand_over(of, &document, &fails)?;
    let mut writer = stdout();
    if of.json {
        json::write(&mut writer, &document, false)?;
    } else {
        page::write(&mut writer, &compare::page(&document), out)?;
    }
    writer.flush()?;
    // What was measured is shown and handed over all the same.
    document.kept()?;
    Ok(exit(of, &document, &fails))
}

/// Two kept runs, without a verdict.
fn side(of: &CompareArgs, out: Style) -> Result<Exit, Failed> {
    if !of.fail_if.is_empty() || of.junit.is_some() {
        return Err(Failed::Usage(
            "Two kept runs give no verdict, so that nothing can fail by it: give targets.".into(),
        ));
    }
    let folder = folder()?;
    let [one, other] = [0, 1].map(|at| store::find(&folder, &of.targets[at]));
    let (one, other) = (one?.1, other?.1);
    if let Some(kept) = [&one, &other].into_iter().find(|kept| !matches!(kept, Kept::Run(_) | Kept::Imported(_))) {
        let what = format!("{} is a {}, not a run.", kept.id(), kept.kind());
        return Err(Problem::new(Code::BadInput, what).next("pilothouse bench show tells what is kept of it.").into());
    }
    let side = side_by_side(&one, &other);
    let mut writer = stdout();
    if of.json {
        json::write(&mut writer, &side, false)?;
    } else {
        page::write(&mut writer, &side.page(), out)?;
    }
    Ok(Exit::Ok)
}

/// Waits for its end; Ctrl-C ends it, and what was measured is kept.
async fn follow(running: &mut Running, err: Style) -> Result<Document, Failed> {
    let mut progress = running.progress.clone();
    let bar = Bar::of(&progress.borrow(), err);
    let mut interruption = std::pin::pin!(serve::interruption_or_hangup());
    let (mut pulse, mut is_cut) = (tokio::time::interval(PULSE), false);
    loop {
        tokio::select! {
            document = running.end() => return Ok(document?),
            () = &mut interruption, if !is_cut => {
                is_cut = true;
                running.interrupt();
            }
            _ = pulse.tick() => bar.show(&progress.borrow_and_update()),
        }
    }
}

struct Bar(ProgressBar);

impl Bar {
    fn of(progress: &Progress, err: Style) -> Self {
        let bar = if err.terminal { ProgressBar::new(progress.most as u64) } else { ProgressBar::hidden() };
        let template = "{bar:32} block {pos} of {len} at most, {eta} to go  {msg}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    fn show(&self, progress: &Progress) {
        self.0.set_position(progress.blocks as u64);
        let failed = progress.block.failed;
        let failed = if failed > 0 { format!(", {} failed", count(failed)) } else { String::new() };
        let look = progress.next_look.map_or_else(String::new, |blocks| format!("; next look after block {blocks}"));
        self.0.set_message(format!("{}: {} answered{failed}{look}", progress.arm, count(progress.block.answered)));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Writes what a job asked for.
fn hand_over(of: &CompareArgs, document: &Document, fails: &[Fail]) -> Result<(), Failed> {
    if let Some(file) = &of.junit {
        let text = report::junit(document, fails)?;
        std::fs::write(file, text).map_err(|error| unwritable(file, &error))?;
    }
    let of_job = std::env::var_os(SUMMARY).filter(|file| !file.is_empty()).map(PathBuf::from);
    if let Some(file) = of.summary.clone().or(of_job) {
        let text = report::markdown(&compare::page(document));
        // Other steps of the job have written there, too.
        let opened = OpenOptions::new().create(true).append(true).open(&file);
        let written = opened.and_then(|mut opened| opened.write_all(text.as_bytes()));
        written.map_err(|error| unwritable(&file, &error))?;
    }
    Ok(())
}

/// What a file that cannot be written means.
pub fn unwritable(file: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::BadInput, format!("{} cannot be written.", file.display()))
        .why(format!("{error}."))
        .next("Give another file. What was measured is kept: pilothouse bench report and export write it again.")
}

fn exit(of: &CompareArgs, document: &Document, fails: &[Fail]) -> Exit {
    let invalid = |candidate| matches!(compare::outcome(document, candidate), Verdict::Invalid { .. });
    if report::failed(document, fails) {
        return Exit::No;
    }
    if document.state != State::Whole {
        return Exit::Partial;
    }
    let is_asked = !of.fail_if.is_empty() && !of.fail_if.contains(&FailIf::Invalid);
    match is_asked && document.comparison.candidates.iter().any(invalid) {
        true => Exit::CannotTell,
        false => Exit::Ok,
    }
}
