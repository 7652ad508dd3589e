//! Calls to one server: signed in, with time-outs, bounded answers, and failures that can be told apart.

use crate::{
    access::Access,
    address::Address,
    destination::Inside,
    failure::{self, Failure, Refusal},
    inside,
    place::Place,
    problems,
    trust::Trust,
};
use bytes::{Bytes, BytesMut};
use pilothouse_connect::{Clock, RelayAnswer, Relays};
use pilothouse_wire::{Code, Problem, Stamp};
use reqwest::{
    Method, RequestBuilder, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER},
    redirect,
};
use std::time::Duration;

/// How long the way to the server may take, with its handshake.
pub const CONNECT: Duration = Duration::from_secs(4);
/// The largest answer that is held whole.
pub const LARGEST: usize = 64 << 20;
/// What is accepted.
const JSON: &str = "application/json";
/// As much of a refusal is read.
const LARGEST_REFUSAL: usize = 64 << 10;

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its body.
    pub body: Bytes,
    /// When it was asked for, by our clock.
    pub asked: Stamp,
    /// When it began to come, by our clock.
    pub came: Stamp,
    /// When the server sent it, by the server's clock.
    pub date: Option<Stamp>,
}

/// One question, where more is wanted than the JSON of a path.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// `HEAD`, which answers with headers alone, or `GET`?
    pub head: bool,
    /// The path with its query.
    pub path: &'a str,
    /// What is accepted.
    pub accept: &'a str,
    /// A credential for this one question, marked as sensitive.
    pub authorization: Option<HeaderValue>,
    /// How long each part of the answer may take to come.
    pub limit: Duration,
    /// The most bytes that are taken in.
    pub largest: usize,
}

/// An answer of any status, whole.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; of a refusal no more than is read of one.
    pub body: Bytes,
}

/// The way to one server. Connections are kept alive.
pub struct Client {
    /// What messages need to know.
    pub place: Place,
    access: Access,
    clock: Clock,
    way: Way,
}

enum Way {
    /// To an address.
    Direct { address: Address, insecure: bool, http: reqwest::Client },
    /// Into a cluster, by the connection to it.
    Inside(inside::Way),
}

impl Client {
    /// A client; contacts nobody.
    ///
    /// # Errors
    /// If the authorities cannot be used.
    pub fn new(place: Place, address: Address, access: Access, trust: Trust, clock: Clock) -> Result<Self, Problem> {
        let insecure = trust.insecure;
        let http = http(&address, trust).map_err(|error| {
            // About certificates and settings: nothing was asked yet.
            let why = problems::line(&error.to_string());
            Problem::new(Code::BadInput, format!("The way to {} cannot be secured.", place.name))
                .why(format!("{why}."))
                .next("Check the authorities of this machine, or the field \"Authority file\".")
        })?;
        Ok(Self { place, access, clock, way: Way::Direct { address, insecure, http } })
    }

    /// A client for a server inside of a cluster, by one of these connections; contacts nobody.
    #[must_use]
    pub fn inside(place: Place, inside: Inside, access: Access, relays: Relays, clock: Clock) -> Self {
        Self { place, access, clock, way: Way::Inside(inside::Way::new(inside, relays)) }
    }

    /// Is the server's certificate not checked? By way of a cluster that is a matter of the cluster's connection.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        matches!(self.way, Way::Direct { insecure: true, .. })
    }

    /// Reads a path, whole.
    ///
    /// # Errors
    /// If there is no answer in time, or it is a refusal.
    pub async fn get(&self, path: &str, limit: Duration) -> Result<Answer, Failure> {
        match &self.way {
            Way::Direct { address, http, .. } => self.send(http.get(address.with(path)), path, limit).await,
            Way::Inside(way) => self.send_inside(way, path, &[], limit).await,
        }
    }

    /// Posts a form to a path and reads the answer, whole. Into a cluster the form goes as a query, which these servers
    /// read as the same.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post(&self, path: &str, form: &[(&str, &str)], limit: Duration) -> Result<Answer, Failure> {
        match &self.way {
            Way::Direct { address, http, .. } => self.send(http.post(address.with(path)).form(form), path, limit).await,
            Way::Inside(way) => self.send_inside(way, path, form, limit).await,
        }
    }

    /// The same client, which says one header more with each call.
    #[must_use]
    pub fn saying(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.access.headers.insert(name, value);
        self
    }

    /// Posts a JSON object to a path and reads the answer, whole. There is no such way into a cluster: what is posted there
    /// needs a right to write.
    ///
    /// # Errors
    /// As [`Client::get`]; or that only `GET` gets through.
    pub async fn post_json(&self, path: &str, body: &serde_json::Value, limit: Duration) -> Result<Answer, Failure> {
        self.write(Method::POST, path, &body.to_string(), limit).await
    }

    /// Writes by this method, and reads what came of it, whole. Never tried again by itself. Into a cluster there is no such
    /// way: what is written there needs a right to write.
    ///
    /// # Errors
    /// As [`Client::get`]; or that only `GET` gets through.
    pub async fn write(&self, method: Method, path: &str, body: &str, limit: Duration) -> Result<Answer, Failure> {
        match &self.way {
            Way::Direct { address, http, .. } => {
                let request = http.request(method, address.with(path)).header(CONTENT_TYPE, JSON);
                self.send(request.body(body.to_owned()), path, limit).await
            }
            Way::Inside(_) => Err(Failure::Told(Box::new(problems::gets_alone(&self.place, path)))),
        }
    }

    /// Why nothing can be written to this path; nothing where it can.
    #[must_use]
    pub fn no_way_to_write(&self, path: &str) -> Option<Problem> {
        matches!(self.way, Way::Inside(_)).then(|| problems::gets_alone(&self.place, path))
    }

    /// Asks a question and gives the answer whatever its status: a refusal may say how to sign in. Into a cluster there is
    /// no such way.
    ///
    /// # Errors
    /// If there is no answer in time, or it is too large.
    pub async fn call(&self, call: Call<'_>) -> Result<Heard, Failure> {
        let Way::Direct { address, http, .. } = &self.way else {
            return Err(Failure::Told(Box::new(Problem::new(
                Code::NotOffered,
                "This cannot be asked inside of a cluster.",
            ))));
        };
        let to = address.with(call.path);
        let request = if call.head { http.head(to) } else { http.get(to) };
        let mut headers = self.access.headers.clone();
        headers.extend(call.authorization.map(|value| (AUTHORIZATION, value)));
        heard(request.headers(headers).header(ACCEPT, call.accept), call.limit, call.largest).await
    }

    /// An answer that says no, as a failure, without our secrets.
    #[must_use]
    pub fn refused(&self, path: &str, answer: &Heard) -> Failure {
        self.refusal(path, answer.status, &answer.headers, &answer.body, self.clock.now())
    }

    /// The limit is for the begin of the answer, and for each part of it to follow: a slow line is no failure.
    async fn send(&self, request: RequestBuilder, path: &str, limit: Duration) -> Result<Answer, Failure> {
        let request = request.headers(self.access.headers.clone()).header(ACCEPT, JSON);
        let asked = self.clock.now();
        let answer = tokio::time::timeout(limit, request.send()).await;
        let response = answer.map_err(|_| Failure::TimedOut(limit))?.map_err(without_answer)?;
        let came = self.clock.now();
        if !response.status().is_success() {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = whole(response, limit, LARGEST_REFUSAL).await.unwrap_or_default();
            return Err(self.refusal(path, status, &headers, &body, came));
        }
        let date = header(response.headers(), DATE).and_then(failure::date);
        Ok(Answer { body: whole(response, limit, LARGEST).await?, asked, came, date })
    }

    async fn send_inside(
        &self,
        way: &inside::Way,
        path: &str,
        form: &[(&str, &str)],
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let asked = self.clock.now();
        let headers = self.access.headers.clone();
        let RelayAnswer { status, headers, body, came } =
            way.get(&self.place, path, form, headers, limit, LARGEST).await?;
        if !(200..300).contains(&status) {
            return Err(self.refusal(path, status, &headers, &body, came));
        }
        let date = header(&headers, DATE).and_then(failure::date);
        Ok(Answer { body, asked, came, date })
    }

    fn refusal(&self, path: &str, status: u16, headers: &HeaderMap, body: &[u8], now: Stamp) -> Failure {
        let retry_after = header(headers, RETRY_AFTER).and_then(|text| failure::retry_after(text, now));
        let elsewhere = header(headers, LOCATION).and_then(host_of);
        let message = self.access.taken_out_of(&failure::words(body));
        Failure::Refusal(Box::new(Refusal { path: path.to_owned(), status, message, retry_after, elsewhere }))
    }

    /// A server's words without our secrets, should it repeat them.
    #[must_use]
    pub fn taken_out_of(&self, text: &str) -> String {
        self.access.taken_out_of(text)
    }
}

/// A client for one address: no redirects, our own TLS, no proxy for this machine.
///
/// # Errors
/// If the way cannot be secured.
pub fn http(address: &Address, trust: Trust) -> reqwest::Result<reqwest::Client> {
    // Whoever came first has installed one already; any is the same, since only ring is built in.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        // A gateway that sends us elsewhere would be sent our credential there.
        .redirect(redirect::Policy::none())
        .user_agent(concat!("pilothouse/", env!("CARGO_PKG_VERSION")))
        .gzip(true);
    if address.here {
        builder = builder.no_proxy();
    }
    // Without TLS there is nothing to check, and the authorities of this machine need not be read.
    if trust.insecure || !address.tls {
        builder = builder.tls_danger_accept_invalid_certs(true);
    } else if !trust.authorities.is_empty() {
        builder = builder.tls_certs_only(trust.authorities);
    }
    builder.build()
}

/// Sends a request and reads the answer, whatever its status.
///
/// # Errors
/// If there is no answer in time, or it is too large.
pub async fn heard(request: RequestBuilder, limit: Duration, largest: usize) -> Result<Heard, Failure> {
    let answer = tokio::time::timeout(limit, request.send()).await;
    let response = answer.map_err(|_| Failure::TimedOut(limit))?.map_err(without_answer)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match status.is_success() {
        true => whole(response, limit, largest).await?,
        false => whole(response, limit, LARGEST_REFUSAL).await.unwrap_or_default(),
    };
    Ok(Heard { status: status.as_u16(), headers, body })
}

/// The library's error has the address in its text; what stands behind it has not.
fn without_answer(error: reqwest::Error) -> Failure {
    if error.is_connect() && error.is_timeout() {
        return Failure::Transport(Box::new(std::io::Error::from(std::io::ErrorKind::TimedOut)));
    }
    Failure::Transport(Box::new(error.without_url()))
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The host of where we are sent; the rest may have anything in it.
fn host_of(location: &str) -> Option<String> {
    let url = reqwest::Url::parse(location).ok()?;
    let scheme = url.scheme();
    url.host_str().map(|host| format!("{scheme}://{host}"))
}

async fn whole(mut response: Response, limit: Duration, largest: usize) -> Result<Bytes, Failure> {
    let mut all = BytesMut::new();
    loop {
        let part = tokio::time::timeout(limit, response.chunk()).await;
        let Some(part) = part.map_err(|_| Failure::TimedOut(limit))?.map_err(without_answer)? else {
            return Ok(all.freeze());
        };
        if all.len() + part.len() > largest {
            return Err(Failure::TooLarge(largest));
        }
        all.extend_from_slice(&part);
    }
}
