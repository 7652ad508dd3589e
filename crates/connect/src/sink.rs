//! Where a connector puts its facts: a bounded way to the engine. When it is full, the connector waits.

use crate::Clock;
use pilothouse_wire::{ConnectionId, Health, Stamp, view::Attempt};
use pilothouse_world::{
    Batch, Extent, Fact,
    fact::{Covers, Probed, SourceFact},
};
use tokio::sync::mpsc;

/// Nobody listens any more: the connector is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped listening")]
pub struct Closed;

/// Takes facts from one connection.
#[derive(Clone, Debug)]
pub struct Sink {
    id: ConnectionId,
    way: mpsc::Sender<Batch>,
    clock: Clock,
}

impl Sink {
    /// A sink for the facts of `id`.
    #[must_use]
    pub fn new(id: ConnectionId, way: mpsc::Sender<Batch>, clock: Clock) -> Self {
        Self { id, way, clock }
    }

    /// The connection whose facts these are.
    #[must_use]
    pub fn id(&self) -> &ConnectionId {
        &self.id
    }

    /// The time, by our clock.
    #[must_use]
    pub fn now(&self) -> Stamp {
        self.clock.now()
    }

    /// Says what changed.
    ///
    /// # Errors
    /// [`Closed`] once nobody listens.
    pub async fn delta(&self, facts: Vec<Fact>) -> Result<(), Closed> {
        if facts.is_empty() { Ok(()) } else { self.send(Extent::Delta, facts).await }
    }

    /// Says everything there is of a kind: what is not named is gone.
    ///
    /// # Errors
    /// [`Closed`] once nobody listens.
    pub async fn replace(&self, covers: Covers, facts: Vec<Fact>) -> Result<(), Closed> {
        self.send(Extent::Replace(covers), facts).await
    }

    /// Says how the connection is.
    ///
    /// # Errors
    /// [`Closed`] once nobody listens.
    pub async fn health(&self, health: Health) -> Result<(), Closed> {
        self.source(SourceFact::Health(health)).await
    }

    /// Says that the server answered just now, though nothing changed.
    ///
    /// # Errors
    /// [`Closed`] once nobody listens.
    pub async fn heard(&self) -> Result<(), Closed> {
        self.source(SourceFact::Heard).await
    }

    /// Says what the server told of itself.
    ///
    /// # Errors
    /// [`Closed`] once nobody listens.
    pub async fn probed(&self, probed: Probed) -> Result<(), Closed> {
        self.source(SourceFact::Probed(Box::new(probed))).await
    }

    /// Says what came of an attempt to connect.
    ///
    /// # Errors
    /// [`Closed`] once nobody listens.
    pub async fn attempt(&self, worked: bool, outcome: impl Into<String>) -> Result<(), Closed> {
        let attempt = Attempt { at: self.now(), worked, outcome: outcome.into() };
        self.source(SourceFact::Attempt(attempt)).await
    }

    /// Says any one thing about the source itself.
    ///
    /// # Errors
    /// [`Closed`] once nobody listens.
    pub async fn source(&self, fact: SourceFact) -> Result<(), Closed> {
        self.send(Extent::Delta, vec![Fact::Source(fact)]).await
    }

    /// Waits until nobody listens any more: ends a long wait early.
    pub async fn closed(&self) {
        self.way.closed().await;
    }

    async fn send(&self, extent: Extent, facts: Vec<Fact>) -> Result<(), Closed> {
        let batch = Batch { source: self.id.clone(), seen_at: self.clock.now(), extent, facts };
        self.way.send(batch).await.map_err(|_| Closed)
    }
}
