//! One shape for everything that goes wrong: what, why, and what comes next.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why something is not well. A variant exists only where a door or a rule acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Code {
    /// A host name that no resolver knows.
    NameNotFound,
    /// Nothing listens at that address.
    Refused,
    /// No answer in the time allowed.
    TimedOut,
    /// The connection broke while in use.
    Cut,
    /// The certificate is signed by nobody that we trust.
    TlsUntrusted,
    /// The certificate is no longer, or not yet, valid.
    TlsExpired,
    /// The certificate is for another name.
    TlsWrongName,
    /// 401: the server does not know who we are.
    Unauthenticated,
    /// 403: the server knows who we are and says no.
    Denied,
    /// 404: no such object or path.
    NotFound,
    /// The server does not have this API.
    ApiAbsent,
    /// 429 or another plea for patience.
    TooMany,
    /// 5xx: the server failed.
    ServerFailed,
    /// The server's clock and ours differ by more than the source can be trusted with.
    ClockSkew,
    /// A credential plug-in is absent, failed, hung or printed what nobody can read.
    PluginFailed,
    /// A credential plug-in waits for the person's consent.
    PluginUntrusted,
    /// A file, a flag, a field or a message that cannot be used as it is.
    BadInput,
    /// What was asked for exists already.
    Exists,
    /// The vault is locked or absent.
    VaultLocked,
    /// This door does not offer that.
    NotOffered,
    /// Two parts of Pilothouse are of different builds.
    WireDiffers,
    /// Our own fault.
    Internal,
}

/// What happened, why if known, and what comes next. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Problem {
    /// What doors and rules act on.
    pub code: Code,
    /// What happened: names the object and the number.
    pub what: String,
    /// The cause, where it is known.
    pub why: Option<String>,
    /// What comes next and who does it.
    pub next: Option<String>,
    /// A remedy to copy, such as a ClusterRole in YAML or a command.
    pub remedy: Option<String>,
}

impl Problem {
    /// A problem of which only the fact is known.
    #[must_use]
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), why: None, next: None, remedy: None }
    }

    /// An answer came that is none to what was asked: a fault of ours.
    #[must_use]
    pub fn other_answer() -> Self {
        Self::new(Code::Internal, "The engine answered another question.").next("Report this.")
    }

    /// Something was to be done to the demo.
    #[must_use]
    pub fn of_demo() -> Self {
        Self::new(Code::NotOffered, "The demo fleet cannot be acted on.")
            .why("It is made up by a script: no server would take anything, and no plan could be tried.")
            .next("Connect a cluster: pilothouse connect add kubernetes.")
    }

    /// Adds the cause.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Adds what comes next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Adds a remedy to copy.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for part in [&self.why, &self.next].into_iter().flatten() {
            write!(f, " {part}")?;
        }
        Ok(())
    }
}
