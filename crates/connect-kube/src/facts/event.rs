//! Events into facts.

use super::{some, stamp};
use crate::slim::Event;
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::EventFact;

/// Longer notes are cut: they are shown as a line.
const LONGEST_NOTE: usize = 1_024;

/// What an event says; `None` for one without a uid, an object or a time.
#[must_use]
pub fn facts_of_event(event: Event) -> Option<EventFact> {
    let meta = event.metadata.unwrap_or_default();
    let regarding = event.regarding.unwrap_or_default();
    let last = event.series.as_ref().and_then(|series| stamp(series.last_observed_time));
    let at = last
        .or_else(|| stamp(event.deprecated_last_timestamp))
        .or_else(|| stamp(event.event_time))
        .or_else(|| stamp(meta.creation_timestamp))?;
    let count = event.series.map_or(0, |series| series.count).max(event.deprecated_count).max(1);
    Some(EventFact {
        uid: some(&meta.uid)?,
        kind: SmolStr::new(&regarding.kind),
        namespace: some(&regarding.namespace),
        name: some(&regarding.name)?,
        warning: event.r#type == "Warning",
        reason: SmolStr::new(&event.reason),
        note: cut(event.note),
        count: u32::try_from(count).unwrap_or(1),
        at,
    })
}

fn cut(mut note: String) -> String {
    if let Some((end, _)) = note.char_indices().nth(LONGEST_NOTE) {
        note.truncate(end);
        note.shrink_to_fit();
    }
    note
}
