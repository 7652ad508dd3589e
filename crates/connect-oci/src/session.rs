//! One session with a registry: round after round, until it breaks.

use crate::{
    client::Registry,
    names::Wish,
    problems,
    round::{self, Round, Seen},
};
use pilothouse_connect::Sink;
use pilothouse_connect_http::{
    problems::insecure,
    pulse,
    rounds::{self, Rounds, answering},
    server::End,
};
use pilothouse_wire::{Problem, SmolStr};
use pilothouse_world::{Fact, fact::Probed};
use std::{convert::Infallible, time::Duration};

/// How often it is looked at: it tells nobody by itself, and each tag is a question.
pub(crate) const PERIOD: Duration = Duration::from_secs(30);

/// What there is to watch.
pub(crate) struct Watched<'a> {
    pub hosts: &'a [SmolStr],
    pub wishes: &'a [Wish],
}

/// Runs a session until it ends.
pub(crate) async fn run(registry: &Registry, sink: &Sink, watched: &Watched<'_>) -> End {
    Rounds::run(go_on(registry, sink, watched)).await
}

async fn go_on(registry: &Registry, sink: &Sink, watched: &Watched<'_>) -> Result<Infallible, End> {
    let lives = || async { registry.ping().await.map(drop) };
    let mut rounds = Rounds::begin(sink, pulse::stops(lives));
    let version = rounds.ask(registry.ping()).await?;
    let (mut seen, mut told) = (Seen::default(), None);
    loop {
        let round = rounds.ask(round::look(registry, watched.hosts, watched.wishes, &mut seen)).await?;
        rounds.met("", || probed(registry, version.clone(), &round)).await?;
        let problem = wrong(registry, &round);
        if told.as_ref() != Some(&round.fact) {
            told = Some(round.fact.clone());
            sink.delta(vec![Fact::Registry(Box::new(round.fact))]).await?;
        }
        rounds.end(answering(problem), round.dropped, PERIOD).await?;
    }
}

/// What is wrong, though it answers.
pub(crate) fn wrong(registry: &Registry, round: &Round) -> Option<Problem> {
    problems::first_of(round.problems.clone()).or_else(|| registry.is_insecure().then(|| insecure(&registry.place)))
}

/// What it lets us do.
pub(crate) fn may(round: &Round) -> Vec<String> {
    let lists = (round.lists == Some(true)).then_some("list repositories");
    let reads = (!round.fact.repositories.is_empty()).then_some("read tags and manifests");
    lists.into_iter().chain(reads).map(str::to_owned).collect()
}

fn probed(registry: &Registry, version: Option<String>, round: &Round) -> Probed {
    let cut = round.fact.repositories.iter().filter(|repository| repository.more).count();
    let not_visible = (cut > 0).then(|| {
        let of = if cut == 1 { "1 repository" } else { &format!("{cut} repositories") };
        format!("Of {of} some tags are not watched: name those that matter in the field \"Watch\".")
    });
    Probed {
        may_not: (round.lists == Some(false)).then(|| "list repositories".into()).into_iter().collect(),
        not_visible,
        ..rounds::probed(&registry.place, version, may(round))
    }
}
