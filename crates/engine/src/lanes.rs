//! The lanes of the ribbon before this run: as the servers that measure keep them.

use crate::{asks::together, connections::Connectors};
use futures::future::{BoxFuture, FutureExt, Shared, WeakShared};
use pilothouse_connect::LanesQuery;
use pilothouse_wire::{
    Answer, Code, ConnectionId, Problem, SmolStr, Stamp, When,
    view::{Lane, LaneKind},
};
use pilothouse_world::{
    World,
    project::{MeasuredLanes, lane, measured_lanes},
};
use std::{sync::Arc, time::Duration};

/// The most points of a lane.
const MOST_POINTS: u32 = 300;
/// How long each server may take: the newer part is before somebody's eyes.
const LIMIT: Duration = Duration::from_secs(12);

/// Questions for lanes that are under way: whoever asks the same meanwhile waits for the same answer, so that two screens, or a
/// page that draws itself anew, ask servers once. Whoever leaves last ends the question.
#[derive(Default)]
pub(crate) struct UnderWay(Vec<(Asked, WeakShared<Answering>)>);

/// What is asked for: how long a span, and its end.
type Asked = (Duration, When);
type Answering = BoxFuture<'static, Answer>;

impl UnderWay {
    /// The answer for a span: of a question that is under way, else of one that begins now.
    pub fn answer(&mut self, asked: Asked, begin: impl FnOnce() -> Answering) -> Shared<Answering> {
        let mut found = None;
        self.0.retain(|(of, answer)| {
            let lives = answer.upgrade().filter(|answer| answer.peek().is_none());
            if *of == asked {
                found = found.take().or_else(|| lives.clone());
            }
            lives.is_some()
        });
        found.unwrap_or_else(|| {
            let answer = begin().shared();
            self.0.extend(answer.downgrade().map(|weak| (asked, weak)));
            answer
        })
    }
}

/// What one server is asked.
pub(crate) struct Wanted {
    source: ConnectionId,
    name: SmolStr,
    query: LanesQuery,
}

/// What is asked for a span: of each source what was before it was heard in this run.
pub(crate) fn wanted(world: &World, span: Duration, end: Stamp) -> Vec<Wanted> {
    let since = end.minus(span);
    let asked = measured_lanes(world).into_iter().map(|MeasuredLanes { source, name, kinds, began }| {
        let query = LanesQuery { kinds, since, until: began.min(end), most_points: MOST_POINTS };
        Wanted { source, name, query }
    });
    asked.filter(|wanted| wanted.query.since < wanted.query.until).collect()
}

/// Asks all at once.
pub(crate) async fn lanes(connectors: Connectors, wanted: Vec<Wanted>) -> Answer {
    let asked = wanted.into_iter().filter_map(|wanted| {
        let connector = Arc::clone(connectors.get(&wanted.source)?);
        Some(async move {
            let answer = tokio::time::timeout(LIMIT, connector.lanes(&wanted.query)).await;
            let answer = answer.unwrap_or_else(|_| {
                let limit = LIMIT.as_secs();
                Err(Problem::new(Code::TimedOut, format!("{} did not answer.", wanted.source))
                    .why(format!("It was asked for what it keeps of the ribbon's span for {limit} s.")))
            });
            answer.map(|series| taken(&wanted, series))
        })
    });
    let (mut lanes, mut problems) = (Vec::new(), Vec::new());
    for one in together(asked).await {
        match one {
            Ok(Ok(some)) => lanes.extend(some),
            Ok(Err(problem)) => problems.push(problem),
            Err(error) => {
                problems.push(Problem::new(Code::Internal, "A lane could not be read.").why(error.to_string()))
            }
        }
    }
    Answer::Lanes { lanes, problems }
}

fn taken(wanted: &Wanted, series: Vec<(LaneKind, Vec<(Stamp, f64)>)>) -> Vec<Lane> {
    let before = |(at, value): &(Stamp, f64)| *at < wanted.query.until && value.is_finite();
    let lanes = series.into_iter().map(|(kind, points)| {
        let points = points.into_iter().filter(before).collect();
        Lane { points, ..lane(kind, Some(&wanted.source), &wanted.name) }
    });
    lanes.filter(|lane| !lane.points.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_run_heard_itself_is_not_taken_and_no_number_is_no_point() {
        let query = LanesQuery {
            kinds: vec![LaneKind::Activity],
            since: Stamp(0),
            until: Stamp(100),
            most_points: MOST_POINTS,
        };
        let wanted = Wanted { source: ConnectionId::slug("metrics"), name: "metrics".into(), query };
        let points = [(10, 61.0), (20, f64::NAN), (99, 0.0), (100, 5.0)].map(|(at, value)| (Stamp(at), value));
        let lanes = taken(&wanted, vec![(LaneKind::Activity, points.to_vec()), (LaneKind::Tokens, Vec::new())]);
        assert_eq!(lanes.len(), 1);
        assert_eq!((lanes[0].name.as_str(), lanes[0].unit.as_str()), ("GPU activity, metrics", "%"));
        assert_eq!(lanes[0].points, [(Stamp(10), 61.0), (Stamp(99), 0.0)]);
    }
}
