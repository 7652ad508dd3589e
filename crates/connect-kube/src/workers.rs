//! The pods of an Indexed Job as workers: which is which, how each is, and what it says.

use crate::{
    client::{Client, JSON, PATIENCE},
    failure::{Call, Failure},
    logs,
    yaml::is_segment,
};
use pilothouse_connect::{PodIs, WorkerPod};
use pilothouse_wire::{Code, ConnectionId, PodId, Problem, ask::LogQuery};
use serde_json::Value;
use std::collections::BTreeMap;

/// Which of the Job's pods it is. Source: Jobs of Kubernetes, `completionMode: Indexed`.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// The pods of a Job, as they are.
pub(crate) async fn pods(client: &Client, namespace: &str, job: &str) -> Result<Vec<Value>, Failure> {
    let call =
        Call { verb: "list", group: "".into(), resource: "pods".to_owned(), namespace: Some(namespace.to_owned()) };
    let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector=batch.kubernetes.io%2Fjob-name%3D{job}");
    let answer = client.get(&call, &path, JSON, PATIENCE).await?;
    let mut list: Value =
        serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("It is no list in JSON".to_owned()))?;
    match list["items"].take() {
        Value::Array(pods) => Ok(pods),
        _ => Ok(Vec::new()),
    }
}

/// The workers of a Job: of each index the newest pod.
///
/// # Errors
/// If they cannot be listed.
pub(crate) async fn workers(client: &Client, namespace: &str, job: &str) -> Result<Vec<WorkerPod>, Problem> {
    if ![namespace, job].into_iter().all(is_segment) {
        return Err(Problem::new(Code::NotFound, format!("\"{job}\" names nothing in Kubernetes.")));
    }
    let pods = pods(client, namespace, job).await.map_err(|failure| failure.problem(&client.place))?;
    Ok(numbered(&pods))
}

fn numbered(pods: &[Value]) -> Vec<WorkerPod> {
    let mut newest: BTreeMap<u32, (&str, WorkerPod)> = BTreeMap::new();
    for pod in pods {
        let metadata = &pod["metadata"];
        let index = metadata["annotations"][INDEX].as_str().and_then(|index| index.parse().ok());
        let (Some(index), Some(name)) = (index, metadata["name"].as_str()) else { continue };
        let made = metadata["creationTimestamp"].as_str().unwrap_or_default();
        if newest.get(&index).is_some_and(|(known, _)| *known > made) {
            continue;
        }
        let node = pod["spec"]["nodeName"].as_str().map(str::to_owned);
        newest.insert(index, (made, WorkerPod { index, name: name.to_owned(), node, is: how(pod) }));
    }
    newest.into_values().map(|(_, worker)| worker).collect()
}

/// How a pod is, in words for people.
pub(crate) fn how(pod: &Value) -> PodIs {
    let status = &pod["status"];
    let container = &status["containerStatuses"][0]["state"];
    let text = |of: &Value, field: &str| of[field].as_str().unwrap_or_default().to_owned();
    let reasoned = |of: &Value| {
        let (reason, message) = (text(of, "reason"), crate::problems::line(&text(of, "message")));
        [reason, message].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    };
    let phase = text(status, "phase");
    if phase == "Succeeded" || phase == "Failed" {
        let ended = &container["terminated"];
        let code = ended["exitCode"].as_i64().map(|code| format!("exit code {code}"));
        let why = [reasoned(ended), reasoned(status)].into_iter().filter(|why| !why.is_empty());
        let parts: Vec<String> = code.into_iter().chain(why).collect();
        let how = if parts.is_empty() { phase.to_lowercase() } else { parts.join(", ") };
        return PodIs::Over(how);
    }
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        return PodIs::Over("it is being deleted".to_owned());
    }
    if phase == "Running" {
        return PodIs::Running;
    }
    let waiting = reasoned(&container["waiting"]);
    let conditions = status["conditions"].as_array();
    let unscheduled =
        conditions.into_iter().flatten().find(|one| one["type"] == "PodScheduled" && one["status"] == "False");
    PodIs::Coming(match (waiting.is_empty(), unscheduled) {
        (false, _) => waiting,
        (true, Some(why)) => reasoned(why),
        (true, None) => "it is being started".to_owned(),
    })
}

/// The last lines of what a worker said.
///
/// # Errors
/// If they cannot be read.
pub(crate) async fn said(client: &Client, namespace: &str, pod: &str, lines: u32) -> Result<Vec<String>, Problem> {
    // Whose connection it is, is known: it is this one.
    let pod = PodId { cluster: ConnectionId::slug(&client.place.name), namespace: namespace.into(), name: pod.into() };
    let query = LogQuery { pod, container: None, previous: false, lines, after: None };
    logs::logs(client, &query).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn how_a_pod_is_has_its_reason() {
        let state = |state: Value| json!([{ "state": state }]);
        for (status, want) in [
            (json!({ "phase": "Running" }), PodIs::Running),
            (json!({ "phase": "Pending" }), PodIs::Coming("it is being started".into())),
            (
                json!({ "phase": "Pending", "containerStatuses": state(json!({ "waiting": { "reason": "ImagePullBackOff", "message": "no such image" } })) }),
                PodIs::Coming("ImagePullBackOff: no such image".into()),
            ),
            (
                json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes" }] }),
                PodIs::Coming("Unschedulable: 0/3 nodes".into()),
            ),
            (
                json!({ "phase": "Failed", "containerStatuses": state(json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } })) }),
                PodIs::Over("exit code 137, OOMKilled".into()),
            ),
            (json!({ "phase": "Failed", "reason": "Evicted", "message": "disk" }), PodIs::Over("Evicted: disk".into())),
            (json!({ "phase": "Succeeded" }), PodIs::Over("succeeded".into())),
        ] {
            assert_eq!(how(&json!({ "metadata": {}, "status": status })), want, "{status}");
        }
    }

    #[test]
    fn of_each_number_the_newest_pod_counts() {
        let pod = |index: &str, name: &str, made: &str| {
            json!({
                "metadata": { "name": name, "creationTimestamp": made, "annotations": { INDEX: index } },
                "spec": { "nodeName": "n" },
                "status": { "phase": "Running" },
            })
        };
        let pods = [
            pod("1", "b", "2026-01-01T00:00:02Z"),
            pod("0", "new", "2026-01-01T00:00:09Z"),
            pod("0", "old", "2026-01-01T00:00:01Z"),
            json!({ "metadata": { "name": "other" } }),
        ];
        let found: Vec<(u32, String)> = numbered(&pods).into_iter().map(|worker| (worker.index, worker.name)).collect();
        assert_eq!(found, [(0, "new".to_owned()), (1, "b".to_owned())]);
    }
}
