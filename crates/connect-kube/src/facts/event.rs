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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slim::CoreEvent;
    use serde_json::{Value, json};

    fn base() -> Value {
        json!({
            "metadata": { "uid": "u", "name": "e", "creationTimestamp": "2026-11-24T03:00:00Z" },
            "regarding": { "kind": "Pod", "namespace": "serving", "name": "chat" },
            "reason": "FailedScheduling", "note": "0/3 nodes are available", "type": "Warning",
        })
    }

    #[track_caller]
    fn check(more: Value, want: Option<&str>) {
        let mut event = base();
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        let fact = facts_of_event(serde_json::from_value(event).unwrap());
        let said = fact.map(|fact| format!("{} x{} warning={}", fact.at, fact.count, fact.warning));
        assert_eq!(said.as_deref(), want);
    }

    #[test]
    fn the_last_time_and_the_largest_count_are_told() {
        check(json!({}), Some("2026-11-24T03:00:00Z x1 warning=true"));
        check(
            json!({ "eventTime": "2026-11-24T03:00:01.500000Z", "type": "Normal" }),
            Some("2026-11-24T03:00:01.5Z x1 warning=false"),
        );
        check(
            json!({ "deprecatedLastTimestamp": "2026-11-24T03:00:09Z", "deprecatedCount": 12 }),
            Some("2026-11-24T03:00:09Z x12 warning=true"),
        );
        check(
            json!({ "series": { "count": 5, "lastObservedTime": "2026-11-24T03:01:00.000000Z" }, "deprecatedCount": 2 }),
            Some("2026-11-24T03:01:00Z x5 warning=true"),
        );
    }

    #[test]
    fn what_has_no_uid_object_or_time_is_no_fact() {
        check(json!({ "metadata": { "creationTimestamp": "2026-11-24T03:00:00Z" } }), None);
        check(json!({ "metadata": { "uid": "u" } }), None);
        check(json!({ "regarding": null }), None);
    }

    #[test]
    fn an_event_of_the_core_group_says_the_same() {
        let core: CoreEvent = serde_json::from_value(json!({
            "metadata": { "uid": "u", "name": "e", "creationTimestamp": "2026-11-24T03:00:00Z" },
            "involvedObject": { "kind": "Pod", "namespace": "serving", "name": "chat" },
            "reason": "FailedScheduling", "message": "0/3 nodes are available", "type": "Warning",
        }))
        .unwrap();
        assert_eq!(facts_of_event(core.into()), facts_of_event(serde_json::from_value(base()).unwrap()));
    }

    #[test]
    fn a_long_note_is_cut_between_characters() {
        let mut event = base();
        event["note"] = "é".repeat(3_000).into();
        let fact = facts_of_event(serde_json::from_value(event).unwrap()).unwrap();
        assert_eq!(fact.note.chars().count(), LONGEST_NOTE);
    }
}
