//! A model on this machine: its configuration, and of its folder what the weights take, its template and its tokenizer.

use pilothouse_insight::preflight::ModelConfig;
use pilothouse_wire::{Code, Problem};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

const MIB: u64 = 1 << 20;
/// No configuration, index or template is larger.
const MOST_TEXT: u64 = 64 * MIB;
/// No tokenizer is larger.
const MOST_TOKENIZER: u64 = 256 * MIB;
/// A digest that is shown needs no more letters: two versions are told apart.
const SHOWN: usize = 12;

/// What of a model is known on this machine.
pub struct Model {
    /// Its configuration.
    pub config: ModelConfig,
    /// The bytes of its weights, as its files say.
    pub weights: Option<u64>,
    /// A digest of its chat template.
    pub template: Option<String>,
    /// A digest of its tokenizer.
    pub tokenizer: Option<String>,
}

impl Model {
    /// Reads a configuration, or the folder of a model. Other files than the configuration are read only in a folder that
    /// was named: beside a single file anything may lie.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let folder = path.is_dir().then_some(path);
        let file = folder.map_or_else(|| path.to_owned(), |folder| folder.join("config.json"));
        let value = json(&file)?;
        if !value.is_object() {
            return Err(bad(&file, "It holds no object.".into()));
        }
        let config = ModelConfig::read(&value);
        let Some(folder) = folder else { return Ok(Self { config, weights: None, template: None, tokenizer: None }) };
        let tokenizer = ["tokenizer.json", "tokenizer.model", "tekken.json"];
        Ok(Self {
            config,
            weights: weights(folder)?,
            template: template(folder)?,
            tokenizer: tokenizer.iter().find_map(|name| digest_of(&folder.join(name))),
        })
    }
}

/// The bytes of all weights: as the index says, else as the files are long.
fn weights(folder: &Path) -> Result<Option<u64>, Problem> {
    let index = folder.join("model.safetensors.index.json");
    if index.exists() {
        let index = json(&index)?;
        if let Some(size) = index["metadata"]["total_size"].as_u64() {
            return Ok(Some(size));
        }
    }
    Ok(tensors(folder).unwrap_or_default())
}

/// Of `model.safetensors` or its parts; other names hold the same weights once more.
fn tensors(folder: &Path) -> io::Result<Option<u64>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name == "model.safetensors" || name.starts_with("model-") && name.ends_with(".safetensors") {
            parts.push(folder.join(&name));
        }
    }
    if parts.is_empty() || !are_all(&parts) {
        return Ok(None);
    }
    let mut all: u64 = 0;
    for part in parts {
        all = all.saturating_add(tensors_of(&part)?);
    }
    Ok(Some(all))
}

/// Is each of so many parts there, `model-00001-of-00004.safetensors`?
fn are_all(parts: &[PathBuf]) -> bool {
    let said = parts.iter().filter_map(|part| {
        let name = part.file_stem()?.to_str()?;
        name.rsplit_once("-of-")?.1.parse::<usize>().ok()
    });
    said.max().unwrap_or(1) == parts.len()
}

/// The bytes of tensors in a file: all but its head.
fn tensors_of(file: &Path) -> io::Result<u64> {
    let mut open = File::open(file)?;
    let mut head = [0; 8];
    open.read_exact(&mut head)?;
    let rest = open.metadata()?.len().saturating_sub(8);
    // What stands in for a file that is not downloaded begins with a word, which is a long head.
    rest.checked_sub(u64::from_le_bytes(head)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The chat template: a file of its own, else what the tokenizer's configuration has.
fn template(folder: &Path) -> Result<Option<String>, Problem> {
    if let Some(digest) = digest_of(&folder.join("chat_template.jinja")) {
        return Ok(Some(digest));
    }
    let file = folder.join("tokenizer_config.json");
    if !file.exists() {
        return Ok(None);
    }
    Ok(match &json(&file)?["chat_template"] {
        Value::Null => None,
        Value::String(text) => Some(shown(Sha256::digest(text))),
        several => Some(shown(Sha256::digest(several.to_string()))),
    })
}

fn digest_of(file: &Path) -> Option<String> {
    let open = File::open(file).ok()?;
    if open.metadata().ok()?.len() > MOST_TOKENIZER {
        return None;
    }
    let mut hasher = Sha256::new();
    io::copy(&mut open.take(MOST_TOKENIZER), &mut hasher).ok()?;
    Some(shown(hasher.finalize()))
}

fn shown(digest: impl AsRef<[u8]>) -> String {
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sha256:{}", hex.get(..SHOWN).unwrap_or(&hex))
}

fn json(file: &Path) -> Result<Value, Problem> {
    let mut text = Vec::new();
    let read = File::open(file).and_then(|open| open.take(MOST_TEXT + 1).read_to_end(&mut text));
    read.map_err(|error| {
        Problem::new(Code::BadInput, format!("{} cannot be read.", file.display()))
            .why(format!("{error}."))
            .next("Name a config.json, or the folder of a model that has one.")
    })?;
    if text.len() as u64 > MOST_TEXT {
        return Err(bad(file, format!("It is longer than {} MiB.", MOST_TEXT / MIB)));
    }
    serde_json::from_slice(&text).map_err(|error| bad(file, format!("{error}.")))
}

fn bad(file: &Path, why: String) -> Problem {
    Problem::new(Code::BadInput, format!("{} is no configuration of a model.", file.display()))
        .why(why)
        .next("Name a config.json, or the folder of a model that has one.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn tensors(head: &[u8], bytes: usize) -> Vec<u8> {
        [(head.len() as u64).to_le_bytes().as_slice(), head, vec![0; bytes].as_slice()].concat()
    }

    #[test]
    fn weights_are_what_the_index_says_else_what_the_parts_hold() {
        let (one, two) = (tensors(b"{}", 300), tensors(b"{ }", 41));
        let parts: &[(&str, &[u8])] = &[
            ("config.json", b"{}"),
            ("model-00001-of-00002.safetensors", &one),
            ("model-00002-of-00002.safetensors", &two),
            ("consolidated.safetensors", &one),
        ];
        let of = |files: &[(&str, &[u8])]| Model::read(folder(files).path()).unwrap().weights;
        assert_eq!(of(parts), Some(341));
        assert_eq!(of(&parts[..2]), None, "a part is missing");
        assert_eq!(of(&parts[..1]), None);
        assert_eq!(of(&[parts[0], ("model.safetensors", b"version https://git-lfs.github.com/spec/v1")]), None);
        let index: (&str, &[u8]) = ("model.safetensors.index.json", br#"{"metadata":{"total_size":342}}"#);
        assert_eq!(of(&[parts[0], index]), Some(342));
    }

    #[test]
    fn template_and_tokenizer_are_told_by_their_digests() {
        let of = |files: &[(&str, &[u8])]| {
            let model = Model::read(folder(files).path()).unwrap();
            (model.template, model.tokenizer)
        };
        let config: (&str, &[u8]) = ("config.json", b"{}");
        let (template, tokenizer) = of(&[config, ("chat_template.jinja", b"{{ x }}"), ("tokenizer.json", b"{}")]);
        assert_eq!(template, of(&[config, ("tokenizer_config.json", br#"{"chat_template":"{{ x }}"}"#)]).0);
        assert_eq!((template.unwrap().len(), tokenizer.unwrap().len()), ("sha256:".len() + 12, "sha256:".len() + 12));
        assert_eq!(of(&[config]), (None, None));
    }

    #[test]
    fn what_is_no_configuration_is_told_with_its_place() {
        let of = |bytes: &[u8]| Model::read(folder(&[("config.json", bytes)]).path()).err().unwrap();
        assert!(of(b"[]").what.ends_with("config.json is no configuration of a model."));
        assert!(of(b"{\"hidden_size\": ").why.unwrap().contains("line 1 column 16"));
        assert!(Model::read(Path::new("/nowhere")).err().unwrap().what.contains("/nowhere cannot be read"));
    }
}
