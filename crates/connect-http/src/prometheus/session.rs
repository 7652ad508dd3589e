//! One session with a server: a look at the fleet now and then, a poll of all metrics once an interval, until it breaks.

use super::{
    answer::{Vector, time},
    api::Api,
    before, engines, identity, look,
    memory::Memory,
    problems, query,
};
use crate::{
    failure::Failure,
    problems::insecure,
    pulse,
    rounds::{self, Rounds},
    server::End,
};
use pilothouse_connect::Sink;
use pilothouse_wire::{ConnectionId, Health, Metric, Problem, SmolStr, Stamp};
use pilothouse_world::{Fact, fact::Probed};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// So often the server is heard at least, and asked where nothing is measured yet: where it is, as often as its targets are
/// scraped.
pub const PERIOD: Duration = Duration::from_secs(15);
/// How often the whole fleet is looked at, if nothing else asks for it.
const LOOK: Duration = Duration::from_secs(300);
/// Clocks that differ by more are told of.
const SKEW: Duration = Duration::from_secs(30);
/// What is younger is never stale, however short the interval is.
const YOUNG: Duration = Duration::from_secs(60);

/// What a poll brought.
#[derive(Debug, Default)]
pub struct Taken {
    /// When each GPU was measured, by the clock of who measured.
    at: BTreeMap<SmolStr, Stamp>,
    columns: Vec<(Metric, Vector)>,
    engines: engines::Taken,
    /// What is wrong, the worst first.
    slow: Vec<Problem>,
    partial: Vec<Problem>,
    /// Is anything measured at all?
    nothing: bool,
    dropped: u64,
}

impl Taken {
    /// How the connection is, by what this poll brought.
    #[must_use]
    pub fn health(&self) -> Health {
        let (slow, partial) = (self.slow.first(), self.partial.first());
        match (slow, partial) {
            (_, Some(problem)) if self.nothing => Health::Partial(problem.clone()),
            (Some(problem), _) => Health::Slow(problem.clone()),
            (None, Some(problem)) => Health::Partial(problem.clone()),
            (None, None) => Health::Well,
        }
    }
}

/// Looks, if it is due or the GPUs are others than at the last look, or in other hands, and polls.
///
/// # Errors
/// If the server fails at more than one question.
pub async fn take(api: &Api, memory: &mut Memory, mut due: bool, now: Stamp) -> Result<Taken, Failure> {
    let mut taken = Taken::default();
    let mut others = due;
    let mut warnings = Vec::new();
    if !due {
        let times = api.vector(&query::times(&api.matchers)).await?;
        taken.at = measured_at(&times);
        others = memory.differs(&taken.at);
        due = others || memory.moved(&identity::all_told(&times.samples));
        warnings.extend(times.warnings);
    }
    let began = Instant::now();
    if due {
        let look = look::look(api).await?;
        memory.look(&look, now);
        taken.at = look.seen.devices.iter().map(|(device, at)| (device.uuid.clone(), *at)).collect();
        warnings.extend(look.warnings);
    }
    // What is not measured need not be asked for; what was measured before stays known.
    let queries = if memory.nothing().is_some() { Vec::new() } else { memory.queries(&api.matchers, others) };
    let (columns, failures) = api.vectors(queries).await?;
    if others && memory.nothing().is_none() {
        let there = columns.iter().filter(|(_, vector)| !vector.samples.is_empty()).map(|(metric, _)| *metric);
        memory.measured(there.chain(failures.iter().map(|(metric, _)| *metric)).collect());
    }
    taken.engines = engines::take(api, &mut memory.engines, due, now).await?;
    taken.nothing = memory.nothing().is_some();
    taken.partial.extend(memory.nothing().cloned());
    let place = &api.client.place;
    // A look takes longer, and is seldom.
    let (took, every) = (began.elapsed(), memory.every());
    if took > every && !due {
        taken.slow.push(problems::late(place, took, every));
    }
    taken.slow.extend(api.skew(SKEW).map(|(server, ours)| problems::skew(place, server, ours)));
    taken.partial.extend(stale(api, memory, &taken.at, now));
    let refused = failures.iter().map(|(metric, failure)| (metric.label(), failure));
    let refused = refused.chain(taken.engines.failures.iter().map(|(what, failure)| (*what, failure))).next();
    taken.partial.extend(refused.map(|(what, failure)| problems::question(place, what, failure)));
    warnings.extend(taken.engines.warnings.iter().cloned());
    warnings.extend(columns.iter().flat_map(|(_, vector)| vector.warnings.iter().cloned()));
    taken.partial.extend(warnings.first().map(|warning| problems::warned(place, warning)));
    taken.partial.extend(api.client.is_insecure().then(|| insecure(place)));
    taken.dropped = columns.iter().map(|(_, vector)| vector.dropped).sum();
    taken.columns = columns;
    Ok(taken)
}

fn measured_at(times: &Vector) -> BTreeMap<SmolStr, Stamp> {
    let mut at = BTreeMap::new();
    for sample in &times.samples {
        if let (Some(id), Some(time)) = (identity::key(&sample.labels), time(sample.value)) {
            let newest: &mut Stamp = at.entry(id.clone()).or_insert(time);
            *newest = time.max(*newest);
        }
    }
    at
}

/// Is the newest of all measurements old? That of one GPU alone shows at that GPU. Both times are the server's.
fn stale(api: &Api, memory: &Memory, at: &BTreeMap<SmolStr, Stamp>, now: Stamp) -> Option<Problem> {
    let age = server_time(api, now).since(*at.values().max()?);
    let patience = (memory.interval.longest * 5 / 2).max(YOUNG);
    (age > patience).then(|| problems::stale(&api.client.place, age, memory.interval.longest))
}

/// What time it is by the server's clock.
fn server_time(api: &Api, now: Stamp) -> Stamp {
    api.skew(Duration::ZERO).map_or(now, |(server, _)| server)
}

/// Runs a session until it ends.
pub async fn run(api: &Api, sink: &Sink, memory: &mut Memory, cluster: Option<&ConnectionId>) -> End {
    Rounds::run(go_on(api, sink, memory, cluster)).await
}

async fn go_on(
    api: &Api,
    sink: &Sink,
    memory: &mut Memory,
    cluster: Option<&ConnectionId>,
) -> Result<std::convert::Infallible, End> {
    let mut rounds = Rounds::begin(sink, pulse::stops(|| api.lives()));
    let version = rounds.ask(api.version()).await?;
    let mut looked: Option<Instant> = None;
    loop {
        let started = Instant::now();
        let due = looked.is_none_or(|looked| looked.elapsed() >= LOOK);
        let taken = rounds.ask(take(api, memory, due, sink.now())).await?;
        let unchecked = if api.client.is_insecure() { ", TLS not checked" } else { "" };
        rounds.met(unchecked, || probed(api, memory, version.clone())).await?;
        if due {
            looked = Some(started);
        }
        sink.delta(facts(memory, cluster, &taken)).await?;
        if let Some(wanted) = memory.looks_back() {
            let now = server_time(api, sink.now());
            let mut kept = rounds.ask(async { Ok(before::before(api, &wanted, now).await) }).await?;
            let not =
                kept.failure.take().map(|(metric, why)| problems::question(&api.client.place, metric.label(), &why));
            let kept = memory.looked_back(kept, not).into_iter().map(|kept| Fact::Before(Box::new(kept)));
            sink.delta(kept.collect()).await?;
            if memory.not_before().is_some() {
                sink.probed(probed(api, memory, version.clone())).await?;
            }
        }
        rounds.end_heard_every(PERIOD, taken.health(), taken.dropped, memory.every()).await?;
    }
}

/// What a poll brought, as facts: the list of GPUs if it is another one, the readings, and of whom there are none.
pub fn facts(memory: &mut Memory, cluster: Option<&ConnectionId>, taken: &Taken) -> Vec<Fact> {
    let mut facts = Vec::new();
    facts.extend(memory.news(cluster).map(|news| Fact::Devices(Box::new(news))));
    facts.extend(memory.paced().map(|paces| Fact::Paced(memory.number(), paces)));
    if !taken.at.is_empty() {
        let readings = memory.places().readings(memory.number(), &taken.at, &taken.columns);
        facts.push(Fact::Readings(Box::new(readings)));
    }
    facts.extend(memory.silent(&taken.at).map(|places| Fact::Silent(memory.number(), places)));
    facts.extend(memory.engines.fact(cluster, &taken.engines).map(|engines| Fact::Serving(Box::new(engines))));
    facts
}

fn probed(api: &Api, memory: &Memory, version: Option<String>) -> Probed {
    let off = api.client.is_insecure().then(|| "check the server's certificate: that is off".into());
    let not_before = memory.not_before().map(SmolStr::from);
    Probed {
        may_not: off.into_iter().chain(not_before).collect(),
        ..rounds::probed(&api.client.place, version, may(memory))
    }
}

/// What can be read there, for people.
#[must_use]
pub fn may(memory: &Memory) -> Vec<String> {
    let (gpus, nodes) = memory.counts();
    let every = match (memory.interval.shortest.as_secs(), memory.interval.longest.as_secs()) {
        (shortest, longest) if shortest == longest => format!("{longest} s"),
        (shortest, longest) => format!("{shortest} to {longest} s"),
    };
    let (all, metrics) = (Metric::ALL.len(), memory.metrics());
    let mut may = match gpus {
        0 => Vec::new(),
        _ => vec![
            format!("read {} on {}, measured every {every}", some(gpus, "GPU"), some(nodes, "node")),
            format!("read {metrics} of {all} metrics"),
        ],
    };
    let (pods, nameless) = memory.engines.counts();
    if pods > 0 {
        may.push(format!("read the serving {} of {}", if pods == 1 { "engine" } else { "engines" }, some(pods, "pod")));
    }
    if nameless > 0 {
        may.push(format!("read {nameless} series of serving engines that name no pod, and are shown nowhere"));
    }
    may
}

fn some(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
