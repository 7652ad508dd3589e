//! The whole fleet in the terminal, from the start of the program to its end, beside curl's listings of the same.

use std::collections::BTreeSet;

use acceptance::{Api, Context, GPU, Result, api::items};
use serde_json::Value;

use crate::peak;
use crate::report::{Figure, Report, say};
use crate::stand::Stand;
use crate::statistics::{median, millis};
use crate::timed;

const ARGUMENTS: [&str; 4] = ["fleet", "--json", "--context", "admin"];
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Measures it.
pub async fn measure(stand: &Stand, report: &mut Report) -> Result<()> {
    let ours = || stand.terminal.command(&ARGUMENTS);
    say("fleet-open: a run of each to warm up, and the check that nothing is missing.");
    let output = timed::run(ours()?).await?.output;
    let document: Value = serde_json::from_slice(&output).could_not("read what pilothouse printed")?;
    let missing = differences(&document, &stand.plane.api()?).await?;
    timed::run(stand.curl(JSON)).await?;
    timed::run(stand.curl(PROTOBUF)).await?;

    let (mut open, mut json, mut protobuf) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..stand.size.rounds {
        // Each comes first in its turn, so that what the machine does besides meets all three.
        for turn in 0..3 {
            let (command, times) = match (round + turn) % 3 {
                0 => (ours()?, &mut open),
                1 => (stand.curl(JSON), &mut json),
                _ => (stand.curl(PROTOBUF), &mut protobuf),
            };
            times.push(millis(timed::run(command).await?.took));
        }
        say(&format!("  {:.0} ms, curl {:.0} ms and {:.0} ms", open[round], json[round], protobuf[round]));
    }
    let paired = |other: &[f64]| median(&open.iter().zip(other).map(|(a, b)| a / b).collect::<Vec<_>>());
    let mut peaks = Vec::new();
    for _ in 0..3 {
        peaks.push(peak::of(ours()?).await?);
    }
    let (curl_json, curl_protobuf) = (median(&json), median(&protobuf));
    report.add(Figure::new("fleet-open.ms", median(&open), "ms"));
    report.add(Figure::new("fleet-open.ratio", paired(&json), "×").at_most(0.6).beside(
        "curl, JSON lists",
        curl_json,
        "ms",
    ));
    report.add(Figure::new("fleet-open.ratio_protobuf", paired(&protobuf), "×").beside(
        "curl, protobuf lists",
        curl_protobuf,
        "ms",
    ));
    report.add(Figure::new("fleet-open.peak_rss_mb", median(&peaks), "MB").at_most(110.0));
    report.add(Figure::new("fleet-open.missing", missing as f64, "").at_most(0.0));
    Ok(())
}

/// What one side has and the other has not: nodes, GPUs, pods, owners, conditions.
async fn differences(document: &Value, api: &Api) -> Result<usize> {
    let (nodes, pods) = (api.get("/api/v1/nodes").await?, api.get("/api/v1/pods").await?);
    let (nodes, pods) = (items(&nodes), items(&pods));
    let told = |list: &str| document[list].as_array().cloned().unwrap_or_default();
    let (told_nodes, told_pods) = (told("nodes"), told("pods"));
    let wanted: BTreeSet<String> =
        nodes.iter().flat_map(of_listed_node).chain(pods.iter().flat_map(of_listed_pod)).collect();
    let shown: BTreeSet<String> =
        told_nodes.iter().flat_map(of_shown_node).chain(told_pods.iter().flat_map(of_shown_pod)).collect();
    let differs = wanted.symmetric_difference(&shown);
    differs.clone().take(5).for_each(|one| say(&format!("  only on one side: {one}")));
    let whole = document["complete"] == Value::Bool(true);
    say(&format!("  {} nodes, {} pods, {} things compared.", nodes.len(), pods.len(), wanted.len()));
    Ok(differs.count() + usize::from(!whole))
}

fn of_listed_node(node: &Value) -> Vec<String> {
    let name = text(&node["metadata"]["name"]);
    let gpus = text(&node["status"]["capacity"][GPU]);
    let taints = list(&node["spec"]["taints"]).iter();
    let taints = taints.map(|taint| format!("node {name} taint {}:{}", text(&taint["key"]), text(&taint["effect"])));
    let conditions = conditions(&node["status"]["conditions"], "type");
    let conditions = conditions.map(|condition| format!("node {name} {condition}"));
    [format!("node {name}"), format!("node {name} GPUs {gpus}")].into_iter().chain(taints).chain(conditions).collect()
}

fn of_shown_node(row: &Value) -> Vec<String> {
    let name = text(&row["id"]["name"]);
    let gpus = list(&row["gpus"]).len();
    let taints = list(&row["taints"]).iter();
    let taints = taints.map(|taint| format!("node {name} taint {}:{}", text(&taint["key"]), text(&taint["effect"])));
    let conditions = conditions(&row["conditions"], "kind").map(|condition| format!("node {name} {condition}"));
    [format!("node {name}"), format!("node {name} GPUs {gpus}")].into_iter().chain(taints).chain(conditions).collect()
}

/// Every condition with its status, whatever it is.
fn conditions<'a>(all: &'a Value, kind: &'a str) -> impl Iterator<Item = String> + 'a {
    list(all).iter().map(move |one| format!("{}={}", text(&one[kind]), text(&one["status"])))
}

fn of_listed_pod(pod: &Value) -> Vec<String> {
    let (meta, name) = (&pod["metadata"], pod_name(&pod["metadata"]));
    let owners = list(&meta["ownerReferences"]).iter();
    let owners = owners.map(|owner| format!("{name} owner {}/{}", text(&owner["kind"]), text(&owner["name"])));
    let conditions = conditions(&pod["status"]["conditions"], "type").map(|one| format!("{name} {one}"));
    let on = format!("{name} on {}", text(&pod["spec"]["nodeName"]));
    std::iter::once(on).chain(owners).chain(conditions).collect()
}

fn of_shown_pod(row: &Value) -> Vec<String> {
    let name = pod_name(&row["id"]);
    // What the API does not list with the pod is found out: the Deployment above its ReplicaSet.
    let owners = list(&row["owners"]).iter().map(text).filter(|owner| !owner.starts_with("Deployment/"));
    let owners = owners.map(|owner| format!("{name} owner {owner}"));
    let conditions = conditions(&row["conditions"], "kind").map(|one| format!("{name} {one}"));
    let on = format!("{name} on {}", text(&row["node"]));
    std::iter::once(on).chain(owners).chain(conditions).collect()
}

fn pod_name(of: &Value) -> String {
    format!("pod {}/{}", text(&of["namespace"]), text(&of["name"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
