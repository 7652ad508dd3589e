//! An object of a kind that nobody here knows: conditions, and its fields by their names.

use super::fields::{conditions, mono, row, scalar, section, table};
use pilothouse_wire::{
    describe::Section,
    units::{bytes, count},
    view::FieldRow,
};
use serde_json::Value;

/// Fields of a part that are shown at most; the YAML has all.
const MOST: usize = 80;
/// So many fields within one another.
const DEEPEST: usize = 8;
/// What is shown elsewhere, or says nothing to a person.
const ELSEWHERE: &[&str] = &["apiVersion", "kind", "metadata", "status"];

/// The parts of any object.
pub(super) fn sections(object: &Value) -> Vec<Section> {
    let mut all = vec![part("Status", without_conditions(&object["status"]).as_ref()), conditions(object)];
    let rest = object.as_object().into_iter().flatten().filter(|(key, _)| !ELSEWHERE.contains(&key.as_str()));
    all.extend(rest.map(|(key, value)| part(&capital(key), Some(value))));
    all
}

/// The keys of a ConfigMap with the size of what is behind each: `None` for another kind. Of the object as it was read,
/// since its values are gone once it is scrubbed.
pub(super) fn data(object: &Value) -> Option<Section> {
    if object["kind"] != "ConfigMap" {
        return None;
    }
    let keys = ["data", "binaryData"].into_iter().flat_map(|part| object[part].as_object().into_iter().flatten());
    let size = |value: &Value| value.as_str().map(|text| bytes(text.len() as u64));
    let rows = keys.map(|(key, value)| vec![Some(key.clone()), size(value)]).collect();
    Some(Section { note: Some("Values are not shown.".to_owned()), ..table("Data", &["Key", "Size"], rows) })
}

fn without_conditions(status: &Value) -> Option<Value> {
    let mut status = status.as_object()?.clone();
    // Those of another form are fields like any other.
    if status
        .get("conditions")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().all(|one| one["type"].is_string()))
    {
        status.remove("conditions");
    }
    Some(Value::Object(status))
}

fn part(title: &str, value: Option<&Value>) -> Section {
    let mut rows = Vec::new();
    let mut left_out = 0;
    if let Some(value) = value {
        leaves(String::new(), value, 0, &mut |path, value| {
            if rows.len() < MOST { rows.push(field(path, value)) } else { left_out += 1 }
        });
    }
    let note = (left_out > 0).then(|| format!("{} more fields are in the YAML.", count(left_out)));
    Section { note, ..section(title, rows) }
}

fn field(path: String, value: String) -> FieldRow {
    if path.is_empty() { mono("Value", Some(value)) } else { row(path, Some(value)) }
}

/// Tells each value that is no map and no list, with the path to it: `predictor.model.runtime`, `hosts[0]`.
fn leaves(path: String, value: &Value, depth: usize, tell: &mut impl FnMut(String, String)) {
    if depth > DEEPEST {
        return tell(path, "… (see the YAML)".to_owned());
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(path, value, depth + 1, tell);
            }
        }
        Value::Array(items) if items.iter().all(|item| scalar(item).is_some()) => {
            if !items.is_empty() {
                tell(path, items.iter().filter_map(scalar).collect::<Vec<_>>().join(", "));
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                leaves(format!("{path}[{at}]"), item, depth + 1, tell);
            }
        }
        other => {
            if let Some(text) = scalar(other) {
                tell(path, text);
            }
        }
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_told_by_their_paths_and_many_are_counted() {
        let object = json!({
            "apiVersion": "v1", "kind": "Thing", "metadata": { "name": "x" },
            "spec": { "hosts": ["a", "b"], "model": { "none": null, "uri": "s3://m" }, "ports": [{ "n": 1 }, { "n": 2 }] },
            "status": { "url": "http://x", "conditions": [{ "type": "Ready", "status": "True" }] },
        });
        let told: Vec<String> = sections(&object)
            .iter()
            .flat_map(|section| {
                let rows = section.rows.iter();
                rows.map(|row| format!("{} {}={}", section.title, row.label, row.value.clone().unwrap_or_default()))
            })
            .collect();
        assert_eq!(
            told,
            [
                "Status url=http://x",
                "Spec hosts=a, b",
                "Spec model.uri=s3://m",
                "Spec ports[0].n=1",
                "Spec ports[1].n=2"
            ]
        );
        let many: serde_json::Map<String, Value> = (0..200).map(|n| (format!("f{n}"), json!(n))).collect();
        let part = part("Spec", Some(&Value::Object(many)));
        assert_eq!((part.rows.len(), part.note.as_deref()), (MOST, Some("120 more fields are in the YAML.")));
    }

    #[test]
    fn a_config_map_tells_its_keys_and_no_value() {
        let section = data(&json!({ "kind": "ConfigMap", "data": { "app.yaml": "hunter2" } })).unwrap();
        assert_eq!(section.table.as_ref().unwrap().rows, [[Some("app.yaml".to_owned()), Some("7 B".to_owned())]]);
        assert!(!format!("{section:?}").contains("hunter2"));
        assert_eq!(data(&json!({ "kind": "Secret", "data": { "a": "b" } })), None);
    }

    #[test]
    fn what_is_nested_without_end_ends() {
        let deep = (0..100).fold(json!("bottom"), |inner, _| json!({ "a": inner }));
        let part = part("Spec", Some(&deep));
        assert_eq!(part.rows.len(), 1);
        assert!(part.rows[0].value.as_deref().unwrap().starts_with('…'));
    }
}
