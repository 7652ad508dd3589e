//! The connector: opens a connection, tests it, watches it.

use super::{acts, kind::KIND, problems, session};
use crate::{
    failure::Failure,
    offered::CLUSTER,
    server::{self, End, Server},
};
use async_trait::async_trait;
use pilothouse_connect::{Connector, NotSent, Opening, Seen, Sink};
use pilothouse_wire::{
    ObjectRef, Problem,
    ask::Tested,
    plan::{Intent, Plan, Request},
};
use pilothouse_world::fact::SourceAbout;
use std::sync::Arc;

/// An open connection.
struct Alertmanager(Server);

/// Opens a connection; reads the file of authorities, contacts nobody.
pub fn open(opening: Opening) -> Result<Arc<dyn Connector>, Problem> {
    Ok(Arc::new(Alertmanager(Server::of(opening, &KIND, CLUSTER, "an Alertmanager")?)))
}

#[async_trait]
impl Connector for Alertmanager {
    fn about(&self) -> SourceAbout {
        self.0.about(session::PERIOD)
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        let client = self.0.client()?;
        let calls = async { Ok((session::version(&client).await?, session::take(&client).await?)) };
        let (version, taken) = calls.await.map_err(|failure| problems::problem(&failure, &self.0.place))?;
        Ok(Tested {
            version,
            identity: self.0.place.who.clone(),
            may: vec![session::MAY.to_owned()],
            problem: taken.problem,
        })
    }

    async fn watch(&self, sink: Sink) {
        let session = || async {
            match self.0.client() {
                Ok(client) => session::run(&client, &sink, self.0.cluster.as_ref()).await,
                Err(problem) => End::Lost(Failure::Told(Box::new(problem))),
            }
        };
        server::keep(&sink, |failure| problems::problem(failure, &self.0.place), session).await;
    }

    async fn plan(&self, intent: &Intent) -> Result<Plan, Problem> {
        acts::plan(&self.0.client()?, intent, self.0.opening.clock.now()).await
    }

    async fn send(&self, request: &Request) -> Result<(), NotSent> {
        let client = self.0.client().map_err(NotSent::Refused)?;
        crate::acts::send(&client, request, |failure| problems::problem(failure, &client.place)).await
    }

    async fn look(&self, plan: &Plan) -> Result<Seen, Problem> {
        acts::look(&self.0.client()?, plan).await
    }

    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        Err(problems::no_yaml(&self.0.place))
    }
}
