//! What the serving engines of a cluster's pods say of themselves: more requests make them slower, and a bad release makes
//! them fail.

use super::{
    load,
    noise::{unit, wave},
};
use crate::{
    agenda::PodNo,
    dice::mix,
    stage::{Player, Role, Stage},
};
use pilothouse_wire::{Reading, ServingEngine, ServingMetric, SmolStr};
use pilothouse_world::fact::{NodeFact, ServingFact, ServingPodFact};
use std::time::Duration;

/// How often engines are scraped.
pub(super) const INTERVAL: Duration = Duration::from_secs(15);

/// Services that run an engine which tells of itself. Those with another ending, such as `-next`, run the same.
const ENGINES: &[(&str, ServingEngine)] = &[
    ("chat-70b", ServingEngine::Vllm),
    ("chat-405b", ServingEngine::Sglang),
    ("code-34b", ServingEngine::Vllm),
    ("vision-8b", ServingEngine::Vllm),
    ("planner-32b", ServingEngine::Sglang),
    ("guard-8b", ServingEngine::Tgi),
    ("embed-e5", ServingEngine::Triton),
    ("rerank", ServingEngine::Triton),
];

/// What engines of a kind say.
fn says(engine: ServingEngine, metric: ServingMetric) -> bool {
    use ServingMetric::*;
    match engine {
        ServingEngine::Triton => matches!(metric, Waiting | Failed | Done | WholeMean | QueueMean),
        ServingEngine::Tgi => matches!(
            metric,
            Running
                | Waiting
                | Generated
                | Prompt
                | OutputTokenP99
                | Failed
                | Done
                | WholeP99
                | WholeMean
                | QueueMean
                | CacheTokens
        ),
        ServingEngine::Sglang => !matches!(metric, Failed | OutputTokenP99 | Blocks | BlockTokens),
        _ => metric != CacheTokens,
    }
}

/// All engines that run, as one scrape has them. Those of a node that is not heard are not.
pub(super) fn said(stage: &Stage) -> ServingFact {
    let mut fact = ServingFact {
        interval_ms: u64::try_from(INTERVAL.as_millis()).unwrap_or(15_000),
        columns: ServingMetric::ALL.iter().map(|metric| (*metric, Vec::new())).collect(),
        ..ServingFact::default()
    };
    for (no, player) in &stage.players {
        let Some(engine) = engine(stage, player).filter(|_| load::is_ready(&player.fact)) else { continue };
        let node = player.fact.node.as_ref().and_then(|node| stage.nodes.get(node));
        let heard = node.is_some_and(NodeFact::is_ready);
        fact.pods.push(ServingPodFact {
            namespace: player.fact.namespace.clone(),
            pod: player.fact.name.clone(),
            engine,
            models: service(stage, player).map(SmolStr::new_static).into_iter().collect(),
        });
        fact.at.push(heard.then_some(stage.now));
        let now = heard.then(|| Now::of(stage, *no, player));
        for (metric, column) in &mut fact.columns {
            let value = now.as_ref().filter(|_| says(engine, *metric)).map(|now| now.read(*metric));
            column.push(value.map_or(Reading::ABSENT, Reading::of));
        }
    }
    fact
}

fn service(stage: &Stage, player: &Player) -> Option<&'static str> {
    match player.role {
        Role::Service { service, .. } => Some(stage.cast().services[service].name),
        Role::Job { .. } | Role::Daemon => None,
    }
}

fn engine(stage: &Stage, player: &Player) -> Option<ServingEngine> {
    engine_of(service(stage, player)?)
}

/// The engine of a service.
pub(crate) fn engine_of(name: &str) -> Option<ServingEngine> {
    let is = |known: &str| name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest == "-next");
    ENGINES.iter().find(|(known, _)| is(known)).map(|(_, engine)| *engine)
}

/// How one engine is at a moment.
struct Now {
    /// Share of what it can do that is asked of it.
    busy: f32,
    /// How far a bad release has soured it.
    sour: f32,
    running: f32,
    waiting: f32,
    kv: f32,
    /// GPUs that it runs on.
    gpus: f32,
}

impl Now {
    fn of(stage: &Stage, no: PodNo, player: &Player) -> Self {
        let own = mix(stage.seed ^ (u64::from(no) << 20));
        let (busy, sour) = (load::of_pod(stage, no, player).util, load::sourness(stage, player));
        let luck = wave(own, stage.now, 30_000);
        let gpus = player.fact.gpus.iter().map(|(_, n)| *n as f32).sum::<f32>().max(1.0);
        let full = ((busy - 0.85) / 0.1).clamp(0.0, 1.0);
        Self {
            busy,
            sour,
            running: (busy * (36.0 + 28.0 * unit(own)) + 3.0 * luck).max(0.0).round(),
            waiting: (full * 9.0 * (1.0 + luck) + sour * 42.0).max(0.0).round(),
            kv: (0.08 + 0.78 * busy + 0.06 * luck + 0.2 * sour).clamp(0.0, 0.995),
            gpus,
        }
    }

    fn read(&self, metric: ServingMetric) -> f32 {
        let slow = 1.0 + 2.5 * self.sour;
        let first = (0.07 + 0.16 * self.busy.powi(3) + 0.02 * self.waiting) * slow;
        let whole = first + 240.0 * (0.012 + 0.01 * self.busy) * slow;
        match metric {
            ServingMetric::Running => self.running,
            ServingMetric::Waiting => self.waiting,
            ServingMetric::KvUse => self.kv,
            ServingMetric::Generated => self.running * (24.0 + 2.0 * self.gpus) / slow,
            ServingMetric::Prompt => self.running * (96.0 + 6.0 * self.gpus) / slow,
            ServingMetric::FirstTokenMedian => first,
            ServingMetric::FirstTokenMean => 1.3 * first,
            ServingMetric::FirstTokenP99 => 4.2 * first,
            ServingMetric::InterTokenP99 => (0.024 + 0.03 * self.busy) * slow,
            ServingMetric::OutputTokenP99 => (0.019 + 0.02 * self.busy) * slow,
            ServingMetric::Failed => 0.6 * self.sour,
            ServingMetric::Preemptions => ((self.kv - 0.92) * 6.0).max(0.0),
            ServingMetric::Done => self.running / whole * (1.0 - 0.5 * self.sour),
            ServingMetric::WholeP99 => 3.1 * whole,
            ServingMetric::WholeMean => whole,
            ServingMetric::QueueMean => 0.3 * first + 0.02 * self.waiting,
            ServingMetric::PrefixHits => 0.34 + 0.2 * self.busy,
            ServingMetric::Blocks => 27_464.0 * self.gpus,
            ServingMetric::BlockTokens => 16.0,
            ServingMetric::CacheTokens => 439_424.0 * self.gpus,
        }
    }
}
