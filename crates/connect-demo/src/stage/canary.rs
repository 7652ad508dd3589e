//! Services that a Rollout keeps: their steps, how traffic is split, their revisions, and what is measured on the way.

use super::{Role, Stage};
use crate::{
    agenda::PodNo,
    dice::hash,
    fleet::{Keeper, Service},
    names,
    plot::Release,
};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{
        AnalysisPhase, Guard, MeasurementRow, Occasion, Step, delivery::Keeper as RepositoryKeeper, delivery::Wait,
    },
};
use pilothouse_world::{
    Fact,
    fact::{
        AnalysisFact, ControllerFact, CountsFact, DeliveryFact, MetricFact, OwnerFact, PodsFact, RevisionFact,
        RolloutFact, SizeFact, StrategyFact,
    },
};
use std::{collections::BTreeMap, time::Duration};

/// Between two measurements, and how many of them an analysis makes.
const EVERY: Duration = Duration::from_secs(10);
const MEASUREMENTS: u64 = 5;
/// So many measurements may fail.
const MAY_FAIL: i64 = 2;
/// Revisions and analyses that are kept of a service.
const MOST_REVISIONS: usize = 4;
const MOST_RUNS: usize = 6;
/// How long the first step waits.
const PAUSE_MS: u64 = 60_000;
const TEMPLATE: &str = "slo";

/// What is measured: name, query, condition, the usual value, and the one of a bad version.
const METRICS: [(&str, &str, &str, f64, f64); 2] = [
    (
        "ttft-p99",
        "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{revision=\"canary\"}[1m])))",
        "result[0] <= 0.8",
        0.61,
        1.31,
    ),
    (
        "error-rate",
        "sum(rate(http_requests_total{code=~\"5..\",revision=\"canary\"}[1m])) / sum(rate(http_requests_total{revision=\"canary\"}[1m]))",
        "result[0] < 0.01",
        0.002,
        0.004,
    ),
];

/// How far a service is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Canary {
    /// The version that is wanted, and the one that is gone back to.
    wanted: u32,
    stable: u32,
    /// The share of pods that the wanted version is to have, in percent.
    share: usize,
    /// Since when.
    since: Stamp,
    aborted: bool,
    /// The numbers of its revisions, by version.
    numbers: BTreeMap<u32, u64>,
    runs: Vec<Run>,
}

/// An analysis.
#[derive(Clone, Debug)]
struct Run {
    version: u32,
    step: u32,
    begun: Stamp,
    bad: bool,
}

/// The pods of a service by version: all, and those that are ready.
pub(super) type Versions = BTreeMap<u32, (u64, u64)>;

fn steps() -> Vec<Step> {
    let analysis = || Step::Analysis(vec![TEMPLATE.into()]);
    vec![Step::Weight(5), Step::Pause(Wait::For(PAUSE_MS)), Step::Weight(25), analysis(), Step::Weight(50), analysis()]
}

/// The step at which a share is held, from 0; behind the last with all.
fn step_of(share: usize) -> u32 {
    match share {
        0..=5 => 1,
        6..=25 => 3,
        26..=99 => 5,
        _ => 6,
    }
}

impl Canary {
    /// One that has rested on a version for long.
    fn resting(version: u32, since: Stamp) -> Self {
        // The set of the version before is kept, with no pods.
        let numbers = [version.saturating_sub(1), version].map(|version| (version, u64::from(version))).into();
        Self { wanted: version, stable: version, share: 100, since, aborted: false, numbers, runs: Vec::new() }
    }

    fn number(&self, version: u32) -> u64 {
        self.numbers.get(&version).copied().unwrap_or_else(|| u64::from(version))
    }

    /// Another version, or another share of the same.
    fn go(&mut self, version: u32, release: Release, share: usize, now: Stamp) {
        if version != self.wanted || self.aborted {
            let last = self.numbers.values().max().copied().unwrap_or(0);
            self.numbers.insert(version, last + 1);
            while self.numbers.len() > MOST_REVISIONS
                && let Some(oldest) =
                    self.numbers.iter().min_by_key(|(_, number)| **number).map(|(version, _)| *version)
            {
                self.numbers.remove(&oldest);
            }
        }
        (self.wanted, self.share, self.since, self.aborted) = (version, share, now, false);
        let step = step_of(share);
        if release == Release::Candidate && matches!(step, 3 | 5) {
            self.runs.push(Run { version, step, begun: now, bad: false });
            self.runs.drain(..self.runs.len().saturating_sub(MOST_RUNS));
        }
    }

    /// Is everything of the wanted version, and ready? Then it is the one to go back to.
    fn settle(&mut self, versions: &Versions) {
        let rests = versions.iter().all(|(version, (all, ready))| *version == self.wanted && all == ready);
        if rests {
            self.stable = self.wanted;
        }
    }
}

impl Run {
    /// Measurements that were made by then.
    fn made(&self, now: Stamp) -> u64 {
        let by_time = now.since(self.begun).as_millis() / EVERY.as_millis().max(1);
        let most = if self.bad { MAY_FAIL.unsigned_abs() + 2 } else { MEASUREMENTS };
        u64::try_from(by_time).unwrap_or(u64::MAX).min(most)
    }

    fn is_over(&self, now: Stamp) -> bool {
        self.made(now) >= if self.bad { MAY_FAIL.unsigned_abs() + 2 } else { MEASUREMENTS }
    }
}

impl Stage {
    /// The service gets its first state, where a Rollout keeps it.
    pub(super) fn rest(&self, service: &Service) -> Option<Canary> {
        let weeks = Duration::from_secs(9 * 86_400);
        (service.keeper == Keeper::Rollout).then(|| Canary::resting(service.version, self.now.minus(weeks)))
    }

    /// A candidate failed its analysis a while ago, and nobody has taken it back yet.
    pub(crate) fn had_failed(&mut self, name: &str, ago: Duration) {
        let begun = self.now.minus(ago);
        let Some(at) = self.cast().services.iter().position(|service| service.name == name) else { return };
        let Some(canary) = self.canaries.get_mut(at).and_then(Option::as_mut) else { return };
        let version = canary.wanted + 1;
        canary.go(version, Release::Stable, 25, begun);
        canary.runs.push(Run { version, step: step_of(25), begun, bad: true });
        canary.aborted = true;
    }

    /// The share of a service's pods that are to be of a version has changed.
    pub(super) fn steps_on(&mut self, service: usize, version: u32, release: Release, share: usize) {
        let now = self.now;
        if let Some(canary) = self.canaries.get_mut(service).and_then(Option::as_mut) {
            canary.go(version, release, share, now);
        }
    }

    /// A pod became ready: if it is the last of its service's wanted version, that is the one to go back to from now on.
    pub(super) fn settle(&mut self, no: PodNo) {
        let Some(Role::Service { service, .. }) = self.players.get(&no).map(|player| player.role) else { return };
        let goes = |canary: &&Canary| canary.share >= 100 && canary.wanted != canary.stable;
        if self.canaries[service].as_ref().filter(goes).is_none() {
            return;
        }
        let (_, versions) = self.counted();
        if let Some(canary) = &mut self.canaries[service] {
            canary.settle(&versions[service]);
        }
    }

    /// What a Rollout, its sets and its analyses would say: the first is the Rollout itself.
    pub(super) fn rollout(&self, service: &Service, canary: &Canary, versions: &Versions) -> Vec<Fact> {
        let mut all = vec![self.rollout_fact(service, canary, versions)];
        all.extend(canary.numbers.iter().map(|(version, number)| {
            let (all, ready) = versions.get(version).copied().unwrap_or_default();
            revision(("Rollout", service), *version, *number, (all, ready), self.now)
        }));
        all.extend(canary.runs.iter().map(|run| self.analysis(service, canary, run)));
        all
    }

    fn rollout_fact(&self, service: &Service, canary: &Canary, versions: &Versions) -> Fact {
        let total: (u64, u64) = versions.values().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        let (updated, updated_ready) = versions.get(&canary.wanted).copied().unwrap_or_default();
        let wanted = (total.0 * canary.share as u64).div_ceil(100);
        let step = step_of(canary.share);
        let whole = canary.wanted == canary.stable;
        let (phase, message) = match () {
            () if canary.aborted => {
                let number = canary.number(canary.wanted);
                let why = failed_words(METRICS[0].0, MAY_FAIL + 1);
                ("Degraded", format!("RolloutAborted: Rollout aborted update to revision {number}: {why}"))
            }
            () if !whole && updated < wanted => ("Progressing", "more replicas need to be updated".to_owned()),
            () if updated_ready < updated => {
                ("Progressing", "updated replicas are still becoming available".to_owned())
            }
            () if step == 1 => ("Paused", "CanaryPauseStep".to_owned()),
            () if !whole && canary.share < 100 => ("Progressing", "waiting for all steps to complete".to_owned()),
            () if !whole => ("Progressing", "old replicas are pending termination".to_owned()),
            () if total.1 < total.0 => ("Progressing", "more replicas need to be updated".to_owned()),
            () => ("Healthy", String::new()),
        };
        let paused = phase == "Paused";
        let rollout = RolloutFact {
            phase: Some(phase.into()),
            message: Some(message).filter(|message| !message.is_empty()),
            step: Some(if canary.aborted { 0 } else { step }),
            aborted: canary.aborted,
            controller_pauses: paused,
            pauses: if paused { vec![("CanaryPauseStep".into(), Some(canary.since))] } else { Vec::new() },
            weight: Some(if canary.aborted || whole { 0 } else { u32::try_from(canary.share).unwrap_or(100) }),
            ..RolloutFact::default()
        };
        let hash = |version| Some(names::template_hash(service.name, version));
        let delivery = DeliveryFact {
            strategy: StrategyFact::Canary { steps: steps(), router: Some("istio".into()), whole: 100 },
            generation: 1,
            observed: Some(1),
            pods: PodsFact { all: total.0, updated, ready: total.1, available: total.1 },
            current: hash(canary.wanted),
            stable: hash(canary.stable),
            images: images(service, canary.wanted),
            guard: Some(Guard { by: RepositoryKeeper::ArgoCd, name: service.namespace.into() }),
            rollout: Some(Box::new(rollout)),
            ..DeliveryFact::default()
        };
        let controller = ControllerFact {
            kind: "Rollout".into(),
            namespace: service.namespace.into(),
            name: service.name.into(),
            replicas: Some(total.0),
            ..ControllerFact::default()
        };
        Fact::Delivered(Box::new(controller), Box::new(delivery))
    }

    fn analysis(&self, service: &Service, canary: &Canary, run: &Run) -> Fact {
        let number = canary.number(run.version);
        let name =
            format!("{}-{}-{number}-{}", service.name, names::template_hash(service.name, run.version), run.step);
        let (made, over) = (run.made(self.now), run.is_over(self.now));
        let metrics: Vec<MetricFact> =
            METRICS.iter().map(|metric| self.metric(&name, metric, run, made, over)).collect();
        let failed = metrics.iter().find(|metric| metric.phase == AnalysisPhase::Failed);
        let message = failed.map(|metric| failed_words(&metric.name, MAY_FAIL + 1));
        let phase = match (over, failed.is_some()) {
            (_, true) => AnalysisPhase::Failed,
            (true, false) => AnalysisPhase::Successful,
            (false, false) => AnalysisPhase::Running,
        };
        Fact::Analysis(Box::new(AnalysisFact {
            namespace: service.namespace.into(),
            name: name.into(),
            owner: Some(OwnerFact { kind: "Rollout".into(), name: service.name.into() }),
            created: Some(run.begun),
            hash: Some(names::template_hash(service.name, run.version)),
            occasion: Occasion::Step,
            step: Some(run.step),
            phase,
            message,
            started: Some(run.begun),
            ended: over.then(|| run.begun.plus(EVERY * u32::try_from(made).unwrap_or(1))),
            metrics,
            ..AnalysisFact::default()
        }))
    }

    fn metric(
        &self,
        of: &str,
        (name, query, success, usual, bad): &(&str, &str, &str, f64, f64),
        run: &Run,
        made: u64,
        over: bool,
    ) -> MetricFact {
        let limit = if name.starts_with("ttft") { 0.8 } else { 0.01 };
        let measured = |n: u64| {
            // Up and down by a tenth: the same for the same run.
            let noise = (hash(self.seed.wrapping_add(n), &format!("{of}/{name}")) % 2_000) as f64 / 10_000.0 - 0.1;
            let around = if run.bad && n > 0 { *bad } else { *usual };
            let value = around * (1.0 + noise);
            let at = run.begun.plus(EVERY * u32::try_from(n + 1).unwrap_or(1));
            let phase = if value <= limit { AnalysisPhase::Successful } else { AnalysisPhase::Failed };
            MeasurementRow {
                phase,
                value: Some(format!("[{value:.3}]")),
                started: Some(at),
                finished: Some(at),
                message: None,
            }
        };
        let measurements: Vec<MeasurementRow> = (0..made).map(measured).collect();
        let failed = measurements.iter().filter(|one| one.phase == AnalysisPhase::Failed).count() as u64;
        let passed = measurements.len() as u64 - failed;
        let has_failed = failed > MAY_FAIL.unsigned_abs();
        MetricFact {
            name: (*name).into(),
            provider: Some("prometheus".into()),
            query: Some((*query).to_owned()),
            success: Some((*success).to_owned()),
            most_failed: MAY_FAIL,
            most_errors: 4,
            wanted: Some(MEASUREMENTS),
            phase: match (has_failed, over) {
                (true, _) => AnalysisPhase::Failed,
                (false, true) => AnalysisPhase::Successful,
                (false, false) => AnalysisPhase::Running,
            },
            counted: CountsFact { passed, failed, ..CountsFact::default() },
            measurements,
            ..MetricFact::default()
        }
    }
}

/// A failure in the words of the controller.
fn failed_words(metric: &str, failed: i64) -> String {
    format!("Metric \"{metric}\" assessed Failed due to failed ({failed}) > failureLimit ({MAY_FAIL})")
}

fn images(service: &Service, version: u32) -> Vec<(SmolStr, SmolStr)> {
    vec![("server".into(), names::image(&format!("{}/{}", service.namespace, service.name), version))]
}

/// A set of a service's pods, as its controller keeps it.
pub(super) fn revision(
    (kind, service): (&'static str, &Service),
    version: u32,
    number: u64,
    (all, ready): (u64, u64),
    now: Stamp,
) -> Fact {
    let hash = names::template_hash(service.name, version);
    let size =
        SizeFact { hash: hash.clone(), wanted: all, all, ready, available: ready, gpus: service.gpus, goes_at: None };
    // What is older than the demo was made a week before for each number.
    let age = Duration::from_secs(7 * 86_400).min(now.since(Stamp(0)));
    let fact = RevisionFact {
        namespace: service.namespace.into(),
        name: format!("{}-{hash}", service.name).into(),
        owner: OwnerFact { kind: SmolStr::new_static(kind), name: service.name.into() },
        number,
        created: (version == service.version).then(|| Stamp(now.minus(age).0 / 86_400_000 * 86_400_000)),
        images: images(service, version),
    };
    Fact::SizedRevision(Box::new(fact), size)
}
