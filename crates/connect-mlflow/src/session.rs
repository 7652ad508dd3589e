//! One session with MLflow: its registry, looked at again and again until it breaks.

use crate::{
    answer, problems,
    registry::{News, PATIENCE, Registry},
};
use pilothouse_connect::Sink;
use pilothouse_connect_http::{
    client::Client,
    failure::Failure,
    problems::insecure,
    pulse,
    rounds::{Rounds, answering, probed},
    server::End,
};
use pilothouse_wire::Problem;
use pilothouse_world::fact::{Covers, Kind};
use std::{
    convert::Infallible,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// How often it is asked: it tells nobody by itself.
pub(crate) const PERIOD: Duration = Duration::from_secs(15);
/// What it lets us do.
pub(crate) const MAY: &str = "read registered models and versions";
const VERSION: &str = "/version";
const HEALTH: &str = "/health";

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
pub(crate) async fn run(client: &Client, sink: &Sink, wrote: &AtomicBool) -> End {
    Rounds::run(go_on(client, sink, wrote)).await
}

async fn go_on(client: &Client, sink: &Sink, wrote: &AtomicBool) -> Result<Infallible, End> {
    let lives = || async { client.get(HEALTH, PATIENCE).await.map(drop) };
    let mut rounds = Rounds::begin(sink, pulse::stops(lives));
    let version = rounds.ask(version(client)).await?;
    let mut registry = Registry::default();
    loop {
        if wrote.swap(false, Ordering::AcqRel) {
            registry.read_all_anew();
        }
        let news = rounds.ask(registry.look(client)).await?;
        let problem = shortcoming(client, version.as_deref(), &news);
        if rounds.met("", || probed(&client.place, version.clone(), [MAY.to_owned()])).await? {
            sink.replace(Covers { kind: Kind::Model, namespace: None }, news.facts).await?;
        } else {
            sink.delta(news.facts).await?;
        }
        rounds.end(answering(problem), news.dropped, PERIOD).await?;
    }
}
