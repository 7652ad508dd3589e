//! Pruning: the oldest past goes, whole stretches between checkpoints at a time, so that what stays can be sought.

use crate::{chunk, gaps, record::Limits, schema, spells};
use pilothouse_wire::Stamp;
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;

/// The record grows older by no more than this from one checkpoint to the next, which are minutes apart: a clock that jumps
/// ahead for a moment takes nothing with it. One that was away for long catches up within hours. By as much it grows
/// younger: a clock that was behind for a moment leaves nothing that is kept for years.
const OLDER_MS: i64 = 3_600_000;
/// No clock before this is right (October 2025): the program is newer.
const WRITTEN: i64 = 1_760_000_000_000;

/// Drops what is too old or too much at a time, as of which the record is so old ([`aged`]).
pub(crate) fn prune(
    db: &mut Connection,
    limits: Limits,
    (now, aged): (i64, i64),
    in_use: &BTreeSet<i64>,
) -> rusqlite::Result<()> {
    let oldest = Stamp(aged).minus(limits.age).0;
    loop {
        // The second-oldest checkpoint is where the past would begin if the first stretch went. One whose time is still to come
        // was made under a wrong clock, and keeps nothing.
        let is_old = second(db, now)?.filter(|(_, at)| *at < oldest);
        let next = match is_old {
            None if used(db)? > limits.bytes => second(db, i64::MAX)?,
            _ => is_old,
        };
        match next {
            Some((seq, _)) => drop_before(db, seq, in_use)?,
            None => return Ok(()),
        }
    }
}

/// The place and the time of the second checkpoint among those up to a time.
fn second(db: &Connection, until: i64) -> rusqlite::Result<Option<(i64, i64)>> {
    let text = "SELECT seq, at FROM checkpoint WHERE hidden = 0 AND at <= ?1 ORDER BY seq LIMIT 1 OFFSET 1";
    db.query_row(text, [until], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// The time as of which the record is old: what is thinned and what is dropped follows from it.
pub(crate) fn aged(db: &Connection, now: i64) -> rusqlite::Result<i64> {
    let before: Option<i64> = schema::about(db, "aged")?.and_then(|at| at.parse().ok());
    // A record that was begun under such a clock would age by an hour a checkpoint for years.
    let before = before.filter(|before| *before >= WRITTEN);
    let step = |before: i64| now.clamp(before.saturating_sub(OLDER_MS), before.saturating_add(OLDER_MS));
    let aged = before.map_or(now, step);
    schema::set_about(db, "aged", &aged.to_string())?;
    // One that is behind makes nothing old.
    Ok(aged.min(now))
}

/// Bytes of the file that are in use.
pub(crate) fn used(db: &Connection) -> rusqlite::Result<u64> {
    let number = |key| db.query_row(&format!("PRAGMA {key}"), [], |row| row.get::<_, u64>(0));
    Ok((number("page_count")?.saturating_sub(number("freelist_count")?)).saturating_mul(number("page_size")?))
}

/// Drops what stands before a checkpoint, but for lists of GPUs that are in use.
pub(crate) fn drop_before(db: &mut Connection, seq: i64, in_use: &BTreeSet<i64>) -> rusqlite::Result<()> {
    let turn = db.transaction()?;
    let told = spells::span(&turn)?;
    turn.execute("DELETE FROM batch WHERE seq <= ?1", [seq])?;
    turn.execute("DELETE FROM block WHERE last <= ?1", [seq])?;
    let old = turn
        .prepare("SELECT id FROM chunk WHERE last <= ?1 AND first < ?1")?
        .query_map([seq], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    old.into_iter().try_for_each(|id| chunk::delete(&turn, id))?;
    turn.execute(
        "DELETE FROM checkpoint WHERE seq < ?1
         AND seq NOT IN (SELECT base FROM checkpoint WHERE seq >= ?1 AND base IS NOT NULL)",
        [seq],
    )?;
    // Others are packed against these: they stay for that alone.
    turn.execute("UPDATE checkpoint SET hidden = 1, state = NULL WHERE seq < ?1", [seq])?;
    turn.execute("DELETE FROM stretch WHERE first < (SELECT max(first) FROM stretch WHERE first <= ?1)", [seq])?;
    let until: Option<i64> =
        turn.query_row("SELECT at FROM checkpoint WHERE seq = ?1", [seq], |row| row.get(0)).optional()?;
    // Where nothing was told before, nothing is missing.
    if let (Some((since, _)), Some(until)) = (told, until)
        && since.0 < until
    {
        gaps::note_pruned(&turn, since.0, until)?;
    }
    let unused = turn
        .prepare("SELECT id FROM shape WHERE id NOT IN (SELECT shape FROM chunk)")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    for id in unused.iter().filter(|id| !in_use.contains(id)) {
        turn.execute("DELETE FROM shape WHERE id = ?1", [id])?;
    }
    turn.commit()
}
