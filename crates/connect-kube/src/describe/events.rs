//! The events about an object, read from the server now.
//!
//! Source: `events` of the core group, found by `involvedObject` as kubectl does.

use super::{About, fields::text, page::Page};
use crate::{
    client::{Client, JSON, PATIENCE},
    facts::facts_of_event,
    failure::{Call, Failure},
    slim::CoreEvent,
};
use pilothouse_wire::{Problem, view::EventRow};
use serde_json::Value;

/// Events that are read at most.
const READ: usize = 500;
/// Events that are shown at most.
const SHOWN: usize = 100;

/// What is known of the events about an object.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Events {
    /// The newest, newest first.
    pub(super) rows: Vec<EventRow>,
    /// Are there more?
    pub(super) more: bool,
    /// Why they could not be read.
    pub(super) problem: Option<Problem>,
}

/// Reads the events about an object.
pub(super) async fn about(client: &Client, about: &About<'_>) -> Events {
    let namespace = about.spot.namespace.as_ref().map(ToString::to_string);
    let place = namespace.as_ref().map_or_else(|| "/api/v1".to_owned(), |name| format!("/api/v1/namespaces/{name}"));
    let path = format!("{place}/events?limit={READ}&fieldSelector={}", selector(about));
    let call = Call { verb: "list", group: "".into(), resource: "events".to_owned(), namespace };
    let (uid, is_node) = (text(about.object, "/metadata/uid"), about.spot.kind.plural == "nodes");
    let read = match client.get(&call, &path, JSON, PATIENCE).await {
        Ok(answer) => read(&answer.body, uid.as_deref(), is_node)
            .ok_or_else(|| Failure::Unreadable("It is no list of events".to_owned())),
        Err(failure) => Err(failure),
    };
    read.unwrap_or_else(|failure| Events { problem: Some(failure.problem(&client.place)), ..Events::default() })
}

fn selector(about: &About<'_>) -> String {
    format!("involvedObject.kind={},involvedObject.name={}", about.spot.kind.kind, about.spot.name)
}

/// Is an event about an earlier object of the same name? A kubelet writes its node's name in place of a uid, and some
/// writers none.
fn is_of_another(event: &Value, uid: Option<&str>, is_node: bool) -> bool {
    let theirs = event.pointer("/involvedObject/uid").and_then(Value::as_str).filter(|uid| !uid.is_empty());
    !is_node && theirs.zip(uid).is_some_and(|(theirs, ours)| theirs != ours)
}

fn read(body: &[u8], uid: Option<&str>, is_node: bool) -> Option<Events> {
    let page = Page::read(body)?;
    let more = page.more();
    let events = page.items().filter(|event| !is_of_another(event, uid, is_node));
    let facts = events.filter_map(|event| facts_of_event(serde_json::from_value::<CoreEvent>(event).ok()?.into()));
    let mut rows: Vec<EventRow> = facts
        .map(|fact| EventRow {
            at: fact.at,
            warning: fact.warning,
            reason: fact.reason,
            note: fact.note,
            count: fact.count,
        })
        .collect();
    rows.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.note.cmp(&b.note)));
    let more = rows.len() > SHOWN || more;
    rows.truncate(SHOWN);
    Some(Events { rows, more, problem: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_of_an_earlier_object_of_the_name_are_left_out() {
        let event = |uid: Option<&str>| json!({ "involvedObject": { "uid": uid } });
        for (theirs, is_node, want) in [
            (Some("ours"), false, false),
            (Some("earlier"), false, true),
            (Some(""), false, false),
            (None, false, false),
            // A kubelet's own.
            (Some("h100-1"), true, false),
        ] {
            assert_eq!(is_of_another(&event(theirs), Some("ours"), is_node), want, "{theirs:?}");
        }
    }

    #[test]
    fn the_newest_comes_first_and_a_broken_one_hides_none() {
        let event = |uid: &str, at: &str, count: u32| {
            json!({
                "metadata": { "uid": uid, "name": uid }, "involvedObject": { "kind": "Pod", "name": "chat" },
                "reason": "BackOff", "message": uid, "type": "Warning", "lastTimestamp": at, "count": count,
            })
        };
        let body = json!({ "items": [
            event("old", "2026-11-24T03:00:00Z", 1), { "count": "many" }, event("new", "2026-11-24T03:09:00Z", 12),
        ] });
        let events = read(body.to_string().as_bytes(), Some("ours"), false).unwrap();
        let told: Vec<String> = events.rows.iter().map(|row| format!("{} x{}", row.note, row.count)).collect();
        assert_eq!(told, ["new x12", "old x1"]);
        assert!(!events.more);
        assert!(read(b"{\"metadata\":{\"continue\":\"x\"},\"items\":null}", None, false).unwrap().more);
        assert_eq!(read(b"<html>", None, false), None);
    }
}
