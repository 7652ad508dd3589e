//! The Kubernetes API as the harness speaks it: JSON over kept connections, many at once.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Method, StatusCode};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::time::Instant;

use crate::failure::{Context, Failure, Result};

const AT_ONCE: usize = 32;
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// A client with one person's token. Its connections belong to the runtime that used it first,
/// so each test makes its own.
pub struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// What the server answered, whatever it was.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null where it was not JSON.
    pub body: Value,
}

impl Api {
    /// A client for the server at `url`, which must show a certificate signed by `ca_pem`.
    pub fn new(url: &str, ca_pem: &str, token: &str) -> Result<Self> {
        let tls = trusting(ca_pem)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .pool_max_idle_per_host(AT_ONCE)
            .timeout(ANSWER_LIMIT)
            .build()
            .could_not("make an HTTP client")?;
        Ok(Self { http, url: url.to_owned(), token: token.to_owned() })
    }

    /// One call; fails only if there is no answer at all.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let what = || format!("{method} {path}");
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            // Said once: with two content types the server takes neither.
            let patch = method == Method::PATCH;
            let kind = if patch { "application/merge-patch+json" } else { "application/json" };
            request = request.header("content-type", kind).body(body.to_string());
        }
        let response = request.send().await.could_not(what())?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.could_not(what())?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, body })
    }

    /// Reads an object or a list.
    pub async fn get(&self, path: &str) -> Result<Value> {
        accepted("GET", path, self.call(Method::GET, path, None).await?)
    }

    /// Watches a collection, and answers when an object in it first is so.
    pub async fn watched(&self, path: &str, is: impl Fn(&Value) -> bool) -> Result<Instant> {
        let what = || format!("watch {path}");
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let mut response = request.send().await.could_not(what())?;
        let mut rest = Vec::new();
        while let Some(part) = response.chunk().await.could_not(what())? {
            let came = Instant::now();
            rest.extend_from_slice(&part);
            while let Some(end) = memchr::memchr(b'\n', &rest) {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let event: Value = serde_json::from_slice(&line).could_not(what())?;
                if is(&event["object"]) {
                    return Ok(came);
                }
            }
        }
        Err(Failure::new(format!("could not {}: it ended", what())))
    }

    /// Creates an object in the collection at `path`.
    pub async fn create(&self, path: &str, object: &Value) -> Result<Value> {
        let answer = self.call(Method::POST, path, Some(object)).await?;
        accepted("POST", path, answer)
    }

    /// Changes an object by a JSON merge patch.
    pub async fn patch(&self, path: &str, change: &Value) -> Result<Value> {
        let answer = self.call(Method::PATCH, path, Some(change)).await?;
        accepted("PATCH", path, answer)
    }

    /// Deletes an object or, for the path of a collection, all that is in it.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        accepted("DELETE", path, self.call(Method::DELETE, path, None).await?)
    }

    /// Creates many objects in the collection at `path`, up to 32 calls at once.
    pub async fn create_all(&self, path: &str, objects: impl IntoIterator<Item = Value>) -> Result<()> {
        stream::iter(objects)
            .map(|object| async move { self.create(path, &object).await.map(drop) })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }
}

/// The objects of a list.
pub fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

fn accepted(method: &str, path: &str, answer: Answer) -> Result<Value> {
    let ok = StatusCode::from_u16(answer.status).is_ok_and(|status| status.is_success());
    if ok {
        return Ok(answer.body);
    }
    let reason = answer.body["message"].as_str().unwrap_or("no message");
    Err(Failure::new(format!("{method} {path} was answered with {}: {reason}", answer.status)))
}

/// A client for servers on the loopback address that speak no TLS.
pub(crate) fn plain(limit: Duration) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder().tls_backend_preconfigured(with_roots(RootCertStore::empty())?);
    builder.no_proxy().timeout(limit).build().could_not("make an HTTP client")
}

pub(crate) fn trusting(ca_pem: &str) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).could_not("read the authority")?;
    roots.add(ca).could_not("trust the authority")?;
    with_roots(roots)
}

fn with_roots(roots: RootCertStore) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .could_not("choose TLS versions")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
