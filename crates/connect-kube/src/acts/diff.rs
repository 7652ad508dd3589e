//! Which fields of an object would be others.

use pilothouse_connect::redact_url;
use pilothouse_wire::plan::FieldChange;
use serde_json::Value;

/// As many are shown.
pub(super) const MOST: usize = 200;
/// The longest value that is shown.
const LONGEST: usize = 400;

/// What each write changes by itself.
const BOOKKEEPING: &[&str] = &["/metadata/generation", "/metadata/resourceVersion", "/metadata/managedFields"];

/// The fields that differ, in the order of their paths: of the status, or of all else.
pub(super) fn changes(from: &Value, to: &Value, status: bool) -> Vec<FieldChange> {
    let mut all = Vec::new();
    compare(String::new(), Some(from), Some(to), &mut all);
    all.retain(|change| change.path.starts_with("/status") == status);
    all
}

/// The fields of an object that is not there yet, in the order of their paths.
pub(super) fn fields(path: String, of: &Value, all: &mut Vec<FieldChange>) {
    match of {
        Value::Object(fields_of) if !fields_of.is_empty() => {
            for (key, value) in fields_of {
                fields(format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), value, all);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (place, item) in items.iter().enumerate() {
                fields(format!("{path}/{place}"), item, all);
            }
        }
        value => all.push(FieldChange { path, from: None, to: Some(shown(value)) }),
    }
}

fn compare(path: String, from: Option<&Value>, to: Option<&Value>, all: &mut Vec<FieldChange>) {
    if from == to || BOOKKEEPING.contains(&path.as_str()) {
        return;
    }
    let (a, b) = (from.filter(|value| !value.is_null()), to.filter(|value| !value.is_null()));
    match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let below = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                compare(below, a.get(key), b.get(key), all);
            }
        }
        // Items of a list have names more often than places: a list of another length is shown whole.
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            for (place, (a, b)) in a.iter().zip(b).enumerate() {
                compare(format!("{path}/{place}"), Some(a), Some(b), all);
            }
        }
        (None, None) => {}
        _ => all.push(FieldChange { path, from: a.map(shown), to: b.map(shown) }),
    }
}

/// What stands at a path, as a change shows it; none where nothing does.
pub(super) fn shown_at(object: &Value, path: &str) -> Option<String> {
    object.pointer(path).filter(|value| !value.is_null()).map(shown)
}

fn shown(value: &Value) -> String {
    // An address may have a credential in it.
    let text = value.as_str().map_or_else(|| value.to_string(), redact_url);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
