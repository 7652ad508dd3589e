//! Runs and versions of models, read from their servers when somebody looks at them.

use crate::asks::{connected, within};
use pilothouse_connect::Connector;
use pilothouse_insight::{VersionDetail, compare_versions};
use pilothouse_wire::{
    Answer, Code, ConnectionId, Problem, SmolStr,
    runs::{Comparison, Run, RunAnswer, RunAsk, Signature, VersionId},
    view::VersionLine,
};
use pilothouse_world::{World, project};
use std::sync::Arc;

/// A question about runs, to their server.
pub(crate) async fn answer(
    connector: Option<Arc<dyn Connector>>,
    id: &ConnectionId,
    ask: &RunAsk,
) -> Result<Answer, Problem> {
    let connector = connected(connector, id, "Runs are read from their server")?;
    within(id, asked(ask), connector.runs(ask)).await.map(Box::new).map(Answer::Runs)
}

fn asked(ask: &RunAsk) -> &'static str {
    match ask {
        RunAsk::Run(_) => "a run",
        RunAsk::Metrics { .. } => "the history of metrics",
        RunAsk::Artefacts { .. } => "the artefacts of a run",
        RunAsk::Search(_) => "its runs",
        RunAsk::Signature { .. } => "the signature of a model",
    }
}

/// One of two versions that are compared.
pub(crate) struct Side {
    /// Where it is.
    pub connector: Option<Arc<dyn Connector>>,
    /// What the registry says of it; `None` where there is no such version.
    pub row: Option<VersionLine>,
    /// Which it is.
    pub id: VersionId,
}

/// A version as the registry last told of it.
pub(crate) fn version(world: &World, id: &VersionId) -> Option<VersionLine> {
    let model = project::model(world, &id.model)?;
    VersionLine::of(&model).find(|line| line.version.number == id.number)
}

/// Two versions side by side. What cannot be read of one is said, and the rest compared.
pub(crate) async fn compare(a: Side, b: Side) -> Result<Answer, Problem> {
    let (ids, mut problems) = ((a.id.clone(), b.id.clone()), Vec::new());
    // Both at once: two may be of different servers.
    let (a, b) = tokio::join!(detail(a), detail(b));
    let ((a, of_a), (b, of_b)) = (a?, b?);
    problems.extend(of_a.into_iter().chain(of_b));
    let rows = compare_versions(&a, &b);
    Ok(Answer::Versions(Box::new(Comparison { a: ids.0, b: ids.1, rows, problems })))
}

async fn detail(side: Side) -> Result<(VersionDetail, Vec<Problem>), Problem> {
    let Side { connector, row, id } = side;
    let source = id.source().clone();
    let connector = connected(connector, &source, "Versions are compared by what their server says of them")?;
    let Some(line) = row else {
        return Err(Problem::new(
            Code::NotFound,
            format!("{source} has no version {} of {}.", id.number, id.model.name),
        )
        .next("The versions that there are: pilothouse models NAME."));
    };
    let mut problems = Vec::new();
    let (run, signature) = tokio::join!(
        read_run(&*connector, &source, line.version.run.as_ref()),
        read_signature(&*connector, &source, &id)
    );
    let mut keep = |problem| problems.push(problem);
    let run = run.unwrap_or_else(|problem| {
        keep(problem);
        None
    });
    let signature = signature.unwrap_or_else(|problem| {
        keep(problem);
        None
    });
    Ok((VersionDetail { line, run, signature }, problems))
}

async fn read_run(
    connector: &dyn Connector,
    source: &ConnectionId,
    run: Option<&SmolStr>,
) -> Result<Option<Run>, Problem> {
    let Some(run) = run else { return Ok(None) };
    let ask = RunAsk::Run(run.clone());
    match within(source, asked(&ask), connector.runs(&ask)).await? {
        RunAnswer::Run(run) => Ok(Some(*run)),
        _ => Ok(None),
    }
}

async fn read_signature(
    connector: &dyn Connector,
    source: &ConnectionId,
    id: &VersionId,
) -> Result<Option<Signature>, Problem> {
    let ask = RunAsk::Signature { model: id.model.name.clone(), version: id.number };
    match within(source, asked(&ask), connector.runs(&ask)).await? {
        RunAnswer::Signature(signature) => Ok(signature),
        _ => Ok(None),
    }
}
