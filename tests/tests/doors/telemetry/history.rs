//! The past of a GPU: what was recorded here, and what a real Prometheus keeps of before.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::telemetry_site::{LIMIT, Plan, Site, nearly};
use acceptance::{Failure, Result, until};
use pilothouse_engine::{Clock, Engine, Operator, Options, Paths};
use pilothouse_wire::{
    Act, Answer, Ask, Body, Code, Metric, ObjectRef, Problem, Stamp, View, ViewSpec, When,
    form::Draft,
    view::{Lane, LaneKind, Past, Series},
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

async fn ribbon_lanes(operator: &Operator) -> Result<Vec<Lane>> {
    let ask = Ask::Frame { spec: ViewSpec::Ribbon { span: HOUR, end: When::Now }, when: When::Now };
    match operator.reader().ask(ask).await.map_err(told)? {
        Answer::Frame(frame) => match frame.body {
            Body::Full(View::Ribbon(ribbon)) => Ok(ribbon.lanes),
            other => Err(Failure::new(format!("{other:?}"))),
        },
        other => Err(Failure::new(format!("{other:?}"))),
    }
}

async fn lanes_before(operator: &Operator) -> Result<(Vec<Lane>, Vec<Problem>)> {
    match operator.reader().ask(Ask::Lanes { span: HOUR, end: When::Now }).await.map_err(told)? {
        Answer::Lanes { lanes, problems } => Ok((lanes, problems)),
        other => Err(Failure::new(format!("{other:?}"))),
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

    // The lanes of the ribbon: what is measured now is a line, and what was before is asked for.
    let (live, kept) = (ribbon_lanes(&operator).await?, lanes_before(&operator).await?);
    let activity = |lanes: &[Lane]| lanes.iter().find(|lane| lane.kind == LaneKind::Activity).cloned();
    let line = activity(&live).unwrap_or_else(|| panic!("no activity in {live:?}"));
    let before = activity(&kept.0).unwrap_or_else(|| panic!("no activity in {kept:?}"));
    assert_eq!((&before.name, &before.source, kept.1.len()), (&line.name, &line.source, 0));
    assert_eq!((line.name.as_str(), line.unit.as_str()), ("GPU activity, metrics", "%"));
    let first = line.points[0].0;
    assert!(before.points.len() >= 2 && before.points.iter().all(|(at, _)| *at < first), "{before:?}, then {line:?}");
    for (at, value) in &before.points {
        let query = format!("avg(max by (UUID) (DCGM_FI_DEV_GPU_UTIL @ {:.3}))", at.0 as f64 / 1_000.0);
        let said: f64 = site.prometheus.query(&query).await?[0].value.parse().unwrap();
        assert!(nearly(*value, said), "{value} at {at}, and Prometheus says {said}");
    }

    site.prometheus.kill();
    let (none, problems) = lanes_before(&operator).await?;
    assert!(none.is_empty() && problems[0].what.contains("metrics"), "{problems:?}");
    let lost = older(&operator, &gpu, Some(began)).await.unwrap_err();
    assert!(lost.code == Code::Refused && lost.what.contains("metrics"), "{lost:?}");
    assert!(recorded(&operator, &gpu).await?.series.len() >= own.series.len(), "what is recorded stays");
    operator.shutdown().await;
    Ok(())
}
