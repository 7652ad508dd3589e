//! What a journal is and whether it is whole; and making it smaller by hand.

use crate::{
    body,
    chunk::{self, Head, PART_GPUS, Place},
    part::Of,
    prune,
    read::Reader,
    record, schema,
    seek::{self, Target},
    shape, spells,
    stored::{Stored, row_of},
    thin::LONGEST_BUCKET_MS,
    walk::{Blocks, Fault, Filler, With, walk},
};
use pilothouse_wire::{Code, Problem, SmolStr, Stamp, record::Gap};
use pilothouse_world::fact::NoteFact;
use rusqlite::Connection;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What a journal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The length of the file.
    pub bytes: u64,
    /// Of these in use: the rest is free for what comes.
    pub used: u64,
    /// From when to when it tells.
    pub span: Option<(Stamp, Stamp)>,
    /// Worlds from which a seek may begin.
    pub worlds: u64,
    /// Bytes of worlds.
    pub world_bytes: u64,
    /// Bytes of batches, without readings.
    pub batch_bytes: u64,
    /// Bytes of readings as they were heard, by the minute, by ten minutes.
    pub reading_bytes: [u64; 3],
    /// How often recording began.
    pub runs: u64,
    /// Times that it does not tell of.
    pub gaps: Vec<Gap>,
}

impl Reader {
    /// What the journal is. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn info(&self) -> Result<Info, Problem> {
        let db = self.open()?;
        let failed = |error: rusqlite::Error| schema::failed(self.path(), "read", &error);
        // What was written last stands beside it until it is taken in.
        let mut log = self.path().as_os_str().to_owned();
        log.push("-wal");
        let length = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |about| about.len());
        let bytes = length(self.path()) + length(log.as_ref());
        info(&db, bytes).map_err(failed)
    }

    /// Reads all of it, and answers what does not read, each as a sentence. Blocks, for long.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn verify(&self) -> Result<Vec<String>, Problem> {
        let db = self.open()?;
        verify(&db).map_err(|error| schema::failed(self.path(), "read", &error))
    }
}

fn info(db: &Connection, bytes: u64) -> rusqlite::Result<Info> {
    let number = |text: &str| db.query_row(text, [], |row| row.get::<_, u64>(0));
    let level = |level: u8| {
        number(&format!(
            "SELECT coalesce(sum(length(part.body)), 0) FROM part JOIN chunk ON chunk.id = part.id / {}
             WHERE chunk.level = {level}",
            schema::PARTS
        ))
    };
    let unsealed = number("SELECT coalesce(sum(length(readings)), 0) FROM batch")?;
    Ok(Info {
        bytes,
        used: prune::used(db)?,
        span: spells::span(db)?,
        worlds: number("SELECT count(*) FROM checkpoint WHERE hidden = 0")?,
        world_bytes: number("SELECT coalesce(sum(length(body) + coalesce(length(state), 0)), 0) FROM checkpoint")?,
        batch_bytes: number(
            "SELECT (SELECT coalesce(sum(length(body)), 0) FROM batch)
                  + (SELECT coalesce(sum(length(body)), 0) FROM block)",
        )?,
        reading_bytes: [level(0)? + unsealed, level(1)?, level(2)?],
        runs: number("SELECT count(*) FROM stretch WHERE why = 'run'")?,
        gaps: spells::untold(db, crate::gaps::within(db, i64::MIN, i64::MAX)?)?,
    })
}

/// Reads all tables.
pub(crate) fn verify(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut say = |what: String| {
        if !wrong.contains(&what) {
            wrong.push(what);
        }
    };
    let pages = db
        .prepare("PRAGMA integrity_check(20)")?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<String>>>();
    match pages {
        Ok(told) => {
            told.into_iter().filter(|told| told != "ok").for_each(|told| say(format!("The file itself: {told}")))
        }
        Err(error) => say(format!("The file itself: {error}")),
    }
    let shapes = rows(db, "SELECT id, 0 FROM shape")?;
    for (id, _) in shapes {
        if !matches!(shape::gpus(db, id), Ok(Some(_))) {
            say(format!("The list of GPUs {id} does not read"));
        }
    }
    let chunks = chunk::overlapping(db, i64::MIN, i64::MAX)?;
    for place in &chunks {
        let damaged = format!("Readings of {} from {} to {} do not read", place.source, place.began, place.ended);
        let Some(head) = place.head() else {
            say(damaged);
            continue;
        };
        if head.places() != Some((place.first, place.last)) || !times_fit(place, &head) {
            say(damaged.clone());
        }
        let parts = 0..(head.gpus as usize).div_ceil(PART_GPUS);
        if !parts.clone().all(|part| matches!(chunk::part(db, place.id, &head, part, Of::All, true), Ok(Some(_)))) {
            say(damaged);
        }
    }
    for (seq, at) in rows(db, "SELECT seq, at FROM checkpoint WHERE hidden = 0 ORDER BY seq")? {
        let target = Target::at(seq, Stamp(at));
        match seek::start(db, target) {
            Ok(start) if start.seq == seq => {}
            Ok(_) | Err(_) => say(format!("The world of {} does not read", Stamp(at))),
        }
    }
    // The readings of blocks lie in chunks, which were looked at; those of rows beside them.
    let (blocks, single) = ("SELECT first, last FROM block ORDER BY 1", "SELECT seq, seq FROM batch ORDER BY 1");
    let blocks = rows(db, blocks)?.into_iter().map(|places| (places, With::NoReadings));
    let single = rows(db, single)?.into_iter().map(|places| (places, With::Readings));
    for ((first, last), with) in blocks.chain(single) {
        let mut filler = Filler::new(db, with);
        match walk(&mut filler, first - 1, last, &mut |_| {}) {
            Ok(()) => {}
            Err(Fault::Damaged(what)) => say(what),
            Err(Fault::Db(error)) => say(format!("Batches from place {first} to {last}: {error}")),
        }
    }
    of_blocks(db, &chunks)?.into_iter().chain(of_rows(db)?).for_each(say);
    Ok(wrong)
}

/// Do the times by which a chunk is found fit its rows? A row of a rollup is the last of its bucket, and what was known
/// before is in none.
fn times_fit(place: &Place, head: &Head) -> bool {
    let (Some(first), Some(last)) = (head.rows.first(), head.rows.last()) else { return false };
    let most = if head.init { 0 } else { LONGEST_BUCKET_MS };
    last.heard == place.ended && (0..=most).contains(&first.heard.0.saturating_sub(place.began.0))
}

/// Does what stands beside batches that are not sealed fit what is in them? By it they are found.
fn of_rows(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let (mut wrong, mut before) = (Vec::new(), None);
    let mut query = db.prepare("SELECT seq, seen_at, at, source, body FROM batch ORDER BY seq")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (seq, seen_at, at): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (source, body): (String, Vec<u8>) = (row.get(3)?, row.get(4)?);
        // The time of a row is that at which it was heard, or that of the one before, if it is later.
        // A note that an export carries stands at its end, and was written later.
        let is_carried = || seen_at > at && source == NoteFact::source().as_str();
        let mut fits = at == seen_at || before == Some(at) || is_carried();
        before = Some(at);
        // One that does not read was found already; a mark says nothing.
        if let Some((batch, _)) = body::unpack(&body, None).and_then(|body| row_of(&body)) {
            fits &= batch.seen_at.0 == seen_at && batch.source.as_str() == source;
        }
        if !fits {
            wrong.push(format!("The time or the source of the batch at place {seq} does not fit it"));
        }
    }
    Ok(wrong)
}

/// Does what stands beside blocks and chunks fit what is in them? By it they are found.
fn of_blocks(db: &Connection, chunks: &[Place]) -> rusqlite::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut measured = BTreeMap::<SmolStr, BTreeSet<i64>>::new();
    let mut blocks = Blocks::default();
    for (first, [last, began, ended]) in db
        .prepare("SELECT first, last, began, ended FROM block ORDER BY first")?
        .query_map([], |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?])))?
        .collect::<rusqlite::Result<Vec<(i64, [i64; 3])>>>()?
    {
        // One that does not read was found already.
        let Some(block) = blocks.get(db, first)? else { continue };
        let fits = |of: Option<&Stored>, seq, at| of.is_some_and(|of| of.seq == seq && of.at.0 == at);
        if !fits(block.first(), first, began) || !fits(block.last(), last, ended) {
            wrong.push(format!("The place of a block of batches at place {first} does not fit it"));
        }
        for stored in block.iter().filter(|stored| !stored.taken.is_empty()) {
            measured.entry(stored.batch.source.as_str().into()).or_default().insert(stored.seq);
        }
    }
    for place in chunks {
        let of_source = measured.get(&place.source);
        let next = of_source.and_then(|places| places.range(place.first..).next());
        if next.is_none_or(|next| *next > place.last) {
            wrong.push(format!("Readings of {} from {} to {} are of no batch", place.source, place.began, place.ended));
        }
    }
    Ok(wrong)
}

fn rows(db: &Connection, text: &str) -> rusqlite::Result<Vec<(i64, i64)>> {
    db.prepare(text)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Drops what is older than a time from the journal at `path`, and gives the room back. Answers how many bytes that was.
/// Blocks.
///
/// # Errors
/// [`Code::Exists`] if somebody records into it; others if the file cannot be used.
pub fn prune_before(path: &Path, before: Stamp) -> Result<u64, Problem> {
    if !path.is_file() {
        return Err(Problem::new(Code::NotFound, format!("There is no journal at {}.", path.display())));
    }
    let _lock = record::hold(path).map_err(|problem| match problem.code {
        Code::Exists => problem.next("End it first. It drops by itself what is beyond its limits of age and size."),
        _ => problem,
    })?;
    let mut db = schema::open(path)?;
    let length = || std::fs::metadata(path).map_or(0, |about| about.len());
    let was = length();
    let drop_old = |db: &mut Connection| -> rusqlite::Result<()> {
        // The last world up to the place of that time: under a wrong clock later ones may say that they are older.
        let place = seek::locate(db, before)?.map_or(0, |target| target.seq);
        let text = "SELECT max(seq) FROM checkpoint WHERE seq <= ?1 AND at <= ?2 AND hidden = 0";
        let last: Option<i64> = db.query_row(text, [place, before.0], |row| row.get(0))?;
        if let Some(seq) = last {
            let told = db.prepare("SELECT id FROM shape WHERE EXISTS (SELECT 1 FROM batch)")?;
            let kept = { told }.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<BTreeSet<i64>>>()?;
            prune::drop_before(db, seq, &kept)?;
        }
        db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
    };
    drop_old(&mut db).map_err(|error| schema::failed(path, "pruned", &error))?;
    Ok(was.saturating_sub(length()))
}
