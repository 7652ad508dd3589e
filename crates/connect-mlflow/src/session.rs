//! One session with MLflow: its registry, looked at again and again until it breaks.

use crate::{
    answer, problems,
    registry::{News, PATIENCE, Registry},
};
use pilothouse_connect::Sink;
use pilothouse_connect_http::{client::Client, failure::Failure, problems::insecure, server::End};
use pilothouse_wire::{Health, Problem, SmolStr};
use pilothouse_world::fact::{Covers, Kind, Probed, SourceFact};
use std::{convert::Infallible, time::Duration};
use tokio::time::Instant;

/// How often it is asked: it tells nobody by itself.
pub(crate) const PERIOD: Duration = Duration::from_secs(15);
/// What it lets us do.
pub(crate) const MAY: &str = "read registered models and versions";
const VERSION: &str = "/version";

/// Asks for the version; `None` if it does not say.
///
/// # Errors
/// As [`Client::get`].
pub(crate) async fn version(client: &Client) -> Result<Option<String>, Failure> {
    match client.get(VERSION, PATIENCE).await {
        Ok(answer) => answer::version(&answer.body),
        // A gateway may hand on nothing but the API.
        Err(failure) if matches!(failure.status(), Some(404 | 405)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What is wrong, though it answers.
pub(crate) fn shortcoming(client: &Client, version: Option<&str>, news: &News) -> Option<Problem> {
    let place = &client.place;
    problems::too_old(place, version)
        .or_else(|| news.too_much.then(|| problems::too_much(place)))
        .or_else(|| client.is_insecure().then(|| insecure(place)))
}

/// Runs a session until it ends.
pub(crate) async fn run(client: &Client, sink: &Sink) -> End {
    match go_on(client, sink).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

async fn go_on(client: &Client, sink: &Sink) -> Result<Infallible, End> {
    let began = Instant::now();
    let version = version(client).await.map_err(End::Lost)?;
    let (mut registry, mut met, mut shown, mut dropped) = (Registry::default(), false, None, 0);
    loop {
        let started = Instant::now();
        let news = registry.look(client).await.map_err(End::Lost)?;
        let problem = shortcoming(client, version.as_deref(), &news);
        if std::mem::replace(&mut met, true) {
            sink.delta(news.facts).await?;
        } else {
            sink.source(SourceFact::RetryAt(None)).await?;
            sink.attempt(true, format!("connected in {} ms", began.elapsed().as_millis())).await?;
            sink.probed(probed(client, version.clone())).await?;
            sink.replace(Covers { kind: Kind::Model, namespace: None }, news.facts).await?;
        }
        // Counted once: the same ones come in every answer.
        if news.dropped > dropped {
            sink.source(SourceFact::Dropped(news.dropped - dropped)).await?;
            dropped = news.dropped;
        }
        sink.heard().await?;
        let health = problem.map_or(Health::Well, Health::Partial);
        if shown.as_ref() != Some(&health) {
            sink.health(health.clone()).await?;
            shown = Some(health);
        }
        tokio::select! {
            () = tokio::time::sleep_until(started + PERIOD) => {}
            () = sink.closed() => return Err(End::Closed),
        }
    }
}

fn probed(client: &Client, version: Option<String>) -> Probed {
    Probed {
        version: version.map(SmolStr::from),
        identity: client.place.who.as_ref().map(SmolStr::from),
        may: vec![MAY.into()],
        may_not: Vec::new(),
        not_visible: None,
    }
}
