//! llama-bench, which the program that loads models is measured beside: linked with the library that this has in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{FLAGS, build, cannot, target};
use crate::{command, repo};

/// Who has llama.cpp in it.
const LIBRARY: &str = "llama-cpp-sys-2";
/// Whose sources have llama-bench in them.
const TOOL: &str = "llama-cpp-sys-4";

/// Builds it, and says where it is.
pub fn llama_bench() -> Result<PathBuf, String> {
    build()?;
    let peer = repo::root().join("tests/peers/llama-bench");
    let llama = sources_of(LIBRARY, &repo::root().join("model"))?.join("llama.cpp");
    let tool = sources_of(TOOL, &peer)?.join("llama.cpp/tools/llama-bench");
    let libraries = libraries()?;
    let folder = target().join("llama-bench");
    let mut configure = command::program("cmake");
    configure.arg("-S").arg(&peer).arg("-B").arg(&folder).arg("-DCMAKE_BUILD_TYPE=Release");
    let built = libraries.with_file_name("build");
    for (name, path) in [("LLAMA", &llama), ("LIBRARIES", &libraries), ("BUILT", &built), ("TOOL", &tool)] {
        configure.arg(format!("-D{name}={}", path.display()));
    }
    command::quiet(&mut configure)?;
    println!("Building llama-bench, with the libraries of pilothouse-model.");
    let mut make = command::program("cmake");
    command::quiet(make.arg("--build").arg(&folder).args(["--parallel", "2", "--target", "llama-bench"]))?;
    let program = folder.join("llama-bench");
    if program.is_file() { Ok(program) } else { Err(format!("{} was not built.", program.display())) }
}

/// Where the sources of a package are, by what a lock names.
fn sources_of(package: &str, by: &Path) -> Result<PathBuf, String> {
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]).arg(by.join("Cargo.toml"));
    let told: Value = serde_json::from_str(&command::quiet(&mut metadata)?).map_err(|error| error.to_string())?;
    let packages = told["packages"].as_array().into_iter().flatten();
    let manifest = packages.filter(|found| found["name"] == package).find_map(|found| found["manifest_path"].as_str());
    let folder = manifest.and_then(|manifest| Path::new(manifest).parent());
    folder.map(Path::to_path_buf).ok_or_else(|| format!("{}: no package {package} is locked.", by.display()))
}

/// Where the build of the program put llama.cpp's libraries.
fn libraries() -> Result<PathBuf, String> {
    let mut cargo = command::program("cargo");
    cargo.args(["build", "--release", "--locked", "--manifest-path", "model/Cargo.toml", "--message-format=json"]);
    cargo.env("CARGO_TARGET_DIR", target()).env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS");
    let told = command::quiet(&mut cargo)?;
    let messages = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_its = |message: &Value| {
        message["reason"] == "build-script-executed"
            && message["package_id"].as_str().is_some_and(|id| id.contains(LIBRARY))
    };
    let out = messages.filter(is_its).find_map(|message| message["out_dir"].as_str().map(PathBuf::from));
    let out = out.ok_or_else(|| format!("cargo does not say where {LIBRARY} was built."))?;
    let folders = ["lib", "lib64"].map(|name| out.join(name));
    let found = folders.iter().find(|folder| folder.join("libllama.a").is_file());
    found.cloned().ok_or_else(|| cannot(&out, &std::io::Error::from(std::io::ErrorKind::NotFound)))
}
