//! Writing an export: what is in the span and what it builds upon, cut off where the span ends.

use super::{
    Frame, MAGIC, MOST_FRAME, Manifest, VERSION, clip, io,
    notes::{self, TakenAway},
    pseudonym::{Pseudonyms, Worlds, veiled},
    rows::{Packed, Rows},
};
use crate::{
    body, gaps,
    read::Reader,
    record::own_only,
    schema::{self, PARTS},
    seek, spells,
    stored::Stored,
    walk::Fault,
};
use pilothouse_wire::{Code, Problem, Stamp};
use pilothouse_world::{FACT_VERSION, World};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufReader, BufWriter, Cursor, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// The level of packing of frames: their bodies are packed already.
const LEVEL: i32 = 1;

/// How things are called in an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// As they are called.
    #[default]
    Own,
    /// By others, which fit together as their own do, under a key that is kept nowhere.
    Pseudonyms,
}

/// What came of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// What the file says of itself.
    pub manifest: Manifest,
    /// Its length.
    pub bytes: u64,
}

/// An export that is made and stands in a file without a name: it goes with whoever made it, even if that one is killed.
#[derive(Debug)]
pub struct Prepared {
    manifest: Manifest,
    head: Vec<u8>,
    frames: File,
    bytes: u64,
}

impl Prepared {
    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its bytes, from the first.
    pub fn into_bytes(self) -> impl Read + Send + 'static {
        Cursor::new(self.head).chain(BufReader::new(self.frames))
    }
}

/// Writes what a journal tells of a span of time into a new file. Blocks.
///
/// # Errors
/// [`Code::NotFound`] if nothing is told of that span; [`Code::Exists`] if the file is there; others if a file cannot be
/// read or written, or the record is damaged there.
pub fn export(reader: &Reader, since: Stamp, until: Stamp, names: Names, to: &Path) -> Result<Exported, Problem> {
    let exists = || {
        Problem::new(Code::Exists, format!("{} is there already.", to.display()))
            .next("Give another name, or move it away.")
    };
    if to.exists() {
        return Err(exists());
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prepared = prepare(reader, since, until, names, folder)?;
    let (manifest, bytes) = (prepared.manifest.clone(), prepared.bytes);
    let mut file =
        own_only(File::options().write(true).create_new(true)).open(to).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(),
            _ => io(to, "written", &error),
        })?;
    let written = std::io::copy(&mut prepared.into_bytes(), &mut file).and_then(|_| file.sync_all());
    written.map_err(|error| {
        let _ = std::fs::remove_file(to);
        io(to, "written", &error)
    })?;
    Ok(Exported { manifest, bytes })
}

/// Makes an export of what a journal tells of a span of time; its frames stand in `folder` meanwhile. Blocks.
///
/// # Errors
/// [`Code::NotFound`] if nothing is told of that span; others if a file cannot be read or written, or the record is
/// damaged there.
pub fn prepare(reader: &Reader, since: Stamp, until: Stamp, names: Names, folder: &Path) -> Result<Prepared, Problem> {
    let veil = match names {
        Names::Own => None,
        Names::Pseudonyms => Some(Pseudonyms::new()?),
    };
    prepare_under(reader, since, until, veil, folder)
}

pub(super) fn prepare_under(
    reader: &Reader,
    since: Stamp,
    until: Stamp,
    veil: Option<Pseudonyms>,
    folder: &Path,
) -> Result<Prepared, Problem> {
    let db = reader.open()?;
    // One state of the record throughout, whatever is written meanwhile.
    let failed = |error: &rusqlite::Error| schema::failed(reader.path(), "read", error);
    db.execute_batch("BEGIN").map_err(|error| failed(&error))?;
    let nothing = |why: String| {
        Problem::new(Code::NotFound, format!("Nothing is recorded between {since} and {until}."))
            .why(why)
            .next("Ask for a time that it tells of: `pilothouse journal info` says what is missing.")
    };
    let span = spells::span(&db).map_err(|error| failed(&error))?;
    let (first, last) = span.ok_or_else(|| nothing("The record is empty.".into()))?;
    let told = || nothing(format!("The record tells of {first} to {last}."));
    let (since, until) = (since.max(first), until.min(last));
    let end = seek::locate(&db, until).map_err(|error| failed(&error))?.filter(|_| since <= until).ok_or_else(told)?;
    let begin = seek::locate(&db, since).map_err(|error| failed(&error))?.map_or(0, |target| target.seq);
    let mut frames = Frames::new(folder, veil)?;
    let written = write_rows(&db, begin.min(end.seq), end.seq, (since, until, last), &mut frames)
        .and_then(|()| later_notes(&db, end.seq, (since, until), last, &mut frames));
    match written {
        Ok(()) => frames.finish(since, until),
        Err(Stopped::Fault(fault)) => Err(reader.fault(&fault)),
        Err(Stopped::Problem(problem)) => Err(problem),
    }
}

/// Why writing stops.
enum Stopped {
    Fault(Fault),
    Problem(Problem),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

fn write_rows(
    db: &Connection,
    begin: i64,
    end: i64,
    (since, until, last): (Stamp, Stamp, Stamp),
    frames: &mut Frames<'_>,
) -> Result<(), Stopped> {
    // The fold of the first time begins at the world before it.
    let world: Option<i64> =
        db.query_row("SELECT max(seq) FROM checkpoint WHERE seq <= ?1 AND hidden = 0", [begin], |row| row.get(0))?;
    let run: i64 = db.query_row(
        "SELECT coalesce(max(first), 0) FROM stretch WHERE first <= ?1 AND why <> 'clock'",
        [begin],
        |row| row.get(0),
    )?;
    let start = world.filter(|world| *world >= run).unwrap_or(run - 1);
    let mut stretches = db
        .prepare("SELECT first, began, why FROM stretch WHERE first >= ?1 AND first <= ?2 ORDER BY first")?
        .query_map([start.max(run), end], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<Vec<(i64, i64, String)>>>()?;
    if stretches.first().is_none_or(|(first, ..)| *first > start + 1) {
        let text = "SELECT at FROM checkpoint WHERE seq = ?1";
        let at = if start >= run { db.query_row(text, [start], |row| row.get(0))? } else { since.0 };
        stretches.insert(0, (start, at, "clock".into()));
    }
    let gaps = spells::untold(db, gaps::within(db, since.0, until.0)?)?.into_iter();
    let bound = |at: Option<Stamp>| at.map_or(i64::MAX, |at| at.0);
    let gaps = gaps.map(|gap| (bound(gap.since), bound(gap.until), gaps::word(gap.why).to_owned(), gap.detail));
    frames.put("where it begins and what is missing", Rows::Outline { stretches, gaps: gaps.collect() })?;
    let without = TakenAway::of(db, (start, end), (until, last))?;
    worlds(db, start, end, &without, frames)?;
    batches(db, start, end, &without, frames)?;
    let shapes = clip::chunks(db, start, end, &mut |what, rows| frames.put(what, rows))?;
    for id in shapes.union(&frames.shapes.clone()) {
        let text = "SELECT print, body FROM shape WHERE id = ?1";
        let (print, body) = db.query_row(text, [id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        frames.put("a list of GPUs", Rows::Shape { id: *id, print, body })?;
    }
    Ok(())
}

/// Notes that were put into the span once it was over stand behind all that was heard in it.
fn later_notes(
    db: &Connection,
    end: i64,
    (since, until): (Stamp, Stamp),
    last: Stamp,
    frames: &mut Frames<'_>,
) -> Result<(), Stopped> {
    for (seq, batch) in (end + 1..).zip(notes::of_later(db, (since, until), last)) {
        let (source, body) = (batch.source.as_str().to_owned(), Packed(body::encode(&batch, LEVEL)));
        frames.told(&source);
        let row = Rows::Batch { seq, at: until.0, seen_at: batch.seen_at.0, source, body, readings: None };
        frames.put("notes of later", row)?;
    }
    Ok(())
}

fn worlds(db: &Connection, start: i64, end: i64, without: &TakenAway, frames: &mut Frames<'_>) -> Result<(), Stopped> {
    let mut query = db.prepare(
        "SELECT seq, at, body, base, hidden, state FROM checkpoint
         WHERE (seq BETWEEN ?1 AND ?2 AND hidden = 0)
         OR seq IN (SELECT base FROM checkpoint WHERE seq BETWEEN ?1 AND ?2 AND hidden = 0) ORDER BY seq",
    )?;
    let mut rows = query.query([start, end])?;
    // A file says of all its worlds by which build they are.
    let are_own = schema::has_own_worlds(db)?;
    let mut others = Worlds::default();
    while let Some(row) = rows.next()? {
        let (seq, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let state: Option<Vec<u8>> = row.get(5)?;
        for state in state.iter().filter_map(|state| crate::stored::plain::read_states(&body::unpack(state, None)?)) {
            frames.shapes.extend(state.iter().map(|state| state.shape));
        }
        let hidden: bool = row.get::<_, bool>(4)? || seq < start;
        let state = state.filter(|_| !hidden).map(Packed);
        let mut world = Rows::World { seq, at, body: row.get(2)?, base: row.get(3)?, hidden, state };
        if frames.veil.is_some() || !are_own || !without.is_empty() {
            // What others are packed against is unpacked into them.
            if hidden {
                continue;
            }
            let without = |world: &mut World| without.leave_out_of_world(seq, world);
            world = others.anew(db, world, frames.veil.as_ref(), &without)?;
        }
        frames.put(&format!("the world of {}", Stamp(at)), world)?;
    }
    Ok(())
}

fn batches(db: &Connection, start: i64, end: i64, without: &TakenAway, frames: &mut Frames<'_>) -> Result<(), Stopped> {
    let mut query =
        db.prepare("SELECT first, last, began, ended, body FROM block WHERE last > ?1 AND first <= ?2 ORDER BY first")?;
    let mut blocks = query.query([start, end])?;
    while let Some(row) = blocks.next()? {
        let (first, mut last, began, mut ended): (i64, i64, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let mut packed: Vec<u8> = row.get(4)?;
        let mut block: Vec<Stored> =
            body::decode(&packed).ok_or_else(|| Fault::damaged("A block of batches", first))?;
        let is_cut = last > end;
        if is_cut {
            block.retain(|stored| stored.seq <= end);
            let Some(newest) = block.last() else { continue };
            (last, ended) = (newest.seq, newest.at.0);
        }
        let is_other = block.iter_mut().fold(false, |is, stored| is | without.leave_out(stored.seq, &mut stored.batch));
        if is_cut || is_other {
            packed = body::encode(&block, 9);
        }
        for stored in &block {
            frames.told(stored.batch.source.as_str());
        }
        let what = format!("batches from {} to {}", Stamp(began), Stamp(ended));
        frames.put(&what, Rows::Block { first, last, began, ended, body: packed })?;
    }
    let mut query = db.prepare(
        "SELECT seq, at, seen_at, source, body, readings FROM batch
         WHERE seq > ?1 AND seq <= ?2 AND length(body) > 0 ORDER BY seq",
    )?;
    let mut rows = query.query(params![start, end])?;
    while let Some(row) = rows.next()? {
        let (seq, at, source): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let mut body: Vec<u8> = row.get(4)?;
        let (mut said, taken) = body::unpack(&body, None)
            .and_then(|body| crate::stored::row_of(&body))
            .ok_or_else(|| Fault::damaged("A batch", seq))?;
        if without.leave_out(seq, &mut said) {
            body = body::encode(&(said, &taken), LEVEL);
        }
        frames.shapes.extend(taken.iter().map(|taken| taken.shape).filter(|shape| *shape != 0));
        frames.told(&source);
        let readings = row.get::<_, Option<Vec<u8>>>(5)?.map(Packed);
        let batch = Rows::Batch { seq, at, seen_at: row.get(2)?, source, body: Packed(body), readings };
        frames.put(&format!("a batch of {}", Stamp(at)), batch)?;
    }
    Ok(())
}

/// The place of a part in its chunk, and the other way round.
pub(super) fn part_of(id: i64) -> i64 {
    id % PARTS
}

/// Frames on their way into a file: before them goes the manifest, which is not known until the last.
struct Frames<'a> {
    folder: &'a Path,
    veil: Option<Pseudonyms>,
    file: BufWriter<File>,
    length: u64,
    all: Vec<Frame>,
    sources: BTreeSet<String>,
    batches: u64,
    shapes: BTreeSet<i64>,
}

impl<'a> Frames<'a> {
    fn new(folder: &'a Path, veil: Option<Pseudonyms>) -> Result<Self, Problem> {
        let file = tempfile::tempfile_in(folder).map_err(|error| no_room(folder, &error))?;
        let (all, sources, shapes) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        Ok(Self { folder, veil, file: BufWriter::new(file), length: 0, all, sources, batches: 0, shapes })
    }

    fn told(&mut self, source: &str) {
        self.batches += 1;
        if !self.sources.contains(source) {
            self.sources.insert(source.to_owned());
        }
    }

    fn put(&mut self, what: &str, rows: Rows) -> Result<(), Stopped> {
        let (what, rows) = match &self.veil {
            None => (what, rows),
            Some(veil) => (rows.kind(), veiled(rows, veil)?),
        };
        let bytes = body::pack(&postcard::to_stdvec(&rows).unwrap_or_default(), LEVEL);
        if bytes.len() > MOST_FRAME {
            return Err(Problem::new(Code::Internal, format!("{what} is too large for an export.")).into());
        }
        let (length, hash) = write_frame(&mut self.file, &bytes).map_err(|error| no_room(self.folder, &error))?;
        self.length += length;
        self.all.push(Frame { what: what.into(), bytes: bytes.len() as u32, hash });
        Ok(())
    }

    fn finish(self, since: Stamp, until: Stamp) -> Result<Prepared, Problem> {
        let Self { folder, veil, file, length, all, sources, batches, .. } = self;
        let called = |source: String| veil.as_ref().map_or_else(|| source.clone(), |veil| veil.whole(&source));
        let manifest = Manifest {
            facts: FACT_VERSION,
            schema: schema::SCHEMA,
            since,
            until,
            sources: sources.into_iter().map(|source| called(source).into()).collect(),
            batches,
            frames: all,
        };
        let mut head = [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat();
        let written = write_frame(&mut head, &body::encode(&manifest, 3)).and_then(|_| {
            let mut frames = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            frames.seek(SeekFrom::Start(0))?;
            Ok(frames)
        });
        let frames = written.map_err(|error| no_room(folder, &error))?;
        let bytes = head.len() as u64 + length;
        Ok(Prepared { manifest, head, frames, bytes })
    }
}

/// Writes a frame with its head; answers how many bytes that were, and the hash of what is in it.
fn write_frame(to: &mut impl Write, bytes: &[u8]) -> std::io::Result<(u64, [u8; 32])> {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    to.write_all(&(bytes.len() as u32).to_le_bytes())?;
    to.write_all(&hash)?;
    to.write_all(bytes)?;
    Ok((4 + 32 + bytes.len() as u64, hash))
}

fn no_room(folder: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::Internal, format!("The export cannot be written in {}.", folder.display()))
        .why(format!("{error}."))
        .next("Make room there, or export a shorter time.")
}
