//! What pods of the demo fleet print: made up from their age, a line every few seconds.

use crate::script::Script;
use pilothouse_wire::{SmolStr, Stamp, ask::LogQuery};
use std::time::Duration;

/// A line comes this often.
const EVERY: Duration = Duration::from_secs(5);

/// The last lines of a pod; `None` if it is not there or has printed nothing.
pub(crate) fn of(script: &Script, query: &LogQuery) -> Option<Vec<String>> {
    let pod = script.pod(&query.pod.namespace, &query.pod.name)?;
    let started = pod.started.filter(|_| !query.previous)?;
    let now = script.now();
    let all = now.since(started).as_secs() / EVERY.as_secs() + 1;
    let first = all.saturating_sub(u64::from(query.lines.max(1)));
    let line = |n: u64| {
        let at = started.plus(EVERY * u32::try_from(n).unwrap_or(u32::MAX));
        format!("{at} {}", text(&pod.name, n, at))
    };
    Some((first..all).map(line).collect())
}

fn text(pod: &SmolStr, n: u64, at: Stamp) -> String {
    match n {
        0 => format!("INFO starting {pod}"),
        1 => "INFO loading weights".into(),
        2 => "INFO ready".into(),
        n if n % 24 == 0 => "INFO health check answered in 2 ms".into(),
        n => {
            // Any number that moves, and is the same for the same moment.
            let wave = (n.wrapping_mul(2_654_435_761) ^ at.0.unsigned_abs()) % 17;
            format!("INFO step {n}: {} tokens/s, {} running, {} waiting", 1_800 + wave * 23, 12 + wave % 5, wave % 3)
        }
    }
}
