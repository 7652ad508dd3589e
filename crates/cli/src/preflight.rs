//! The command that says beforehand whether a version of a model fits its GPUs, and shows its sums.

mod model;
mod of_registry;
mod service;
mod words;

use crate::{
    exit::{Exit, Failed},
    json,
    out::{Style, stdout},
    preflight_args::PreflightArgs,
};
use model::Model;
use pilothouse_insight::preflight::{Engine, Flags, Gpu, Machine, Report, Running, Surge, Verdict, Version, preflight};
use pilothouse_wire::{Problem, shell};
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
pub async fn run(arguments: &PreflightArgs, style: Style, err: Style) -> Result<Exit, Failed> {
    let Some(config) = &arguments.config else { return of_registry::run(arguments, style, err).await };
    let candidate = Model::read(config)?;
    let was = arguments.was.as_deref().map(Model::read).transpose()?;
    let running = match &arguments.service {
        Some(name) => Some(service::read(name, &arguments.source, err).await?),
        None => None,
    };
    let wanted = Wanted::of(arguments, running)?;
    let was = was.as_ref().map(|was| version(was, &wanted.before));
    let candidate = version(&candidate, &wanted.flags);
    let surge = wanted.surge(arguments, candidate);
    let report = preflight(candidate, was, &wanted.machine, &surge);
    let gpu = wanted.gpu.as_deref();
    let mut out = stdout();
    if arguments.json {
        let document = Document { gpu, engine_assumed: wanted.engine_assumed, report: &report };
        json::write(&mut out, &document, !style.terminal)?;
    } else {
        words::write(&mut out, &report, gpu, wanted.engine_assumed, style)?;
    }
    Ok(exit(report.verdict))
}

fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Fits => Exit::Ok,
        Verdict::DoesNot => Exit::No,
        Verdict::CannotTell => Exit::CannotTell,
    }
}

/// What is asked for, by what was typed, and where nothing was by the service.
struct Wanted {
    flags: Flags,
    before: Flags,
    /// Did nothing say which engine it is?
    engine_assumed: bool,
    gpu: Option<String>,
    machine: Machine,
    running: Option<Running>,
}

impl Wanted {
    fn of(arguments: &PreflightArgs, running: Option<Running>) -> Result<Self, Problem> {
        let served = running.as_ref().map(|running| running.arguments.clone());
        let typed = Some(arguments.arguments.clone()).filter(|typed| !typed.is_empty());
        let words = typed.or_else(|| served.clone()).unwrap_or_default();
        let before =
            arguments.was_args.as_deref().map(shell::split).transpose()?.or(served).unwrap_or_else(|| words.clone());
        let known = |words: &[String]| {
            let named = Engine::in_words(words.iter().map(String::as_str));
            let said = arguments.engine.map(Engine::from).or(named);
            said.or_else(|| running.as_ref().and_then(|running| running.engine))
        };
        let (engine, engine_before) = (known(&words), known(&before));
        let read = running.as_ref().map(|running| running.product.clone());
        let gpu =
            arguments.gpu.clone().map(Ok).or(read).unwrap_or_else(|| Err("--gpu does not say which it is".into()));
        let gpus_a_node = running.as_ref().and_then(|running| running.gpus_a_node);
        Ok(Self {
            flags: Flags::read(engine.unwrap_or(Engine::Vllm), &words),
            before: Flags::read(engine_before.unwrap_or(Engine::Vllm), &before),
            engine_assumed: engine.is_none(),
            gpu: gpu.clone().ok(),
            machine: Machine {
                gpu: gpu.and_then(|product| Gpu::of_product(&product)),
                gpus_a_node: arguments.gpus_a_node.or(gpus_a_node),
            },
            running,
        })
    }

    fn surge(&self, arguments: &PreflightArgs, candidate: Version<'_>) -> Surge {
        match (arguments.free, &self.running) {
            (Some(free), _) => Surge::Free(free),
            (None, None) => Surge::NotAsked,
            (None, Some(running)) => {
                running.surge(preflight(candidate, None, &self.machine, &Surge::NotAsked).candidate.gpus)
            }
        }
    }
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
