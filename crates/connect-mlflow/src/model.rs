//! What of a version decides whether it fits a GPU: its `config.json` and the sizes of its weights, out of the files that the
//! server hands out. The weights themselves are never read.

use crate::{
    paths::{self, api},
    problems,
    runs::answer,
};
use pilothouse_connect::{LARGEST_CONFIG, ModelFiles};
use pilothouse_connect_http::{client::Client, failure::Failure};
use pilothouse_wire::{
    Code, Problem,
    runs::{Artefact, VersionId},
};
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take to begin: a person waits.
const PATIENCE: Duration = Duration::from_secs(12);
const CONFIG: &str = "config.json";
/// Folders of a version in which flavours keep the model itself. Source: `mlflow/transformers/model_io.py` (`model`), a folder
/// that was logged as it is, `mlflow/pyfunc` (`artifacts`).
const FOLDERS: [&[&str]; 3] = [&["model"], &[], &["artifacts"]];

/// Reads it.
///
/// # Errors
/// Why nobody can tell, in words.
pub(crate) async fn files(client: &Client, of: &VersionId) -> Result<ModelFiles, Problem> {
    let about = format!("version {} of {}", of.number, of.model.name);
    let told = |failure: Failure| problems::of_question(&failure, &client.place, &about);
    let root = root(client, of).await.map_err(told)?;
    let read = config(client, &root).await;
    let read = read.ok_or_else(|| problems::elsewhere(&client.place, "configuration", &about, &root))?;
    if let Some((folder, config)) = read.map_err(told)? {
        let weights = weights(client, &root, folder).await.map_err(told)?;
        let parts: Vec<&str> = folder.iter().copied().chain([CONFIG]).collect();
        let place = format!("{} of {of} in {}", parts.join("/"), client.place.name);
        return Ok(ModelFiles { config, place, weights, ..ModelFiles::default() });
    }
    Err(Problem::new(Code::NotFound, format!("{of} has no configuration of a model."))
        .why(format!(
            "{} has no {CONFIG} among its files, nor in their folders model and artifacts.",
            client.place.name
        ))
        .next("Name the file on this machine: pilothouse preflight --config FILE."))
}

/// The folder of a version's files, as its registry says.
pub(crate) async fn root(client: &Client, of: &VersionId) -> Result<String, Failure> {
    let number = of.number.to_string();
    let asked = api("model-versions/get-download-uri", &[("name", &of.model.name), ("version", &number)]);
    answer::folder(&client.get(&asked, PATIENCE).await?.body)
}

/// A folder of a version's files, and the text of the configuration in it; an empty one where there is none.
type Found = Option<(&'static [&'static str], String)>;

/// The configuration in a folder of files; none if the server does not hand these out.
pub(crate) async fn config(client: &Client, root: &str) -> Option<Result<Found, Failure>> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        let parts: Vec<&str> = folder.iter().copied().chain([CONFIG]).collect();
        paths.push((folder, paths::within(root, &parts)?));
    }
    Some(first(client, paths).await)
}

async fn first(client: &Client, paths: Vec<(&'static [&'static str], String)>) -> Result<Found, Failure> {
    for (folder, path) in paths {
        let body = match client.get(&path, PATIENCE).await {
            Ok(answer) => answer.body,
            Err(failure) if failure.status() == Some(404) => continue,
            Err(failure) => return Err(failure),
        };
        if body.len() > LARGEST_CONFIG {
            return Err(Failure::TooLarge(LARGEST_CONFIG));
        }
        let text = String::from_utf8(body.to_vec()).map_err(|_| Failure::Unreadable("it is no text".into()))?;
        return Ok(Some((folder, text)));
    }
    Ok(None)
}

/// The bytes of its weights: as their index says, else as the files are long, where each part is there.
async fn weights(client: &Client, root: &str, folder: &[&str]) -> Result<Option<u64>, Failure> {
    let Some(path) = paths::listing(root, folder) else { return Ok(None) };
    let listed = match client.get(&path, PATIENCE).await {
        Ok(answer) => answer::artefacts(&answer.body)?,
        // What cannot be listed tells no sizes: they are reckoned then.
        Err(failure) if failure.status().is_some() => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let index = "model.safetensors.index.json";
    if listed.entries.iter().any(|entry| name(entry) == index) {
        let parts: Vec<&str> = folder.iter().copied().chain([index]).collect();
        if let Some(path) = paths::within(root, &parts)
            && let Ok(answer) = client.get(&path, PATIENCE).await
            && let Ok(index) = serde_json::from_slice::<Value>(&answer.body)
            && let Some(size) = index["metadata"]["total_size"].as_u64()
        {
            return Ok(Some(size));
        }
    }
    Ok(if listed.more { None } else { of_files(&listed.entries) })
}

/// Of `model.safetensors`, or of its parts if all are there; other names hold the same weights once more.
fn of_files(entries: &[Artefact]) -> Option<u64> {
    let is_part = |entry: &&Artefact| {
        let name = name(entry);
        name == "model.safetensors" || name.starts_with("model-") && name.ends_with(".safetensors")
    };
    let parts: Vec<&Artefact> = entries.iter().filter(is_part).collect();
    let of = parts.iter().filter_map(|part| {
        let (_, of) = name(part).strip_suffix(".safetensors")?.rsplit_once("-of-")?;
        of.parse::<usize>().ok()
    });
    if parts.is_empty() || of.max().unwrap_or(1) != parts.len() {
        return None;
    }
    parts.iter().try_fold(0_u64, |sum, part| Some(sum.saturating_add(part.bytes?)))
}

/// The name of an entry, without the folders before it.
pub(crate) fn name(entry: &Artefact) -> &str {
    entry.path.rsplit('/').next().unwrap_or(&entry.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_as_long_as_their_files_where_each_part_is_there() {
        let of = |files: &[(&str, u64)]| {
            let entry = |(path, size): &(&str, u64)| Artefact { path: (*path).to_owned(), bytes: Some(*size) };
            of_files(&files.iter().map(entry).collect::<Vec<_>>())
        };
        let parts = [("model/model-00001-of-00002.safetensors", 300), ("model/model-00002-of-00002.safetensors", 41)];
        assert_eq!(of(&parts), Some(341));
        assert_eq!(of(&parts[..1]), None);
        assert_eq!(of(&[("model.safetensors", 7), ("pytorch_model.bin", 9), ("config.json", 1)]), Some(7));
        assert_eq!(of(&[("config.json", 1)]), None);
    }
}
