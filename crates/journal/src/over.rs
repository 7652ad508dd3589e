//! The world over a span of time with all that was measured, as one who looked at it all the while saw it.

use crate::{
    holders::{Stretch, stretches},
    seek::Target,
    walk::{Fault, Filler, Step, With, walk},
};
use pilothouse_wire::Stamp;
use pilothouse_world::{Touched, World};
use rusqlite::Connection;
use std::{sync::Arc, time::Duration};

/// Shows the world about once in `every` between `since` and `last`, and what changed in it since it was shown last: all of
/// it at first, and where the record begins anew. What is heard within `every` is shown together.
pub(crate) fn fold(
    db: &Connection,
    (since, last): (Stamp, Target),
    every: Duration,
    show: &mut dyn FnMut(Stamp, &World, &Touched),
) -> Result<(), Fault> {
    let all = stretches(db, since, last)?;
    let mut filler = Filler::new(db, With::Readings);
    for stretch in &all {
        let Stretch { began, end, .. } = *stretch;
        let Some((seq, world)) = stretch.start(db, all.len() > 1)? else { continue };
        let mut world = Arc::unwrap_or_clone(world);
        let mut touched = Touched { all: true, ..Touched::default() };
        // When the first and the last of what is not shown yet was heard.
        let mut waiting = Some((began, began));
        walk(&mut filler, seq, end, &mut |Step { at, batch }| {
            let is_due = |(first, _): &(Stamp, Stamp)| at >= since && at <= last.asked() && at.since(*first) >= every;
            if let Some((_, newest)) = waiting.filter(is_due) {
                show(newest, &world, &std::mem::take(&mut touched));
                waiting = None;
            }
            touched.merge(world.apply(batch));
            // Heard under a clock that was ahead: it is shown with what came once that was right again.
            if at > last.asked() {
                return;
            }
            let at = at.max(began);
            waiting = Some((waiting.map_or(at, |(first, _)| first), at));
        })?;
        if let Some((_, newest)) = waiting {
            show(newest, &world, &touched);
        }
    }
    Ok(())
}
