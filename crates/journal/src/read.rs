//! Reading a journal: the world as it was known at a time, and the batches as they were heard.

use crate::schema::{failed, unpack};
use pilothouse_wire::{Code, Problem, Stamp};
use pilothouse_world::{Batch, World};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::{Path, PathBuf};

/// Reads a journal, also while it is being written.
#[derive(Clone, Debug)]
pub struct Reader {
    path: PathBuf,
}

impl Reader {
    /// A reader of the journal at `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The world as it was known at `t`. Blocks: not for the event loop.
    ///
    /// # Errors
    /// [`Code::NotFound`] if nothing that old is kept; others if the file cannot be read.
    pub fn world_at(&self, t: Stamp) -> Result<World, Problem> {
        let db = self.open()?;
        let (seq, mut world) = self.start(&db, t)?;
        let mut any = seq > 0;
        self.each(&db, seq, t, |batch| {
            any = true;
            world.apply(batch);
        })?;
        if any { Ok(world) } else { Err(self.too_old(&db, t)) }
    }

    /// Hands out every batch up to `until` in order. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn batches(&self, until: Stamp, take: impl FnMut(Batch)) -> Result<(), Problem> {
        self.each(&self.open()?, 0, until, take)
    }

    /// The times at which the record begins and ends; `None` for an empty one. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn span(&self) -> Result<Option<(Stamp, Stamp)>, Problem> {
        let both = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?));
        let found = self.open()?.query_row("SELECT min(seen_at), max(seen_at) FROM batch", [], both);
        let (first, last) = found.map_err(|error| self.failed(&error))?;
        Ok(first.zip(last).map(|(first, last)| (Stamp(first), Stamp(last))))
    }

    /// Folds from the last world before `since` up to `until`, and shows the world after each batch of
    /// readings in that span.
    /// Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn replay(&self, since: Stamp, until: Stamp, mut show: impl FnMut(&World)) -> Result<(), Problem> {
        let db = self.open()?;
        // What is older than the record is simply not there: the fold begins with what is kept.
        let (seq, mut world) = self.start(&db, since)?;
        self.each(&db, seq, until, |batch| {
            let in_span = batch.seen_at >= since;
            let touched = world.apply(batch);
            if in_span && touched.readings {
                show(&world);
            }
        })
    }

    /// The last checkpoint before a time: its place, and its world.
    fn start(&self, db: &Connection, t: Stamp) -> Result<(i64, World), Problem> {
        let start: Option<(i64, Vec<u8>)> = db
            .query_row("SELECT seq, body FROM checkpoint WHERE seen_at <= ?1 ORDER BY seq DESC LIMIT 1", [t.0], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(|error| self.failed(&error))?;
        match start {
            Some((seq, body)) => Ok((seq, unpack(&body).ok_or_else(|| self.damaged())?)),
            None => Ok((0, World::default())),
        }
    }

    fn each(&self, db: &Connection, after: i64, until: Stamp, mut take: impl FnMut(Batch)) -> Result<(), Problem> {
        let mut query = db
            .prepare("SELECT body FROM batch WHERE seq > ?1 AND seen_at <= ?2 ORDER BY seq")
            .map_err(|error| self.failed(&error))?;
        let mut rows = query.query([after, until.0]).map_err(|error| self.failed(&error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed(&error))? {
            let body: Vec<u8> = row.get(0).map_err(|error| self.failed(&error))?;
            take(unpack(&body).ok_or_else(|| self.damaged())?);
        }
        Ok(())
    }

    fn open(&self) -> Result<Connection, Problem> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.path, flags).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &rusqlite::Error) -> Problem {
        failed(&self.path, "read", error)
    }

    fn damaged(&self) -> Problem {
        Problem::new(Code::BadInput, format!("The journal {} is damaged.", self.path.display()))
            .why("A batch in it cannot be read.")
            .next("Move the file away: a new one is begun. Live views are not affected.")
    }

    fn too_old(&self, db: &Connection, t: Stamp) -> Problem {
        let first: Option<i64> = db.query_row("SELECT min(seen_at) FROM batch", [], |row| row.get(0)).unwrap_or(None);
        let problem = Problem::new(Code::NotFound, format!("Nothing is recorded at {t}."));
        match first {
            Some(first) => problem.why(format!("The record begins at {}.", Stamp(first))),
            None => problem.why("The record is empty."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Recorder};
    use pilothouse_wire::ConnectionId;
    use pilothouse_world::{
        Extent, Fact,
        fact::{Covers, Kind, NodeFact},
    };
    use std::time::Duration;

    fn batch(at: i64, extent: Extent, nodes: &[&str]) -> Batch {
        let facts =
            nodes.iter().map(|name| Fact::Node(Box::new(NodeFact { name: (*name).into(), ..NodeFact::default() })));
        Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent, facts: facts.collect() }
    }

    fn listing() -> Extent {
        Extent::Replace(Covers { kind: Kind::Node, namespace: None })
    }

    #[test]
    fn what_was_recorded_replays_to_an_equal_world_at_every_time() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::open(&folder.path().join("j.db"), Limits::default()).unwrap();
        let mut world = World::default();
        let mut then = Vec::new();
        for (at, extent, nodes) in [
            (1_000, listing(), vec!["a", "b"]),
            (2_000, Extent::Delta, vec!["c"]),
            (3_000, listing(), vec!["a"]),
            (4_000, Extent::Delta, vec!["d"]),
        ] {
            let batch = batch(at, extent, &nodes);
            recorder.append(&batch);
            world.apply(batch);
            if at == 2_000 {
                recorder.checkpoint(&world, Stamp(at));
            }
            then.push((at, world.clone()));
        }
        recorder.flush();
        for (at, want) in then {
            assert_eq!(recorder.reader().world_at(Stamp(at + 500)).unwrap(), want, "{at}");
        }
        let early = recorder.reader().world_at(Stamp(10)).unwrap_err();
        assert_eq!(
            (early.code, early.why.as_deref()),
            (Code::NotFound, Some("The record begins at 1970-01-01T00:00:01Z."))
        );
    }

    #[test]
    fn a_journal_of_an_earlier_version_is_brought_up_to_date_and_folds_to_the_same_worlds() {
        for version in ["1", "2", "3"] {
            is_brought_up_to_date(version);
        }
    }

    fn is_brought_up_to_date(version: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        let recorder = Recorder::open(&path, Limits::default()).unwrap();
        let mut world = World::default();
        recorder.append(&batch(1_000, Extent::Delta, &["of a world that is pruned away"]));
        recorder.checkpoint(&world, Stamp(2_000));
        for (at, node) in [(3_000, "a"), (4_000, "b")] {
            recorder.append(&batch(at, listing(), &[node]));
            world.apply(batch(at, listing(), &[node]));
            recorder.checkpoint(&world, Stamp(at));
        }
        drop(recorder);
        let db = Connection::open(&path).unwrap();
        db.execute("UPDATE about SET value = ?1 WHERE key = 'facts'", [version]).unwrap();
        db.execute("UPDATE checkpoint SET body = x'00' WHERE seen_at > 2000", []).unwrap();
        drop(db);
        let recorder = Recorder::open(&path, Limits::default()).unwrap();
        assert_eq!(recorder.reader().world_at(Stamp(4_500)).unwrap(), world);
        assert_eq!(recorder.reader().world_at(Stamp(1_500)).unwrap_err().code, Code::NotFound);
    }

    #[test]
    fn one_process_records_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        let first = Recorder::open(&path, Limits::default()).unwrap();
        assert_eq!(Recorder::open(&path, Limits::default()).unwrap_err().code, Code::Exists);
        drop(first);
        assert!(Recorder::open(&path, Limits::default()).is_ok());
    }

    #[test]
    fn a_full_journal_drops_its_oldest_stretch_and_can_still_be_sought() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { bytes: u64::MAX, age: Duration::from_secs(10) };
        let recorder = Recorder::open(&folder.path().join("j.db"), limits).unwrap();
        let mut world = World::default();
        for at in 1..40 {
            let batch = batch(at * 1_000, Extent::Delta, &[&format!("n{at}")]);
            recorder.append(&batch);
            world.apply(batch);
            if at % 5 == 0 {
                recorder.checkpoint(&world, Stamp(at * 1_000));
            }
            recorder.flush();
        }
        assert_eq!(recorder.reader().world_at(Stamp(2_000)).unwrap_err().code, Code::NotFound);
        assert_eq!(recorder.reader().world_at(Stamp(39_000)).unwrap(), world);
    }

    #[test]
    fn a_file_that_is_no_journal_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        std::fs::write(&path, "not a database, long enough to be sure of it".repeat(40)).unwrap();
        let problem = Recorder::open(&path, Limits::default()).unwrap_err();
        assert!(problem.what.contains("cannot be"), "{problem}");
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a database"));
    }
}
