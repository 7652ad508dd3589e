//! Which requests are answered at all: those of a page that this door itself has sent, under a name that is its own.

use crate::limits::Rates;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use std::net::{IpAddr, SocketAddr};

/// What stands before each door.
#[derive(Debug)]
pub(crate) struct Gate {
    /// What the door is called.
    pub names: Names,
    /// How often each address asks.
    pub rates: Rates,
}

/// Why a request is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// Its address asks too often.
    TooOften,
    /// It is for another name, or from a page of another door.
    NotOurs,
}

impl Gate {
    /// Lets a request through, or has the door say why not. Every answer is hardened.
    pub async fn pass(
        &self,
        peer: IpAddr,
        request: Request,
        next: Next,
        say: impl FnOnce(Shut) -> Response,
    ) -> Response {
        let mut response = if !self.rates.may_ask(peer) {
            say(Shut::TooOften)
        } else if self.names.admit(request.headers()) {
            next.run(request).await
        } else {
            say(Shut::NotOurs)
        };
        harden(response.headers_mut());
        response
    }
}

/// What every answer carries.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Names under which this door may be called.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    address: SocketAddr,
    /// The port by which it is called; `None` for any.
    port: Option<u16>,
    /// Is what is said encrypted?
    encrypted: bool,
    /// Lower case, without a port.
    names: Vec<String>,
}

impl Names {
    /// The names of a door on this address, and those that its owner gave it.
    pub fn new(address: SocketAddr, encrypted: bool, given: &[String]) -> Self {
        let mut names: Vec<String> = given.iter().map(|name| name.to_lowercase()).collect();
        names.push("localhost".to_owned());
        Self { address, port: Some(address.port()), encrypted, names }
    }

    /// The same, called by any port: what stands before the door may have another one. Only for a door that no page can
    /// use, since it takes no cookie.
    pub fn at_any_port(self) -> Self {
        Self { port: None, ..self }
    }

    /// Is the request for this door, and from a page of it if from a page at all?
    ///
    /// A foreign name that resolves to this machine is how a page elsewhere would reach it.
    pub fn admit(&self, headers: &HeaderMap) -> bool {
        let Some(host) = text(headers, &header::HOST) else { return false };
        self.is_ours(host)
            && match text(headers, &header::ORIGIN) {
                Some(origin) => origin.eq_ignore_ascii_case(&format!("{}://{host}", self.scheme())),
                None => !headers.contains_key(header::ORIGIN),
            }
    }

    /// The scheme under which this door is called.
    pub fn scheme(&self) -> &'static str {
        if self.encrypted { "https" } else { "http" }
    }

    fn is_ours(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(if self.encrypted { 443 } else { 80 })),
        };
        if self.port.is_some() && port != self.port {
            return false;
        }
        let name = name.to_lowercase();
        match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            // An address cannot be made to resolve elsewhere.
            Ok(ip) => ip.is_loopback() || ip == self.address.ip() || self.address.ip().is_unspecified(),
            Err(_) => self.names.contains(&name),
        }
    }
}

/// Does a page say where it is from? A WebSocket of a browser always does.
pub(crate) fn has_origin(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
}

/// Adds what every answer carries.
fn harden(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bound: &str, host: &'static str, origin: Option<&'static str>, want: bool) {
        check_by(false, bound, host, origin, want);
    }

    #[track_caller]
    fn check_by(encrypted: bool, bound: &str, host: &'static str, origin: Option<&'static str>, want: bool) {
        let names = Names::new(bound.parse().unwrap(), encrypted, &["wall.example".to_owned()]);
        let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        assert_eq!(names.admit(&headers), want, "{host} {origin:?}");
    }

    #[test]
    fn our_own_names_are_admitted() {
        check("127.0.0.1:9000", "127.0.0.1:9000", None, true);
        check("127.0.0.1:9000", "LocalHost:9000", Some("http://localhost:9000"), true);
        check("[::1]:9000", "[::1]:9000", Some("http://[::1]:9000"), true);
        check("0.0.0.0:9000", "10.1.2.3:9000", Some("http://10.1.2.3:9000"), true);
        check("0.0.0.0:9000", "wall.example:9000", None, true);
        check("127.0.0.1:80", "localhost", None, true);
    }

    #[test]
    fn an_encrypted_door_is_called_by_its_own_scheme_alone() {
        check_by(true, "0.0.0.0:9000", "wall.example:9000", Some("https://wall.example:9000"), true);
        check_by(true, "0.0.0.0:443", "wall.example", Some("https://wall.example"), true);
        check_by(true, "0.0.0.0:9000", "wall.example:9000", Some("http://wall.example:9000"), false);
        check_by(true, "0.0.0.0:80", "wall.example", None, false);
    }

    #[test]
    fn foreign_names_ports_and_pages_are_not() {
        check("127.0.0.1:9000", "evil.example:9000", None, false);
        check("127.0.0.1:9000", "127.0.0.1:9001", None, false);
        check("127.0.0.1:9000", "127.0.0.1", None, false);
        check("127.0.0.1:9000", "10.1.2.3:9000", None, false);
        check("127.0.0.1:9000", "127.0.0.1:9000", Some("http://evil.example"), false);
        check("127.0.0.1:9000", "127.0.0.1:9000", Some("https://127.0.0.1:9000"), false);
        check("127.0.0.1:9000", "127.0.0.1:9000", Some("http://localhost:9000"), false);
        check("127.0.0.1:9000", "127.0.0.1:9000", Some("null"), false);
        check("0.0.0.0:9000", "evil.example:9000", None, false);
    }
}
