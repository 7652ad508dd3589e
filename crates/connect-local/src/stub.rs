//! Builds the mock of NVML with the C compiler `cc`. For tests alone: a GPU's driver cannot be had where they run.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
};

const SOURCE: &str = include_str!("../tests/stub/nvml_stub.c");

/// Builds the mock into a folder, without the functions that are named. What it does is told to it in a file beside
/// it, with `.conf` after its name.
///
/// # Errors
/// What is missing, or what the compiler says.
pub fn build(folder: &Path, without: &[&str]) -> Result<PathBuf, String> {
    let library = folder.join("libnvml-mock.so");
    let bytes = built(without)?;
    fs::write(&library, bytes).map_err(|error| format!("the mock of NVML cannot be written: {error}"))?;
    Ok(library)
}

/// Compiled once a process for each choice of functions.
fn built(without: &[&str]) -> Result<Vec<u8>, String> {
    type Built = BTreeMap<String, Result<Vec<u8>, String>>;
    static BUILT: OnceLock<Mutex<Built>> = OnceLock::new();
    let mut built = BUILT.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    built.entry(without.join(" ")).or_insert_with(|| compile(without)).clone()
}

fn compile(without: &[&str]) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("the mock of NVML cannot be built: {error}");
    let folder = tempfile::tempdir().map_err(failed)?;
    let (source, library) = (folder.path().join("nvml_stub.c"), folder.path().join("mock.so"));
    fs::write(&source, SOURCE).map_err(failed)?;
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .arg(&library)
        .args(without.iter().map(|function| format!("-DWITHOUT_{function}")))
        .arg(&source)
        .output()
        .map_err(|error| format!("the mock of NVML needs the C compiler cc, which cannot be run: {error}"))?;
    if output.status.success() {
        fs::read(&library).map_err(failed)
    } else {
        Err(format!("cc cannot build the mock of NVML: {}", String::from_utf8_lossy(&output.stderr)))
    }
}
