//! A server of the test that stands before a real one and lets nobody through who does not send a header as it wants it: the
//! tenant of Mimir and Thanos, which are not built here since it would take longer than all else together, a bearer token, or a
//! header of a gateway's own. The header and the words of a refusal are this one's; all that is answered is the real server's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::api::plain;
use crate::failure::{Context, Result};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The most of a question that is handed on.
const MOST: usize = 1 << 20;

/// It. Ends with the test.
pub struct Gateway {
    port: u16,
    server: JoinHandle<()>,
}

struct Behind {
    http: reqwest::Client,
    port: u16,
    header: &'static str,
    wants: &'static str,
    /// What it says to who sends no such header, and to who sends another value.
    refusals: [&'static str; 2],
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Gateway {
    /// Stands before a server on this port of the loopback address, for who sends this header with this tenant.
    pub async fn start(port: u16, header: &'static str, tenant: &'static str) -> Result<Self> {
        // In Mimir's words: `ErrNoOrgID` of `github.com/grafana/dskit/user`.
        Self::refusing(port, header, tenant, ["no org id", "not your tenant"]).await
    }

    /// Stands before a server for who sends this header with this value, and refuses all others in these words.
    pub async fn refusing(
        port: u16,
        header: &'static str,
        wants: &'static str,
        refusals: [&'static str; 2],
    ) -> Result<Self> {
        let behind = Arc::new(Behind { http: plain(LIMIT)?, port, header, wants, refusals });
        let listener = TcpListener::bind("127.0.0.1:0").await.could_not("listen")?;
        let port = listener.local_addr().could_not("find the port")?.port();
        let router = Router::new().fallback(hand_on).with_state(behind);
        let server = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { port, server })
    }

    /// Its address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn hand_on(State(behind): State<Arc<Behind>>, request: Request) -> Response {
    let told = request.headers().get(behind.header).and_then(|value| value.to_str().ok());
    let [unknown, denied] = behind.refusals;
    match told {
        None => (StatusCode::UNAUTHORIZED, unknown).into_response(),
        Some(value) if value != behind.wants => (StatusCode::FORBIDDEN, denied).into_response(),
        Some(_) => through(&behind, request)
            .await
            .unwrap_or_else(|failure| (StatusCode::BAD_GATEWAY, failure.to_string()).into_response()),
    }
}

async fn through(behind: &Behind, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let bytes = to_bytes(body, MOST).await.could_not("read a question")?;
    let mut question = behind.http.request(parts.method, format!("http://127.0.0.1:{}{path}", behind.port));
    for (name, value) in parts.headers.iter().filter(|(name, _)| **name == header::CONTENT_TYPE) {
        question = question.header(name, value);
    }
    let answer = question.body(bytes).send().await.could_not("hand a question on")?;
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| **name == header::CONTENT_TYPE) {
        response = response.header(name, value);
    }
    let whole = answer.bytes().await.could_not("read an answer")?;
    response.body(Body::from(whole)).could_not("hand an answer on")
}
