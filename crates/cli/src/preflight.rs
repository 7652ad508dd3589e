//! The command that says beforehand whether a version of a model fits its GPUs, and shows its sums.

mod model;
mod words;

use crate::{
    exit::{Exit, Failed},
    json,
    out::{Style, stdout},
    preflight_args::PreflightArgs,
};
use model::Model;
use pilothouse_insight::preflight::{Engine, Flags, Gpu, Machine, Report, Surge, Verdict, Version, preflight};
use serde::Serialize;

/// What it says, as one object.
#[derive(Serialize)]
struct Document<'a> {
    /// The GPU, as it was named.
    gpu: Option<&'a str>,
    /// Did nothing say which engine it is?
    engine_assumed: bool,
    #[serde(flatten)]
    report: &'a Report,
}

/// Reads what was named, reckons, and tells.
pub fn run(arguments: &PreflightArgs, style: Style) -> Result<Exit, Failed> {
    let candidate = Model::read(&arguments.config)?;
    let was = arguments.was.as_deref().map(Model::read).transpose()?;
    let typed = &arguments.arguments;
    let typed_before = split(arguments.was_args.as_deref()).unwrap_or_else(|| typed.clone());
    let (flags, engine_assumed) = flags(arguments, typed);
    let (flags_before, _) = self::flags(arguments, &typed_before);
    let was = was.as_ref().map(|was| version(was, &flags_before));
    let report = preflight(version(&candidate, &flags), was, &machine(arguments), &surge(arguments));
    let mut out = stdout();
    let gpu = arguments.gpu.as_deref();
    if arguments.json {
        json::write(&mut out, &Document { gpu, engine_assumed, report: &report }, !style.terminal)?;
    } else {
        words::write(&mut out, &report, gpu, engine_assumed, style)?;
    }
    Ok(match report.verdict {
        Verdict::Fits => Exit::Ok,
        Verdict::DoesNot => Exit::No,
        Verdict::CannotTell => Exit::CannotTell,
    })
}

fn version<'a>(model: &'a Model, flags: &'a Flags) -> Version<'a> {
    Version {
        config: &model.config,
        flags,
        weights: model.weights,
        template: model.template.as_deref(),
        tokenizer: model.tokenizer.as_deref(),
    }
}

/// What the engine is asked for, and whether nothing says which it is.
fn flags(arguments: &PreflightArgs, typed: &[String]) -> (Flags, bool) {
    let known = arguments.engine.map(Engine::from).or_else(|| Engine::in_words(typed.iter().map(String::as_str)));
    (Flags::read(known.unwrap_or(Engine::Vllm), typed), known.is_none())
}

/// A text as the words that a shell would make of it, without its quotes.
fn split(text: Option<&str>) -> Option<Vec<String>> {
    Some(text?.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect())
}

fn machine(arguments: &PreflightArgs) -> Machine {
    let gpu = arguments.gpu.as_deref().ok_or_else(|| "--gpu does not say which it is".to_owned());
    Machine { gpu: gpu.and_then(Gpu::of_product), gpus_a_node: arguments.gpus_a_node }
}

fn surge(arguments: &PreflightArgs) -> Surge {
    arguments.free.map_or(Surge::NotAsked, Surge::Free)
}
