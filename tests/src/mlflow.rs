//! A real MLflow on the loopback address: its registry, its runs, and its failures.
//!
//! `cargo xtask servers` installs it. It takes some seconds to start and 400 MB: tests that only add to it share one.

mod bearer;

pub use bearer::Bearer;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::api::plain;
use crate::cache::python;
use crate::failure::{Context, Failure, Result};
use crate::ports;
use crate::process::{Den, Process};

/// It reads its own code first, which takes a minute on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(180);
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const NAME: &str = "mlflow";
const API: &str = "/api/2.0/mlflow/";

/// The administrator of a locked one.
pub const USER: &str = "pilot";
/// The administrator's password.
pub const PASSWORD: &str = "open-sesame-of-mlflow";

/// The server. It ends when this is dropped, and also when the process of the test ends in any other way.
pub struct Mlflow {
    process: Option<Process>,
    python: PathBuf,
    port: u16,
    den: Arc<Den>,
    locked: bool,
}

/// A run to be logged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trained<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its parameters.
    pub params: &'a [(&'a str, &'a str)],
    /// Its metrics: the value at each step. JSON has no word for what is no number, so that it is written as a text.
    pub metrics: &'a [(&'a str, &'a [f64])],
    /// Its tags.
    pub tags: &'a [(&'a str, &'a str)],
}

impl Mlflow {
    /// The one of this test target, to which everybody adds models and experiments under names of their own.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Mlflow> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Starts one, and returns once it answers.
    pub async fn start() -> Result<Self> {
        Self::new(false).await
    }

    /// Starts one that asks for a user and a password: [`USER`] and [`PASSWORD`].
    pub async fn locked() -> Result<Self> {
        Self::new(true).await
    }

    async fn new(locked: bool) -> Result<Self> {
        let mut server = Self { process: None, python: python(NAME)?, port: ports::free()?, den: Den::new()?, locked };
        let folder = server.den.folder().display();
        let users = format!(
            "[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/users.db\n\
             admin_username = {USER}\nadmin_password = {PASSWORD}\n\
             authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        );
        server.den.write("users.ini", users)?;
        server.start_again().await?;
        Ok(server)
    }

    /// Its address, `http://127.0.0.1:PORT`; the same after a restart.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as a crash would. What it has written down stays.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it at the same address with the same store, and waits until it answers.
    pub async fn start_again(&mut self) -> Result<()> {
        self.kill();
        let process = Process::start(&self.den, NAME, self.command())?;
        process.is_ready(&plain(ANSWER_LIMIT)?, &format!("{}/health", self.url()), LIMIT).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Makes an experiment; its id.
    pub async fn experiment(&self, name: &str) -> Result<String> {
        text(&self.post("experiments/create", &json!({ "name": name })).await?["experiment_id"])
    }

    /// Logs a run from its begin to its end; its id.
    pub async fn run(&self, experiment: &str, trained: Trained<'_>) -> Result<String> {
        let now = pilothouse_connect::Clock::system().now().0;
        let begin = json!({ "experiment_id": experiment, "run_name": trained.name, "start_time": now - 60_000 });
        let id = text(&self.post("runs/create", &begin).await?["run"]["info"]["run_id"])?;
        let pairs = |pairs: &[(&str, &str)]| -> Vec<Value> {
            pairs.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
        };
        let number = |value: f64| if value.is_finite() { json!(value) } else { json!(value.to_string()) };
        let points = trained.metrics.iter().flat_map(|(key, values)| {
            let point = move |(step, value): (usize, &f64)| {
                json!({ "key": key, "value": number(*value), "step": step, "timestamp": now - 50_000 + step as i64 })
            };
            values.iter().enumerate().map(point)
        });
        let points: Vec<Value> = points.collect();
        let (params, tags) = (pairs(trained.params), pairs(trained.tags));
        self.post("runs/log-batch", &json!({ "run_id": id, "params": params, "tags": tags })).await?;
        for part in points.chunks(1_000) {
            self.post("runs/log-batch", &json!({ "run_id": id, "metrics": part })).await?;
        }
        self.post("runs/update", &json!({ "run_id": id, "status": "FINISHED", "end_time": now })).await?;
        Ok(id)
    }

    /// Puts a file among the artefacts of a run.
    pub async fn artefact(&self, experiment: &str, run: &str, path: &str, content: &str) -> Result<()> {
        let path = format!("/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/{path}");
        self.send(Method::PUT, &path, content.to_owned(), "application/octet-stream").await.map(drop)
    }

    /// Registers a model.
    pub async fn model(&self, name: &str) -> Result<()> {
        self.post("registered-models/create", &json!({ "name": name })).await.map(drop)
    }

    /// Registers what a run made as the next version of a model; its number.
    pub async fn version(&self, model: &str, experiment: &str, run: &str) -> Result<String> {
        let source = format!("mlflow-artifacts:/{experiment}/{run}/artifacts/model");
        let version = json!({ "name": model, "source": source, "run_id": run });
        text(&self.post("model-versions/create", &version).await?["model_version"]["version"])
    }

    /// Sets an alias, or moves it.
    pub async fn alias(&self, model: &str, alias: &str, version: &str) -> Result<()> {
        let set = json!({ "name": model, "alias": alias, "version": version });
        self.post("registered-models/alias", &set).await.map(drop)
    }

    /// Takes an alias away.
    pub async fn remove_alias(&self, model: &str, alias: &str) -> Result<()> {
        self.delete("registered-models/alias", &json!({ "name": model, "alias": alias })).await
    }

    /// Moves a version to a stage.
    pub async fn stage(&self, model: &str, version: &str, stage: &str) -> Result<()> {
        let moved = json!({ "name": model, "version": version, "stage": stage, "archive_existing_versions": false });
        self.post("model-versions/transition-stage", &moved).await.map(drop)
    }

    /// Posts to a path of its API, and reads the answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.send(Method::POST, &format!("{API}{path}"), body.to_string(), "application/json").await?;
        serde_json::from_str(&answer).could_not(format!("read the answer to {path}"))
    }

    /// Deletes by a path of its API.
    pub async fn delete(&self, path: &str, body: &Value) -> Result<()> {
        self.send(Method::DELETE, &format!("{API}{path}"), body.to_string(), "application/json").await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, body: String, kind: &str) -> Result<String> {
        let what = format!("{method} {path}");
        // A client of its own: connections belong to the runtime of one test, and the server to all.
        let mut request = plain(ANSWER_LIMIT)?.request(method, format!("{}{path}", self.url()));
        if self.locked {
            request = request.basic_auth(USER, Some(PASSWORD));
        }
        let answer = request.header(CONTENT_TYPE, kind).body(body).send().await.could_not(&what)?;
        let (status, text) = (answer.status(), answer.text().await.could_not(&what)?);
        if status.is_success() { Ok(text) } else { Err(Failure::new(format!("{what}: {status}: {text}"))) }
    }

    fn command(&self) -> Command {
        let folder = self.den.folder();
        let mut command = Command::new(&self.python);
        command
            .env_clear()
            .env("HOME", folder)
            .env("PATH", "/usr/bin:/bin")
            // What it starts besides: workers for evaluations, and word to its makers.
            .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .env("DO_NOT_TRACK", "true")
            .env("MLFLOW_AUTH_CONFIG_PATH", folder.join("users.ini"))
            .env("MLFLOW_FLASK_SERVER_SECRET_KEY", "a key of the tests")
            .args(["-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1"])
            .arg(format!("--port={}", self.port))
            .arg(format!("--backend-store-uri=sqlite:///{}", folder.join("mlflow.db").display()))
            .arg(format!("--artifacts-destination={}", folder.join("artefacts").display()));
        if self.locked {
            command.args(["--app-name", "basic-auth"]);
        }
        command
    }
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| Failure::new(format!("MLflow answered {value} for an id")))
}
