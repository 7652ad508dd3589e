//! What a wall shows at a time: pure, so that turning and judging are tested without waiting.

use super::scope::Scope;
use pilothouse_wire::{
    ConnectionId, Freshness, ObjectRef, SmolStr, Stamp,
    frame::SourceState,
    sort,
    units::{age, visible},
    view::{Finding, FindingId, Mark, MarkKind, Status},
};
use std::time::Duration;

/// How long each panel and each trouble stays.
pub const TURN: Duration = Duration::from_secs(20);
/// Changes that are told of a trouble.
pub const TOLD: usize = 4;
/// How long before a trouble a change may be to be told.
const BEFORE: Duration = Duration::from_secs(3_600);
/// Sources that the foot has room for.
const SOURCES: usize = 6;
/// The ribbon is asked for this much more at a time, so that it is not asked anew each second.
const REACH_BY: Duration = Duration::from_secs(15 * 60);
/// It reaches back no further.
const FURTHEST: Duration = Duration::from_secs(7 * 86_400);

/// Which of several is shown, and how long it still is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Its place.
    pub at: usize,
    /// The place of the next one; the same if there is only one.
    pub next: usize,
    /// When the next one comes, in whole seconds.
    pub left_s: u64,
}

/// Turns through `of` things since `began`.
#[must_use]
pub fn turn(of: usize, began: Stamp, now: Stamp) -> Turn {
    let (of, passed) = (of.max(1), now.since(began).as_secs());
    let step = passed / TURN.as_secs();
    let at = usize::try_from(step % of as u64).unwrap_or(0);
    Turn { at, next: (at + 1) % of, left_s: TURN.as_secs() - passed % TURN.as_secs() }
}

/// What a wall says first of all, from what it has to say at once to what can wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    /// The door does not know this screen.
    NotLetIn,
    /// Page and engine are of different builds; it is loaded again.
    OtherBuild,
    /// The link is cut: what is shown is of this time, if there is any.
    Cut(Option<Stamp>),
    /// Nothing has come yet.
    Starting,
    /// Something needs a person.
    Trouble,
    /// Nothing is known to be wrong, but not everything is seen: of what was not paused by a person, or of anything.
    Blind,
    /// Nothing is connected, or nothing in scope.
    Nothing,
    /// Nothing needs anybody; what a person paused is said beside.
    Calm,
}

impl Mood {
    /// Is what is shown as old as the mood says, and not now?
    #[must_use]
    pub fn is_old(&self) -> bool {
        matches!(self, Self::NotLetIn | Self::OtherBuild | Self::Cut(_))
    }
}

/// What follows from what was heard while the link is open.
#[must_use]
pub fn mood(heard: bool, sources: &[SourceState], troubles: usize) -> Mood {
    match (heard, troubles) {
        (false, _) => Mood::Starting,
        (true, 1..) => Mood::Trouble,
        (true, 0) if sources.is_empty() => Mood::Nothing,
        (true, 0) if sources.iter().any(is_gone) => Mood::Blind,
        (true, 0) if sources.iter().all(|source| source.freshness == Freshness::Paused) => Mood::Blind,
        (true, 0) if sources.iter().all(|source| source.heard.is_none()) => Mood::Starting,
        (true, 0) if sources.iter().any(is_part) => Mood::Blind,
        (true, 0) => Mood::Calm,
    }
}

/// Since when it is calm, as far as this screen can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calm {
    /// Since when; `None` while it is not.
    pub since: Option<Stamp>,
    /// Did this screen see it become calm? If not, it was so when the screen began to look.
    pub seen: bool,
}

impl Calm {
    /// What is known once the mood is this.
    #[must_use]
    pub fn then(before: Option<&Self>, mood: &Mood, now: Stamp) -> Self {
        match (mood, before) {
            (Mood::Calm, Some(before)) if before.since.is_some() => *before,
            (Mood::Calm, before) => Self { since: Some(now), seen: before.is_some_and(|before| before.seen) },
            // Through a cut link and before the first frame nobody sees anything end.
            (Mood::Trouble | Mood::Blind, _) => Self { since: None, seen: true },
            _ => Self::default(),
        }
    }

    /// As words: `calm for 9 h 41 min`.
    #[must_use]
    pub fn words(self, now: Stamp) -> Option<String> {
        let span = age(now.since(self.since?));
        Some(if self.seen { format!("calm for {span}") } else { format!("calm, seen for {span}") })
    }
}

/// The findings that need a person, the worst first: more GPUs, then the older one.
#[must_use]
pub fn troubles<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<&'a Finding> {
    let mut bad: Vec<_> = findings.into_iter().filter(|finding| finding.status == Status::Bad).collect();
    sort::by_key(&mut bad, |finding| {
        (std::cmp::Reverse(finding.gpus.len()), finding.since.map_or(i64::MAX, |since| since.0))
    });
    bad
}

/// The troubles that a screen turns through, and since when it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Which, the worst first.
    pub ids: Vec<FindingId>,
    /// Since when it is these.
    pub began: Stamp,
}

impl Shown {
    /// What is shown once these are the troubles: the worst one again where they are others than before.
    #[must_use]
    pub fn then(before: Option<&Self>, ids: Vec<FindingId>, now: Stamp) -> Self {
        match before {
            Some(before) if before.ids == ids => before.clone(),
            _ => Self { ids, began: now },
        }
    }
}

/// How far the ribbon must reach back to show what changed before a trouble that began then; `None` where it does not go so far.
#[must_use]
pub fn reach(since: Option<Stamp>, now: Stamp) -> Option<Duration> {
    let ago = since.map_or(Duration::ZERO, |since| now.since(since));
    let span = ago.saturating_add(BEFORE).as_secs().div_ceil(REACH_BY.as_secs()).saturating_mul(REACH_BY.as_secs());
    Some(Duration::from_secs(span)).filter(|span| *span <= FURTHEST)
}

/// The ribbon that tells of that: the one that is watched in any case, or one that goes further.
#[must_use]
pub fn watched(reach: Option<Duration>, in_any_case: Duration) -> Duration {
    reach.unwrap_or_default().max(in_any_case)
}

/// Is a change told to the room? Pods come and go too often to be read from afar, and a note is a person's, also on a wall that is
/// shown in their own window.
#[must_use]
pub fn is_told(mark: &Mark, scope: &[ConnectionId]) -> bool {
    !mark.key.kind.is_tick()
        && mark.key.kind != MarkKind::Bookmark
        && (scope.is_empty() || scope.contains(mark.key.object.connection()))
}

/// What changed before a trouble, in the order of time, of where it is looked for: what touches the same things stays first, then
/// what is near to what is meant, then what matters most; pods that come and go are too many to mean something.
#[must_use]
pub fn before<'a>(marks: impl IntoIterator<Item = &'a Mark>, of: &Finding, scope: &Scope, now: Stamp) -> Vec<&'a Mark> {
    let (begin, end) = hour_before(of, now);
    let told = |mark: &&Mark| {
        is_told(mark, &scope.sources)
            && scope.holds(mark)
            && mark.key.at < end
            && mark.key.at >= begin
            && !is_itself(mark, of)
            // Alerts are signs, as this one is, and would take all the room.
            && !matches!(mark.key.kind, MarkKind::Alert | MarkKind::AlertOver)
    };
    let mut told: Vec<&Mark> = marks.into_iter().filter(told).collect();
    let near = |mark: &Mark| (!touches(mark, of), scope.nearness(&mark.key.object));
    sort::by_key(&mut told, |mark| (near(mark), mark.key.kind, std::cmp::Reverse(mark.key.at)));
    told.truncate(TOLD);
    sort::by_key(&mut told, |mark| mark.key.at);
    told
}

/// The time before a trouble of which changes are told: from when to when.
#[must_use]
pub fn hour_before(of: &Finding, now: Stamp) -> (Stamp, Stamp) {
    let end = of.since.unwrap_or(now);
    (end.minus(BEFORE), end)
}

/// Is it a sign of the trouble, an earlier one perhaps? That is not what it came from.
fn is_itself(mark: &Mark, of: &Finding) -> bool {
    let is_of = match &mark.key.object {
        ObjectRef::Gpu(node, slot) if *node == of.node && of.gpus.contains(slot) => true,
        object => *object == of.id.object,
    };
    is_of && mark.key.kind == MarkKind::Fault
}

fn touches(mark: &Mark, of: &Finding) -> bool {
    match &mark.key.object {
        ObjectRef::Node(node) | ObjectRef::Gpu(node, _) => *node == of.node,
        ObjectRef::Pod(pod) => of.pods.contains(pod),
        ObjectRef::Workload(_, namespace, kind, name) => {
            of.workloads.contains(&SmolStr::new(format!("{kind} {namespace}/{name}")))
        }
        ObjectRef::Connection(_)
        | ObjectRef::Namespace(..)
        | ObjectRef::Other(_)
        | ObjectRef::Alert(_)
        | ObjectRef::Model(_)
        | ObjectRef::Tag(_) => false,
    }
}

fn is_gone(source: &SourceState) -> bool {
    matches!(source.freshness, Freshness::Lost | Freshness::Stale)
}

/// Is it heard, or about to be, and not all of it seen?
fn is_part(source: &SourceState) -> bool {
    matches!(source.freshness, Freshness::Partial | Freshness::Starting)
}

/// A source in the foot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its age, or what is wrong.
    pub words: String,
    /// Its shape and colour.
    pub status: Status,
}

/// The sources as the foot shows them: all in their order where there is room, else the worst first and the rest counted.
#[must_use]
pub fn foot(sources: &[SourceState], linked: bool, now: Stamp) -> (Vec<Source>, Option<String>) {
    let mut order: Vec<_> = sources.iter().collect();
    let room = if order.len() > SOURCES {
        sort::by_key(&mut order, |source| std::cmp::Reverse(source.freshness));
        SOURCES - 1
    } else {
        SOURCES
    };
    let rest = order.len().saturating_sub(room);
    let well = order.iter().skip(room).all(|source| matches!(source.freshness, Freshness::Live | Freshness::Slow));
    let more = (rest > 0).then(|| format!("and {rest} more{}", if well && linked { ", all live" } else { "" }));
    (order.into_iter().take(room).map(|source| one(source, linked, now)).collect(), more)
}

fn one(source: &SourceState, linked: bool, now: Stamp) -> Source {
    let heard = |words: &str| match source.heard {
        Some(heard) => format!("{words}as of {}", heard.clock()),
        None => format!("{words}never read"),
    };
    let age = source.heard.map(|heard| age(now.since(heard)));
    let (status, words) = match (source.freshness, age) {
        (Freshness::Lost, _) => (Status::Bad, heard("lost, ")),
        // Without a link nobody knows how it is now.
        _ if !linked => (Status::Unknown, heard("")),
        (Freshness::Stale, Some(age)) => (Status::Warn, format!("stale {age}")),
        (Freshness::Partial, Some(age)) => (Status::Warn, format!("partial, {age}")),
        (Freshness::Paused, _) => (Status::Unknown, heard("paused, ")),
        (Freshness::Live | Freshness::Slow, Some(age)) => (Status::Good, age),
        (Freshness::Starting, _) | (_, None) => (Status::Progress, "connecting".to_owned()),
    };
    Source { name: visible(&source.name), words, status }
}

/// What is said where the screen is not whole: `ord-prod lost, as of 03:10:36`, and its shape. What a person paused is said last.
#[must_use]
pub fn unseen(sources: &[SourceState], now: Stamp) -> Option<(Status, String)> {
    let is_paused = |source: &SourceState| source.freshness == Freshness::Paused;
    let mut unseen: Vec<_> =
        sources.iter().filter(|source| is_gone(source) || is_part(source) || is_paused(source)).collect();
    sort::by_key(&mut unseen, |source| (is_paused(source), std::cmp::Reverse(source.freshness)));
    let first = one(unseen.first()?, true, now);
    let more = if unseen.len() > 1 { format!(" and {} more", unseen.len() - 1) } else { String::new() };
    Some((first.status, format!("{} {}{more}", first.name, first.words)))
}

/// `Tue 24 Nov`, in UTC.
#[must_use]
pub fn day(at: Stamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let weekday = usize::try_from(at.0.div_euclid(86_400_000).rem_euclid(7)).unwrap_or(0);
    let text = at.to_string();
    let part = |range| text.get(range).and_then(|digits: &str| digits.parse::<usize>().ok()).unwrap_or(1);
    format!("{} {} {}", DAYS[weekday], part(8..10), MONTHS[(part(5..7).max(1) - 1).min(11)])
}

/// A span as a running clock, and what its first number counts: `11:24` minutes, `2:05:09` hours.
#[must_use]
pub fn running(span: Duration) -> (String, &'static str) {
    let s = span.as_secs();
    let (m, h, d) = (s / 60, s / 3_600, s / 86_400);
    match s {
        0..3_600 => (format!("{m}:{:02}", s % 60), if m == 1 { "minute" } else { "minutes" }),
        3_600..86_400 => (format!("{h}:{:02}:{:02}", m % 60, s % 60), if h == 1 { "hour" } else { "hours" }),
        _ => (format!("{d} d {:02} h", h % 24), ""),
    }
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;
