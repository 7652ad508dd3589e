//! The recorder: takes batches without waiting, hands them to the thread that writes them.

use crate::{
    read::Reader,
    schema::{self, CROSSING_MS},
    shape,
    stored::{self, is_regular},
    thin::Thinning,
    writer::{Entry, Loss, StateOf, Told, Writer},
};
use pilothouse_wire::{Code, Problem, SmolStr, Stamp};
use pilothouse_world::{
    Batch, Fact, World,
    fact::{DevicesFact, SourceFact},
};
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Batches that may wait to be written: of the largest fleets each is half a megabyte. More than this and the disk is too
/// slow: they are counted, not kept.
const WAITING: usize = 1_024;

/// How much of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file that are in use.
    pub bytes: u64,
    /// Age of the oldest batch.
    pub age: Duration,
    /// How readings are thinned as they get older; `None` keeps them as they were heard.
    pub thin: Option<Thinning>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 30, age: Duration::from_secs(31 * 86_400), thin: Some(Thinning::default()) }
    }
}

/// Called at named points of what the writer does: a test ends the process there.
#[doc(hidden)]
pub type Watch = fn(&'static str);

/// Writes batches to a journal. One process records into a file at a time.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    way: Option<Arc<SyncSender<Entry>>>,
    tide: Tide,
    lost: Arc<AtomicU64>,
    /// A world is wanted soon: what was lost is in none.
    wants: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _lock: File,
}

/// How far the writer has come, what is lost at its end, and the way to wait for it. It keeps nobody from ending the
/// recorder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tide {
    way: Weak<SyncSender<Entry>>,
    pace: Arc<Mutex<Pace>>,
    /// Since when nothing is handed over any more, because the writer was behind.
    behind: Arc<Mutex<Option<Loss>>>,
    /// Since when nothing can be written.
    broken: Arc<Mutex<Option<Loss>>>,
}

/// What was handed over, and what of it is written or lost: how many entries, and up to which time.
#[derive(Clone, Copy, Debug)]
struct Pace {
    handed: u64,
    done: u64,
    heard: i64,
    written: i64,
    /// The last entry that is of a time before one that was heard already: the clock was set back.
    back: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { handed: 0, done: 0, heard: i64::MIN, written: i64::MIN, back: 0 }
    }
}

impl Pace {
    fn hand(&mut self, seen_at: Stamp) {
        self.handed += 1;
        if seen_at.0 < self.heard {
            self.back = self.handed;
        }
        let is_set_back = self.heard.saturating_sub(seen_at.0) > CROSSING_MS;
        self.heard = if is_set_back { seen_at.0 } else { self.heard.max(seen_at.0) };
    }

    /// May anything of this time or before still be on its way?
    fn lacks(&self, until: Stamp) -> bool {
        self.done < self.handed && (self.done < self.back || self.written < until.0.min(self.heard))
    }
}

impl Tide {
    /// Waits until what was heard up to a time is written. Blocks.
    pub(crate) fn wait(&self, until: Stamp) {
        if lock(&self.pace).lacks(until)
            && let Some(way) = self.way.upgrade()
        {
            ask(&way, Entry::Flush);
        }
    }

    /// So many more are written, of these times, or lost since then.
    pub(crate) fn came(&self, entries: impl Iterator<Item = Stamp>, broken: Option<Loss>) {
        *lock(&self.broken) = broken;
        let mut pace = lock(&self.pace);
        for seen_at in entries {
            pace.done += 1;
            pace.written = if pace.done == pace.back { seen_at.0 } else { pace.written.max(seen_at.0) };
        }
    }

    /// What is lost at the end of the record, up to a world that is still to come. A gap says so only from then on.
    pub(crate) fn loss(&self) -> Option<Loss> {
        let both = [lock(&self.behind).clone(), lock(&self.broken).clone()];
        both.into_iter().flatten().min_by_key(|loss| loss.since)
    }

    /// Does a recorder of this process write the file?
    pub(crate) fn is_recorded(&self) -> bool {
        self.way.strong_count() > 0
    }

    fn behind(&self) -> Option<Loss> {
        lock(&self.behind).clone()
    }
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the writer to say when it has come so far, and waits for it.
fn ask(way: &SyncSender<Entry>, when: fn(SyncSender<()>) -> Entry) {
    let (done, wait) = sync_channel(1);
    if way.send(when(done)).is_ok() {
        let _ = wait.recv();
    }
}

impl Recorder {
    /// Opens the journal at `path` for recording, and makes it if need be.
    ///
    /// # Errors
    /// [`Code::Exists`] if another process records into it; others if the file cannot be used.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, Problem> {
        Self::watched(path, limits, |_| {})
    }

    /// The same, with somebody who looks on.
    ///
    /// # Errors
    /// As [`Recorder::open`].
    #[doc(hidden)]
    pub fn watched(path: &Path, limits: Limits, watch: Watch) -> Result<Self, Problem> {
        if let Some(folder) = path.parent() {
            make_folder(folder).map_err(|error| {
                Problem::new(Code::Internal, format!("The folder {} cannot be made.", folder.display()))
                    .why(format!("{error}."))
                    .next("Nothing is recorded until it can.")
            })?;
        }
        let lock = hold(path)?;
        // It names everything of a fleet: nobody else of this machine reads it. Where it cannot be made SQLite says why.
        let _ = own_only(File::options().append(true).create(true)).open(path);
        let db = schema::open(path)?;
        let (way, entries) = sync_channel(WAITING);
        let way = Arc::new(way);
        let tide = Tide { way: Arc::downgrade(&way), ..Tide::default() };
        let (lost, wants) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let writer = Writer::new(db, limits, Arc::clone(&lost), Arc::clone(&wants), tide.clone(), watch)
            .map_err(|error| schema::failed(path, "read", &error))?;
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || writer.run(&entries)).map_err(
            |error| Problem::new(Code::Internal, "The journal's thread cannot start.").why(error.to_string()),
        )?;
        Ok(Self { path: path.to_owned(), way: Some(way), tide, lost, wants, thread: Some(thread), _lock: lock })
    }

    /// Takes in a batch, without waiting. Its readings are kept as they are: [`crate::round_readings`] comes before.
    pub fn append(&self, batch: &Batch) {
        if self.tide.behind().is_some() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut told = Vec::new();
        let has_readings = batch.facts.iter().any(|fact| matches!(fact, Fact::Readings(_)));
        for (place, fact) in (0_u32..).zip(&batch.facts) {
            match fact {
                Fact::Devices(devices) => told.push((place, listed(devices))),
                Fact::Source(SourceFact::Removed) => told.push((place, Told::Removed)),
                _ => {}
            }
        }
        let plain = if has_readings {
            let (left, readings) = stored::without_readings(batch);
            let readings = readings.into_iter();
            told.extend(readings.map(|(place, fact)| (place, Told::Readings(is_regular(&fact), Box::new(fact)))));
            told.sort_by_key(|(place, _)| *place);
            postcard::to_stdvec(&left)
        } else {
            postcard::to_stdvec(batch)
        };
        let (seen_at, source) = (batch.seen_at, SmolStr::new(batch.source.as_str()));
        self.put(seen_at, Entry::Batch { seen_at, source, plain: plain.unwrap_or_default(), told });
    }

    /// Keeps the world as it is after all batches so far, so that a later seek starts here.
    pub fn checkpoint(&self, world: &World, seen_at: Stamp) {
        let mut states = Vec::new();
        for (source, of) in world.sources().filter(|(_, source)| !source.telemetry.is_empty()) {
            let uuids: Vec<SmolStr> = of.telemetry.devices().map(|gpu| gpu.device().uuid.clone()).collect();
            states.push(StateOf {
                source: SmolStr::new(source.as_str()),
                list: of.telemetry.list_number(),
                print: shape::print(uuids.iter()),
                uuids,
                latest: of.telemetry.latest().clone(),
            });
        }
        let plain = postcard::to_stdvec(world).unwrap_or_default();
        let after = self.tide.behind();
        if self.put(seen_at, Entry::Checkpoint { seen_at, plain, states, after }) {
            *lock(&self.tide.behind) = None;
        }
    }

    /// Is the world wanted soon? What was lost is in no row: only a new checkpoint makes the record whole again.
    #[must_use]
    pub fn wants_checkpoint(&self) -> bool {
        // Asked for once: where it cannot be kept, the writer asks again after a while.
        self.wants.swap(false, Ordering::Relaxed) || self.tide.behind().is_some()
    }

    /// Waits until everything so far is written, and made small where that is due. Blocks.
    pub fn flush(&self) {
        if let Some(way) = &self.way {
            ask(way, Entry::Settle);
        }
    }

    /// Batches that could not be written.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Why nothing can be written just now, if it cannot.
    #[must_use]
    pub fn losing(&self) -> Option<String> {
        self.tide.loss().map(|loss| loss.why)
    }

    /// A reader of the same journal. It waits until what it is asked for is written.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::behind(&self.path, self.tide.clone())
    }

    /// Hands over an entry. After one that could not be handed over, batches are of no use until the next checkpoint.
    fn put(&self, seen_at: Stamp, entry: Entry) -> bool {
        let Some(way) = &self.way else { return false };
        let mut pace = lock(&self.tide.pace);
        let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = way.try_send(entry) else {
            pace.hand(seen_at);
            return true;
        };
        drop(pace);
        self.lost.fetch_add(1, Ordering::Relaxed);
        lock(&self.tide.behind).get_or_insert_with(|| Loss { since: seen_at, why: "the disk was too slow".into() });
        false
    }
}

fn listed(devices: &DevicesFact) -> Told {
    let uuids: Vec<SmolStr> = devices.devices.iter().map(|device| device.uuid.clone()).collect();
    Told::Listed { list: devices.list, print: shape::print(uuids.iter()), uuids }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.way = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A file that is made is for this account alone.
pub(crate) fn own_only(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The same of folders.
pub(crate) fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Does somebody record into a journal? Where that cannot be found out nobody does: one that may not be written, or that was
/// copied, has no such file.
pub(crate) fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path.with_extension("lock")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Keeps others from recording into a journal.
pub(crate) fn hold(path: &Path) -> Result<File, Problem> {
    let path = path.with_extension("lock");
    let unusable = |error: &dyn std::fmt::Display| {
        Problem::new(Code::Internal, format!("{} cannot be locked.", path.display()))
            .why(format!("{error}."))
            .next("Nothing is recorded until it can. Check that its folder may be written.")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_waits_for_what_is_on_its_way_also_where_the_clock_was_set_back() {
        let mut pace = Pace::default();
        assert!(!pace.lacks(Stamp(100)));
        pace.hand(Stamp(100));
        assert_eq!([Stamp(99), Stamp(100), Stamp(200)].map(|until| pace.lacks(until)), [true; 3]);
        (pace.done, pace.written) = (1, 100);
        pace.hand(Stamp(110));
        assert_eq!([Stamp(100), Stamp(105)].map(|until| pace.lacks(until)), [false, true]);
        // An hour back: what is on its way is of a time that seems to be written.
        pace.hand(Stamp(60));
        assert!(pace.lacks(Stamp(60)));
        (pace.done, pace.written) = (3, 110);
        assert!(!pace.lacks(Stamp(110)));
    }
}
