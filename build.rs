//! Tells Tauri where the desktop door keeps its parts, and makes a page where the interface is not built yet.

use std::{fs, path::Path};

/// Shown where a window is built before its interface.
const NOT_BUILT: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Pilothouse</title></head>
<body><p>The interface is not built in. Build it with: cargo xtask ui. Then build this window again.</p></body>
</html>
"#;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The seal of the interface names what is in it; a copy of the same interface is no other interface.
    let seal = Path::new("ui/dist/.key");
    println!("cargo:rerun-if-changed={}", if seal.exists() { seal.display() } else { Path::new("ui/dist").display() });
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    if let Err(error) = page() {
        println!("cargo::error=ui/dist/index.html: {error}");
    }
    let commands = tauri_build::AppManifest::new().commands(&["call", "subscribe"]);
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*")
        .app_manifest(commands);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}

fn page() -> std::io::Result<()> {
    let dist = Path::new("ui/dist");
    let page = dist.join("index.html");
    if page.exists() {
        return Ok(());
    }
    fs::create_dir_all(dist)?;
    fs::write(page, NOT_BUILT)
}
