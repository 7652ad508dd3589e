//! How a call can fail, before it is put into words for people.

use pilothouse_wire::{Problem, Stamp};
use std::{borrow::Cow, error::Error, time::Duration};

/// What was asked of the server: for messages, and for the role that would allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The verb of the right that it needs: `list`.
    pub verb: &'static str,
    /// The API group; empty for the core.
    pub group: Cow<'static, str>,
    /// The resource: `pods`; or a path, for what is no resource.
    pub resource: String,
    /// In which namespace; everywhere if none.
    pub namespace: Option<String>,
}

impl Call {
    /// Reading what is no resource, such as `/version`.
    #[must_use]
    pub fn path(path: &str) -> Self {
        Self { verb: "get", group: Cow::Borrowed(""), resource: path.to_owned(), namespace: None }
    }
}

/// Why a call failed.
#[derive(Debug)]
pub enum Failure {
    /// Put into words already: settings, sign-in.
    Told(Problem),
    /// There was no answer; the cause is somewhere in the chain.
    Transport(Box<dyn Error + Send + Sync>),
    /// There was no answer in this time.
    TimedOut(Duration),
    /// The server said no.
    Refusal(Box<Refusal>),
    /// The answer cannot be read.
    Unreadable(String),
    /// The answer is larger than what is taken in.
    TooLarge,
}

/// What a server says when it says no.
#[derive(Debug)]
pub struct Refusal {
    /// What was asked.
    pub call: Call,
    /// The HTTP status.
    pub status: u16,
    /// `reason` of the Status: `Forbidden`, `Expired`.
    pub reason: String,
    /// `message` of the Status, or the beginning of the body.
    pub message: String,
    /// The patience that it asks for.
    pub retry_after: Option<Duration>,
    /// Our client certificate had ended by then: when.
    pub ended: Option<Stamp>,
}

impl Failure {
    /// The HTTP status, if the server answered.
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
            _ => None,
        }
    }

    /// Is the listing, or the version to resume from, no longer kept by the server?
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.status() == Some(410)
    }
}
