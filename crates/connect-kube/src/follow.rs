//! Follows one kind in one scope: a listing, then watches from there on; a listing again where a watch cannot resume.

use crate::{
    board::Weight,
    client::Client,
    early::Listing,
    facts::without_labels,
    failure::Failure,
    list::{Listed, first, list},
    problems,
    resource::{Resource, Scope},
    slim::{CoreEvent, Event},
    watch::Watch,
};
use pilothouse_connect::{Backoff, Closed, Sink};
use pilothouse_wire::{Code, Problem};
use pilothouse_world::{
    Fact,
    fact::{Kind, SourceFact},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// Where rights or an API are missing, this is how often they are asked for.
pub const ASK_AGAIN: Duration = Duration::from_secs(60);
/// Events are kept by servers for an hour; of a storm of them the newest are enough.
const MOST_EVENTS: usize = 5_000;
/// A watch that ends sooner is no watch: the next one is opened more slowly.
const SHORT: Duration = Duration::from_secs(1);

/// What a follower says to its session.
#[derive(Debug)]
pub enum Told {
    /// It has read so many, of about so many where that is known.
    Progress(u64, Option<u64>),
    /// It is listed, or it is known that it cannot be.
    Settled,
    /// What is wrong with it; nothing any more.
    Trouble(Option<(Weight, Problem)>),
    /// A connection broke: the server may be gone.
    Broke,
    /// The server does not know us any more.
    Unknown(Problem),
    /// What may be read has changed.
    OtherRights,
}

/// A follower of `T`.
pub struct Follower {
    /// The way to the server.
    pub client: Arc<Client>,
    /// What is followed.
    pub scope: Scope,
    /// Where facts go.
    pub sink: Sink,
    /// Are the labels kept that pods get by their template?
    pub labels: bool,
    /// Its number in its session.
    pub slot: usize,
    /// Where the session listens.
    pub tell: mpsc::Sender<(usize, Told)>,
}

impl Follower {
    /// Follows until nobody listens.
    pub async fn follow<T: Resource>(self, early: Option<Listing>) {
        let mut backoff = Backoff::default();
        if let Some(early) = early {
            let listed = early.end(|read, all| self.progress(read, all)).await;
            if self.listed::<T>(listed, &mut backoff).await.is_err() {
                return;
            }
        }
        // An error says that whoever listened is gone: there is nobody to tell it to.
        while self.round::<T>(&mut backoff).await.is_ok() {}
    }

    /// Follows events until nobody listens: of the older core group where the newer one is absent or forbidden.
    pub async fn follow_events(self) {
        let mut backoff = Backoff::default();
        loop {
            let newer = first::<Event>(&self.client, &self.scope).await;
            let older = newer.is_err_and(|failure| matches!(failure.status(), Some(403 | 404)));
            let round = if older {
                self.round::<CoreEvent>(&mut backoff).await
            } else {
                self.round::<Event>(&mut backoff).await
            };
            if round.is_err() {
                return;
            }
        }
    }

    /// A listing, and the watches from there on.
    async fn round<T: Resource>(&self, backoff: &mut Backoff) -> Result<(), Closed> {
        let listed = list::<T>(&self.client, &self.scope, most::<T>(), |read, all| self.progress(read, all)).await;
        self.listed::<T>(listed, backoff).await
    }

    /// Hands a listing on and watches from there, or tells why there is none and waits.
    async fn listed<T: Resource>(&self, listed: Result<Listed, Failure>, backoff: &mut Backoff) -> Result<(), Closed> {
        match listed {
            Ok(listed) => {
                backoff.worked();
                let version = listed.version.clone();
                self.replace::<T>(listed).await?;
                self.tell(Told::Settled).await?;
                self.tell(Told::Trouble(None)).await?;
                self.watch_from::<T>(version).await
            }
            Err(failure) => self.failed::<T>(&failure, backoff).await,
        }
    }

    /// Progress is shown now and then: one that finds no room is not missed.
    fn progress(&self, read: u64, all: Option<u64>) {
        let _ = self.tell.try_send((self.slot, Told::Progress(read, all)));
    }

    async fn replace<T: Resource>(&self, mut listed: Listed) -> Result<(), Closed> {
        if T::KIND == Kind::Event {
            listed.dropped += keep_newest(&mut listed.facts);
        }
        self.keep_labels(&mut listed.facts);
        self.sink.replace(self.scope.covers::<T>(), listed.facts).await?;
        self.dropped(listed.dropped).await
    }

    fn keep_labels(&self, facts: &mut [Fact]) {
        if !self.labels {
            facts.iter_mut().for_each(without_labels);
        }
    }

    async fn dropped(&self, n: u64) -> Result<(), Closed> {
        if n > 0 { self.sink.source(SourceFact::Dropped(n)).await } else { Ok(()) }
    }

    /// Watches from a version on, again and again; returns when only a listing helps.
    async fn watch_from<T: Resource>(&self, mut version: String) -> Result<(), Closed> {
        let mut backoff = Backoff::default();
        let mut troubled = false;
        loop {
            let began = Instant::now();
            let ended = match Watch::<T>::open(&self.client, &self.scope, &version).await {
                Ok(mut watch) => {
                    if std::mem::take(&mut troubled) {
                        self.tell(Told::Trouble(None)).await?;
                    }
                    let ended = self.changes(&mut watch).await?;
                    watch.version().clone_into(&mut version);
                    ended
                }
                Err(failure) => Some(failure),
            };
            if began.elapsed() > SHORT {
                backoff.worked();
            }
            match ended {
                None if began.elapsed() > SHORT => {}
                None => tokio::time::sleep(backoff.wait(None)).await,
                Some(failure) if failure.is_expired() => return Ok(()),
                Some(failure) if matches!(failure.status(), Some(403 | 404)) => return Ok(()),
                // A line that cannot be kept would come again from the same version.
                Some(Failure::TooLarge) => return self.dropped(1).await,
                Some(failure) => {
                    self.note_cut::<T>(&failure, began).await?;
                    troubled = true;
                    self.failed::<T>(&failure, &mut backoff).await?;
                }
            }
        }
    }

    /// Hands changes on until the stream ends.
    async fn changes<T: Resource>(&self, watch: &mut Watch<T>) -> Result<Option<Failure>, Closed> {
        loop {
            match watch.changes().await {
                Ok(Some(mut changes)) => {
                    self.keep_labels(&mut changes.facts);
                    self.sink.delta(changes.facts).await?;
                    self.dropped(changes.dropped).await?;
                }
                Ok(None) => return Ok(None),
                Err(failure) => return Ok(Some(failure)),
            }
        }
    }

    async fn note_cut<T: Resource>(&self, failure: &Failure, began: Instant) -> Result<(), Closed> {
        let lasted = began.elapsed();
        if matches!(failure, Failure::Transport(_)) && lasted > SHORT {
            self.sink.attempt(false, format!("watch of {} cut after {}", T::PLURAL, problems::span(lasted))).await?;
        }
        Ok(())
    }

    /// Tells what is wrong, and waits.
    async fn failed<T: Resource>(&self, failure: &Failure, backoff: &mut Backoff) -> Result<(), Closed> {
        let problem = failure.problem(&self.client.place);
        let wait = match failure.status() {
            Some(403 | 404) => ASK_AGAIN,
            _ => backoff.wait(failure.retry_after()),
        };
        match failure {
            Failure::Transport(_) | Failure::TimedOut(_) => self.tell(Told::Broke).await?,
            _ if problem.code == Code::Unauthenticated => self.tell(Told::Unknown(problem)).await?,
            _ => {
                let weight = weight::<T>(problem.code);
                self.tell(Told::Trouble(Some((weight, problem)))).await?;
                // What may not be read is not waited for; what fails for the moment is.
                if weight == Weight::Partial {
                    self.tell(Told::Settled).await?;
                }
            }
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    async fn tell(&self, told: Told) -> Result<(), Closed> {
        self.tell.send((self.slot, told)).await.map_err(|_| Closed)
    }
}

fn most<T: Resource>() -> usize {
    if T::KIND == Kind::Event { 4 * MOST_EVENTS } else { usize::MAX }
}

fn weight<T: Resource>(code: Code) -> Weight {
    let partial = T::KIND == Kind::Event || matches!(code, Code::Denied | Code::ApiAbsent | Code::BadInput);
    if partial { Weight::Partial } else { Weight::Slow }
}

/// Keeps the newest events; says how many went.
fn keep_newest(facts: &mut Vec<Fact>) -> u64 {
    let at = |fact: &Fact| match fact {
        Fact::Event(event) => event.at,
        _ => pilothouse_wire::Stamp(i64::MIN),
    };
    let over = facts.len().saturating_sub(MOST_EVENTS);
    if over > 0 {
        facts.sort_by_key(|fact| std::cmp::Reverse(at(fact)));
        facts.truncate(MOST_EVENTS);
    }
    over as u64
}
