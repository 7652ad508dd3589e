//! The lanes of the ribbon: what is held, what waits and what is measured, one point a bucket of time.

use super::Fold;
use crate::{
    fact::Kind,
    source::{LanePoint, MeasuredPoint, Source},
};
use pilothouse_wire::{Metric, ServingMetric, Stamp};
use std::collections::BTreeMap;

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
        let bucket = self.bucket();
        let moved = !self.touched.pods.is_empty() || before.is_none();
        let point = if moved { self.source.lane_point() } else { before.unwrap_or_default() };
        if self.source.lanes.insert(bucket, point) != Some(point) {
            self.touched.ribbon = true;
        }
        thin(&mut self.source.lanes, bucket);
    }

    /// Adds what was measured of GPUs now to its lane.
    pub(super) fn gpus_measured(&mut self) {
        let column = self.source.telemetry.column(Metric::Utilisation);
        let activity = Metric::Utilisation.together(column.iter().copied());
        self.measured(|point| point.activity = activity.finite().or(point.activity));
    }

    /// Adds what was measured of serving engines now to their lanes.
    pub(super) fn engines_measured(&mut self) {
        let served = |metric: ServingMetric| {
            let spoke = self.source.serving.pods().filter(|(_, served)| served.spoke);
            metric.together(spoke.map(|(_, served)| served.read(metric))).least()
        };
        let (tokens, first) = (served(ServingMetric::Generated), served(ServingMetric::FirstTokenP99));
        if tokens.is_some() || first.is_some() {
            self.measured(|point| {
                point.tokens = tokens.or(point.tokens);
                point.first_token = first.or(point.first_token);
            });
        }
    }

    fn measured(&mut self, put: impl FnOnce(&mut MeasuredPoint)) {
        let bucket = self.bucket();
        let points = &mut self.source.measured.0;
        // Who looks is told once a bucket: what is measured comes more often than a line can show.
        self.touched.ribbon |= !points.contains_key(&bucket);
        put(points.entry(bucket).or_default());
        thin(points, bucket);
    }

    fn bucket(&self) -> Stamp {
        Stamp(self.seen.0.saturating_sub(self.seen.0.rem_euclid(STEP_MS)))
    }
}

/// Of what is no longer recent one point stays now and then. What was thinned before ends the walk back.
fn thin<T>(points: &mut BTreeMap<Stamp, T>, bucket: Stamp) {
    let old = Stamp(bucket.0.saturating_sub(FINE_MS));
    let is_fine = |at: &Stamp| at.0.rem_euclid(COARSE_MS) != 0;
    let over: Vec<Stamp> = points.range(..=old).rev().map(|(at, _)| *at).take_while(is_fine).collect();
    for at in over {
        points.remove(&at);
    }
    while points.len() > MOST_POINTS {
        points.pop_first();
    }
}
