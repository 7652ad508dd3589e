//! What a model takes and gives, read out of its `MLmodel` file. Source: `mlflow/models/signature.py`.

use pilothouse_connect::redact_named;
use pilothouse_connect_http::failure::Failure;
use pilothouse_wire::{SmolStr, runs::Signature};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Columns and tensors of one side.
const MOST: usize = 500;
/// As deep as types lie in one another.
const DEEPEST: usize = 8;
/// As much of one line.
const LONGEST: usize = 400;
/// The largest file that is taken for one.
pub(crate) const LARGEST: usize = 1 << 20;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    signature: Option<Sides>,
    #[serde(default)]
    flavors: BTreeMap<String, Value>,
}

/// Each side is JSON in a text.
#[derive(Deserialize)]
struct Sides {
    #[serde(default)]
    inputs: Option<String>,
    #[serde(default)]
    outputs: Option<String>,
    #[serde(default)]
    params: Option<String>,
}

/// Reads a file; `None` where it says nothing of what the model takes and gives.
///
/// # Errors
/// If it is no such file.
pub(crate) fn read(body: &[u8]) -> Result<Option<Signature>, Failure> {
    let file = file(body)?;
    let Some(sides) = file.signature else { return Ok(None) };
    let side = |json: Option<String>| match json {
        None => Ok(Vec::new()),
        Some(json) => {
            let list: Option<Vec<Value>> =
                serde_json::from_str(&json).map_err(|_| unreadable("broken: a side is no list"))?;
            Ok(list.unwrap_or_default().iter().take(MOST).map(line).collect())
        }
    };
    Ok(Some(Signature {
        inputs: side(sides.inputs)?,
        outputs: side(sides.outputs)?,
        params: side(sides.params)?,
        flavours: file.flavors.iter().map(|(name, of)| flavour(name, of)).collect(),
    }))
}

/// How a model was saved: each flavour with its plain settings, `transformers.task`. Values that are called like a secret are
/// taken out.
///
/// # Errors
/// If it is no such file.
pub(crate) fn settings(body: &[u8]) -> Result<Vec<(SmolStr, String)>, Failure> {
    let file = file(body)?;
    let settings = file.flavors.iter().flat_map(|(flavour, of)| {
        let plain = of.as_object().into_iter().flatten().filter_map(|(key, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                _ => return None,
            };
            Some((key, cut(redact_named(key, &value))))
        });
        plain.map(move |(key, value)| (SmolStr::from(format!("{flavour}.{key}")), value))
    });
    Ok(settings.take(MOST).collect())
}

fn file(body: &[u8]) -> Result<File, Failure> {
    if body.len() > LARGEST {
        return Err(Failure::TooLarge(LARGEST));
    }
    let text = std::str::from_utf8(body).map_err(|_| unreadable("no text"))?;
    // What stands there is anybody's, so the reader's own words, which repeat it, are not told.
    serde_saphyr::from_str(text).map_err(|_| unreadable("no YAML of that form"))
}

fn unreadable(why: &str) -> Failure {
    Failure::Unreadable(format!("its MLmodel file is {why}"))
}

/// `question: string`, `Tensor(float32, [-1, 10])`, `limit?: long = 10`.
fn line(of: &Value) -> String {
    let optional = if of["required"] == Value::Bool(false) { "?" } else { "" };
    let default = match &of["default"] {
        Value::Null => String::new(),
        value => format!(" = {value}"),
    };
    let kind = kind(of, 0);
    let text = match of["name"].as_str() {
        Some(name) => format!("{name}{optional}: {kind}{default}"),
        None => format!("{kind}{optional}{default}"),
    };
    cut(text)
}

fn kind(of: &Value, depth: usize) -> String {
    if depth > DEEPEST {
        return "…".into();
    }
    let spec = &of["tensor-spec"];
    match of["type"].as_str().unwrap_or("unknown") {
        "tensor" => format!("Tensor({}, {})", spec["dtype"].as_str().unwrap_or("unknown"), shape(&spec["shape"])),
        "array" => format!("Array({})", kind(&of["items"], depth + 1)),
        "map" => format!("Map({})", kind(&of["values"], depth + 1)),
        "object" => {
            let fields = of["properties"].as_object().into_iter().flatten().map(|(name, field)| {
                let optional = if field["required"] == Value::Bool(false) { "?" } else { "" };
                format!("{name}{optional}: {}", kind(field, depth + 1))
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        plain => match &of["shape"] {
            Value::Array(_) => format!("{plain} {}", shape(&of["shape"])),
            _ => plain.to_owned(),
        },
    }
}

fn shape(of: &Value) -> String {
    let sizes = of.as_array().into_iter().flatten().map(Value::to_string);
    format!("[{}]", sizes.collect::<Vec<_>>().join(", "))
}

/// A kind in which it was saved, with the version that it names by itself: `sklearn_version`, `transformers_version`.
fn flavour(name: &str, of: &Value) -> String {
    let version = of[format!("{name}_version")].as_str();
    cut(version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
}

fn cut(text: String) -> String {
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_read_side_by_side() {
        let file = r#"
artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.sklearn
    python_version: 3.11.7
  sklearn:
    sklearn_version: 1.5.2
signature:
  inputs: '[{"type": "string", "name": "question", "required": true}, {"type": "long", "name": "limit", "required": false},
    {"type": "array", "items": {"type": "object", "properties": {"role": {"type": "string", "required": true}, "at": {"type": "datetime", "required": false}}}, "name": "messages", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 10]}}]'
  params: '[{"name": "temperature", "default": 0.5, "shape": null, "type": "double"}, {"name": "stop", "default": ["a"], "shape": [-1], "type": "string"}]'
"#;
        let signature = read(file.as_bytes()).unwrap().unwrap();
        assert_eq!(
            signature.inputs,
            ["question: string", "limit?: long", "messages: Array({role: string, at?: datetime})"]
        );
        assert_eq!(signature.outputs, ["Tensor(float32, [-1, 10])"]);
        assert_eq!(signature.params, ["temperature: double = 0.5", "stop: string [-1] = [\"a\"]"]);
        assert_eq!(signature.flavours, ["python_function", "sklearn 1.5.2"]);
    }

    #[test]
    fn how_it_was_saved_is_read_as_plain_settings_and_without_secrets() {
        let file = "flavors:\n  transformers:\n    task: text-generation\n    transformers_version: 4.57.0\n    \
                    hub_token: hunter2\n    components:\n    - tokenizer\n  python_function:\n    model_path: data\n";
        let all = settings(file.as_bytes()).unwrap();
        let lines: Vec<String> = all.iter().map(|(key, value)| format!("{key} {value}")).collect();
        assert_eq!(
            lines,
            [
                "python_function.model_path data",
                "transformers.task text-generation",
                "transformers.transformers_version 4.57.0",
                "transformers.hub_token …",
            ]
        );
        assert_eq!(settings(b"artifact_path: model\n").unwrap(), []);
        assert!(settings(b"flavors: [\n").is_err());
    }

    #[test]
    fn a_file_without_one_has_none_and_a_broken_one_is_told_without_its_words() {
        assert_eq!(read(b"artifact_path: model\n").unwrap(), None);
        assert_eq!(read(b"signature:\n  inputs: 'null'\n").unwrap(), Some(Signature::default()));
        for broken in [&b"hunter2: [\n"[..], b"signature:\n  inputs: 'hunter2'\n", b"\xff\xfe", b"signature: hunter2\n"]
        {
            let Err(Failure::Unreadable(why)) = read(broken) else { panic!("{broken:?} can be read") };
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn types_in_types_end() {
        let mut nested = serde_json::json!({ "type": "string" });
        for _ in 0..60 {
            nested = serde_json::json!({ "type": "array", "items": nested });
        }
        assert!(line(&nested).contains('…'));
    }
}
