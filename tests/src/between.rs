//! A server of the test that stands between a client and an API server: it hands everything on, loses what it is told to, and
//! keeps people from trying. Nothing else can make an answer get lost behind a write that was done; and no API server of today
//! takes a webhook that cannot be tried, as those of before v1.22 did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::api::trusting;
use crate::control_plane::ControlPlane;
use crate::failure::{Context, Result};

/// The most of a request that is handed on.
const MOST: usize = 1 << 20;

/// It. Ends with the test.
pub struct Between {
    port: u16,
    does: Arc<Does>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Does {
    loses: AtomicBool,
    refuses_to_try: AtomicBool,
}

#[derive(Clone)]
struct Behind {
    http: reqwest::Client,
    url: String,
    does: Arc<Does>,
}

impl Drop for Between {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Between {
    /// Stands in front of the API server of a control plane, and speaks plainly with who asks.
    pub async fn start(plane: &ControlPlane) -> Result<Self> {
        let tls = trusting(&plane.ca_pem())?;
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build();
        let does = Arc::new(Does::default());
        let behind = Behind { http: http.could_not("make an HTTP client")?, url: plane.url(), does: Arc::clone(&does) };
        let listener = TcpListener::bind("127.0.0.1:0").await.could_not("listen")?;
        let port = listener.local_addr().could_not("find the port")?.port();
        let router = Router::new().fallback(hand_on).with_state(behind);
        let server = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { port, does, server })
    }

    /// From now on, does it lose the answers to what writes? What only tries is answered.
    pub fn lose(&self, loses: bool) {
        self.does.loses.store(loses, Ordering::SeqCst);
    }

    /// From now on, does it refuse what only tries, in the words of an API server with a webhook that cannot? Source:
    /// `NewDryRunUnsupportedErr` of `k8s.io/apiserver`.
    pub fn refuse_to_try(&self, refuses: bool) {
        self.does.refuses_to_try.store(refuses, Ordering::SeqCst);
    }

    /// A kubeconfig of the owner of a token, by way of this.
    pub fn kubeconfig(&self, token: &str) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "between",
            "clusters": [{ "name": "between", "cluster": { "server": format!("http://127.0.0.1:{}", self.port) } }],
            "users": [{ "name": "between", "user": { "token": token } }],
            "contexts": [{ "name": "between", "context": { "cluster": "between", "user": "between" } }],
        })
        .to_string()
    }
}

async fn hand_on(State(behind): State<Behind>, request: Request) -> Response {
    match through(&behind, request).await {
        Ok(response) => response,
        Err(failure) => (StatusCode::BAD_GATEWAY, failure.to_string()).into_response(),
    }
}

async fn through(behind: &Behind, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let tries = query.contains("dryRun");
    let writes = [Method::PATCH, Method::PUT, Method::DELETE].contains(&parts.method) && !tries;
    if tries && behind.does.refuses_to_try.load(Ordering::SeqCst) {
        let refused = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "BadRequest", "code": 400,
            "message": "admission webhook \"quota.example.com\" does not support dry run",
        });
        let headers = [(header::CONTENT_TYPE, "application/json")];
        return Ok((StatusCode::BAD_REQUEST, headers, refused.to_string()).into_response());
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let bytes = to_bytes(body, MOST).await.could_not("read a request")?;
    let request = behind.http.request(parts.method, format!("{}{path}", behind.url)).headers(handed_on(&parts.headers));
    let answer = request.body(bytes).send().await.could_not("hand a request on")?;
    if writes && behind.does.loses.load(Ordering::SeqCst) {
        // It is done by now. The connection ends in the middle of what would say so.
        answer.bytes().await.could_not("read what is lost")?;
        let cut = stream::once(async { Err::<Vec<u8>, _>(std::io::Error::other("lost")) });
        return Ok(Body::from_stream(cut).into_response());
    }
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(handed_on(answer.headers()));
    }
    // Piece by piece: a watch has no end.
    let pieces = stream::try_unfold(answer, async |mut answer| {
        let piece = answer.chunk().await.map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>(piece.map(|piece| (piece, answer)))
    });
    response.body(Body::from_stream(pieces)).could_not("hand an answer on")
}

/// Headers without those that are about one connection alone.
pub(crate) fn handed_on(headers: &HeaderMap) -> HeaderMap {
    let own = [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH];
    headers.iter().filter(|(name, _)| !own.contains(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}
