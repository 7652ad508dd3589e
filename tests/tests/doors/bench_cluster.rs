//! A target inside of a cluster: load through the proxy of a real API server, onto a scripted server that answers in pieces. What
//! is on the way is measured and said; who may not is told which right is missing, before anything is sent.

use acceptance::truth::{Fault, Script, Times};
use acceptance::{Context, ControlPlane, Inside, Result, Rule, Terminal, Truth, until};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const GAP: Duration = Duration::from_millis(20);
/// No server that serves a model has an answer at once. An API server that gets one before it has seen the end of the question that it
/// passes on cuts it off, in one of a hundred cases: Go's server closes the question when it writes the head of an answer.
const HEAD: Duration = Duration::from_millis(5);

/// A scripted server behind a service of a cluster, and a terminal that is connected to the cluster.
struct Site {
    plane: &'static ControlPlane,
    namespace: String,
    truth: Truth,
    inside: Inside,
    terminal: Terminal,
    folder: tempfile::TempDir,
}

impl Site {
    async fn new(fault: impl Fn(u64) -> Fault + Send + Sync + 'static) -> Result<Self> {
        let plane = ControlPlane::shared().await?;
        let namespace = plane.namespace("bench").await?;
        let times = Times::Fixed(GAP);
        let truth =
            Truth::start(Script { head: HEAD, ttft: times, gap: times, ..Script::quick() }.failing(fault)).await?;
        let port = truth.url().rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default();
        let inside = plane.put_inside(&namespace, "chat", &json!({ "app": "chat" }), port).await?;
        let terminal = Terminal::new(&plane.kubeconfig())?;
        terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
        let folder = tempfile::tempdir().could_not("make a folder")?;
        Ok(Self { plane, namespace, truth, inside, terminal, folder })
    }

    fn service(&self) -> String {
        format!("service:{}@admin", self.inside.service)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.json"))
    }

    /// Runs it; the exit code, all that was said, and the document, where one is kept.
    async fn run(&self, terminal: &Terminal, name: &str, address: &str, more: &str) -> Result<(i32, String, Value)> {
        let file = self.file(name);
        let file = file.to_string_lossy();
        let mut words = vec!["bench", "run", address, "--model", "chat", "--out", &file, "--warm-up", "none"];
        words.extend(["--output-tokens", "8"]);
        words.extend(more.split_whitespace());
        let said = terminal.call(&words).await?;
        let document = std::fs::read(self.file(name)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        Ok((said.code, format!("{}{}", said.out, said.err), document.unwrap_or_default()))
    }
}

fn counts(document: &Value) -> [Option<u64>; 2] {
    ["answered", "failed"].map(|name| document["measures"]["requests"][name].as_u64())
}

#[tokio::test(flavor = "multi_thread")]
async fn load_goes_through_the_api_server_and_the_path_is_said_with_every_time() -> Result<()> {
    let site = Site::new(|_| Fault::None).await?;
    let load = "--concurrency 4 --requests 40";
    // A connection is read alone until somebody says otherwise: nothing reaches the server.
    let (code, said, _) = site.run(&site.terminal, "alone", &site.service(), load).await?;
    assert!(code == 1 && said.contains("admin is read alone"), "{code} {said}");
    assert_eq!((site.truth.count(), site.file("alone").exists()), (0, false));

    site.terminal.good(&["connect", "operate", "admin"]).await?;
    let (code, said, document) = site.run(&site.terminal, "service", &site.service(), load).await?;
    assert_eq!((code, counts(&document)), (0, [Some(40), Some(0)]), "{said}");
    assert_eq!(site.truth.count(), 40);
    let meaning =
        "reached through the API server of admin: its proxy and the network to it and from it are part of every time";
    assert!(said.contains(&format!("service {} of admin", site.inside.service)) && said.contains(meaning), "{said}");
    let through = &document["plan"]["target"]["through"];
    assert_eq!((through["connection"].as_str(), through["behind"].as_str()), (Some("admin"), Some("service")));
    assert_eq!(document["definitions"]["path"], meaning);
    assert_eq!(
        document["plan"]["target"]["url"],
        format!("http://chat.{}.svc:9090/v1/chat/completions", site.namespace)
    );
    // Pieces come one by one: a proxy that kept them back would make one of all.
    let (ttft, gap) = (&document["measures"]["ttft"]["min"], &document["measures"]["itl_gap"]["p50"]);
    assert!(ttft.as_u64() >= Some(20_000), "{ttft}");
    assert!((15_000..40_000).contains(&gap.as_u64().unwrap_or_default()), "{gap}");

    // A pod by its own port, and the same said again of what is kept.
    let endpoints = format!("/api/v1/namespaces/{}/endpoints/chat", site.namespace);
    let port = site.plane.api()?.get(&endpoints).await?["subsets"][0]["ports"][0]["port"].clone();
    let pod = format!("pod:{}/chat:{port}@admin", site.namespace);
    let (code, said, document) = site.run(&site.terminal, "pod", &pod, "--rate 50 --requests 10").await?;
    assert_eq!((code, counts(&document)), (0, [Some(10), Some(0)]), "{said}");
    let shown = site.terminal.good(&["bench", "show", &site.file("pod").to_string_lossy()]).await?;
    assert!(shown.contains(meaning) && shown.contains("pod "), "{shown}");

    // Who the cluster knows us by is in nothing that is kept, and went no further than the API server.
    for name in ["service", "pod"] {
        let kept = std::fs::read_to_string(site.file(name)).could_not("read a run")?;
        assert!(!kept.contains(site.plane.admin_token()));
    }
    assert!(site.truth.log().iter().all(|logged| logged.key.is_none()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_on_the_way_is_told_apart() -> Result<()> {
    let site = Site::new(|_| Fault::Status(503)).await?;
    site.terminal.good(&["connect", "operate", "admin"]).await?;
    let load = "--concurrency 2 --requests 60";
    let (code, said, document) = site.run(&site.terminal, "server", &site.service(), load).await?;
    assert!(code == 1 && said.contains("503") && !said.contains("the API server says"), "{code} {said}");
    assert_eq!(document["state"], "gave_up");
    site.plane.empty(&site.inside).await?;
    let api = site.plane.api()?;
    let path = format!("/api/v1/namespaces/{}/services/chat:9090/proxy/", site.namespace);
    until("nothing is behind the service", LIMIT, async || {
        let answer = api.call(reqwest::Method::GET, &path, None).await?;
        Ok(answer.body["message"].as_str().is_some_and(|said| said.contains("no endpoints")).then_some(()))
    })
    .await?;
    let (code, said, document) = site.run(&site.terminal, "empty", &site.service(), load).await?;
    let words = "the API server says: no endpoints available";
    assert!(code == 1 && said.contains(words), "{code} {said}");
    assert_eq!(document["measures"]["failures"][0]["kind"], "server_failed");

    // Production wants the name typed; a key would be taken for a sign-in by the API server.
    let (_, said, _) = site.run(&site.terminal, "key", &site.service(), &format!("{load} --key-env HOME")).await?;
    assert!(said.contains("takes it for its own sign-in"), "{said}");
    site.terminal.good(&["connect", "operate", "admin", "--production", "yes"]).await?;
    let before = site.truth.count();
    let (code, said, _) = site.run(&site.terminal, "production", &site.service(), load).await?;
    assert!(code == 1 && said.contains("Add --typed chat"), "{code} {said}");
    assert_eq!(site.truth.count(), before);

    let mixed = [&site.service()[..], &site.truth.url()];
    let load = ["--model", "chat", "--concurrency", "1", "--requests", "60", "--typed", "chat"];
    let said = site.terminal.call(&[&["bench", "compare"], &mixed[..], &load].concat()).await?;
    assert!(said.code == 1 && said.err.contains("reached by different ways"), "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_named_before_anything_is_sent_and_what_is_shown_gives_it() -> Result<()> {
    let site = Site::new(|_| Fault::None).await?;
    let (subject, token) = site.plane.service_account(&site.namespace, "bencher").await?;
    let read = Rule::new("", &["nodes", "pods", "namespaces"], &["get", "list", "watch"]);
    site.plane.grant(&subject, None, &[read]).await?;
    let terminal = Terminal::new(&site.plane.kubeconfig_for(&token)?)?;
    let context = terminal.json(&["connect", "contexts", "--json"]).await?[0]["context"].clone();
    let context = context.as_str().unwrap_or_default();
    // It may not read events, which is told and is no matter here.
    terminal.call(&["connect", "add", "kubernetes", "--name", "here", "--context", context]).await?;
    terminal.good(&["connect", "operate", "here"]).await?;
    let address = format!("service:{}@here", site.inside.service);
    let (code, said, _) = site.run(&terminal, "denied", &address, "--concurrency 1 --requests 5").await?;
    let right = format!("We may not create services/proxy in {}", site.namespace);
    assert!(code == 1 && said.contains(&right), "{code} {said}");
    assert_eq!((site.truth.count(), site.file("denied").exists()), (0, false));

    let role: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    site.plane.apply(&role.join("\n")).await?;
    let (code, said, document) = site.run(&terminal, "granted", &address, "--concurrency 1 --requests 5").await?;
    assert_eq!((code, counts(&document)), (0, [Some(5), Some(0)]), "{said}");
    Ok(())
}
