//! Where the tests of benchmarks begin: a terminal, and a folder for what a benchmark keeps, read back as it is kept.

use acceptance::{Context, Failure, Result, Said, Terminal};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// It.
pub struct Desk {
    /// A home of its own, without a cluster.
    pub terminal: Terminal,
    folder: tempfile::TempDir,
}

impl Desk {
    /// An empty one.
    pub fn new() -> Result<Self> {
        Ok(Self { terminal: Terminal::new(Path::new(""))?, folder: tempfile::tempdir().could_not("make a folder")? })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `pilothouse bench` with these words, kept under this name, whatever was kept there before; what it said, and the document,
    /// where one is kept.
    pub async fn bench(&self, name: &str, words: &[&str]) -> Result<(Said, Option<Value>)> {
        let file = self.file(&format!("{name}.json"));
        for before in [&file, &self.file(&format!("{name}.requests.jsonl"))] {
            let _ = std::fs::remove_file(before);
        }
        let out = file.to_string_lossy();
        let said = self.terminal.call(&[&["bench"], words, &["--out", &out]].concat()).await?;
        let document = match std::fs::read(&file) {
            Ok(text) => Some(serde_json::from_slice(&text).could_not("read what is kept")?),
            Err(_) => None,
        };
        Ok((said, document))
    }

    /// The requests that are kept under this name, a line each, in the order of their numbers.
    pub fn requests(&self, name: &str) -> Result<Vec<Value>> {
        requests(&self.file(&format!("{name}.requests.jsonl")))
    }
}

/// What has to be kept.
pub fn kept((said, document): (Said, Option<Value>)) -> Result<(Said, Value)> {
    let document = document.ok_or_else(|| Failure::new(format!("nothing is kept: {said:?}")))?;
    Ok((said, document))
}

/// The requests in a file, a line each, in the order of their numbers.
pub fn requests(file: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(file).could_not("read the requests")?;
    let lines: serde_json::Result<Vec<Value>> = text.lines().map(serde_json::from_str).collect();
    let mut lines = lines.could_not("read a request")?;
    lines.sort_by_key(|line| line["n"].as_u64());
    Ok(lines)
}
