//! What was before Pilothouse was there: started half an hour after a change, it has the change on its ribbon, at its time,
//! and says that nobody saw it happen.
//!
//! Nobody waits for half an hour. What changes is changed by the real controllers, and then all that their server keeps is
//! made older where it keeps it ([`ControlPlane::age`]); a real Prometheus gets its past by its own tool.

use std::collections::BTreeMap;
use std::time::Duration;

use acceptance::exporter::Node;
use acceptance::prometheus::Job;
use acceptance::{
    ControlPlane, Exporters, Failure, GpuNodes, GpuPods, Options, Page, Prometheus, Result, Terminal, api, until,
};
use pilothouse_engine::{Clock, Engine, Operator, Options as EngineOptions, Paths};
use pilothouse_wire::{
    Act, Answer, Ask, Body, Problem, Stamp, View, ViewSpec, When,
    form::Draft,
    view::{Mark, MarkKind},
};
use serde_json::json;
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(120);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const IMAGE: &str = "registry.test/chat:v2";

/// A Deployment asks for more, is scaled and gets another image, and a node gets a condition: the last of it half an hour ago.
/// Answers when the image came.
async fn changes_of_before(plane: &mut ControlPlane) -> Result<Stamp> {
    plane.add_gpu_nodes(&GpuNodes::new("before", 2, 8), LIMIT).await?;
    let pods = GpuPods::new("default", "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    plane.age(6 * MINUTE).await?;
    plane.kubectl(&["set", "resources", "deployment/chat", "--limits=cpu=4", "--requests=cpu=4"]).await?;
    plane.kubectl(&["rollout", "status", "deployment/chat", "--timeout=120s"]).await?;

    plane.age(6 * MINUTE).await?;
    plane.kubectl(&["scale", "deployment/chat", "--replicas=4"]).await?;
    plane.wait_running(&GpuPods { count: 4, ..pods }, LIMIT).await?;

    plane.age(6 * MINUTE).await?;
    let image = format!("*={IMAGE}");
    plane.kubectl(&["set", "image", "deployment/chat", &image, "--field-manager=somebody"]).await?;
    plane.kubectl(&["rollout", "status", "deployment/chat", "--timeout=120s"]).await?;
    let since = Clock::system().now().to_string();
    let condition = json!({
        "type": "MemoryPressure", "status": "True", "reason": "KubeletHasInsufficientMemory", "message": "",
        "lastHeartbeatTime": since, "lastTransitionTime": since,
    });
    let path = "/api/v1/nodes/before-0000";
    let mut conditions = plane.api()?.get(path).await?["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|one| one["type"] != "MemoryPressure");
    conditions.push(condition);
    let status = json!({ "status": { "conditions": conditions } });
    plane.api()?.patch(&format!("{path}/status"), &status).await?;

    plane.age(30 * MINUTE).await?;
    let sets = plane.api()?.get("/apis/apps/v1/namespaces/default/replicasets").await?;
    let is_newest =
        |set: &&serde_json::Value| set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3";
    let newest = api::items(&sets).iter().find(is_newest);
    let made = newest.and_then(|set| set["metadata"]["creationTimestamp"].as_str()).unwrap_or_default();
    made.parse().map_err(|_| Failure::new(format!("no ReplicaSet of revision 3 says when it was made: {sets}")))
}

/// What the ribbon says, sign by sign from the newest to the oldest, as somebody reads it who walks along it by the keys.
async fn bubbles(page: &Page) -> Result<Vec<String>> {
    // Nothing is looked at: then the first step goes to the newest.
    page.key(Key::Escape).await?;
    page.ask("document.querySelector('.ribbon-marks').focus()").await?;
    let mut all: Vec<String> = Vec::new();
    for _ in 0..60 {
        page.key(Key::Left).await?;
        let text = page.ask("return document.querySelector('.ribbon .bubble')?.innerText ?? ''").await?;
        let text = text.as_str().unwrap_or_default().to_owned();
        if all.last() == Some(&text) {
            break;
        }
        all.push(text);
    }
    Ok(all)
}

/// Waits until one sign says all of this.
async fn says(page: &Page, all: &[&str]) -> Result<()> {
    let (what, mut last) = (format!("a sign of the ribbon says {all:?}"), Vec::new());
    let said = until(&what, LIMIT, async || {
        last = bubbles(page).await?;
        Ok(last.iter().any(|text| all.iter().all(|part| text.contains(part))).then_some(()))
    });
    said.await.map_err(|failure| Failure::new(format!("{failure}; it says:\n{}", last.join("\n--\n"))))
}

#[tokio::test(flavor = "multi_thread")]
async fn started_half_an_hour_after_a_change_the_ribbon_shows_it() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    let made = changes_of_before(&mut plane).await?;

    let began = Clock::system().now();
    assert!(began.since(made) >= 30 * MINUTE, "the image came at {made}, and it is {began}");
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let (door, link) = terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &link).await?;
    page.find_by("[data-test='chip-admin'][data-state='live']").await?;

    let rebuilt = "Rebuilt from what the server keeps: nobody saw it happen.";
    let change = format!("→ {IMAGE}, revision 2 → 3");
    says(&page, &[&made.clock(), "chat v2", &change, "by somebody", rebuilt]).await?;
    says(&page, &["chat cpu 1 → 4", "revision 1 → 2", rebuilt]).await?;
    says(&page, &["chat 2 → 4", rebuilt]).await?;
    says(&page, &["before-0000: MemoryPressure", "KubeletHasInsufficientMemory", rebuilt]).await?;
    says(&page, &["before-0001 came", rebuilt]).await?;
    // Wherever else a change is told: by a word, and by the shape of its sign.
    page.find_by(".ribbon .change.rebuilt").await?;
    page.press("tab-workloads").await?;
    page.press_by("[data-test='row'][data-key='workload:admin/default/Deployment/chat']").await?;
    page.reads_as(".changes", |text| text.contains("chat v2") && text.contains("rebuilt"), "says so in a word").await?;
    page.find_by(".changes .change.rebuilt").await?;
    page.close().await?;
    drop(door);
    let (wall, address) = terminal.serve(&["--wall"]).await?;
    let page = Page::browser((1_920, 1_080), &address.replace("/wall", "/wall?show=changes")).await?;
    let says_so = |text: &str| text.lines().any(|line| line.contains("chat v2") && line.ends_with("· rebuilt"));
    page.reads_as("[data-test='wall-changes']", says_so, "says so in a word").await?;
    page.find_by("[data-test='wall-changes'] .change.rebuilt").await?;
    page.find_by("[data-test='wall-strip'] .change.rebuilt").await?;
    page.close().await?;
    drop(wall);
    Ok(())
}

/// Of a GPU by its UUID: values with their times, the oldest first.
type Past = BTreeMap<String, Vec<(Stamp, f64)>>;

/// As OpenMetrics writes them, with the exporter's names.
fn open_metrics(families: &[(&str, Past)]) -> String {
    let mut text = String::new();
    for (name, gpus) in families {
        text.push_str(&format!("# TYPE {name} gauge\n"));
        for (uuid, points) in gpus {
            for (at, value) in points {
                let seconds = at.0.div_euclid(1_000);
                text.push_str(&format!("{name}{{UUID=\"{uuid}\"}} {value} {seconds}\n"));
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

fn told(problem: Problem) -> Failure {
    Failure::new(format!("{problem:?}"))
}

async fn add(operator: &Operator, kind: &str, name: &str, values: &[(&str, &str)]) -> Result<()> {
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let draft = Draft { kind: kind.to_owned(), name: name.to_owned(), values };
    operator.act(Act::AddConnection { draft, secrets: Vec::new() }).await.map_err(told).map(drop)
}

/// Faults and slow-downs on the ribbon of a day, the oldest first.
async fn of_gpus(operator: &Operator) -> Result<Vec<Mark>> {
    let ask = Ask::Frame { spec: ViewSpec::Ribbon { span: DAY, end: When::Now }, when: When::Now };
    match operator.reader().ask(ask).await.map_err(told)? {
        Answer::Frame(frame) => match frame.body {
            Body::Full(View::Ribbon(ribbon)) => {
                let is_of_gpu = |mark: &&Mark| matches!(mark.key.kind, MarkKind::Fault | MarkKind::Slowdown);
                Ok(ribbon.marks.rows().iter().filter(is_of_gpu).cloned().collect())
            }
            other => Err(Failure::new(format!("{other:?}"))),
        },
        other => Err(Failure::new(format!("{other:?}"))),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn xids_and_slow_downs_of_before_are_on_the_ribbon_as_a_prometheus_keeps_them() -> Result<()> {
    let nodes = GpuNodes::new("ranges", 1, 8);
    let plane = ControlPlane::shared().await?;
    plane.add_gpu_nodes(&nodes, LIMIT).await?;
    let exporters = Exporters::serve(Node::of_pool(&nodes)).await?;
    let name = nodes.name(0);
    let uuid = |gpu: usize| exporters.change(|pages| pages.nodes[&name].gpus[gpu].uuid.clone());
    // The last XID stays until the driver is loaded anew.
    exporters.change(|pages| {
        for (gpu, xid) in [(3, 79.0), (4, 31.0)] {
            let gpu = &mut pages.nodes.get_mut(&name).unwrap().gpus[gpu];
            gpu.values.insert("DCGM_FI_DEV_XID_ERRORS".to_owned(), xid);
        }
    });

    let now = Clock::system().now();
    let ago = |minutes: u32| now.minus(minutes * MINUTE);
    let each_minute = |value: &dyn Fn(u32) -> f64| -> Vec<(Stamp, f64)> {
        (20..=26 * 60).rev().map(|minutes| (ago(minutes), value(minutes))).collect()
    };
    let xids: [(usize, &dyn Fn(u32) -> f64); 3] =
        [(3, &|minutes| if minutes <= 40 { 79.0 } else { 0.0 }), (4, &|_| 31.0), (5, &|_| 0.0)];
    // Heat and what the hardware does against it, twice within ten minutes; and a power cap, at which a GPU works as it
    // should.
    let hot = |minutes: u32| (116..=120).contains(&minutes) || (110..=112).contains(&minutes);
    let reasons: [(usize, &dyn Fn(u32) -> f64); 2] = [
        (5, &move |minutes| if hot(minutes) { 72.0 } else { 1.0 }),
        (6, &|minutes| if minutes <= 60 { 4.0 } else { 0.0 }),
    ];
    let past = |of: &[(usize, &dyn Fn(u32) -> f64)]| -> Past {
        of.iter().map(|(gpu, value)| (uuid(*gpu), each_minute(*value))).collect()
    };
    let families = [("DCGM_FI_DEV_XID_ERRORS", past(&xids)), ("DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", past(&reasons))];
    let jobs = [Job::new("dcgm", exporters.gpu_targets())];
    let prometheus = Prometheus::start_with_past(&open_metrics(&families), Duration::from_secs(1), &jobs).await?;

    let home = tempfile::tempdir().unwrap();
    let paths = Paths::under(home.path());
    let options = EngineOptions { paths, demo: false, only: None, record: true, clock: Clock::system() };
    let operator = Engine::start(options).await.map_err(told)?;
    let kubeconfig = plane.kubeconfig().display().to_string();
    add(&operator, "kubernetes", "admin", &[("context", "admin"), ("kubeconfig", &kubeconfig)]).await?;
    add(&operator, "prometheus", "metrics", &[("url", &prometheus.url())]).await?;

    let marks = until("both are on the ribbon", LIMIT, async || {
        let marks = of_gpus(&operator).await?;
        Ok((marks.len() >= 2).then_some(marks))
    })
    .await?;
    let words: Vec<(&str, MarkKind, bool)> =
        marks.iter().map(|mark| (mark.title.as_str(), mark.key.kind, mark.rebuilt)).collect();
    let (slow, fault) = (format!("{name} / 5 slowed by heat"), format!("{name} / 3: XID 79"));
    assert_eq!(words, [(slow.as_str(), MarkKind::Slowdown, true), (fault.as_str(), MarkKind::Fault, true)]);
    for (mark, minutes, gpu) in [(&marks[0], 120, 5), (&marks[1], 40, 3)] {
        let (began, late) = (ago(minutes), mark.key.at.since(ago(minutes)));
        assert!(mark.key.at.plus(MINUTE) >= began && late <= 2 * MINUTE, "{mark:?}, and it began at {began}");
        assert_eq!(mark.key.object.to_string(), format!("gpu:admin/{name}/{gpu}"));
        let detail = mark.detail.as_deref().unwrap_or_default();
        assert!(detail.contains("before"), "it says how sure its time is: {mark:?}");
    }
    operator.shutdown().await;
    Ok(())
}
