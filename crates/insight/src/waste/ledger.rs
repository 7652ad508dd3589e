//! Adds up what the rules say, a row a rule, verdict and owner.

use crate::answer::Answer;
use pilothouse_wire::{
    ObjectRef, PodId, SmolStr, Stamp,
    view::{PodRow, Verdict, Waste, WasteId, WasteItem, WasteRule, WasteTally},
};
use std::collections::{BTreeMap, BTreeSet};

/// Whose GPUs they are.
#[derive(Clone)]
pub(super) enum Owner<'a> {
    /// The pod's workload, and other pods of it that share them.
    Pod(&'a PodRow, Vec<&'a PodRow>),
    /// Nobody that is known: the object is where they are.
    Place(ObjectRef, Option<SmolStr>),
}

/// One thing that a rule says.
pub(super) struct Entry<'a> {
    pub rule: WasteRule,
    pub owner: Owner<'a>,
    pub gpus: u64,
    /// Since when; `None` where that is not known.
    pub answer: Answer<Option<Stamp>>,
    /// What it comes to, where that is not so many GPUs since then.
    pub hours: Option<f64>,
    /// Why it is so, where it is.
    pub reason: &'static str,
    pub evidence: Option<String>,
}

#[derive(Default)]
struct Sum {
    namespace: Option<SmolStr>,
    team: Option<SmolStr>,
    workload: Option<SmolStr>,
    pods: BTreeSet<PodId>,
    gpus: u64,
    since: Option<Stamp>,
    hours: Option<f64>,
    reasons: BTreeSet<&'static str>,
    evidence: BTreeSet<String>,
}

/// What was said so far.
pub(super) struct Ledger {
    now: Stamp,
    rows: BTreeMap<WasteId, Sum>,
    tallies: BTreeMap<WasteRule, WasteTally>,
}

impl Ledger {
    pub(super) fn new(now: Stamp) -> Self {
        Self { now, rows: BTreeMap::new(), tallies: BTreeMap::new() }
    }

    pub(super) fn enter(&mut self, entry: Entry<'_>) {
        let rule = entry.rule;
        let tally = self.tallies.entry(rule).or_insert(WasteTally { rule, yes: 0, no: 0, cannot_tell: 0 });
        if entry.gpus == 0 {
            return;
        }
        let (verdict, since, reason) = match entry.answer {
            Answer::No => {
                tally.no += entry.gpus;
                return;
            }
            Answer::Yes(since) => {
                tally.yes += entry.gpus;
                (Verdict::Yes, since, entry.reason)
            }
            Answer::CannotTell(why) => {
                tally.cannot_tell += entry.gpus;
                (Verdict::CannotTell, None, why)
            }
        };
        let (object, pool) = match &entry.owner {
            Owner::Pod(pod, _) => (owner_of(pod), None),
            Owner::Place(object, pool) => (object.clone(), pool.clone()),
        };
        let sum = self.rows.entry(WasteId { rule, verdict, object, pool }).or_default();
        if let Owner::Pod(pod, others) = entry.owner {
            sum.namespace = Some(pod.id.namespace.clone());
            sum.team = sum.team.take().or_else(|| pod.team.clone());
            sum.workload = pod
                .workload_kind
                .as_ref()
                .zip(pod.workload.as_ref())
                .map(|(kind, name)| format!("{kind}/{name}").into());
            sum.pods.extend(std::iter::once(pod).chain(others).map(|pod| pod.id.clone()));
        }
        sum.gpus += entry.gpus;
        if let Some(since) = since {
            sum.since = Some(sum.since.map_or(since, |earliest| earliest.min(since)));
            let spent = entry.hours.unwrap_or_else(|| hours(entry.gpus, since, self.now));
            sum.hours = Some(sum.hours.unwrap_or(0.0) + spent);
        }
        sum.reasons.insert(reason);
        sum.evidence.extend(entry.evidence);
    }

    pub(super) fn close(self) -> Waste {
        let joined = |texts: BTreeSet<String>| texts.into_iter().collect::<Vec<_>>().join(" ");
        let item = |(id, sum): (WasteId, Sum)| WasteItem {
            id,
            team: sum.team,
            namespace: sum.namespace,
            workload: sum.workload,
            pods: sum.pods.into_iter().collect(),
            gpus: sum.gpus,
            since: sum.since,
            gpu_hours: sum.hours,
            reason: sum.reasons.into_iter().collect::<Vec<_>>().join(" "),
            evidence: joined(sum.evidence),
        };
        Waste { items: self.rows.into_iter().map(item).collect(), tallies: self.tallies.into_values().collect() }
    }
}

/// The workload of a pod, or itself.
pub(super) fn owner_of(pod: &PodRow) -> ObjectRef {
    match (&pod.workload_kind, &pod.workload) {
        (Some(kind), Some(name)) => {
            ObjectRef::Workload(pod.id.cluster.clone(), pod.id.namespace.clone(), kind.clone(), name.clone())
        }
        _ => ObjectRef::Pod(pod.id.clone()),
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of GPUs stay far below 2^53")]
fn hours(gpus: u64, since: Stamp, now: Stamp) -> f64 {
    gpus as f64 * now.since(since).as_secs_f64() / 3_600.0
}
