//! What was measured of an object over time, from the record of this machine.

mod lines;

pub(crate) use lines::with_gaps;

use crate::older::Then;
use lines::Lines;
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{Answer, Code, ConnectionId, ObjectRef, Problem, SmolStr, Stamp, view::Past};
use pilothouse_world::{World, project};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

/// The longest span that is read at once.
pub(crate) const LONGEST: Duration = Duration::from_secs(86_400);

/// Which GPUs an object had from a time on, and who measured them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Had {
    since: Stamp,
    source: ConnectionId,
    gpus: Vec<SmolStr>,
}

/// Reads the series of an object's GPUs.
pub(crate) async fn history(
    journal: Option<JournalReader>,
    then: Then,
    object: ObjectRef,
    span: Duration,
    until: Stamp,
) -> Result<Answer, Problem> {
    let Some(journal) = journal else {
        return Err(Problem::new(Code::NotFound, "Nothing is recorded here.")
            .next("Series are there once Pilothouse records: it does so in the window and in the browser."));
    };
    let since = until.minus(span.min(LONGEST));
    // A thread cannot be cut off: between two parts it looks whether somebody waits still.
    let waits = Arc::new(());
    let waited = Arc::downgrade(&waits);
    let read = move || {
        let had = had(&journal, then, &object, since, until)?;
        let mut lines = Lines::new(since, until);
        for (place, Had { since: from, source, gpus }) in had.iter().enumerate() {
            if Weak::strong_count(&waited) == 0 {
                break;
            }
            let end = had.get(place + 1).map_or(until, |next| Stamp(next.since.0 - 1));
            lines.take(journal.series(source, gpus, *from, end)?);
        }
        Ok(Answer::History(Past { series: lines.done(), from: None }))
    };
    let answer = tokio::task::spawn_blocking(read).await;
    drop(waits);
    answer.map_err(|error| Problem::new(Code::Internal, "The record could not be read.").why(error.to_string()))?
}

/// Which GPUs an object had in a span of time. Those of a node, and a GPU itself, are what they are; those of a pod or of
/// a workload are found by folding what was said.
fn had(
    journal: &JournalReader,
    then: Then,
    object: &ObjectRef,
    since: Stamp,
    until: Stamp,
) -> Result<Vec<Had>, Problem> {
    if matches!(object, ObjectRef::Gpu(..) | ObjectRef::Node(_)) {
        let keeper = match then {
            Then::Now(keeper) => keeper,
            Then::Recorded(..) => match journal.world_at(until) {
                Ok(world) => project::keeper(&world, object),
                Err(problem) if problem.code == Code::NotFound => None,
                Err(problem) => return Err(problem),
            },
        };
        if let Some(keeper) = keeper {
            return Ok(vec![Had { since, source: keeper.source, gpus: keeper.gpus }]);
        }
    }
    let mut all: Vec<Had> = Vec::new();
    journal.holders(since, until, |at, world: &World| {
        let now =
            project::keeper(world, object).map(|keeper| Had { since: at, source: keeper.source, gpus: keeper.gpus });
        match (all.last(), now) {
            (Some(last), Some(now)) if last.source == now.source && last.gpus == now.gpus => {}
            (_, Some(now)) => all.push(now),
            // Who lost its GPUs has none from then on.
            (Some(Had { source, gpus, .. }), None) if !gpus.is_empty() => {
                all.push(Had { since: at, source: source.clone(), gpus: Vec::new() });
            }
            (_, None) => {}
        }
    })?;
    Ok(all)
}
