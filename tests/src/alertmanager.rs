//! A real Alertmanager on the loopback address: alerts that are sent to it, silences, and its failures.
//!
//! `cargo xtask setup` brings the program, out of Debian's package.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use crate::api::plain;
use crate::cache::package;
use crate::failure::{Context, Failure, Result};
use crate::ports;
use crate::process::{Den, Process};

const LIMIT: Duration = Duration::from_secs(60);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const NAME: &str = "prometheus-alertmanager";
/// It tells nobody; warnings of a node are held back while the node is lost.
const CONFIG: &str = r#"{
    "route": { "receiver": "nobody", "group_wait": "1s", "group_interval": "1s" },
    "receivers": [{ "name": "nobody" }],
    "inhibit_rules": [{
        "source_matchers": ["alertname=\"NodeLost\""],
        "target_matchers": ["severity=\"warning\""],
        "equal": ["node"]
    }]
}"#;

/// The server. It ends when this is dropped, and also when the process of the test ends in any other way.
pub struct Alertmanager {
    process: Option<Process>,
    binary: PathBuf,
    port: u16,
    den: Arc<Den>,
    http: Client,
}

impl Alertmanager {
    /// Starts it, and returns once it answers.
    pub async fn start() -> Result<Self> {
        let mut server = Self {
            process: None,
            binary: package(NAME)?,
            port: ports::free()?,
            den: Den::new()?,
            http: plain(ANSWER_LIMIT)?,
        };
        server.den.write("alertmanager.yml", CONFIG)?;
        server.start_again().await?;
        Ok(server)
    }

    /// Its address, `http://127.0.0.1:PORT`; the same after a restart.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once, as a crash would. Silences that it has written down stay; alerts are sent again by who sends them.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Takes questions and answers none from here on.
    pub fn hang(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::pause)
    }

    /// Starts it at the same address, and waits until it answers.
    pub async fn start_again(&mut self) -> Result<()> {
        self.kill();
        let process = Process::start(&self.den, NAME, self.command())?;
        process.is_ready(&self.http, &format!("{}/-/ready", self.url()), LIMIT).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Sends alerts to it, as Prometheus does: labels and annotations; with an end in the past they are over.
    pub async fn send(&self, alerts: &Value) -> Result<()> {
        self.post("/api/v2/alerts", alerts).await.map(drop)
    }

    /// Silences all alerts of a name for an hour.
    pub async fn silence(&self, alert: &str) -> Result<()> {
        let now = pilothouse_connect::Clock::system().now();
        let (starts, ends) = (now, pilothouse_wire::Stamp(now.0 + 3_600_000));
        let silence = json!({
            "matchers": [{ "name": "alertname", "value": alert, "isRegex": false, "isEqual": true }],
            "startsAt": starts.to_string(),
            "endsAt": ends.to_string(),
            "createdBy": "oncall",
            "comment": "being looked at",
        });
        self.post("/api/v2/silences", &silence).await.map(drop)
    }

    /// All silences, also those that are over.
    pub async fn silences(&self) -> Result<Vec<Value>> {
        let request = self.http.get(format!("{}/api/v2/silences", self.url()));
        let text = request.send().await.could_not("read silences")?.text().await.could_not("read silences")?;
        serde_json::from_str(&text).could_not("read silences")
    }

    async fn post(&self, path: &str, body: &Value) -> Result<String> {
        let what = || format!("post to {path}");
        let request = self.http.post(format!("{}{path}", self.url())).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.could_not(what())?;
        let (status, text) = (answer.status(), answer.text().await.could_not(what())?);
        if status.is_success() { Ok(text) } else { Err(Failure::new(format!("{}: {status}: {text}", what()))) }
    }

    fn command(&self) -> Command {
        let folder = self.den.folder();
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("HOME", folder)
            .arg(format!("--config.file={}", folder.join("alertmanager.yml").display()))
            .arg(format!("--storage.path={}", folder.join("store").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port))
            .arg("--cluster.listen-address=")
            .arg("--log.level=warn");
        command
    }
}
