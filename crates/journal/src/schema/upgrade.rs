//! Journals of earlier versions: new columns, worlds that no longer read, and where each run began.

use crate::{body, gaps};
use pilothouse_wire::record::Missing;
use pilothouse_world::{FACT_VERSION, World, earlier::FIRST_WORLDS};
use rusqlite::{Connection, OptionalExtension, params};

/// A clock that goes back by more than this was set back. By less, two sources crossed on their way here.
pub(crate) const CROSSING_MS: i64 = 5_000;

/// Adds the columns that the first schema does not have.
pub(super) fn tables(db: &Connection) -> rusqlite::Result<()> {
    let old: bool =
        db.query_row("SELECT (SELECT count(*) FROM pragma_table_info('batch')) = 4", [], |row| row.get(0))?;
    if !old {
        return Ok(());
    }
    db.execute_batch(
        "ALTER TABLE batch ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE batch ADD COLUMN readings BLOB;
         ALTER TABLE checkpoint ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE checkpoint ADD COLUMN base INTEGER;
         ALTER TABLE checkpoint ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE checkpoint ADD COLUMN state BLOB;
         DROP INDEX IF EXISTS batch_time;
         UPDATE batch SET at = seen_at;
         UPDATE checkpoint SET at = seen_at;",
    )
}

/// Facts of earlier versions read as those of later ones, which only added kinds of fact. Their worlds do where it is known
/// whose they are ([`super::of_world`]). The oldest ones do not: those are folded again, from the empty one with which each run
/// begins.
pub(super) fn facts(db: &Connection, version: &str) -> rusqlite::Result<()> {
    let version = version.parse::<u16>().unwrap_or_default();
    if version >= FIRST_WORLDS {
        super::note_worlds(db, version)?;
    } else {
        let with_stretches: bool = db.query_row("SELECT EXISTS (SELECT 1 FROM stretch)", [], |row| row.get(0))?;
        if with_stretches { forget_worlds(db)? } else { forget_worlds_of_first(db)? }
    }
    super::set_about(db, "facts", &FACT_VERSION.to_string())
}

/// Of the first schema: its empty worlds say where runs begin.
fn forget_worlds_of_first(db: &Connection) -> rusqlite::Result<()> {
    for (seq, is_empty) in checkpoints(db)? {
        if !is_empty {
            db.execute("DELETE FROM checkpoint WHERE seq = ?1", [seq])?;
        }
    }
    // What lies before the first empty world continues one that can no longer be read.
    db.execute("DELETE FROM batch WHERE seq <= coalesce((SELECT min(seq) FROM checkpoint), seq)", []).map(drop)
}

/// Of later ones: where no run begins, up to the next one that does, nothing can be folded again, and that is a gap.
fn forget_worlds(db: &Connection) -> rusqlite::Result<()> {
    db.execute("DELETE FROM checkpoint", [])?;
    let mut query = db.prepare("SELECT first, began, why FROM stretch WHERE why <> 'clock' ORDER BY first")?;
    let hard = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let hard: Vec<(i64, i64, String)> = hard.collect::<rusqlite::Result<_>>()?;
    // Of the oldest one the beginning may be pruned.
    let earliest = "SELECT min(seq) FROM (
        SELECT first AS seq FROM block UNION ALL SELECT seq FROM batch WHERE length(body) > 0)";
    let earliest: Option<i64> = db.query_row(earliest, [], |row| row.get(0))?;
    let ends = "SELECT max(at) FROM (SELECT max(at) AS at FROM batch UNION ALL SELECT max(ended) FROM block)";
    let ends: Option<i64> = db.query_row(ends, [], |row| row.get(0))?;
    for (place, (first, began, why)) in hard.iter().enumerate() {
        let is_cut = place == 0 && earliest.is_some_and(|earliest| earliest > first + 1);
        if why == "run" && !is_cut {
            continue;
        }
        let until = hard.get(place + 1).map(|next| next.1).or(ends.map(|ends| ends.saturating_add(1)));
        let detail = "its worlds are of an earlier version of Pilothouse";
        gaps::note(db, *began, until.unwrap_or(*began), Missing::Damaged, detail)?;
    }
    Ok(())
}

/// Finds where each run of the first schema began, and where its clock was set back.
pub(super) fn stretches(db: &Connection) -> rusqlite::Result<()> {
    let known: i64 = db.query_row("SELECT count(*) FROM stretch", [], |row| row.get(0))?;
    let first: Option<(i64, i64)> = db
        .query_row("SELECT seq, at FROM batch ORDER BY seq LIMIT 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((first, began)) = first.filter(|_| known == 0) else { return Ok(()) };
    let begin = |first: i64, began: i64, why: &str| {
        db.execute("INSERT OR IGNORE INTO stretch VALUES (?1, ?2, ?3)", params![first, began, why])
    };
    let at = |seq: i64| db.query_row("SELECT at FROM checkpoint WHERE seq = ?1", [seq], |row| row.get::<_, i64>(0));
    let worlds = checkpoints(db)?;
    match worlds.first() {
        // What was pruned away before it is in this world.
        Some((seq, false)) if *seq < first => drop(begin(*seq, at(*seq)?, "clock")?),
        Some((seq, true)) if *seq < first => {}
        _ => drop(begin(first, began, "run")?),
    }
    for (seq, _) in worlds.iter().filter(|(_, is_empty)| *is_empty) {
        // A run begins behind its empty world: what has the same place is the end of the run before.
        begin(seq + 1, at(*seq)?, "run")?;
        db.execute("DELETE FROM checkpoint WHERE seq = ?1", [seq])?;
    }
    let mut rows = db.prepare("SELECT seq, at FROM batch ORDER BY seq")?;
    let mut rows = rows.query([])?;
    let mut last = i64::MIN;
    while let Some(row) = rows.next()? {
        let (seq, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        if at >= last {
            last = at;
        } else if last.saturating_sub(at) <= CROSSING_MS {
            db.execute("UPDATE batch SET at = ?2 WHERE seq = ?1", [seq, last])?;
        } else {
            begin(seq, at, "clock")?;
            last = at;
        }
    }
    Ok(())
}

/// The places of all worlds that are kept, in order, and which of them are empty. One that does not read is not.
fn checkpoints(db: &Connection) -> rusqlite::Result<Vec<(i64, bool)>> {
    let mut query = db.prepare("SELECT seq, body FROM checkpoint WHERE base IS NULL ORDER BY seq")?;
    let all = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    all.map(|row| row.map(|(seq, body)| (seq, body::decode::<World>(&body) == Some(World::default())))).collect()
}
