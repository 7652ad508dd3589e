//! The preflight: sums, checks, and what changed.

use super::{
    Between, Change, Changed, Check, Flags, Gpu, ModelConfig, Report, Side, Topic, Verdict,
    budget::{budget, share},
    cache::Cache,
    checks,
    flags::Length,
    spread::Spread,
    weights::{line, weights},
    work::work,
};
use pilothouse_wire::units::{bytes, count};
use std::cmp::Ordering;

/// A version of a model, and how it is served.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// What its configuration says.
    pub config: &'a ModelConfig,
    /// What its engine is asked for.
    pub flags: &'a Flags,
    /// The bytes of its weights, as its files say.
    pub weights: Option<u64>,
    /// A digest of its chat template.
    pub template: Option<&'a str>,
    /// A digest of its tokenizer.
    pub tokenizer: Option<&'a str>,
}

/// Where it is to run.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The GPU, or why it is not known.
    pub gpu: Result<Gpu, String>,
    /// GPUs of a node.
    pub gpus_a_node: Option<u64>,
}

/// GPUs that are free for one more replica while versions change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Surge {
    /// Nobody asks.
    NotAsked,
    /// So many.
    Free(u64),
    /// Not known, and why.
    Unknown(String),
}

/// Will the candidate fit, and what changes from the version before?
#[must_use]
pub fn preflight(candidate: Version<'_>, was: Option<Version<'_>>, machine: &Machine, surge: &Surge) -> Report {
    let mut side = judge(candidate, machine);
    side.checks.extend(on_surge(side.gpus, surge));
    let before = was.map(|was| (was, judge(was, machine)));
    let changes = before.as_ref().map(|(was, old)| changes((was, old), (&candidate, &side))).unwrap_or_default();
    Report { verdict: side.verdict(), candidate: side, was: before.map(|(_, side)| side), changes }
}

fn on_surge(gpus: u64, surge: &Surge) -> Option<Check> {
    let check = |verdict, why: String| Some(Check::new(Topic::Surge, verdict, why));
    let takes = if gpus == 1 { "1 GPU".to_owned() } else { format!("{} GPUs", count(gpus)) };
    match surge {
        Surge::NotAsked => None,
        Surge::Free(free) if *free >= gpus => {
            check(Verdict::Fits, format!("One more replica takes {takes}, and {free} can be had."))
        }
        Surge::Free(free) => {
            check(Verdict::DoesNot, format!("One more replica takes {takes}, and only {free} can be had."))
        }
        Surge::Unknown(why) => check(Verdict::CannotTell, format!("One more replica takes {takes}; {why}.")),
    }
}

fn judge(version: Version<'_>, machine: &Machine) -> Side {
    let (config, flags) = (version.config, version.flags);
    let spread = Spread::of(flags);
    let context = match flags.length {
        Length::Given(tokens) => Some(tokens),
        Length::OfModel => config.context,
        Length::AsFits => None,
    };
    let mut checks: Vec<Check> = checks::arguments(flags).into_iter().collect();
    checks.push(checks::quantisation(config, flags, &machine.gpu));
    checks.push(checks::parallelism(config, spread));
    checks.push(checks::node(flags, spread, machine.gpus_a_node));
    let mut side = Side {
        engine: flags.engine,
        gpus: spread.gpus(),
        copies: flags.data.max(1),
        sums: Vec::new(),
        context,
        token: None,
        tokens: None,
        sequences: None,
        requests: flags.requests,
        checks,
    };
    let (memory, room) = on_memory(version, spread, machine, &mut side);
    side.checks.push(memory);
    let on_context = on_context(version, spread, room, &mut side);
    side.checks.push(on_context);
    // What decides and is not known decides everything that is reckoned by it.
    if !flags.unreadable.is_empty() {
        let reckoned = |check: &&mut Check| {
            matches!(check.topic, Topic::Parallelism | Topic::Node | Topic::Memory | Topic::Context)
        };
        for check in side.checks.iter_mut().filter(reckoned) {
            check.verdict = Verdict::CannotTell;
            check.why = format!("Not all arguments can be read. Without them: {}", check.why);
        }
    }
    side
}

/// Weights and work against the memory of the GPU, and what is left for the cache.
fn on_memory(version: Version<'_>, spread: Spread, machine: &Machine, side: &mut Side) -> (Check, Option<Between>) {
    let cannot = |why: String| (Check::new(Topic::Memory, Verdict::CannotTell, why), None);
    let weights = match weights(&version, spread, machine.gpu.as_ref().ok()) {
        Ok(weights) => weights,
        Err(missing) => return cannot(format!("The weights: {missing}.")),
    };
    side.sums.extend(weights.lines);
    let gpu = match &machine.gpu {
        Ok(gpu) => gpu,
        Err(why) => return cannot(format!("The GPU: {why}.")),
    };
    let (share, from) = share(version.config, version.flags, spread, gpu);
    let (takes, leaves) = budget(gpu, share);
    let work = work(version.config, version.flags, spread, gpu);
    side.sums.extend(work.lines);
    side.sums.push(line("Memory of the GPU", gpu.memory, format!("what programs see of it; {}", gpu.source), true));
    side.sums.push(line("For the engine", takes, from, false));
    let need = weights.kept.plus(work.inside);
    let room = Between {
        low: need.high.map_or(0, |need| takes.low.saturating_sub(need)),
        high: takes.high.map(|takes| takes.saturating_sub(need.low)),
    };
    side.sums.push(line("Left for the cache", room, "for the engine, less weights and work", false));
    let unbounded =
        side.sums.iter().filter(|line| line.part && line.bytes.high.is_none()).map(|line| line.from.as_str());
    let unbounded = unbounded.collect::<Vec<_>>().join("; ");
    let because = if unbounded.is_empty() { unbounded } else { format!(" ({unbounded})") };
    let parts = [
        (
            Verdict::of_need(need, takes),
            format!("Weights and work take {}{because}, and the engine has {}.", shown(need), shown(takes)),
        ),
        (
            Verdict::of_need(weights.loading, gpu.memory),
            format!("While it is loaded, it takes {} of {}.", shown(weights.loading), shown(gpu.memory)),
        ),
        (
            // What the engine leaves it chooses by itself, unless somebody says.
            if version.flags.share.is_none() { Verdict::Fits } else { Verdict::of_need(work.outside, leaves) },
            format!("Work beside them takes {}, and the engine leaves {}.", shown(work.outside), shown(leaves)),
        ),
    ];
    let verdict = Verdict::of_all(parts.iter().map(|(verdict, _)| *verdict));
    let why = parts.into_iter().find(|(of, _)| *of == verdict).map(|(_, why)| why).unwrap_or_default();
    (Check::new(Topic::Memory, verdict, why), Some(room))
}

/// A sequence of full length against what is left.
fn on_context(version: Version<'_>, spread: Spread, room: Option<Between>, side: &mut Side) -> Check {
    let check = |verdict, why: String| Check::new(Topic::Context, verdict, why);
    let (config, flags) = (version.config, version.flags);
    let cache = match Cache::of(config, flags, spread) {
        Ok(cache) => cache,
        Err(missing) => return check(Verdict::CannotTell, format!("The cache: {missing}.")),
    };
    side.token = Some(cache.token);
    side.sums.push(line("A token in the cache", cache.token, cache.from.clone(), true));
    if cache.window > 0 {
        let from = format!("more, of the last {} tokens at least: layers with a window", count(cache.window));
        side.sums.push(line("A token within a window", cache.in_window, from, true));
    }
    if let (Length::Given(asked), Some(longest), None) = (flags.length, config.context, &flags.overrides)
        && asked > longest
    {
        let why = format!("{} tokens are asked for, and the model takes {}.", count(asked), count(longest));
        return check(Verdict::DoesNot, why);
    }
    let Some(room) = room else {
        return check(Verdict::CannotTell, "Nobody can tell how much is left for the cache.".into());
    };
    let tokens = cache.holds(room);
    side.tokens = Some(tokens);
    let Some(length) = side.context else {
        return match flags.length {
            Length::AsFits if tokens.low > 0 => check(
                Verdict::Fits,
                format!("It takes as long a context as there is memory for: {} tokens at least.", count(tokens.low)),
            ),
            Length::AsFits if tokens.high == Some(0) => {
                check(Verdict::DoesNot, "Nothing is left for the cache.".into())
            }
            _ => check(
                Verdict::CannotTell,
                "Neither an argument nor the configuration says how long the context is, or it may be none.".into(),
            ),
        };
    };
    let need = cache.need(length);
    side.sums.push(line("A sequence of full length", need, format!("{} tokens", count(length)), false));
    side.sequences = Some(Between {
        low: room.low / need.high.unwrap_or(u64::MAX).max(1),
        high: room.high.and_then(|room| room.checked_div(need.low)),
    });
    let why = format!(
        "A sequence of {} tokens takes {}, and {} are left for the cache.",
        count(length),
        shown(need),
        shown(room)
    );
    check(Verdict::of_need(need, room), why)
}

/// Bytes between two bounds.
fn shown(of: Between) -> String {
    of.words(bytes)
}

fn changes((was, old): (&Version<'_>, &Side), (now, new): (&Version<'_>, &Side)) -> Vec<Change> {
    let weights = |side: &Side| side.sums.iter().find(|line| line.what == "Weights").map(|line| line.bytes);
    let number = |n: Between| n.words(count);
    let exactly = |n: Option<u64>| n.map(Between::exactly);
    vec![
        between("GPUs of a replica", exactly(Some(old.gpus)), exactly(Some(new.gpus)), number),
        between("Weights on a GPU", weights(old), weights(new), shown),
        between("A token in the cache", old.token, new.token, shown),
        between("Tokens that the cache holds", old.tokens, new.tokens, number),
        between("Context", exactly(old.context), exactly(new.context), number),
        between("Sequences of full length at once", old.sequences, new.sequences, number),
        named("Chat template", was.template, now.template),
        named("Tokenizer", was.tokenizer, now.tokenizer),
    ]
}

fn between(
    what: &'static str,
    was: Option<Between>,
    now: Option<Between>,
    shown: impl Fn(Between) -> String,
) -> Change {
    let how = match (was, now) {
        (Some(was), Some(now)) if was == now => Changed::Same,
        // Both bounds rest on the same assumptions: where both move, it moved.
        (Some(Between { low, high: Some(high) }), Some(Between { low: to_low, high: Some(to_high) })) => {
            match (to_low.cmp(&low), to_high.cmp(&high)) {
                (Ordering::Greater, Ordering::Greater) => Changed::More,
                (Ordering::Less, Ordering::Less) => Changed::Less,
                _ => Changed::CannotTell,
            }
        }
        _ => Changed::CannotTell,
    };
    Change { what: what.into(), how, was: was.map(&shown), now: now.map(&shown) }
}

fn named(what: &'static str, was: Option<&str>, now: Option<&str>) -> Change {
    let how = match (was, now) {
        (Some(was), Some(now)) if was == now => Changed::Same,
        (Some(_), Some(_)) => Changed::Other,
        _ => Changed::CannotTell,
    };
    Change { what: what.into(), how, was: was.map(str::to_owned), now: now.map(str::to_owned) }
}
