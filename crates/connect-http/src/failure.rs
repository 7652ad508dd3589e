//! How a call can fail, before it is put into words for people.

use pilothouse_wire::{Problem, Stamp};
use std::{error::Error, time::Duration};

/// Why a call failed.
#[derive(Debug)]
pub enum Failure {
    /// Put into words already.
    Told(Box<Problem>),
    /// The cluster on the way did not let the question through: in words, and the patience that it asks for.
    OnTheWay(Box<Problem>, Option<Duration>),
    /// There was no answer; the cause is somewhere in the chain.
    Transport(Box<dyn Error + Send + Sync>),
    /// There was no answer in this time.
    TimedOut(Duration),
    /// The server said no, or sends us elsewhere.
    Refusal(Box<Refusal>),
    /// The answer is a page for people, mostly one to sign in.
    Page,
    /// The answer cannot be read.
    Unreadable(String),
    /// The answer is larger than what is taken in: so many bytes.
    TooLarge(usize),
}

/// What a server says when it says no.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The path that was asked for.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// Its words, without our secrets. Empty if there are none, or a page of HTML.
    pub message: String,
    /// The patience that it asks for.
    pub retry_after: Option<Duration>,
    /// The host that it sends us to.
    pub elsewhere: Option<String>,
}

impl Failure {
    /// The HTTP status, if the server answered with another than 2xx.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refusal(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// The patience that the server asks for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refusal(refusal) => refusal.retry_after,
            Self::OnTheWay(_, patience) => *patience,
            _ => None,
        }
    }

    /// Is it about this one question, so that others may be answered?
    #[must_use]
    pub fn is_of_the_question(&self) -> bool {
        matches!(self.status(), Some(400 | 422)) || matches!(self, Self::TooLarge(_))
    }
}

/// Reads `Retry-After`: seconds, or the time of a date.
#[must_use]
pub fn retry_after(header: &str, now: Stamp) -> Option<Duration> {
    let header = header.trim();
    match header.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => date(header).map(|date| date.since(now)),
    }
}

/// The time of a `Date` header.
#[must_use]
pub fn date(header: &str) -> Option<Stamp> {
    jiff::fmt::rfc2822::parse(header).ok().map(|date| Stamp(date.timestamp().as_millisecond()))
}

/// The words of a body that says no: those of a JSON object, or a text. A page of HTML says nothing to a person. They are
/// whole, so that a secret in them is found before they are cut.
#[must_use]
pub fn words(body: &[u8]) -> String {
    let object: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(said) = ["error", "message", "detail"].iter().find_map(|key| object[key].as_str()) {
        return said.to_owned();
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with('<') { String::new() } else { text.to_owned() }
}
