//! The tables, what is in them, and how a journal of an earlier version is brought up to date.

mod upgrade;

pub(crate) use upgrade::CROSSING_MS;

use pilothouse_wire::{Code, Problem};
use pilothouse_world::{FACT_VERSION, earlier::FIRST_WORLDS};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};
use std::path::{Path, PathBuf};

/// Version of the tables. Journals of the first one do not say it.
pub(crate) const SCHEMA: u32 = 2;

/// - `batch`: what was heard since the last seal, a row a batch; `at` never goes back but where a stretch begins. A row
///   without a body marks where one begins. `readings` are those that were taken out of the body.
/// - `block`: batches between two checkpoints that are sealed: packed together, their readings in chunks.
/// - `chunk`, `part`: readings of one source as columns: `level` 0 as they were heard, 1 by minute, 2 by ten minutes;
///   a part for some of the GPUs, its id that of the chunk times [`PARTS`] and its place.
/// - `shape`: which GPUs, in which order, the columns are of.
/// - `checkpoint`: the world after a batch, without readings. `state` are those until the rows behind are sealed. `base`
///   is what it is packed against; a `hidden` one is kept for that alone. Its index has all that a world is found by: in the
///   table that stands behind the body, of which every page would be read.
/// - `stretch`: from this row on the record is another one: a run began, what was before is lost, the clock was set back.
/// - `gap`: a time that is not told of, or not once, and why.
pub(crate) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS batch (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        seen_at INTEGER NOT NULL,
        source TEXT NOT NULL,
        body BLOB NOT NULL,
        at INTEGER NOT NULL DEFAULT 0,
        readings BLOB
    ) STRICT;
    CREATE TABLE IF NOT EXISTS checkpoint (
        seq INTEGER PRIMARY KEY,
        seen_at INTEGER NOT NULL,
        body BLOB NOT NULL,
        at INTEGER NOT NULL DEFAULT 0,
        base INTEGER,
        hidden INTEGER NOT NULL DEFAULT 0,
        state BLOB
    ) STRICT;
    CREATE TABLE IF NOT EXISTS block (
        first INTEGER PRIMARY KEY, last INTEGER NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS chunk (
        id INTEGER PRIMARY KEY,
        source TEXT NOT NULL, shape INTEGER NOT NULL, level INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL,
        head BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS part (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS shape (id INTEGER PRIMARY KEY, print BLOB NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS stretch (first INTEGER PRIMARY KEY, began INTEGER NOT NULL, why TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS gap (
        id INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, why TEXT NOT NULL, detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS checkpoint_place ON checkpoint (hidden, seq, at);
    CREATE INDEX IF NOT EXISTS chunk_place ON chunk (first);
    CREATE INDEX IF NOT EXISTS chunk_source ON chunk (source, first);
";

/// Parts of a chunk at most.
pub(crate) const PARTS: i64 = 1 << 16;

/// Opens the journal's file for writing, making it if it is not there.
pub(crate) fn open(path: &Path) -> Result<Connection, Problem> {
    let mut db = Connection::open(path).map_err(|error| failed(path, "opened", &error))?;
    let set =
        |key: &str, value: &str| db.pragma_update(None, key, value).map_err(|error| failed(path, "opened", &error));
    // Before anything is changed: one of another version is left as it is.
    check(&db, path)?;
    set("journal_mode", "WAL")?;
    set("synchronous", "NORMAL")?;
    set("journal_size_limit", "67108864")?;
    let turn = db.transaction().map_err(|error| failed(path, "written", &error))?;
    upgrade::tables(&turn).map_err(|error| failed(path, "brought up to date", &error))?;
    turn.execute_batch(TABLES).map_err(|error| failed(path, "read", &error))?;
    match about(&turn, "facts").map_err(|error| failed(path, "read", &error))? {
        None => {
            set_about(&turn, "facts", &FACT_VERSION.to_string()).map_err(|error| failed(path, "written", &error))?;
        }
        Some(version) if version.parse() == Ok(FACT_VERSION) => {}
        Some(version) => upgrade::facts(&turn, &version).map_err(|error| failed(path, "brought up to date", &error))?,
    }
    upgrade::stretches(&turn).map_err(|error| failed(path, "brought up to date", &error))?;
    set_about(&turn, "schema", &SCHEMA.to_string()).map_err(|error| failed(path, "written", &error))?;
    turn.commit().map_err(|error| failed(path, "written", &error))?;
    Ok(db)
}

/// Opens a journal's file for reading.
///
/// Readers and a writer agree by files beside it. Where none can be made and none is left, as on a disk that may not be
/// written, nobody writes either: it is read as it is.
pub(crate) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    let looked = db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0));
    let has_log = beside(path, "-wal").exists();
    match looked {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && path.exists() && !has_log => {
            Connection::open_with_flags(as_it_is(path), flags | OpenFlags::SQLITE_OPEN_URI)
        }
        _ => Ok(db),
    }
}

/// The file of SQLite beside another one.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The address by which SQLite takes a file for one that nobody changes.
fn as_it_is(path: &Path) -> PathBuf {
    let text = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{text}?immutable=1").into()
}

/// Can this build read the journal?
pub(crate) fn check(db: &Connection, path: &Path) -> Result<(), Problem> {
    let number = |key| about(db, key).map_err(|error| failed(path, "read", &error));
    match number("schema")? {
        Some(version) if version.parse::<u32>().map_or(true, |version| version > SCHEMA) => {
            return Err(other_version(
                path,
                &format!("Its tables are of version {version}; this build reads {SCHEMA}."),
            ));
        }
        _ => {}
    }
    match number("facts")? {
        Some(version) if version.parse::<u16>().map_or(true, |version| version == 0 || version > FACT_VERSION) => {
            Err(other_version(path, &format!("Its facts are of version {version}; this build reads {FACT_VERSION}.")))
        }
        _ => Ok(()),
    }
}

/// Were its tables brought up to date, and do its worlds read? One of which that is not so can only be read after it was
/// opened for recording.
pub(crate) fn is_current(db: &Connection) -> rusqlite::Result<bool> {
    let facts = about(db, "facts")?.and_then(|version| version.parse::<u16>().ok());
    let is_read = facts.is_some_and(|version| version >= FIRST_WORLDS);
    Ok(is_read && about(db, "schema")?.is_some_and(|version| version.parse() == Ok(SCHEMA)))
}

/// The version of facts by which a world is encoded. Who brings a journal up to date leaves its worlds as they are, and notes
/// up to which place they are whose.
pub(crate) fn of_world(db: &Connection, seq: i64) -> rusqlite::Result<u16> {
    let noted = noted_worlds(db)?.into_iter().find(|(_, last)| seq <= *last).map(|(version, _)| version);
    if let Some(version) = noted {
        return Ok(version);
    }
    Ok(about(db, "facts")?.and_then(|version| version.parse().ok()).unwrap_or(FACT_VERSION))
}

/// Are all worlds of this build?
pub(crate) fn has_own_worlds(db: &Connection) -> rusqlite::Result<bool> {
    Ok(noted_worlds(db)?.is_empty() && of_world(db, i64::MAX)? == FACT_VERSION)
}

/// Versions of facts and the last places of their worlds, the earliest first.
fn noted_worlds(db: &Connection) -> rusqlite::Result<Vec<(u16, i64)>> {
    let noted = about(db, "worlds")?.unwrap_or_default();
    let of = |pair: &str| {
        let (version, last) = pair.split_once(':')?;
        Some((version.parse().ok()?, last.parse().ok()?))
    };
    Ok(noted.split(' ').filter_map(of).collect())
}

/// Notes that all worlds of which nothing is noted are of this version.
pub(crate) fn note_worlds(db: &Connection, version: u16) -> rusqlite::Result<()> {
    let last: i64 = db.query_row("SELECT coalesce(max(seq), 0) FROM checkpoint", [], |row| row.get(0))?;
    let mut all = noted_worlds(db)?;
    all.push((version, last));
    let all: Vec<String> = all.iter().map(|(version, last)| format!("{version}:{last}")).collect();
    set_about(db, "worlds", &all.join(" "))
}

/// What the journal says of itself.
pub(crate) fn about(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    let known: bool = db
        .query_row("SELECT count(*) FROM sqlite_master WHERE name = 'about'", [], |row| row.get::<_, i64>(0))
        .map(|n| n > 0)?;
    if !known {
        return Ok(None);
    }
    db.query_row("SELECT value FROM about WHERE key = ?1", [key], |row| row.get(0)).optional()
}

pub(crate) fn set_about(db: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    db.execute("INSERT OR REPLACE INTO about VALUES (?1, ?2)", [key, value]).map(drop)
}

fn other_version(path: &Path, why: &str) -> Problem {
    Problem::new(Code::BadInput, format!("The journal {} is of another version.", path.display()))
        .why(why)
        .next("Open it with the build that wrote it, or move it away: a new one is begun.")
}

/// A problem with the journal's file.
pub(crate) fn failed(path: &Path, what: &str, error: &rusqlite::Error) -> Problem {
    Problem::new(Code::Internal, format!("The journal {} cannot be {what}.", path.display()))
        .why(format!("{error}."))
        .next("Nothing is recorded until it can. Check the disk's space and rights, or move the file away.")
}
