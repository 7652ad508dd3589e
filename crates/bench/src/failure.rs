//! Why a request has no answer that counts.

use pilothouse_connect::Cause;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The kinds that failures are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No resolver knows the name.
    NameNotFound,
    /// Nothing listens there, or this machine has no way there.
    Refused,
    /// No secure connection came about.
    Tls,
    /// It took longer than allowed.
    TimedOut,
    /// The connection broke before the answer was whole.
    Cut,
    /// 401.
    Unauthenticated,
    /// 403.
    Denied,
    /// 404.
    NotFound,
    /// 429.
    TooMany,
    /// 5xx.
    ServerFailed,
    /// Another status that says no.
    Rejected,
    /// 3xx: we are sent elsewhere, and do not go.
    Elsewhere,
    /// The answer is of another type than a stream of events.
    NotAStream,
    /// A piece cannot be read: no JSON of this form, or no UTF-8.
    Malformed,
    /// A piece is larger than what is taken in.
    TooLarge,
    /// The server said in the stream that it failed.
    SaidError,
    /// The stream ended without a word on why: neither `[DONE]` nor a reason.
    Unfinished,
    /// The answer has no token.
    Empty,
    /// Something else.
    Other,
}

impl Kind {
    /// Of a status that is not a success.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            300..=399 => Self::Elsewhere,
            401 => Self::Unauthenticated,
            403 => Self::Denied,
            404 => Self::NotFound,
            429 => Self::TooMany,
            500.. => Self::ServerFailed,
            _ => Self::Rejected,
        }
    }

    /// In words, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NameNotFound => "no such name",
            Self::Refused => "nobody listens",
            Self::Tls => "no secure connection",
            Self::TimedOut => "timed out",
            Self::Cut => "cut off",
            Self::Unauthenticated => "401, not signed in",
            Self::Denied => "403, denied",
            Self::NotFound => "404, not found",
            Self::TooMany => "429, too many",
            Self::ServerFailed => "5xx, the server failed",
            Self::Rejected => "4xx, rejected",
            Self::Elsewhere => "3xx, sent elsewhere",
            Self::NotAStream => "no stream of events",
            Self::Malformed => "not readable",
            Self::TooLarge => "too large",
            Self::SaidError => "an error in the stream",
            Self::Unfinished => "ended without a reason",
            Self::Empty => "no token",
            Self::Other => "something else",
        }
    }
}

/// Why one request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its kind.
    pub kind: Kind,
    /// More, without secrets: the server's words, a status.
    pub detail: String,
    /// The patience that the server asked for, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl Failure {
    /// A failure of this kind.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), retry_after_s: None }
    }

    /// Why a client got no answer.
    #[must_use]
    pub fn of_cause(cause: Cause) -> Self {
        match cause {
            Cause::NameNotFound => Self::new(Kind::NameNotFound, ""),
            Cause::Refused => Self::new(Kind::Refused, ""),
            Cause::NoWay => Self::new(Kind::Refused, "this machine has no way there"),
            Cause::TimedOut => Self::new(Kind::TimedOut, "no connection"),
            Cause::Cut => Self::new(Kind::Cut, ""),
            Cause::Tls(why) => Self::new(Kind::Tls, format!("{why:?}")),
            Cause::Proxy(words) | Cause::Other(words) => Self::new(Kind::Other, words),
        }
    }
}

/// How long somebody in a closed loop waits after a failure: what the server asks for, else twice as long each time.
#[must_use]
pub fn patience(failure: &Failure, in_a_row: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);
    const MOST_ASKED: u64 = 60;
    match failure.retry_after_s {
        Some(seconds) => Duration::from_secs(seconds.min(MOST_ASKED)),
        None => FIRST.saturating_mul(1 << in_a_row.saturating_sub(1).min(10)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_its_kind() {
        for (status, want) in [
            (307, Kind::Elsewhere),
            (400, Kind::Rejected),
            (401, Kind::Unauthenticated),
            (403, Kind::Denied),
            (404, Kind::NotFound),
            (422, Kind::Rejected),
            (429, Kind::TooMany),
            (500, Kind::ServerFailed),
            (503, Kind::ServerFailed),
        ] {
            assert_eq!(Kind::of_status(status), want, "{status}");
        }
    }

    #[test]
    fn whoever_fails_waits_longer_each_time_or_as_the_server_asks() {
        let failure = Failure::new(Kind::ServerFailed, "");
        let waits = [1, 2, 3, 40].map(|in_a_row| patience(&failure, in_a_row).as_millis());
        assert_eq!(waits, [50, 100, 200, 5_000]);
        let asked = Failure { retry_after_s: Some(3), ..failure.clone() };
        assert_eq!(patience(&asked, 1), Duration::from_secs(3));
        // Nobody waits for a day because a server says so.
        assert_eq!(patience(&Failure { retry_after_s: Some(u64::MAX), ..failure }, 1), Duration::from_secs(60));
    }
}
