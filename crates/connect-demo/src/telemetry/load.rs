//! What a pod makes its GPUs do at a time: it loads its model, works, fails, or holds them for nothing.

use super::noise::{between, smooth, unit, wave};
use crate::{
    agenda::PodNo,
    dice::{hash, mix},
    fleet::Work,
    plot::{Cue, Release},
    stage::{Player, Role, Stage},
};
use pilothouse_wire::Stamp;
use pilothouse_world::fact::{Phase, PodFact};

/// How long a model takes to get into memory, and work to come to it.
const LOADS_MS: f32 = 12_000.0;
const RISES_MS: f32 = 40_000.0;
/// How long a bad release takes to show.
const SOURS_MS: f32 = 120_000.0;
/// How long a pod takes to finish its requests.
const DRAINS_MS: f32 = 3_000.0;

/// What is asked of a GPU, each a share between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Load {
    /// Time in which a kernel runs.
    pub util: f32,
    /// Cycles of its tensor cores.
    pub tensor: f32,
    /// Cycles of its memory.
    pub dram: f32,
    /// Memory in use.
    pub memory: f32,
    /// What its NVLinks can carry.
    pub link: f32,
    /// How far it has warmed up to this load.
    pub warm: f32,
}

/// What a pod asks of each of its GPUs now.
pub(super) fn of_pod(stage: &Stage, no: PodNo, player: &Player) -> Load {
    let (now, fact) = (stage.now, &player.fact);
    let full = at_work(stage, no, player);
    if fact.containers.iter().any(|container| container.reason.as_deref() == Some("CrashLoopBackOff")) {
        return Load { memory: 0.01, warm: 0.3, ..Load::default() };
    }
    let loaded = share(now, since(fact, "PodScheduled", &["True"]), LOADS_MS);
    if fact.phase != Phase::Running {
        return Load { memory: 0.01, ..Load::default() };
    }
    let ready = since(fact, "Ready", &["True"]);
    let left = fact.deleting.map_or(1.0, |from| 1.0 - share(now, Some(from), DRAINS_MS));
    let works = smooth(share(now, ready, RISES_MS)) * left;
    Load {
        util: full.util * works,
        tensor: full.tensor * works,
        dram: (full.dram * works).max(if loaded < 1.0 { 0.12 } else { 0.0 }),
        memory: full.memory * loaded,
        link: full.link * works,
        warm: share(now, ready, 2.0 * RISES_MS),
    }
}

/// Do all of a pod's containers say that they are ready?
pub(super) fn is_ready(fact: &PodFact) -> bool {
    fact.phase == Phase::Running && since(fact, "Ready", &["True"]).is_some()
}

/// How far a pod of a release that the story takes back has soured: from 0 to 1.
pub(super) fn sourness(stage: &Stage, player: &Player) -> f32 {
    match player.role {
        Role::Service { service, version, .. } if is_bad(stage, service, version) => {
            smooth(share(stage.now, player.fact.created, SOURS_MS))
        }
        _ => 0.0,
    }
}

/// When a condition of a pod came to have one of these statuses.
fn since(fact: &PodFact, kind: &str, statuses: &[&str]) -> Option<Stamp> {
    let condition = fact.conditions.iter().find(|condition| condition.kind == kind)?;
    condition.since.filter(|_| statuses.contains(&condition.status.as_str()))
}

/// How much of a span has passed since then; nothing if it has not begun.
fn share(now: Stamp, since: Option<Stamp>, span_ms: f32) -> f32 {
    since.map_or(0.0, |since| (now.since(since).as_secs_f32() * 1_000.0 / span_ms).min(1.0))
}

/// What a pod asks once it is warm.
fn at_work(stage: &Stage, no: PodNo, player: &Player) -> Load {
    let own = mix(stage.seed ^ (u64::from(no) << 24));
    let alone = player.fact.gpus.iter().map(|(_, n)| n).sum::<u64>() < 2;
    let cast = stage.cast();
    let load = match player.role {
        Role::Service { service, .. } => {
            let load = answers(stage, own, cast.services[service].name);
            match sourness(stage, player) {
                0.0 => load,
                how_far => soured(load, how_far),
            }
        }
        Role::Job { line, number, .. } => match cast.lines[line].work {
            Work::Answers => answers(stage, own, cast.lines[line].name),
            // All pods of a job step together.
            Work::Trains => trains(stage, own, mix(stage.seed ^ ((line as u64) << 32) ^ u64::from(number))),
            Work::Rests => Load { memory: 0.04 + 0.5 * unit(own).powi(2), ..Load::default() },
        },
        Role::Daemon => Load::default(),
    };
    if alone { Load { link: 0.0, ..load } } else { load }
}

fn answers(stage: &Stage, own: u64, name: &str) -> Load {
    let (all, now) = (hash(stage.seed, name), stage.now);
    // Requests come to all pods of a service alike; each has its own luck with them.
    let (tide, luck) = (wave(all, now, 240_000), wave(own, now, 20_000));
    let util = (0.55 + 0.28 * unit(all) + 0.10 * tide + 0.08 * luck).clamp(0.41, 0.94);
    Load {
        util,
        tensor: (0.26 + 0.14 * unit(all ^ 1) + 0.10 * (util - 0.6) + 0.03 * luck).clamp(0.21, 0.49),
        dram: (0.38 + 0.24 * unit(all ^ 2) + 0.15 * (util - 0.6)).clamp(0.2, 0.8),
        memory: 0.82 + 0.09 * unit(all ^ 3) + 0.02 * unit(own ^ 3),
        link: 0.07 + 0.03 * luck,
        warm: 1.0,
    }
}

fn trains(stage: &Stage, own: u64, job: u64) -> Load {
    let now = stage.now;
    let (pace, luck) = (wave(job, now, 30_000), wave(own, now, 15_000));
    Load {
        util: (0.98 + 0.01 * pace + 0.008 * luck).clamp(0.955, 1.0),
        tensor: (0.555 + 0.04 * unit(job ^ 1) + 0.03 * pace + 0.01 * luck).clamp(0.505, 0.645),
        dram: 0.48 + 0.06 * pace,
        memory: 0.80 + 0.12 * unit(job ^ 2),
        link: 0.24 + 0.06 * pace,
        warm: 1.0,
    }
}

/// Is this a release that the story takes back?
fn is_bad(stage: &Stage, service: usize, version: u32) -> bool {
    let service = &stage.cast().services[service];
    let taken_back = |cue: &Cue| matches!(cue, Cue::Roll(name, Release::Stable, _) if *name == service.name);
    version != service.version && stage.cast().plot.iter().any(|(_, cue)| taken_back(cue))
}

/// A release whose kernels stall: it looks busier than ever and gets less done.
fn soured(load: Load, how_far: f32) -> Load {
    Load {
        util: between(load.util, 0.97, how_far),
        tensor: load.tensor * (1.0 - 0.6 * how_far),
        dram: between(load.dram, 0.86, how_far),
        ..load
    }
}
