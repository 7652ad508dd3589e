//! How large a version is, and what its files say of it: read for who compares two, without the weights, and within bounds.

use crate::{
    model,
    paths::{self, api},
    problems,
    runs::answer,
    signature,
};
use pilothouse_connect::VersionFiles;
use pilothouse_connect_http::{client::Client, failure::Failure};
use pilothouse_wire::{
    Problem, SmolStr,
    runs::{Artefacts, FilesSize, VersionId},
};
use std::{collections::VecDeque, time::Duration};

/// How long an answer may take to begin: a person waits.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long all folders of a version may take together: less than a person waits for the comparison.
const ALL_FOLDERS: Duration = Duration::from_secs(9);
/// Folders that are looked into: what has more is told as a bound.
const MOST_FOLDERS: usize = 64;

/// Reads it.
///
/// # Errors
/// If nothing can be read: there is no such version, or the server does not answer. What cannot be read of it alone is told
/// in its place.
pub(crate) async fn files(client: &Client, of: &VersionId, run: Option<&str>) -> Result<VersionFiles, Problem> {
    let about = format!("version {} of {}", of.number, of.model.name);
    let told = |failure: Failure| problems::of_question(&failure, &client.place, &about);
    let root = model::root(client, of).await.map_err(told)?;
    let elsewhere = |what: &str| problems::elsewhere(&client.place, what, &about, &root);
    let size = async {
        let shelf = Shelf::of(client, &root, run).await.map_err(told)?.ok_or_else(|| elsewhere("size"))?;
        let size = tokio::time::timeout(ALL_FOLDERS, size(client, &shelf)).await;
        size.unwrap_or_else(|_| Err(Failure::TimedOut(ALL_FOLDERS))).map_err(told)
    };
    let config = async {
        let read = model::config(client, &root).await.ok_or_else(|| elsewhere("configuration"))?;
        read.map(|found| found.map(|(_, text)| text)).map_err(told)
    };
    let flavours = async {
        let path = paths::file(&root, "MLmodel").ok_or_else(|| elsewhere("flavours"))?;
        match client.get(&path, PATIENCE).await {
            Ok(answer) => signature::settings(&answer.body).map_err(told),
            // It was registered from a folder without such a file.
            Err(failure) if failure.status() == Some(404) => Ok(Vec::new()),
            Err(failure) => Err(told(failure)),
        }
    };
    let (size, config, flavours) = futures::join!(size, config, flavours);
    Ok(VersionFiles { size, config, flavours })
}

/// Where the files of a version are listed.
enum Shelf<'a> {
    /// By the server that hands them out: the address of their folder.
    Handed(&'a str),
    /// In a store of its own, which the server lists for a run: the run, and their folder in it.
    OfRun(&'a str, String),
}

impl<'a> Shelf<'a> {
    /// None where nobody lists them.
    async fn of(client: &Client, root: &'a str, run: Option<&'a str>) -> Result<Option<Self>, Failure> {
        if paths::listing(root, &[]).is_some() {
            return Ok(Some(Self::Handed(root)));
        }
        let Some(run) = run else { return Ok(None) };
        let listed = client.get(&api("artifacts/list", &[("run_id", run)]), PATIENCE).await?;
        let of_run = answer::root(&listed.body)?;
        Ok(of_run.and_then(|of_run| below(root, &of_run)).map(|folder| Self::OfRun(run, folder)))
    }

    async fn list(&self, client: &Client, inner: &[SmolStr]) -> Result<Artefacts, Failure> {
        let path = match self {
            Self::Handed(root) => {
                let inner: Vec<&str> = inner.iter().map(SmolStr::as_str).collect();
                paths::listing(root, &inner).ok_or_else(|| Failure::Unreadable("it has no folder".to_owned()))?
            }
            Self::OfRun(run, folder) => {
                let parts = [folder.as_str()].into_iter().filter(|part| !part.is_empty());
                let path = parts.chain(inner.iter().map(SmolStr::as_str)).collect::<Vec<_>>().join("/");
                api("artifacts/list", &[("run_id", run), ("path", &path)])
            }
        };
        answer::artefacts(&client.get(&path, PATIENCE).await?.body)
    }
}

/// The rest of an address behind that of a folder; none if it is not in there.
fn below(address: &str, folder: &str) -> Option<String> {
    let rest = address.trim_end_matches('/').strip_prefix(folder.trim_end_matches('/'))?;
    match rest.strip_prefix('/') {
        Some(inner) => Some(inner.to_owned()),
        None => rest.is_empty().then(String::new),
    }
}

/// All files in all folders, the topmost first.
async fn size(client: &Client, shelf: &Shelf<'_>) -> Result<FilesSize, Failure> {
    let mut sum = FilesSize { whole: true, ..FilesSize::default() };
    let mut folders: VecDeque<Vec<SmolStr>> = VecDeque::from([Vec::new()]);
    for _ in 0..MOST_FOLDERS {
        let Some(folder) = folders.pop_front() else { return Ok(sum) };
        let listed = shelf.list(client, &folder).await?;
        sum.whole &= !listed.more;
        for entry in &listed.entries {
            match entry.bytes {
                Some(bytes) => {
                    sum.files += 1;
                    sum.bytes = sum.bytes.saturating_add(bytes);
                }
                None => folders.push_back(folder.iter().cloned().chain([model::name(entry).into()]).collect()),
            }
        }
    }
    sum.whole &= folders.is_empty();
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_a_run_is_told_from_one_beside_it() {
        let run = "s3://bucket/1/ab/artifacts";
        assert_eq!(below("s3://bucket/1/ab/artifacts/model", run).as_deref(), Some("model"));
        assert_eq!(below("s3://bucket/1/ab/artifacts/", run).as_deref(), Some(""));
        assert_eq!(below("s3://bucket/1/ab/artifacts-2/model", run), None);
        assert_eq!(below("s3://other/model", run), None);
    }
}
