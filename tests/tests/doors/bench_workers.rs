//! A run past this machine: the Indexed Job is planned, confirmed and made on a real API server, and the controller of Jobs makes its
//! pods. kwok runs no container: the test starts the workers as processes of this machine against the Job's own pods, and says what
//! they print as the pods' logs ([`kubelet`]). The server that they load is scripted, so that it is known what was really sent.

mod kubelet;

use acceptance::truth::{Fault as Wrong, Script, Times};
use acceptance::{Context, ControlPlane, GpuNodes, Options, Page, Result, Rule, Said, Terminal, Truth, until};
use kubelet::{Fault, Kubelet};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

const LIMIT: Duration = Duration::from_secs(60);

/// One at a time: workers begin at a moment, and a machine that does too much at once would miss it.
static TURN: Mutex<()> = Mutex::const_new(());

/// A control plane on which pods of Jobs go on.
async fn plane() -> Result<&'static ControlPlane> {
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    let started = async {
        let plane = ControlPlane::start(Options { jobs_go_on: true, ..Options::default() }).await?;
        plane.add_gpu_nodes(&GpuNodes::new("bench", 2, 1), LIMIT).await?;
        Ok::<_, acceptance::Failure>(plane)
    };
    PLANE.get_or_try_init(|| started).await
}

struct Site {
    plane: &'static ControlPlane,
    namespace: String,
    truth: Truth,
    terminal: Terminal,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Site {
    async fn new() -> Result<Self> {
        let turn = TURN.lock().await;
        let plane = plane().await?;
        let namespace = plane.namespace("workers").await?;
        let times = Times::Fixed(Duration::from_millis(5));
        let truth =
            Truth::start(Script { ttft: times, gap: times, ..Script::quick() }.failing(|_| Wrong::None)).await?;
        let terminal = Terminal::new(&plane.kubeconfig())?;
        terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
        let folder = tempfile::tempdir().could_not("make a folder")?;
        Ok(Self { plane, namespace, truth, terminal, folder, _turn: turn })
    }

    async fn operated() -> Result<Self> {
        let site = Self::new().await?;
        site.terminal.good(&["connect", "operate", "admin"]).await?;
        Ok(site)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("run.json")
    }

    /// Runs it on three workers; what was said, and the document, where one is kept.
    async fn run(&self, on: &str, more: &str) -> Result<(Said, Value)> {
        self.run_by(&self.terminal, on, more).await
    }

    async fn run_by(&self, terminal: &Terminal, on: &str, more: &str) -> Result<(Said, Value)> {
        let (on, file, url) = (format!("{on}/{}", self.namespace), self.file(), self.truth.url());
        let file = file.to_string_lossy();
        let mut words = vec!["bench", "run", &url, "--model", "chat", "--on", &on, "--workers", "3", "--out", &file];
        words.extend(["--output-tokens", "4", "--warm-up", "none"]);
        words.extend(more.split_whitespace());
        let said = terminal.call(&words).await?;
        let document = std::fs::read(self.file()).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Ok((said, document.unwrap_or_default()))
    }

    /// The lines of requests beside the document, as they stand there.
    fn lines(&self) -> Result<Vec<Value>> {
        let file = self.folder.path().join("run.requests.jsonl");
        let text = std::fs::read_to_string(&file).could_not("read the requests")?;
        let lines: serde_json::Result<Vec<Value>> = text.lines().map(serde_json::from_str).collect();
        lines.could_not("read a request")
    }

    async fn jobs(&self) -> Result<Vec<Value>> {
        let path = format!("/apis/batch/v1/namespaces/{}/jobs", self.namespace);
        let list = self.plane.api()?.get(&path).await?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    async fn until_no_job(&self) -> Result<()> {
        until("the Job is gone", LIMIT, async || Ok(self.jobs().await?.is_empty().then_some(()))).await
    }

    /// The numbers of the requests that the server was really sent.
    fn sent(&self) -> Vec<u64> {
        let numbers = self.truth.log().into_iter().filter_map(|logged| logged.id.rsplit('-').next()?.parse().ok());
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable();
        numbers
    }
}

fn answered(of: &Value) -> Option<u64> {
    of["answered"].as_u64()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_load_of_one_machine_is_dealt_out_begun_together_and_put_together() -> Result<()> {
    let site = Site::new().await?;
    let load = "--concurrency 6 --requests 90 --slo e2e=100s";
    // A connection is read alone until somebody says otherwise.
    let (said, _) = site.run("admin", &format!("{load} --yes")).await?;
    assert!(said.code == 1 && said.err.contains("is read alone"), "{said:?}");
    site.terminal.good(&["connect", "operate", "admin"]).await?;

    let (plan, _) = site.run("admin", &format!("{load} --plan")).await?;
    for part in [
        "Run 3 workers of benchmark",
        "Make the Job: 3 pods, each a worker: POST /apis/batch/v1/namespaces/",
        "the server would take it",
        "/spec/completionMode: nothing → Indexed",
        "/spec/template/spec/automountServiceAccountToken: nothing → false",
        "They send closed loop, 6 at a time",
        "end-workers pilothouse-bench-",
    ] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    let (nobody, _) = site.run("admin", load).await?;
    assert!(nobody.code == 1 && nobody.err.contains("nobody was asked"), "{nobody:?}");
    assert_eq!((site.jobs().await?.len(), site.truth.count(), site.file().exists()), (0, 0, false));

    let kubelet = Kubelet::play(site.plane, &site.namespace, |_| Fault::None)?;
    let (said, document) = site.run("admin", &format!("{load} --yes --job bench-a")).await?;
    kubelet.check()?;
    assert_eq!((said.code, document["state"].as_str()), (0, Some("whole")), "{said:?}");
    // Each request was sent once, by one of them.
    assert_eq!(site.sent(), (0..90).collect::<Vec<u64>>());
    let measures = &document["measures"];
    assert_eq!((answered(&measures["requests"]), measures["ttft"]["count"].as_u64()), (Some(90), Some(90)));
    assert_eq!(measures["goodput"]["good"].as_u64(), Some(90));
    let classes = measures["itl_gap"]["counts"].as_array().into_iter().flatten();
    let values: u64 = classes.filter_map(|class| class[1].as_u64()).sum();
    assert_eq!((values, measures["tokens"]["output"].as_u64()), (270, Some(360)));
    let workers = document["workers"]["each"].as_array().cloned().unwrap_or_default();
    assert_eq!(workers.len(), 3);
    for (index, worker) in (0..).zip(&workers) {
        assert_eq!((worker["index"].as_u64(), &worker["came"]), (Some(index), &json!("whole")), "{worker}");
        assert_eq!(answered(&worker["requests"]), Some(30), "{worker}");
        assert!(worker["later_us"].as_u64().is_some_and(|late| late < 1_000_000), "{worker}");
        // Both have the clock of this machine: what is between the bounds is no difference.
        let [least, most] = ["least_ms", "most_ms"].map(|side| worker["clock"][side].as_i64());
        assert!(
            least.is_some_and(|least| least <= 0) && most.is_some_and(|most| (0..1_500).contains(&most)),
            "{worker}"
        );
        assert!(worker["node"].as_str().is_some_and(|node| node.starts_with("bench-")), "{worker}");
    }
    assert!(said.out.contains("3 of 3 told what they measured"), "{}", said.out);
    // Each request has its line beside it, whoever sent it, and says when it was sent from the common begin.
    let lines = site.lines()?;
    assert_eq!(lines.iter().map(|line| line["n"].as_u64()).collect::<Vec<_>>(), (0..90).map(Some).collect::<Vec<_>>());
    for line in &lines {
        assert_eq!(line["worker"].as_u64(), line["n"].as_u64().map(|n| n % 3), "{line}");
        assert_eq!(line["end"]["answered"]["pieces"].as_u64(), Some(4), "{line}");
    }
    assert!(workers.iter().all(|worker| worker["lines"] == json!({ "lines": 30, "of": 30 })), "{workers:?}");
    let export = site.terminal.good(&["bench", "export", &site.file().to_string_lossy(), "--jsonl"]).await?;
    assert_eq!(export.lines().count(), 90, "{export}");

    // Planned and written down as any action; and taken back as it was said.
    let book = site.terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("Run 3 workers of benchmark") && book.contains("Let 3 workers of"), "{book}");
    until("the Job is whole", LIMIT, async || {
        Ok(site.jobs().await?.first().is_some_and(|job| job["status"]["succeeded"] == 3).then_some(()))
    })
    .await?;
    let done = site.terminal.call(&["act", "end-workers", "bench-a", "-n", &site.namespace, "--yes"]).await?;
    assert!(done.code == 0 && done.err.contains("it is gone"), "{done:?}");
    site.until_no_job().await?;
    let pods = format!("/api/v1/namespaces/{}/pods", site.namespace);
    until("its pods are gone", LIMIT, async || {
        Ok(site.plane.api()?.get(&pods).await?["items"].as_array().is_some_and(Vec::is_empty).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_comes_keeps_all_from_beginning_and_one_that_is_not_ours_is_not_ended() -> Result<()> {
    let site = Site::operated().await?;
    let kubelet = Kubelet::play(site.plane, &site.namespace, |index| match index {
        2 => Fault::NeverStarts,
        _ => Fault::None,
    })?;
    let (said, document) =
        site.run("admin", "--concurrency 3 --requests 30 --yes --come-within 8 --job bench-never").await?;
    kubelet.check()?;
    assert_eq!((said.code, &document, site.truth.count()), (1, &Value::Null, 0), "{said:?}");
    for part in ["1 of 3 workers did not come within 8 s", "worker 2: it runs, and says nothing", "Nothing was sent"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    // What waits in vain is ended, and that is in the book.
    site.until_no_job().await?;
    assert!(site.terminal.good(&["audit", "list"]).await?.contains("End the workers of"));

    let jobs = format!("/apis/batch/v1/namespaces/{}/jobs", site.namespace);
    let container = json!({ "name": "c", "image": "i" });
    let pod = json!({ "spec": { "restartPolicy": "Never", "containers": [container] } });
    let theirs = json!({ "metadata": { "name": "theirs" }, "spec": { "template": pod } });
    site.plane.api()?.create(&jobs, &theirs).await?;
    let said = site.terminal.call(&["act", "end-workers", "theirs", "-n", &site.namespace, "--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("has not our label"), "{said:?}");
    assert_eq!(site.jobs().await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_is_said_and_the_others_are_counted() -> Result<()> {
    let site = Site::operated().await?;
    // It is killed in the middle of eight seconds that begin ten seconds after it is told.
    let kubelet = Kubelet::play(site.plane, &site.namespace, |index| match index {
        1 => Fault::Killed(Duration::from_secs(13)),
        _ => Fault::None,
    })?;
    let (said, document) =
        site.run("admin", "--rate 30 --arrivals constant --seconds 8 --yes --job bench-dies").await?;
    kubelet.check()?;
    assert_eq!((said.code, document["state"].as_str()), (3, Some("interrupted")), "{said:?}");
    let each = &document["workers"]["each"];
    assert_eq!([&each[0]["came"], &each[2]["came"]], [&json!("whole"), &json!("whole")], "{each}");
    assert!(each[1]["came"]["lost"].as_str().is_some_and(|why| why.contains("137")), "{each}");
    // The two that lived sent their part of 240, and nothing else is counted; the third sent something, too.
    assert_eq!(answered(&document["measures"]["requests"]), Some(160), "{}", document["measures"]["requests"]);
    let sent: BTreeSet<u64> = site.sent().into_iter().collect();
    assert!((0..240).filter(|n| n % 3 != 1).all(|n| sent.contains(&n)), "{sent:?}");
    let of_the_dead = sent.iter().filter(|n| *n % 3 == 1).count();
    assert!((1..80).contains(&of_the_dead), "{of_the_dead}");
    for part in
        ["partial: 2 of 3 workers", "2 of 3 told what they measured", "nothing that it measured is counted", "137"]
    {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let shown = site.terminal.good(&["bench", "show", &site.file().to_string_lossy()]).await?;
    assert!(shown.contains("no more than 2 of 3 parts"), "{shown}");
    // Of the two that lived there are all lines; of the third none.
    let numbers: Vec<u64> = site.lines()?.iter().filter_map(|line| line["n"].as_u64()).collect();
    assert_eq!(numbers, (0..240).filter(|n| n % 3 != 1).collect::<Vec<u64>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_apart_do_not_begin() -> Result<()> {
    let site = Site::operated().await?;
    let kubelet = Kubelet::play(site.plane, &site.namespace, |index| match index {
        0 => Fault::Ahead(10),
        _ => Fault::None,
    })?;
    let (said, document) = site.run("admin", "--concurrency 3 --requests 30 --yes --job bench-clocks").await?;
    kubelet.check()?;
    assert_eq!((said.code, &document, site.truth.count()), (1, &Value::Null, 0), "{said:?}");
    assert!(
        said.err.contains("The clock of worker 0 of 3 is not ours") && said.err.contains("s behind"),
        "{}",
        said.err
    );
    site.until_no_job().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_named_and_nothing_is_made() -> Result<()> {
    let site = Site::new().await?;
    let (subject, token) = site.plane.service_account(&site.namespace, "bencher").await?;
    let read = Rule::new("", &["nodes", "pods", "namespaces"], &["get", "list", "watch"]);
    site.plane.grant(&subject, None, &[read]).await?;
    let terminal = Terminal::new(&site.plane.kubeconfig_for(&token)?)?;
    let context = terminal.json(&["connect", "contexts", "--json"]).await?[0]["context"].clone();
    let context = context.as_str().unwrap_or_default();
    // It may not read events, which is told and is no matter here.
    terminal.call(&["connect", "add", "kubernetes", "--name", "here", "--context", context]).await?;
    terminal.good(&["connect", "operate", "here"]).await?;
    let load = "--concurrency 3 --requests 30";
    let (said, _) = site.run_by(&terminal, "here", &format!("{load} --yes")).await?;
    assert!(said.code == 1 && said.err.contains("We may not create jobs in"), "{said:?}");
    let (plan, _) = site.run_by(&terminal, "here", &format!("{load} --plan")).await?;
    for right in ["create jobs", "patch pods", "get pods/log"] {
        assert!(plan.out.contains(&format!("We may not {right} in")), "{right}: {}", plan.out);
    }
    // The Job alone is not enough: nobody would be told, or heard.
    let make = Rule::new("batch", &["jobs"], &["create", "get"]);
    site.plane.grant(&subject, Some(&site.namespace), &[make]).await?;
    let (said, _) = site.run_by(&terminal, "here", &format!("{load} --yes")).await?;
    assert!(said.code == 1 && said.err.contains("We may not patch pods in"), "{said:?}");
    assert_eq!((site.jobs().await?.len(), site.truth.count()), (0, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_at_the_window_confirms_the_plan_and_keeps_what_workers_measured() -> Result<()> {
    let site = Site::operated().await?;
    let kubelet = Kubelet::play(site.plane, &site.namespace, |_| Fault::None)?;
    let page = Page::window((1_440, 900), &site.terminal.environment()).await?;
    page.press("rail-bench").await?;
    page.press("bench-new").await?;
    let (url, on) = (site.truth.url(), format!("admin/{}", site.namespace));
    let fields = [("url", url.as_str()), ("model", "chat"), ("concurrency", "6"), ("requests", "90"), ("output", "4")];
    for (field, text) in fields.into_iter().chain([("on", on.as_str()), ("workers", "3")]) {
        page.fill(&format!("field-{field}"), text).await?;
    }
    let by = format!("3 workers in {} of admin", site.namespace);
    page.reads_as("[data-test='bench-preview']", |text| text.contains(&by), "says who would send it").await?;
    page.press_by("[data-test='bench-start'][aria-disabled='false']").await?;

    // It is planned as anything is; nothing is made or sent before it is confirmed.
    page.reads_as("[data-test='plan']", |text| text.contains("Run 3 workers of benchmark"), "is planned").await?;
    page.reads_as("[data-test='bench-going']", |text| text.contains("is confirmed"), "waits for a person").await?;
    assert_eq!((site.jobs().await?.len(), site.truth.count()), (0, 0));
    page.press_by("[data-test='plan-confirm'][aria-disabled='false']").await?;
    page.find_by("[data-test='plan-became'][data-state='verified']").await?;
    page.press("plan-close").await?;
    page.reads_as("[data-test='bench-kept'] tbody tr", |text| text.contains("chat"), "is kept").await?;
    page.gone("[data-test='bench-going']").await?;
    kubelet.check()?;
    assert_eq!(site.sent(), (0..90).collect::<Vec<u64>>());
    page.press_by("[data-test='bench-kept'] tbody tr button").await?;
    let told = |text: &str| text.contains("3 of 3 told what they measured") && text.contains("TTFT p95");
    page.reads_as("[data-test='bench-page']", told, "says what all of them measured").await?;

    let listed = site.terminal.json(&["bench", "list", "--json"]).await?;
    let id = listed["id"].as_str().unwrap_or_default();
    let export = site.terminal.good(&["bench", "export", id, "--jsonl"]).await?;
    assert_eq!(export.lines().count(), 90, "{export}");
    let book = site.terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("Run 3 workers of benchmark") && book.contains("Let 3 workers of"), "{book}");
    page.close().await
}
