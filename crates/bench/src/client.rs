//! The way to a server that answers in pieces: one request, one answer, the time of each piece. Nothing is tried again, but
//! for a connection that had gone before it was used.

mod inside;
mod line;

use self::line::{Answer, Lines};

use crate::{
    chunk,
    failure::{Failure, Kind},
    hearing::{Hearing, bounded, short},
    oip::Channel,
    plan::{Api, KeyFrom, Target},
    prompts::Ready,
    sample::Heard,
    stamped::{Connector, Marks},
    template,
    whole::{self, Whole},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, RETRY_AFTER, USER_AGENT},
};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use jiff::fmt::rfc2822;
use pilothouse_connect::{Cause, Clock, Entrance, GONE, redact_words};
use pilothouse_wire::{Code, Problem, Stamp};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use std::{fs::File, io::Read, path::Path, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How long the way to the server may take, without its handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// As much of a refusal is read, in bytes.
const REFUSAL: usize = 64 << 10;
/// How long a refusal may take to come whole.
const REFUSAL_TIME: Duration = Duration::from_secs(5);
/// How long a stream may stay open once the server has said that nothing more comes.
const AFTER_DONE: Duration = Duration::from_secs(1);
/// A file of a key is no longer.
const MOST_KEY: u64 = 16 << 10;

/// The way to a server, with nobody on it yet.
pub struct Way {
    inner: HttpsConnector<HttpConnector>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    key: Option<SecretString>,
    whole: Option<Whole>,
    is_grpc: bool,
    /// The API server on the way, if one is.
    inside: Option<Arc<Entrance>>,
}

/// The way to a server, in use.
pub struct Client {
    lines: Lines,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    key: Option<SecretString>,
    /// How answers that come whole are read; none where they come in pieces.
    whole: Option<Whole>,
    /// The way of calls of gRPC; none where it is none of them.
    grpc: Option<Channel>,
    inside: Option<Arc<Entrance>>,
}

/// Reads a key from where it is.
///
/// # Errors
/// If there is none, or it is no single word.
pub fn key(from: &KeyFrom) -> Result<Option<SecretString>, Problem> {
    let (place, text) = match from {
        KeyFrom::None => return Ok(None),
        KeyFrom::Variable(name) => {
            (format!("the variable {name}"), std::env::var(name).map_err(|error| error.to_string()))
        }
        KeyFrom::File(file) => (file.display().to_string(), read_key(file)),
    };
    let unusable = |why: String| {
        Problem::new(Code::BadInput, format!("There is no key in {place}."))
            .why(format!("{why}."))
            .next("Put the key alone into it, or leave out --key-env and --key-file where the server asks for none.")
    };
    let text = text.map_err(unusable)?;
    let word = text.trim();
    if word.is_empty() || !word.chars().all(|c| c.is_ascii_graphic()) {
        return Err(unusable("It is empty, or has something else in it than one word".into()));
    }
    Ok(Some(SecretString::from(word)))
}

fn read_key(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(MOST_KEY).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| error.to_string())
}

impl Way {
    /// To a target; contacts nobody.
    ///
    /// # Errors
    /// If the address, the key or the authorities cannot be used.
    pub fn new(target: &Target, key: Option<SecretString>) -> Result<Self, Problem> {
        let uri: Uri = target.url.parse().map_err(|_| {
            Problem::new(
                Code::BadInput,
                format!("{} is no address of a server.", pilothouse_connect::redact_url(&target.url)),
            )
        })?;
        let inside = target.through.as_ref().map(|through| through.way.entrance()).transpose()?;
        let uri = inside.as_ref().map_or(Ok(uri.clone()), |inside| inside::behind(&inside.base, &uri))?;
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (ACCEPT, HeaderValue::from_static(if target.api.streams() { "text/event-stream" } else { "*/*" })),
            (USER_AGENT, HeaderValue::from_static(concat!("pilothouse/", env!("CARGO_PKG_VERSION")))),
        ]);
        if let Some(key) = &key {
            let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
                .map_err(|_| Problem::new(Code::BadInput, "The key has letters in it that no header can carry."))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let tls = match (&inside, uri.scheme_str()) {
            (Some(inside), _) => Ok(inside::tls(inside)),
            (None, Some("https")) => tls(target.authorities.as_deref()),
            // There is nothing to check, and the authorities of this machine need not be read.
            (None, _) => config(RootCertStore::empty()),
        };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls?).https_or_http();
        if let Some(name) = inside.as_ref().and_then(|inside| inside.server_name.as_deref()) {
            builder = builder.with_server_name_resolver(inside::name(name)?);
        }
        let is_grpc = target.api == Api::InferGrpc;
        let inner = match is_grpc {
            true => builder.enable_http2().wrap_connector(http),
            false => builder.enable_http1().wrap_connector(http),
        };
        let method = match target.template.as_ref().map(|template| template.method).unwrap_or_default() {
            template::Method::Post => Method::POST,
            template::Method::Put => Method::PUT,
            template::Method::Get => Method::GET,
        };
        Ok(Self { inner, uri, method, headers, key, whole: Whole::of(target), is_grpc, inside })
    }

    /// A client whose times are from this begin.
    #[must_use]
    pub fn begin(self, begin: Instant) -> Client {
        let Self { inner, uri, method, headers, key, whole, is_grpc, inside } = self;
        let connector = Connector { inner, begin };
        let grpc = is_grpc.then(|| Channel::new(connector.clone(), uri.clone(), headers.clone()));
        Client { lines: Lines::new(connector), uri, method, headers, key, whole, grpc, inside }
    }
}

impl Client {
    /// Asks, and hears the answer out. It was meant to be sent at `intended` and is sent at `sent`, in microseconds from the
    /// begin. `id` stands in the header `x-request-id`, so that a server's log can be read beside ours.
    ///
    /// # Errors
    /// Why there is no whole answer.
    pub async fn ask(&self, id: &str, ready: &Ready, intended: u64, sent: u64) -> Result<Heard, Failure> {
        self.ask_saying(id, ready, (intended, sent), None).await
    }

    /// The same; what is said is put where somebody wants it, which is none of what is timed.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn ask_saying(
        &self,
        id: &str,
        ready: &Ready,
        (intended, sent): (u64, u64),
        said: Option<&mut String>,
    ) -> Result<Heard, Failure> {
        let (mut heard, marks) = match &self.whole {
            Some(whole) => {
                let (told, marks) = self.read(id, ready, whole).await?;
                (Heard::whole(marks.read().saturating_sub(intended), told.input_tokens), marks)
            }
            None => {
                let hearing = Hearing::new(intended, ready.wanted_output);
                let hearing = if said.is_some() { hearing.with_text() } else { hearing };
                let (heard, text, marks) = self.hear(id, ready, hearing).await?;
                if let Some(said) = said {
                    *said = text;
                }
                (heard, marks)
            }
        };
        heard.connect_us = (marks.stood >= sent).then(|| marks.stood - intended);
        Ok(heard)
    }

    /// Asks, and gives what is said; when it is said is not told.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn text(&self, ready: &Ready) -> Result<String, Failure> {
        match &self.whole {
            Some(whole) => Ok(bounded(self.read("guard", ready, whole).await?.0.text)),
            None => Ok(self.hear("guard", ready, Hearing::keeping_text()).await?.1),
        }
    }

    /// Gets what is at the address of the target, by a plain GET.
    ///
    /// # Errors
    /// Why there is nothing to be had.
    pub async fn get(&self) -> Result<Vec<u8>, Failure> {
        let mut request = Request::new(Full::default());
        *request.headers_mut() = self.headers.clone();
        self.sign_in(request.headers_mut()).await?;
        let mut answer = self.answered(request).await?;
        self.all(&mut answer).await
    }

    /// Asks, and gives the answer as it came; when it came is not told.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn bytes(&self, ready: &Ready) -> Result<Vec<u8>, Failure> {
        Ok(self.collect("guard", ready).await?.0)
    }

    /// An answer that comes whole.
    async fn read(&self, id: &str, ready: &Ready, whole: &Whole) -> Result<(whole::Told, Marks), Failure> {
        let (bytes, marks) = self.collect(id, ready).await?;
        whole.read(&bytes).map(|told| (told, marks)).map_err(|failure| self.clean(failure))
    }

    async fn collect(&self, id: &str, ready: &Ready) -> Result<(Vec<u8>, Marks), Failure> {
        if let Some(channel) = &self.grpc {
            return channel.call(id, ready.body.clone()).await.map_err(|failure| self.clean(failure));
        }
        let mut answer = self.send(id, ready).await?;
        let bytes = self.all(&mut answer).await?;
        Ok((bytes, answer.marks))
    }

    /// The whole body of an answer.
    async fn all(&self, answer: &mut Answer<'_>) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        loop {
            let part = answer.part().await.map_err(|error| self.clean(Failure::of_cause(Cause::of(&error))))?;
            let Some(part) = part else { return Ok(bytes) };
            bytes.extend_from_slice(&part);
            if bytes.len() > whole::LARGEST {
                return Err(Failure::new(Kind::TooLarge, format!("more than {} bytes", whole::LARGEST)));
            }
        }
    }

    /// Sends a request; what comes back is a success, and says when it was read.
    async fn send(&self, id: &str, ready: &Ready) -> Result<Answer<'_>, Failure> {
        let mut request = Request::new(Full::new(ready.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        if let Ok(id) = HeaderValue::from_str(id) {
            request.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
        }
        self.sign_in(request.headers_mut()).await?;
        self.answered(request).await
    }

    async fn answered(&self, request: Request<Full<Bytes>>) -> Result<Answer<'_>, Failure> {
        let answer = self.lines.send(&self.uri, request).await.map_err(|failure| self.clean(failure))?;
        if answer.head.status.is_success() { Ok(answer) } else { Err(self.refusal(answer).await) }
    }

    async fn hear(&self, id: &str, ready: &Ready, mut hearing: Hearing) -> Result<(Heard, String, Marks), Failure> {
        let mut answer = self.send(id, ready).await?;
        let kind = answer.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
        if !kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream") {
            return Err(Failure::new(Kind::NotAStream, format!("content type {}", short(kind))));
        }
        loop {
            // Once all is said, what is left of the stream only matters for using the connection again.
            let part = match hearing.is_done() {
                true => tokio::time::timeout(AFTER_DONE, answer.part()).await.unwrap_or(Ok(None)),
                false => answer.part().await,
            };
            let part = match part {
                Ok(Some(part)) => part,
                Ok(None) => break,
                Err(_) if hearing.is_done() => break,
                Err(error) => return Err(self.clean(hearing.cut(Failure::of_cause(Cause::of(&error))))),
            };
            if !hearing.hear(&part, answer.marks.read()) {
                break;
            }
        }
        let text = hearing.take_text();
        let heard = hearing.end().map_err(|failure| self.clean(failure))?;
        Ok((heard, text, answer.marks))
    }

    /// Says to an API server on the way who asks.
    async fn sign_in(&self, headers: &mut HeaderMap) -> Result<(), Failure> {
        let Some(inside) = &self.inside else { return Ok(()) };
        let own = inside.badge.headers().await;
        let own = own.map_err(|problem| self.clean(Failure::new(Kind::Unauthenticated, problem.to_string())))?;
        for (name, value) in &own {
            headers.append(name.clone(), value.clone());
        }
        Ok(())
    }

    async fn refusal(&self, mut answer: Answer<'_>) -> Failure {
        let status = answer.head.status.as_u16();
        let said = |name: HeaderName| answer.head.headers.get(name).and_then(|value| value.to_str().ok());
        let retry_after_s = said(RETRY_AFTER).and_then(|text| patience(text, said(DATE), Clock::system().now()));
        let whole = async {
            let mut body = Vec::new();
            while body.len() <= REFUSAL {
                match answer.part().await {
                    Ok(Some(part)) => body.extend_from_slice(&part),
                    Ok(None) => return Some(body),
                    Err(_) => return None,
                }
            }
            None
        };
        // One that does not come whole says nothing.
        let body = tokio::time::timeout(REFUSAL_TIME, whole).await.ok().flatten().unwrap_or_default();
        let words = self.inside.as_ref().and_then(|_| inside::own_words(&body));
        let said = || chunk::read(&body).ok().and_then(|piece| piece.error).unwrap_or_else(|| plain(&body));
        let words = words.unwrap_or_else(said);
        let status_text = status.to_string();
        let said = [status_text.as_str(), words.trim()].into_iter().filter(|part| !part.is_empty());
        let said = said.collect::<Vec<&str>>().join(": ");
        self.clean(Failure { retry_after_s, ..Failure::new(Kind::of_status(status), said) })
    }

    /// Servers repeat what they were sent: the key is taken out, and whatever looks like one.
    fn clean(&self, failure: Failure) -> Failure {
        let mut detail = failure.detail;
        if let Some(key) = &self.key {
            detail = detail.replace(key.expose_secret(), GONE);
        }
        if let Some(inside) = &self.inside {
            detail = inside.badge.hidden(detail);
        }
        Failure { detail: short(&redact_words(&detail)), ..failure }
    }
}

/// The seconds that a server asks for: a number of them, or the time of day at which to come back. That is of its own clock, which
/// it may tell; else it is taken for ours.
fn patience(text: &str, date: Option<&str>, now: Stamp) -> Option<u64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let moment = |text: &str| rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok();
    let then = moment(text)?.as_millisecond();
    let now = date.and_then(moment).map_or(now.0, |date| date.as_millisecond());
    u64::try_from(then.saturating_sub(now).max(0)).ok().map(|left| left.div_ceil(1_000))
}

/// A text for people; a page of HTML says nothing to them.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('<') { String::new() } else { text.into_owned() }
}

fn tls(authorities: Option<&Path>) -> Result<ClientConfig, Problem> {
    let unusable = |what: String, why: String| {
        Problem::new(Code::BadInput, what)
            .why(format!("{why}."))
            .next("Check the authorities of this machine, or --ca.")
    };
    let Some(file) = authorities else {
        let builder = builder().map_err(|why| unusable("TLS cannot be used.".into(), why))?;
        let verified = builder.with_platform_verifier();
        let verified = verified.map_err(|error| unusable("This machine trusts nobody.".into(), error.to_string()))?;
        return Ok(verified.with_no_client_auth());
    };
    let what = || format!("The authorities of {} cannot be used.", file.display());
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| unusable(what(), error.to_string()))?;
    for certificate in certificates {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(|why| unusable(what(), why))?;
    }
    if roots.is_empty() {
        return Err(unusable(what(), "There is no certificate in it".into()));
    }
    config(roots)
}

fn config(roots: RootCertStore) -> Result<ClientConfig, Problem> {
    let builder =
        builder().map_err(|why| Problem::new(Code::Internal, "TLS cannot be used.").why(format!("{why}.")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;

    fn client(key: &str) -> Client {
        Way::new(&plan().target, Some(SecretString::from(key))).unwrap().begin(Instant::now())
    }

    #[tokio::test]
    async fn a_key_is_in_nothing_that_is_said() {
        let client = client("hunter2hunter2");
        let said = client.clean(Failure::new(Kind::Unauthenticated, "401: no such key hunter2hunter2, sk-proj-abc"));
        assert!(!said.detail.contains("hunter2") && !said.detail.contains("sk-proj-abc"), "{said:?}");
        assert!(said.detail.starts_with("401: no such key"), "{said:?}");
        let headers = format!("{:?}", client.headers);
        assert!(!headers.contains("hunter2"), "{headers}");
    }

    #[test]
    fn a_server_asks_for_seconds_or_until_a_time_of_day() {
        let (then, date) = ("Fri, 15 Jan 2027 08:01:30 GMT", "Fri, 15 Jan 2027 08:00:00 GMT");
        // That is half a minute after eight by our clock.
        let now = Stamp(1_800_000_030_500);
        for (text, date, want) in [
            ("7", None, Some(7)),
            (" 7 ", Some(date), Some(7)),
            (then, Some(date), Some(90)),
            (then, None, Some(60)),
            (then, Some("no date"), Some(60)),
            (date, None, Some(0)),
            ("soon", Some(date), None),
            ("-1", None, None),
            ("", None, None),
        ] {
            assert_eq!(patience(text, date, now), want, "{text} {date:?}");
        }
    }

    #[test]
    fn a_key_is_one_word_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        for (text, good) in [("abc\n", true), ("", false), ("two words", false), ("a\nb", false), ("é", false)] {
            std::fs::write(&file, text).unwrap();
            let key = key(&KeyFrom::File(file.clone()));
            assert_eq!(key.is_ok(), good, "{text}");
            assert!(key.map_or(true, |key| key.unwrap().expose_secret() == "abc"));
        }
        assert!(key(&KeyFrom::File(folder.path().join("none"))).is_err());
        assert!(key(&KeyFrom::Variable("PILOTHOUSE_NO_SUCH_VARIABLE".into())).is_err());
        assert!(key(&KeyFrom::None).unwrap().is_none());
    }
}
