//! One session with an Alertmanager: all its alerts, asked for again and again until it breaks.

use super::{answer, problems};
use crate::{
    client::Client,
    failure::Failure,
    problems::insecure,
    pulse,
    rounds::{Rounds, answering, probed},
    server::End,
};
use pilothouse_connect::Sink;
use pilothouse_wire::{ConnectionId, Problem};
use pilothouse_world::{Fact, fact::AlertsFact};
use std::{convert::Infallible, time::Duration};

/// How often it is asked: it tells nobody by itself. Alerts are sent to it about once a minute.
pub const PERIOD: Duration = Duration::from_secs(10);
/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);

/// Silenced and held back ones, too: that nobody is told of them is said.
const ALERTS: &str = "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true";
const READY: &str = "/-/ready";
const STATUS: &str = "/api/v2/status";
/// What it lets us do.
pub const MAY: &str = "read alerts";

/// What its server is and has now.
pub struct Taken {
    /// Its alerts.
    pub read: answer::Read,
    /// What is wrong, though it answers.
    pub problem: Option<Problem>,
}

/// Asks for the version.
///
/// # Errors
/// As [`Client::get`]; or if the answer cannot be read.
pub async fn version(client: &Client) -> Result<Option<String>, Failure> {
    answer::version(&client.get(STATUS, PATIENCE).await?.body)
}

/// Asks for all alerts.
///
/// # Errors
/// As [`Client::get`]; or if the answer cannot be read.
pub async fn take(client: &Client) -> Result<Taken, Failure> {
    let read = answer::alerts(&client.get(ALERTS, PATIENCE).await?.body)?;
    let left_out = (read.dropped > 0).then(|| problems::dropped(&client.place, read.dropped));
    let problem = left_out.or_else(|| client.is_insecure().then(|| insecure(&client.place)));
    Ok(Taken { read, problem })
}

/// Runs a session until it ends.
pub async fn run(client: &Client, sink: &Sink, cluster: Option<&ConnectionId>) -> End {
    Rounds::run(go_on(client, sink, cluster)).await
}

async fn go_on(client: &Client, sink: &Sink, cluster: Option<&ConnectionId>) -> Result<Infallible, End> {
    let lives = || async { client.get(READY, PATIENCE).await.map(drop) };
    let mut rounds = Rounds::begin(sink, pulse::stops(lives));
    let version = rounds.ask(version(client)).await?;
    loop {
        let Taken { read, problem } = rounds.ask(take(client)).await?;
        rounds.met("", || probed(&client.place, version.clone(), [MAY.to_owned()])).await?;
        let facts = AlertsFact { cluster: cluster.cloned(), alerts: read.alerts };
        sink.delta(vec![Fact::Alerts(Box::new(facts))]).await?;
        rounds.end(answering(problem), read.dropped, PERIOD).await?;
    }
}
