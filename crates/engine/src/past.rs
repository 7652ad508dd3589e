//! The past: the journal's world at a time, projected like the live one.

use crate::publish::{project_plain, sources_of};
use pilothouse_insight::History;
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{
    Answer, Body, Code, ConnectionId, Frame, Problem, Rev, Stamp, View, ViewSpec, When,
    view::{FleetSpec, FleetView},
};
use pilothouse_world::World;
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// What was heard within this may still be on its way into the record.
const UNSETTLED: Duration = Duration::from_secs(10);
/// A world that nobody looked at for so long is let go.
const IDLE: Duration = Duration::from_secs(60);

/// The world of the past that was asked for last. One is folded at a time, and who asks for the same one waits for it: a
/// hand on the ribbon asks for many, each in several views.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worlds(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    at: Stamp,
    used: Stamp,
    world: Arc<World>,
}

impl Worlds {
    /// The world as it was known at `t`.
    pub(crate) async fn at(&self, journal: Option<JournalReader>, t: Stamp, now: Stamp) -> Result<Arc<World>, Problem> {
        let Some(journal) = journal else {
            return Err(Problem::new(Code::NotFound, "There is no record to go back in.")
                .why("This door does not record, and no journal is there.")
                .next("Open the window or `pilothouse serve`: they record."));
        };
        let mut kept = self.0.lock().await;
        if let Some(kept) = kept.as_mut().filter(|kept| kept.at == t) {
            kept.used = now;
            return Ok(Arc::clone(&kept.world));
        }
        // Before the next one is folded: the journal goes on from a world that nobody else holds, and copies one that
        // somebody does.
        *kept = None;
        let folded = tokio::task::spawn_blocking(move || journal.world_at(t));
        let world = folded.await.map_err(|error| unreadable(&error))??;
        if t < now.minus(UNSETTLED) {
            *kept = Some(Kept { at: t, used: now, world: Arc::clone(&world) });
        }
        Ok(world)
    }

    /// Lets go of what nobody looks at any more; not now, if somebody looks just now.
    /// Answers whether none is kept.
    pub(crate) fn tidy(&self, now: Stamp) -> bool {
        self.0.try_lock().is_ok_and(|mut kept| {
            kept.take_if(|kept| kept.used < now.minus(IDLE));
            kept.is_none()
        })
    }
}

/// Works something out, off the event loop's threads.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| unreadable(&error))
}

fn unreadable(error: &tokio::task::JoinError) -> Problem {
    Problem::new(Code::Internal, "The record could not be read.").why(error.to_string())
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

/// The fleet as of a time.
pub(crate) fn fleet(world: &World, scope: Vec<ConnectionId>, t: Stamp) -> FleetView {
    match project_plain(world, &ViewSpec::Fleet(FleetSpec { scope }), &History::default(), t) {
        View::Fleet(fleet) => *fleet,
        _ => FleetView::default(),
    }
}
