//! Writing an export: what is in the span and what it builds upon, cut off where the span ends.

use super::{
    Frame, MAGIC, MOST_FRAME, Manifest, VERSION, clip, io,
    rows::{Packed, Rows},
};
use crate::{
    body, gaps,
    read::Reader,
    schema::{self, PARTS},
    seek,
    stored::Stored,
    walk::Fault,
};
use pilothouse_wire::{Code, Problem, Stamp};
use pilothouse_world::FACT_VERSION;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// The level of packing of frames: their bodies are packed already.
const LEVEL: i32 = 1;

/// What came of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// What the file says of itself.
    pub manifest: Manifest,
    /// Its length.
    pub bytes: u64,
}

/// Writes what a journal tells of a span of time into a new file. Blocks.
///
/// # Errors
/// [`Code::NotFound`] if nothing is told of that span; [`Code::Exists`] if the file is there; others if a file cannot be
/// read or written, or the record is damaged there.
pub fn export(reader: &Reader, since: Stamp, until: Stamp, to: &Path) -> Result<Exported, Problem> {
    let db = reader.open()?;
    // One state of the record throughout, whatever is written meanwhile.
    let failed = |error: &rusqlite::Error| schema::failed(reader.path(), "read", error);
    db.execute_batch("BEGIN").map_err(|error| failed(&error))?;
    let nothing = || {
        Problem::new(Code::NotFound, format!("Nothing is recorded between {since} and {until}."))
            .next("`pilothouse journal info` says of which times something is.")
    };
    let (first, last) = seek::span(&db).map_err(|error| failed(&error))?.ok_or_else(nothing)?;
    let (since, until) = (since.max(first), until.min(last));
    let end =
        seek::locate(&db, until).map_err(|error| failed(&error))?.filter(|_| since <= until).ok_or_else(nothing)?;
    let begin = seek::locate(&db, since).map_err(|error| failed(&error))?.map_or(0, |target| target.seq);
    let mut frames = Frames::new(to)?;
    let written = write_rows(&db, begin.min(end.seq), end.seq, (since, until), &mut frames);
    match written {
        Ok(()) => frames.finish(since, until),
        Err(Stopped::Fault(fault)) => Err(frames.give_up(reader.fault(&fault))),
        Err(Stopped::Problem(problem)) => Err(frames.give_up(problem)),
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
    (since, until): (Stamp, Stamp),
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
    let gaps = gaps::within(db, since.0, until.0)?.into_iter();
    let bound = |at: Option<Stamp>| at.map_or(i64::MAX, |at| at.0);
    let gaps = gaps.map(|gap| (bound(gap.since), bound(gap.until), gaps::word(gap.why).to_owned(), gap.detail));
    frames.put("where it begins and what is missing", &Rows::Outline { stretches, gaps: gaps.collect() })?;
    worlds(db, start, end, frames)?;
    batches(db, start, end, frames)?;
    let shapes = clip::chunks(db, start, end, &mut |what, rows| frames.put(what, &rows))?;
    for id in shapes.union(&frames.shapes.clone()) {
        let text = "SELECT print, body FROM shape WHERE id = ?1";
        let (print, body) = db.query_row(text, [id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        frames.put("a list of GPUs", &Rows::Shape { id: *id, print, body })?;
    }
    Ok(())
}

fn worlds(db: &Connection, start: i64, end: i64, frames: &mut Frames<'_>) -> Result<(), Stopped> {
    let mut query = db.prepare(
        "SELECT seq, at, body, base, hidden, state FROM checkpoint
         WHERE (seq BETWEEN ?1 AND ?2 AND hidden = 0)
         OR seq IN (SELECT base FROM checkpoint WHERE seq BETWEEN ?1 AND ?2 AND hidden = 0) ORDER BY seq",
    )?;
    let mut rows = query.query([start, end])?;
    while let Some(row) = rows.next()? {
        let (seq, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let state: Option<Vec<u8>> = row.get(5)?;
        for state in state.iter().filter_map(|state| crate::stored::plain::read_states(&body::unpack(state, None)?)) {
            frames.shapes.extend(state.iter().map(|state| state.shape));
        }
        let hidden: bool = row.get::<_, bool>(4)? || seq < start;
        let state = state.filter(|_| !hidden).map(Packed);
        let world = Rows::World { seq, at, body: row.get(2)?, base: row.get(3)?, hidden, state };
        frames.put(&format!("the world of {}", Stamp(at)), &world)?;
    }
    Ok(())
}

fn batches(db: &Connection, start: i64, end: i64, frames: &mut Frames<'_>) -> Result<(), Stopped> {
    let mut query =
        db.prepare("SELECT first, last, began, ended, body FROM block WHERE last > ?1 AND first <= ?2 ORDER BY first")?;
    let mut blocks = query.query([start, end])?;
    while let Some(row) = blocks.next()? {
        let (first, mut last, began, mut ended): (i64, i64, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let mut packed: Vec<u8> = row.get(4)?;
        let mut block: Vec<Stored> =
            body::decode(&packed).ok_or_else(|| Fault::damaged("A block of batches", first))?;
        if last > end {
            block.retain(|stored| stored.seq <= end);
            let Some(newest) = block.last() else { continue };
            (last, ended) = (newest.seq, newest.at.0);
            packed = body::encode(&block, 9);
        }
        for stored in &block {
            frames.told(stored.batch.source.as_str());
        }
        let what = format!("batches from {} to {}", Stamp(began), Stamp(ended));
        frames.put(&what, &Rows::Block { first, last, began, ended, body: packed })?;
    }
    let mut query = db.prepare(
        "SELECT seq, at, seen_at, source, body, readings FROM batch
         WHERE seq > ?1 AND seq <= ?2 AND length(body) > 0 ORDER BY seq",
    )?;
    let mut rows = query.query(params![start, end])?;
    while let Some(row) = rows.next()? {
        let (seq, at, source): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let body: Vec<u8> = row.get(4)?;
        let (_, taken) = body::unpack(&body, None)
            .and_then(|body| crate::stored::row_of(&body))
            .ok_or_else(|| Fault::damaged("A batch", seq))?;
        frames.shapes.extend(taken.iter().map(|taken| taken.shape).filter(|shape| *shape != 0));
        frames.told(&source);
        let readings = row.get::<_, Option<Vec<u8>>>(5)?.map(Packed);
        let batch = Rows::Batch { seq, at, seen_at: row.get(2)?, source, body: Packed(body), readings };
        frames.put(&format!("a batch of {}", Stamp(at)), &batch)?;
    }
    Ok(())
}

/// The place of a part in its chunk, and the other way round.
pub(super) fn part_of(id: i64) -> i64 {
    id % PARTS
}

/// Frames on their way into a file: beside it, until the manifest is known.
struct Frames<'a> {
    to: &'a Path,
    beside: std::path::PathBuf,
    file: BufWriter<File>,
    all: Vec<Frame>,
    sources: BTreeSet<String>,
    batches: u64,
    shapes: BTreeSet<i64>,
}

impl<'a> Frames<'a> {
    fn new(to: &'a Path) -> Result<Self, Problem> {
        if to.exists() {
            return Err(Problem::new(Code::Exists, format!("{} is there already.", to.display()))
                .next("Give another name, or move it away."));
        }
        let mut beside = to.as_os_str().to_owned();
        beside.push(".part");
        let beside = std::path::PathBuf::from(beside);
        let file = File::options().read(true).write(true).create_new(true).open(&beside);
        let file = file.map_err(|error| match error.kind() {
            // Somebody's own file, or what a crash left: nobody but its owner can tell.
            std::io::ErrorKind::AlreadyExists => {
                Problem::new(Code::Exists, format!("{} is there already.", beside.display()))
                    .why("It is needed for a while beside the export.")
                    .next("Give another name, or move it away.")
            }
            _ => io(&beside, "written", &error),
        })?;
        let file = BufWriter::new(file);
        let (all, sources, shapes) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        Ok(Self { to, beside, file, all, sources, batches: 0, shapes })
    }

    fn told(&mut self, source: &str) {
        self.batches += 1;
        if !self.sources.contains(source) {
            self.sources.insert(source.to_owned());
        }
    }

    fn put(&mut self, what: &str, rows: &Rows) -> Result<(), Stopped> {
        let bytes = body::pack(&postcard::to_stdvec(rows).unwrap_or_default(), LEVEL);
        if bytes.len() > MOST_FRAME {
            return Err(Problem::new(Code::Internal, format!("{what} is too large for an export.")).into());
        }
        let hash = Sha256::digest(&bytes).into();
        self.file.write_all(&bytes).map_err(|error| io(&self.beside, "written", &error))?;
        self.all.push(Frame { what: what.into(), bytes: bytes.len() as u32, hash });
        Ok(())
    }

    fn give_up(self, problem: Problem) -> Problem {
        drop(self.file);
        let _ = std::fs::remove_file(&self.beside);
        problem
    }

    fn finish(self, since: Stamp, until: Stamp) -> Result<Exported, Problem> {
        let Self { to, beside, file, all, sources, batches, .. } = self;
        let manifest = Manifest {
            facts: FACT_VERSION,
            schema: schema::SCHEMA,
            since,
            until,
            sources: sources.into_iter().map(Into::into).collect(),
            batches,
            frames: all,
        };
        let written = put_together(to, &manifest, file);
        let _ = std::fs::remove_file(&beside);
        match written {
            Ok(bytes) => Ok(Exported { manifest, bytes }),
            Err(error) => {
                let _ = std::fs::remove_file(to);
                Err(io(to, "written", &error))
            }
        }
    }
}

fn put_together(to: &Path, manifest: &Manifest, frames: BufWriter<File>) -> std::io::Result<u64> {
    let mut frames = frames.into_inner().map_err(|error| error.into_error())?;
    frames.seek(SeekFrom::Start(0))?;
    let mut frames = BufReader::new(frames);
    let mut file = BufWriter::new(File::options().write(true).create_new(true).open(to)?);
    file.write_all(MAGIC)?;
    file.write_all(&VERSION.to_le_bytes())?;
    let head = body::encode(manifest, 3);
    let mut put = |bytes: &[u8]| -> std::io::Result<()> {
        file.write_all(&(bytes.len() as u32).to_le_bytes())?;
        file.write_all(&Sha256::digest(bytes))?;
        file.write_all(bytes)
    };
    put(&head)?;
    for frame in &manifest.frames {
        let mut bytes = vec![0; frame.bytes as usize];
        frames.read_exact(&mut bytes)?;
        put(&bytes)?;
    }
    let file = file.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    file.metadata().map(|about| about.len())
}
