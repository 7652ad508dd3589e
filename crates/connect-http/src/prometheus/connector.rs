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
    access::Access, client::Client, destination::Destination, failure::Failure, fields::Fields, place::Place,
    trust::Trust,
};
use async_trait::async_trait;
use pilothouse_connect::{Backoff, Connector, Opening, PastQuery, Sink, lost};
use pilothouse_wire::{Code, ConnectionId, Health, ObjectRef, Problem, SmolStr, ask::Tested, view::Series};
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
    let destination = Destination::of(&fields, CLUSTER)?;
    let access = Access::of(&fields)?;
    destination.check(&access, &fields)?;
    let place = Place { name: opening.name.clone(), who: access.who.clone(), kind: "a Prometheus", ..Place::default() };
    let (place, shown) = match &destination {
        Destination::Address(address) => {
            let ca = Trust::of(&fields, address)?.file;
            let place = Place { host: address.host.clone(), path: address.path().map(str::to_owned), ca, ..place };
            (place, address.shown().to_owned())
        }
        Destination::Inside(inside) => {
            let host = format!("{} by way of {}", inside.service, inside.via);
            let path = (!inside.prefix.is_empty()).then(|| inside.prefix.clone());
            (Place { host, path, by_way: Some(inside.via.to_string()), ..place }, inside.shown())
        }
    };
    let about = SourceAbout {
        name: SmolStr::new(&opening.name),
        kind: SmolStr::new_static(KIND.id),
        demo: false,
        address: Some(SmolStr::new(shown)),
        period_ms: u64::try_from(session::PERIOD.as_millis()).unwrap_or(u64::MAX),
    };
    let cluster = fields.text(CLUSTER).map(ConnectionId::slug);
    Ok(Prometheus { about, place, cluster, known: Arc::default(), opening })
}

impl Prometheus {
    /// Made anew for each session: the file of authorities may have changed.
    pub(super) fn api(&self) -> Result<Api, Problem> {
        let fields = Fields::of(&self.opening, &KIND);
        let access = Access::of(&fields)?;
        let (place, clock) = (self.place.clone(), self.opening.clock.clone());
        let client = match Destination::of(&fields, CLUSTER)? {
            Destination::Address(address) => {
                let trust = Trust::of(&fields, &address)?;
                Client::new(place, address, access, trust, clock.clone())?
            }
            Destination::Inside(inside) => {
                Client::inside(place, inside, access, self.opening.relays.clone(), clock.clone())
            }
        };
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
                None if problem.code == Code::TooMany => Health::Slow(problem),
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
