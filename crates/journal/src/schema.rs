//! The tables, and how a batch and a world are written into them.

use pilothouse_wire::{Code, Problem};
use pilothouse_world::{FACT_VERSION, World};
use rusqlite::{Connection, OptionalExtension};
use serde::de::DeserializeOwned;
use std::{io::Read, path::Path};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS batch (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        seen_at INTEGER NOT NULL,
        source TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS batch_time ON batch (seen_at);
    CREATE TABLE IF NOT EXISTS checkpoint (seq INTEGER PRIMARY KEY, seen_at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
";

/// Opens the journal's file for writing, making it if it is not there.
pub(crate) fn open(path: &Path) -> Result<Connection, Problem> {
    let db = Connection::open(path).map_err(|error| failed(path, "opened", &error))?;
    db.pragma_update(None, "journal_mode", "WAL").map_err(|error| failed(path, "opened", &error))?;
    db.pragma_update(None, "synchronous", "NORMAL").map_err(|error| failed(path, "opened", &error))?;
    db.execute_batch(TABLES).map_err(|error| failed(path, "read", &error))?;
    let version: Option<String> = db
        .query_row("SELECT value FROM about WHERE key = 'facts'", [], |row| row.get(0))
        .optional()
        .map_err(|error| failed(path, "read", &error))?;
    match version {
        None => {
            db.execute("INSERT INTO about VALUES ('facts', ?1)", [FACT_VERSION.to_string()])
                .map_err(|error| failed(path, "written", &error))?;
        }
        Some(version) if version.parse() == Ok(FACT_VERSION) => {}
        Some(version) if matches!(version.as_str(), "1" | "2" | "3") => {
            upgrade(&db).map_err(|error| failed(path, "brought up to date", &error))?
        }
        Some(version) => return Err(other_version(path, &version)),
    }
    Ok(db)
}

/// Facts of versions 1 to 3 read as those of later ones, which only added kinds of fact. Their worlds do not: but an
/// empty one, with which each run begins, is the same in all, and the others are folded again from there.
fn upgrade(db: &Connection) -> rusqlite::Result<()> {
    let turn = db.unchecked_transaction()?;
    let mut query = turn.prepare("SELECT seq, body FROM checkpoint")?;
    let all = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(i64, Vec<u8>)>>>()?;
    drop(query);
    for (seq, _) in all.iter().filter(|(_, body)| unpack::<World>(body) != Some(World::default())) {
        turn.execute("DELETE FROM checkpoint WHERE seq = ?1", [seq])?;
    }
    // What lies before the first empty world continues one that can no longer be read.
    turn.execute("DELETE FROM batch WHERE seq <= coalesce((SELECT min(seq) FROM checkpoint), seq)", [])?;
    turn.execute("UPDATE about SET value = ?1 WHERE key = 'facts'", [FACT_VERSION.to_string()])?;
    turn.commit()
}

fn other_version(path: &Path, version: &str) -> Problem {
    Problem::new(Code::BadInput, format!("The journal {} is of another version.", path.display()))
        .why(format!("Its facts are of version {version}; this build reads version {FACT_VERSION}."))
        .next("Open it with the build that wrote it, or move it away: a new one is begun.")
}

/// A problem with the journal's file.
pub(crate) fn failed(path: &Path, what: &str, error: &rusqlite::Error) -> Problem {
    Problem::new(Code::Internal, format!("The journal {} cannot be {what}.", path.display()))
        .why(format!("{error}."))
        .next("Nothing is recorded until it can. Check the disk's space and rights, or move the file away.")
}

/// The largest thing that unpacks: a packed bomb is refused, not inflated.
const MOST_BYTES: u64 = 1 << 30;

/// Unpacks and decodes a value; `None` for bytes that are none.
pub(crate) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut plain = Vec::new();
    zstd::Decoder::new(bytes).ok()?.take(MOST_BYTES).read_to_end(&mut plain).ok()?;
    postcard::from_bytes(&plain).ok()
}
