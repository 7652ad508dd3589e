//! A node in words: what it has, what of it is asked for by which pods, and how it is.

use super::{
    About,
    fields::{conditions, items, mono, present, row, scalar, section, table, text},
    page::Page,
};
use crate::{
    client::{Client, JSON, PATIENCE},
    facts::{facts_of_pod, milli, whole},
    failure::{Call, Failure},
    slim,
};
use pilothouse_wire::{
    Problem, SmolStr,
    describe::Section,
    units::{bytes, count, number, share},
};
use pilothouse_world::fact::PodFact;
use serde_json::Value;
use std::collections::BTreeMap;

/// Pods that are read at most: a kubelet takes a few hundred.
const MOST: usize = 1_000;

/// The pods on a node that have not ended.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pods {
    pub(super) pods: Vec<PodFact>,
    /// Are there more than were read?
    pub(super) more: bool,
}

/// Reads the pods on a node; `None` for what is no node.
pub(super) async fn pods_on(client: &Client, about: &About<'_>) -> Option<Result<Pods, Problem>> {
    if !about.spot.kind.group.is_empty() || about.spot.kind.plural != "nodes" {
        return None;
    }
    let path = format!("/api/v1/pods?limit={MOST}&fieldSelector=spec.nodeName={}", about.spot.name);
    let call = Call { verb: "list", group: "".into(), resource: "pods".to_owned(), namespace: None };
    let read = match client.get(&call, &path, JSON, PATIENCE).await {
        Ok(answer) => read(&answer.body).ok_or_else(|| Failure::Unreadable("It is no list of pods".to_owned())),
        Err(failure) => Err(failure),
    };
    Some(read.map_err(|failure| failure.problem(&client.place)))
}

fn read(body: &[u8]) -> Option<Pods> {
    let page = Page::read(body)?;
    let more = page.more();
    let facts = page.items().filter_map(|pod| facts_of_pod(serde_json::from_value::<slim::Pod>(pod).ok()?));
    Some(Pods { pods: facts.filter(PodFact::holds).collect(), more })
}

/// The parts of a node.
pub(super) fn sections(about: &About<'_>, pods: Option<Result<Pods, Problem>>) -> Vec<Section> {
    let object = about.object;
    let (pods, problem) = match pods {
        Some(Ok(pods)) => (Some(pods), None),
        Some(Err(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    let mut resources = resources(object, pods.as_ref());
    resources.note = problem.map(|problem| format!("What is asked for is not known. {problem}"));
    let mut all = vec![status(object), conditions(object), resources];
    all.extend(pods.as_ref().map(pods_table));
    all
}

fn status(object: &Value) -> Section {
    let prefix = "node-role.kubernetes.io/";
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    let roles: Vec<&str> =
        labels.into_iter().flat_map(|labels| labels.keys()).filter_map(|key| key.strip_prefix(prefix)).collect();
    let mut rows = vec![
        row("Roles", (!roles.is_empty()).then(|| roles.join(", "))),
        row("Unschedulable", Some(text(object, "/spec/unschedulable").unwrap_or_else(|| "no".to_owned()))),
    ];
    rows.extend(items(object, "/spec/taints").iter().map(|taint| row("Taint", Some(taint_words(taint)))));
    rows.extend(
        items(object, "/status/addresses")
            .iter()
            .map(|address| mono(text(address, "/type").unwrap_or_default(), text(address, "/address"))),
    );
    rows.extend(present(
        object,
        &[
            ("Pod CIDR", "/spec/podCIDR"),
            ("Provider id", "/spec/providerID"),
            ("Kubelet", "/status/nodeInfo/kubeletVersion"),
            ("Container runtime", "/status/nodeInfo/containerRuntimeVersion"),
            ("Kernel", "/status/nodeInfo/kernelVersion"),
            ("System", "/status/nodeInfo/osImage"),
            ("Architecture", "/status/nodeInfo/architecture"),
        ],
    ));
    section("Status", rows)
}

fn taint_words(taint: &Value) -> String {
    let value = text(taint, "/value").map_or_else(String::new, |value| format!("={value}"));
    let since = text(taint, "/timeAdded").map_or_else(String::new, |since| format!(" since {since}"));
    format!("{}{value}:{}{since}", text(taint, "/key").unwrap_or_default(), text(taint, "/effect").unwrap_or_default())
}

/// What the node has, what it may give away, and what pods ask for. What pods ask for is read of CPU, memory and GPUs.
fn resources(object: &Value, pods: Option<&Pods>) -> Section {
    let capacity = object.pointer("/status/capacity").and_then(Value::as_object);
    let asked = pods.filter(|pods| !pods.more).map(asked);
    let rows = capacity.into_iter().flatten().map(|(key, has)| {
        let allocatable = object.pointer("/status/allocatable").and_then(|all| amount(key, all.get(key)?));
        let of = asked.as_ref().and_then(|asked| {
            let known = asked.get(key.as_str()).copied();
            known.or_else(|| pilothouse_world::gpu::is_gpu_key(key).then_some(0))
        });
        let shared = of.zip(allocatable).map(|(of, all)| share(of, all));
        vec![
            Some(key.clone()),
            amount(key, has).map(|n| words(key, n)),
            allocatable.map(|n| words(key, n)),
            of.map(|n| words(key, n)),
            shared,
        ]
    });
    table("Resources", &["Resource", "Capacity", "Allocatable", "Requested", "Share"], rows.collect())
}

/// CPU in thousandths of a core, all else in whole units.
fn amount(key: &str, quantity: &Value) -> Option<u64> {
    let quantity = scalar(quantity)?;
    if key == "cpu" { milli(&quantity) } else { whole(&quantity) }
}

fn words(key: &str, n: u64) -> String {
    match key {
        #[allow(clippy::cast_precision_loss, reason = "cores are few")]
        "cpu" => number(n as f64 / 1_000.0, 2),
        "memory" | "ephemeral-storage" => bytes(n),
        key if key.starts_with("hugepages-") => bytes(n),
        _ => count(n),
    }
}

/// Sums over the pods, by resource.
fn asked(pods: &Pods) -> BTreeMap<SmolStr, u64> {
    let mut sums: BTreeMap<SmolStr, u64> = BTreeMap::new();
    let mut add = |key: &str, n: u64| {
        let sum = sums.entry(SmolStr::new(key)).or_default();
        *sum = sum.saturating_add(n);
    };
    add("cpu", 0);
    add("memory", 0);
    add("pods", pods.pods.len() as u64);
    for pod in &pods.pods {
        add("cpu", pod.cpu_millis);
        add("memory", pod.memory_bytes);
        pod.gpus.iter().for_each(|(key, n)| add(key, *n));
    }
    sums
}

fn pods_table(pods: &Pods) -> Section {
    let rows = pods.pods.iter().map(|pod| {
        let gpus: u64 = pod.gpus.iter().map(|(_, n)| n).sum();
        vec![
            Some(pod.namespace.to_string()),
            Some(pod.name.to_string()),
            Some(words("cpu", pod.cpu_millis)),
            Some(words("memory", pod.memory_bytes)),
            Some(count(gpus)),
            pod.started.map(|at| at.to_string()),
        ]
    });
    let mut section = table("Pods", &["Namespace", "Name", "CPU", "Memory", "GPUs", "Started"], rows.collect());
    section.note = match (pods.more, pods.pods.is_empty()) {
        (true, _) => Some(format!("There are more than {} pods on it: the sums are not known.", count(MOST as u64))),
        (false, true) => Some("No pod runs on it.".to_owned()),
        (false, false) => None,
    };
    section
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node() -> Value {
        json!({ "status": {
            "capacity": { "cpu": "96", "example.com/fpga": "2", "memory": "1Gi", "nvidia.com/gpu": "8", "pods": "110" },
            "allocatable": { "cpu": "95500m", "memory": "1Gi", "nvidia.com/gpu": "8", "pods": "110" },
        } })
    }

    fn pods(more: &str) -> Pods {
        let pod = |name: &str, phase: &str| {
            json!({
                "metadata": { "namespace": "serving", "name": name },
                "spec": { "nodeName": "h100-1", "containers": [
                    { "name": "c", "resources": { "requests": { "cpu": "1500m", "nvidia.com/gpu": "4" } } } ] },
                "status": { "phase": phase },
            })
        };
        let items = [pod("runs", "Running"), pod("ended", "Succeeded"), json!("no pod")];
        read(json!({ "metadata": { "continue": more }, "items": items }).to_string().as_bytes()).unwrap()
    }

    #[track_caller]
    fn told(pods: Option<&Pods>) -> Vec<String> {
        let rows = resources(&node(), pods).table.unwrap().rows;
        let cell = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "—".to_owned());
        rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn what_pods_ask_for_is_summed_and_what_ended_asks_for_nothing() {
        assert_eq!(
            told(Some(&pods(""))),
            [
                "cpu 96.00 95.50 1.50 1.6 %",
                "example.com/fpga 2 — — —",
                "memory 1.07 GB 1.07 GB 0 B 0.0 %",
                "nvidia.com/gpu 8 8 4 50.0 %",
                "pods 110 110 1 0.9 %",
            ]
        );
    }

    #[test]
    fn a_sum_of_a_part_is_not_known() {
        for row in told(Some(&pods("more"))).iter().chain(&told(None)) {
            assert!(row.ends_with("— —"), "{row}");
        }
    }
}
