//! A real OCI registry on the loopback address: distribution, open, behind a password, or behind a token service of the
//! test; what is pushed to it goes by plain HTTP. `cargo xtask servers` builds it.

mod content;
mod pages;
mod tokens;

pub use content::{Content, Descriptor, digest_of};
pub use pages::Pages;
pub use tokens::TokenService;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::api::plain;
use crate::cache::binary;
use crate::failure::{Context, Failure, Result};
use crate::ports;
use crate::process::{Den, Process};

const LIMIT: Duration = Duration::from_secs(60);
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const NAME: &str = "registry";
/// Another one, which has the API of referrers, and keeps what is pushed in its memory.
const REFERRERS: &str = "referrers";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Who may sign in where a registry wants it.
pub const USER: &str = "oncall";
/// With this password.
pub const PASSWORD: &str = "correct horse";
/// bcrypt of it, of the least cost: what a file of htpasswd has.
const HASHED: &str = "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";

/// How a registry is signed in to.
pub enum Door {
    /// By anybody.
    Open,
    /// With a password, sent to it.
    Password,
    /// With tokens of a service.
    Tokens(TokenService),
}

/// The server. It ends when this is dropped, and also when the process of the test ends in any other way.
pub struct Registry {
    process: Option<Process>,
    binary: PathBuf,
    port: u16,
    den: Arc<Den>,
    http: Client,
    door: Door,
    name: &'static str,
}

impl Registry {
    /// Starts one that is open, and returns once it answers.
    pub async fn start() -> Result<Self> {
        Self::behind(Door::Open).await
    }

    /// Starts one behind a door.
    pub async fn behind(door: Door) -> Result<Self> {
        Self::of(NAME, door).await
    }

    /// Starts one that is open and has the API of referrers: go-containerregistry's, since distribution has none. What is pushed
    /// to it is gone with it.
    pub async fn with_referrers() -> Result<Self> {
        Self::of(REFERRERS, Door::Open).await
    }

    async fn of(name: &'static str, door: Door) -> Result<Self> {
        let mut server = Self {
            process: None,
            binary: binary(name)?,
            port: ports::free()?,
            den: Den::new()?,
            http: plain(ANSWER_LIMIT)?,
            door,
            name,
        };
        server.den.write("config.yml", server.config()?)?;
        server.start_again().await?;
        Ok(server)
    }

    /// Its address, `http://127.0.0.1:PORT`; the same after a restart.
    pub fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// Its host with its port, as images name it.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its token service, where it has one.
    pub fn tokens(&self) -> Option<&TokenService> {
        match &self.door {
            Door::Tokens(service) => Some(service),
            Door::Open | Door::Password => None,
        }
    }

    /// Ends it at once; what was pushed stays.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it at the same address, and waits until it answers.
    pub async fn start_again(&mut self) -> Result<()> {
        self.kill();
        let mut command = Command::new(&self.binary);
        let config = self.den.folder().join("config.yml");
        command.env_clear().env("HOME", self.den.folder()).env("OTEL_TRACES_EXPORTER", "none");
        // Behind a door, only what is no part of the API lets everybody in; the other one has nothing else.
        let ready = match self.name {
            REFERRERS => {
                command.arg(format!("-listen={}", self.host()));
                format!("{}/v2/", self.url())
            }
            _ => {
                command.arg("serve").arg(config);
                self.url()
            }
        };
        let process = Process::start(&self.den, self.name, command)?;
        process.is_ready(&self.http, &ready, LIMIT).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Freezes it: its connections stay open and nothing answers on them.
    pub fn pause(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::pause)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::resume)
    }

    /// Pushes an artefact under a tag; gives the digest of its manifest.
    pub async fn push(&self, repository: &str, tag: &str, content: &Content) -> Result<String> {
        self.blob(repository, &content.config).await?;
        for layer in &content.layers {
            self.blob(repository, layer).await?;
        }
        self.manifest(repository, tag, &content.manifest()).await
    }

    /// Pushes an index of these manifests, each with its platform, under a tag.
    pub async fn push_index(&self, repository: &str, tag: &str, parts: &[(&str, &str)]) -> Result<String> {
        let mut manifests = Vec::new();
        for (digest, architecture) in parts {
            let size = self.manifest_bytes(repository, digest).await?.len();
            manifests.push(json!({
                "mediaType": content::MANIFEST, "digest": digest, "size": size,
                "platform": { "os": "linux", "architecture": architecture }
            }));
        }
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
        self.manifest(repository, tag, &index).await
    }

    /// Pushes something that says something of a manifest, and the tag by which clients find it where a registry has no API
    /// of referrers: distribution has none.
    pub async fn refer(&self, repository: &str, subject: &str, kind: &str) -> Result<String> {
        let (digest, size) = self.say(repository, subject, kind).await?;
        let entry = json!({
            "mediaType": content::MANIFEST, "digest": digest, "artifactType": kind, "size": size
        });
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
        self.manifest(repository, &subject.replace(':', "-"), &index).await?;
        Ok(digest)
    }

    /// Pushes something that says something of a manifest, and no tag by which it would be found; its digest and its size.
    pub async fn say(&self, repository: &str, subject: &str, kind: &str) -> Result<(String, usize)> {
        let size = self.manifest_bytes(repository, subject).await?.len();
        let subject_part = json!({ "mediaType": content::MANIFEST, "digest": subject, "size": size });
        let said = Content::statement(kind, subject_part);
        let digest = self.push(repository, &format!("{}.said", subject.replace(':', "-")), &said).await?;
        Ok((digest, said.manifest().to_string().len()))
    }

    /// Deletes a manifest, and with it every tag that stands at it.
    pub async fn delete(&self, repository: &str, digest: &str) -> Result<()> {
        let path = format!("/v2/{repository}/manifests/{digest}");
        sent(self.request(Method::DELETE, &path, repository), &path).await.map(drop)
    }

    /// Puts many tags onto one artefact: `v00000` and so on. The first is pushed; the others are laid down as the registry
    /// itself keeps a tag, which waits for the disk with each one that is pushed.
    pub async fn push_tags(&self, repository: &str, count: usize) -> Result<()> {
        let digest = self.push(repository, &tag(0), &Content::image("many")).await?;
        let store = self.den.folder().join("store/docker/registry/v2/repositories");
        let tags = store.join(repository).join("_manifests/tags");
        let lay = move || {
            let entry = format!("index/sha256/{}", digest.trim_start_matches("sha256:"));
            (1..count).try_for_each(|number| {
                ["current", &entry].into_iter().try_for_each(|part| {
                    let folder = tags.join(tag(number)).join(part);
                    std::fs::create_dir_all(&folder)?;
                    std::fs::write(folder.join("link"), &digest)
                })
            })
        };
        let laid = tokio::task::spawn_blocking(lay).await.could_not("lay tags down")?;
        laid.could_not("lay tags down")
    }

    /// Changes a word in what it keeps under a digest, as a disk might: what it sends then is something else.
    pub fn damage(&self, digest: &str, from: &str, to: &str) -> Result<()> {
        let file = self.file_of(digest);
        let text = std::fs::read_to_string(&file).could_not(format!("read {}", file.display()))?;
        if !text.contains(from) {
            return Err(Failure::new(format!("there is no {from} in {digest}")));
        }
        std::fs::write(&file, text.replace(from, to)).could_not(format!("write {}", file.display()))
    }

    /// Cuts off what it keeps under a digest.
    pub fn cut(&self, digest: &str) -> Result<()> {
        let file = self.file_of(digest);
        let bytes = std::fs::read(&file).could_not(format!("read {}", file.display()))?;
        std::fs::write(&file, &bytes[..bytes.len() / 2]).could_not(format!("write {}", file.display()))
    }

    fn file_of(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        let blobs = self.den.folder().join("store/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    async fn manifest_bytes(&self, repository: &str, reference: &str) -> Result<Vec<u8>> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let request =
            self.request(Method::GET, &path, repository).header("accept", format!("{}, {INDEX}", content::MANIFEST));
        let answer = request.send().await.could_not(format!("get {path}"))?;
        let (status, bytes) = (answer.status(), answer.bytes().await.could_not(format!("get {path}"))?);
        if status.is_success() { Ok(bytes.to_vec()) } else { Err(Failure::new(format!("get {path}: {status}"))) }
    }

    async fn manifest(&self, repository: &str, tag: &str, manifest: &Value) -> Result<String> {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let kind = manifest["mediaType"].as_str().unwrap_or_default().to_owned();
        let body = manifest.to_string();
        let digest = digest_of(body.as_bytes());
        let request = self.request(Method::PUT, &path, repository).header("content-type", kind).body(body);
        sent(request, &path).await?;
        Ok(digest)
    }

    async fn blob(&self, repository: &str, blob: &Descriptor) -> Result<()> {
        let path = format!("/v2/{repository}/blobs/uploads/");
        let begun = sent(self.request(Method::POST, &path, repository), &path).await?;
        let to = begun.headers().get("location").and_then(|value| value.to_str().ok());
        let to = to.ok_or_else(|| Failure::new("an upload leads nowhere"))?;
        let to = to.strip_prefix(&self.url()).unwrap_or(to);
        let sign = if to.contains('?') { '&' } else { '?' };
        let path = format!("{to}{sign}digest={}", blob.digest());
        let request = self.request(Method::PUT, &path, repository).header("content-type", "application/octet-stream");
        sent(request.body(blob.bytes.clone()), &path).await.map(drop)
    }

    /// A request of somebody who may push.
    fn request(&self, method: Method, path: &str, repository: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url()));
        match &self.door {
            Door::Open => request,
            Door::Password => request.basic_auth(USER, Some(PASSWORD)),
            Door::Tokens(service) => request.bearer_auth(service.token_to_push(repository)),
        }
    }

    fn config(&self) -> Result<String> {
        let folder = self.den.folder();
        let auth = match &self.door {
            Door::Open => Value::Null,
            Door::Password => {
                let file = self.den.write("users", format!("{USER}:{HASHED}\n"))?;
                json!({ "htpasswd": { "realm": "registry", "path": file } })
            }
            Door::Tokens(service) => {
                let keys = self.den.write("keys.json", service.keys().to_string())?;
                json!({ "token": {
                    "realm": service.realm(), "service": tokens::SERVICE, "issuer": tokens::ISSUER, "jwks": keys
                } })
            }
        };
        let mut config = json!({
            "version": "0.1",
            "log": { "level": "warn", "accesslog": { "disabled": true } },
            "storage": {
                "filesystem": { "rootdirectory": folder.join("store") },
                "delete": { "enabled": true },
                "maintenance": { "uploadpurging": { "enabled": false } }
            },
            "http": { "addr": self.host(), "secret": "of-the-tests", "relativeurls": true }
        });
        if !auth.is_null() {
            config["auth"] = auth;
        }
        Ok(config.to_string())
    }
}

/// The name of a tag among many.
pub fn tag(number: usize) -> String {
    format!("v{number:05}")
}

async fn sent(request: RequestBuilder, path: &str) -> Result<reqwest::Response> {
    let answer = request.send().await.could_not(format!("send to {path}"))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text = answer.text().await.unwrap_or_default();
    Err(Failure::new(format!("send to {path}: {status}: {text}")))
}
