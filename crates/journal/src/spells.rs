//! The record as the clock told it. Places follow each other as things were heard; times do so within a spell alone: between
//! two the clock may have been set back, or have jumped ahead for a while, or behind, and nobody can tell at once which
//! of the two was wrong. Each spell keeps the times that it told, and a time is looked for where it was told last.

use crate::{gaps::word, schema::CROSSING_MS, walk::Blocks};
use pilothouse_wire::{
    Stamp,
    record::{Gap, Missing},
};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

/// What is heard so much later than what was heard before it begins a spell: the machine slept, nothing was said, or the
/// clock jumped ahead. What was told last before it is not stretched over that time.
pub(crate) const JUMP_MS: i64 = 600_000;
/// Where the clock is set back to a time that was told already, the last thing heard before that time is this old at most;
/// otherwise that time was not told, but jumped over.
pub(crate) const TOLD_MS: i64 = 60_000;

/// Places of the record whose times never go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spell {
    /// Its first place.
    pub first: i64,
    /// The first place of the one behind it, or no place at all.
    pub next: i64,
    /// When it begins.
    pub began: i64,
    /// When the last thing in it was heard.
    pub ended: i64,
}

impl Spell {
    fn tells_of(&self, t: i64) -> bool {
        self.began <= t && t <= self.ended
    }
}

/// The one number that a query answers, if any.
fn one(db: &Connection, text: &str, of: &[i64]) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached(text)?.query_row(params_from_iter(of), |row| row.get(0)).optional().map(Option::flatten)
}

fn spell(db: &Connection, first: i64, began: i64, next: i64) -> rusqlite::Result<Spell> {
    let ends = [
        "SELECT at FROM batch WHERE seq >= ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1",
        "SELECT ended FROM block WHERE first >= ?1 AND first < ?2 ORDER BY first DESC LIMIT 1",
        "SELECT at FROM checkpoint WHERE seq >= ?1 AND seq < ?2 AND hidden = 0 ORDER BY seq DESC LIMIT 1",
    ];
    let mut ended = began;
    for text in ends {
        ended = ended.max(one(db, text, &[first, next])?.unwrap_or(began));
    }
    Ok(Spell { first, next, began, ended })
}

/// All of them, by place.
pub(crate) fn all(db: &Connection) -> rusqlite::Result<Vec<Spell>> {
    let mut query = db.prepare_cached("SELECT first, began FROM stretch ORDER BY first")?;
    let begins = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let begins: Vec<(i64, i64)> = begins.collect::<rusqlite::Result<_>>()?;
    let nexts = begins.iter().skip(1).map(|(first, _)| *first).chain([i64::MAX]);
    begins.iter().zip(nexts).map(|((first, began), next)| spell(db, *first, *began, next)).collect()
}

/// The spell in which a time is looked for: the last that told of it; where none did, that which was told last before it.
pub(crate) fn of(db: &Connection, t: Stamp) -> rusqlite::Result<Option<Spell>> {
    let newest = "SELECT first, began FROM stretch WHERE began <= ?1 ORDER BY first DESC LIMIT 1";
    let newest = db.prepare_cached(newest)?.query_row([t.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((first, began)) = newest else { return Ok(None) };
    let next = one(db, "SELECT min(first) FROM stretch WHERE first > ?1", &[first])?.unwrap_or(i64::MAX);
    let newest = spell(db, first, began, next)?;
    // The last one goes on: what is heard next is in it.
    if next == i64::MAX || t.0 <= newest.ended {
        return Ok(Some(newest));
    }
    Ok(choose(&all(db)?, t.0, i64::MAX).copied())
}

/// Of spells, by place, the one in which a time is looked for. The last one is good for so long.
fn choose(all: &[Spell], t: i64, last: i64) -> Option<&Spell> {
    // Which, and whether it tells of the time, or is just what was told last.
    let mut chosen: Option<(&Spell, bool)> = None;
    let mut farthest = i64::MIN;
    for (place, spell) in all.iter().enumerate() {
        // A time that came twice is the later one's, up to where that goes on; but one that came back to where the record
        // had been already was of a wrong clock, and tells of its own times alone.
        let reach = match all.get(place + 1) {
            None => spell.ended.max(last),
            Some(next) if next.began >= spell.ended && next.began < farthest => next.began,
            Some(_) => spell.ended,
        };
        farthest = farthest.max(spell.ended);
        if spell.began > t {
            continue;
        }
        let tells = t <= reach;
        if tells || chosen.is_none_or(|(other, tells)| !tells && spell.ended >= other.ended) {
            chosen = Some((spell, tells));
        }
    }
    chosen.map(|(spell, _)| spell)
}

/// When the last thing up to a time was heard, wherever that is told.
pub(crate) fn told_by(db: &Connection, t: i64) -> rusqlite::Result<Option<i64>> {
    told_in(db, &all(db)?, t)
}

fn told_in(db: &Connection, all: &[Spell], t: i64) -> rusqlite::Result<Option<i64>> {
    let Some(spell) = choose(all, t, i64::MIN) else { return Ok(None) };
    let found = last_by(db, *spell, Stamp(t), &mut Blocks::default())?;
    Ok(found.map(|(_, at)| at.min(t)))
}

/// Takes out of gaps in which nothing ran what a spell tells of, or another gap says why: they were noted by a clock that may
/// have been wrong, up to a time that was not that of their end.
pub(crate) fn untold(db: &Connection, gaps: Vec<Gap>) -> rusqlite::Result<Vec<Gap>> {
    let text = "SELECT EXISTS (SELECT 1 FROM gap JOIN stretch ON began > since AND began < until
        WHERE gap.why IN (?1, ?2))";
    let words = [Missing::NotRunning, Missing::Ended].map(word);
    if !db.prepare_cached(text)?.query_row(words, |row| row.get::<_, bool>(0))? {
        return Ok(gaps);
    }
    let all = all(db)?;
    // The last one goes on: what is heard next is in it.
    let told = all.iter().map(|spell| (spell.began, if spell.next == i64::MAX { i64::MAX } else { spell.ended }));
    let said = gaps.iter().filter(|gap| gap.why == Missing::WrongClock);
    let said = said.filter_map(|gap| Some((gap.since?.0, gap.until?.0)));
    let covered: Vec<(i64, i64)> = told.chain(said).collect();
    Ok(gaps.iter().flat_map(|gap| left_of(gap, &covered)).collect())
}

/// What is left of a gap in which nothing ran; all of another one.
fn left_of(gap: &Gap, covered: &[(i64, i64)]) -> Vec<Gap> {
    let (Missing::NotRunning | Missing::Ended, Some(since), Some(until)) = (gap.why, gap.since, gap.until) else {
        return vec![gap.clone()];
    };
    let mut left = vec![(since.0, until.0)];
    for (began, ended) in covered {
        let around = |(since, until): (i64, i64)| [(since, until.min(*began)), (since.max(*ended), until)];
        left = left.into_iter().flat_map(around).filter(|(since, until)| since < until).collect();
        left.dedup();
    }
    left.into_iter()
        .map(|(since, until)| Gap { since: Some(Stamp(since)), until: Some(Stamp(until)), ..gap.clone() })
        .collect()
}

/// Does anything tell of a time?
pub(crate) fn is_told(db: &Connection, t: i64) -> rusqlite::Result<bool> {
    Ok(all(db)?.iter().any(|spell| spell.tells_of(t)))
}

/// The last place of a spell that was heard by a time, and when that was.
pub(crate) fn last_by(
    db: &Connection,
    Spell { first, next, .. }: Spell,
    t: Stamp,
    blocks: &mut Blocks,
) -> rusqlite::Result<Option<(i64, i64)>> {
    let pair = |text: &str| -> rusqlite::Result<Option<(i64, i64)>> {
        db.prepare_cached(text)?.query_row([first, next, t.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    };
    let row = pair("SELECT seq, at FROM batch WHERE seq >= ?1 AND seq < ?2 AND at <= ?3 ORDER BY seq DESC LIMIT 1")?;
    let world = pair(WORLD_BY)?;
    let block = db
        .prepare_cached(
            "SELECT first, last, ended FROM block WHERE first >= ?1 AND first < ?2 AND began <= ?3 ORDER BY first DESC LIMIT 1",
        )?
        .query_row([first, next, t.0], |row| {
            let (first, last, ended): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if ended <= t.0 {
                return Ok(Some((last, ended)));
            }
            // A damaged one is found by whoever walks over it: the place is at its end.
            let Some(block) = blocks.get(db, first)? else { return Ok(Some((last, ended))) };
            Ok(block.iter().rev().find(|stored| stored.at <= t).map(|stored| (stored.seq, stored.at.0)))
        })
        .optional()?
        .flatten();
    Ok(row.max(world).max(block))
}

/// The last world of a spell that was kept by a time. It is found by an index alone: a world is megabytes.
pub(crate) const WORLD_BY: &str =
    "SELECT seq, at FROM checkpoint WHERE seq >= ?1 AND seq < ?2 AND at <= ?3 AND hidden = 0 ORDER BY seq DESC LIMIT 1";

/// What follows for the record where the clock was set back, or where a run begins before the record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetBack {
    /// When the last thing up to now was heard.
    pub before: Option<i64>,
    /// Since when nothing tells of the time up to now, if so: the clock was ahead meanwhile.
    pub untold_since: Option<i64>,
    /// From when to when times come that were told already, if any do.
    pub twice: Option<(i64, i64)>,
}

/// Looks at the record for a clock that is now at a time.
pub(crate) fn set_back(db: &Connection, now: i64) -> rusqlite::Result<SetBack> {
    let all = all(db)?;
    let before = told_in(db, &all, now)?;
    let is_told = all.iter().any(|spell| spell.tells_of(now));
    let most = if is_told { TOLD_MS } else { CROSSING_MS };
    let untold_since = before.filter(|before| now.saturating_sub(*before) > most);
    let since =
        if is_told { Some(now) } else { all.iter().map(|spell| spell.began).filter(|began| *began > now).min() };
    let until = all.iter().map(|spell| spell.ended).filter(|ended| *ended > now).max();
    Ok(SetBack { before, untold_since, twice: since.zip(until) })
}

/// The times at which the record begins and ends: what was told last is its end, and what was told first its begin, unless
/// that was of a clock which was ahead of it. That a run began is nothing that was heard.
pub(crate) fn span(db: &Connection) -> rusqlite::Result<Option<(Stamp, Stamp)>> {
    let at = |text: &str, of: &[i64]| -> rusqlite::Result<Option<(i64, i64)>> {
        db.prepare_cached(text)?.query_row(params_from_iter(of), |row| Ok((row.get(0)?, row.get(1)?))).optional()
    };
    let row = at("SELECT seq, at FROM batch WHERE length(body) > 0 ORDER BY seq DESC LIMIT 1", &[])?;
    let block = at("SELECT last, ended FROM block ORDER BY first DESC LIMIT 1", &[])?;
    let Some((_, last)) = row.max(block) else { return Ok(None) };
    let begins = one(db, "SELECT first FROM stretch WHERE began <= ?1 ORDER BY first LIMIT 1", &[last])?.unwrap_or(0);
    let row = at("SELECT seq, at FROM batch WHERE seq >= ?1 AND length(body) > 0 ORDER BY seq LIMIT 1", &[begins])?;
    let block = at("SELECT first, began FROM block WHERE first >= ?1 ORDER BY first LIMIT 1", &[begins])?;
    let first = row.into_iter().chain(block).min().map_or(last, |(_, at)| at.min(last));
    Ok(Some((Stamp(first), Stamp(last))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spells(all: &[(i64, i64)]) -> Vec<Spell> {
        let spell = |(place, (began, ended)): (usize, &(i64, i64))| {
            let first = place as i64 * 100;
            Spell { first, next: first + 100, began: *began, ended: *ended }
        };
        all.iter().enumerate().map(spell).collect()
    }

    #[test]
    fn a_time_is_looked_for_where_it_was_told_last_and_else_where_something_was_told_before_it() {
        /// What it is about, when its spells begin and end, and in which of them a time is looked for.
        type Row = (&'static str, &'static [(i64, i64)], &'static [(i64, Option<usize>)]);
        let table: [Row; 7] = [
            (
                "runs, one after the other",
                &[(10, 20), (30, 40)],
                &[(9, None), (10, Some(0)), (25, Some(0)), (30, Some(1)), (99, Some(1))],
            ),
            ("set back", &[(10, 60), (40, 50)], &[(39, Some(0)), (40, Some(1)), (50, Some(1)), (55, Some(1))]),
            (
                "set back, and a pause in what came twice",
                &[(10, 60), (40, 45), (50, 90)],
                &[(30, Some(0)), (44, Some(1)), (47, Some(1)), (50, Some(2)), (70, Some(2))],
            ),
            (
                "ahead for a moment",
                &[(10, 20), (9_000, 9_010), (25, 40)],
                &[(20, Some(0)), (22, Some(0)), (25, Some(2)), (99, Some(2)), (9_005, Some(2))],
            ),
            (
                "ahead twice",
                &[(10, 20), (9_000, 9_010), (25, 40), (9_050, 9_060), (45, 60)],
                &[(15, Some(0)), (22, Some(0)), (30, Some(2)), (42, Some(2)), (50, Some(4)), (70, Some(4))],
            ),
            (
                "far behind for a moment",
                &[(1_000, 2_000), (3, 8), (2_010, 2_020)],
                &[(2, None), (5, Some(1)), (1_500, Some(0)), (2_005, Some(0)), (2_010, Some(2)), (3_000, Some(2))],
            ),
            (
                "behind for a moment, within the record",
                &[(1_000, 2_000), (1_400, 1_405), (2_010, 2_020)],
                &[(1_200, Some(0)), (1_402, Some(1)), (1_600, Some(0)), (2_005, Some(0)), (2_015, Some(2))],
            ),
        ];
        for (what, all, wanted) in table {
            let all = spells(all);
            for (t, want) in wanted {
                let chosen = choose(&all, *t, i64::MAX).map(|spell| spell.first as usize / 100);
                assert_eq!(chosen, *want, "{what}: {t}");
            }
        }
    }
}
