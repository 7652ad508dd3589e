//! The door: which address is which question.

use crate::{
    gguf::{self, Style, Wanted},
    onnx,
    served::Served,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

/// A request is no larger, in bytes.
const LARGEST: usize = 64 << 20;

/// Why there is no answer, with the status that says whose fault it is.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    /// What is asked cannot be answered as it is.
    pub fn bad(why: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, why: why.into() }
    }

    /// Too many wait already.
    pub fn full() -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, why: "too many requests wait for their turn".into() }
    }

    /// This model is not asked so.
    pub fn absent(why: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, why: why.into() }
    }

    /// The library failed.
    pub fn broken(why: impl Into<String>) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, why: why.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let words = json!({ "error": { "message": self.why, "code": self.status.as_u16() } });
        (self.status, [(CONTENT_TYPE, "application/json")], words.to_string()).into_response()
    }
}

/// Serves until this program is ended.
///
/// # Errors
/// If the listener breaks.
pub async fn serve(listener: TcpListener, served: Arc<Served>) -> Result<(), String> {
    let router = Router::new()
        .route("/health", get(ready))
        .route("/v2/health/live", get(ready))
        .route("/v2/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/completions", post(completions))
        .route("/v1/chat/completions", post(chat))
        .route("/v2/models/{model}", get(about))
        .route("/v2/models/{model}/infer", post(infer))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(served);
    // A piece is sent when it is there, and not when the one before was heard.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router).await.map_err(|error| format!("It cannot be served any more: {error}."))
}

async fn ready() -> &'static str {
    "ready"
}

async fn metrics(State(served): State<Arc<Served>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], served.exposition())
}

async fn completions(State(served): State<Arc<Served>>, body: Bytes) -> Result<Response, Refusal> {
    said(Style::Completion, &served, &body)
}

async fn chat(State(served): State<Arc<Served>>, body: Bytes) -> Result<Response, Refusal> {
    said(Style::Chat, &served, &body)
}

fn said(style: Style, served: &Served, body: &[u8]) -> Result<Response, Refusal> {
    let Served::Gguf(loaded) = served else {
        return Err(Refusal::absent("an ONNX model is asked at /v2/models/NAME/infer"));
    };
    let wanted: Wanted =
        serde_json::from_slice(body).map_err(|error| Refusal::bad(format!("the request cannot be read: {error}")))?;
    let answer = loaded.ask(style, &wanted)?;
    Ok(([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(gguf::events(answer))).into_response())
}

fn tensors(served: &Served) -> Result<&onnx::Loaded, Refusal> {
    match served {
        Served::Onnx(loaded) => Ok(loaded),
        Served::Gguf(_) => Err(Refusal::absent("a GGUF model is asked at /v1/completions or /v1/chat/completions")),
    }
}

fn json_of(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn about(State(served): State<Arc<Served>>) -> Result<Response, Refusal> {
    tensors(&served).map(|loaded| json_of(&loaded.metadata()))
}

async fn infer(State(served): State<Arc<Served>>, body: Bytes) -> Result<Response, Refusal> {
    let answer = tensors(&served)?.infer(&body).await?;
    Ok(json_of(&answer))
}
