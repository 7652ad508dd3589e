//! The connector: opens a connection, tests it, watches it.

use super::{
    api::Api,
    kind::{CLUSTER, KIND},
    memory::Memory,
    past::{self, Known},
    problems,
    session::{self, End},
};
use crate::{
    access::Access, address::Address, client::Client, failure::Failure, fields::Fields, place::Place, trust::Trust,
};
use async_trait::async_trait;
use pilothouse_connect::{Backoff, Connector, Opening, PastQuery, Sink, lost};
use pilothouse_wire::{ConnectionId, Health, ObjectRef, Problem, SmolStr, ask::Tested, view::Series};
use pilothouse_world::fact::SourceAbout;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A session that lasted so long was well: after it, the next attempt is made soon.
const LASTED: Duration = Duration::from_secs(60);

/// An open connection.
pub(super) struct Prometheus {
    opening: Opening,
    about: SourceAbout,
    place: Place,
    cluster: Option<ConnectionId>,
    /// What its watch found out.
    known: Arc<Mutex<Known>>,
}

/// Opens a connection; reads the file of authorities, contacts nobody.
pub fn open(opening: Opening) -> Result<Arc<dyn Connector>, Problem> {
    Ok(Arc::new(opened(opening)?))
}

pub(super) fn opened(opening: Opening) -> Result<Prometheus, Problem> {
    let fields = Fields::of(&opening, &KIND);
    let address = Address::of(&fields)?;
    let access = Access::of(&fields)?;
    let trust = Trust::of(&fields, &address)?;
    let about = SourceAbout {
        name: SmolStr::new(&opening.name),
        kind: SmolStr::new_static(KIND.id),
        demo: false,
        address: Some(SmolStr::new(address.shown())),
        period_ms: u64::try_from(session::PERIOD.as_millis()).unwrap_or(u64::MAX),
    };
    let place = Place {
        name: opening.name.clone(),
        host: address.host.clone(),
        path: address.path().map(str::to_owned),
        who: access.who.clone(),
        ca: trust.file,
        kind: "a Prometheus",
    };
    let cluster = fields.text(CLUSTER).map(ConnectionId::slug);
    Ok(Prometheus { about, place, cluster, known: Arc::default(), opening })
}

impl Prometheus {
    /// Made anew for each session: the file of authorities may have changed.
    pub(super) fn api(&self) -> Result<Api, Problem> {
        let fields = Fields::of(&self.opening, &KIND);
        let address = Address::of(&fields)?;
        let (access, trust) = (Access::of(&fields)?, Trust::of(&fields, &address)?);
        let clock = self.opening.clock.clone();
        let client = Client::new(self.place.clone(), address, access, trust, clock.clone())?;
        Ok(Api::new(client, clock))
    }

    async fn session(&self, sink: &Sink, memory: &mut Memory) -> End {
        match self.api() {
            Ok(api) => session::run(&api, sink, memory, self.cluster.as_ref()).await,
            Err(problem) => End::Lost(Failure::Told(Box::new(problem))),
        }
    }
}

#[async_trait]
impl Connector for Prometheus {
    fn about(&self) -> SourceAbout {
        self.about.clone()
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        let api = self.api()?;
        let mut memory = Memory::default();
        let calls = async {
            let version = api.version().await?;
            let taken = session::take(&api, &mut memory, true, self.opening.clock.now()).await?;
            Ok((version, taken))
        };
        let (version, taken) = calls.await.map_err(|failure| problems::problem(&failure, &self.place))?;
        Ok(Tested {
            version,
            identity: self.place.who.clone(),
            may: session::may(&memory),
            problem: taken.health().problem().cloned(),
        })
    }

    async fn watch(&self, sink: Sink) {
        let mut backoff = Backoff::default();
        let mut memory = Memory::shared_with(&self.known);
        let connecting = Health::Starting { doing: "Connecting".to_owned(), progress: None };
        if sink.health(connecting).await.is_err() {
            return;
        }
        loop {
            let began = Instant::now();
            // Who waits for an answer is to end as well once nobody listens.
            let end = tokio::select! {
                end = self.session(&sink, &mut memory) => end,
                () = sink.closed() => return,
            };
            let End::Lost(failure) = end else { return };
            if began.elapsed() > LASTED {
                backoff.worked();
            }
            let problem = problems::problem(&failure, &self.place);
            let health = match failure.status() {
                Some(429 | 503) => Health::Slow(problem),
                _ => Health::Lost(problem),
            };
            let wait = backoff.wait(failure.retry_after());
            if lost(&sink, health, began.elapsed(), wait).await.is_err() {
                return;
            }
        }
    }

    async fn past(&self, wanted: &PastQuery) -> Result<Vec<Series>, Problem> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let outcome = past::past(&self.api()?, &known, wanted).await;
        outcome.map_err(|failure| problems::problem(&failure, &self.place))
    }

    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        Err(problems::no_yaml(&self.place))
    }
}
