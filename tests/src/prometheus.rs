//! A real Prometheus on the loopback address: its jobs, what it has scraped, and its failures.
//!
//! `cargo xtask setup` brings the program, out of Debian's package.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use crate::api::plain;
use crate::cache::package;
use crate::certs::{Authority, Validity};
use crate::failure::{Context, Failure, Result};
use crate::ports;
use crate::process::{Den, Process};
use crate::wait::until;

const LIMIT: Duration = Duration::from_secs(60);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const NAME: &str = "prometheus";
/// Who may ask a locked one, and the hash of [`PASSWORD`], made to be checked quickly.
const LOCKED: &str = r#"{"basic_auth_users":{"pilot":"$2b$04$abcdefghijklmnopqrstuuXcjcm5avyCiJoD2uS24xa2lb6fjMB3G"}}"#;

/// The password of the user `pilot` of a locked Prometheus.
pub const PASSWORD: &str = "open-sesame";

/// A page that is scraped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host and port.
    pub address: String,
    /// The page's path.
    pub path: String,
    /// What the discovery says of it. Where a series has a label of that name too, its own becomes `exported_…`.
    pub labels: BTreeMap<String, String>,
}

/// Targets that are scraped in one way.
#[derive(Clone, Debug)]
pub struct Job {
    /// The label `job`.
    pub name: String,
    /// Its targets.
    pub targets: Vec<Target>,
    /// Do the labels of a page win over those of its target?
    pub honor_labels: bool,
}

/// A series with its newest value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels, with its name as `__name__`.
    pub labels: BTreeMap<String, String>,
    /// The time of the answer, in seconds.
    pub at: f64,
    /// Its value as text: a number, `NaN`, `+Inf`.
    pub value: String,
}

/// The server. It ends when this is dropped, and also when the process of the test ends in any other way.
pub struct Prometheus {
    process: Option<Process>,
    binary: PathBuf,
    port: u16,
    /// What stands before every path of its API, `/` at its beginning; mostly nothing.
    prefix: &'static str,
    den: Arc<Den>,
    http: Client,
}

impl Job {
    /// A job as charts set it up: the labels of targets win.
    pub fn new(name: &str, targets: Vec<Target>) -> Self {
        Self { name: name.to_owned(), targets, honor_labels: false }
    }
}

impl Sample {
    /// A label, empty where there is none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

impl Prometheus {
    /// Starts it and returns once each target was scraped for the first time.
    pub async fn start(interval: Duration, jobs: &[Job]) -> Result<Self> {
        Self::start_under("", interval, jobs).await
    }

    /// The same, and all paths of it begin with this prefix.
    pub async fn start_under(prefix: &'static str, interval: Duration, jobs: &[Job]) -> Result<Self> {
        Self::made(prefix, None, interval, jobs).await
    }

    /// The same, with a past: what it would have scraped before, in the text of OpenMetrics, each sample with its time.
    pub async fn start_with_past(past: &str, interval: Duration, jobs: &[Job]) -> Result<Self> {
        Self::made("", Some(past), interval, jobs).await
    }

    async fn made(prefix: &'static str, past: Option<&str>, interval: Duration, jobs: &[Job]) -> Result<Self> {
        let mut prometheus = Self {
            process: None,
            binary: package(NAME)?,
            port: ports::free()?,
            prefix,
            den: Den::new()?,
            http: plain(ANSWER_LIMIT)?,
        };
        prometheus.den.write("prometheus.yml", config(interval, jobs))?;
        prometheus.unlock()?;
        for job in jobs {
            prometheus.set_targets(&job.name, &job.targets)?;
        }
        if let Some(past) = past {
            prometheus.fill_in(past)?;
        }
        prometheus.start_again().await?;
        let targets = jobs.iter().map(|job| job.targets.len()).sum();
        prometheus.wait_scraped(targets).await?;
        Ok(prometheus)
    }

    /// Its address, `http://127.0.0.1:PORT` and the prefix; the same after a restart.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.prefix)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once, as a crash would. What it has stored stays.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it at the same address with the same store, and waits until it answers.
    pub async fn start_again(&mut self) -> Result<()> {
        self.kill();
        let process = Process::start(&self.den, NAME, self.command())?;
        process.is_ready(&self.http, &format!("{}/-/ready", self.url()), LIMIT).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Freezes it: connections stay open, and nothing answers.
    pub fn pause(&self) -> Result<()> {
        self.process()?.pause()
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.process()?.resume()
    }

    /// From the next question on, it asks for a user and a password: `pilot` and [`PASSWORD`].
    pub fn lock(&self) -> Result<()> {
        self.den.write("web.yml", LOCKED).map(drop)
    }

    /// Starts it anew, and from then on it is asked over TLS alone, with a certificate of this authority; answers its address.
    pub async fn secure(&mut self, authority: &Authority) -> Result<String> {
        let own = authority.server(&["127.0.0.1"], Validity::Good)?;
        let (cert, key) = (self.den.write("tls.crt", own.cert_pem)?, self.den.write("tls.key", own.key_pem)?);
        let settings = json!({ "tls_server_config": { "cert_file": cert, "key_file": key } });
        self.den.write("web.yml", settings.to_string())?;
        self.kill();
        let process = Process::start(&self.den, NAME, self.command())?;
        let port = ("127.0.0.1", self.port);
        until("Prometheus listens", LIMIT, async || {
            process.check()?;
            Ok(tokio::net::TcpStream::connect(port).await.ok().map(drop))
        })
        .await?;
        self.process = Some(process);
        Ok(format!("https://127.0.0.1:{}{}", self.port, self.prefix))
    }

    /// Anybody may ask.
    pub fn unlock(&self) -> Result<()> {
        self.den.write("web.yml", "{}").map(drop)
    }

    /// Gives a job other targets; it looks for them by itself.
    pub fn set_targets(&self, job: &str, targets: &[Target]) -> Result<()> {
        let group = |target: &Target| {
            let mut labels = target.labels.clone();
            labels.insert("__metrics_path__".to_owned(), target.path.clone());
            json!({ "targets": [target.address], "labels": labels })
        };
        let groups: Vec<Value> = targets.iter().map(group).collect();
        // Written beside and renamed: half a file is not read.
        let path = self.den.write(&format!("{job}.part"), Value::from(groups).to_string())?;
        let place = self.den.folder().join(targets_of(job));
        std::fs::rename(&path, &place).could_not(format!("write {}", place.display()))
    }

    /// Waits until so many targets were each scraped at least once, well or not.
    pub async fn wait_scraped(&self, count: usize) -> Result<()> {
        until("each target was scraped", LIMIT, async || {
            let data = self.get("/api/v1/targets?state=active", &[]).await?;
            let targets = data["activeTargets"].as_array().map_or(&[][..], Vec::as_slice);
            // Go's time zero: not scraped yet.
            let scraped = |target: &&Value| !target["lastScrape"].as_str().unwrap_or("0001").starts_with("0001");
            let done = targets.len() == count && targets.iter().filter(scraped).count() == count;
            Ok(done.then_some(()))
        })
        .await
    }

    /// What an expression gives now, in the order of the labels.
    pub async fn query(&self, expression: &str) -> Result<Vec<Sample>> {
        let data = self.get("/api/v1/query", &[("query", expression)]).await?;
        let samples = data["result"].as_array().map_or(&[][..], Vec::as_slice);
        let mut samples = samples.iter().map(|sample| read(sample, expression)).collect::<Result<Vec<_>>>()?;
        samples.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(samples)
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let what = || format!("ask Prometheus for {path} {parameters:?}");
        let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let join = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{join}{}", self.url(), query.join("&"));
        let answer = self.http.get(url).send().await.could_not(what())?;
        let body = answer.bytes().await.could_not(what())?;
        let mut body: Value = serde_json::from_slice(&body).could_not(what())?;
        if body["status"] == "success" {
            return Ok(body["data"].take());
        }
        Err(Failure::new(format!("could not {}: {}", what(), body["error"])))
    }

    /// Puts a past into its store, which nobody uses yet: its own tool makes blocks of it.
    fn fill_in(&self, past: &str) -> Result<()> {
        let (file, store) = (self.den.write("past.om", past)?, self.den.folder().join("store"));
        let mut command = Command::new(self.binary.with_file_name("promtool"));
        command.env_clear().env("HOME", self.den.folder());
        command.args(["tsdb", "create-blocks-from", "openmetrics"]).args([&file, &store]);
        let output = command.output().could_not("start promtool")?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("could not fill a past into Prometheus: {said}")))
    }

    fn process(&self) -> Result<&Process> {
        self.process.as_ref().ok_or_else(|| Failure::new("Prometheus is not running"))
    }

    fn command(&self) -> Command {
        let folder = self.den.folder();
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("HOME", folder)
            .arg(flag("config.file", &folder.join("prometheus.yml")))
            .arg(flag("web.config.file", &folder.join("web.yml")))
            .arg(flag("storage.tsdb.path", &folder.join("store")))
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port))
            .arg(format!("--web.route-prefix={}/", self.prefix))
            .arg("--log.level=warn");
        command
    }
}

/// The settings. YAML reads JSON.
fn config(interval: Duration, jobs: &[Job]) -> String {
    let every = format!("{}ms", interval.as_millis());
    let job = |job: &Job| {
        json!({
            "job_name": job.name,
            "honor_labels": job.honor_labels,
            "file_sd_configs": [{ "files": [targets_of(&job.name)], "refresh_interval": "1s" }],
        })
    };
    let jobs: Vec<Value> = jobs.iter().map(job).collect();
    json!({ "global": { "scrape_interval": every, "scrape_timeout": every }, "scrape_configs": jobs }).to_string()
}

fn targets_of(job: &str) -> String {
    format!("{job}.json")
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

/// A part of a query string.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn read(sample: &Value, expression: &str) -> Result<Sample> {
    let parts = || {
        let labels = sample["metric"].as_object()?.iter();
        let labels =
            labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect::<Option<_>>()?;
        Some(Sample { labels, at: sample["value"][0].as_f64()?, value: sample["value"][1].as_str()?.to_owned() })
    };
    parts().ok_or_else(|| Failure::new(format!("{expression} was answered with {sample}, which is no sample")))
}
