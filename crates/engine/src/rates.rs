//! Facts a second of each source, over the last ten seconds.

use pilothouse_wire::{ConnectionId, Stamp};
use pilothouse_world::World;
use std::collections::{BTreeMap, VecDeque};

/// The span that a rate is taken over, in milliseconds.
const SPAN_MS: i64 = 10_000;

/// Counts of facts by source at the last few ticks.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    counts: BTreeMap<ConnectionId, VecDeque<(Stamp, u64)>>,
}

impl Rates {
    /// Notes the counts as they are now.
    pub(crate) fn note(&mut self, world: &World, now: Stamp) {
        self.counts.retain(|id, _| world.source(id).is_some());
        for (id, source) in world.sources() {
            let counts = self.counts.entry(id.clone()).or_default();
            counts.push_back((now, source.facts));
            while counts.front().is_some_and(|(at, _)| now.0 - at.0 > SPAN_MS) {
                counts.pop_front();
            }
        }
    }

    /// Facts a second; 0 until two ticks are known.
    pub(crate) fn of(&self, id: &ConnectionId) -> u32 {
        let Some((first, last)) = self.counts.get(id).and_then(|counts| counts.front().zip(counts.back())) else {
            return 0;
        };
        let span = u64::try_from(last.0.0 - first.0.0).unwrap_or(0);
        let facts = last.1.saturating_sub(first.1);
        (facts * 1000).checked_div(span).and_then(|rate| u32::try_from(rate).ok()).unwrap_or(0)
    }
}
