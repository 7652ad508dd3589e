//! A built interface as a folder: what is in it, and the seal that says from what it was made and
//! that nothing is missing.

use std::fs;
use std::path::{Path, PathBuf};

use super::key;
use crate::{Outcome, repo, sources};

/// The seal's file: the key of the sources, then the key of the content.
const SEAL: &str = ".key";

/// How many built interfaces the cache keeps.
const KEPT: usize = 8;

/// Starts the interface. Its own file, since the window's policy forbids script inside the page.
// The module's address is given: what wasm-bindgen's library writes has no default for it. A page that cannot start
// says so, in place of the line that says that it starts.
const START: &str = r#"import init from "./pilothouse.js";
try {
  await init({ module_or_path: new URL("pilothouse_bg.wasm", import.meta.url) });
} catch (error) {
  const line = document.getElementById("starting");
  if (line) line.textContent = `Pilothouse could not start here: ${error}. Reload the page.`;
  throw error;
}
"#;

/// Where the cache keeps the interface of these sources.
pub fn kept(key: &str) -> PathBuf {
    repo::cache().join("ui").join(key)
}

/// Is this folder an undamaged interface made from these sources?
pub fn is(folder: &Path, key: &str) -> bool {
    let seal = fs::read_to_string(folder.join(SEAL)).unwrap_or_default();
    let content = || key::of_folder(folder).unwrap_or_default();
    seal.split_once('\n').is_some_and(|(of, rest)| of == key && rest.trim() == content())
}

/// Seals a folder that is complete.
pub fn seal(folder: &Path, key: &str) -> Outcome {
    let content = key::of_folder(folder)?;
    write(&folder.join(SEAL), format!("{key}\n{content}\n").as_bytes())
}

/// Adds all that is not compiled: the page, its style, fonts and icons.
pub fn add_files(folder: &Path) -> Outcome {
    let root = repo::root();
    write(&folder.join("start.js"), START.as_bytes())?;
    let page = root.join("ui/index.html");
    if page.is_file() {
        copy_all(&page, &folder.join("index.html"))?;
    } else {
        write(&folder.join("index.html"), PAGE.as_bytes())?;
    }
    for (from, to) in [
        ("ui/style", "style"),
        ("assets/fonts", "assets/fonts"),
        ("assets/icons", "assets/icons"),
        ("assets/tokens.css", "assets/tokens.css"),
    ] {
        if root.join(from).exists() {
            copy_all(&root.join(from), &folder.join(to))?;
        }
    }
    Ok(())
}

/// Replaces `to` by what is in `from`, the seal last.
pub fn copy(from: &Path, to: &Path, key: &str) -> Outcome {
    let _ = fs::remove_dir_all(to);
    copy_all(from, to)?;
    seal(to, key)?;
    sources::seal(&to.join(SEAL))
}

/// Drops the interfaces that were built longest ago.
pub fn forget_old() {
    let entries = fs::read_dir(repo::cache().join("ui")).into_iter().flatten().flatten();
    let age = |path: &PathBuf| fs::metadata(path).and_then(|data| data.modified()).ok();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort_by_key(age);
    for old in folders.iter().rev().skip(KEPT) {
        // Another process may be at it; the next build tries again.
        let _ = fs::remove_dir_all(old);
    }
}

fn copy_all(from: &Path, to: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", from.display());
    if from.is_file() {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        return fs::copy(from, to).map(|_| ()).map_err(failed);
    }
    for entry in fs::read_dir(from).map_err(failed)?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with('.') {
            copy_all(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn write(file: &Path, bytes: &[u8]) -> Outcome {
    fs::write(file, bytes).map_err(|error| format!("{}: {error}", file.display()))
}

/// The page of an interface that has none yet.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Pilothouse</title></head>
<body><script type="module" src="start.js"></script></body>
</html>
"#;
