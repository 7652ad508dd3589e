//! What is served, and the line that says so.

use crate::{args::Arguments, gguf, onnx};
use serde_json::{Value, json};

/// A model that is loaded.
pub enum Served {
    /// By llama.cpp.
    Gguf(gguf::Loaded),
    /// By ONNX Runtime.
    Onnx(onnx::Loaded),
}

impl Served {
    /// Where it is served and what it is, as one line of JSON. `pilothouse_bench::local` reads it.
    pub fn line(&self, of: &Arguments, at: &str) -> Value {
        let mut line =
            json!({ "serving": at, "model": of.name(), "threads": of.threads(), "gpu_layers": of.gpu_layers });
        let own = match self {
            Self::Gguf(loaded) => loaded.about(of),
            Self::Onnx(loaded) => loaded.about(),
        };
        if let (Value::Object(line), Value::Object(own)) = (&mut line, own) {
            line.extend(own);
        }
        line
    }

    /// What it counted, in the text format of Prometheus.
    pub fn exposition(&self) -> String {
        match self {
            Self::Gguf(loaded) => loaded.counted().exposition(),
            Self::Onnx(loaded) => loaded.counted().exposition(),
        }
    }
}

/// The version of a library in this program, by what it was locked to.
pub fn version_of(library: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{library}\"\n")));
    let version = entry.and_then(|entry| entry.split_once("version = \"")?.1.split('"').next());
    version.unwrap_or("of unknown version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_known_by_its_version() {
        assert_eq!(version_of("llama-cpp-2"), "0.1.160");
        assert_eq!(version_of("no-such-library"), "of unknown version");
    }
}
