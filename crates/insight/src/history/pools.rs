//! Since when GPUs of each pool are stranded, and how much of their time that is so far.

use crate::{
    answer::Answer,
    limits::GAP,
    pods::PodsOf,
    room::pool::{self, Pool},
    waste::stranded,
};
use pilothouse_wire::{
    ConnectionId, SmolStr, Stamp,
    view::{FleetView, PoolKind},
};
use std::{collections::BTreeMap, time::Duration};

/// How often pools are looked at: what is stranded changes with pods that come and go, and each look goes over all pods.
const LOOK: Duration = Duration::from_secs(10);

type Key = (ConnectionId, PoolKind, SmolStr);

/// Watches the pools of frames. Its size is bounded by the pools of the last look.
#[derive(Clone, Debug, Default)]
pub(super) struct Pools {
    tracks: BTreeMap<Key, Track>,
    looked: Option<Stamp>,
}

/// A pool of which GPUs are stranded.
#[derive(Clone, Copy, Debug)]
struct Track {
    since: Stamp,
    looked: Stamp,
    /// How many there are since the last look.
    gpus: u64,
    /// What they come to until then, in milliseconds of one GPU.
    gpu_ms: u64,
}

/// What is stranded of a pool, over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StrandedSince {
    /// Since when there are some, as far as it was watched.
    pub since: Stamp,
    /// What they come to since then: each of them for as long as it was stranded.
    pub gpu_hours: f64,
}

impl Pools {
    /// Takes in a frame. What was before a time without frames is not known: the watch begins anew.
    pub(super) fn note(&mut self, view: &FleetView, now: Stamp) {
        let before = self.looked.filter(|looked| now >= *looked && now.since(*looked) <= GAP);
        if before.is_some_and(|looked| now.since(looked) < LOOK) {
            return;
        }
        self.looked = Some(now);
        let old = std::mem::take(&mut self.tracks);
        let pods = PodsOf::nodes(view, view.nodes.rows().iter().filter(|row| !row.gpus.is_empty()).map(|row| &row.id));
        for pool in pool::pools(view, &pods) {
            let Answer::Yes(left) = stranded::judge(&pool) else { continue };
            let key = key(&pool);
            let track = old.get(&key).filter(|_| before.is_some()).map_or(
                Track { since: now, looked: now, gpus: left.gpus, gpu_ms: 0 },
                |track| Track { looked: now, gpus: left.gpus, gpu_ms: track.gpu_ms(now), ..*track },
            );
            self.tracks.insert(key, track);
        }
    }

    /// Puts before it what somebody else took in up to about where this one begins.
    pub(super) fn put_before(&mut self, earlier: Self) {
        for (key, before) in earlier.tracks {
            if self.looked.is_none() {
                self.tracks.insert(key, before);
            } else if let Some(own) = self.tracks.get_mut(&key)
                && own.since.since(before.looked) <= GAP
            {
                own.gpu_ms = own.gpu_ms.saturating_add(before.gpu_ms(own.since));
                own.since = own.since.min(before.since);
            }
        }
        self.looked = self.looked.or(earlier.looked);
    }

    pub(super) fn of(&self, pool: &Pool<'_>, now: Stamp) -> Option<StrandedSince> {
        let track = self.tracks.get(&key(pool))?;
        #[allow(clippy::cast_precision_loss, reason = "years of thousands of GPUs stay below 2^53 ms")]
        let gpu_hours = track.gpu_ms(now) as f64 / 3_600_000.0;
        Some(StrandedSince { since: track.since, gpu_hours })
    }
}

impl Track {
    fn gpu_ms(&self, now: Stamp) -> u64 {
        let more = u64::try_from(now.since(self.looked).as_millis()).unwrap_or(u64::MAX);
        self.gpu_ms.saturating_add(more.saturating_mul(self.gpus))
    }
}

fn key(pool: &Pool<'_>) -> Key {
    (pool.cluster.clone(), pool.kind, pool.name.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, Node, Pod, view};

    const MINUTE: i64 = 60_000;

    /// Looks at a node of eight GPUs at minutes, as (minute, pods of two GPUs, GPUs of one that asks for none).
    fn looked(looks: &[(i64, u16, u16)]) -> Pools {
        let mut pools = Pools::default();
        looks.iter().for_each(|(minute, twos, more)| pools.note(&frame(*twos, *more), at(*minute)));
        pools
    }

    fn at(minute: i64) -> Stamp {
        Stamp(NOW.0 + minute * MINUTE)
    }

    fn frame(twos: u16, more: u16) -> FleetView {
        let name = |n: u16| format!("two-{n}");
        let node = (0..twos).fold(Node::called("a-1").gpus(8), |node, n| node.held(n * 2..n * 2 + 2, &name(n)));
        let pods = (0..twos).map(|n| Pod::called(&name(n)).on("a-1").asks(2));
        view([node.held(twos * 2..twos * 2 + more, "more")], pods.collect::<Vec<_>>())
    }

    /// Since which minute GPUs are stranded, and what that is in GPU-hours at another one.
    #[track_caller]
    fn says(pools: &Pools, minute: i64, want: Option<(i64, f64)>) {
        let view = frame(2, 1);
        let hosts = PodsOf::nodes(&view, view.nodes.rows().iter().map(|row| &row.id));
        let said = pool::pools(&view, &hosts).first().and_then(|pool| pools.of(pool, at(minute)));
        assert_eq!(said.map(|said| ((said.since.0 - NOW.0) / MINUTE, said.gpu_hours)), want);
    }

    #[track_caller]
    fn check(looks: &[(i64, u16, u16)], want: Option<(i64, f64)>) {
        says(&looked(looks), looks.last().map_or(0, |look| look.0), want);
    }

    #[test]
    fn each_gpu_counts_for_as_long_as_it_was_stranded() {
        check(&[(0, 2, 1)], Some((0, 0.0)));
        check(&[(0, 2, 1), (3, 2, 1), (6, 2, 1)], Some((0, 0.1)));
    }

    #[test]
    fn what_is_over_is_forgotten_and_begins_anew() {
        check(&[(0, 2, 1), (3, 2, 0)], None);
        check(&[(0, 2, 1), (3, 2, 0), (6, 2, 1)], Some((6, 0.0)));
    }

    #[test]
    fn what_was_before_a_time_without_frames_is_not_known() {
        check(&[(0, 2, 1), (60, 2, 1)], Some((60, 0.0)));
        check(&[(0, 2, 1), (-60, 2, 1)], Some((-60, 0.0)));
    }

    #[test]
    fn what_a_run_before_saw_is_joined_where_it_lies_near() {
        let earlier = || looked(&[(0, 2, 1), (3, 2, 1)]);
        let joined = |begin: i64| {
            let mut own = looked(&[(begin, 2, 1), (begin + 3, 2, 1)]);
            own.put_before(earlier());
            own
        };
        says(&joined(3), 6, Some((0, 0.1)));
        says(&joined(30), 33, Some((30, 0.05)));
        let mut own = Pools::default();
        own.put_before(earlier());
        says(&own, 3, Some((0, 0.05)));
    }
}
