//! What was measured of an object before the record of this machine begins: as the server that measures keeps it.

use crate::{
    connections::Connectors,
    history::{LONGEST, with_gaps},
    past::Worlds,
};
use pilothouse_connect::PastQuery;
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{
    Answer, Code, ObjectRef, Problem, Stamp,
    view::{Past, Series},
};
use pilothouse_world::project::{self, Keeper};
use std::time::Duration;

/// The most points of a series.
const MOST_POINTS: u32 = 300;
/// How long the server may take: somebody waits, and has the newer part before their eyes.
const LIMIT: Duration = Duration::from_secs(12);

/// The span that is asked for, and where it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub back: Duration,
    pub until: Stamp,
    /// When the record begins, if anything is recorded.
    pub before: Option<Stamp>,
}

impl Span {
    /// From when to when the server is asked; `None` if there is nothing before the record.
    fn ends(self, since: Option<Stamp>) -> Option<(Stamp, Stamp)> {
        let first = self.until.minus(self.back.min(LONGEST));
        let first = since.map_or(first, |since| since.max(first));
        let last = self.before.map_or(self.until, |before| before.min(self.until));
        (first < last).then_some((first, last))
    }
}

/// Where it is found out who keeps the past: in the world of the time that is asked about.
pub(crate) enum Then {
    /// Now it is known.
    Now(Option<Keeper>),
    /// The record tells it of this object.
    Recorded(Option<JournalReader>, ObjectRef),
}

/// Reads the series of an object's GPUs from the server that measures them.
pub(crate) async fn older(
    worlds: Worlds,
    (then, now): (Then, Stamp),
    connectors: Connectors,
    span: Span,
) -> Result<Answer, Problem> {
    let keeper = match then {
        Then::Now(keeper) => keeper,
        Then::Recorded(journal, object) => project::keeper(&worlds.at(journal, span.until, now).await?.world, &object),
    };
    let nothing = || Ok(Answer::History(Past::default()));
    let Some(keeper) = keeper else { return nothing() };
    let Some(connector) = connectors.get(&keeper.source) else { return nothing() };
    let Some((since, until)) = span.ends(keeper.since) else { return nothing() };
    let Keeper { source, gpus, metrics, .. } = keeper;
    let wanted = PastQuery { gpus, metrics, since, until, most_points: MOST_POINTS };
    let series = match tokio::time::timeout(LIMIT, connector.past(&wanted)).await {
        Ok(series) => series?,
        Err(_) => {
            return Err(Problem::new(Code::TimedOut, format!("{source} did not answer."))
                .why(format!("It was asked for the past of {} GPUs for {} s.", wanted.gpus.len(), LIMIT.as_secs()))
                .next("What is recorded here is shown. Open the object again to ask once more."));
        }
    };
    // At the end itself the record begins.
    let before_it = |point: &(Stamp, _)| point.0 >= since && point.0 < until;
    let series = series.into_iter().map(|Series { metric, points }| Series {
        metric,
        points: with_gaps(points.into_iter().filter(before_it).collect()),
    });
    Ok(Answer::History(Past {
        series: series.filter(|series| !series.points.is_empty()).collect(),
        from: Some(source),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_asked_for_what_is_before_the_record_and_in_the_same_hands() {
        let span = |before: Option<i64>| Span {
            back: Duration::from_secs(3_600),
            until: Stamp(10_000_000),
            before: before.map(Stamp),
        };
        for (before, since, want) in [
            (None, None, Some((6_400_000, 10_000_000))),
            (Some(9_000_000), None, Some((6_400_000, 9_000_000))),
            (Some(9_000_000), Some(8_000_000), Some((8_000_000, 9_000_000))),
            (Some(9_000_000), Some(1_000), Some((6_400_000, 9_000_000))),
            (Some(6_400_000), None, None),
            (Some(9_000_000), Some(9_500_000), None),
        ] {
            let ends = span(before).ends(since.map(Stamp));
            assert_eq!(ends.map(|(first, last)| (first.0, last.0)), want, "{before:?} {since:?}");
        }
    }
}
