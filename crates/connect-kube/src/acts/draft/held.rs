//! Guards: fields that have to be as they were read, how they are sent, and how they are shown.

use crate::scrub::scrub;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A value of more bytes is shown by a digest.
const LONGEST: usize = 160;

/// A field that has to be as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::acts) struct Guard {
    pub path: String,
    pub value: Value,
}

impl Guard {
    pub fn new(path: &str, value: Value) -> Self {
        Self { path: path.to_owned(), value }
    }

    /// As an operation of a patch.
    pub fn test(&self) -> Value {
        json!({ "op": "test", "path": self.path, "value": self.value })
    }

    /// As a person sees it.
    pub fn shown(&self) -> (String, String) {
        (self.path.clone(), shown(&self.path, &self.value))
    }
}

/// A value that is held, as a person sees it: of a part of an object that is long, or has values under names, a digest without
/// its secrets.
pub(in crate::acts) fn shown(path: &str, value: &Value) -> String {
    if !value.is_object() && !value.is_array() {
        return value.to_string();
    }
    // What is a secret is told by the names of fields, that of the whole among them.
    let key = path.rsplit('/').next().unwrap_or_default();
    let mut of = json!({ key: bare(value) });
    scrub(&mut of);
    let text = of[key].to_string();
    let is_plain = text.len() <= LONGEST && !text.contains("\"value\":");
    if is_plain { text } else { format!("as it was read ({})", digest(text.as_bytes())) }
}

/// A part of an object with its fields in one order, and of pairs of a name and a value without what may be a secret.
pub(super) fn bare(part: &Value) -> Value {
    match part {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> =
                fields.iter().map(|(key, value)| (key.clone(), bare(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            if let (Some(name), Some(value)) = (part["name"].as_str(), part["value"].as_str()) {
                // By the name of the one it is known what the other is.
                let mut pair = json!({ "labels": { name: value } });
                scrub(&mut pair);
                let value = pair["labels"][name].take();
                fields.iter_mut().filter(|(key, _)| key == "value").for_each(|(_, is)| is.clone_from(&value));
            }
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(bare).collect()),
        other => other.clone(),
    }
}

/// Enough of a digest to tell things of one object apart.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// A JSON patch as text. An API server compares the texts of a `test` byte by byte, as Go writes them: signs that mean something
/// in HTML stand there by their numbers. Sources: `lazyNode.equal` of evanphx/json-patch v4, `HTMLEscape` of Go's `encoding/json`.
pub(in crate::acts) fn as_sent(patch: &Value) -> String {
    let mut text = String::new();
    for sign in patch.to_string().chars() {
        match sign {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", u32::from(sign))),
            sign => text.push(sign),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_shown_without_secrets_and_in_bounds() {
        assert_eq!(shown("/spec/replicas", &json!(4)), "4");
        assert_eq!(shown("/spec/paused", &json!("a")), "\"a\"");
        let env = |value: &str| json!([{ "name": "A", "value": value }]);
        assert_eq!(shown("/spec/env", &env("hunter2")), shown("/spec/env", &env("other")));
        let header = |name: &str, value: &str| json!([{ "headers": [{ "name": name, "value": value }] }]);
        let held = |name: &str, value: &str| shown("/spec/rules/0/matches", &header(name, value));
        assert_eq!(held("authorization", "hunter2"), held("authorization", "other"));
        assert_ne!(held("x-canary", "yes"), held("x-canary", "no"));
        assert!(held("x-canary", "yes").starts_with("as it was read ("));
        let template =
            |image: &str| json!({ "spec": { "containers": [{ "image": image, "args": vec!["--long"; 40] }] } });
        let long = shown("/spec/template", &template("vllm:1"));
        assert!(long.starts_with("as it was read (") && long.len() < 40, "{long}");
        assert_ne!(long, shown("/spec/template", &template("vllm:2")));
    }

    #[test]
    fn a_patch_is_written_as_an_api_server_writes_what_it_is_held_against() {
        let patch = json!([{ "op": "test", "path": "/a", "value": "a && b > \"c\" < \u{2028}é" }]);
        let text = as_sent(&patch);
        assert!(text.contains(r#""a \u0026\u0026 b \u003e \"c\" \u003c \u2028é""#), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), patch);
    }
}
