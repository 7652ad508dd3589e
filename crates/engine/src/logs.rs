//! Logs: of a pod, and of all pods of a workload together. Read from the server, handed on, never kept.

mod behind;
mod merge;

use crate::asks::{connected, together, within};
use behind::{Read, behind};
use merge::merge;
use pilothouse_connect::Connector;
use pilothouse_wire::{
    Answer, Code, PodId, Problem, SmolStr,
    ask::{LogQuery, Logs, PodLog, WorkloadLogQuery, WorkloadLogs},
};
use pilothouse_world::Source;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Pods of a workload whose logs are read.
const MOST_PODS: usize = 20;
/// Pods that are asked for at once: the server asks a kubelet for each.
const AT_ONCE: usize = 6;
/// Lines of all pods together.
const MOST_LINES: u32 = 5_000;
/// Lines of one pod of a workload.
const MOST_LINES_OF_ONE: u32 = 1_000;
/// Lines of all pods together that are handed on at once of those that were printed behind others.
const MOST_NEW_LINES: usize = 50_000;

/// The last lines of a log, from the server of its pod. `containers` are those that the pod is known to have.
pub(crate) async fn of_pod(
    connector: Option<Arc<dyn Connector>>,
    containers: Vec<SmolStr>,
    mut query: LogQuery,
) -> Result<Answer, Problem> {
    let id = query.pod.cluster.clone();
    let connector = connected(connector, &id, "Logs are read from the server")?;
    query.container = query.container.or_else(|| containers.first().cloned());
    let container = query.container.clone().unwrap_or_default();
    let most = query.lines as usize;
    let Read { lines, gap, newer } =
        within(&id, &format!("the log of {}", query.pod.name), new(&connector, query)).await?;
    let more = lines.len() >= most;
    Ok(Answer::Logs(Logs { containers, container, lines, more, gap, newer }))
}

/// Reads a log, or what was printed behind a line of it. Where there is more of one moment than is read at once, it goes on
/// with the last lines, and says that some are missing.
async fn new(connector: &Arc<dyn Connector>, mut query: LogQuery) -> Result<Read, Problem> {
    let read = behind(connector.logs(&query).await?, query.after.as_deref());
    if !(read.newer && read.lines.is_empty()) {
        return Ok(read);
    }
    query.after = None;
    Ok(Read { lines: connector.logs(&query).await?, gap: true, newer: false })
}

/// A pod with the containers that it is known to have.
type Known = (PodId, Vec<SmolStr>);

/// The pods of a workload as the world knows them: those that are not well first.
pub(crate) fn pods_of(source: &Source, query: &WorkloadLogQuery) -> Vec<Known> {
    let pods = source.pods_of(&query.kind, &query.namespace, &query.name).into_iter();
    pods.map(|pod| {
        let id = PodId { cluster: query.cluster.clone(), namespace: pod.namespace.clone(), name: pod.name.clone() };
        (id, pod.containers.iter().map(|container| container.name.clone()).collect())
    })
    .collect()
}

/// The last lines of a workload's pods in the order of their times. A pod that cannot be read keeps no other from it.
pub(crate) async fn of_workload(
    connector: Option<Arc<dyn Connector>>,
    pods: Vec<Known>,
    query: &WorkloadLogQuery,
) -> Result<Answer, Problem> {
    let connector = connected(connector, &query.cluster, "Logs are read from the server")?;
    if pods.is_empty() {
        return Err(Problem::new(Code::NotFound, format!("{} {} has no pods.", query.kind, query.name))
            .why("None of its pods is there now, so there is no log to read."));
    }
    let all = u32::try_from(pods.len()).unwrap_or(u32::MAX);
    let most = query.lines.clamp(1, MOST_LINES);
    let mut containers: Vec<SmolStr> = Vec::new();
    for name in pods.iter().flat_map(|(_, containers)| containers) {
        if !containers.contains(name) {
            containers.push(name.clone());
        }
    }
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let (pods, asked): (Vec<PodId>, Vec<_>) = pods
        .into_iter()
        .take(MOST_PODS)
        .map(|(pod, own)| {
            let one = LogQuery {
                pod: pod.clone(),
                container: query.container.clone().or_else(|| own.first().cloned()),
                previous: query.previous,
                lines: most.min(MOST_LINES_OF_ONE),
                after: query.after.iter().find(|(name, _)| *name == pod.name).map(|(_, line)| line.clone()),
            };
            (pod, read(Arc::clone(&connector), Arc::clone(&gate), one))
        })
        .unzip();
    let (mut logs, mut texts, mut more) = (Vec::new(), Vec::new(), false);
    let (mut gap, mut newer) = (false, false);
    for (pod, read) in pods.into_iter().zip(together(asked).await) {
        let read = read.unwrap_or_else(|error| {
            Err(Problem::new(Code::Internal, format!("The log of {} was not read.", pod.name)).why(error.to_string()))
        });
        let (read, problem) = match read {
            Ok(read) => (read, None),
            Err(problem) => (Read::default(), Some(problem)),
        };
        let lines = read.lines;
        gap |= read.gap;
        newer |= read.newer;
        more |= lines.len() >= most.min(MOST_LINES_OF_ONE) as usize;
        logs.push(PodLog { pod, problem });
        texts.push(lines);
    }
    let total: usize = texts.iter().map(Vec::len).sum();
    let follows = !query.after.is_empty();
    let lines = merge(texts, if follows { MOST_NEW_LINES } else { most as usize });
    more |= lines.len() < total;
    gap |= follows && lines.len() < total;
    Ok(Answer::WorkloadLogs(WorkloadLogs { pods: logs, all, containers, lines, more, gap, newer }))
}

async fn read(connector: Arc<dyn Connector>, gate: Arc<Semaphore>, query: LogQuery) -> Result<Read, Problem> {
    // The gate is never closed; without a pass the call is made all the same.
    let _pass = gate.acquire().await;
    let (cluster, what) = (query.pod.cluster.clone(), format!("the log of {}", query.pod.name));
    within(&cluster, &what, new(&connector, query)).await
}

#[cfg(test)]
mod tests;
