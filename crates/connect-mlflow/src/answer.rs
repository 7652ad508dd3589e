//! What the registry answers, as facts. Source: `model_registry.proto` of mlflow/mlflow.

use pilothouse_connect::{redact_named, redact_url};
use pilothouse_connect_http::failure::Failure;
use pilothouse_wire::{SmolStr, Stamp, view::Readiness};
use pilothouse_world::fact::{ModelFact, VersionFact};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// As much of what people write is kept, in characters.
const LONGEST_TEXT: usize = 1_024;
/// As much of a tag's value, a source and a name.
const LONGEST_VALUE: usize = 512;
/// Tags of one thing.
const MOST_TAGS: usize = 64;
/// Aliases of one model.
const MOST_ALIASES: usize = 256;
/// The tag of a prompt, which lies among the models and is none.
const PROMPT: &str = "mlflow.prompt.is_prompt";

/// A page of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// What could be read.
    pub list: Vec<T>,
    /// How many could not.
    pub dropped: u64,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
}

/// A pair, as all of its messages have them.
#[derive(Deserialize)]
pub(crate) struct Pair {
    pub key: SmolStr,
    #[serde(default)]
    pub value: String,
}

#[derive(Deserialize)]
struct Model {
    name: SmolStr,
    #[serde(default, deserialize_with = "int")]
    creation_timestamp: Option<i64>,
    #[serde(default, deserialize_with = "int")]
    last_updated_timestamp: Option<i64>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Pair>,
    #[serde(default)]
    aliases: Vec<Alias>,
}

#[derive(Deserialize)]
struct Alias {
    alias: SmolStr,
    #[serde(deserialize_with = "int")]
    version: Option<i64>,
}

#[derive(Deserialize)]
struct Version {
    name: SmolStr,
    #[serde(deserialize_with = "int")]
    version: Option<i64>,
    #[serde(default, deserialize_with = "int")]
    creation_timestamp: Option<i64>,
    #[serde(default, deserialize_with = "int")]
    last_updated_timestamp: Option<i64>,
    #[serde(default)]
    current_stage: Option<SmolStr>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    run_id: Option<String>,
    #[serde(default)]
    model_id: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    status: Option<SmolStr>,
    #[serde(default)]
    status_message: Option<String>,
    #[serde(default)]
    tags: Vec<Pair>,
}

/// Reads a page of `registered-models/search`: models without their versions.
///
/// # Errors
/// If it is no such page. Single models that cannot be read are counted; prompts are none.
pub(crate) fn models(body: &[u8]) -> Result<Page<ModelFact>, Failure> {
    let mut page = page::<Model>(body, "registered_models")?;
    page.list.retain(|model| !model.tags.iter().any(|tag| tag.key == PROMPT && tag.value.eq_ignore_ascii_case("true")));
    let model = |model: Model| {
        let alias = |alias: Alias| Some((cut(alias.alias, LONGEST_VALUE), number(alias.version)?));
        let mut aliases: Vec<(SmolStr, u64)> = model.aliases.into_iter().filter_map(alias).take(MOST_ALIASES).collect();
        aliases.sort();
        aliases.dedup_by(|later, earlier| later.0 == earlier.0);
        ModelFact {
            name: model.name,
            created: stamp(model.creation_timestamp),
            updated: stamp(model.last_updated_timestamp),
            description: text(model.description),
            tags: tags(model.tags),
            aliases,
            versions: Vec::new(),
            more: 0,
        }
    };
    Ok(Page { list: page.list.into_iter().map(model).collect(), dropped: page.dropped, next: page.next })
}

/// Reads a page of `model-versions/search`: versions, each with the name of its model.
///
/// # Errors
/// If it is no such page. Single versions that cannot be read are counted.
pub(crate) fn versions(body: &[u8]) -> Result<Page<(SmolStr, VersionFact)>, Failure> {
    let page = page::<Version>(body, "model_versions")?;
    let (mut list, mut dropped) = (Vec::new(), page.dropped);
    for version in page.list {
        match number(version.version) {
            Some(number) => list.push(version_fact(version, number)),
            None => dropped += 1,
        }
    }
    Ok(Page { list, dropped, next: page.next })
}

/// Reads the number out of the answer to `model-versions/get`.
///
/// # Errors
/// If it is no such answer.
pub(crate) fn numbered(body: &[u8]) -> Result<u64, Failure> {
    let version = object(body)?["model_version"].take();
    let version: Option<Version> = serde_json::from_value(version).ok();
    version
        .and_then(|version| number(version.version))
        .ok_or_else(|| Failure::Unreadable("it has no number of a version".to_owned()))
}

fn version_fact(version: Version, number: u64) -> (SmolStr, VersionFact) {
    let fact = VersionFact {
        number,
        created: stamp(version.creation_timestamp),
        updated: stamp(version.last_updated_timestamp),
        stage: version.current_stage.filter(|stage| !stage.is_empty() && stage != "None"),
        readiness: match version.status.as_deref() {
            Some("READY") => Readiness::Ready,
            Some("PENDING_REGISTRATION") => Readiness::Pending,
            Some("FAILED_REGISTRATION") => Readiness::Failed,
            _ => Readiness::Unknown,
        },
        message: text(version.status_message),
        description: text(version.description),
        source: word(version.source.map(|source| redact_url(&source))),
        run: word(version.run_id),
        model: word(version.model_id),
        user: word(version.user_id),
        tags: tags(version.tags),
    };
    (version.name, fact)
}

/// Reads a page of a list that stands under a key.
pub(crate) fn page<T: DeserializeOwned>(body: &[u8], key: &str) -> Result<Page<T>, Failure> {
    let mut answer = object(body)?;
    let items = match answer.get_mut(key).map(Value::take) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(Failure::Unreadable(format!("\"{key}\" is no list"))),
    };
    let next = answer.get("next_page_token").and_then(Value::as_str).filter(|token| !token.is_empty());
    let mut page = Page { next: next.map(str::to_owned), list: Vec::new(), dropped: 0 };
    for item in items {
        match serde_json::from_value(item) {
            Ok(item) => page.list.push(item),
            Err(_) => page.dropped += 1,
        }
    }
    Ok(page)
}

/// Reads an object. What is none is told without a word of it: anything may stand there.
pub(crate) fn object(body: &[u8]) -> Result<Value, Failure> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Failure::Unreadable("it is JSON, and no object".into())),
        Err(_) if body.trim_ascii_start().starts_with(b"<") => Err(Failure::Page),
        Err(error) => Err(Failure::Unreadable(format!(
            "it is no JSON from line {}, column {} on, of {} bytes",
            error.line(),
            error.column(),
            body.len()
        ))),
    }
}

/// An integer as a number or as a text: both are JSON of a 64 bit integer of protobuf.
pub(crate) fn int<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

fn number(version: Option<i64>) -> Option<u64> {
    version.and_then(|version| u64::try_from(version).ok())
}

/// A time in milliseconds; 0 is none.
pub(crate) fn stamp(ms: Option<i64>) -> Option<Stamp> {
    ms.filter(|ms| *ms > 0).map(Stamp)
}

/// What somebody wrote, unless it is blank.
fn text(text: Option<String>) -> Option<String> {
    let text = text?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(LONGEST_TEXT).collect())
}

/// An id or an address, unless it is empty.
pub(crate) fn word(text: Option<String>) -> Option<SmolStr> {
    text.filter(|text| !text.is_empty()).map(|text| cut(text.into(), LONGEST_VALUE))
}

fn cut(text: SmolStr, most: usize) -> SmolStr {
    match text.char_indices().nth(most) {
        Some((end, _)) => text[..end].into(),
        None => text,
    }
}

fn tags(tags: Vec<Pair>) -> Vec<(SmolStr, SmolStr)> {
    let pair = |Pair { key, value }: Pair| {
        (cut(key.clone(), LONGEST_VALUE), cut(redact_named(&key, &value).into(), LONGEST_VALUE))
    };
    let mut tags: Vec<_> = tags.into_iter().take(MOST_TAGS).map(pair).collect();
    tags.sort();
    tags
}

/// Reads the answer to `/version`: a text.
///
/// # Errors
/// If it is a page for people.
pub(crate) fn version(body: &[u8]) -> Result<Option<String>, Failure> {
    let text = String::from_utf8_lossy(&body[..body.len().min(256)]);
    let text = text.trim();
    if text.starts_with('<') {
        return Err(Failure::Page);
    }
    let is_version = text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(char::is_whitespace);
    Ok(is_version.then(|| text.chars().take(64).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: &[u8] = include_bytes!("../tests/answers/registered_models_search.json");
    const VERSIONS: &[u8] = include_bytes!("../tests/answers/model_versions_search.json");

    #[test]
    fn a_recorded_list_of_models_becomes_facts() {
        let page = models(MODELS).unwrap();
        let [model] = &page.list[..] else { panic!("{page:?}") };
        assert_eq!((model.name.as_str(), model.updated), ("churn-model-1795510975", Some(Stamp(1_795_510_976_752))));
        assert_eq!(model.aliases, [("champion".into(), 2)]);
        assert_eq!(model.tags, [("tier".into(), "gold".into())]);
        assert_eq!((page.dropped, page.next), (0, None));
    }

    #[test]
    fn recorded_versions_become_facts_with_their_run_and_source() {
        let page = versions(VERSIONS).unwrap();
        let (name, version) = &page.list[0];
        assert_eq!((name.as_str(), version.stage.as_deref()), ("churn-model-1795510975", Some("Archived")));
        assert_eq!(version.readiness, Readiness::Ready);
        let run = version.run.as_deref().unwrap();
        assert!(version.source.as_deref().unwrap().contains(run), "{version:?}");
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_a_prompt_is_no_model() {
        let body = br#"{"registered_models":[{"x":1},{"name":"a","aliases":[{"alias":"b","version":"x"}]},
            {"name":"p","tags":[{"key":"mlflow.prompt.is_prompt","value":"true"}]}],"next_page_token":"t"}"#;
        let page = models(body).unwrap();
        assert_eq!((page.list.len(), page.dropped, page.next.as_deref()), (1, 1, Some("t")));
        assert_eq!(page.list[0].aliases, []);
        let body = br#"{"model_versions":[{"name":"a","version":"latest"},{"name":"a","version":7}]}"#;
        let page = versions(body).unwrap();
        assert_eq!((page.list[0].1.number, page.list.len(), page.dropped), (7, 1, 1));
        assert_eq!(models(b"{}").unwrap(), Page::default());
    }

    #[test]
    fn secrets_of_tags_and_sources_are_not_kept() {
        let body = br#"{"model_versions":[{"name":"a","version":"1","source":"https://u:hunter2@host/x?token=abc",
            "tags":[{"key":"hf_token","value":"hunter2"},{"key":"git","value":"https://u:hunter2@host/x"},
            {"key":"commit","value":"7c1a58bd34c6b7fbf1f8f2f8a1d4e1fbe4f0b1aa"}]}]}"#;
        let said = format!("{:?}", versions(body).unwrap());
        assert!(!said.contains("hunter2") && !said.contains("abc") && said.contains("7c1a58bd"), "{said}");
    }

    #[test]
    fn what_is_no_answer_is_a_failure_that_repeats_nothing() {
        assert!(matches!(models(b" <html>sign in</html>"), Err(Failure::Page)));
        for body in [&b"{\"password\": \"hunter2\""[..], b"[\"hunter2\"]", b"{\"registered_models\": \"hunter2\"}"] {
            let Err(Failure::Unreadable(why)) = models(body) else { panic!("it can be read") };
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_version_is_a_number_and_nothing_else() {
        assert_eq!(version(b"3.17.2\n").unwrap().as_deref(), Some("3.17.2"));
        assert_eq!(version(b"hello there").unwrap(), None);
        assert!(matches!(version(b"<!doctype html>"), Err(Failure::Page)));
    }
}
