//! The connector: opens a connection, tests it, watches it.

use super::{
    api::Api,
    kind::{KIND, MATCHERS},
    matchers::Matchers,
    memory::Memory,
    past::{self, Known},
    problems, session,
};
use crate::{
    failure::Failure,
    fields::Fields,
    offered::CLUSTER,
    server::{self, End, Server},
};
use async_trait::async_trait;
use pilothouse_connect::{Connector, KeptLane, LanesQuery, Opening, PastQuery, Sink};
use pilothouse_wire::{ObjectRef, Problem, ask::Tested, view::Series};
use pilothouse_world::fact::SourceAbout;
use std::sync::{Arc, Mutex, PoisonError};

/// An open connection.
pub(super) struct Prometheus {
    server: Server,
    /// Which of its series are meant.
    matchers: Matchers,
    /// What its watch found out.
    known: Arc<Mutex<Known>>,
}

/// Opens a connection; reads the file of authorities, contacts nobody.
pub fn open(opening: Opening) -> Result<Arc<dyn Connector>, Problem> {
    Ok(Arc::new(opened(opening)?))
}

pub(super) fn opened(opening: Opening) -> Result<Prometheus, Problem> {
    let matchers = {
        let fields = Fields::of(&opening, &KIND);
        let text = fields.text(MATCHERS).unwrap_or_default();
        Matchers::read(text).map_err(|why| fields.bad(MATCHERS, why))?
    };
    let server = Server::of(opening, &KIND, CLUSTER, "a Prometheus")?;
    Ok(Prometheus { server, matchers, known: Arc::default() })
}

impl Prometheus {
    pub(super) fn api(&self) -> Result<Api, Problem> {
        Ok(Api::new(self.server.client()?, self.matchers.clone(), self.server.opening.clock.clone()))
    }

    async fn session(&self, sink: &Sink, memory: &mut Memory) -> End {
        match self.api() {
            Ok(api) => session::run(&api, sink, memory, self.server.cluster.as_ref()).await,
            Err(problem) => End::Lost(Failure::Told(Box::new(problem))),
        }
    }

    fn problem(&self, failure: &Failure) -> Problem {
        problems::problem(failure, &self.server.place)
    }
}

#[async_trait]
impl Connector for Prometheus {
    fn about(&self) -> SourceAbout {
        self.server.about(session::PERIOD)
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        let api = self.api()?;
        let mut memory = Memory::default();
        let calls = async {
            let version = api.version().await?;
            let taken = session::take(&api, &mut memory, true, self.server.opening.clock.now()).await?;
            Ok((version, taken))
        };
        let (version, taken) = calls.await.map_err(|failure| self.problem(&failure))?;
        Ok(Tested {
            version,
            identity: self.server.place.who.clone(),
            may: session::may(&memory),
            problem: taken.health().problem().cloned(),
        })
    }

    async fn watch(&self, sink: Sink) {
        // It goes on from one session to the next, one at a time.
        let memory = tokio::sync::Mutex::new(Memory::shared_with(&self.known));
        let session = || async { self.session(&sink, &mut *memory.lock().await).await };
        server::keep(&sink, |failure| self.problem(failure), session).await;
    }

    async fn past(&self, wanted: &PastQuery) -> Result<Vec<Series>, Problem> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let outcome = past::past(&self.api()?, &known, wanted).await;
        outcome.map_err(|failure| self.problem(&failure))
    }

    async fn lanes(&self, wanted: &LanesQuery) -> Result<Vec<KeptLane>, Problem> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let outcome = past::lanes(&self.api()?, &known, wanted).await;
        outcome.map_err(|failure| self.problem(&failure))
    }

    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        Err(problems::no_yaml(&self.server.place))
    }
}
