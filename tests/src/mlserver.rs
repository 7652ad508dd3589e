//! A real MLServer on loopback addresses: the Open Inference Protocol v2 over REST and over gRPC, with models of the tests.
//!
//! `cargo xtask servers` installs it. It takes two seconds to start, and 140 MB.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::plain;
use crate::cache::python;
use crate::failure::{Context, Failure, Result};
use crate::ports;
use crate::process::{Den, Process};
use crate::wait::until;

/// It reads its own code first, which takes a while on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(120);
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const NAME: &str = "mlserver";
/// What Python runs.
const MAIN: &str = "from mlserver.cli import main; main()";
/// Milliseconds that the model `slow` takes at least.
pub const SLOW_MS: u64 = 60;

/// The server. It ends when this is dropped, and also when the process of the test ends in any other way.
pub struct MlServer {
    process: Process,
    rest: u16,
    grpc: u16,
    metrics: u16,
    gate: PathBuf,
}

impl MlServer {
    /// Starts one, and returns once its models are loaded.
    pub async fn start() -> Result<Self> {
        let server = Self::closed().await?;
        server.open().await?;
        Ok(server)
    }

    /// Starts one whose model `sum` is not loaded before [`MlServer::open`]: until then it is not ready.
    pub async fn closed() -> Result<Self> {
        let laid = Unstarted::laid()?;
        let mut command = Command::new(&laid.python);
        command.env_clear().envs(laid.environment()).args(["-c", MAIN, "start", "."]);
        let process = Process::start(&laid.den, NAME, command)?;
        let server = Self { process, rest: laid.rest, grpc: laid.grpc, metrics: laid.metrics, gate: laid.gate };
        server.is("live").await?;
        Ok(server)
    }

    /// Lets the model `sum` be loaded, and returns once the server is ready.
    pub async fn open(&self) -> Result<()> {
        std::fs::write(&self.gate, "").could_not("open the gate")?;
        self.is("ready").await
    }

    async fn is(&self, what: &str) -> Result<()> {
        let address = format!("{}/v2/health/{what}", self.rest());
        self.process.is_ready(&plain(ANSWER_LIMIT)?, &address, LIMIT).await
    }

    /// Where it is over REST.
    pub fn rest(&self) -> String {
        format!("http://127.0.0.1:{}", self.rest)
    }

    /// Where it is over gRPC.
    pub fn grpc(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.grpc)
    }

    /// How many requests to a model it has answered well so far, as it counts itself.
    pub async fn answered(&self, model: &str) -> Result<u64> {
        let address = format!("http://127.0.0.1:{}/metrics", self.metrics);
        let answer = plain(ANSWER_LIMIT)?.get(address).send().await.could_not("ask for metrics")?;
        let text = answer.text().await.could_not("read metrics")?;
        let name = format!("model_infer_request_success_total{{model=\"{model}\"");
        // A series for each way to ask for no version.
        let own = text.lines().filter(|line| line.starts_with(&name));
        let count = own.map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<Option<f64>>();
        count.map(|count| count as u64).ok_or_else(|| Failure::new(format!("it counts in another form:\n{text}")))
    }
}

/// One that is laid out, and that somebody else starts.
pub struct Unstarted {
    python: PathBuf,
    den: Arc<Den>,
    rest: u16,
    grpc: u16,
    metrics: u16,
    gate: PathBuf,
}

impl Unstarted {
    /// Lays its settings and models out.
    pub fn laid() -> Result<Self> {
        let (python, den) = (python(NAME)?, Den::new()?);
        let [rest, grpc, metrics] = [ports::free()?, ports::free()?, ports::free()?];
        let gate = den.folder().join("gate");
        den.write("models.py", include_str!("../servers/mlserver/models.py"))?;
        let settings = json!({
            "host": "127.0.0.1", "http_port": rest, "grpc_port": grpc, "metrics_port": metrics, "parallel_workers": 0,
        });
        den.write("settings.json", settings.to_string())?;
        let shape = |shape: &[i64]| json!(shape);
        for (name, kind, extra, datatype, shape) in [
            ("sum", "Sum", json!({ "gate": gate }), "FP32", shape(&[-1, 3])),
            ("half", "Sum", json!({}), "FP16", shape(&[-1, 3])),
            ("open", "Sum", json!({}), "FP64", shape(&[-1, -1])),
            ("slow", "Sum", json!({ "seconds": SLOW_MS as f64 / 1e3 }), "INT64", shape(&[-1, 3])),
            ("capitals", "Capitals", json!({}), "BYTES", shape(&[-1])),
        ] {
            model(&den, name, kind, &extra, &json!({ "name": "x", "datatype": datatype, "shape": shape }))?;
        }
        Ok(Self { python, den, rest, grpc, metrics, gate })
    }

    fn environment(&self) -> [(&'static str, PathBuf); 3] {
        let folder = self.den.folder().to_owned();
        [("HOME", folder.clone()), ("PATH", "/usr/bin:/bin".into()), ("PYTHONPATH", folder)]
    }

    /// The command that starts it, as a person would type it.
    pub fn command(&self) -> String {
        let environment = self.environment().map(|(name, value)| format!("{name}={}", value.display())).join(" ");
        let (folder, python) = (self.den.folder().display(), self.python.display());
        format!("sh -c 'cd {folder} && exec env -i {environment} {python} -c \"{MAIN}\" start .'")
    }

    /// Where it will be over gRPC.
    pub fn grpc(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.grpc)
    }

    /// Waits until somebody has started it, and its port of gRPC takes connections.
    pub async fn listens(&self) -> Result<()> {
        let address = ("127.0.0.1", self.grpc);
        until("it listens", LIMIT, async || Ok(tokio::net::TcpStream::connect(address).await.is_ok().then_some(())))
            .await
    }

    /// Lets its model `sum` be loaded.
    pub fn open(&self) -> Result<()> {
        std::fs::write(&self.gate, "").could_not("open the gate")
    }
}

fn model(den: &Arc<Den>, name: &str, kind: &str, extra: &Value, input: &Value) -> Result<()> {
    let folder = den.folder().join(name);
    std::fs::create_dir_all(&folder).could_not("make the folder of a model")?;
    let settings = json!({
        "name": name, "implementation": format!("models.{kind}"), "platform": "tests", "parameters": { "extra": extra },
        "inputs": [input],
    });
    den.write(&format!("{name}/model-settings.json"), settings.to_string()).map(drop)
}
