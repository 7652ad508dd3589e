//! Frames of the past: the journal's world at a time, projected like the live one.

use crate::publish::{project_plain, sources_of};
use pilothouse_insight::History;
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{Answer, Body, Code, Frame, Problem, Rev, Stamp, ViewSpec, When};
use pilothouse_world::World;
use std::sync::Arc;

/// The world as it was known at `t`.
pub(crate) async fn world_at(journal: Option<JournalReader>, t: Stamp) -> Result<Arc<World>, Problem> {
    let Some(journal) = journal else {
        return Err(Problem::new(Code::NotFound, "There is no record to go back in.")
            .why("This door does not record, and no journal is there.")
            .next("Open the window or `pilothouse serve`: they record."));
    };
    tokio::task::spawn_blocking(move || journal.world_at(t))
        .await
        .map_err(|error| Problem::new(Code::Internal, "The record could not be read.").why(error.to_string()))?
}

/// One full frame of a world as of a time.
pub(crate) fn frame(world: &World, spec: &ViewSpec, t: Stamp) -> Answer {
    Answer::Frame(Box::new(Frame {
        rev: Rev(1),
        as_of: t,
        when: When::At(t),
        sources: sources_of(world, spec, t),
        dropped: world.dropped(),
        body: Body::Full(project_plain(world, spec, &History::default(), t)),
    }))
}
