//! What we may do through a connection, by the word of its server.

use crate::{ConnectionId, SmolStr, plan::Operation};
use serde::{Deserialize, Serialize};

/// What is asked: where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsQuery {
    /// The connection.
    pub connection: ConnectionId,
    /// In this namespace; everywhere if none.
    pub namespace: Option<SmolStr>,
}

/// What we may do, and what would be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Where.
    pub of: RightsQuery,
    /// Who the server says that we are; absent where it cannot say.
    pub who: Option<String>,
    /// What a person allows through this connection.
    pub operation: Operation,
    /// What can be done, each with the right that it needs.
    pub rights: Vec<Right>,
    /// The role that would give what is missing, as YAML to be applied by an administrator; absent where nothing is.
    pub role: Option<String>,
}

/// A right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// What it is needed for: "scale, restart, undo".
    pub deeds: SmolStr,
    /// To what: "Deployments".
    pub of: SmolStr,
    /// The right: "patch deployments.apps".
    pub needs: SmolStr,
    /// Do we have it?
    pub held: Held,
}

/// Do we have a right?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The server has no such objects.
    NotServed,
    /// Nobody can say, and why.
    Unknown(String),
}

impl Held {
    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::NotServed => "not served",
            Self::Unknown(_) => "unknown",
        }
    }
}
