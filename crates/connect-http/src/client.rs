//! Calls to one server: signed in, with time-outs, bounded answers, and failures that can be told apart.

use crate::{
    access::Access,
    address::Address,
    failure::{self, Failure, Refusal},
    place::Place,
    trust::Trust,
};
use bytes::{Bytes, BytesMut};
use pilothouse_connect::Clock;
use pilothouse_wire::{Code, Problem, Stamp};
use reqwest::{
    RequestBuilder, Response,
    header::{ACCEPT, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER},
    redirect,
};
use std::time::Duration;

/// How long the way to the server may take, with its handshake.
pub const CONNECT: Duration = Duration::from_secs(4);
/// The largest answer that is held whole.
pub const LARGEST: usize = 64 << 20;
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

/// The way to one server. Connections are kept alive.
pub struct Client {
    /// What messages need to know.
    pub place: Place,
    address: Address,
    access: Access,
    clock: Clock,
    insecure: bool,
    http: reqwest::Client,
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
            let why = crate::problems::line(&error.to_string());
            Problem::new(Code::BadInput, format!("The way to {} cannot be secured.", place.name))
                .why(format!("{why}."))
                .next("Check the authorities of this machine, or the field \"Authority file\".")
        })?;
        Ok(Self { place, address, access, clock, insecure, http })
    }

    /// Is the server's certificate not checked?
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// Reads a path, whole.
    ///
    /// # Errors
    /// If there is no answer in time, or it is a refusal.
    pub async fn get(&self, path: &str, limit: Duration) -> Result<Answer, Failure> {
        self.send(self.http.get(self.address.with(path)), path, limit).await
    }

    /// Posts a form to a path and reads the answer, whole.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post(&self, path: &str, form: &[(&str, &str)], limit: Duration) -> Result<Answer, Failure> {
        self.send(self.http.post(self.address.with(path)).form(form), path, limit).await
    }

    /// The limit is for the begin of the answer, and for each part of it to follow: a slow line is no failure.
    async fn send(&self, request: RequestBuilder, path: &str, limit: Duration) -> Result<Answer, Failure> {
        let request = request.headers(self.access.headers.clone()).header(ACCEPT, "application/json");
        let asked = self.clock.now();
        let answer = tokio::time::timeout(limit, request.send()).await;
        let response = answer.map_err(|_| Failure::TimedOut(limit))?.map_err(without_answer)?;
        let came = self.clock.now();
        if !response.status().is_success() {
            return Err(Failure::Refusal(Box::new(self.refusal(path, response, limit, came).await)));
        }
        let date = header(response.headers(), DATE).and_then(failure::date);
        Ok(Answer { body: whole(response, limit, LARGEST).await?, asked, came, date })
    }

    async fn refusal(&self, path: &str, response: Response, limit: Duration, now: Stamp) -> Refusal {
        let status = response.status().as_u16();
        let retry_after = header(response.headers(), RETRY_AFTER).and_then(|text| failure::retry_after(text, now));
        let elsewhere = header(response.headers(), LOCATION).and_then(host_of);
        let body = whole(response, limit, LARGEST_REFUSAL).await.unwrap_or_default();
        let message = self.access.taken_out_of(&failure::words(&body));
        Refusal { path: path.to_owned(), status, message, retry_after, elsewhere }
    }

    /// A server's words without our secrets, should it repeat them.
    #[must_use]
    pub fn taken_out_of(&self, text: &str) -> String {
        self.access.taken_out_of(text)
    }
}

fn http(address: &Address, trust: Trust) -> reqwest::Result<reqwest::Client> {
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
