//! Exporters of the tests: one server with a page for each node's GPUs and for each serving engine. The text is that of
//! the real programs; the values, and what goes wrong, are the test's. No GPU is needed.

mod cards;
mod dcgm;
mod engine;
mod page;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::failure::{Context, Result};
use crate::holders::Holders;
use crate::prometheus::Target;

pub use cards::{Card, Cards, Vendor};
pub use dcgm::{Gpu, Instance, Node, Spelling};
pub use engine::{Engine, EngineKind, Naming};

/// How a page is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// At once.
    #[default]
    Well,
    /// Late.
    Slow(Duration),
    /// The connection stands, and nothing comes.
    Silent,
    /// With an error of the server.
    Broken,
}

/// All that the exporters tell.
#[derive(Debug, Default)]
pub struct Pages {
    /// The exporters of nodes, by the node's name.
    pub nodes: BTreeMap<String, Node>,
    /// The exporters of nodes with cards of other makers, by the node's name.
    pub cards: BTreeMap<String, Cards>,
    /// The engines, by the pod's name.
    pub engines: BTreeMap<String, Engine>,
    /// Which container holds which GPU, as the kubelets tell.
    pub holders: Holders,
    /// How pages are answered that are not well: by the name of the node or the pod.
    pub moods: BTreeMap<String, Mood>,
}

/// The server. It ends with this.
pub struct Exporters {
    port: u16,
    pages: Arc<Mutex<Pages>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    pages: Arc<Mutex<Pages>>,
    start: Instant,
}

impl Exporters {
    /// Starts the server on a port of the loopback address.
    pub async fn serve(nodes: impl IntoIterator<Item = Node>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.could_not("listen")?;
        let port = listener.local_addr().could_not("read the port")?.port();
        let nodes = nodes.into_iter().map(|node| (node.name.clone(), node)).collect();
        let pages = Arc::new(Mutex::new(Pages { nodes, ..Pages::default() }));
        let shared = Shared { pages: Arc::clone(&pages), start: Instant::now() };
        let router = Router::new()
            .route("/gpus/{node}", get(gpus))
            .route("/engines/{pod}", get(engines))
            .route("/cards/{node}", get(cards))
            .with_state(shared);
        let server = tokio::spawn(async move {
            // It ends when it is dropped; a Prometheus that finds nothing says so.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { port, pages, server })
    }

    /// Changes what is told, from the next question on.
    pub fn change<T>(&self, change: impl FnOnce(&mut Pages) -> T) -> T {
        change(&mut lock(&self.pages))
    }

    /// All pages, for who changes them from elsewhere.
    pub fn pages(&self) -> Arc<Mutex<Pages>> {
        Arc::clone(&self.pages)
    }

    /// The exporters of nodes as targets: each with the pod of the exporter itself, as a cluster's discovery says it.
    pub fn gpu_targets(&self) -> Vec<Target> {
        let names: Vec<String> = self.change(|pages| pages.nodes.keys().cloned().collect());
        let target = |(n, node): (usize, &String)| {
            let labels = [
                ("instance", format!("10.0.{}.{}:9400", n / 250, n % 250 + 1)),
                ("namespace", "gpu-operator".to_owned()),
                ("pod", format!("nvidia-dcgm-exporter-{n:05}")),
                ("container", "nvidia-dcgm-exporter".to_owned()),
            ];
            self.target(&format!("/gpus/{node}"), labels)
        };
        names.iter().enumerate().map(target).collect()
    }

    /// The exporters of other makers' cards as targets: each with the exporter's own pod, and with its node.
    pub fn card_targets(&self) -> Vec<Target> {
        let names: Vec<(String, &str)> =
            self.change(|pages| pages.cards.iter().map(|(name, cards)| (name.clone(), cards.exporter())).collect());
        let target = |(n, (node, exporter)): (usize, &(String, &str))| {
            let labels = [
                ("instance", format!("10.1.{}.{}:5000", n / 250, n % 250 + 1)),
                ("namespace", "gpu-operator".to_owned()),
                ("pod", format!("{exporter}-{n:05}")),
                ("node", node.clone()),
            ];
            self.target(&format!("/cards/{node}"), labels)
        };
        names.iter().enumerate().map(target).collect()
    }

    /// The engine of a pod as a target.
    pub fn engine_target(&self, namespace: &str, pod: &str) -> Target {
        let labels = [
            ("instance", format!("{pod}:8000")),
            ("namespace", namespace.to_owned()),
            ("pod", pod.to_owned()),
            ("container", "server".to_owned()),
        ];
        self.target(&format!("/engines/{pod}"), labels)
    }

    fn target(&self, path: &str, labels: [(&str, String); 4]) -> Target {
        Target {
            address: format!("127.0.0.1:{}", self.port),
            path: path.to_owned(),
            labels: labels.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }
}

impl Drop for Exporters {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(pages: &Mutex<Pages>) -> MutexGuard<'_, Pages> {
    pages.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn gpus(Path(node): Path<String>, State(shared): State<Shared>) -> Response {
    let up = shared.start.elapsed();
    answer(&shared, &node, |pages| pages.nodes.get(&node).map(|own| own.page(&pages.holders, up))).await
}

async fn cards(Path(node): Path<String>, State(shared): State<Shared>) -> Response {
    answer(&shared, &node, |pages| pages.cards.get(&node).map(Cards::page)).await
}

async fn engines(Path(pod): Path<String>, State(shared): State<Shared>) -> Response {
    answer(&shared, &pod, |pages| pages.engines.get(&pod).map(Engine::page)).await
}

async fn answer(shared: &Shared, name: &str, page: impl FnOnce(&Pages) -> Option<String>) -> Response {
    let mood = lock(&shared.pages).moods.get(name).copied().unwrap_or_default();
    match mood {
        Mood::Well => {}
        Mood::Slow(by) => tokio::time::sleep(by).await,
        Mood::Silent => std::future::pending().await,
        Mood::Broken => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
    let text = page(&lock(&shared.pages));
    match text {
        Some(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
