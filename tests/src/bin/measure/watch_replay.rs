//! Five thousand recorded events a second through the real connector: from the line that is written to the frame.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use acceptance::{Context, Failure, Result};
use tokio::sync::{Notify, OnceCell};
use tokio::time::timeout;

use crate::engine;
use crate::follower::{Follower, Shown};
use crate::recorded;
use crate::report::{Figure, Report, say};
use crate::scripted::{Script, Scripted};
use crate::stand::Stand;
use crate::statistics::{median, quantile};
use crate::ticks::{self, Made};

/// Events a second.
const RATE: usize = 5_000;
/// The numbers of the lines begin here: smaller ones are of pods that changed before.
const FROM: usize = 500_000;
/// How long nothing may come before the stream counts as ended.
const QUIET: Duration = Duration::from_secs(5);

/// Measures it. The real servers end before it begins, so that they take no time from it.
pub async fn measure(stand: Stand, report: &mut Report) -> Result<()> {
    say("watch-replay: recording from the real server.");
    let recorded = recorded::record(&stand).await?;
    let count = (stand.size.replay.as_secs_f64() * RATE as f64) as usize;
    drop(stand);
    let pods = recorded.lines.len();
    let script = Arc::new(Script {
        recorded,
        rate: RATE,
        count,
        from: FROM,
        made: Made::none_of(count),
        begin: Notify::new(),
        reached: OnceCell::new(),
    });
    let server = Scripted::start(Arc::clone(&script)).await?;
    let home = tempfile::tempdir().could_not("make a folder")?;
    let kubeconfig = home.path().join("kubeconfig");
    std::fs::write(&kubeconfig, kubeconfig_of(&server.url)).could_not("write a kubeconfig")?;
    let running = engine::watching(&kubeconfig, "replay").await?;
    let mut follower = Follower::start(&running.operator.reader(), FROM).await?;
    say(&format!("  {count} events of {pods} pods begin."));
    script.begin.notify_one();
    let times = follow(&mut follower, &script.made, count, pods).await?;
    let Some(reached) = script.reached.get() else {
        return Err(Failure::new("the connector took so little that the lines were never all written"));
    };
    let lost = lost(&follower, count, pods)?;
    let (frames, whole) = follower.counts;
    say(&format!("  {} events in {frames} frames, {whole} of them whole.", times.len()));
    let p99 = quantile(&times, 0.99);
    report.add(Figure::new("watch-replay.p99_ms", p99, "ms").at_most(150.0).beside("median", median(&times), "ms"));
    report.add(Figure::new("watch-replay.lost", lost as f64, "").at_most(0.0));
    report.add(Figure::new("watch-replay.rate", *reached, "/s").beside("asked for", RATE as f64, "/s"));
    running.operator.shutdown().await;
    Ok(())
}

/// From each line to the frame that shows it or a later one of the same pod, in milliseconds.
async fn follow(follower: &mut Follower, made: &Made, count: usize, pods: usize) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(count);
    while times.len() < count {
        let Ok(shown) = timeout(QUIET, follower.next()).await else { return Ok(times) };
        for Shown { number, before, at, .. } in shown? {
            // The lines of a pod are `pods` apart; what a frame leaves out is overtaken by what it shows.
            let first = before.map_or(number % pods, |before| before + pods);
            times.extend((first..=number).step_by(pods).filter_map(|covered| made.millis_until(covered, at)));
        }
    }
    Ok(times)
}

/// Pods that do not show their last line.
fn lost(follower: &Follower, count: usize, pods: usize) -> Result<usize> {
    let mut last: HashMap<usize, usize> = HashMap::new();
    for row in follower.fleet()?.pods.rows() {
        if let Some(number) = ticks::number(&row.status_word).and_then(|number| number.checked_sub(FROM)) {
            last.insert(number % pods, number);
        }
    }
    let wanted = (0..pods.min(count)).map(|pod| (pod, count - 1 - (count - 1 - pod) % pods));
    Ok(wanted.filter(|(pod, number)| last.get(pod) != Some(number)).count())
}

fn kubeconfig_of(url: &str) -> String {
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "replay",
        "clusters": [{ "name": "replay", "cluster": { "server": url } }],
        "contexts": [{ "name": "replay", "context": { "cluster": "replay", "user": "" } }],
    });
    format!("{config:#}\n")
}
