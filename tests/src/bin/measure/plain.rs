//! A plain client of the API server: answers as bytes, a watch as lines, changes. What everyone has to do, and no more.

use std::sync::Arc;

use acceptance::{Context, ControlPlane, Failure, Result};
use reqwest::Response;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;

/// A client with the administrator's token.
pub struct Plain {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// The lines of a watch.
pub struct Lines {
    response: Response,
    buffer: Vec<u8>,
    /// Where the next line begins.
    from: usize,
    /// Up to where no end of a line was found.
    searched: usize,
}

impl Plain {
    /// A client of these servers.
    pub fn new(plane: &ControlPlane) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(plane.ca_pem().as_bytes()).could_not("read the authority")?;
        roots.add(authority).could_not("trust the authority")?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .could_not("choose TLS versions")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build();
        let http = http.could_not("make an HTTP client")?;
        Ok(Self { http, url: plane.url(), token: plane.admin_token().to_owned() })
    }

    /// An answer, as it came.
    pub async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let bytes = self.ask(path).await?.bytes().await.could_not(format!("read {path}"))?;
        Ok(bytes.to_vec())
    }

    /// Begins a watch of a collection from a version on.
    pub async fn watch(&self, collection: &str, version: &str) -> Result<Lines> {
        let response = self.ask(&format!("{collection}?watch=1&resourceVersion={version}")).await?;
        Ok(Lines { response, buffer: Vec::new(), from: 0, searched: 0 })
    }

    /// Changes the reason of a pod's status.
    pub async fn change(&self, (namespace, name): &(String, String), reason: &str) -> Result<()> {
        let path = format!("{}/api/v1/namespaces/{namespace}/pods/{name}/status", self.url);
        let body = json!({ "status": { "reason": reason } }).to_string();
        let request = self.http.patch(path).bearer_auth(&self.token);
        let request = request.header("content-type", "application/merge-patch+json").body(body);
        let answer = request.send().await.could_not(format!("change pod {name}"))?;
        // The answer is read, so that its connection is free for the next.
        let status = answer.status();
        answer.bytes().await.could_not(format!("change pod {name}"))?;
        if status.is_success() {
            return Ok(());
        }
        Err(Failure::new(format!("a change of pod {name} was answered with {status}")))
    }

    async fn ask(&self, path: &str) -> Result<Response> {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let response = request.send().await.could_not(format!("read {path}"))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Failure::new(format!("{path} was answered with {}", response.status())))
    }
}

impl Lines {
    /// The next line, once it is there.
    pub async fn next(&mut self) -> Result<&[u8]> {
        loop {
            if let Some(at) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.from..self.searched + at;
                self.from = line.end + 1;
                self.searched = self.from;
                return Ok(&self.buffer[line]);
            }
            self.buffer.drain(..self.from);
            (self.from, self.searched) = (0, self.buffer.len());
            let Some(part) = self.response.chunk().await.could_not("read the watch")? else {
                return Err(Failure::new("the server ended the watch"));
            };
            self.buffer.extend_from_slice(&part);
        }
    }
}
