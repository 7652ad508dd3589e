//! Since when each GPU does nothing, and GPUs of a pool are stranded: what one frame cannot tell.

mod pools;

use crate::{
    limits::{GAP, IDLE, LEAN, WINDOW},
    room::pool::Pool,
    site::{Site, sites},
};
use pilothouse_wire::{Metric, SmolStr, Stamp, view::FleetView};
use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

/// The most GPUs that are watched. Of others it cannot be told since when they are idle.
const MOST: usize = 65_536;

/// Watches GPUs over frames, by their UUID. Its size is bounded by the GPUs of the frames of the last minutes.
#[derive(Clone, Debug, Default)]
pub struct History {
    tracks: HashMap<SmolStr, Track>,
    /// Since when frames are taken in without a gap, and the last one.
    watched: Option<(Stamp, Stamp)>,
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
    /// The last frame that it was in, by our clock.
    seen: Stamp,
}

impl History {
    /// How far back frames must be taken in, so that it can be told of each GPU whether it is waste: what waste is judged
    /// over, and some for the first measurement.
    pub const ENOUGH: Duration = Duration::from_secs(WINDOW.as_secs() + GAP.as_secs());

    /// One that is about to take in all frames since then.
    #[must_use]
    pub fn beginning(at: Stamp) -> Self {
        Self { watched: Some((at, at)), ..Self::default() }
    }

    /// Takes in a frame. A GPU that was not in one for some minutes is forgotten: what it did meanwhile nobody knows. One
    /// that nobody measures now keeps what is known.
    pub fn note(&mut self, view: &FleetView, now: Stamp) {
        for site in sites(view, now) {
            for slot in site.slots() {
                self.note_gpu(site, slot, now);
            }
        }
        self.tracks.retain(|_, track| now.since(track.seen) <= GAP);
        let since = self.watched.filter(|(_, last)| now.since(*last) <= GAP).map_or(now, |(since, _)| since);
        self.watched = Some((since, now));
        self.pools.note(view, now);
    }

    /// Were frames taken in for as long as it takes, up to now?
    #[must_use]
    pub fn is_enough(&self, now: Stamp) -> bool {
        self.watched.is_some_and(|(since, last)| now.since(since) >= Self::ENOUGH && now.since(last) <= GAP)
    }

    /// Puts before it what somebody else took in, such as a run before, up to about where this one begins. What lies more
    /// than a few minutes apart is not joined: nobody knows what was between.
    pub fn put_before(&mut self, earlier: Self) {
        for (uuid, before) in earlier.tracks {
            let room = self.tracks.len() < MOST;
            match self.tracks.entry(uuid) {
                Entry::Occupied(mut own) => own.get_mut().put_before(before),
                Entry::Vacant(place) if room => {
                    place.insert(before);
                }
                Entry::Vacant(_) => {}
            }
        }
        self.watched = match (earlier.watched, self.watched) {
            (Some((since, last)), Some((own, newest))) if own.since(last) <= GAP => {
                Some((since.min(own), newest.max(last)))
            }
            (earlier, own) => own.or(earlier),
        };
        self.pools.put_before(earlier.pools);
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

    fn note_gpu(&mut self, site: Site<'_>, slot: u16, now: Stamp) {
        let (Some(device), Some(at)) = (site.device(slot), site.measured_at(slot)) else { return };
        let room = self.tracks.len() < MOST;
        match self.tracks.get_mut(&device.uuid) {
            Some(track) => track.note(site, slot, at, now),
            None if room => {
                let mut track = Track { watched: at, last: at, idle: None, lean: None, peak: 0.0, seen: now };
                track.note(site, slot, at, now);
                self.tracks.insert(device.uuid.clone(), track);
            }
            None => {}
        }
    }
}

impl Track {
    fn note(&mut self, site: Site<'_>, slot: u16, at: Stamp, now: Stamp) {
        self.seen = now;
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

    /// Goes back to where an earlier one of the same GPU began, if there is no gap between them.
    fn put_before(&mut self, earlier: Self) {
        if earlier.watched >= self.watched || self.watched.since(earlier.last) > GAP {
            return;
        }
        // What was so when this one began may have been so for longer.
        let from = |own: Option<Stamp>, before: Option<Stamp>| match (own, before) {
            (Some(own), Some(before)) if own == self.watched => Some(before.min(own)),
            (own, _) => own,
        };
        let lean = from(self.lean, earlier.lean);
        if lean != self.lean {
            self.peak = self.peak.max(earlier.peak);
        }
        (self.idle, self.lean) = (from(self.idle, earlier.idle), lean);
        self.watched = earlier.watched;
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
        let at = |minutes: i64| Stamp(NOW.0 + minutes * MINUTE);
        // Who begins anew has an empty picture for a moment.
        history.note(&view([], []), at(1));
        assert_eq!(history.len(), 2);
        history.note(&view([node.clone()], []), at(2));
        history.note(&view([node.gone(0)], []), at(8));
        assert_eq!(history.len(), 1);
        history.note(&view([], []), at(14));
        assert!(history.is_empty());
    }

    /// What is known of one GPU by measurements at minutes, as (minute, utilisation, memory in use).
    fn track(measured: &[(i64, f32, f32)]) -> History {
        let mut history = History::default();
        for (minute, util, memory) in measured {
            let at = Stamp(NOW.0 + minute * MINUTE);
            let node = Node::called("a-1").gpus(1).reads(0, Metric::Utilisation, *util);
            history.note(&view([node.reads(0, Metric::MemoryUse, *memory).at(at)], []), at);
        }
        history
    }

    #[test]
    fn what_a_run_before_saw_is_put_before_and_makes_what_one_that_saw_all_knows() {
        for all in [
            &[(0, 0.0, 0.1), (2, 0.0, 0.2), (4, 0.0, 0.1), (6, 0.0, 0.1)][..],
            &[(0, 0.0, 0.1), (2, 0.9, 0.1), (4, 0.0, 0.1), (6, 0.0, 0.1)],
            &[(0, 0.0, 0.9), (2, 0.0, 0.9), (4, 0.7, 0.1), (6, 0.7, 0.2)],
            &[(0, 0.5, 0.9), (2, 0.0, 0.1), (4, 0.0, 0.1), (6, 0.0, 0.9)],
        ] {
            let want = track(all);
            for cut in 1..all.len() {
                let mut later = track(&all[cut..]);
                later.put_before(track(&all[..cut]));
                assert_eq!(later.tracks, want.tracks, "{all:?} cut at {cut}");
                assert_eq!(later.watched, want.watched);
                // Both saw what is in the middle.
                let mut later = track(&all[cut..]);
                later.put_before(want.clone());
                assert_eq!(later.tracks, want.tracks, "{all:?} from {cut} on, and all of it");
            }
        }
    }

    #[test]
    fn what_a_run_before_saw_is_not_joined_over_a_gap() {
        let mut later = track(&[(20, 0.0, 0.1)]);
        let alone = later.tracks.clone();
        later.put_before(track(&[(0, 0.0, 0.1), (4, 0.0, 0.1)]));
        assert_eq!(later.tracks, alone);
        // Of one that this run has not seen yet, what was known is known.
        let mut later = History::default();
        later.put_before(track(&[(0, 0.0, 0.1)]));
        assert_eq!(later.len(), 1);
    }

    #[test]
    fn frames_are_enough_where_they_go_back_as_far_as_waste_is_judged_by() {
        let at = |minutes: i64| Stamp(NOW.0 + minutes * MINUTE);
        let mut history = History::default();
        assert!(!history.is_enough(NOW));
        for minute in 0..40 {
            history.note(&view([], []), at(minute));
        }
        assert!(history.is_enough(at(40)) && !history.is_enough(at(45)) && !history.is_enough(at(30)));
        let mut begun = History::beginning(at(0));
        for minute in 2..36 {
            begun.note(&view([], []), at(minute));
        }
        assert!(begun.is_enough(at(35)));
    }
}
