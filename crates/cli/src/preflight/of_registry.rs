//! The preflight of a model of a registry: the engine reads its configuration there, and reckons.

use super::{exit, service, words};
use crate::{
    artifacts,
    exit::{Exit, Failed},
    json, models,
    out::{Style, note, stdout},
    preflight_args::PreflightArgs,
    problems,
    start::{Session, other_answer},
};
use pilothouse_insight::preflight::Report;
use pilothouse_wire::{
    Answer, Ask, Body, ObjectRef, View, ViewSpec,
    preflight::{ModelSubject, Preflight, PreflightQuery},
    units::visible,
    view::FleetSpec,
};
use serde::Serialize;

/// What it says, as one object.
#[derive(Serialize)]
struct Document<'a> {
    /// The candidate, as people write it.
    model: String,
    /// Where its configuration was read.
    config: &'a str,
    /// The workload whose arguments and GPU were taken.
    service: Option<&'a ObjectRef>,
    /// The arguments by which it was reckoned.
    arguments: &'a [String],
    /// The GPU, as it is named.
    gpu: Option<&'a str>,
    /// Did nothing say which engine it is?
    engine_assumed: bool,
    #[serde(flatten)]
    report: &'a Report,
}

/// Asks, and tells.
pub async fn run(arguments: &PreflightArgs, style: Style, err: Style) -> Result<Exit, Failed> {
    let session = Session::start(&arguments.source, false).await?;
    let said = ask(&session, arguments).await;
    session.end().await;
    let (of, said) = said?;
    let Preflight { report, config, service, missing, arguments: words, engine_assumed, gpu, .. } = &*said;
    let (gpu, service) = (gpu.as_deref(), service.as_ref());
    let mut out = stdout();
    if arguments.json {
        let (model, engine_assumed) = (of.shown(), *engine_assumed);
        let document = Document { model, config, service, arguments: words, gpu, engine_assumed, report };
        json::write(&mut out, &document, !style.terminal)?;
    } else {
        words::write(&mut out, report, gpu, *engine_assumed, style)?;
        let taken = service
            .map(|service| format!(" Arguments, GPU and room are those of {service}, as far as none were said."));
        note(&visible(&format!("Its configuration is {config}.{}", taken.unwrap_or_default())));
    }
    if let Some(problem) = missing {
        problems::tell(problem, err);
    }
    Ok(exit(report.verdict))
}

async fn ask(session: &Session, arguments: &PreflightArgs) -> Result<(ModelSubject, Box<Preflight>), Failed> {
    let wait = arguments.source.wait;
    let of = match (&arguments.model, &arguments.artifact) {
        (Some(named), _) => ModelSubject::Version(models::version_named(session, named, wait).await?),
        (None, Some(named)) => {
            ModelSubject::Artifact(artifacts::named(session, named, arguments.registry.as_deref(), wait).await?)
        }
        (None, None) => return Err(Failed::Usage("Say which model: --config, --model or --artifact.".to_owned())),
    };
    let service = match &arguments.service {
        None => None,
        Some(name) => {
            let frame = session.frame_now(ViewSpec::Fleet(FleetSpec::default())).await?;
            let Body::Full(View::Fleet(fleet)) = &frame.body else { return Err(other_answer()) };
            Some(service::named(fleet, name)?)
        }
    };
    let query = PreflightQuery {
        of: of.clone(),
        service,
        gpu: arguments.gpu.clone(),
        gpus_a_node: arguments.gpus_a_node,
        arguments: Some(arguments.arguments.clone()).filter(|arguments| !arguments.is_empty()),
        engine: arguments.engine.map(Into::into),
    };
    match session.reader().ask(Ask::Preflight(Box::new(query))).await? {
        Answer::Preflight(said) => Ok((of, said)),
        _ => Err(other_answer()),
    }
}
