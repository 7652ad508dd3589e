//! The past: the journal's world at a time, projected like the live one.

use crate::{
    registries::Registries,
    views::{Known, conclude, concluded, project_plain, sources_of},
};
use pilothouse_insight::{Heard, History, Shown};
use pilothouse_journal::{Gone, Place, Reader as JournalReader, Sought};
use pilothouse_wire::{
    Answer, Body, Code, ConnectionId, Frame, Problem, Rev, Stamp, View, ViewSpec, When,
    frame::SourceState,
    record::Gap,
    view::{FleetSpec, FleetView, ModelsSpec},
};
use pilothouse_world::{
    World,
    fact::Kind,
    project::{self, FleetProjection},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::JoinError,
};

/// What was heard within this may still be on its way into the record.
const UNSETTLED: Duration = Duration::from_secs(10);
/// Fleets of one world that are kept: the whole, and one part of it.
const FLEETS: usize = 2;
/// A world that nobody looked at for so long is let go.
const IDLE: Duration = Duration::from_secs(60);

/// The world of the past that was asked for last. One is folded at a time, and who asks for the same one waits for it: a
/// hand on the ribbon asks for many, each in several views. Who waits for their turn may go; one that is being folded is
/// folded to its end, since the next one is found from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worlds(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    at: Stamp,
    /// Which world it is, and when it was read.
    place: Place,
    read: Stamp,
    used: Stamp,
    then: Moment,
    /// Fleets of it that were looked at: of a neighbour only what changed is projected again.
    fleets: Vec<FleetProjection>,
    /// What was kept of the world before. It is large, and to let go of it takes as long as a good part of an answer: it
    /// stays until who asked is answered.
    before: Option<(Gone, Vec<FleetProjection>)>,
}

/// The world at a time.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// As it was known then.
    pub world: Arc<World>,
    /// Why the record does not tell of this time, if it does not: the world is that of the nearest which it tells of.
    pub gap: Option<Gap>,
}

impl Moment {
    /// As of when this is known: what follows from the world that is shown of a gap follows as of where the gap begins.
    pub(crate) fn known(&self, t: Stamp) -> Stamp {
        self.gap.as_ref().map_or(t, |gap| gap.known(t))
    }
}

impl Worlds {
    /// The world as it was known at `t`.
    pub(crate) async fn at(&self, journal: Option<JournalReader>, t: Stamp, now: Stamp) -> Result<Moment, Problem> {
        let journal = readable(journal)?;
        let mut kept = self.alone().await;
        to_its_end(async move {
            let kept = turn(&mut kept, journal, t, now).await?;
            kept.let_go();
            Ok(kept.then.clone())
        })
        .await
    }

    /// Waits until nobody else folds.
    async fn alone(&self) -> OwnedMutexGuard<Option<Kept>> {
        Arc::clone(&self.0).lock_owned().await
    }

    /// One full frame of a fleet as it was known at `t`.
    pub(crate) async fn fleet(
        &self,
        journal: Option<JournalReader>,
        spec: FleetSpec,
        (t, now): (Stamp, Stamp),
    ) -> Result<Answer, Problem> {
        let journal = readable(journal)?;
        let mut kept = self.alone().await;
        to_its_end(async move {
            let kept = turn(&mut kept, journal, t, now).await?;
            let known = kept.fleets.iter().position(|fleet| *fleet.spec() == spec).map(|at| kept.fleets.remove(at));
            let then = kept.then.clone();
            let (answer, fleet) = apart(move || {
                let known_at = then.known(t);
                let Moment { world, gap } = then;
                let mut fleet = known.unwrap_or_else(|| FleetProjection::new(&world, spec.clone()));
                conclude(&world, &mut fleet, known_at);
                let view = View::Fleet(Arc::clone(fleet.view()));
                (full(&world, &ViewSpec::Fleet(spec), t, gap, view), fleet)
            })
            .await?;
            kept.fleets.truncate(FLEETS - 1);
            kept.fleets.insert(0, fleet);
            kept.let_go();
            Ok(answer)
        })
        .await
    }

    /// Lets go of what nobody looks at any more, and of what the journal keeps for a neighbour; not now, if somebody looks
    /// just now. Both are large, and end beside the event loop.
    pub(crate) fn tidy(&self, journal: Option<&JournalReader>, now: Stamp) {
        let gone = self.0.try_lock().ok().and_then(|mut kept| kept.take_if(|kept| kept.used < now.minus(IDLE)));
        if let Some(gone) = gone {
            let journal = journal.cloned();
            tokio::task::spawn_blocking(move || {
                drop(gone);
                journal.iter().for_each(JournalReader::let_go);
            });
        }
    }
}

impl Kept {
    /// Lets go of what was before, beside the answer.
    fn let_go(&mut self) {
        let before = self.before.take();
        tokio::task::spawn_blocking(move || drop(before));
    }
}

/// Turns to the world at a time. What was looked at of the one before goes with it.
async fn turn(kept: &mut Option<Kept>, journal: JournalReader, t: Stamp, now: Stamp) -> Result<&mut Kept, Problem> {
    // What was not settled when it was read is read again.
    let then = match kept.take() {
        Some(then) if then.at == t && t < then.read.minus(UNSETTLED) => Kept { used: now, ..then },
        before => {
            // The journal goes on from a world that nobody else holds, and copies one that somebody does.
            let (base, mut fleets) = before.map(|Kept { place, fleets, .. }| (place, fleets)).unzip();
            apart(move || {
                let Sought { world, place, touched, gone, gap } = journal.world_since(base, t)?;
                let of_before = if touched.all { fleets.take() } else { None };
                let mut fleets = fleets.unwrap_or_default();
                fleets.iter_mut().for_each(|fleet| drop(fleet.update(&world, &touched)));
                let (then, before) = (Moment { world, gap }, Some((gone, of_before.unwrap_or_default())));
                Ok::<_, Problem>(Kept { at: t, place, read: now, used: now, then, fleets, before })
            })
            .await??
        }
    };
    Ok(kept.insert(then))
}

fn readable(journal: Option<JournalReader>) -> Result<JournalReader, Problem> {
    journal.ok_or_else(|| {
        Problem::new(Code::NotFound, "There is no record to go back in.")
            .why("This door does not record, and no journal is there.")
            .next("Open the window or `pilothouse serve`: they record.")
    })
}

/// Goes on with it though nobody waits for it any more.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|error| unreadable(&error))?
}

/// Works something out, off the event loop's threads.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| unreadable(&error))
}

fn unreadable(error: &JoinError) -> Problem {
    Problem::new(Code::Internal, "The record could not be read.").why(error.to_string())
}

/// One full frame of a world as of a time. `history` is what one who watched up to then knows.
pub(crate) fn frame(then: Moment, spec: &ViewSpec, t: Stamp, history: &History) -> Answer {
    let known_at = then.known(t);
    let Moment { world, gap } = then;
    let known = Known { world: &world, registries: &Registries::default() };
    full(&world, spec, t, gap, project_plain(known, spec, history, known_at))
}

fn full(world: &World, spec: &ViewSpec, t: Stamp, gap: Option<Gap>, view: View) -> Answer {
    Answer::Frame(Box::new(Frame {
        rev: Rev(1),
        as_of: t,
        when: When::At(t),
        sources: sources_of(world, spec, t),
        dropped: world.dropped(),
        gap,
        body: Body::Full(view),
    }))
}

/// What is compared of a world as of a time.
pub(crate) fn shown(world: &World, scope: Vec<ConnectionId>, t: Stamp) -> Shown {
    let (services, models) = (FleetSpec { scope: scope.clone() }, ModelsSpec { scope: scope.clone() });
    let heard = |state: SourceState| {
        let listed = |kind| world.source(&state.id).is_some_and(|source| source.has_listed(kind));
        let in_scope = scope.is_empty() || scope.contains(&state.id);
        Heard { nodes: listed(Kind::Node), pods: listed(Kind::Pod), in_scope, state }
    };
    Shown {
        as_of: t,
        sources: project::sources(world, &[], t).into_iter().map(heard).collect(),
        delivery: project::delivery(world, &services),
        models: project::models(world, &models),
        fleet: fleet(world, scope, t),
    }
}

/// The fleet as of a time.
pub(crate) fn fleet(world: &World, scope: Vec<ConnectionId>, t: Stamp) -> Arc<FleetView> {
    concluded(world, FleetSpec { scope }, t)
}
