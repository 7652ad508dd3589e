//! The past of a GPU: what was recorded here, and what a real Prometheus keeps of before.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::site::{LIMIT, Plan, Site, nearly};
use acceptance::{Failure, Result, until};
use pilothouse_engine::{Clock, Engine, Operator, Options, Paths};
use pilothouse_wire::{
    Act, Answer, Ask, Code, Metric, ObjectRef, Problem, Stamp, When,
    form::Draft,
    view::{Past, Series},
};

const HOUR: Duration = Duration::from_secs(3_600);

/// An engine that records, with the site's cluster and its Prometheus.
async fn engine(site: &Site, home: &Path) -> Result<Operator> {
    let options = Options { paths: Paths::under(home), demo: false, only: None, record: true, clock: Clock::system() };
    let operator = Engine::start(options).await.map_err(told)?;
    let kubeconfig = site.plane.kubeconfig().display().to_string();
    for (kind, name, values) in [
        ("kubernetes", "admin", vec![("context", "admin".to_owned()), ("kubeconfig", kubeconfig)]),
        ("prometheus", "metrics", vec![("url", site.prometheus.url())]),
    ] {
        let values = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<BTreeMap<_, _>>();
        let draft = Draft { kind: kind.to_owned(), name: name.to_owned(), values };
        operator.act(Act::AddConnection { draft, secrets: Vec::new() }).await.map_err(told)?;
    }
    Ok(operator)
}

fn told(problem: Problem) -> Failure {
    Failure::new(format!("{problem:?}"))
}

async fn recorded(operator: &Operator, object: &ObjectRef) -> Result<Past> {
    let ask = Ask::History { object: object.clone(), span: HOUR, when: When::Now };
    match operator.reader().ask(ask).await.map_err(told)? {
        Answer::History(past) => Ok(past),
        other => Err(Failure::new(format!("{other:?}"))),
    }
}

async fn older(operator: &Operator, object: &ObjectRef, before: Option<Stamp>) -> std::result::Result<Past, Problem> {
    let ask = Ask::Older { object: object.clone(), span: HOUR, when: When::Now, before };
    match operator.reader().ask(ask).await? {
        Answer::History(past) => Ok(past),
        other => panic!("{other:?}"),
    }
}

fn power(past: &Past) -> &Series {
    past.series.iter().find(|series| series.metric == Metric::Power).unwrap_or_else(|| panic!("no power in {past:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_before_the_record_comes_from_prometheus_and_its_loss_leaves_what_is_recorded() -> Result<()> {
    let plan = Plan { nodes: 1, pods: vec![("llama", 1, 4)], jobs: &["dcgm"] };
    let mut site = Site::unconnected("past", &plan).await?;
    until("there is a past", LIMIT, async || {
        let long = site.prometheus.query("count_over_time(DCGM_FI_DEV_GPU_TEMP[5m]) >= 30").await?;
        Ok((!long.is_empty()).then_some(()))
    })
    .await?;
    let home = tempfile::tempdir().unwrap();
    let operator = engine(&site, home.path()).await?;
    let gpu: ObjectRef = format!("gpu:admin/{}/0", site.node(0)).parse().unwrap();
    let node: ObjectRef = format!("node:admin/{}", site.node(0)).parse().unwrap();
    let pod: ObjectRef = format!("pod:admin/{}/llama-0", site.namespace).parse().unwrap();
    let own = until("the record begins", LIMIT, async || {
        let past = recorded(&operator, &gpu).await?;
        Ok((!past.series.is_empty()).then_some(past))
    })
    .await?;
    assert_eq!(own.from, None, "it is recorded here");
    let (began, _) = own.ends().unwrap();

    let before = older(&operator, &gpu, Some(began)).await.map_err(told)?;
    assert_eq!(before.from.as_ref().map(|id| id.as_str()), Some("metrics"));
    let points: Vec<_> = power(&before).points.iter().filter(|(_, reading)| !reading.is_absent()).collect();
    assert!(
        points.len() >= 2 && points.iter().all(|(at, _)| *at < began),
        "{before:?}, and the record is from {began}"
    );
    // Point by point what Prometheus says of that time.
    let uuid = site.change_gpu(0, 0, |gpu| gpu.uuid.clone());
    for (at, reading) in points {
        let query = format!("DCGM_FI_DEV_POWER_USAGE{{UUID=\"{uuid}\"}} @ {:.3}", at.0 as f64 / 1_000.0);
        let said: f64 = site.prometheus.query(&query).await?[0].value.parse().unwrap();
        assert!(nearly(reading.finite().unwrap().into(), said), "{reading:?} at {at}, and Prometheus says {said}");
    }
    // Used by total is a share there, too.
    assert!(before.series.iter().any(|series| series.metric == Metric::MemoryUse), "{before:?}");

    // Eight GPUs are one: four that work and four that rest.
    let of_node = older(&operator, &node, Some(began)).await.map_err(told)?;
    let last = power(&of_node).points.last().unwrap().1.finite().unwrap();
    assert!(nearly(last.into(), 4.0 * (488.315 + 70.124)), "{last} W");
    // Before a pod was started its GPUs were in other hands.
    let of_pod = older(&operator, &pod, None).await.map_err(told)?;
    let object = site.plane.api()?.get(&format!("/api/v1/namespaces/{}/pods/llama-0", site.namespace)).await?;
    let started: Stamp = object["status"]["startTime"].as_str().unwrap().parse().unwrap();
    assert!(of_pod.ends().is_some_and(|(first, _)| first >= started), "{of_pod:?}, and it started at {started}");

    site.prometheus.kill();
    let lost = older(&operator, &gpu, Some(began)).await.unwrap_err();
    assert!(lost.code == Code::Refused && lost.what.contains("metrics"), "{lost:?}");
    assert!(recorded(&operator, &gpu).await?.series.len() >= own.series.len(), "what is recorded stays");
    operator.shutdown().await;
    Ok(())
}
