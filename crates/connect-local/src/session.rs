//! One session with the driver: a round every two seconds, until the driver goes or nobody listens.

use crate::{book::Book, driver::Loader, gpu::Seen, host::Host, panel::Panel, problems};
use pilothouse_connect::{Clock, Closed, Sink};
use pilothouse_wire::{Problem, SmolStr};
use pilothouse_world::{
    Fact,
    fact::{Covers, Kind, Probed, SourceFact},
};
use std::time::Duration;
use tokio::time::Instant;

/// How often the GPUs are measured.
pub const PERIOD: Duration = Duration::from_secs(2);
/// After so many rounds in which no GPU could be read, the driver is loaded anew: it may have been exchanged.
const FRUITLESS: u32 = 15;

/// Why a session ended.
#[derive(Debug)]
pub enum End {
    /// Nobody listens.
    Closed,
    /// No GPU can be read any more: the driver is to be loaded anew.
    Worn,
    /// There is no driver.
    NoDriver(Box<Problem>),
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// The driver, with what its GPUs said first.
#[derive(Debug)]
pub struct Met {
    pub panel: Panel,
    pub seen: Vec<Seen>,
}

/// Loads the driver and asks its GPUs once. Blocks, but not for ever.
///
/// # Errors
/// Why there is no driver.
fn meet(loader: &mut Loader, clock: &Clock) -> Result<Met, Problem> {
    let driver = loader.load().map_err(|failure| problems::no_driver(&failure, &loader.shown()))?;
    let mut panel = Panel::start(&driver, clock);
    let seen = panel.round();
    Ok(Met { panel, seen })
}

/// As [`meet`], where blocking is allowed. Answers the loader as well, since a load that hangs goes on.
pub async fn met(mut loader: Loader, clock: Clock) -> (Loader, Result<Met, Problem>) {
    let named = loader.named();
    let task = tokio::task::spawn_blocking(move || {
        let met = meet(&mut loader, &clock);
        (loader, met)
    });
    task.await.unwrap_or_else(|error| (named, Err(problems::broken(&error.to_string()))))
}

/// What can be read here, for people.
pub fn may(host: &Host, seen: &[Seen]) -> Vec<String> {
    let known: Vec<_> = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Measured(measured) => Some(&**measured),
            _ => None,
        })
        .collect();
    let mut may = Vec::new();
    if !known.is_empty() {
        let mut products: Vec<&str> = known.iter().filter_map(|gpu| gpu.identity.product.as_deref()).collect();
        products.sort_unstable();
        products.dedup();
        let of = if products.is_empty() { String::new() } else { format!(" ({})", products.join(", ")) };
        let every = PERIOD.as_secs();
        may.push(format!("read {}{of}, measured every {every} s", some(known.len(), "GPU")));
    }
    let processes: Vec<u32> = known.iter().filter_map(|gpu| gpu.processes).collect();
    if !processes.is_empty() {
        let all: u32 = processes.iter().fold(0, |sum, n| sum.saturating_add(*n));
        may.push(format!("count {} on them", some(usize::try_from(all).unwrap_or(usize::MAX), "use by a process")));
    }
    may.push(host.words());
    may
}

fn some(n: usize, what: &str) -> String {
    match (n, what.split_once(' ')) {
        (1, _) => format!("1 {what}"),
        (n, Some((first, rest))) => format!("{n} {first}s {rest}"),
        (n, None) => format!("{n} {what}s"),
    }
}

/// The version of the driver, in words.
pub fn version(panel: &Panel) -> Option<String> {
    panel.version.as_ref().map(|version| format!("driver {version}"))
}

/// Runs a session until it ends. Answers the loader for the next one.
pub async fn run(loader: Loader, sink: &Sink, clock: &Clock, book: &mut Book, host: &Host) -> (Loader, End) {
    let began = Instant::now();
    let (loader, met) = met(loader, clock.clone()).await;
    let end = match met {
        Ok(met) => go_on(met, sink, book, host, began).await,
        Err(problem) => {
            book.driver(None);
            End::NoDriver(Box::new(problem))
        }
    };
    (loader, end)
}

async fn go_on(met: Met, sink: &Sink, book: &mut Book, host: &Host, began: Instant) -> End {
    match rounds(met, sink, book, host, began).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

async fn rounds(
    met: Met,
    sink: &Sink,
    book: &mut Book,
    host: &Host,
    began: Instant,
) -> Result<std::convert::Infallible, End> {
    let Met { mut panel, mut seen } = met;
    book.driver(panel.version.as_deref());
    sink.source(SourceFact::RetryAt(None)).await?;
    sink.attempt(true, format!("driver loaded in {} ms", began.elapsed().as_millis())).await?;
    tell_host(sink, version(&panel), may(host, &seen)).await?;
    let mut first = true;
    let (mut shown, mut fruitless) = (None, 0);
    loop {
        let started = Instant::now();
        let news = book.take(&seen);
        if first {
            // The node as the first round shows it, before what is measured of it.
            list(sink, book).await?;
            first = false;
        }
        let silent = news.facts.is_empty();
        sink.delta(news.facts).await?;
        if silent {
            sink.heard().await?;
        }
        if shown.as_ref() != Some(&news.health) {
            sink.health(news.health.clone()).await?;
            shown = Some(news.health);
        }
        fruitless = if news.lives { 0 } else { fruitless + 1 };
        if fruitless >= FRUITLESS {
            return Err(End::Worn);
        }
        tokio::time::sleep_until(started + PERIOD).await;
        let round = tokio::task::spawn_blocking(move || {
            let seen = panel.round();
            (panel, seen)
        });
        (panel, seen) = round.await.map_err(|error| End::NoDriver(Box::new(problems::broken(&error.to_string()))))?;
    }
}

/// Says the one node that there is.
pub async fn list(sink: &Sink, book: &mut Book) -> Result<(), Closed> {
    let node = Fact::Node(Box::new(book.node()));
    sink.replace(Covers { kind: Kind::Node, namespace: None }, vec![node]).await
}

/// Says what is known of the machine, and what is not.
pub async fn tell_host(sink: &Sink, version: Option<String>, may: Vec<String>) -> Result<(), Closed> {
    sink.probed(Probed {
        version: version.map(SmolStr::from),
        may: may.into_iter().map(SmolStr::from).collect(),
        not_visible: Some("Who holds the GPUs: processes are counted, and are no pods.".to_owned()),
        ..Probed::default()
    })
    .await
}
