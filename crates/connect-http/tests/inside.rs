//! A server inside of a cluster: what is asked of the connection on the way, and what is told of each that says no. The
//! way is played here; before a real API server it is tested with the other real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::{open, open_among};
use pilothouse_connect::{
    Clock, FindRelay, NoRelay, Question, Relay, RelayAnswer, RelayFailure, Relays, Sink,
    conformance::{now, scripted::Reply},
};
use pilothouse_connect_http::prometheus::stand::{error, well};
use pilothouse_wire::{Code, ConnectionId, Health, Problem};
use pilothouse_world::{Fact, fact::SourceFact};
use std::{
    fmt::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

type Answers = dyn Fn(&str) -> Result<Reply, RelayFailure> + Send + Sync;

/// A cluster that is connected as `prod-eu`, and what was asked of it.
#[derive(Clone)]
struct Cluster {
    answers: Arc<Answers>,
    asked: Arc<Mutex<Vec<Question>>>,
}

impl Cluster {
    fn new(answers: impl Fn(&str) -> Result<Reply, RelayFailure> + Send + Sync + 'static) -> Self {
        Self { answers: Arc::new(answers), asked: Arc::default() }
    }
}

#[async_trait::async_trait]
impl Relay for Cluster {
    async fn get(&self, question: Question) -> Result<RelayAnswer, RelayFailure> {
        let path = question.path.clone();
        self.asked.lock().unwrap().push(question);
        let (status, body) = match (self.answers)(&path)? {
            Reply::Json(status, _, body) => (status, body.to_string()),
            Reply::Text(status, _, body) => (status, body),
            other => panic!("{other:?} is for connections"),
        };
        Ok(RelayAnswer { status, headers: http::HeaderMap::new(), body: body.into(), came: now() })
    }
}

#[async_trait::async_trait]
impl FindRelay for Cluster {
    async fn find(&self, id: &ConnectionId) -> Result<Arc<dyn Relay>, NoRelay> {
        match id.as_str() {
            "prod-eu" => Ok(Arc::new(self.clone())),
            "paused" => Err(NoRelay::Paused),
            "slow" => Err(NoRelay::NotYet),
            "loki" => Err(NoRelay::Unfit),
            "shut" => Err(NoRelay::Shut(Box::new(
                Problem::new(Code::VaultLocked, "The secrets are locked.")
                    .why("Nobody gave the passphrase.")
                    .next("Give it."),
            ))),
            _ => Err(NoRelay::Unknown(["prod-eu", "prod-us"].map(ConnectionId::slug).into())),
        }
    }
}

const SERVICE: (&str, &str) = ("service", "monitoring/prometheus-operated:9090/prometheus");

fn words(problem: &Problem) -> String {
    let mut text = format!("{:?}: {}\n", problem.code, problem.what);
    for (word, part) in [("why", &problem.why), ("next", &problem.next), ("remedy", &problem.remedy)] {
        if let Some(part) = part {
            writeln!(text, "  {word}: {part}").unwrap();
        }
    }
    text
}

async fn told(cluster: Cluster, fields: &[(&str, &str)]) -> String {
    let connector = open_among(fields, Clock::of(now), Relays::of(cluster)).unwrap();
    match connector.probe().await {
        Ok(tested) => words(&tested.problem.expect("it finds nothing wrong")),
        Err(problem) => words(&problem),
    }
}

#[tokio::test(start_paused = true)]
async fn questions_go_by_get_to_the_service_and_with_no_name_of_ours() {
    let cluster = Cluster::new(|path| Ok(well(path)));
    let fields = [SERVICE, ("via", "prod-eu"), ("tenant", "team-a"), ("header", "X-Gateway: key hunter2hunter2")];
    let connector = open_among(&fields, Clock::of(now), Relays::of(cluster.clone())).unwrap();
    let tested = connector.probe().await.unwrap();
    assert_eq!((tested.problem, tested.version.as_deref()), (None, Some("3.5.0")));
    assert_eq!(tested.may[0], "read 2 GPUs on 1 node, measured every 15 s");
    let address = connector.about().address.unwrap();
    assert_eq!(address, "monitoring/prometheus-operated:9090/prometheus by way of prod-eu");

    let asked = cluster.asked.lock().unwrap().clone();
    assert_eq!(asked[0].path, "/prometheus/api/v1/status/buildinfo");
    let query = asked.iter().find(|one| one.path.contains("query=")).unwrap();
    assert!(query.path.starts_with("/prometheus/api/v1/query?query=") && !query.path.contains([' ', '{', '"']));
    for one in &asked {
        assert_eq!(one.service.segment(), "prometheus-operated:9090");
        let mut names: Vec<&str> = one.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["thanos-tenant", "x-gateway", "x-scope-orgid"]);
    }
}

#[tokio::test(start_paused = true)]
async fn each_reason_why_nothing_comes_is_told() {
    let mut all = String::new();
    for via in ["nowhere", "paused", "slow", "loki", "shut"] {
        let cluster = Cluster::new(|path| Ok(well(path)));
        writeln!(all, "- {via}\n{}", told(cluster, &[SERVICE, ("via", via)]).await).unwrap();
    }
    let denied = || {
        let problem =
            Problem::new(Code::Denied, "prod-eu does not let us through to monitoring/prometheus-operated:9090.");
        RelayFailure::Told(Box::new(problem.why("403 for oncall.").next("Apply this.").remedy("kind: Role")), None)
    };
    let cases: [(&str, Cluster); 7] = [
        ("403 of the cluster", Cluster::new(move |_| Err(denied()))),
        ("silence", Cluster::new(|_| Err(RelayFailure::TimedOut(Duration::from_secs(10))))),
        ("401 of its own", Cluster::new(|_| Ok(Reply::Text(401, "", "Unauthorized".to_owned())))),
        ("403 of its own", Cluster::new(|_| Ok(error(403, "", "", "key hunter2hunter2 may not read this tenant")))),
        ("404 of its own", Cluster::new(|_| Ok(Reply::Text(404, "", "404 page not found".to_owned())))),
        ("503 of its own", Cluster::new(|_| Ok(error(503, "", "unavailable", "the store is starting")))),
        ("302", Cluster::new(|_| Ok(Reply::Text(302, "", String::new())))),
    ];
    for (what, cluster) in cases {
        let fields = [SERVICE, ("cluster", "prod-eu"), ("header", "X-Gateway: key hunter2hunter2")];
        writeln!(all, "- {what}\n{}", told(cluster, &fields).await).unwrap();
    }
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!(all);
}

#[test]
fn settings_that_cannot_be_used_are_told_before_anybody_is_asked() {
    let mut all = String::new();
    let via = ("via", "prod-eu");
    for fields in [
        &[][..],
        &[SERVICE],
        &[via],
        &[SERVICE, ("via", "gpus")],
        &[SERVICE, via, ("url", "http://a.example")],
        &[("service", "prometheus"), via],
        &[SERVICE, via, ("token", "hunter2hunter2")],
        &[SERVICE, via, ("username", "pilot"), ("password", "hunter2hunter2")],
        &[SERVICE, via, ("header", "Authorization: Bearer hunter2hunter2")],
        &[SERVICE, via, ("header", "Impersonate-User: root")],
        &[SERVICE, via, ("ca", "/etc/ssl/ca.pem")],
        &[SERVICE, via, ("insecure", "true")],
    ] {
        let Err(problem) = open(fields, Clock::of(now)) else { panic!("{fields:?} opens") };
        assert_eq!(problem.code, Code::BadInput);
        let keys: Vec<&str> = fields.iter().map(|(key, _)| *key).collect();
        writeln!(all, "- {}\n{}", keys.join(" "), words(&problem)).unwrap();
    }
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!(all);
}

/// A cluster that asks for patience gets it, and the connection is slow and not lost.
#[tokio::test(start_paused = true)]
async fn patience_that_the_cluster_asks_for_is_given() {
    let busy = || {
        let problem = Box::new(Problem::new(Code::TooMany, "prod-eu asks us to be patient."));
        RelayFailure::Told(problem, Some(Duration::from_secs(120)))
    };
    let cluster = Cluster::new(move |_| Err(busy()));
    let connector = open_among(&[SERVICE, ("via", "prod-eu")], Clock::of(now), Relays::of(cluster.clone())).unwrap();
    let (way, mut batches) = tokio::sync::mpsc::channel(64);
    let sink = Sink::new(ConnectionId::slug("gpus"), way, Clock::of(now));
    let watch = tokio::spawn(async move { connector.watch(sink).await });
    tokio::time::sleep(Duration::from_secs(110)).await;
    assert_eq!(cluster.asked.lock().unwrap().len(), 1);
    let mut slow = false;
    while let Ok(batch) = batches.try_recv() {
        slow |= batch.facts.iter().any(|fact| matches!(fact, Fact::Source(SourceFact::Health(Health::Slow(_)))));
    }
    assert!(slow);
    watch.abort();
}
