//! Since when each GPU does nothing, and GPUs of a pool are stranded: what one frame cannot tell.

mod pools;

use crate::{
    limits::{GAP, IDLE, LEAN},
    room::pool::Pool,
    site::{Site, sites},
};
use pilothouse_wire::{Metric, SmolStr, Stamp, view::FleetView};
use std::{collections::HashMap, time::Duration};

/// The most GPUs that are watched. Of others it cannot be told since when they are idle.
const MOST: usize = 65_536;

/// Watches GPUs over frames, by their UUID. Its size is bounded by the GPUs of the last frame.
#[derive(Clone, Debug, Default)]
pub struct History {
    tracks: HashMap<SmolStr, Track>,
    round: u64,
    pools: pools::Pools,
}

/// What is known of a GPU over time. All times are of whoever measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Track {
    /// Since when it is watched without a gap.
    pub watched: Stamp,
    /// The last measurement.
    pub last: Stamp,
    /// Since when it does nothing, if it does nothing.
    pub idle: Option<Stamp>,
    /// Since when it uses little of its memory, if it does.
    pub lean: Option<Stamp>,
    /// The most of its memory that it used since then.
    pub peak: f32,
    round: u64,
}

impl History {
    /// Takes in a frame. GPUs that it does not have are forgotten; one that nobody measures now keeps what is known.
    pub fn note(&mut self, view: &FleetView, now: Stamp) {
        self.round += 1;
        for site in sites(view, now) {
            for slot in site.slots() {
                self.note_gpu(site, slot);
            }
        }
        let round = self.round;
        self.tracks.retain(|_, track| track.round == round);
        self.pools.note(view, now);
    }

    /// How many GPUs are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tracks.len()
    }

    /// Is none watched?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    pub(crate) fn of(&self, site: Site<'_>, slot: u16) -> Option<Track> {
        self.tracks.get(&site.device(slot)?.uuid).copied()
    }

    /// Since when GPUs of a pool are stranded; `None` where none is, or it was not looked at.
    pub(crate) fn stranded(&self, pool: &Pool<'_>, now: Stamp) -> Option<pools::StrandedSince> {
        self.pools.of(pool, now)
    }

    fn note_gpu(&mut self, site: Site<'_>, slot: u16) {
        let (Some(device), Some(at)) = (site.device(slot), site.measured_at(slot)) else { return };
        let room = self.tracks.len() < MOST;
        match self.tracks.get_mut(&device.uuid) {
            Some(track) => track.note(site, slot, at, self.round),
            None if room => {
                let mut track = Track { watched: at, last: at, idle: None, lean: None, peak: 0.0, round: 0 };
                track.note(site, slot, at, self.round);
                self.tracks.insert(device.uuid.clone(), track);
            }
            None => {}
        }
    }
}

impl Track {
    fn note(&mut self, site: Site<'_>, slot: u16, at: Stamp, round: u64) {
        self.round = round;
        if at < self.last || site.is_stale(slot) {
            return;
        }
        let patience = Duration::from_millis(site.view.telemetry.patience_ms);
        if at.since(self.last) > GAP.max(patience) {
            (self.watched, self.idle, self.lean) = (at, None, None);
        }
        self.last = at;
        self.idle = if is_idle(site, slot) == Some(true) { self.idle.or(Some(at)) } else { None };
        let used = memory_use(site, slot).filter(|used| *used < LEAN);
        self.peak = match (self.lean, used) {
            (Some(_), Some(used)) => self.peak.max(used),
            (_, used) => used.unwrap_or(0.0),
        };
        self.lean = used.and(self.lean.or(Some(at)));
    }
}

/// Does a GPU do nothing now? Not known where neither utilisation nor engine activity is measured.
pub(crate) fn is_idle(site: Site<'_>, slot: u16) -> Option<bool> {
    let of = |metric| site.fresh(metric, slot);
    let (util, engine) = (of(Metric::Utilisation), of(Metric::EngineActive));
    let measured = [util.or(engine)?, engine.unwrap_or(0.0), of(Metric::TensorActive).unwrap_or(0.0)];
    Some(measured.iter().all(|activity| *activity <= IDLE))
}

/// Share of its memory that is in use now: as it is measured, or as bytes of bytes.
pub(crate) fn memory_use(site: Site<'_>, slot: u16) -> Option<f32> {
    let of = |metric| site.fresh(metric, slot);
    of(Metric::MemoryUse).or_else(|| {
        let all = of(Metric::MemoryTotal).filter(|all| *all > 0.0)?;
        Some(of(Metric::MemoryUsed)? / all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, Node, view};

    const MINUTE: i64 = 60_000;

    /// Measures one GPU at minutes, as (minute, utilisation); answers since which minute it is watched, and idle.
    #[track_caller]
    fn check(measured: &[(i64, f32)], want: (i64, Option<i64>)) {
        let mut history = History::default();
        for (minute, util) in measured {
            let at = Stamp(NOW.0 + minute * MINUTE);
            let node = Node::called("a-1").gpus(1).reads(0, Metric::Utilisation, *util).at(at);
            history.note(&view([node], []), at);
        }
        let track = history.tracks.values().next().unwrap();
        let minute = |at: Stamp| (at.0 - NOW.0) / MINUTE;
        assert_eq!((minute(track.watched), track.idle.map(minute)), want);
    }

    #[test]
    fn a_gpu_is_idle_since_it_stopped_working() {
        check(&[(0, 0.9), (1, 0.0), (2, 0.01)], (0, Some(1)));
        check(&[(0, 0.0), (1, 0.5)], (0, None));
        check(&[(0, 0.0), (1, 0.5), (2, 0.0)], (0, Some(2)));
    }

    #[test]
    fn what_happened_in_a_gap_is_not_known() {
        check(&[(0, 0.0), (4, 0.0)], (0, Some(0)));
        check(&[(0, 0.0), (20, 0.0)], (20, Some(20)));
    }

    #[test]
    fn the_tensor_cores_count_too_and_without_utilisation_the_engine_does() {
        for (metrics, want) in [
            (&[(Metric::Utilisation, 0.0), (Metric::TensorActive, 0.3)][..], Some(false)),
            (&[(Metric::EngineActive, 0.0)], Some(true)),
            (&[(Metric::TensorActive, 0.0)], None),
            (&[(Metric::Utilisation, f32::NAN)], None),
        ] {
            let node = metrics.iter().fold(Node::called("a-1").gpus(1), |node, (m, value)| node.reads(0, *m, *value));
            let view = view([node], []);
            assert_eq!(sites(&view, NOW).next().and_then(|site| is_idle(site, 0)), want);
        }
    }

    #[test]
    fn a_gpu_that_is_gone_is_forgotten_and_one_that_is_silent_is_not() {
        let mut history = History::default();
        let node = Node::called("a-1").gpus(2);
        history.note(&view([node.clone()], []), NOW);
        history.note(&view([node.clone().stale(0)], []), NOW);
        assert_eq!(history.len(), 2);
        history.note(&view([node.gone(0)], []), NOW);
        assert_eq!(history.len(), 1);
        history.note(&view([], []), NOW);
        assert!(history.is_empty());
    }
}
