//! Polls of the connector one at a time, as `cargo xtask measure metrics-poll` takes them. Not for anybody else.

use super::{api::Api, connector::opened, engines, memory::Memory, problems, query, session};
use crate::failure::Failure;
use pilothouse_connect::{Clock, Opening};
use pilothouse_wire::Problem;
use pilothouse_world::Fact;

/// A session whose polls are asked for.
pub struct Polls {
    api: Api,
    memory: Memory,
    clock: Clock,
}

impl Polls {
    /// Opens the connection. The first poll looks at the whole fleet.
    ///
    /// # Errors
    /// If a field is wrong.
    pub fn open(opening: Opening) -> Result<Self, Problem> {
        let clock = opening.clock.clone();
        Ok(Self { api: opened(opening)?.api()?, memory: Memory::default(), clock })
    }

    /// Makes a poll; answers its facts.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn poll(&mut self) -> Result<Vec<Fact>, Problem> {
        let due = self.memory.number() == 0;
        let taken = session::take(&self.api, &mut self.memory, due, self.clock.now()).await;
        let taken = taken.map_err(|failure: Failure| problems::problem(&failure, &self.api.client.place))?;
        Ok(session::facts(&mut self.memory, None, &taken))
    }

    /// The questions of a poll, in the order in which they are asked.
    #[must_use]
    pub fn queries(&self) -> Vec<String> {
        let columns = self.memory.queries(&self.api.matchers, false).into_iter().map(|(_, query)| query);
        let of_engines = self.memory.engines.queries(&self.api.matchers, false).into_iter().map(|(_, query)| query);
        let all = std::iter::once(query::times(&self.api.matchers)).chain(columns);
        all.chain([engines::query::identity(&self.api.matchers)]).chain(of_engines).collect()
    }
}
