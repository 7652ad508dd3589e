//! Follows the fleet view as a door does, and notes when each numbered change is shown.

use std::collections::HashMap;

use acceptance::{Context, Failure, Result};
use pilothouse_engine::{Clock, Frames, Reader};
use pilothouse_wire::{
    Body, Patch, PodId, Stamp, View, ViewSpec, When,
    frame::Mirror,
    view::{FleetSpec, FleetView, PodRow},
};
use tokio::time::Instant;

use crate::ticks;

/// A change that a frame shows.
pub struct Shown {
    /// Its number, from 0.
    pub number: usize,
    /// The number that the pod had before, if it had one.
    pub before: Option<usize>,
    /// When the connector heard it.
    pub heard: Stamp,
    /// When the frame was here, by the same clock.
    pub here: Stamp,
    /// When the frame was here.
    pub at: Instant,
}

/// A door's view of the fleet.
pub struct Follower {
    frames: Frames,
    mirror: Mirror,
    clock: Clock,
    /// Numbers before this are of earlier changes.
    from: usize,
    last: HashMap<PodId, usize>,
    /// Frames so far, and how many of them were whole.
    pub counts: (usize, usize),
}

impl Follower {
    /// Begins, and takes the first frame. Changes are counted from a number on, so that earlier ones are none.
    pub async fn start(reader: &Reader, from: usize) -> Result<Self> {
        let spec = ViewSpec::Fleet(FleetSpec::default());
        let frames = reader.watch(spec, When::Now).await.could_not("watch the fleet")?;
        let mut follower = Self {
            frames,
            mirror: Mirror::default(),
            clock: Clock::system(),
            from,
            last: HashMap::new(),
            counts: (0, 0),
        };
        follower.next().await?;
        Ok(follower)
    }

    /// Takes the next frame; gives the changes that it shows and no frame before it did.
    pub async fn next(&mut self) -> Result<Vec<Shown>> {
        let frame = self.frames.next().await.ok_or_else(|| Failure::new("the engine has stopped"))?;
        let (at, here) = (Instant::now(), self.clock.now());
        let rows: &[PodRow] = match &frame.body {
            Body::Full(View::Fleet(view)) => view.pods.rows(),
            Body::Patch { patch: Patch::Fleet(patch), .. } => &patch.pods.set,
            _ => &[],
        };
        let mut shown = Vec::new();
        for row in rows {
            let number = ticks::number(&row.status_word).and_then(|number| number.checked_sub(self.from));
            let Some(number) = number else { continue };
            let before = self.last.get(&row.id).copied();
            if before.is_none_or(|before| number > before) {
                self.last.insert(row.id.clone(), number);
                shown.push(Shown { number, before, heard: row.seen, here, at });
            }
        }
        self.counts.0 += 1;
        self.counts.1 += usize::from(matches!(frame.body, Body::Full(_)));
        self.mirror.apply(frame.rev, frame.body.clone()).could_not("fit a frame to the one before")?;
        Ok(shown)
    }

    /// The fleet as all frames together show it.
    pub fn fleet(&self) -> Result<&FleetView> {
        match self.mirror.view() {
            Some(View::Fleet(view)) => Ok(view),
            _ => Err(Failure::new("there is no frame of the fleet yet")),
        }
    }
}
