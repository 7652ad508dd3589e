//! A way to servers inside of a cluster by the connection to it, so that a connector of one vendor needs to know nothing
//! of another's: who has a way offers it, who needs one names the connection.

use crate::Service;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, header::AUTHORIZATION};
use pilothouse_wire::{ConnectionId, Problem, Stamp};
use std::{fmt, sync::Arc, time::Duration};

/// A way to the servers inside of a cluster. It signs in as its connection does.
#[async_trait]
pub trait Relay: Send + Sync {
    /// Reads a path of a server inside, by `GET` and nothing else: the right to read is enough for it.
    ///
    /// # Errors
    /// If the question did not get to that server. What the server itself answers, a refusal too, is no error here.
    async fn get(&self, question: Question) -> Result<RelayAnswer, RelayFailure>;
}

/// What is asked of a server inside of a cluster.
#[derive(Clone, Debug)]
pub struct Question {
    /// The server.
    pub service: Service,
    /// The path, which begins with `/`, with its query.
    pub path: String,
    /// Headers for the server. Those that a cluster takes as its own ([`is_claimed`]) are not sent.
    pub headers: HeaderMap,
    /// How long the answer may take to begin, and each part of it to follow.
    pub limit: Duration,
    /// The largest answer, in bytes.
    pub largest: usize,
}

/// Is it a header by which a cluster knows who asks? Then it never gets to a server inside.
#[must_use]
pub fn is_claimed(header: &HeaderName) -> bool {
    let name = header.as_str();
    *header == AUTHORIZATION || name.starts_with("impersonate-") || name.starts_with("x-remote-")
}

/// What a server inside of a cluster answered.
#[derive(Clone, Debug)]
pub struct RelayAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
    /// When it began to come, by our clock.
    pub came: Stamp,
}

/// Why a server inside of a cluster did not answer.
#[derive(Clone, Debug)]
pub enum RelayFailure {
    /// The cluster was not reached, or did not let us through; in words, and the patience that it asks for.
    Told(Box<Problem>, Option<Duration>),
    /// Nothing was heard for so long.
    TimedOut(Duration),
    /// The answer is larger than was allowed.
    TooLarge,
}

/// Finds the way that a connection has, for who knows its id alone.
#[async_trait]
pub trait FindRelay: Send + Sync {
    /// The way by this connection. One that is being opened is waited for.
    ///
    /// # Errors
    /// Why there is none now.
    async fn find(&self, id: &ConnectionId) -> Result<Arc<dyn Relay>, NoRelay>;
}

/// Why there is no way by a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum NoRelay {
    /// There is no such connection in this run; these are there.
    Unknown(Vec<ConnectionId>),
    /// It leads to a server, and not into a cluster.
    Unfit,
    /// It is paused.
    Paused,
    /// It is not open yet.
    NotYet,
    /// It cannot be opened, and why.
    Shut(Box<Problem>),
}

/// The ways by all other connections.
#[derive(Clone, Default)]
pub struct Relays(Option<Arc<dyn FindRelay>>);

impl Relays {
    /// The ways that `find` finds.
    pub fn of(find: impl FindRelay + 'static) -> Self {
        Self(Some(Arc::new(find)))
    }

    /// For who stands alone: there is no other connection.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// The way by this connection.
    ///
    /// # Errors
    /// Why there is none now.
    pub async fn find(&self, id: &ConnectionId) -> Result<Arc<dyn Relay>, NoRelay> {
        match &self.0 {
            Some(find) => find.find(id).await,
            None => Err(NoRelay::Unknown(Vec::new())),
        }
    }
}

impl fmt::Debug for Relays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Relays(some)" } else { "Relays(none)" })
    }
}
