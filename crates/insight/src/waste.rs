//! What is wasted, and whose it is: GPUs that are held and do nothing, or less than they could.

mod held_idle;
mod ledger;
mod memory;
mod not_ready;
pub(crate) mod stranded;

use crate::{
    answer::Answer,
    history::{History, Track},
    pods::{PodsOf, is_there},
    room::pool::{self, Pool},
    site::{Site, sites},
};
use ledger::{Entry, Ledger, Owner};
use not_ready::Shared;
use pilothouse_wire::{
    Metric, NodeId, ObjectRef, Reading, Stamp,
    view::{FleetView, GpuState, Method, PodRow, Waste, WasteRule},
};
use std::time::Duration;

/// The waste of a fleet. `history` must have noted the frames before this one, and this one.
#[must_use]
pub fn waste(view: &FleetView, history: &History, now: Stamp) -> Waste {
    let mut ledger = Ledger::new(now);
    for pod in view.pods.rows().iter().filter(|pod| pod.gpus > 0 && is_there(pod)) {
        ledger.enter(Entry {
            rule: WasteRule::AllocatedIdle,
            owner: Owner::Pod(pod, Vec::new()),
            gpus: alone(view, pod),
            answer: not_ready::judge(pod, now).map(Some),
            hours: None,
            reason: not_ready::REASON,
            evidence: Some(format!(
                "{}: {}, {} of {} containers ready.",
                pod.id.name, pod.status_word, pod.ready, pod.containers
            )),
        });
    }
    let pods = PodsOf::nodes(view, view.nodes.rows().iter().filter(|row| !row.gpus.is_empty()).map(|row| &row.id));
    for site in sites(view, now) {
        for slot in site.slots() {
            let shared = not_ready::judge_shared(site, slot, pods.at(&site.node.id));
            if shared.is_some_and(|shared| enter_shared(&mut ledger, site, slot, shared)) {
                continue;
            }
            enter_gpu(&mut ledger, view, &Gpu { site, slot, track: history.of(site, slot), holder: None });
        }
    }
    for pool in pool::pools(view, &pods) {
        enter_pool(&mut ledger, &pool, history, now);
    }
    ledger.close()
}

/// A GPU that is held.
pub(crate) struct Gpu<'a> {
    pub site: Site<'a>,
    pub slot: u16,
    /// What is known of it over time.
    pub track: Option<Track>,
    /// The one pod that holds the whole of it.
    pub holder: Option<&'a PodRow>,
}

impl Gpu<'_> {
    /// Has it been so for the whole window? `since` is when it began; what was before its pod is not the pod's.
    fn over_window(&self, since: Option<Stamp>, track: Track, window: Duration) -> Answer<Stamp> {
        let Some(began) = since else { return Answer::No };
        let since = began.max(self.holder.and_then(|pod| pod.started).unwrap_or(began));
        if self.site.now.since(since) >= window {
            Answer::Yes(since)
        } else if began == track.watched && since == began {
            // It was so when the watch began: how long before is not known.
            Answer::CannotTell("It has not been watched for 30 min yet.")
        } else {
            Answer::No
        }
    }
}

/// GPUs that a pod holds alone. One that it has by a claim may be shared with other pods of the claim: its cells tell.
fn alone(view: &FleetView, pod: &PodRow) -> u64 {
    let name = pod.node.clone().filter(|_| pod.requests.is_empty());
    match name.and_then(|name| view.nodes.get(&NodeId { cluster: pod.id.cluster.clone(), name })) {
        Some(row) => {
            let own = row.gpus.iter().enumerate().filter(|(_, cell)| cell.state != GpuState::Shared);
            own.filter(|(slot, _)| row.is_held_by(*slot, &pod.id)).count() as u64
        }
        None => pod.whole_gpus(),
    }
}

/// A GPU of which pods hold parts: it is one, however many of them there are. Says whether it is wasted.
fn enter_shared<'a>(ledger: &mut Ledger, site: Site<'a>, slot: u16, shared: Shared<'a>) -> bool {
    let Shared { mut pods, answer } = shared;
    let wasted = answer.is_yes();
    let names: Vec<&str> = pods.iter().map(|pod| pod.id.name.as_str()).collect();
    let evidence = wasted.then(|| format!("{} GPU {slot}: shared by {}.", site.name(), names.join(", ")));
    let first = pods.remove(0);
    let of_one = pods.iter().all(|pod| ledger::owner_of(pod) == ledger::owner_of(first));
    let owner = match of_one {
        true => Owner::Pod(first, pods),
        false => Owner::Place(ObjectRef::Node(site.node.id.clone()), None),
    };
    let (rule, reason) = (WasteRule::AllocatedIdle, not_ready::SHARED_REASON);
    ledger.enter(Entry { rule, owner, gpus: 1, answer: answer.map(Some), hours: None, reason, evidence });
    wasted
}

fn enter_gpu<'a>(ledger: &mut Ledger, view: &'a FleetView, gpu: &Gpu<'a>) {
    let (site, slot) = (gpu.site, gpu.slot);
    let Some(cell) = site.cell(slot).filter(|cell| matches!(cell.state, GpuState::Held | GpuState::Shared)) else {
        return;
    };
    let pod = cell.holder.and_then(|at| site.node.holders.get(usize::from(at))).and_then(|pod| view.pods.get(pod));
    let place = || Owner::Place(ObjectRef::Node(site.node.id.clone()), None);
    let (owner, why_not) = match (cell.state, cell.method, pod) {
        (GpuState::Shared, ..) => (place(), Some("Pods share the device: no split between them is measured.")),
        (_, Method::Contested, _) => (place(), Some("Two pods are said to hold the whole of it.")),
        (_, Method::Unattributed, _) | (.., None) => (place(), Some("Nobody says which pod holds it.")),
        (_, Method::Count, Some(pod)) => (Owner::Pod(pod, Vec::new()), Some("Nobody measures the GPUs of its node.")),
        (.., Some(pod)) => (Owner::Pod(pod, Vec::new()), None),
    };
    // A pod that is not ready is counted as that, by its own rule.
    if pod.is_some_and(|pod| not_ready::judge(pod, site.now).is_yes()) {
        return;
    }
    let gpu = Gpu { holder: pod, ..*gpu };
    let idle = why_not.map_or_else(|| held_idle::judge(&gpu), Answer::CannotTell);
    let lean = match &idle {
        // What does nothing needs no memory either: it is counted once.
        Answer::Yes(_) => Answer::No,
        _ => why_not.map_or_else(|| memory::judge(&gpu), Answer::CannotTell),
    };
    for (rule, answer, reason) in
        [(WasteRule::HeldIdle, idle, held_idle::REASON), (WasteRule::OverAskedMemory, lean, memory::REASON)]
    {
        let evidence = answer.is_yes().then(|| evidence(&gpu, rule)).flatten();
        let answer = answer.map(Some);
        ledger.enter(Entry { rule, owner: owner.clone(), gpus: 1, answer, hours: None, reason, evidence });
    }
}

/// What is measured of a wasted GPU, in words.
fn evidence(gpu: &Gpu<'_>, rule: WasteRule) -> Option<String> {
    let (name, slot) = (gpu.site.name(), gpu.slot);
    let shown = |metric: Metric, value: f32| format!("{} {}", metric.label(), metric.show(Reading::of(value)));
    let said: Vec<String> = match rule {
        WasteRule::OverAskedMemory => vec![format!("at most {:.0} % of its memory in use", gpu.track?.peak * 100.0)],
        _ => [Metric::Utilisation, Metric::TensorActive, Metric::Power]
            .into_iter()
            .filter_map(|metric| Some(shown(metric, gpu.site.fresh(metric, slot)?)))
            .collect(),
    };
    Some(format!("{name} GPU {slot}: {}.", said.join(", ")))
}

fn enter_pool(ledger: &mut Ledger, pool: &Pool<'_>, history: &History, now: Stamp) {
    let answer = stranded::judge(pool);
    let free: u64 = pool.open().map(pool::PoolNode::free).sum();
    let owner = || Owner::Place(ObjectRef::Connection(pool.cluster.clone()), Some(pool.name.into()));
    let reason = "Fewer are free on their nodes than the smallest usual pod of the pool asks for.";
    let entry = |gpus, answer, evidence| Entry {
        rule: WasteRule::Stranded,
        owner: owner(),
        gpus,
        answer,
        hours: None,
        reason,
        evidence,
    };
    match answer {
        Answer::Yes(left) => {
            let evidence = format!(
                "Free GPUs that are left over: {} of {free}, nodes: {}, the smallest usual pod: {}.",
                left.gpus, left.nodes, left.smallest
            );
            // How many there are changes: each counts for its own time.
            let so_far = history.stranded(pool, now);
            let hours = so_far.map(|so_far| so_far.gpu_hours);
            let answer = Answer::Yes(so_far.map(|so_far| so_far.since));
            ledger.enter(Entry { hours, ..entry(left.gpus, answer, Some(evidence)) });
            ledger.enter(entry(free - left.gpus, Answer::No, None));
        }
        Answer::No => ledger.enter(entry(free, Answer::No, None)),
        Answer::CannotTell(why) => ledger.enter(entry(free, Answer::CannotTell(why), None)),
    }
}

#[cfg(test)]
mod tests;
