//! Who held which GPUs over time: a fold of what was said, without what was measured, which begins anew wherever the
//! record does.

use crate::{
    seek::{self, Target},
    walk::{Fault, Filler, Step, With, walk},
};
use pilothouse_wire::Stamp;
use pilothouse_world::World;
use rusqlite::Connection;
use std::sync::Arc;

/// Shows the world at `since`, after each batch up to `last` that may have changed who holds which GPUs, and where the
/// record begins anew.
pub(crate) fn fold(
    db: &Connection,
    since: Stamp,
    last: Target,
    show: &mut dyn FnMut(Stamp, &World),
) -> Result<(), Fault> {
    // What is older than the record is not there: the fold begins with the first world that is kept.
    let begin = seek::span(db)?.map_or(since, |(begin, _)| begin.max(since));
    let first = seek::locate(db, begin)?;
    // What a run saw, or what was seen before a loss, goes on in nothing that comes after it.
    let anew = seek::anew(db, first.map_or(0, |first| first.seq), last.seq)?;
    let begins = anew.iter().map(|(first, began)| (Some(Target::beginning(*first)), *began));
    let ends = anew.iter().map(|(first, _)| first - 1).chain([last.seq]);
    let mut filler = Filler::new(db, With::NoReadings);
    for (place, ((target, began), end)) in [(first, since)].into_iter().chain(begins).zip(ends).enumerate() {
        let (seq, mut world) = match target.map(|target| seek::start(db, target)) {
            None => (0, World::default()),
            Some(Ok(start)) => (start.seq, Arc::unwrap_or_clone(start.world)),
            // Nobody knows what was so until the record begins anew.
            Some(Err(Fault::Damaged(_))) if !anew.is_empty() => (end, World::default()),
            Some(Err(fault)) => return Err(fault),
        };
        let mut shown = place > 0;
        if shown {
            show(began, &world);
        }
        walk(&mut filler, seq, end, &mut |Step { at, batch }| {
            let in_span = at >= since;
            if in_span && !shown {
                shown = true;
                show(since, &world);
            }
            let touched = world.apply(batch);
            if in_span && (touched.all || touched.lists || !touched.pods.is_empty() || !touched.devices.is_empty()) {
                show(at, &world);
            }
        })?;
        if !shown {
            show(since, &world);
        }
    }
    Ok(())
}
