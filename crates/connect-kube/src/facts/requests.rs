//! What a pod asks for, as the scheduler counts it.

use super::quantity;
use crate::slim::{Container, PodSpec, Quantities};
use pilothouse_wire::SmolStr;
use pilothouse_world::gpu;
use std::collections::BTreeMap;

/// Amounts by resource: CPU in thousandths of a core, all else in whole units.
type Amounts = BTreeMap<SmolStr, u64>;

/// What a pod asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Requests {
    pub gpus: Vec<(SmolStr, u64)>,
    pub cpu_millis: u64,
    pub memory_bytes: u64,
}

/// Does this init container go on beside the others instead of ending before them?
pub(super) fn goes_on(container: &Container) -> bool {
    container.restart_policy == "Always"
}

/// The larger of: all that run at once; and, for each init container, itself with those that already go on.
pub(super) fn requests(spec: &PodSpec) -> Requests {
    let mut running = Amounts::new();
    for container in &spec.containers {
        add(&mut running, &of_container(container));
    }
    let (mut beside, mut most) = (Amounts::new(), Amounts::new());
    for container in &spec.init_containers {
        let own = of_container(container);
        if goes_on(container) {
            add(&mut running, &own);
            add(&mut beside, &own);
            larger(&mut most, &beside);
        } else {
            let mut now = beside.clone();
            add(&mut now, &own);
            larger(&mut most, &now);
        }
    }
    larger(&mut running, &most);
    if let Some(whole) = &spec.resources {
        // Requests of the pod as a whole stand for those of its containers.
        for (key, amount) in amounts(&whole.limits, &whole.requests) {
            running.insert(key, amount);
        }
    }
    add(&mut running, &amounts(&Quantities::new(), &spec.overhead));
    let take = |key: &str| running.get(key).copied().unwrap_or(0);
    Requests {
        cpu_millis: take("cpu"),
        memory_bytes: take("memory"),
        gpus: running
            .iter()
            .filter(|(key, n)| gpu::is_gpu_key(key) && **n > 0)
            .map(|(key, n)| (key.clone(), *n))
            .collect(),
    }
}

fn of_container(container: &Container) -> Amounts {
    container.resources.as_ref().map(|resources| amounts(&resources.limits, &resources.requests)).unwrap_or_default()
}

/// A limit without a request is the request.
fn amounts(limits: &Quantities, requests: &Quantities) -> Amounts {
    let mut amounts = Amounts::new();
    for (key, quantity) in limits.iter().chain(requests) {
        let read = if key == "cpu" { quantity::milli } else { quantity::whole };
        if key == "cpu" || key == "memory" || gpu::is_gpu_key(key) {
            amounts.insert(SmolStr::new(key), read(&quantity.string).unwrap_or(0));
        }
    }
    amounts
}

fn add(to: &mut Amounts, more: &Amounts) {
    for (key, amount) in more {
        let sum = to.entry(key.clone()).or_default();
        *sum = sum.saturating_add(*amount);
    }
}

fn larger(of: &mut Amounts, and: &Amounts) {
    for (key, amount) in and {
        let most = of.entry(key.clone()).or_default();
        *most = (*most).max(*amount);
    }
}
