//! Notes that persons put into a span of time once it was over. What servers say is cut off where an export ends; a note is
//! about the time at which it stands, and goes along with it whenever it was written.

use crate::seek;
use pilothouse_wire::{
    Stamp,
    view::{Mark, MarkKind},
};
use pilothouse_world::{Batch, Extent, Fact, fact::NoteFact};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// What persons wrote about a span after its end, up to the end of the record, as it was heard: the earliest first.
pub(super) fn of_later(db: &Connection, (since, until): (Stamp, Stamp), last: Stamp) -> Vec<Batch> {
    let mut heard: BTreeMap<Stamp, Vec<Fact>> = BTreeMap::new();
    for Mark { key, title: text, heard: at, .. } in newest_notes(db, last) {
        if at > until && key.at >= since && key.at <= until {
            let note = NoteFact { at: key.at, object: key.object, text };
            heard.entry(at).or_default().push(Fact::Note(Box::new(note)));
        }
    }
    let batch = |(seen_at, facts)| Batch { source: NoteFact::source(), seen_at, extent: Extent::Delta, facts };
    heard.into_iter().map(batch).collect()
}

/// All notes that are there at the end of the record: each run has those of the one before. A record that is damaged there tells
/// of an earlier span all the same, without them.
fn newest_notes(db: &Connection, last: Stamp) -> Vec<Mark> {
    let Ok(Some(target)) = seek::locate(db, last) else { return Vec::new() };
    let Ok(sought) = seek::Near::default().seek(db, target, None) else { return Vec::new() };
    let mut notes = sought.world.worth_recalling(last, 0);
    notes.retain(|mark| mark.key.kind == MarkKind::Bookmark);
    notes
}
