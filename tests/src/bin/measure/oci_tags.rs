//! The tags of a large repository: the first hundred of 50,000 as a person asks for them, and the memory while all of them are
//! paged through. A real registry (distribution) has them; one plain request for the same page stands beside.
//!
//! The engine is in a process of its own, which does nothing else, and keeps every tag that it was given, as a list on a screen
//! would.

use std::process::ExitCode;
use std::time::Duration;

use acceptance::{Context, Failure, Registry, Result};
use pilothouse_wire::{
    Answer, Ask, ConnectionId, SmolStr,
    artifact::{TagPage, TagsQuery},
};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::Instant;

use crate::report::{self, Figure, Report, say};
use crate::stand::Size;
use crate::statistics::{median, millis};
use crate::{TAGS, engine, processes, timed};

const MANY: usize = 50_000;
/// To try the measuring itself.
const FEW: usize = 2_000;
const REPOSITORY: &str = "team/many";
/// Tags of the first page.
const FIRST: u16 = 100;
/// Tags of a page when all are wanted.
const PAGE: u16 = 1_000;
const ROUNDS: usize = 15;
/// The most that our own share of a page may take, beyond a round trip.
const OWN: Duration = Duration::from_millis(50);
/// The most memory more, in MB.
const MOST_MB: f64 = 50.0;

/// Measures it.
pub async fn measure(size: Size, report: &mut Report) -> Result<()> {
    let count = if size.is_small() { FEW } else { MANY };
    say(&format!("oci-50k: {count} tags are pushed."));
    let registry = Registry::start().await?;
    registry.push_tags(REPOSITORY, count).await?;
    let own = std::env::current_exe().could_not("find this program")?;
    let mut command = Command::new(own);
    command.args([TAGS, &registry.url()]);
    let told: Value =
        serde_json::from_slice(&timed::run(command).await?.output).could_not("read what the process told")?;
    if told["tags"].as_u64() != Some(count as u64) {
        return Err(Failure::new(format!("{} of {count} tags came, page by page", told["tags"])));
    }
    let list = |key: &str| told[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<_>>();
    let (ours, plain) = (median(&list("first_ms")), median(&list("plain_ms")));
    let beside = "one plain request";
    report
        .add(Figure::new("oci-50k.first_page_ms", ours, "ms").at_most(plain + millis(OWN)).beside(beside, plain, "ms"));
    let extra = told["extra_mb"].as_f64().unwrap_or(f64::NAN);
    let begun = told["before_mb"].as_f64().unwrap_or(f64::NAN);
    report.add(Figure::new("oci-50k.extra_rss_mb", extra, "MB").at_most(MOST_MB).beside("before", begun, "MB"));
    report.add(Figure::new("oci-50k.all_ms", told["all_ms"].as_f64().unwrap_or(f64::NAN), "ms"));
    Ok(())
}

/// Asks in a process that does nothing else: tells what it found on its output.
pub async fn alone(url: &str) -> ExitCode {
    match pages(url).await {
        Ok(told) => {
            report::tell(&told.to_string());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            report::say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn pages(url: &str) -> Result<Value> {
    let watch = format!("{REPOSITORY}:{}", acceptance::registry::tag(0));
    let running = engine::connected("oci", "models", [("url", url.to_owned()), ("watch", watch)]).await?;
    let ask = async |after: Option<SmolStr>, limit: u16| {
        let query = TagsQuery { source: ConnectionId::slug("models"), repository: REPOSITORY.into(), after, limit };
        match running.operator.reader().ask(Ask::Tags(query)).await.could_not("read a page of tags")? {
            Answer::Tags(page) => Ok::<TagPage, Failure>(page),
            other => Err(Failure::new(format!("another answer: {other:?}"))),
        }
    };
    let (mut first, mut plain) = (Vec::new(), Vec::new());
    let http = reqwest::Client::builder().no_proxy().build().could_not("make a client")?;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let page = ask(None, FIRST).await?;
        first.push(millis(began.elapsed()));
        if page.tags.len() != usize::from(FIRST) {
            return Err(Failure::new(format!("{} tags are on the first page", page.tags.len())));
        }
        let began = Instant::now();
        let answer = http.get(format!("{url}/v2/{REPOSITORY}/tags/list?n={FIRST}")).send().await;
        answer.could_not("ask plainly")?.bytes().await.could_not("ask plainly")?;
        plain.push(millis(began.elapsed()));
    }
    let id = std::process::id();
    let before = processes::memory_mb(id, "VmRSS").ok_or_else(|| Failure::new("the kernel tells no memory"))?;
    let (mut all, mut after, mut peak) = (Vec::new(), None, before);
    let began = Instant::now();
    loop {
        let TagPage { tags, next } = ask(after.take(), PAGE).await?;
        all.extend(tags);
        peak = processes::memory_mb(id, "VmRSS").map_or(peak, |now| peak.max(now));
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let took = millis(began.elapsed());
    all.dedup();
    Ok(json!({
        "first_ms": first, "plain_ms": plain, "tags": all.len(), "before_mb": before, "extra_mb": peak - before,
        "all_ms": took
    }))
}
