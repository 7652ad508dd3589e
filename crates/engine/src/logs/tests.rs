//! Logs of a workload over a connector that answers, refuses, or never does.

use super::*;
use async_trait::async_trait;
use pilothouse_connect::Sink;
use pilothouse_wire::{ConnectionId, ObjectRef, ask::Tested};
use pilothouse_world::fact::SourceAbout;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A cluster in which one pod says no and one never answers.
#[derive(Default)]
struct Talks {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl Connector for Talks {
    fn about(&self) -> SourceAbout {
        SourceAbout::default()
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        Ok(Tested::default())
    }

    async fn watch(&self, _: Sink) {}

    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        Ok(String::new())
    }

    async fn logs(&self, query: &LogQuery) -> Result<Vec<String>, Problem> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let answer = match query.pod.name.as_str() {
            "denied" => Err(Problem::new(Code::Denied, "403")),
            "hangs" => std::future::pending().await,
            name => Ok(vec![format!("2026-11-24T03:00:0{}Z of {name}", name.len() % 10)]),
        };
        self.now.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

fn pod(name: &str) -> Known {
    let id = PodId { cluster: ConnectionId::slug("iad"), namespace: "serving".into(), name: name.into() };
    (id, vec!["engine".into(), "side".into()])
}

async fn ask(talks: &Arc<Talks>, pods: Vec<Known>) -> Result<WorkloadLogs, Problem> {
    let query = WorkloadLogQuery {
        cluster: ConnectionId::slug("iad"),
        namespace: "serving".into(),
        kind: "Deployment".into(),
        name: "chat".into(),
        container: None,
        previous: false,
        lines: 100,
    };
    let connector: Arc<dyn Connector> = Arc::clone(talks) as _;
    match of_workload(Some(connector), pods, &query).await? {
        Answer::WorkloadLogs(logs) => Ok(logs),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_says_no_or_nothing_keeps_no_other_from_its_log() {
    let talks = Arc::new(Talks::default());
    let logs = ask(&talks, ["denied", "hangs", "bb", "a"].map(pod).to_vec()).await.unwrap();
    let texts: Vec<(u16, &str)> = logs.lines.iter().map(|line| (line.pod, line.text.as_str())).collect();
    assert_eq!(texts, [(3, "2026-11-24T03:00:01Z of a"), (2, "2026-11-24T03:00:02Z of bb")]);
    let problems: Vec<Option<Code>> = logs.pods.iter().map(|pod| pod.problem.as_ref().map(|p| p.code)).collect();
    assert_eq!(problems, [Some(Code::Denied), Some(Code::TimedOut), None, None]);
    assert_eq!(logs.containers, ["engine", "side"]);
    assert!(!logs.more);
}

#[tokio::test(start_paused = true)]
async fn of_many_pods_some_are_read_a_few_at_once_and_the_rest_is_counted() {
    let talks = Arc::new(Talks::default());
    let logs = ask(&talks, (0..40).map(|n| pod(&format!("p{n}"))).collect()).await.unwrap();
    assert_eq!((logs.pods.len(), logs.all, logs.lines.len()), (MOST_PODS, 40, MOST_PODS));
    assert!(talks.most.load(Ordering::SeqCst) <= AT_ONCE);
}

#[tokio::test]
async fn a_workload_without_pods_says_so() {
    let problem = ask(&Arc::new(Talks::default()), Vec::new()).await.unwrap_err();
    assert_eq!(problem.what, "Deployment chat has no pods.");
}
