//! A worker of a run that is sent past one machine: what it says goes to standard output, a line at once, as its Job's log.

use crate::{
    bench_args::WorkerArgs,
    exit::{Exit, Failed},
    out::stdout,
};
use pilothouse_bench::workers::{Frame, Order, serve::Work};
use pilothouse_connect::Clock;
use std::io::Write;

/// Works, until all is handed over.
pub async fn run(of: &WorkerArgs) -> Result<Exit, Failed> {
    let order = Order::read(&of.order)?;
    let (run, index) = (order.run.clone(), of.index);
    let (barrier, folder) = (of.barrier.clone(), of.folder.clone());
    let work = Work { order, index, barrier, folder, clock: Clock::system() };
    let mut out = stdout();
    let say = move |frame: &Frame| {
        // Who cannot be heard measures for nobody; the run ends by its own limits.
        let _ = writeln!(out, "{}", frame.line(&run, index));
        let _ = out.flush();
    };
    match work.run(say).await {
        true => Ok(Exit::Ok),
        false => Ok(Exit::Partial),
    }
}
