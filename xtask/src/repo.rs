//! Where things are: the repository, the cache outside of it, and the build folders in that cache.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The root of this clone.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let here = env::current_dir().unwrap_or_default();
        let is_root = |folder: &Path| folder.join("xtask/Cargo.toml").is_file();
        let found = here.ancestors().find(|folder| is_root(folder)).map(Path::to_path_buf);
        found.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
    })
}

/// `$PILOTHOUSE_CACHE`, else `$XDG_CACHE_HOME/pilothouse`, else `~/.cache/pilothouse`.
pub fn cache() -> PathBuf {
    let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("PILOTHOUSE_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("pilothouse")))
        .or_else(|| from("HOME").map(|folder| folder.join(".cache/pilothouse")))
        .unwrap_or_else(|| env::temp_dir().join("pilothouse-cache"))
}

/// Programs that were installed for the project alone.
pub fn tools() -> PathBuf {
    cache().join("tools")
}

/// The build folder of the host compiler: `$CARGO_TARGET_DIR`, else one for this version of Rust.
pub fn host_target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty()) {
        Some(chosen) => root().join(chosen),
        None => cache().join("target").join(format!("rustc-{}", version_of("rustc"))),
    }
}

/// The version that `rustc -V` or a program like it prints: its second word.
pub fn version_of(program: impl AsRef<std::ffi::OsStr>) -> String {
    let output = Command::new(program).arg("-V").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = text.ok().and_then(|text| text.split_whitespace().nth(1).map(str::to_owned));
    version.unwrap_or_else(|| "unknown".to_owned())
}

/// `cargo metadata` of the workspace's own packages; resolves no dependency, needs no network.
pub fn metadata() -> Result<Value, String> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

/// The workspace's packages, out of [`metadata`].
pub fn packages(metadata: &Value) -> Vec<&Value> {
    metadata["packages"].as_array().into_iter().flatten().collect()
}
