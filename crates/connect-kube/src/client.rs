//! Calls to one API server: signed in, with time-outs, bounded answers, and failures that can be told apart.

use crate::{
    auth::{Auth, Credential, Identity},
    failure::{Call, Failure, Refusal},
    owned::TeamRule,
    place::Place,
    slim::Status,
    target::{Direct, Target},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, header};
use http_body_util::BodyExt;
use kube::client::Body;
use pilothouse_connect::{Clock, Question, RelayAnswer, is_claimed};
use pilothouse_wire::{Problem, Stamp};
use serde::Deserialize;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Mutex;

/// What is accepted for lists: protobuf is a quarter of the size and of the work.
pub const PROTOBUF: &str = "application/vnd.kubernetes.protobuf, application/json";
/// What is accepted for all else.
pub const JSON: &str = "application/json";

/// How long an answer may take to begin, and each part of it to follow.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long a review may take: it reads nothing that is kept.
const REVIEW: Duration = Duration::from_secs(8);
/// The largest answer that is held whole; a page that is larger is asked for in smaller ones.
pub const LARGEST: usize = 64 << 20;
/// The cause of a refusal that names a disruption budget. Source: `DisruptionBudgetCause` of `k8s.io/api/policy/v1`.
const BUDGET: &str = "DisruptionBudget";
/// As much of a refusal is read.
const LARGEST_REFUSAL: usize = 64 << 10;

/// An answer, whole.
pub struct Answer {
    /// Its content type.
    pub content_type: String,
    /// Its body.
    pub body: Bytes,
}

/// The way to one API server.
pub struct Client {
    /// What messages need to know.
    pub place: Place,
    /// How labels say whose an object is.
    pub rule: TeamRule,
    target: Target,
    auth: Auth,
    clock: Clock,
    /// The HTTP client, and the identity that it was made with.
    http: Mutex<Option<(Option<Arc<Identity>>, kube::Client)>>,
    /// How far the server's clock was ahead at the last answer, in milliseconds.
    ahead: AtomicI64,
}

impl Client {
    /// A client; contacts nobody.
    #[must_use]
    pub fn new(place: Place, target: Target, auth: Auth, rule: TeamRule, clock: Clock) -> Self {
        Self { place, rule, target, auth, clock, http: Mutex::default(), ahead: AtomicI64::new(0) }
    }

    /// Reads a path, whole.
    ///
    /// # Errors
    /// If there is no answer in time, or it is a refusal.
    pub async fn get(&self, call: &Call, path: &str, accept: &'static str, limit: Duration) -> Result<Answer, Failure> {
        let response = self.send(call, Method::GET, path, accept, Vec::new(), limit).await?;
        let content_type = content_type(response.headers());
        Ok(Answer { content_type, body: whole(response.into_body(), limit, LARGEST).await? })
    }

    /// Sends a review (what may I, who am I) and reads its answer as JSON.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post(
        &self,
        call: &Call,
        path: &str,
        object: &serde_json::Value,
    ) -> Result<serde_json::Value, Failure> {
        let body = object.to_string().into_bytes();
        let response = self.send(call, Method::POST, path, JSON, body, REVIEW).await?;
        let body = whole(response.into_body(), REVIEW, LARGEST).await?;
        serde_json::from_slice(&body).map_err(|_| Failure::Unreadable("It is no JSON".to_owned()))
    }

    /// Writes, and reads what came of it as JSON. Never tried a second time by itself, but where nobody knew who we are.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn write(
        &self,
        call: &Call,
        method: Method,
        path: &str,
        media: &'static str,
        body: Vec<u8>,
    ) -> Result<serde_json::Value, Failure> {
        let response = self.send_as(call, method, path, (JSON, media), body, PATIENCE).await?;
        let body = whole(response.into_body(), PATIENCE, LARGEST).await?;
        serde_json::from_slice(&body).map_err(|_| Failure::Unreadable("It is no JSON".to_owned()))
    }

    /// Opens a stream, whose parts [`next`] hands out: its content type, and its body.
    ///
    /// # Errors
    /// If it does not begin in time, or is refused.
    pub async fn stream(&self, call: &Call, path: &str, accept: &'static str) -> Result<(String, Body), Failure> {
        let response = self.send(call, Method::GET, path, accept, Vec::new(), PATIENCE).await?;
        Ok((content_type(response.headers()), response.into_body()))
    }

    /// Who we are to the server, by now.
    ///
    /// # Errors
    /// If a file cannot be read, or the plug-in gives none.
    pub async fn credential(&self) -> Result<Arc<Credential>, Failure> {
        self.auth.credential().await
    }

    /// The way to the server with this credential, for a client that is not ours.
    ///
    /// # Errors
    /// If there is none.
    pub fn direct(&self, credential: &Credential) -> Result<Direct, Problem> {
        self.target.direct(credential.identity.as_deref(), &self.place)
    }

    /// The server's time and ours, if they differed by more than a minute at the last answer.
    #[must_use]
    pub fn skew(&self) -> Option<(Stamp, Stamp)> {
        let ahead = self.ahead.load(Ordering::Relaxed);
        let ours = self.clock.now();
        (ahead.abs() > 60_000).then_some((Stamp(ours.0.saturating_add(ahead)), ours))
    }

    /// Is the server's certificate not checked?
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.target.is_insecure()
    }

    async fn send(
        &self,
        call: &Call,
        method: Method,
        path: &str,
        accept: &'static str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Response<Body>, Failure> {
        self.send_as(call, method, path, (accept, JSON), body, limit).await
    }

    async fn send_as(
        &self,
        call: &Call,
        method: Method,
        path: &str,
        media: (&'static str, &'static str),
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Response<Body>, Failure> {
        let mut again = true;
        loop {
            let credential = self.auth.credential().await?;
            let request = request(&credential, method.clone(), path, media, body.clone())?;
            let response = self.answer(&credential, request, limit).await?;
            self.compare_clocks(response.headers());
            if response.status().is_success() {
                return Ok(response);
            }
            // A credential may have ended early: one more try with another, never a storm of them.
            if response.status() == 401 && std::mem::take(&mut again) && self.auth.refused(&credential).await {
                continue;
            }
            return Err(self.told(&credential, refusal(call, response).await));
        }
    }

    /// Reads a path of a server behind this one, whole. What that server answers is no failure, whatever it is; what this
    /// one answers in its place is. The clocks are not compared: a date that comes back may be of either.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn beyond(&self, call: &Call, question: &Question) -> Result<RelayAnswer, Failure> {
        let mut again = true;
        loop {
            let credential = self.auth.credential().await?;
            let mut request = request(&credential, Method::GET, &question.path, (JSON, JSON), Vec::new())?;
            // One of these would be another person's name in our credential's place.
            for (name, value) in question.headers.iter().filter(|(name, _)| !is_claimed(name)) {
                request.headers_mut().insert(name.clone(), value.clone());
            }
            let response = self.answer(&credential, request, question.limit).await?;
            let (came, status) = (self.clock.now(), response.status());
            let (parts, body) = response.into_parts();
            let headers = parts.headers;
            if status.is_success() {
                let body = whole(body, question.limit, question.largest).await?;
                return Ok(RelayAnswer { status: status.as_u16(), headers, body, came });
            }
            let body = whole(body, question.limit, LARGEST_REFUSAL).await.unwrap_or_default();
            if !is_own_words(&body) {
                let body = credential.taken_out_of(String::from_utf8_lossy(&body).into_owned()).into();
                return Ok(RelayAnswer { status: status.as_u16(), headers, body, came });
            }
            if status == 401 && std::mem::take(&mut again) && self.auth.refused(&credential).await {
                continue;
            }
            let patience = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            return Err(self.told(&credential, refused(call, status.as_u16(), patience, &body)));
        }
    }

    async fn answer(
        &self,
        credential: &Credential,
        request: Request<Body>,
        limit: Duration,
    ) -> Result<Response<Body>, Failure> {
        let http = self.http(credential).await.map_err(Failure::Told)?;
        let answer = tokio::time::timeout(limit, http.send(request)).await;
        answer.map_err(|_| Failure::TimedOut(limit))?.map_err(|error| Failure::Transport(error.into()))
    }

    fn told(&self, credential: &Credential, mut refusal: Refusal) -> Failure {
        refusal.message = credential.taken_out_of(refusal.message);
        refusal.ended = credential.identity.as_ref().and_then(|own| own.ends()).filter(|ends| *ends < self.clock.now());
        Failure::Refusal(Box::new(refusal))
    }

    async fn http(&self, credential: &Credential) -> Result<kube::Client, Problem> {
        let mut http = self.http.lock().await;
        if let Some((identity, client)) = http.as_ref()
            && same(identity.as_ref(), credential.identity.as_ref())
        {
            return Ok(client.clone());
        }
        let client = self.target.client(credential.identity.as_deref(), &self.place)?;
        *http = Some((credential.identity.clone(), client.clone()));
        Ok(client)
    }

    fn compare_clocks(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        if let Some(server) = date.and_then(time) {
            let ahead = server.0.saturating_sub(self.clock.now().0);
            self.ahead.store(ahead, Ordering::Relaxed);
        }
    }
}

fn same(a: Option<&Arc<Identity>>, b: Option<&Arc<Identity>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

fn request(
    credential: &Credential,
    method: Method,
    path: &str,
    (accept, sent): (&'static str, &'static str),
    body: Vec<u8>,
) -> Result<Request<Body>, Failure> {
    let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, sent);
    }
    let mut request = request.body(Body::from(body)).map_err(|_| Failure::Unreadable(format!("{path} is no path")))?;
    credential.apply(request.headers_mut());
    Ok(request)
}

fn content_type(headers: &HeaderMap) -> String {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// Reads a body whole; `limit` is for each part of it, so that a slow line is not a failure and a silent one is.
///
/// # Errors
/// If it breaks, is silent for too long, or is larger than `largest`.
pub async fn whole(mut body: Body, limit: Duration, largest: usize) -> Result<Bytes, Failure> {
    let mut all = BytesMut::new();
    while let Some(part) = next(&mut body, limit).await? {
        if all.len() + part.len() > largest {
            return Err(Failure::TooLarge);
        }
        all.extend_from_slice(&part);
    }
    Ok(all.freeze())
}

/// The next part of a body; `None` at its end.
///
/// # Errors
/// If the connection breaks, or nothing comes in time.
pub async fn next(body: &mut Body, limit: Duration) -> Result<Option<Bytes>, Failure> {
    loop {
        match tokio::time::timeout(limit, body.frame()).await {
            Err(_) => return Err(Failure::TimedOut(limit)),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => return Err(Failure::Transport(error.into())),
            // Trailers are of no use here.
            Ok(Some(Ok(frame))) => {
                if let Ok(part) = frame.into_data() {
                    return Ok(Some(part));
                }
            }
        }
    }
}

async fn refusal(call: &Call, response: Response<Body>) -> Refusal {
    let status = response.status().as_u16();
    let header = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = whole(response.into_body(), PATIENCE, LARGEST_REFUSAL).await.unwrap_or_default();
    refused(call, status, header.as_deref(), &body)
}

/// What a server says when it says no: its status, its `Retry-After`, its body.
pub(crate) fn refused(call: &Call, status: u16, header: Option<&str>, body: &[u8]) -> Refusal {
    let asked = header.and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
    let said: Status = serde_json::from_slice(body).unwrap_or_default();
    let mut message = if said.message.is_empty() { text(body) } else { said.message };
    let details = said.details.unwrap_or_default();
    // Which budget holds a pod stands there alone.
    for cause in details.causes.iter().filter(|cause| cause.reason == BUDGET) {
        message = format!("{message} {}", cause.message);
    }
    let in_body = details.retry_after_seconds;
    let in_body = u64::try_from(in_body).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
    Refusal { call: call.clone(), status, reason: said.reason, message, retry_after: asked.or(in_body), ended: None }
}

/// Is it the API server itself that says no, and not a server behind it? It says so in an object that others do not have.
fn is_own_words(body: &[u8]) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Envelope {
        kind: String,
        api_version: String,
    }
    let Envelope { kind, api_version } = serde_json::from_slice(body).unwrap_or_default();
    kind == "Status" && api_version == "v1"
}

/// The time of a `Date` header.
pub(crate) fn time(date: &str) -> Option<Stamp> {
    jiff::fmt::rfc2822::parse(date).ok().map(|date| Stamp(date.timestamp().as_millisecond()))
}

/// A body that is no Status, if it is a short text: a page of HTML says nothing to a person.
fn text(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap_or_default().trim();
    if text.starts_with('<') { String::new() } else { text.chars().take(200).collect() }
}
