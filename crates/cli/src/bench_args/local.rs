//! What is said of a model out of a file: which it is, and how it is loaded and computed.

use super::WayArgs;
use crate::{bench_args::load::ApiName, exit::Failed};
use clap::Args;
use pilothouse_bench::{
    local::{self, Format, Model, Options},
    plan::Target,
};
use std::path::{Path, PathBuf};

/// Where a model is asked that is not served yet.
const NOWHERE: &str = "http://127.0.0.1";
/// Where nothing says how many are asked at a time.
const AT_A_TIME: u32 = 8;
/// No more are answered at a time by themselves: each needs memory for its context.
const MOST_AT_A_TIME: u32 = 64;

/// How a model out of a file is loaded and computed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "A model out of a file")]
pub struct LocalArgs {
    /// Tokens that one request has room for, its prompt and its answer together [default: 4096]
    #[arg(long, value_name = "N")]
    pub context: Option<u32>,
    /// The most tokens that are computed in one step [default: 2048]
    #[arg(long, value_name = "N")]
    pub batch: Option<u32>,
    /// Of those so many at once [default: 512]
    #[arg(long, value_name = "N")]
    pub ubatch: Option<u32>,
    /// Threads that compute [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    pub threads: Option<u32>,
    /// Requests that are answered at a time [default: as many as the load sends at a time, at most 64; else 8]
    #[arg(long, value_name = "N")]
    pub parallel: Option<u32>,
    /// Layers that are computed by GPUs, where the program that loads models was built for them [default: 0]
    #[arg(long, value_name = "N")]
    pub gpu_layers: Option<u32>,
    /// The program that loads models [default: pilothouse-model, beside this program or on the path]
    #[arg(long, value_name = "FILE", env = local::VARIABLE, hide_env = true)]
    pub model_program: Option<PathBuf>,
    /// ONNX Runtime as a library [default: PILOTHOUSE_ONNXRUNTIME, or what the system finds by its name]
    #[arg(long, value_name = "FILE", env = "PILOTHOUSE_ONNXRUNTIME", hide_env = true)]
    pub onnxruntime: Option<PathBuf>,
}

/// A model out of a file as a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Local {
    /// The model; it was looked at.
    pub model: Model,
    /// How it is computed.
    pub options: Options,
}

/// Is this a file of a model, with or without options behind it?
pub fn is_file(typed: &str) -> bool {
    local::is_called_like_one(typed.split_once('?').map_or(typed, |(file, _)| file))
}

impl LocalArgs {
    /// The target of an address; or of a file, where there is none, with the model that is to be served. So many are asked at a
    /// time, where that is known, and drawing begins with a seed.
    ///
    /// # Errors
    /// If there is neither, or the file is none of a model.
    pub fn or_server(
        &self,
        address: Option<&str>,
        model: &str,
        way: &WayArgs,
        (at_a_time, seed): (Option<u32>, u64),
    ) -> Result<(Target, Option<Local>), Failed> {
        match address {
            Some(file) if is_file(file) => Err(Failed::Usage(format!("A file is given by --model: --model {file}"))),
            Some(address) => Ok((way.target(address, model)?, None)),
            None if is_file(model) => {
                let local = self.read(model, at_a_time, seed)?;
                Ok((local.target(way)?, Some(local)))
            }
            None => Err(Failed::Usage(
                "It is not said what is measured: give the address of a server, or a .gguf or .onnx by --model.".into(),
            )),
        }
    }

    /// The model of a file, with options behind it: `model.gguf?threads=4`. So many are asked at a time, where that is known.
    ///
    /// # Errors
    /// If there is none, it is not whole, or an option is none.
    pub fn read(&self, typed: &str, at_a_time: Option<u32>, seed: u64) -> Result<Local, Failed> {
        let (file, own) = typed.split_once('?').unwrap_or((typed, ""));
        let model = local::look(Path::new(file))?;
        let parallel = self.parallel.unwrap_or_else(|| at_a_time.unwrap_or(AT_A_TIME).clamp(1, MOST_AT_A_TIME));
        let all = Options {
            context: self.context,
            batch: self.batch,
            ubatch: self.ubatch,
            threads: self.threads,
            // Tensors are computed one request after the other.
            parallel: (model.format == Format::Gguf).then_some(parallel),
            gpu_layers: self.gpu_layers,
            seed: u32::try_from(seed).ok(),
        };
        let options = all.and(own)?;
        options.check()?;
        Ok(Local { model, options })
    }
}

impl Local {
    /// As a target that is not served yet: by completions where nothing else is said, and tensors by the Open Inference
    /// Protocol.
    ///
    /// # Errors
    /// If it is to be asked as nobody can ask it.
    pub fn target(&self, way: &WayArgs) -> Result<Target, Failed> {
        let api = match (self.model.format, way.api) {
            (Format::Gguf, Some(api @ (ApiName::Chat | ApiName::Completions))) => api,
            (Format::Gguf, None) => ApiName::Completions,
            (Format::Onnx, None | Some(ApiName::Infer)) => ApiName::Infer,
            (Format::Gguf, Some(_)) => {
                return Err(Failed::Usage("A GGUF is asked by --api completions or chat.".into()));
            }
            (Format::Onnx, Some(_)) => return Err(Failed::Usage("An ONNX model is asked by --api infer.".into())),
        };
        WayArgs { api: Some(api), ..way.clone() }.target(NOWHERE, &self.model.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_from_a_name_and_an_address() {
        for (typed, want) in [
            ("m.gguf", true),
            ("a/m.onnx?threads=2", true),
            ("chat-70b", false),
            ("http://h/m.gguf", false),
            ("20261129-1540", false),
            ("run.json?m.gguf", false),
        ] {
            assert_eq!(is_file(typed), want, "{typed}");
        }
    }
}
