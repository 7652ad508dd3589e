//! What may be said to it.

use clap::Parser;
use std::{num::NonZeroU32, path::PathBuf};

/// Loads a model from a file and serves it on this machine alone, until its input ends.
#[derive(Clone, Debug, Parser)]
#[command(name = "pilothouse-model", version, disable_help_subcommand = true)]
pub struct Arguments {
    /// The model: a .gguf, or a .onnx
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Listen at this port of the loopback address [default: any that is free]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub port: u16,
    /// Threads that compute [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroU32>,
    /// Tokens that one request has room for, its prompt and its answer together (GGUF)
    #[arg(long, value_name = "N", default_value = "4096")]
    pub context: NonZeroU32,
    /// The most tokens that are computed in one step, over all requests (GGUF)
    #[arg(long, value_name = "N", default_value = "2048")]
    pub batch: NonZeroU32,
    /// Of those so many at once (GGUF)
    #[arg(long, value_name = "N", default_value = "512")]
    pub ubatch: NonZeroU32,
    /// Requests that are answered at a time; others wait for their turn (GGUF)
    #[arg(long, value_name = "N", default_value = "1")]
    pub parallel: NonZeroU32,
    /// Layers that are computed by GPUs, where this program was built for them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub gpu_layers: u32,
    /// What drawing tokens begins with, where a request has a temperature above 0
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u32,
    /// ONNX Runtime as a library, 1.22 or newer [default: what the system finds by its name]
    #[arg(long, value_name = "FILE", env = "PILOTHOUSE_ONNXRUNTIME")]
    pub onnxruntime: Option<PathBuf>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Of llama.cpp.
    Gguf,
    /// Of ONNX.
    Onnx,
}

impl Arguments {
    /// What the file is, by its name.
    ///
    /// # Errors
    /// If it is neither.
    pub fn format(&self) -> Result<Format, String> {
        let end = self.file.extension().map(|end| end.to_ascii_lowercase());
        match end.as_deref().and_then(|end| end.to_str()) {
            Some("gguf") => Ok(Format::Gguf),
            Some("onnx") => Ok(Format::Onnx),
            _ => Err(format!("{} is neither a .gguf nor a .onnx.", self.file.display())),
        }
    }

    /// What the model is called: the name of its file.
    pub fn name(&self) -> String {
        self.file.file_stem().map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned())
    }

    /// Threads that compute.
    pub fn threads(&self) -> u32 {
        let all = || std::thread::available_parallelism().ok().and_then(|all| u32::try_from(all.get()).ok());
        self.threads.map_or_else(|| all().unwrap_or(1), NonZeroU32::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &str) -> Arguments {
        Arguments::parse_from(std::iter::once("pilothouse-model").chain(words.split(' ')))
    }

    #[test]
    fn a_file_is_known_and_called_by_its_name() {
        let of = typed("a/Gemma.Q4_K.GGUF --threads 3");
        assert_eq!((of.format(), of.name().as_str(), of.threads()), (Ok(Format::Gguf), "Gemma.Q4_K", 3));
        assert_eq!(typed("b.onnx").format(), Ok(Format::Onnx));
        assert_eq!(typed("b.bin").format(), Err("b.bin is neither a .gguf nor a .onnx.".to_owned()));
        assert!(typed("b.onnx").threads() >= 1);
    }

    #[test]
    fn nothing_may_be_none_at_all() {
        for words in ["a.gguf --threads 0", "a.gguf --context 0", "a.gguf --batch -1", ""] {
            let words = std::iter::once("pilothouse-model").chain(words.split(' ').filter(|word| !word.is_empty()));
            assert!(Arguments::try_parse_from(words).is_err());
        }
    }
}
