//! Who held which GPUs over time: a fold of what was said, without what was measured, which begins anew wherever the
//! record does.

use crate::{
    seek::{self, Target},
    spells,
    walk::{Fault, Filler, Step, With, walk},
};
use pilothouse_wire::Stamp;
use pilothouse_world::World;
use rusqlite::Connection;
use std::sync::Arc;

/// A stretch of the record within a span: what a run saw, or what was seen up to a loss. It goes on in nothing that comes
/// after it.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    /// The place that its world is begun at; none where nothing that old is kept.
    target: Option<Target>,
    /// When it begins, or the span.
    pub began: Stamp,
    /// Its last place, or that of the span.
    pub end: i64,
}

/// The stretches of the record from a time up to a place.
pub(crate) fn stretches(db: &Connection, since: Stamp, last: Target) -> Result<Vec<Stretch>, Fault> {
    // What is older than the record is not there: the fold begins with the first world that is kept.
    let begin = spells::span(db)?.map_or(since, |(begin, _)| begin.max(since));
    let first = seek::locate(db, begin)?;
    let anew = seek::anew(db, first.map_or(0, |first| first.seq), last.seq)?;
    let begins = anew.iter().map(|(first, began)| (Some(Target::beginning(*first)), *began));
    let ends = anew.iter().map(|(first, _)| first - 1).chain([last.seq]);
    let all = [(first, since)].into_iter().chain(begins).zip(ends);
    Ok(all.map(|((target, began), end)| Stretch { target, began, end }).collect())
}

impl Stretch {
    /// The world that it begins with, and its place; nothing where that does not read, and the record begins `anew` later.
    pub(crate) fn start(&self, db: &Connection, anew: bool) -> Result<Option<(i64, Arc<World>)>, Fault> {
        match self.target.map(|target| seek::start(db, target)) {
            None => Ok(Some((0, Arc::default()))),
            Some(Ok(start)) => Ok(Some((start.seq, start.world))),
            Some(Err(Fault::Damaged(_))) if anew => Ok(None),
            Some(Err(fault)) => Err(fault),
        }
    }
}

/// Shows the world at `since`, after each batch up to `last` that may have changed who holds which GPUs, and where the
/// record begins anew.
pub(crate) fn fold(
    db: &Connection,
    since: Stamp,
    last: Target,
    show: &mut dyn FnMut(Stamp, &World),
) -> Result<(), Fault> {
    let all = stretches(db, since, last)?;
    let mut filler = Filler::new(db, With::NoReadings);
    for (place, stretch) in all.iter().enumerate() {
        let Stretch { began, end, .. } = *stretch;
        // Of one that does not read nobody knows what was so until the record begins anew.
        let (seq, world) = stretch.start(db, all.len() > 1)?.unwrap_or((end, Arc::default()));
        let mut world = Arc::unwrap_or_clone(world);
        let (mut shown, mut owed) = (place > 0, false);
        if shown {
            show(began, &world);
        }
        walk(&mut filler, seq, end, &mut |Step { at, batch }| {
            // What is of later than that was heard under a clock that was ahead: it is shown once the clock is right again.
            let in_span = at >= since && at <= last.asked();
            if in_span && !shown {
                shown = true;
                show(since, &world);
            }
            let touched = world.apply(batch);
            owed |= touched.all || touched.lists || !touched.pods.is_empty() || !touched.devices.is_empty();
            owed &= at >= since;
            if in_span && owed {
                owed = false;
                show(at, &world);
            }
        })?;
        if !shown {
            show(since, &world);
        }
    }
    Ok(())
}
