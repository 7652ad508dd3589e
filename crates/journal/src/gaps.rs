//! Times that the record does not tell of, or not once, as they stand in the file.

use crate::schema;
use pilothouse_wire::{
    Stamp,
    record::{Gap, Missing},
};
use rusqlite::{Connection, OptionalExtension, params};

/// Each reason and its word in the file. That nobody recorded yet follows from where the record begins.
const WORDS: [(Missing, &str); 7] = [
    (Missing::Pruned, "pruned"),
    (Missing::NotRunning, "not-running"),
    (Missing::Ended, "ended"),
    (Missing::NotWritten, "not-written"),
    (Missing::Damaged, "damaged"),
    (Missing::Twice, "twice"),
    (Missing::WrongClock, "wrong-clock"),
];

/// The word of a reason in the file.
pub(crate) fn word(why: Missing) -> &'static str {
    WORDS.into_iter().find(|(of, _)| *of == why).map_or("damaged", |(_, word)| word)
}

fn of(word: &str) -> Missing {
    WORDS.into_iter().find(|(_, of)| *of == word).map_or(Missing::Damaged, |(why, _)| why)
}

/// Writes a gap down.
pub(crate) fn note(db: &Connection, since: i64, until: i64, why: Missing, detail: &str) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO gap (since, until, why, detail) VALUES (?1, ?2, ?3, ?4)",
        params![since, until.max(since), word(why), detail],
    )
    .map(drop)
}

/// Writes down until when a gap lasts that goes on.
pub(crate) fn extend(db: &Connection, id: i64, until: i64) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE gap SET until = max(until, ?2) WHERE id = ?1")?.execute([id, until]).map(drop)
}

/// Writes down that the record was pruned up to a time: gaps that end by then are of what is pruned.
pub(crate) fn note_pruned(db: &Connection, since: i64, until: i64) -> rusqlite::Result<()> {
    let text = "SELECT min(since) FROM gap WHERE why = ?1";
    let before: Option<i64> = db.query_row(text, [word(Missing::Pruned)], |row| row.get(0)).optional()?.flatten();
    db.execute("DELETE FROM gap WHERE until <= ?1", [until])?;
    note(db, before.unwrap_or(since).min(since), until, Missing::Pruned, "")
}

/// Until when the newest stretch of the record tells: in one, times never go back. Nothing of an empty record.
pub(crate) fn told_until(db: &Connection) -> rusqlite::Result<Option<i64>> {
    let text = "SELECT at FROM (
        SELECT * FROM (SELECT seq, at FROM batch ORDER BY seq DESC LIMIT 1)
        UNION ALL SELECT * FROM (SELECT last, ended FROM block ORDER BY first DESC LIMIT 1)
        UNION ALL SELECT * FROM (SELECT seq, at FROM checkpoint WHERE hidden = 0 ORDER BY seq DESC LIMIT 1))
        ORDER BY seq DESC, at DESC LIMIT 1";
    db.prepare_cached(text)?.query_row([], |row| row.get(0)).optional()
}

/// Did the last who recorded into it close it?
pub(crate) fn is_closed(db: &Connection) -> rusqlite::Result<bool> {
    Ok(schema::about(db, "running")?.is_none_or(|running| running == "0"))
}

/// The gaps that touch a span, the oldest first.
pub(crate) fn within(db: &Connection, since: i64, until: i64) -> rusqlite::Result<Vec<Gap>> {
    let mut query = db.prepare_cached(
        "SELECT since, until, why, detail FROM gap WHERE until >= ?1 AND since <= ?2 ORDER BY since, id",
    )?;
    let all = query.query_map([since, until], |row| {
        let why = row.get::<_, String>(2)?;
        Ok(Gap { since: Some(Stamp(row.get(0)?)), until: Some(Stamp(row.get(1)?)), why: of(&why), detail: row.get(3)? })
    })?;
    all.collect()
}
