//! A server of the test in front of a real MLflow: who shows its token is let through to it, as a gateway of a company lets people
//! in; MLflow itself knows no tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{ANSWER_LIMIT, Mlflow};
use crate::api::plain;
use crate::failure::{Context, Result};

/// The most of a request that is handed on.
const MOST: usize = 1 << 20;

/// It. Ends with the test.
pub struct Bearer {
    port: u16,
    turned_away: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Behind {
    http: reqwest::Client,
    url: String,
    shown: String,
    turned_away: Arc<AtomicUsize>,
}

impl Drop for Bearer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Bearer {
    /// Stands in front of a server, and wants this token.
    pub async fn start(server: &Mlflow, token: &str) -> Result<Self> {
        let turned_away = Arc::new(AtomicUsize::new(0));
        let behind = Behind {
            http: plain(ANSWER_LIMIT)?,
            url: server.url(),
            shown: format!("Bearer {token}"),
            turned_away: Arc::clone(&turned_away),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.could_not("listen")?;
        let port = listener.local_addr().could_not("find the port")?.port();
        let router = Router::new().fallback(hand_on).with_state(behind);
        let server = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { port, turned_away, server })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests were turned away.
    pub fn turned_away(&self) -> usize {
        self.turned_away.load(Ordering::SeqCst)
    }
}

async fn hand_on(State(behind): State<Behind>, request: Request) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if shown != Some(&behind.shown) {
        behind.turned_away.fetch_add(1, Ordering::SeqCst);
        let wanted = [(header::WWW_AUTHENTICATE, "Bearer realm=\"models\"")];
        return (StatusCode::UNAUTHORIZED, wanted, "a token is needed").into_response();
    }
    match through(&behind, request).await {
        Ok(response) => response,
        Err(failure) => (StatusCode::BAD_GATEWAY, failure.to_string()).into_response(),
    }
}

async fn through(behind: &Behind, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let bytes = to_bytes(body, MOST).await.could_not("read a request")?;
    let request = behind.http.request(parts.method, format!("{}{path}", behind.url)).headers(handed_on(&parts.headers));
    let answer = request.body(bytes).send().await.could_not("hand a request on")?;
    let (status, headers) = (answer.status(), handed_on(answer.headers()));
    let bytes = answer.bytes().await.could_not("read an answer")?;
    Ok((status, headers, bytes).into_response())
}

/// Headers without those that are about one connection alone, or say to this server who asks.
fn handed_on(headers: &HeaderMap) -> HeaderMap {
    let own = [
        header::HOST,
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::ACCEPT_ENCODING,
        header::AUTHORIZATION,
    ];
    headers.iter().filter(|(name, _)| !own.contains(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}
