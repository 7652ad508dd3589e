//! One service in full: its steps, its revisions side by side with their pods, and what was measured.

use super::{
    Analyses, count, row, served, service,
    shares::{Applications, Traffic},
};
use crate::{
    World,
    delivery::{self, Delivery, Moment},
    fact::{AnalysisFact, DeliveryFact, RevisionFact, SizeFact, StrategyFact},
    project::{object::events, serving::Engines},
    source::{Pod, Source, WorkloadKey},
};
use pilothouse_wire::{
    ConnectionId, ObjectRef, PodId, SmolStr, Stamp,
    view::{
        AnalysisRow, DeliveryPhase, Mark, Occasion, RolloutView, Status, Step,
        delivery::{
            AnalysisVerdict, ExperimentRow, PodOf, RevisionRow, Role, ServedMode, StepRow, StepState, WeightPoint,
        },
    },
};
use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
    time::Duration,
};

/// Revisions that are shown.
const MOST_REVISIONS: usize = 20;
/// Pods of a revision that are shown one by one.
const MOST_PODS: usize = 50;
/// Analyses that are shown.
const MOST_ANALYSES: usize = 20;
/// Changes that are shown, of the last day.
const MOST_CHANGES: usize = 50;
const DAY: Duration = Duration::from_secs(86_400);

/// One service in full; `None` if nothing is known of it.
#[must_use]
pub fn rollout(world: &World, object: &ObjectRef, now: Stamp) -> Option<RolloutView> {
    let ObjectRef::Workload(id, namespace, kind, name) = object else { return None };
    let source = world.source(id)?;
    let key: WorkloadKey = (kind.clone(), namespace.clone(), name.clone());
    let (_, delivery) = service(source, &key)?;
    let by_service = Analyses::of_namespace(source, namespace);
    let analyses = by_service.of_service(&key);
    let shown: Vec<AnalysisRow> =
        analyses.iter().take(MOST_ANALYSES).map(|fact| analysis(source, &key, fact)).collect();
    let mut revisions = revisions(object, source, &key, (&*source.service(&key)?, &Engines::of(world)));
    let left_out = revisions.len().saturating_sub(MOST_REVISIONS);
    revisions.truncate(MOST_REVISIONS);
    let row = Traffic::of(id, source).beside(&Applications::of(world), id, row(id, source, &key, &by_service)?);
    // What keeps it out of a repository changes it.
    let application = row.kept.as_ref().map(|kept| kept.application.clone());
    let is_of_it = |mark: &&Mark| mark.key.object == *object || Some(&mark.key.object) == application.as_ref();
    Some(RolloutView {
        steps: steps(delivery, row.revision, &shown, now),
        row,
        left: delivery::left(delivery, now),
        revisions,
        revisions_left_out: count(left_out),
        analyses_left_out: count(analyses.len().saturating_sub(shown.len())),
        analyses: shown,
        experiments: experiments(source, &key, object),
        weights: weights(&delivery.moments),
        events: events(source, Some((kind.clone(), Some(namespace.clone()), name.clone()))),
        changes: world.marks_since(now.minus(DAY)).filter(is_of_it).take(MOST_CHANGES).cloned().collect(),
        served: served::row(&delivery.fact).map(Box::new),
    })
}

fn analysis(source: &Source, key: &WorkloadKey, fact: &AnalysisFact) -> AnalysisRow {
    let revision = super::revision(source, key, fact.hash.as_ref()).map(|revision| revision.number);
    delivery::verdict::analysis(fact, revision)
}

fn experiments(source: &Source, (_, namespace, name): &WorkloadKey, owner: &ObjectRef) -> Vec<ExperimentRow> {
    let is_of_it =
        |of: &Option<crate::fact::OwnerFact>| of.as_ref().is_some_and(|of| of.kind == "Rollout" && of.name == *name);
    let all = source.delivery.experiments.values();
    let mut rows: Vec<ExperimentRow> = all
        .filter(|fact| fact.namespace == *namespace && is_of_it(&fact.owner))
        .map(|fact| ExperimentRow {
            name: fact.name.clone(),
            phase: fact.phase,
            message: fact.message.clone(),
            created: fact.created,
            available: fact.available,
            templates: fact.templates.clone(),
            owner: owner.clone(),
        })
        .collect();
    rows.sort_by(|a, b| (b.created, &b.name).cmp(&(a.created, &a.name)));
    rows.truncate(MOST_ANALYSES);
    rows
}

/// The split from which time on; moments in which it stayed are one.
fn weights(moments: &[Moment]) -> Vec<WeightPoint> {
    let mut points: Vec<WeightPoint> = Vec::new();
    for moment in moments.iter().filter(|moment| moment.split.actual.is_some() || moment.split.wanted.is_some()) {
        if points.last().is_none_or(|last| last.split != moment.split) {
            points.push(WeightPoint { at: moment.at, split: moment.split });
        }
    }
    points
}

/// What was seen of the attempt at the present revision that is under way, or that was stopped last.
struct Attempt {
    /// When each of its steps was come to.
    reached: BTreeMap<u32, Stamp>,
    /// When it was stopped.
    stopped: Option<Stamp>,
}

impl Attempt {
    fn of(delivery: &Delivery, aborted: bool) -> Self {
        let of_it = delivery.moments.iter().rev().take_while(|moment| moment.hash == delivery.fact.current);
        let of_it: Vec<&Moment> = of_it.collect();
        // Who stops it sets its step back to the first.
        let is_stopped =
            |moment: &&&Moment| moment.phase == DeliveryPhase::Degraded && moment.step.is_none_or(|step| step == 0);
        let after = if aborted { of_it.iter().take_while(is_stopped).count() } else { 0 };
        let (after, before) = of_it.split_at(after);
        let mut reached = BTreeMap::new();
        let mut next = u32::MAX;
        for moment in before {
            let Some(step) = moment.step else { continue };
            // A later step before an earlier one was of an attempt before.
            if step > next {
                break;
            }
            next = step;
            reached.insert(step, moment.at);
        }
        Self { reached, stopped: after.last().map(|moment| moment.at) }
    }

    /// The last step that was come to, by what was seen of it and by analyses that ran there.
    fn last<'a>(&self, at: u32, analyses: impl Iterator<Item = &'a AnalysisRow>) -> Option<u32> {
        let begun = self.reached.values().min();
        let is_of_it = |run: &&AnalysisRow| begun.zip(run.started).is_none_or(|(begun, started)| started >= *begun);
        let measured = analyses.filter(is_of_it).filter_map(|run| run.step).max();
        self.reached.keys().max().copied().max(measured).max((at > 0).then_some(at))
    }
}

fn steps(delivery: &Delivery, revision: Option<u64>, analyses: &[AnalysisRow], now: Stamp) -> Vec<StepRow> {
    let fact = &delivery.fact;
    let Some(at) = delivery::step(fact) else { return Vec::new() };
    let aborted = fact.rollout.as_ref().is_some_and(|rollout| rollout.aborted);
    let attempt = Attempt::of(delivery, aborted);
    let reached = &attempt.reached;
    let of_steps = |run: &&AnalysisRow| {
        run.occasion == Occasion::Step && (run.revision.is_none() || revision.is_none() || run.revision == revision)
    };
    let last = if aborted { attempt.last(at, analyses.iter().filter(of_steps)) } else { None };
    // Of what is fully promoted all is behind it, whether it was seen or skipped.
    let whole = delivery::whole(fact);
    let phase = delivery.moments.last().map(|moment| moment.phase);
    let row = |(place, step): (u32, &Step)| {
        let stopped_here = last == Some(place);
        let state = match (place.cmp(&at), last) {
            (Ordering::Less, _) if !aborted => StepState::Done,
            (Ordering::Equal, _) if !aborted => StepState::Now,
            (Ordering::Greater, _) if !aborted => StepState::ToCome,
            (_, Some(last)) if place <= last => StepState::Done,
            (_, Some(_)) => StepState::NotReached,
            (_, None) => StepState::Unknown,
        };
        let stopped = attempt.stopped.filter(|_| stopped_here);
        let (since, until) = (reached.get(&place).copied(), reached.get(&place.saturating_add(1)).copied().or(stopped));
        let ran_here = |run: &&AnalysisRow| run.step == Some(place) && matches!(step, Step::Analysis(_));
        let measured = analyses.iter().filter(of_steps).find(ran_here);
        let status = match (measured, state) {
            (Some(run), _) => run.verdict.status(),
            (None, StepState::Done) if stopped_here => Status::Warn,
            (None, StepState::Done) => Status::Good,
            (None, StepState::Now) => phase.map_or(Status::Progress, |phase| phase.status()),
            (None, StepState::ToCome | StepState::NotReached | StepState::Unknown) => Status::Unknown,
        };
        let result = match (measured, state, step) {
            (Some(run), ..) => Some(measured_words(run)),
            (None, StepState::Done, _) if stopped_here => {
                let after = until.zip(since).map(|(until, since)| pilothouse_wire::units::span(until.since(since)));
                Some(after.map_or_else(|| "stopped here".to_owned(), |after| format!("stopped here after {after}")))
            }
            (None, StepState::Done, Step::Pause(_)) => {
                let held = until.zip(since).map(|(until, since)| until.since(since));
                held.map(|held| format!("held {}", pilothouse_wire::units::span(held)))
            }
            (None, StepState::Now, Step::Pause(_)) => {
                let since = fact.rollout.as_ref().and_then(|rollout| rollout.pauses.first()).and_then(|pause| pause.1);
                since
                    .or(reached.get(&place).copied())
                    .map(|since| format!("since {}", pilothouse_wire::units::span(now.since(since))))
            }
            (None, StepState::NotReached, _) => Some("not reached".to_owned()),
            (None, StepState::Unknown, _) => Some("not known whether it was reached".to_owned()),
            _ => None,
        };
        StepRow { step: step.clone(), words: step.words(whole), state, status, since, until, result }
    };
    (0..).zip(delivery::steps(fact)).map(row).collect()
}

fn measured_words(run: &AnalysisRow) -> String {
    let of = |verdict: AnalysisVerdict| run.metrics.iter().filter(|metric| metric.verdict == verdict).count();
    let all = [AnalysisVerdict::Failed, AnalysisVerdict::Error, AnalysisVerdict::Inconclusive, AnalysisVerdict::NoData];
    let bad: Vec<String> = all
        .into_iter()
        .filter(|verdict| of(*verdict) > 0)
        .map(|verdict| format!("{} {}", of(verdict), verdict.word().to_lowercase()))
        .collect();
    if bad.is_empty() {
        format!("{} of {} passed", of(AnalysisVerdict::Passed), run.metrics.len())
    } else {
        bad.join(", ")
    }
}

fn role(fact: &DeliveryFact, hash: &SmolStr) -> Role {
    let is = |of: &Option<SmolStr>| of.as_ref() == Some(hash);
    let (active, preview) = match &fact.rollout {
        Some(rollout) => (rollout.active.as_ref() == Some(hash), rollout.preview.as_ref() == Some(hash)),
        None => (false, false),
    };
    match &fact.strategy {
        StrategyFact::BlueGreen { .. } if active => Role::Active,
        StrategyFact::BlueGreen { .. } if preview => Role::Preview,
        _ if is(&fact.current) && is(&fact.stable) => Role::Stable,
        StrategyFact::Canary { .. } if is(&fact.current) => Role::Canary,
        StrategyFact::Served(served) if served.mode == ServedMode::Knative && is(&fact.current) => Role::Canary,
        _ if is(&fact.stable) => Role::Stable,
        _ if is(&fact.current) => Role::Current,
        _ => Role::Old,
    }
}

fn revisions(
    object: &ObjectRef,
    source: &Source,
    key: &WorkloadKey,
    (fact, engines): (&DeliveryFact, &Engines<'_>),
) -> Vec<RevisionRow> {
    let split = delivery::split(fact, &source.sizes_of(key));
    let canaries = delivery::canaries(fact);
    let coming = canaries.map(|canaries| source.coming(key, canaries)).unwrap_or_default();
    let all = source.revisions.get(key).into_iter().flat_map(BTreeMap::values);
    let mut rows: Vec<RevisionRow> = all
        .map(|revision| {
            let size = source.delivery.sizes.get(&(key.1.clone(), revision.name.clone()));
            let hash = size.map_or(&revision.name, |size| &size.hash);
            let canary = coming.iter().find(|(of, _)| of == hash).map(|(_, canary)| *canary);
            let role = if canary.is_some() { Role::Canary } else { role(fact, hash) };
            let share = |of_newest: Option<u32>| match role {
                Role::Canary if canary.is_some() => of_newest.and(canary.map(|canary| canary.percent)),
                Role::Canary | Role::Preview | Role::Current => of_newest,
                // All of it, where there is no other that comes.
                Role::Stable | Role::Active if fact.current.as_ref() == Some(hash) => of_newest,
                Role::Stable | Role::Active => of_newest.map(|share| split.whole.saturating_sub(share)),
                Role::Old => None,
            };
            let pods = pods(source, key, revision, fact);
            let id = object.connection();
            let of_deployment = canaries.and_then(|of| of.of_deployment(delivery::deployment_of(&revision.name)));
            RevisionRow {
                part: of_deployment.map(|canary| canary.name.clone()),
                weight_wanted: share(split.wanted),
                weight_actual: share(split.actual),
                serving: engines.together(object, pods.iter().map(|pod| pod_id(id, pod))),
                ..shown(id, source, revision, (size, size.map(|size| size.hash.clone())), role, &pods)
            }
        })
        .collect();
    // Those that a router knows and nobody keeps a set of, or whose sets may not be read.
    for name in delivery::served(fact).into_iter().flat_map(served::routed) {
        if rows.iter().all(|row| row.hash.as_ref() != Some(name)) {
            let role = role(fact, name);
            let share = |of_newest: Option<u32>| match role {
                Role::Old => None,
                _ if fact.current.as_ref() == Some(name) => of_newest,
                _ => of_newest.map(|share| split.whole.saturating_sub(share)),
            };
            let (wanted, actual) = (share(split.wanted), share(split.actual));
            rows.push(served::revision(name, role, (wanted, actual)));
        }
    }
    let has_part = |row: &RevisionRow| row.role != Role::Old || row.wanted.is_some_and(|wanted| wanted > 0);
    rows.sort_by_key(|row| (Reverse(has_part(row)), Reverse(row.number), row.name.clone()));
    rows
}

/// Its pods: those of its ReplicaSet. Of a workload without such sets pods do not say which revision they are of.
fn pods<'a>(source: &'a Source, key: &WorkloadKey, revision: &RevisionFact, fact: &DeliveryFact) -> Vec<&'a Pod> {
    let is_of_it = |pod: &&Pod| pod.fact.owners.first().is_some_and(|owner| owner.name == revision.name);
    let all = super::pods(source, key);
    let only = fact.current == fact.stable && fact.current.as_ref() == Some(&revision.name);
    if only { all } else { all.into_iter().filter(is_of_it).collect() }
}

fn pod_id(cluster: &ConnectionId, pod: &Pod) -> PodId {
    PodId { cluster: cluster.clone(), namespace: pod.fact.namespace.clone(), name: pod.fact.name.clone() }
}

fn shown(
    id: &ConnectionId,
    source: &Source,
    revision: &RevisionFact,
    (size, hash): (Option<&SizeFact>, Option<SmolStr>),
    role: Role,
    pods: &[&Pod],
) -> RevisionRow {
    let mut rows: Vec<PodOf> = pods
        .iter()
        .map(|pod| {
            let (status, status_word) = pod.fact.status();
            PodOf {
                id: pod_id(id, pod),
                status,
                status_word,
                node: pod.fact.node.clone(),
                gpus: source.gpus_of(&pod.fact),
                restarts: pod.fact.restarts(),
            }
        })
        .collect();
    rows.sort_by(|a, b| (a.status, &a.id).cmp(&(b.status, &b.id)));
    let (gpus, restarts) = rows.iter().fold((0_u64, 0_u32), |(gpus, restarts), pod| {
        (gpus.saturating_add(pod.gpus), restarts.saturating_add(pod.restarts))
    });
    let left_out = rows.len().saturating_sub(MOST_PODS);
    rows.truncate(MOST_PODS);
    RevisionRow {
        number: revision.number,
        part: None,
        name: revision.name.clone(),
        hash,
        role,
        created: revision.created,
        images: revision.images.clone(),
        wanted: size.map(|size| size.wanted),
        ready: size.map(|size| size.ready),
        available: size.map(|size| size.available),
        weight_wanted: None,
        weight_actual: None,
        gpus,
        restarts,
        pods: rows,
        pods_left_out: count(left_out),
        goes_at: size.and_then(|size| size.goes_at),
        serving: None,
    }
}
