//! An MLflow of before, and a proxy in front of one that wants people to sign in. Both are played: what MLflow 2.22.2 says is what
//! a real one answered, byte by byte (`mlflow_2_22_2.json`); the proxy's pages are made up after oauth2-proxy and nginx.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use acceptance::{Context, Failure, Result};
use pilothouse_connect::NotSent;
use pilothouse_connect::conformance::scripted::{Reply, Scripted};
use pilothouse_wire::plan::{Deed, Intent};
use pilothouse_wire::runs::{RunAnswer, RunAsk, RunQuery};
use pilothouse_wire::{Code, Health, ModelId, ObjectRef, Problem};
use serde_json::Value;

use crate::mlflow::{Watch, id, open};

/// What a real one answered: its paths without their queries, statuses, types and bodies.
const RECORDED: &str = include_str!("mlflow_2_22_2.json");
const NOT_FOUND: &str = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n";
const SIGN_IN: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Sign In</title></head><body>\
                       <form method=\"GET\" action=\"/oauth2/start\"><button>Sign in with hunter2</button></form></body></html>";

fn recorded() -> Value {
    serde_json::from_str(RECORDED).unwrap()
}

/// The run of the records.
fn run() -> String {
    recorded()["run"].as_str().unwrap_or_default().to_owned()
}

/// What MLflow 2.22.2 answered to a path.
fn answered(recorded: &Value, path: &str) -> Reply {
    let path = path.split('?').next().unwrap_or_default();
    let found = recorded["answers"].as_array().into_iter().flatten().find(|answer| answer["path"] == path);
    let Some(answer) = found else { return Reply::Text(404, "content-type: text/html\r\n", NOT_FOUND.to_owned()) };
    let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
    let headers = match answer["type"].as_str() {
        Some("application/json") => "content-type: application/json\r\n",
        Some("text/plain") => "content-type: text/plain\r\n",
        _ => "content-type: text/html; charset=utf-8\r\n",
    };
    Reply::Text(status, headers, answer["body"].as_str().unwrap_or_default().to_owned())
}

fn told(problem: Problem) -> Failure {
    Failure::new(problem.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_old_mlflow_that_answers_what_a_real_one_of_2_22_did_all_is_read_but_what_it_does_not_know_and_that_is_said()
-> Result<()> {
    let answers = recorded();
    let server = Scripted::start(move |path, _| answered(&answers, path)).await.could_not("start a server")?;
    let connector = open(&server.url, &[], &[])?;
    let tested = connector.probe().await.map_err(told)?;
    assert_eq!((tested.version.as_deref(), tested.problem), (Some("2.22.2"), None));
    let watch = Watch::start(Arc::clone(&connector));
    watch.until_health("it is well", |health| *health == Health::Well).await?;
    let row = watch.model("chat").unwrap();
    assert_eq!((row.versions.len(), row.aliases[0].name.as_str(), row.aliases[0].version), (1, "champion", 1));

    let run = run();
    let RunAnswer::Run(read) = connector.runs(&RunAsk::Run(run.as_str().into())).await.map_err(told)? else { panic!() };
    assert_eq!((read.about.name.as_str(), read.about.experiment.1.as_deref()), ("first", Some("chat")));
    assert_eq!(read.about.params, [("lr".into(), "0.001".to_owned())]);
    assert_eq!(read.artefacts.entries.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["model"]);
    // None is known is another thing than that there is none.
    let [problem] = read.problems.as_slice() else { panic!("{:?}", read.problems) };
    assert_eq!((problem.code, problem.what.as_str()), (Code::NotOffered, "registry keeps no logged models."));
    assert!(read.models.is_empty() && problem.why.as_ref().is_some_and(|why| why.contains("MLflow 3")), "{problem}");

    let keys = vec!["loss".into()];
    let metrics = connector.runs(&RunAsk::Metrics { run: run.as_str().into(), keys }).await.map_err(told)?;
    let RunAnswer::Metrics(histories) = metrics else { panic!("{metrics:?}") };
    assert_eq!((histories[0].points.len(), &histories[0].problem), (3, &None));
    let found = connector.runs(&RunAsk::Search(RunQuery { most: 5, ..RunQuery::default() })).await.map_err(told)?;
    assert!(matches!(&found, RunAnswer::Found(page) if page.runs.len() == 1), "{found:?}");
    let signature = connector.runs(&RunAsk::Signature { model: "chat".into(), version: 1 }).await.map_err(told)?;
    assert!(matches!(&signature, RunAnswer::Signature(Some(of)) if of.inputs == ["text: string"]), "{signature:?}");
    Ok(())
}

/// What a proxy does instead of handing on.
const PROXIES: [(Code, &str); 3] = [
    (Code::BadInput, "registry answers with a page for people."),
    (Code::BadInput, "registry sends us elsewhere."),
    (Code::ServerFailed, "registry failed to answer."),
];

fn proxied(how: usize) -> Reply {
    match how {
        1 => Reply::Text(200, "content-type: text/html\r\n", SIGN_IN.to_owned()),
        2 => Reply::Text(302, "location: https://login.example/oauth2/start?rd=%2F\r\n", SIGN_IN.to_owned()),
        _ => Reply::Text(502, "content-type: text/html\r\n", "<html><h1>502 Bad Gateway</h1></html>".to_owned()),
    }
}

/// What is told says what, why and what next, and repeats no page.
#[track_caller]
fn is_clear(problem: &Problem, (code, what): (Code, &str)) {
    assert_eq!((problem.code, problem.what.as_str()), (code, what), "{problem}");
    assert!(problem.why.is_some() && problem.next.is_some(), "{problem:?}");
    assert!(!problem.to_string().contains(['<', '>']) && !problem.to_string().contains("hunter2"), "{problem:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_proxy_that_answers_with_pages_for_people_is_told_and_nothing_is_lost_or_taken_for_done() -> Result<()>
{
    let (answers, how) = (recorded(), Arc::new(AtomicUsize::new(0)));
    let now = Arc::clone(&how);
    let script = move |path: &str, _| match now.load(Ordering::SeqCst) {
        0 => answered(&answers, path),
        how => proxied(how),
    };
    let server = Scripted::start(script).await.could_not("start a server")?;
    let connector = open(&server.url, &[], &[])?;
    let object = ObjectRef::Model(Box::new(ModelId { source: id(), name: "chat".into() }));
    let tag = Deed::SetTag { version: None, key: "team".into(), value: "chat".into() };
    let watch = Watch::start(Arc::clone(&connector));
    watch.until_health("it is well", |health| *health == Health::Well).await?;

    for (at, want) in PROXIES.into_iter().enumerate() {
        how.store(at + 1, Ordering::SeqCst);
        let lost = |health: &Health| matches!(health, Health::Lost(problem) if problem.what == want.1);
        let problem = watch.until_health(want.1, lost).await?.unwrap();
        is_clear(&problem, want);
        // What it said last stays, with its age.
        assert_eq!(watch.model("chat").map(|row| row.versions.len()), Some(1));
        is_clear(&connector.probe().await.unwrap_err(), want);
        is_clear(&connector.runs(&RunAsk::Run(run().as_str().into())).await.unwrap_err(), want);
        is_clear(&connector.plan(&Intent { object: object.clone(), deed: tag.clone() }).await.unwrap_err(), want);
    }
    // What is sent through it is never taken for done: whether the page came before or behind the write nobody can say.
    let request = pilothouse_wire::plan::Request {
        method: "POST".into(),
        path: "/api/2.0/mlflow/registered-models/set-tag".into(),
        media: "application/json".into(),
        body: "{}".into(),
    };
    how.store(1, Ordering::SeqCst);
    let Err(NotSent::Lost(problem)) = connector.send(&request).await else { panic!("it is taken for done") };
    is_clear(&problem, PROXIES[0]);

    how.store(0, Ordering::SeqCst);
    watch.until_health("it is back", |health| *health == Health::Well).await?;
    assert_eq!(watch.model("chat").map(|row| row.aliases.len()), Some(1));
    Ok(())
}
