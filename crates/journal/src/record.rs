//! The recorder: takes batches without waiting, writes them in one thread, keeps the file within its limits.

use crate::{read::Reader, schema};
use pilothouse_wire::{Code, Problem, Stamp};
use pilothouse_world::{Batch, World};
use rusqlite::{Connection, params};
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Batches that may wait to be written. More than this and the disk is too slow: they are counted, not kept.
const WAITING: usize = 4_096;

/// How much of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of packed batches and checkpoints.
    pub bytes: u64,
    /// Age of the oldest batch.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 512 * 1024 * 1024, age: Duration::from_secs(7 * 86_400) }
    }
}

/// Writes batches to a journal. One process records into a file at a time.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    way: Option<SyncSender<Entry>>,
    lost: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
    _lock: File,
}

enum Entry {
    Batch { seen_at: Stamp, source: String, plain: Vec<u8> },
    Checkpoint { seen_at: Stamp, plain: Vec<u8> },
    Flush(SyncSender<()>),
}

impl Recorder {
    /// Opens the journal at `path` for recording, and makes it if need be.
    ///
    /// # Errors
    /// [`Code::Exists`] if another process records into it; others if the file cannot be used.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, Problem> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                Problem::new(Code::Internal, format!("The folder {} cannot be made.", folder.display()))
                    .why(format!("{error}."))
                    .next("Nothing is recorded until it can.")
            })?;
        }
        let lock = lock(path)?;
        let db = schema::open(path)?;
        let (way, entries) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer { db, limits, lost: Arc::clone(&lost) };
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || writer.run(&entries)).map_err(
            |error| Problem::new(Code::Internal, "The journal's thread cannot start.").why(error.to_string()),
        )?;
        Ok(Self { path: path.to_owned(), way: Some(way), lost, thread: Some(thread), _lock: lock })
    }

    /// Takes in a batch, without waiting.
    pub fn append(&self, batch: &Batch) {
        let plain = postcard::to_stdvec(batch).unwrap_or_default();
        self.put(Entry::Batch { seen_at: batch.seen_at, source: batch.source.to_string(), plain });
    }

    /// Keeps the world as it is after all batches so far, so that a later seek starts here.
    pub fn checkpoint(&self, world: &World, seen_at: Stamp) {
        self.put(Entry::Checkpoint { seen_at, plain: postcard::to_stdvec(world).unwrap_or_default() });
    }

    /// Waits until everything so far is written.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if let Some(way) = &self.way
            && way.send(Entry::Flush(done)).is_ok()
        {
            let _ = wait.recv();
        }
    }

    /// Batches that could not be written.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// A reader of the same journal.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(&self.path)
    }

    fn put(&self, entry: Entry) {
        let Some(way) = &self.way else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = way.try_send(entry) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.way = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(path: &Path) -> Result<File, Problem> {
    let path = path.with_extension("lock");
    let unusable = |error: &dyn std::fmt::Display| {
        Problem::new(Code::Internal, format!("{} cannot be locked.", path.display())).why(format!("{error}."))
    };
    let file = File::options().create(true).append(true).open(&path).map_err(|error| unusable(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Problem::new(Code::Exists, "Another Pilothouse records already.")
            .why(format!("It holds {}.", path.display()))
            .next("This one shows everything live and records nothing.")),
        Err(TryLockError::Error(error)) => Err(unusable(&error)),
    }
}

struct Writer {
    db: Connection,
    limits: Limits,
    lost: Arc<AtomicU64>,
}

impl Writer {
    fn run(mut self, entries: &Receiver<Entry>) {
        while let Ok(first) = entries.recv() {
            let mut waiting = vec![first];
            waiting.extend(entries.try_iter().take(WAITING));
            let count = waiting.len() as u64;
            let mut flushed = Vec::new();
            let mut checkpoint = None;
            if self.write(waiting, &mut flushed, &mut checkpoint).is_err() {
                self.lost.fetch_add(count, Ordering::Relaxed);
            }
            if let Some(now) = checkpoint {
                // A journal that cannot be pruned grows; the next checkpoint tries again.
                let _ = self.prune(now);
            }
            for done in flushed {
                let _ = done.send(());
            }
        }
    }

    fn write(
        &mut self,
        entries: Vec<Entry>,
        flushed: &mut Vec<SyncSender<()>>,
        checkpoint: &mut Option<Stamp>,
    ) -> rusqlite::Result<()> {
        let turn = self.db.transaction()?;
        for entry in entries {
            match entry {
                Entry::Batch { seen_at, source, plain } => {
                    let body = zstd::bulk::compress(&plain, 1).unwrap_or_default();
                    turn.prepare_cached("INSERT INTO batch (seen_at, source, body) VALUES (?1, ?2, ?3)")?
                        .execute(params![seen_at.0, source, body])?;
                }
                Entry::Checkpoint { seen_at, plain } => {
                    let body = zstd::bulk::compress(&plain, 3).unwrap_or_default();
                    turn.execute(
                        "INSERT OR REPLACE INTO checkpoint
                         SELECT coalesce(max(seq), 0), ?1, ?2 FROM batch",
                        params![seen_at.0, body],
                    )?;
                    *checkpoint = Some(seen_at);
                }
                Entry::Flush(done) => flushed.push(done),
            }
        }
        turn.commit()
    }

    /// Drops the oldest past, whole stretches between checkpoints at a time, so that what stays can be sought.
    fn prune(&mut self, now: Stamp) -> rusqlite::Result<()> {
        let oldest = now.minus(self.limits.age).0;
        loop {
            let size: u64 = self.db.query_row(
                "SELECT (SELECT coalesce(sum(length(body)), 0) FROM batch)
                      + (SELECT coalesce(sum(length(body)), 0) FROM checkpoint)",
                [],
                |row| row.get(0),
            )?;
            // The second-oldest checkpoint is where the past would begin if the first stretch went.
            let next: Option<(i64, i64)> = self
                .db
                .query_row("SELECT seq, seen_at FROM checkpoint ORDER BY seq LIMIT 1 OFFSET 1", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .map(Some)
                .or_else(|error| if error == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(error) })?;
            match next {
                Some((seq, seen_at)) if size > self.limits.bytes || seen_at < oldest => {
                    let turn = self.db.transaction()?;
                    turn.execute("DELETE FROM batch WHERE seq <= ?1", [seq])?;
                    turn.execute("DELETE FROM checkpoint WHERE seq < ?1", [seq])?;
                    turn.commit()?;
                }
                _ => return Ok(()),
            }
        }
    }
}
