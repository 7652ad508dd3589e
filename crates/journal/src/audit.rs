//! The audit book: what was done, by whom, where and when, in a chain that shows what was altered or taken away.
//!
//! Each entry's hash is over the one before, its place and its text. A head (a place and its hash) is signed with a key that
//! is kept elsewhere, and the newest head is kept there, too: without the key nobody can write a book that fits, and a book
//! that ends before that head was cut.

#[cfg(test)]
mod tests;

use crate::schema::failed;
use hmac::{Hmac, Mac};
use pilothouse_actions::{Entry, What};
use pilothouse_wire::{Code, Problem};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The version of the file.
const VERSION: i64 = 1;
/// How long another process may take to write an entry.
const PATIENCE: Duration = Duration::from_secs(10);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, text TEXT NOT NULL, hash BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS head (seq INTEGER PRIMARY KEY, sign BLOB NOT NULL) STRICT;
";

/// The audit book of an installation. Every call opens the file: several processes write into it, one after the other.
#[derive(Clone, Debug)]
pub struct Book {
    path: PathBuf,
}

/// A place of the book, and the hash of everything up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The place, from 1.
    pub seq: u64,
    /// The hash.
    pub hash: [u8; 32],
}

/// An entry at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Its place, from 1.
    pub seq: u64,
    /// What stands there.
    pub entry: Entry,
}

/// What a check of the book found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries in it.
    pub entries: u64,
    /// Up to which of them it is signed, by the key that was given.
    pub signed: u64,
    /// What is wrong, each as a sentence.
    pub wrong: Vec<String>,
}

/// By which heads are signed.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new one; nothing where the system gives no chance.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        rand::TryRngCore::try_fill_bytes(&mut rand::rngs::OsRng, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Its bytes: for whoever keeps it.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    fn sign(&self, head: Head) -> Option<Vec<u8>> {
        Some(self.mac(head)?.finalize().into_bytes().to_vec())
    }

    fn fits(&self, head: Head, sign: &[u8]) -> bool {
        self.mac(head).is_some_and(|mac| mac.verify_slice(sign).is_ok())
    }

    fn mac(&self, head: Head) -> Option<Hmac<Sha256>> {
        // A key of any length is taken.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(&head.seq.to_le_bytes());
        mac.update(&head.hash);
        Some(mac)
    }
}

impl Book {
    /// The book at `path`, which need not be there yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes an entry down, for good before this answers. Answers its place. Blocks.
    ///
    /// # Errors
    /// If it cannot be written: then nothing may be done.
    pub fn append(&self, entry: &Entry) -> Result<Head, Problem> {
        let text = encoded(entry)?;
        self.written(|db| {
            let turn = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let head = put(&turn, &text)?;
            turn.commit()?;
            Ok(head)
        })
    }

    /// As [`Book::append`], of what `make` makes of the newest entries, the newest first, of which it is given `tail`: where it makes
    /// nothing, nothing is written. No other process writes in between. Blocks.
    ///
    /// # Errors
    /// As [`Book::append`].
    pub fn append_behind(
        &self,
        tail: u64,
        make: impl FnOnce(&[Entry]) -> Option<Entry>,
    ) -> Result<Option<Head>, Problem> {
        let written = self.written(|db| {
            let turn = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let newest: Vec<String> = {
                let mut query = turn.prepare("SELECT text FROM entry ORDER BY seq DESC LIMIT ?1")?;
                query.query_map([signed(tail)], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
            };
            // One that does not read says nothing.
            let newest: Vec<Entry> = newest.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
            let text = match make(&newest).map(|entry| encoded(&entry)) {
                None => return Ok(Ok(None)),
                Some(Err(problem)) => return Ok(Err(problem)),
                Some(Ok(text)) => text,
            };
            let head = put(&turn, &text)?;
            turn.commit()?;
            Ok(Ok(Some(head)))
        });
        written?
    }

    /// Signs the newest head, and answers it. `kept` is the head that was signed last: a book that does not hold it any more
    /// was cut or written anew, and is not signed, since that would hide it. Blocks.
    ///
    /// # Errors
    /// If it cannot be written, or is not the book that was signed last.
    pub fn sign(&self, key: &Key, kept: Option<Head>) -> Result<Option<Head>, Problem> {
        let signed_on = self.written(|db| {
            let turn = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if let Some(kept) = kept
                && hash_at(&turn, kept.seq)?.as_deref() != Some(kept.hash.as_slice())
            {
                return Ok(Err(kept));
            }
            let Some(head) = newest(&turn)? else { return Ok(Ok(None)) };
            let sign = key.sign(head).unwrap_or_default();
            turn.execute("INSERT OR REPLACE INTO head (seq, sign) VALUES (?1, ?2)", params![signed(head.seq), sign])?;
            turn.commit()?;
            Ok(Ok(Some(head)))
        })?;
        signed_on.map_err(|kept| {
            let what = format!("{} is not the book that was signed up to entry {}.", self.path.display(), kept.seq);
            Problem::new(Code::BadInput, what)
                .why("That entry is gone, or is another one.")
                .next("pilothouse audit verify says what is wrong with it.")
        })
    }

    /// The newest entries, at most so many, in order. Blocks.
    ///
    /// # Errors
    /// If the book cannot be read, or an entry in it.
    pub fn newest(&self, most: u64) -> Result<Vec<Noted>, Problem> {
        let Some(db) = self.opened()? else { return Ok(Vec::new()) };
        let read = || -> rusqlite::Result<Vec<(i64, String)>> {
            let mut query = db.prepare("SELECT seq, text FROM entry ORDER BY seq DESC LIMIT ?1")?;
            query.query_map([signed(most)], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let rows = read().map_err(|error| self.failed("read", &error))?;
        rows.into_iter().rev().map(|row| self.noted(row)).collect()
    }

    /// The actions that were confirmed and are not over, by what the whole book says: each with its place. Blocks.
    ///
    /// # Errors
    /// As [`Book::newest`].
    pub fn unfinished(&self) -> Result<Vec<Noted>, Problem> {
        let mut open = std::collections::BTreeMap::new();
        let Some(db) = self.opened()? else { return Ok(Vec::new()) };
        // Only these are read as entries: there may be very many others.
        let chosen =
            "SELECT seq, text FROM entry WHERE instr(text, '\"confirmed\"') OR instr(text, '\"ended\"') ORDER BY seq";
        let mut query = db.prepare(chosen).map_err(|error| self.failed("read", &error))?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        for row in rows.map_err(|error| self.failed("read", &error))? {
            let noted = self.noted(row.map_err(|error| self.failed("read", &error))?)?;
            match (&noted.entry.what, noted.entry.action) {
                (What::Confirmed { .. }, _) => drop(open.insert(noted.seq, noted)),
                (What::Ended { .. }, Some(action)) => drop(open.remove(&action)),
                _ => {}
            }
        }
        Ok(open.into_values().collect())
    }

    fn noted(&self, (seq, text): (i64, String)) -> Result<Noted, Problem> {
        let seq = u64::try_from(seq).unwrap_or(0);
        let entry = serde_json::from_str(&text).map_err(|error| {
            Problem::new(Code::BadInput, format!("Entry {seq} of {} does not read.", self.path.display()))
                .why(format!("{error}."))
                .next("pilothouse audit verify says what else is wrong with it.")
        })?;
        Ok(Noted { seq, entry })
    }

    /// Reads all of it. `key` signs its heads, and `kept` is the newest head that was kept elsewhere. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn verify(&self, key: Option<&Key>, kept: Option<Head>) -> Result<Checked, Problem> {
        let mut checked = Checked::default();
        if let Some(db) = self.opened()? {
            check(&db, key, &mut checked, kept).map_err(|error| self.failed("read", &error))?;
        }
        if let Some(kept) = kept.filter(|kept| kept.seq > checked.entries) {
            checked.wrong.push(match checked.entries {
                0 => format!("The book is gone: it had {} entries.", kept.seq),
                entries => format!("It was cut: entries {} to {} are gone.", entries + 1, kept.seq),
            });
        }
        Ok(checked)
    }

    fn written<T>(&self, write: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Problem> {
        let failed = |error: &rusqlite::Error| self.failed("written", error);
        if let Some(folder) = self.path.parent() {
            crate::record::make_folder(folder).map_err(|error| {
                Problem::new(Code::Internal, format!("The folder {} cannot be made.", folder.display()))
                    .why(format!("{error}."))
            })?;
        }
        // A file that SQLite makes is for everybody: it is made before.
        let mut options = std::fs::OpenOptions::new();
        let made = crate::record::own_only(options.read(true).append(true).create(true)).open(&self.path);
        made.map_err(|error| {
            Problem::new(Code::Internal, format!("The audit book {} cannot be written.", self.path.display()))
                .why(format!("{error}."))
                .next("Nothing is done that cannot be written down.")
        })?;
        let mut db = Connection::open(&self.path).map_err(|error| failed(&error))?;
        self.set_up(&db).map_err(|error| failed(&error))?;
        self.check_version(&db)?;
        write(&mut db).map_err(|error| failed(&error))
    }

    fn set_up(&self, db: &Connection) -> rusqlite::Result<()> {
        db.busy_timeout(PATIENCE)?;
        // Not in WAL: to change a file to it fails at once where another process has it open, and does not wait.
        // An entry is on the disk before anything is sent.
        db.pragma_update(None, "synchronous", "FULL")?;
        if version(db)? == 0 {
            // In one turn: whoever reads meanwhile sees a book that was not begun, or one that is.
            db.execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"))?;
        }
        Ok(())
    }

    /// Opened to be read; nothing where no entry was ever begun.
    fn opened(&self) -> Result<Option<Connection>, Problem> {
        if !self.path.is_file() {
            return Ok(None);
        }
        let db = Connection::open_with_flags(&self.path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)
            .or_else(|_| Connection::open_with_flags(&self.path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY))
            .and_then(|db| db.busy_timeout(PATIENCE).map(|()| db))
            .map_err(|error| self.failed("read", &error))?;
        let begun = self.check_version(&db)? > 0;
        Ok(begun.then_some(db))
    }

    fn check_version(&self, db: &Connection) -> Result<i64, Problem> {
        let version = version(db).map_err(|error| self.failed("read", &error))?;
        if version <= VERSION {
            return Ok(version);
        }
        Err(Problem::new(Code::BadInput, format!("The audit book {} is of a newer Pilothouse.", self.path.display()))
            .why(format!("It is of version {version}, and this build knows {VERSION}."))
            .next("Use the newer one."))
    }

    fn failed(&self, done: &str, error: &rusqlite::Error) -> Problem {
        failed(&self.path, done, error)
    }
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn newest(db: &Connection) -> rusqlite::Result<Option<Head>> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
    let row = db.query_row("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1", [], read).optional()?;
    // A hash of another length fits nothing, and is found by a check.
    Ok(row.map(|(seq, hash)| Head { seq: u64::try_from(seq).unwrap_or(0), hash: hash.try_into().unwrap_or_default() }))
}

fn encoded(entry: &Entry) -> Result<String, Problem> {
    serde_json::to_string(entry)
        .map_err(|error| Problem::new(Code::Internal, "An entry does not encode.").why(error.to_string()))
}

/// Puts an entry behind the others.
fn put(db: &Connection, text: &str) -> rusqlite::Result<Head> {
    let before = newest(db)?;
    let seq = before.map_or(1, |head| head.seq + 1);
    let hash = link(before.map(|head| head.hash), seq, text);
    db.execute("INSERT INTO entry (seq, text, hash) VALUES (?1, ?2, ?3)", params![signed(seq), text, hash.as_slice()])?;
    Ok(Head { seq, hash })
}

fn hash_at(db: &Connection, seq: u64) -> rusqlite::Result<Option<Vec<u8>>> {
    db.query_row("SELECT hash FROM entry WHERE seq = ?1", [signed(seq)], |row| row.get(0)).optional()
}

fn link(before: Option<[u8; 32]>, seq: u64, text: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(before.unwrap_or_default());
    hasher.update(seq.to_le_bytes());
    hasher.update(text.as_bytes());
    hasher.finalize().into()
}

fn check(db: &Connection, key: Option<&Key>, checked: &mut Checked, kept: Option<Head>) -> rusqlite::Result<()> {
    let mut signs = db.prepare("SELECT sign FROM head WHERE seq = ?1")?;
    let mut query = db.prepare("SELECT seq, text, hash FROM entry ORDER BY seq")?;
    let mut rows = query.query([])?;
    let (mut hash, mut next) = (None, 1);
    while let Some(row) = rows.next()? {
        let (seq, text, told): (i64, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let seq = u64::try_from(seq).unwrap_or(0);
        if seq != next {
            checked.wrong.push(format!("Entries {next} to {} are gone.", seq.saturating_sub(1)));
        }
        let own = link(hash, seq, &text);
        if own.as_slice() != told.as_slice() {
            checked.wrong.push(format!("Entry {seq} was altered, or one before it."));
        } else if serde_json::from_str::<Entry>(&text).is_err() {
            checked.wrong.push(format!("Entry {seq} does not read."));
        }
        let head = Head { seq, hash: own };
        if let Some(kept) = kept.filter(|kept| kept.seq == seq && kept.hash != own) {
            checked.wrong.push(format!("The book up to entry {} is another one than was signed.", kept.seq));
        }
        if let Some(key) = key
            && let Some(sign) = signs.query_row([signed(seq)], |row| row.get::<_, Vec<u8>>(0)).optional()?
        {
            if key.fits(head, &sign) {
                checked.signed = seq;
            } else {
                checked.wrong.push(format!("The signature at entry {seq} does not fit."));
            }
        }
        // The chain goes on by what is told: an altered entry is named once.
        hash = Some(told.try_into().unwrap_or(own));
        next = seq + 1;
        checked.entries = seq;
    }
    Ok(())
}

/// Places are no larger than SQLite's numbers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
