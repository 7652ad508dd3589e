//! Serving engines from end to end: pods of a real cluster, the text of their engines, a real Prometheus, and what
//! `pilothouse` says. The engines' text is the harness's; all between it and the terminal is real.

use std::time::Duration;

use crate::telemetry_site::{LIMIT, Plan, Site};
use acceptance::exporter::{Engine, EngineKind, Mood, Naming};
use acceptance::{APP_LABEL, Exporters, GpuPods, Page, Result, until};
use serde_json::Value;
use tokio::task::JoinHandle;

/// A step of what engines do.
const STEP: Duration = Duration::from_millis(250);

/// A site with the pods `old-0` (a vLLM of version 0) and `sgl-0` (SGLang), and a deployment `chat` of two vLLMs, one of
/// them with two ranks; all scraped by the job `engines`.
struct Serving {
    site: Site,
    chat: Vec<String>,
    _work: Work,
}

/// What lets counters grow, until it is dropped.
pub(super) struct Work(JoinHandle<()>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Serving {
    async fn start(pool: &str) -> Result<Self> {
        let plan = Plan { nodes: 1, pods: vec![("old", 1, 1), ("sgl", 1, 1)], jobs: &["dcgm", "engines"] };
        let site = Site::unconnected(pool, &plan).await?;
        let pods = GpuPods::new(&site.namespace, "chat", 2, 1).on(pool);
        site.plane.add_gpu_deployment(&pods).await?;
        site.plane.wait_running(&pods, LIMIT).await?;
        let path = format!("/api/v1/namespaces/{}/pods?labelSelector={APP_LABEL}=chat", site.namespace);
        let list = site.plane.api()?.get(&path).await?;
        let name = |pod: &Value| pod["metadata"]["name"].as_str().unwrap().to_owned();
        let mut chat: Vec<String> = list["items"].as_array().unwrap().iter().map(name).collect();
        chat.sort();
        let exporters = &site.exporters;
        exporters.change(|pages| {
            let vllm = || Engine::new(EngineKind::Vllm, "llama-70b");
            let first = Engine { ranks: 2, running: 3.0, waiting: 4.0, deferred: Some(1.0), kv_use: 0.625, ..vllm() };
            let second = Engine { running: 5.0, waiting: 2.0, kv_use: 0.25, ..vllm() };
            let old =
                Engine { naming: Naming::Old, running: 7.0, kv_use: 0.5, ..Engine::new(EngineKind::Vllm, "mixtral") };
            let sgl =
                Engine { naming: Naming::Underscore, waiting: 9.0, ..Engine::new(EngineKind::Sglang, "qwen-32b") };
            let named = [(chat[0].as_str(), first), (&chat[1], second), ("old-0", old), ("sgl-0", sgl)];
            pages.engines.extend(named.map(|(pod, engine)| (pod.to_owned(), engine)));
        });
        let names = [chat[0].as_str(), &chat[1], "old-0", "sgl-0"];
        let targets: Vec<_> = names.iter().map(|pod| exporters.engine_target(&site.namespace, pod)).collect();
        // Two of them are scraped by a second job, too: as of a ServiceMonitor beside a PodMonitor.
        site.prometheus.set_targets("engines", &targets)?;
        let twice: Vec<_> = exporters.gpu_targets().into_iter().chain(targets[..2].iter().cloned()).collect();
        site.prometheus.set_targets("dcgm", &twice)?;
        let work = work(&site.exporters);
        until("the engines are scraped", LIMIT, async || {
            let told =
                site.prometheus.query("{__name__=~\"vllm:num_requests_running|sglang_num_running_reqs\"}").await?;
            Ok((told.len() == 8).then_some(()))
        })
        .await?;
        site.connect().await?;
        Ok(Self { site, chat, _work: work })
    }

    fn filter(&self) -> String {
        format!("namespace={}", self.site.namespace)
    }
}

/// Each second every engine takes in 2,000 tokens of prompts, writes 400, and answers 800 requests: enough for a p99 soon.
pub(super) fn work(exporters: &Exporters) -> Work {
    let pages = exporters.pages();
    Work(tokio::spawn(async move {
        loop {
            tokio::time::sleep(STEP).await;
            pages.lock().unwrap().engines.values_mut().for_each(|engine| {
                engine.prompt_tokens += 500.0;
                engine.generated_tokens += 100.0;
                engine.first_tokens.extend([0.05; 200]);
                engine.further_tokens.extend([0.02; 200]);
            });
        }
    }))
}

/// What an answer says of the engine of this pod or workload.
pub(super) fn serving<'a>(answer: &'a Value, of: &str, name: &str) -> &'a Value {
    let rows = answer[of].as_array().map_or(&[][..], Vec::as_slice);
    let found = rows.iter().find(|row| row["name"] == name || row["id"]["name"] == name);
    found.map_or(&Value::Null, |row| &row["serving"])
}

pub(super) fn of<'a>(serving: &'a Value, metric: &str) -> &'a Value {
    &serving["metrics"][metric]
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_say_what_their_pods_do_and_a_workload_is_its_pods_together() -> Result<()> {
    let all = Serving::start("engines").await?;
    let site = &all.site;
    let mut pods = site.terminal.watch(&["pods", "--filter", &all.filter()])?;
    let said = pods.until("the engines tell a p99", LIMIT, |said| {
        let told = |pod: &str| of(serving(said, "pods", pod), "ttft-p99").is_number();
        (told(&all.chat[0]) && told("old-0") && told("sgl-0")).then(|| said.clone())
    });
    let said = said.await?;
    let (first, old, sgl) =
        (serving(&said, "pods", &all.chat[0]), serving(&said, "pods", "old-0"), serving(&said, "pods", "sgl-0"));
    // Ranks are added up, two jobs that scrape one pod are not, and of what waits only what waits for capacity counts.
    for (row, metric, value) in [
        (first, "running", 6.0),
        (first, "waiting", 6.0),
        (first, "kv", 0.625),
        (old, "running", 7.0),
        (old, "kv", 0.5),
        (sgl, "waiting", 9.0),
        (sgl, "kv", 0.0),
        // All in the bucket from 0.04 to 0.06, and of the further tokens in that from 0.01 to 0.025.
        (first, "ttft-p50", 0.05),
        (first, "ttft-p99", 0.0598),
        (sgl, "ttft-p99", 0.0598),
        (old, "itl-p99", 0.02485),
        (first, "failed", 0.0),
    ] {
        let told = of(row, metric).as_f64();
        let fits = told.is_some_and(|told| (told - value).abs() <= 1e-5 * value.max(1.0));
        // No request failed: vLLM has no series of what never happened.
        assert!(fits || (metric == "failed" && told.is_none()), "{metric} is not {value} in {row:#}");
    }
    for (row, engine, model) in [(first, "vllm", "llama-70b"), (old, "vllm", "mixtral"), (sgl, "sglang", "qwen-32b")] {
        assert_eq!((&row["engines"][0], &row["models"][0]), (&engine.into(), &model.into()), "{row:#}");
        assert_eq!((&row["source"], &row["stale"]), (&"metrics".into(), &false.into()));
    }
    assert!(of(sgl, "failed").is_null(), "what SGLang does not say is absent");

    let mut workloads = site.terminal.watch(&["workloads", "--filter", &all.filter()])?;
    let said = workloads.until("the deployment is its pods", LIMIT, |said| {
        (serving(said, "workloads", "chat")["pods"] == 2).then(|| said.clone())
    });
    let said = said.await?;
    let chat = serving(&said, "workloads", "chat");
    for (metric, value) in [("running", 11.0), ("waiting", 8.0), ("kv", 0.625), ("ttft-p50", 0.05)] {
        let told = of(chat, metric).as_f64();
        assert!(told.is_some_and(|told| (told - value).abs() < 1e-5), "{metric} is not {value} in {chat:#}");
    }
    the_rate_is_that_of_prometheus(site, of(chat, "tokens").as_f64()).await
}

/// A rate is what PromQL said at some time of the last seconds: at which, only the server knows. It draws the line from
/// the samples on to the ends of the window, so that between two scrapes a rate trembles by a few parts in a hundred.
async fn the_rate_is_that_of_prometheus(site: &Site, told: Option<f64>) -> Result<()> {
    let rate = format!(
        "sum(max by (pod, engine) (rate(vllm:generation_tokens_total{{namespace=\"{}\",pod=~\"chat-.*\"}}[60s])))",
        site.namespace
    );
    let mut ends = Vec::new();
    for end in ["min", "max"] {
        let query = format!("{end}_over_time(({rate})[20s:250ms])");
        ends.extend(site.prometheus.query(&query).await?.iter().filter_map(|sample| sample.value.parse::<f64>().ok()));
    }
    let told = told.unwrap_or_else(|| panic!("no tokens are told"));
    assert!(ends.len() == 2 && ends[0] > 0.0, "{ends:?}");
    let within = (ends[0] * 0.95..=ends[1] * 1.05).contains(&told);
    assert!(within, "{told} tokens a second, and Prometheus says {ends:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_falls_silent_is_stale_and_one_that_begins_anew_makes_no_less_than_nothing() -> Result<()> {
    let all = Serving::start("engines-gone").await?;
    let site = &all.site;
    let filter = all.filter();
    let mut pods = site.terminal.watch(&["pods", "--filter", &filter])?;
    let (gone, stays) = (all.chat[0].as_str(), all.chat[1].as_str());
    pods.until("both tell", LIMIT, |said| {
        let tells = |pod: &str| of(serving(said, "pods", pod), "tokens").as_f64() > Some(0.0);
        (tells(gone) && tells(stays)).then_some(())
    })
    .await?;
    let mut workloads = site.terminal.watch(&["workloads", "--filter", &filter])?;
    workloads
        .until("they are one", LIMIT, |said| (serving(said, "workloads", "chat")["pods"] == 2).then_some(()))
        .await?;

    // One engine's page is broken, and the other is started anew: its counters begin at 0.
    site.exporters.change(|pages| {
        pages.moods.insert(gone.to_owned(), Mood::Broken);
        let engine = pages.engines.get_mut(stays).unwrap();
        (engine.generated_tokens, engine.prompt_tokens) = (0.0, 0.0);
    });
    let silent = pods.until("it is stale", LIMIT, |said| {
        let row = serving(said, "pods", gone);
        assert!(of(serving(said, "pods", stays), "tokens").as_f64() >= Some(0.0), "{said:#}");
        (row["stale"] == true && row["silent"] == 1).then(|| row.clone())
    });
    let silent = silent.await?;
    assert_eq!((&silent["pods"], of(&silent, "running")), (&0.into(), &6.0.into()), "what it said last stays");
    let together = workloads.until("it is left out of the sum", LIMIT, |said| {
        let row = serving(said, "workloads", "chat");
        (row["pods"] == 1 && row["silent"] == 1).then(|| row.clone())
    });
    let together = together.await?;
    assert_eq!((of(&together, "running"), of(&together, "kv")), (&5.0.into(), &0.25.into()), "{together:#}");
    let table = site.terminal.good(&["pods", "--filter", &filter, "--columns", "pod,engine,running"]).await?;
    let line = |pod: &str| table.lines().find(|line| line.starts_with(pod)).unwrap_or_default().to_owned();
    assert!(line(stays).contains("vLLM"), "{table}");

    site.exporters.change(|pages| pages.moods.clear());
    pods.until("it speaks again", LIMIT, |said| {
        let row = serving(said, "pods", gone);
        (row["stale"] == false && row["pods"] == 1).then_some(())
    })
    .await?;

    // An engine of version 0 is replaced by one that calls its KV cache otherwise: it is read on, by its new name.
    site.exporters.change(|pages| {
        let engine = pages.engines.get_mut("old-0").unwrap();
        (engine.naming, engine.kv_use) = (Naming::Usual, 0.75);
    });
    pods.until("it is read by its new name", LIMIT, |said| {
        (of(serving(said, "pods", "old-0"), "kv").as_f64() == Some(0.75)).then_some(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_the_pod_whose_requests_wait_and_where_its_past_comes_from() -> Result<()> {
    let all = Serving::start("engines-seen").await?;
    let site = &all.site;
    until("there is a past", LIMIT, async || {
        let long = site.prometheus.query("count_over_time(DCGM_FI_DEV_GPU_TEMP[5m]) >= 30").await?;
        Ok((!long.is_empty()).then_some(()))
    })
    .await?;
    let (door, address) = site.terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &address).await?;
    page.press("tab-pods").await?;
    page.fill("table-filter", &format!("engine=vllm waiting>5 namespace={}", site.namespace)).await?;
    page.reads_as("[data-test='table-count']", |text| text.starts_with("1 of"), "counts one pod").await?;
    let row = format!("[data-test='row'][data-key='pod:admin/{}/{}']", site.namespace, all.chat[0]);
    page.reads_as(&row, |text| text.contains("vLLM"), "names the engine").await?;
    page.press_by(&row).await?;
    page.reads_as("[data-test='serving']", |text| text.contains("llama-70b"), "names the model").await?;
    let value = |metric: &str| format!("[data-test='serving-value'][data-key='{metric}']");
    page.reads_as(&value("waiting"), |text| text == "6", "says what waits").await?;
    page.reads_as(&value("kv"), |text| text.contains("63") || text.contains("62"), "says how full the cache is")
        .await?;

    // The workload is its pods together, and says so.
    page.press("tab-workloads").await?;
    page.fill("table-filter", &format!("name=chat namespace={}", site.namespace)).await?;
    let row = format!("[data-test='row'][data-key='workload:admin/{}/Deployment/chat']", site.namespace);
    page.press_by(&row).await?;
    page.reads_as("[data-test='serving']", |text| text.contains("added up"), "says how").await?;
    page.reads_as(&value("running"), |text| text == "11", "adds them up").await?;

    page.press("tab-nodes").await?;
    page.fill("table-filter", &format!("name={}", site.node(0))).await?;
    page.press_by(&format!("[data-test='row'][data-key='node:admin/{}']", site.node(0))).await?;
    let from = |text: &str| text.contains("from metrics") && text.contains("recorded here");
    page.reads_as("[data-test='past-origin']", from, "says where the past comes from").await?;
    drop(door);
    page.close().await
}
