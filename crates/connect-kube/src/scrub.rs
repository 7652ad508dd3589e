//! Takes secrets out of what servers and programs say, before anybody keeps or shows it.

use pilothouse_connect::{GONE, looks_secret, redact_arguments, redact_url};
use serde_json::{Map, Value};

/// Holds a copy of the object as it was applied, with everything that is taken out elsewhere.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Parts of a ConfigMap, or of a Secret, whose values are for programs alone.
const DATA: &[&str] = &["data", "binaryData", "stringData"];

/// Ends of names that say where a secret is, and not what it is.
const POINTERS: &[&str] = &["name", "namespace", "ref", "class", "kind", "type", "mode", "path", "provider", "policy"];

/// Takes out of an object: values of variables and headers, of ConfigMaps and Secrets, secret arguments, values that look
/// like credentials, and what tools keep for themselves.
pub(crate) fn scrub(object: &mut Value) {
    if matches!(object["kind"].as_str(), Some("ConfigMap" | "Secret")) {
        let parts = DATA.iter().filter_map(|part| object.get(*part).is_some().then_some(*part)).collect::<Vec<_>>();
        for part in parts {
            hide_values(&mut object[part]);
        }
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    walk(object);
}

fn walk(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                field(key, value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(walk),
        Value::String(text) if text.contains("://") => *text = redact_url(text),
        _ => {}
    }
}

fn field(key: &str, value: &mut Value) {
    match (key, value) {
        ("env" | "httpHeaders", Value::Array(items)) => items.iter_mut().for_each(hide_value),
        ("command" | "args", Value::Array(items)) => arguments(items),
        // Maps of free text, written by people and tools.
        (
            "annotations" | "labels" | "volumeAttributes" | "options" | "matchLabels" | "nodeSelector",
            Value::Object(pairs),
        ) => {
            free_text(pairs);
        }
        // Custom resources have fields for anything.
        (key, value @ (Value::String(_) | Value::Array(_))) if holds_secret(key) => hide_texts(value),
        (_, value) => walk(value),
    }
}

/// Is this the name of a field that holds a secret, and does not only point at one?
fn holds_secret(key: &str) -> bool {
    let lower = key.to_lowercase();
    names_secret(key) && !POINTERS.iter().any(|end| lower.ends_with(end))
}

fn hide_texts(value: &mut Value) {
    match value {
        Value::String(text) if !text.is_empty() => *value = GONE.into(),
        Value::Array(items) => items.iter_mut().for_each(hide_texts),
        other => walk(other),
    }
}

fn hide_values(map: &mut Value) {
    for value in map.as_object_mut().into_iter().flat_map(Map::values_mut) {
        *value = GONE.into();
    }
}

fn hide_value(item: &mut Value) {
    if let Some(value) = item.get_mut("value").filter(|value| value.as_str() != Some("")) {
        *value = GONE.into();
    }
    walk(item);
}

fn arguments(items: &mut [Value]) {
    let texts: Vec<&str> = items.iter().map(|item| item.as_str().unwrap_or_default()).collect();
    let redacted: Vec<Value> = redact_arguments(&texts).into_iter().map(Value::String).collect();
    items.clone_from_slice(&redacted);
}

fn free_text(pairs: &mut Map<String, Value>) {
    for (key, value) in pairs.iter_mut() {
        let Value::String(text) = value else {
            walk(value);
            continue;
        };
        if names_secret(key) || looks_secret(text) || text.split(breaks).any(assigns_secret) {
            *value = GONE.into();
        } else {
            *text = redact_url(text);
        }
    }
}

fn breaks(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '{' | '}' | '&' | '[' | ']')
}

/// Does `redact_arguments` find a secret in `name=…`? Its list of names is the one list of them.
fn names_secret(name: &str) -> bool {
    let pair = format!("{}=x", name.replace('=', "-"));
    redact_arguments(&[&pair])[0] != pair
}

/// Is this `password=…`, or `"password": …` of JSON or YAML?
fn assigns_secret(word: &str) -> bool {
    let end = word.find(['=', ':']).unwrap_or(0);
    end > 0 && names_secret(word[..end].trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_looks_like_a_secret_is_told_from_what_does_not() {
        for secret in [
            "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMyJ9.e30.abc",
            "AKIAIOSFODNN7EXAMPLE1234567890",
            "4f9d2c1ab38e7765ffeab0011223344556677889",
            "x -----BEGIN PRIVATE KEY-----",
        ] {
            assert!(looks_secret(secret), "{secret}");
        }
        for plain in [
            "ip-10-0-0-1.eu-west-1.compute.internal",
            "chat-70b-7c9f4d-x2k8q-and-more-12345",
            "2026-11-24T03:12:44.123456789Z",
            "registry/models/server@sha256:4f9d2c1ab38e7765ffeab00112233445566778899aabbccddeeff001122334455",
            "/usr/local/share/some-tool/configuration.yaml",
            "a long sentence that says nothing of interest 123",
        ] {
            assert!(!looks_secret(plain), "{plain}");
        }
    }

    #[test]
    fn a_config_map_keeps_its_keys_and_a_custom_resource_what_points_at_secrets() {
        let mut map =
            json!({ "kind": "ConfigMap", "data": { "app.yaml": "hunter2" }, "binaryData": { "b": "aHVudGVyMg==" } });
        scrub(&mut map);
        assert_eq!(map, json!({ "kind": "ConfigMap", "data": { "app.yaml": GONE }, "binaryData": { "b": GONE } }));
        let mut own = json!({ "kind": "Backup", "spec": {
            "password": "hunter2", "clientSecret": "hunter2", "tokens": ["hunter2"], "secretName": "s3",
            "tokenRef": { "name": "t", "key": "k" }, "auth": { "token": "hunter2", "type": "basic" },
            "imagePullSecrets": [{ "name": "reg" }], "image": "x" } });
        scrub(&mut own);
        assert_eq!(
            own["spec"],
            json!({
            "password": GONE, "clientSecret": GONE, "tokens": [GONE], "secretName": "s3",
            "tokenRef": { "name": "t", "key": "k" }, "auth": { "token": GONE, "type": "basic" },
            "imagePullSecrets": [{ "name": "reg" }], "image": "x" })
        );
    }

    #[test]
    fn an_object_loses_its_secrets_and_keeps_the_rest() {
        let mut pod = json!({
            "metadata": {
                "name": "chat",
                "managedFields": [{ "manager": "x" }],
                "annotations": {
                    LAST_APPLIED: "{\"env\":\"hunter2\"}",
                    "team": "serving",
                    "vault/token": "hunter2",
                    "note": "db=postgres password: hunter2",
                    "json": "{\"apiKey\":\"hunter2\",\"a\":1}",
                    "link": "https://me:hunter2@example/x"
                }
            },
            "spec": {
                "containers": [{
                    "env": [
                        { "name": "A", "value": "hunter2" },
                        { "name": "B", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } },
                        { "name": "C", "value": "" }
                    ],
                    "command": ["serve", "--api-key", "hunter2"],
                    "args": ["--token=hunter2", "--port=80"],
                    "livenessProbe": {
                        "exec": { "command": ["check", "--password=hunter2"] },
                        "httpGet": { "httpHeaders": [{ "name": "Authorization", "value": "hunter2" }] }
                    }
                }],
                "volumes": [{ "csi": { "volumeAttributes": { "clientSecret": "hunter2", "share": "models" } } }]
            }
        });
        scrub(&mut pod);
        let text = pod.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(pod["metadata"]["annotations"]["team"], "serving");
        assert_eq!(pod["metadata"]["annotations"]["link"], "https://example/x");
        assert_eq!(pod["spec"]["containers"][0]["env"][1]["valueFrom"]["secretKeyRef"]["name"], "s");
        assert_eq!(pod["spec"]["containers"][0]["env"][2]["value"], "");
        assert_eq!(pod["spec"]["containers"][0]["args"], json!(["--token=…", "--port=80"]));
        assert_eq!(pod["spec"]["volumes"][0]["csi"]["volumeAttributes"]["share"], "models");
        assert!(pod["metadata"].get("managedFields").is_none());
    }
}
