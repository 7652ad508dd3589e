//! A server as it was filled in: where it is, by what name messages know it, the client that leads there, and how it is
//! kept watched.

use crate::{
    access::Access, client::Client, destination::Destination, failure::Failure, fields::Fields, place::Place,
    trust::Trust,
};
use pilothouse_connect::{Backoff, Closed, Kind, Opening, Sink, lost};
use pilothouse_wire::{Code, ConnectionId, Health, Problem, SmolStr};
use pilothouse_world::fact::SourceAbout;
use std::time::Duration;
use tokio::time::Instant;

/// A session that lasted so long was well: after it, the next attempt is made soon.
const LASTED: Duration = Duration::from_secs(60);

/// Why a session ended.
#[derive(Debug)]
pub enum End {
    /// Nobody listens.
    Closed,
    /// The server is lost.
    Lost(Failure),
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// A server of a kind.
pub struct Server {
    /// What was filled in.
    pub opening: Opening,
    /// What messages need to know.
    pub place: Place,
    /// The cluster that it is about, if it was named.
    pub cluster: Option<ConnectionId>,
    kind: &'static Kind,
    cluster_key: &'static str,
    shown: String,
}

impl Server {
    /// What was filled in; reads the file of authorities, contacts nobody. `cluster` is the key of the field that names
    /// the cluster which the server is about; `called` says what it should be: "a Prometheus".
    ///
    /// # Errors
    /// If a field cannot be used.
    pub fn of(
        opening: Opening,
        kind: &'static Kind,
        cluster: &'static str,
        called: &'static str,
    ) -> Result<Self, Problem> {
        let fields = Fields::of(&opening, kind);
        let destination = Destination::of(&fields, cluster)?;
        let access = Access::of(&fields)?;
        destination.check(&access, &fields)?;
        let place = Place { name: opening.name.clone(), who: access.who.clone(), kind: called, ..Place::default() };
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
        let about = fields.text(cluster).map(ConnectionId::slug);
        Ok(Self { place, cluster: about, kind, cluster_key: cluster, shown, opening })
    }

    /// What is known of it without asking; it is expected to be heard once a period.
    #[must_use]
    pub fn about(&self, period: Duration) -> SourceAbout {
        SourceAbout {
            name: SmolStr::new(&self.opening.name),
            kind: SmolStr::new_static(self.kind.id),
            demo: false,
            address: Some(SmolStr::new(&self.shown)),
            period_ms: u64::try_from(period.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The way to it. Made anew for each session: the file of authorities may have changed.
    ///
    /// # Errors
    /// If a field cannot be used.
    pub fn client(&self) -> Result<Client, Problem> {
        let fields = Fields::of(&self.opening, self.kind);
        let access = Access::of(&fields)?;
        let (place, clock) = (self.place.clone(), self.opening.clock.clone());
        match Destination::of(&fields, self.cluster_key)? {
            Destination::Address(address) => {
                let trust = Trust::of(&fields, &address)?;
                Client::new(place, address, access, trust, clock)
            }
            Destination::Inside(inside) => {
                Ok(Client::inside(place, inside, access, self.opening.relays.clone(), clock))
            }
        }
    }
}

/// Runs one session after the other until nobody listens: says why each ended, and waits before the next.
pub async fn keep<F: Future<Output = End>>(
    sink: &Sink,
    problem: impl Fn(&Failure) -> Problem,
    mut session: impl FnMut() -> F,
) {
    let mut backoff = Backoff::default();
    let connecting = Health::Starting { doing: "Connecting".to_owned(), progress: None };
    if sink.health(connecting).await.is_err() {
        return;
    }
    loop {
        let began = Instant::now();
        // Who waits for an answer is to end as well once nobody listens.
        let end = tokio::select! {
            end = session() => end,
            () = sink.closed() => return,
        };
        let End::Lost(failure) = end else { return };
        if began.elapsed() > LASTED {
            backoff.worked();
        }
        let problem = problem(&failure);
        let health = match failure.status() {
            Some(429 | 503) => Health::Slow(problem),
            None if problem.code == Code::TooMany => Health::Slow(problem),
            _ => Health::Lost(problem),
        };
        let wait = backoff.wait(failure.retry_after());
        if lost(sink, health, began.elapsed(), wait).await.is_err() {
            return;
        }
    }
}
