//! The content key of the interface: a hash over the name and bytes of each file it is made from.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::repo;

/// All that can change what is built.
const SOURCES: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "assets",
    "crates/chart",
    "crates/wire",
    "ui",
    "xtask/src/bin/bindgen.rs",
    "xtask/src/setup/wasm.rs",
    "xtask/src/ui",
    "xtask/src/ui.rs",
];

/// The key of the sources as they are, and of the words that say how they are built.
pub fn of_sources(how: &[&str]) -> Result<String, String> {
    let mut files = Vec::new();
    for source in SOURCES {
        list(&repo::root().join(source), &mut files)?;
    }
    let mut hash = Sha256::new();
    how.iter().for_each(|word| add(&mut hash, word, &[]));
    digest(hash, repo::root(), files)
}

/// The key of what a folder holds, whatever its sources were.
pub fn of_folder(folder: &Path) -> Result<String, String> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    digest(Sha256::new(), folder, files)
}

fn digest(mut hash: Sha256, root: &Path, mut files: Vec<PathBuf>) -> Result<String, String> {
    files.sort();
    for file in files {
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file.strip_prefix(root).unwrap_or(&file);
        add(&mut hash, &name.to_string_lossy(), &bytes);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(hex[..20].to_owned())
}

/// With its length, so that two files can never read as another two.
fn add(hash: &mut Sha256, name: &str, bytes: &[u8]) {
    hash.update(name.as_bytes());
    hash.update([0]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

/// The files below a path, without what is built or hidden.
fn list(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    if path.is_file() {
        files.push(path.to_path_buf());
    }
    if !path.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))? {
        let entry = entry.map_err(|error| format!("{}: {error}", path.display()))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && name != "dist" && name != "target" {
            list(&entry.path(), files)?;
        }
    }
    Ok(())
}
