//! What may be typed behind `preflight`.

use crate::args::SourceArgs;
use clap::{Args, ValueEnum};
use pilothouse_insight::preflight::Engine;
use std::path::PathBuf;

/// Of a model and what is to serve it.
#[derive(Args, Debug)]
pub struct PreflightArgs {
    /// A service that runs, [[CLUSTER/]NAMESPACE/]NAME: the arguments of its engine, its GPU, the GPUs of a node and
    /// those that are free are read from its cluster, as far as they are not said here
    #[arg(value_name = "SERVICE")]
    pub service: Option<String>,
    /// The candidate: its config.json, or the folder of the model, where sizes of weights, template and tokenizer are
    /// read too
    #[arg(long, value_name = "FILE|FOLDER", required_unless_present_any = ["model", "artifact"])]
    pub config: Option<PathBuf>,
    /// The candidate as a version of a registered model: its configuration is read from the registry, its weights are not.
    /// Arguments and GPU are those of the service that serves the model now, as far as they are not said here
    #[arg(long, value_name = "NAME/VERSION|NAME@ALIAS", conflicts_with_all = ["config", "artifact", "was", "free"])]
    pub model: Option<String>,
    /// The candidate as an artefact of a registry, likewise
    #[arg(long, value_name = "REPOSITORY:TAG", conflicts_with_all = ["config", "was", "free"])]
    pub artifact: Option<String>,
    /// The registry of the artefact, by id or name [default: the one that has the repository]
    #[arg(long, value_name = "NAME", requires = "artifact")]
    pub registry: Option<String>,
    /// The version before, likewise: what changes is told
    #[arg(long, value_name = "FILE|FOLDER")]
    pub was: Option<PathBuf>,
    /// The arguments of the version before, as one line of a shell [default: those of the service,
    /// else those of the candidate]
    #[arg(long, value_name = "ARGS", requires = "was", allow_hyphen_values = true)]
    pub was_args: Option<String>,
    /// The product of the GPU, as its driver or a label of a node names it: "NVIDIA H100 80GB HBM3"
    #[arg(long, value_name = "NAME")]
    pub gpu: Option<String>,
    /// GPUs of a node
    #[arg(long, value_name = "N")]
    pub gpus_a_node: Option<u64>,
    /// GPUs that are free for one more replica while versions change
    #[arg(long, value_name = "N")]
    pub free: Option<u64>,
    /// The engine: vllm, sglang or tgi [default: the one that the arguments name, or vllm]
    #[arg(long, value_name = "NAME", hide_possible_values = true)]
    pub engine: Option<EngineName>,
    #[command(flatten)]
    pub source: SourceArgs,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// The arguments of the container, as they stand there [default: those of the service]
    #[arg(last = true, value_name = "ARGS")]
    pub arguments: Vec<String>,
}

/// The engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    // Without doc comments: clap would print them at length in every help.
    #[allow(missing_docs, reason = "the words are the meaning")]
    Vllm,
    #[allow(missing_docs, reason = "the words are the meaning")]
    Sglang,
    #[allow(missing_docs, reason = "the words are the meaning")]
    Tgi,
}

impl From<EngineName> for Engine {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Vllm => Self::Vllm,
            EngineName::Sglang => Self::Sglang,
            EngineName::Tgi => Self::Tgi,
        }
    }
}
