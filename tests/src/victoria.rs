//! A real VictoriaMetrics on the loopback address, which scrapes for itself. It speaks the API of Prometheus in its own way:
//! under two prefixes, with another word for what it is, and with answers of half a minute ago unless it is told not to.
//!
//! `cargo xtask setup` brings the program, out of Debian's package.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::plain;
use crate::cache::package;
use crate::failure::Result;
use crate::ports;
use crate::process::{Den, Process};
use crate::prometheus::Job;

const LIMIT: Duration = Duration::from_secs(60);
const NAME: &str = "victoria-metrics";

/// The server. It ends when this is dropped, and also when the process of the test ends in any other way.
pub struct VictoriaMetrics {
    port: u16,
    _process: Process,
}

impl VictoriaMetrics {
    /// Starts it, scraping these jobs, and returns once it answers.
    pub async fn start(interval: Duration, jobs: &[Job]) -> Result<Self> {
        let (den, port) = (Den::new()?, ports::free()?);
        let scrapes = den.write("scrape.yml", config(interval, jobs))?;
        let mut command = Command::new(package(NAME)?);
        command
            .env_clear()
            .env("HOME", den.folder())
            .arg(format!("-storageDataPath={}", den.folder().join("store").display()))
            .arg(format!("-promscrape.config={}", scrapes.display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            // Else it takes more than half of the machine's memory for its own.
            .arg("-memory.allowedBytes=128MiB")
            .arg("-loggerLevel=WARN");
        let process = Process::start(&den, NAME, command)?;
        process.is_ready(&plain(LIMIT)?, &format!("http://127.0.0.1:{port}/health"), LIMIT).await?;
        Ok(Self { port, _process: process })
    }

    /// Its address, `http://127.0.0.1:PORT`, without a prefix.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// The settings of what it scrapes, which are those of Prometheus. YAML reads JSON.
fn config(interval: Duration, jobs: &[Job]) -> String {
    let every = format!("{}ms", interval.as_millis());
    let job = |job: &Job| {
        let target = |target: &crate::prometheus::Target| {
            let mut labels = target.labels.clone();
            labels.insert("__metrics_path__".to_owned(), target.path.clone());
            json!({ "targets": [target.address], "labels": labels })
        };
        let targets: Vec<Value> = job.targets.iter().map(target).collect();
        json!({ "job_name": job.name, "honor_labels": job.honor_labels, "static_configs": targets })
    };
    let jobs: Vec<Value> = jobs.iter().map(job).collect();
    json!({ "global": { "scrape_interval": every, "scrape_timeout": every }, "scrape_configs": jobs }).to_string()
}
