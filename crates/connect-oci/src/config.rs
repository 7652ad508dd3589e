//! What the configuration of an artefact says of it: of a model its family, format, precision; of an image its platform.
//!
//! An allow-list: what is not named here is not shown. Values of environment variables of an image are never taken, and its
//! arguments pass the redaction that those of containers do.

mod image;
mod model;

use pilothouse_connect::redact_words;
use pilothouse_wire::{
    SmolStr,
    artifact::{ArtifactKind, Said},
};
use serde_json::Value;

/// No configuration that is read is larger.
pub const LARGEST: usize = 1 << 20;
/// As much of a value is shown, in characters.
const LONGEST: usize = 256;

/// What a configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Says {
    /// Labels with values, in the order to be read.
    pub rows: Vec<Said>,
    /// What the artefact is after all, where the configuration tells more than media types do.
    pub kind: Option<ArtifactKind>,
}

/// Reads a configuration by what the artefact is.
#[must_use]
pub fn read(kind: ArtifactKind, config: &Value) -> Says {
    match kind {
        ArtifactKind::ModelPack => model::pack(config),
        ArtifactKind::DockerModel => model::docker(config),
        ArtifactKind::ModelKit => model::kit(config),
        ArtifactKind::Ollama => model::ollama(config),
        ArtifactKind::Image | ArtifactKind::Modelcar => image::read(config),
        ArtifactKind::Chart => model::chart(config),
        ArtifactKind::Index | ArtifactKind::Statement | ArtifactKind::Other => Says::default(),
    }
}

/// Is there anything in a configuration of this kind that is shown?
#[must_use]
pub fn is_read(kind: ArtifactKind) -> bool {
    !matches!(kind, ArtifactKind::Index | ArtifactKind::Statement | ArtifactKind::Other)
}

/// Rows of what stands at these paths, by their labels.
fn rows(config: &Value, paths: &[(&str, &str)]) -> Vec<Said> {
    let row = |(label, path): &(&str, &str)| Some(said(label, text(config.pointer(path)?)?));
    paths.iter().filter_map(row).collect()
}

fn said(label: &str, value: String) -> Said {
    Said { label: SmolStr::new(label), value }
}

/// A value as a text: numbers and words as they are, lists with commas. Nothing for what is empty, or has parts.
fn text(value: &Value) -> Option<String> {
    let whole = match value {
        Value::String(text) => redact_words(text.trim()),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => (if *yes { "yes" } else { "no" }).to_owned(),
        Value::Array(list) => list.iter().filter_map(text).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Object(_) => return None,
    };
    cut(&whole)
}

/// The beginning of a text; nothing of an empty one.
fn cut(text: &str) -> Option<String> {
    let text: String = text.chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    pub(super) fn check(kind: ArtifactKind, config: &Value, want: &str) {
        let says = read(kind, config);
        let rows: Vec<String> = says.rows.iter().map(|row| format!("{}: {}", row.label, row.value)).collect();
        assert_eq!(rows.join("\n"), want);
    }

    #[test]
    fn what_is_empty_or_has_parts_is_no_value() {
        let config = json!({ "descriptor": { "name": " ", "family": null, "version": { "a": 1 }, "vendor": [] } });
        check(ArtifactKind::ModelPack, &config, "");
        check(ArtifactKind::Other, &json!({ "name": "x" }), "");
        check(ArtifactKind::ModelPack, &json!([1]), "");
    }
}
