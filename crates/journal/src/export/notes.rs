//! Notes of persons in an export. What servers say is cut off where it ends; a note is about the time at which it stands, and
//! goes along with it whenever it was written, unless somebody took it away again since.

use crate::{
    body, seek,
    stored::{Stored, row_of},
};
use pilothouse_wire::{
    ObjectRef, Stamp,
    view::{Mark, MarkKind},
};
use pilothouse_world::{Batch, Extent, Fact, World, fact::NoteFact};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// What persons wrote about a span after its end, up to the end of the record, as it was heard: the earliest first.
pub(super) fn of_later(db: &Connection, (since, until): (Stamp, Stamp), last: Stamp) -> Vec<Batch> {
    let mut heard: BTreeMap<Stamp, Vec<Fact>> = BTreeMap::new();
    for Mark { key, title: text, heard: at, .. } in notes_at(db, last).unwrap_or_default() {
        if at > until && key.at >= since && key.at <= until {
            let note = NoteFact { at: key.at, object: key.object, text };
            heard.entry(at).or_default().push(Fact::Note(Box::new(note)));
        }
    }
    let batch = |(seen_at, facts)| Batch { source: NoteFact::source(), seen_at, extent: Extent::Delta, facts };
    heard.into_iter().map(batch).collect()
}

/// All notes that are there at a time: each run has those of the one before. Nothing where the record is damaged there; what is
/// before that is told all the same, without them.
fn notes_at(db: &Connection, at: Stamp) -> Option<Vec<Mark>> {
    let target = seek::locate(db, at).ok().flatten()?;
    let mut notes = seek::Near::default().seek(db, target, None).ok()?.world.worth_recalling(at, 0);
    notes.retain(|mark| mark.key.kind == MarkKind::Bookmark);
    Some(notes)
}

/// Notes that somebody took away again, each with the place at which that was said. What is said of one before that place
/// stays in the record, which writes nothing anew, and is in no export.
#[derive(Debug, Default)]
pub(super) struct TakenAway(BTreeMap<(Stamp, ObjectRef), i64>);

impl TakenAway {
    /// Those of a stretch of places that ends at a time, whenever until the end of the record somebody took them away.
    pub(super) fn of(
        db: &Connection,
        (start, end): (i64, i64),
        (until, last): (Stamp, Stamp),
    ) -> rusqlite::Result<Self> {
        let mut all = Self::default();
        by_persons(db, start, end, &mut |seq, fact| all.hear(seq, fact))?;
        // Where all that were there are there still, nothing is to be looked for in what came later, which may be long.
        let are_left = match (notes_at(db, until), notes_at(db, last)) {
            (Some(then), Some(now)) => {
                let is_left = |note: &Mark| now.iter().any(|mark| (&mark.key, &mark.title) == (&note.key, &note.title));
                then.iter().all(is_left)
            }
            _ => false,
        };
        if !are_left {
            by_persons(db, end, i64::MAX, &mut |seq, fact| all.hear(seq, fact))?;
        }
        Ok(all)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn hear(&mut self, seq: i64, fact: &Fact) {
        if let Fact::NoteGone(at, object) = fact {
            let said = self.0.entry((*at, object.clone())).or_insert(seq);
            *said = seq.max(*said);
        }
    }

    /// Was it taken away behind this place? One that was put there anew since is there.
    fn has(&self, seq: i64, at: Stamp, object: &ObjectRef) -> bool {
        self.0.get(&(at, object.clone())).is_some_and(|said| *said >= seq)
    }

    /// Takes what was said of them out of a batch; answers whether there was anything.
    pub(super) fn leave_out(&self, seq: i64, batch: &mut Batch) -> bool {
        if self.is_empty() || batch.source != NoteFact::source() {
            return false;
        }
        let mut is_other = false;
        batch.facts.retain_mut(|fact| {
            let stays = match fact {
                Fact::Note(note) => !self.has(seq, note.at, &note.object),
                Fact::NoteGone(at, object) => !self.has(seq, *at, object),
                Fact::Recalled(marks) => {
                    let all = marks.len();
                    marks.retain(|mark| !self.is_of(seq, mark));
                    is_other |= marks.len() != all;
                    true
                }
                _ => true,
            };
            is_other |= !stays;
            stays
        });
        is_other
    }

    fn is_of(&self, seq: i64, mark: &Mark) -> bool {
        mark.key.kind == MarkKind::Bookmark && self.has(seq, mark.key.at, &mark.key.object)
    }

    /// Takes them out of the world of a place.
    pub(super) fn leave_out_of_world(&self, seq: i64, world: &mut World) {
        let then = |((at, object), said): (&(Stamp, ObjectRef), &i64)| {
            (*said >= seq).then(|| Fact::NoteGone(*at, object.clone()))
        };
        let facts: Vec<Fact> = self.0.iter().filter_map(then).collect();
        if !facts.is_empty() {
            let (source, seen_at) = (NoteFact::source(), Stamp(0));
            drop(world.apply(Batch { source, seen_at, extent: Extent::Delta, facts }));
        }
    }
}

/// Hands out what persons said behind a place and up to another one. What does not read tells nothing here: whoever writes the
/// rows of the span says so.
fn by_persons(db: &Connection, after: i64, until: i64, take: &mut dyn FnMut(i64, &Fact)) -> rusqlite::Result<()> {
    let ours = NoteFact::source();
    let mut query = db.prepare("SELECT body FROM block WHERE last > ?1 AND first <= ?2 ORDER BY first")?;
    let mut blocks = query.query([after, until])?;
    while let Some(row) = blocks.next()? {
        let block: Vec<Stored> = body::decode(&row.get::<_, Vec<u8>>(0)?).unwrap_or_default();
        let wanted =
            block.iter().filter(|stored| stored.seq > after && stored.seq <= until && stored.batch.source == ours);
        wanted.for_each(|stored| stored.batch.facts.iter().for_each(|fact| take(stored.seq, fact)));
    }
    let mut query = db.prepare(
        "SELECT seq, body FROM batch WHERE seq > ?1 AND seq <= ?2 AND source = ?3 AND length(body) > 0 ORDER BY seq",
    )?;
    let mut rows = query.query(params![after, until, ours.as_str()])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let read = body::unpack(&row.get::<_, Vec<u8>>(1)?, None).and_then(|bytes| row_of(&bytes));
        read.into_iter().for_each(|(batch, _)| batch.facts.iter().for_each(|fact| take(seq, fact)));
    }
    Ok(())
}
