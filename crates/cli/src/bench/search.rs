//! The most load that keeps the limits: probes with a bar for whoever waits, and the bracket that they found.

use super::{PULSE, folder, page, served};
use crate::{
    bench_args::SearchArgs,
    exit::{Exit, Failed},
    json,
    out::{Style, note, stdout},
    serve,
};
use indicatif::{ProgressBar, ProgressStyle};
use pilothouse_bench::{
    oip,
    result::State,
    search::{self, Document, Progress, Running},
    served::Tells,
    store::Place,
};
use pilothouse_connect::Clock;
use pilothouse_wire::units::{count, number};
use std::io::Write;

/// Does what was asked for.
pub async fn run(of: &SearchArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let ((mut wanted, locals), clock) = (of.wanted()?, Clock::system());
    wanted.check()?;
    super::inside::open([&mut wanted.plan.target], of.way.typed.as_deref()).await?;
    let place = match &of.out {
        Some(file) => Place::at(file),
        None => Place::new(&folder()?, clock.now(), &format!("search {}", wanted.plan.target.model)),
    };
    let local = locals.first().filter(|_| wanted.arms.is_empty()).map(|local| (local, &of.local));
    let mut started = served::start(&of.serve, local, &mut wanted.plan.target, &place).await?;
    for (at, (arm, local)) in (1..).zip(wanted.arms.iter_mut().zip(&locals)) {
        let (name, within_s) = (at.to_string(), of.serve.ready_within);
        served::load(&mut started, &name, (local, &of.local), within_s, &mut arm.target, &place).await?;
        arm.given = served::given(&started, &of.serve, &name, &arm.target)?;
    }
    let document = async {
        oip::settle(&mut wanted.plan.target).await?;
        wanted.given = served::given(&started, &of.serve, "", &wanted.plan.target)?;
        let mut running = search::start(wanted, place.clone(), clock)?;
        follow(&mut running, err).await
    };
    let document = document.await;
    let ended = served::stop(started, &place).await;
    let mut document = document?;
    document.tell(&ended);
    note(&format!("Kept as {}: {}", document.id, place.document.display()));
    let mut writer = stdout();
    if of.json {
        json::write(&mut writer, &document, false)?;
    } else {
        page::write(&mut writer, &search::page(&document), out)?;
    }
    writer.flush()?;
    document.kept()?;
    let is_whole = document.state == State::Whole && document.limit.is_none();
    Ok(if is_whole { Exit::Ok } else { Exit::Partial })
}

/// Waits for its end; Ctrl-C ends it, and what was measured is kept.
async fn follow(running: &mut Running, err: Style) -> Result<Document, Failed> {
    let mut progress = running.progress.clone();
    let most = progress.borrow().most as u64;
    let bar = if err.terminal { ProgressBar::new(most) } else { ProgressBar::hidden() };
    let template = "{bar:32} probe {pos} of about {len}  {msg}";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut interruption = std::pin::pin!(serve::interruption_or_hangup());
    let (mut pulse, mut is_cut) = (tokio::time::interval(PULSE), false);
    loop {
        tokio::select! {
            document = running.end() => {
                bar.finish_and_clear();
                return Ok(document?);
            }
            () = &mut interruption, if !is_cut => {
                is_cut = true;
                running.interrupt();
            }
            _ = pulse.tick() => show(&bar, *progress.borrow_and_update()),
        }
    }
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_position(progress.probes as u64);
    bar.set_message(format!("at {}: {} answered", number(progress.at, 1), count(progress.probe.answered)));
}
