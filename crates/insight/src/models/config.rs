//! The configuration of a model as lines that can be held against another's.

use pilothouse_wire::SmolStr;
use serde_json::Value;

/// Lines of one configuration.
const MOST: usize = 400;
/// As deep as settings lie in one another.
const DEEPEST: usize = 4;
/// As much of one value, in characters.
const LONGEST: usize = 200;

/// Each setting by its way in there: `rope_scaling.type`; lists as they are written. None for what is no object of JSON.
#[must_use]
pub fn config_lines(text: &str) -> Option<Vec<(SmolStr, String)>> {
    let config: Value = serde_json::from_str(text).ok()?;
    config.is_object().then(|| {
        let mut lines = Vec::new();
        add(&config, "", 0, &mut lines);
        lines
    })
}

fn add(of: &Value, at: &str, depth: usize, to: &mut Vec<(SmolStr, String)>) {
    if to.len() >= MOST {
        return;
    }
    match of.as_object() {
        Some(fields) if depth < DEEPEST && !(fields.is_empty() && depth > 0) => {
            for (key, value) in fields {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                add(value, &at, depth + 1, to);
            }
        }
        _ => to.push((at.into(), shown(of))),
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_by_their_way_and_bounded() {
        let lines = |text: &str| {
            let lines = config_lines(text)?;
            Some(lines.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>())
        };
        let text =
            r#"{"model_type":"llama","rope_scaling":{"type":"yarn","factor":4.0},"eos":[1,2],"none":null,"empty":{}}"#;
        assert_eq!(
            lines(text).unwrap(),
            [
                "model_type llama",
                "rope_scaling.type yarn",
                "rope_scaling.factor 4.0",
                "eos [1,2]",
                "none null",
                "empty {}"
            ]
        );
        assert_eq!(lines("{}").unwrap(), Vec::<String>::new());
        assert_eq!((lines("[1]"), lines("no JSON")), (None, None));
        let deep = format!("{}1{}", "{\"a\":".repeat(9), "}".repeat(9));
        assert_eq!(lines(&deep).unwrap(), [r#"a.a.a.a {"a":{"a":{"a":{"a":{"a":1}}}}}"#]);
        let wide: Vec<String> = (0..900).map(|n| format!("\"k{n}\":\"{}\"", "x".repeat(300))).collect();
        let lines = config_lines(&format!("{{{}}}", wide.join(","))).unwrap();
        assert_eq!((lines.len(), lines[0].1.chars().count()), (MOST, LONGEST + 1));
    }
}
