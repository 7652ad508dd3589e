//! Fields of an object as labels with values.

use pilothouse_wire::{
    SmolStr,
    describe::{Grid, Section},
    view::FieldRow,
};
use serde_json::Value;

/// A field as a person reads it: text as it is, numbers and truths as words; absent for null, maps and lists.
pub(super) fn text(object: &Value, pointer: &str) -> Option<String> {
    scalar(object.pointer(pointer)?)
}

/// A value that is no map and no list.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The items of a list; none if it is absent.
pub(super) fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `a=b, c=d` of a map of texts, in the server's order; absent if it is empty.
pub(super) fn pairs(object: &Value, pointer: &str) -> Option<String> {
    let map = object.pointer(pointer)?.as_object().filter(|map| !map.is_empty())?;
    let pair = |(key, value): (&String, &Value)| format!("{key}={}", scalar(value).unwrap_or_default());
    Some(map.iter().map(pair).collect::<Vec<_>>().join(", "))
}

/// A label with its value.
pub(super) fn row(label: impl Into<SmolStr>, value: Option<String>) -> FieldRow {
    FieldRow { label: label.into(), value, mono: false, link: None }
}

/// A label with an id.
pub(super) fn mono(label: impl Into<SmolStr>, value: Option<String>) -> FieldRow {
    FieldRow { mono: true, ..row(label, value) }
}

/// Rows for those of the fields that are there.
pub(super) fn present(object: &Value, fields: &[(&'static str, &str)]) -> Vec<FieldRow> {
    let there = |(label, pointer): &(&'static str, &str)| {
        text(object, pointer).map(|value| row(SmolStr::new_static(label), Some(value)))
    };
    fields.iter().filter_map(there).collect()
}

/// A section with rows only.
pub(super) fn section(title: impl Into<String>, rows: Vec<FieldRow>) -> Section {
    Section { title: title.into(), rows, ..Section::default() }
}

/// A section with a table only.
pub(super) fn table(title: &str, heads: &[&'static str], rows: Vec<Vec<Option<String>>>) -> Section {
    let grid = Grid { heads: heads.iter().map(|head| SmolStr::new_static(head)).collect(), rows };
    Section { title: title.to_owned(), table: Some(grid), ..Section::default() }
}

/// The conditions of an object, as it tells them.
pub(super) fn conditions(object: &Value) -> Section {
    let rows = items(object, "/status/conditions").iter().filter(|one| one["type"].is_string()).map(|one| {
        let since = text(one, "/lastTransitionTime").or_else(|| text(one, "/lastUpdateTime"));
        vec![text(one, "/type"), text(one, "/status"), since, text(one, "/reason"), text(one, "/message")]
    });
    table("Conditions", &["Type", "Status", "Since", "Reason", "Message"], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn absent_is_neither_empty_nor_zero() {
        let object = json!({ "a": 0, "b": "", "c": null, "d": false, "e": [1], "m": {}, "n": { "x": 2, "y": "1" } });
        for (pointer, want) in
            [("/a", Some("0")), ("/b", Some("")), ("/c", None), ("/d", Some("no")), ("/e", None), ("/z", None)]
        {
            assert_eq!(text(&object, pointer).as_deref(), want, "{pointer}");
        }
        assert_eq!(pairs(&object, "/m"), None);
        assert_eq!(pairs(&object, "/n").as_deref(), Some("x=2, y=1"));
    }

    #[test]
    fn conditions_say_since_when_and_why() {
        let object = json!({ "status": { "conditions": [
            { "type": "Ready", "status": "False", "lastTransitionTime": "2026-11-24T03:00:00Z", "reason": "Down" },
            "no condition",
        ] } });
        let rows = conditions(&object).table.unwrap().rows;
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(rows, [[text("Ready"), text("False"), text("2026-11-24T03:00:00Z"), text("Down"), None]]);
    }
}
