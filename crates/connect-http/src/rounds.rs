//! A session with a server that tells nobody anything by itself: it is asked round after round. What of a round is told once,
//! and what only where it changed.

use crate::{failure::Failure, place::Place, server::End};
use pilothouse_connect::{Closed, Sink};
use pilothouse_wire::{Health, Problem, SmolStr};
use pilothouse_world::fact::{Probed, SourceFact};
use std::{convert::Infallible, future::Future, pin::Pin, time::Duration};
use tokio::time::Instant;

/// The rounds of one session.
pub struct Rounds<'a> {
    sink: &'a Sink,
    /// When the session began.
    began: Instant,
    /// When the round began that is under way.
    started: Instant,
    /// Ends when the server gives no sign of life any more. It is looked at while something is waited for, so that nothing
    /// is half told when it ends.
    pulse: Pin<Box<dyn Future<Output = End> + Send + 'a>>,
    is_met: bool,
    shown: Option<Health>,
    dropped: u64,
}

impl<'a> Rounds<'a> {
    /// Begins a session, and its first round. `pulse` ends when the server gives no sign of life any more
    /// ([`pulse::stops`](crate::pulse::stops)).
    #[must_use]
    pub fn begin(sink: &'a Sink, pulse: impl Future<Output = End> + Send + 'a) -> Self {
        let now = Instant::now();
        Self { sink, began: now, started: now, pulse: Box::pin(pulse), is_met: false, shown: None, dropped: 0 }
    }

    /// Waits for what the server is asked for, as long as it lives.
    ///
    /// # Errors
    /// Why there is no answer, or that the server is gone.
    pub async fn ask<T>(&mut self, answer: impl Future<Output = Result<T, Failure>>) -> Result<T, End> {
        tokio::select! {
            biased;
            answer = answer => answer.map_err(End::Lost),
            end = &mut self.pulse => Err(end),
        }
    }

    /// Runs a session until it ends.
    pub async fn run(session: impl Future<Output = Result<Infallible, End>>) -> End {
        match session.await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    /// Tells of a server that answered: the first time that it does. `how` stands behind the time that it took, as in
    /// `, TLS not checked`. Answers whether it was the first time.
    ///
    /// # Errors
    /// If nobody listens.
    pub async fn met(&mut self, how: &str, probed: impl FnOnce() -> Probed) -> Result<bool, Closed> {
        if std::mem::replace(&mut self.is_met, true) {
            return Ok(false);
        }
        self.sink.source(SourceFact::RetryAt(None)).await?;
        self.sink.attempt(true, format!("connected in {} ms{how}", self.began.elapsed().as_millis())).await?;
        self.sink.probed(probed()).await?;
        Ok(true)
    }

    /// Ends a round: what it left out is counted, once, since the same comes in every answer; how the server is, is told
    /// where it changed. Waits until a period has gone by since the round began, and begins the next.
    ///
    /// # Errors
    /// If nobody listens, or the server is gone.
    pub async fn end(&mut self, health: Health, dropped: u64, period: Duration) -> Result<(), End> {
        self.end_heard_every(period, health, dropped, period).await
    }

    /// The same, of a server that is asked more seldom than it is to be heard: while it waits, it is heard by its signs of
    /// life.
    ///
    /// # Errors
    /// As [`Rounds::end`].
    pub async fn end_heard_every(
        &mut self,
        beat: Duration,
        health: Health,
        dropped: u64,
        period: Duration,
    ) -> Result<(), End> {
        if dropped > self.dropped {
            self.sink.source(SourceFact::Dropped(dropped - self.dropped)).await?;
            self.dropped = dropped;
        }
        self.sink.heard().await?;
        if self.shown.as_ref() != Some(&health) {
            self.sink.health(health.clone()).await?;
            self.shown = Some(health);
        }
        let due = self.started + period;
        loop {
            let next = due.min(Instant::now() + beat);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.sink.closed() => return Err(End::Closed),
                end = &mut self.pulse => return Err(end),
            }
            if next >= due {
                break;
            }
            self.sink.heard().await?;
        }
        self.started = Instant::now();
        Ok(())
    }
}

/// How a server is that answers, by what is wrong all the same.
#[must_use]
pub fn answering(problem: Option<Problem>) -> Health {
    problem.map_or(Health::Well, Health::Partial)
}

/// What was found out of a server: its version, who we are there, and what it lets us do.
#[must_use]
pub fn probed(place: &Place, version: Option<String>, may: impl IntoIterator<Item = String>) -> Probed {
    Probed {
        version: version.map(SmolStr::from),
        identity: place.who.as_ref().map(SmolStr::from),
        may: may.into_iter().map(SmolStr::from).collect(),
        may_not: Vec::new(),
        not_visible: None,
    }
}
