//! The lanes of the ribbon: what is held and what waits, one point a bucket of time.

use super::Fold;
use crate::{
    fact::Kind,
    source::{LanePoint, Source},
};
use pilothouse_wire::Stamp;

/// The lanes get one point in this many milliseconds; each is the last value known in it.
const STEP_MS: i64 = 10_000;
/// So long each of them is kept.
const FINE_MS: i64 = 6 * 3_600_000;
/// Older ones are kept once in this many milliseconds.
const COARSE_MS: i64 = 600_000;
/// Six hours of the fine ones and a week of the others.
const MOST_POINTS: usize = 2_160 + 1_008;

impl Source {
    pub(super) fn lane_point_last(&self) -> Option<LanePoint> {
        self.lanes.last_key_value().map(|(_, point)| *point)
    }
}

impl Fold<'_> {
    /// Adds a point to the lanes: what is held and what waits, now. Before pods are read nobody knows.
    pub(super) fn lanes(&mut self, before: Option<LanePoint>) {
        let reads_pods = self.source.listed.iter().any(|covers| covers.kind == Kind::Pod);
        if self.source.heard != Some(self.seen) || !reads_pods {
            return;
        }
        let bucket = Stamp(self.seen.0.saturating_sub(self.seen.0.rem_euclid(STEP_MS)));
        let moved = !self.touched.pods.is_empty() || before.is_none();
        let point = if moved { self.source.lane_point() } else { before.unwrap_or_default() };
        if self.source.lanes.insert(bucket, point) != Some(point) {
            self.touched.ribbon = true;
        }
        self.thin(bucket);
    }

    /// Of what is no longer recent one point stays now and then. What was thinned before ends the walk back.
    fn thin(&mut self, bucket: Stamp) {
        let old = Stamp(bucket.0.saturating_sub(FINE_MS));
        let is_fine = |at: &Stamp| at.0.rem_euclid(COARSE_MS) != 0;
        let lanes = &mut self.source.lanes;
        let over: Vec<Stamp> = lanes.range(..=old).rev().map(|(at, _)| *at).take_while(is_fine).collect();
        for at in over {
            lanes.remove(&at);
        }
        while lanes.len() > MOST_POINTS {
            lanes.pop_first();
        }
    }
}
