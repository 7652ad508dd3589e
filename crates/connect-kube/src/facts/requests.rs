//! What a pod asks for, as the scheduler counts it.

use super::quantity;
use crate::slim::{Container, PodSpec, Quantities, Resources, TemplateSpec};
use pilothouse_wire::SmolStr;
use pilothouse_world::gpu;
use std::collections::BTreeMap;

/// Amounts by resource: CPU in thousandths of a core, all else in whole units.
type Amounts = BTreeMap<SmolStr, u64>;

/// What says what a pod asks for: its own spec, or that of a template.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    containers: &'a [Container],
    init_containers: &'a [Container],
    overhead: &'a Quantities,
    whole: Option<&'a Resources>,
}

impl<'a> From<&'a PodSpec> for Asking<'a> {
    fn from(spec: &'a PodSpec) -> Self {
        Self {
            containers: &spec.containers,
            init_containers: &spec.init_containers,
            overhead: &spec.overhead,
            whole: spec.resources.as_ref(),
        }
    }
}

impl<'a> From<&'a TemplateSpec> for Asking<'a> {
    fn from(spec: &'a TemplateSpec) -> Self {
        Self {
            containers: &spec.containers,
            init_containers: &spec.init_containers,
            overhead: &spec.overhead,
            whole: spec.resources.as_ref(),
        }
    }
}

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

/// The GPUs that a pod asks for, by vendor key.
pub(crate) fn gpus_of(spec: &PodSpec) -> Vec<(SmolStr, u64)> {
    requests(spec).gpus
}

/// The larger of: all that run at once; and, for each init container, itself with those that already go on.
pub(super) fn requests<'a>(spec: impl Into<Asking<'a>>) -> Requests {
    let spec = spec.into();
    let mut running = Amounts::new();
    for container in spec.containers {
        add(&mut running, &of_container(container));
    }
    let (mut beside, mut most) = (Amounts::new(), Amounts::new());
    for container in spec.init_containers {
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
    if let Some(whole) = spec.whole {
        // Requests of the pod as a whole stand for those of its containers.
        for (key, amount) in amounts(&whole.limits, &whole.requests) {
            running.insert(key, amount);
        }
    }
    add(&mut running, &amounts(&Quantities::new(), spec.overhead));
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const GPU: &str = "nvidia.com/gpu";

    fn container(requests: Value) -> Value {
        json!({ "name": "c", "resources": { "requests": requests } })
    }

    fn beside(requests: Value) -> Value {
        json!({ "name": "c", "restartPolicy": "Always", "resources": { "requests": requests } })
    }

    #[track_caller]
    fn check(spec: Value, want_gpus: u64, want_cpu: u64, want_memory: u64) {
        let spec: PodSpec = serde_json::from_value(spec).unwrap();
        let got = requests(&spec);
        let gpus = got.gpus.iter().map(|(_, n)| n).sum::<u64>();
        assert_eq!((gpus, got.cpu_millis, got.memory_bytes), (want_gpus, want_cpu, want_memory), "{spec:?}");
    }

    #[test]
    fn containers_add_up() {
        check(json!({}), 0, 0, 0);
        check(json!({ "containers": null }), 0, 0, 0);
        check(
            json!({ "containers": [container(json!({ GPU: "4", "cpu": "500m", "memory": "1Gi" })), container(json!({ GPU: 2, "cpu": "1" }))] }),
            6,
            1_500,
            1 << 30,
        );
    }

    #[test]
    fn init_containers_count_if_one_of_them_asks_for_more() {
        let main = container(json!({ GPU: "2", "cpu": "1" }));
        check(json!({ "containers": [main], "initContainers": [container(json!({ GPU: "8" }))] }), 8, 1_000, 0);
        check(
            json!({ "containers": [main], "initContainers": [container(json!({ GPU: "1" })), container(json!({ GPU: "1" }))] }),
            2,
            1_000,
            0,
        );
    }

    #[test]
    fn init_containers_that_go_on_count_with_the_containers_and_with_those_after_them() {
        let main = container(json!({ GPU: "2" }));
        check(
            json!({ "containers": [main], "initContainers": [beside(json!({ GPU: "1", "cpu": "250m" }))] }),
            3,
            250,
            0,
        );
        check(
            json!({ "containers": [main], "initContainers": [beside(json!({ GPU: "1" })), container(json!({ GPU: "3" }))] }),
            4,
            0,
            0,
        );
        // One that begins later does not count with one that ended before.
        check(
            json!({ "containers": [main], "initContainers": [container(json!({ GPU: "3" })), beside(json!({ GPU: "1" }))] }),
            3,
            0,
            0,
        );
    }

    #[test]
    fn the_pod_as_a_whole_and_its_overhead_count() {
        check(
            json!({
                "containers": [container(json!({ "cpu": "1", "memory": "1Gi", GPU: "1" }))],
                "resources": { "requests": { "cpu": "3" } },
                "overhead": { "cpu": "250m", "memory": "64Mi" },
            }),
            1,
            3_250,
            (1 << 30) + (64 << 20),
        );
    }

    #[test]
    fn a_limit_without_a_request_is_the_request() {
        check(
            json!({ "containers": [{ "name": "c", "resources": { "limits": { GPU: "4", "cpu": "2" }, "requests": { "cpu": "1" } } }] }),
            4,
            1_000,
            0,
        );
    }

    #[test]
    fn what_measures_parts_of_a_device_is_no_device() {
        check(
            json!({ "containers": [container(json!({ "nvidia.com/gpucores": "30", "nvidia.com/gpumem": "8000" }))] }),
            0,
            0,
            0,
        );
        check(
            json!({ "containers": [container(json!({ "nvidia.com/mig-1g.10gb": "2", "amd.com/gpu": "1" }))] }),
            3,
            0,
            0,
        );
        check(json!({ "containers": [container(json!({ GPU: "nonsense" }))] }), 0, 0, 0);
    }
}
