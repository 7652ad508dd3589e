//! Puts the built interface into the door, as a table of files. Where it is not built, a page says how to.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Where `cargo xtask ui` puts the interface.
const DIST: &str = "../../ui/dist";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Its seal names what is in it; a copy of the same interface is no other interface.
    let seal = Path::new(DIST).join(".key");
    println!("cargo:rerun-if-changed={}", if seal.exists() { seal.display() } else { Path::new(DIST).display() });
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
    // Copies stay where they are, whichever clone builds next.
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let copies = out.join("interface");
    if copies.exists() {
        fs::remove_dir_all(&copies)?;
    }
    let mut text = String::from("[\n");
    for file in &files {
        let Ok(name) = file.strip_prefix(&root) else { continue };
        let name = name.to_string_lossy().replace('\\', "/");
        let bytes = fs::read(file)?;
        let tag = fingerprint(&bytes);
        let copy = copies.join(&name);
        fs::create_dir_all(copy.parent().unwrap_or(&copies))?;
        fs::write(&copy, bytes)?;
        let path = copy.to_string_lossy();
        text.push_str(&format!("    BuiltIn {{ path: {name:?}, tag: {tag:?}, bytes: include_bytes!({path:?}) }},\n"));
    }
    text.push_str("]\n");
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
