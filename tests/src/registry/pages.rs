//! A server of the test between a client and a registry: it hands everything on, counts the pages of tags that are asked for, holds
//! them back from one on, and knows who left before one came. A registry itself tells nobody who left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Registry;
use crate::api::plain;
use crate::between::handed_on;
use crate::failure::{Context, Result};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(60);

/// It. Ends with the test.
pub struct Pages {
    port: u16,
    does: Arc<Does>,
    server: JoinHandle<()>,
}

struct Does {
    http: reqwest::Client,
    registry: String,
    asked: AtomicUsize,
    left: AtomicUsize,
    /// The last page that is handed on.
    last: watch::Sender<usize>,
}

/// One who waits for a page; dropped before it came, they have left.
struct Waits<'a> {
    does: &'a Does,
    came: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if !self.came {
            self.does.left.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Pages {
    /// Stands in front of a registry.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub async fn start(registry: &Registry) -> Result<Self> {
        let does = Arc::new(Does {
            http: plain(LIMIT)?,
            registry: registry.url(),
            asked: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            last: watch::Sender::new(usize::MAX),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.could_not("listen")?;
        let port = listener.local_addr().could_not("find the port")?.port();
        let router = Router::new().fallback(hand_on).with_state(Arc::clone(&does));
        let server = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { port, does, server })
    }

    /// Its address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Holds back every page behind so many more.
    pub fn hold_behind(&self, more: usize) {
        self.does.last.send_replace(self.asked() + more);
    }

    /// Holds no page back any more.
    pub fn go_on(&self) {
        self.does.last.send_replace(usize::MAX);
    }

    /// Pages that were asked for so far.
    pub fn asked(&self) -> usize {
        self.does.asked.load(Ordering::SeqCst)
    }

    /// How many of them nobody waited for until they came.
    pub fn left(&self) -> usize {
        self.does.left.load(Ordering::SeqCst)
    }
}

async fn hand_on(State(does): State<Arc<Does>>, request: Request) -> Response {
    if request.uri().path().ends_with("/tags/list") {
        let number = does.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut waits = Waits { does: &does, came: false };
        // It ends only with the test.
        let _ = does.last.subscribe().wait_for(|last| number <= *last).await;
        let answer = through(&does, request).await;
        waits.came = true;
        return answer.unwrap_or_else(|failure| (StatusCode::BAD_GATEWAY, failure.to_string()).into_response());
    }
    let answer = through(&does, request).await;
    answer.unwrap_or_else(|failure| (StatusCode::BAD_GATEWAY, failure.to_string()).into_response())
}

async fn through(does: &Does, request: Request) -> Result<Response> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let asked = does.http.request(request.method().clone(), format!("{}{path}", does.registry));
    let answer = asked.headers(handed_on(request.headers())).send().await.could_not("hand a question on")?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(handed_on(answer.headers()));
    }
    let whole = answer.bytes().await.could_not("read an answer")?;
    response.body(Body::from(whole)).could_not("hand an answer on")
}
