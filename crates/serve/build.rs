//! Puts the built interface into the door, as a table of files. Where it is not built, a page says how to.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Where `cargo xtask ui` puts the interface.
const DIST: &str = "../../ui/dist";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={DIST}");
    if let Err(error) = table() {
        println!("cargo::error=the table of the interface's files: {error}");
    }
}

fn table() -> io::Result<()> {
    let dist = Path::new(DIST);
    let root = dist.canonicalize().unwrap_or_else(|_| dist.to_owned());
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut text = String::from("[\n");
    for file in &files {
        let Ok(name) = file.strip_prefix(&root) else { continue };
        let name = name.to_string_lossy().replace('\\', "/");
        let tag = fingerprint(&fs::read(file)?);
        let path = file.to_string_lossy();
        text.push_str(&format!("    BuiltIn {{ path: {name:?}, tag: {tag:?}, bytes: include_bytes!({path:?}) }},\n"));
    }
    text.push_str("]\n");
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(out.join("interface.rs"), text)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// FNV-1a, as an entity tag: tells one build's file from another's.
fn fingerprint(bytes: &[u8]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("\"{hash:016x}\"")
}
