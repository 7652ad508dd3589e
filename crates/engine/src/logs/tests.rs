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
        after: Vec::new(),
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

/// A pod that prints so many lines of a second, and a server that reads from a second on, or the last lines.
struct Prints(std::sync::Mutex<Vec<String>>);

impl Prints {
    fn print(&self, second: u8, n: usize, width: usize) {
        let mut lines = self.0.lock().unwrap();
        let first = lines.len();
        let line = |n: usize| format!("2026-11-24T03:00:{second:02}.{n:09}Z {n}{}", "x".repeat(width));
        lines.extend((first..first + n).map(line));
    }
}

#[async_trait]
impl Connector for Prints {
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
        let lines = self.0.lock().unwrap();
        let second = |line: &str| line[..19].to_owned();
        let since = match &query.after {
            Some(after) => lines.iter().position(|line| second(line) >= second(after)).unwrap_or(lines.len()),
            None => lines.len().saturating_sub(query.lines as usize),
        };
        // So many bytes at once.
        let mut left = 4 * 1024 * 1024_usize;
        let mut some = Vec::new();
        for line in &lines[since..] {
            let Some(less) = left.checked_sub(line.len() + 1) else { break };
            left = less;
            some.push(line.clone());
        }
        Ok(some)
    }
}

#[tokio::test]
async fn a_log_that_is_followed_loses_no_line_and_what_cannot_be_read_is_said() {
    let prints = Arc::new(Prints(std::sync::Mutex::default()));
    let follow = async |after: Option<String>| -> Logs {
        let connector: Arc<dyn Connector> = Arc::clone(&prints) as _;
        let query = LogQuery { pod: pod("chat-0").0, container: None, previous: false, lines: 1_000, after };
        match of_pod(Some(connector), vec!["engine".into()], query).await.unwrap() {
            Answer::Logs(logs) => logs,
            other => panic!("{other:?}"),
        }
    };
    prints.print(1, 10, 0);
    let first = follow(None).await;
    assert_eq!((first.lines.len(), first.gap), (10, false));
    // Far more than are shown, in one beat.
    prints.print(1, 3_000, 0);
    prints.print(2, 4_000, 0);
    let next = follow(first.lines.last().cloned()).await;
    assert_eq!((next.lines.len(), next.gap, next.newer), (7_000, false, false));
    assert!(next.lines[0].ends_with("Z 10"), "{}", next.lines[0]);
    // More than is read at once: the rest comes with the next question.
    prints.print(3, 3_000, 1_000);
    prints.print(4, 3_000, 1_000);
    let part = follow(next.lines.last().cloned()).await;
    assert!(part.newer && !part.gap && part.lines.len() > 3_000, "{}", part.lines.len());
    let rest = follow(part.lines.last().cloned()).await;
    assert_eq!((part.lines.len() + rest.lines.len(), rest.gap), (6_000, false));
    // More of one second than is read at once: that cannot be read on, and is said.
    prints.print(5, 9_000, 1_000);
    let (mut last, mut asked) = (rest, 0);
    while !last.gap {
        last = follow(last.lines.last().cloned()).await;
        asked += 1;
        assert!(asked < 5 && (last.newer || last.gap), "{asked}");
    }
    assert_eq!(last.lines.last(), prints.0.lock().unwrap().last(), "it goes on with the newest");
}
