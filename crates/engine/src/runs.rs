//! Runs and versions of models, read from their servers when somebody looks at them.

use crate::asks::{connected, together, within};
use pilothouse_connect::{Connector, VersionFiles, redact_named};
use pilothouse_insight::{Told, VersionDetail, compare_runs, compare_versions, config_lines};
use pilothouse_wire::{
    Answer, Code, ConnectionId, Problem, SmolStr,
    runs::{Comparison, FilesSize, Run, RunAnswer, RunAsk, RunId, RunsCompared, Signature, VersionId},
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

/// Runs side by side. One that cannot be read is left out, and why is said.
pub(crate) async fn side_by_side(sides: Vec<(Option<Arc<dyn Connector>>, RunId)>) -> Result<Answer, Problem> {
    let read = sides.into_iter().map(|(connector, id)| async move {
        let run = a_run(connector, &id).await;
        (id, run)
    });
    let (mut ids, mut runs, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (id, run) in together(read).await.into_iter().flatten() {
        match run {
            Ok(run) => {
                ids.push((id, run.about.name.clone()));
                runs.push(run);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if runs.is_empty() {
        let none = || Problem::new(Code::BadInput, "No run is named.").next("Name two or more.");
        return Err(problems.into_iter().next().unwrap_or_else(none));
    }
    Ok(Answer::RunsCompared(Box::new(RunsCompared { runs: ids, rows: compare_runs(&runs), problems })))
}

async fn a_run(connector: Option<Arc<dyn Connector>>, id: &RunId) -> Result<Run, Problem> {
    let connector = connected(connector, &id.source, "Runs are read from their server")?;
    let run = read_run(&*connector, &id.source, Some(&id.run)).await?;
    run.ok_or_else(Problem::other_answer)
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
    let (run, signature, files) = tokio::join!(
        read_run(&*connector, &source, line.version.run.as_ref()),
        read_signature(&*connector, &source, &id),
        within(&source, "the files of a version", connector.version_files(&id, line.version.run.as_deref()))
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
    let (size, config) = of_files(files, &mut keep);
    Ok((VersionDetail { line, run, signature, size, config }, problems))
}

/// How large it is and what its files say; what could not be read is unknown, and why is kept.
fn of_files(
    files: Result<VersionFiles, Problem>,
    keep: &mut impl FnMut(Problem),
) -> (Told<FilesSize>, Told<Vec<(SmolStr, String)>>) {
    let files = match files {
        Ok(files) => files,
        Err(problem) => {
            keep(problem);
            return (Told::Unknown, Told::Unknown);
        }
    };
    let size = files.size.map_or_else(
        |problem| {
            keep(problem);
            Told::Unknown
        },
        Told::Is,
    );
    let config = match (files.config, files.flavours) {
        (Ok(config), Ok(flavours)) => settings(config, flavours),
        (config, flavours) => {
            // Both lie beside one another: what keeps one from being read keeps the other.
            config.err().or(flavours.err()).into_iter().for_each(keep);
            Told::Unknown
        }
    };
    (size, config)
}

/// The settings of a `config.json` and of the flavours, without values that are called like a secret.
fn settings(config: Option<String>, flavours: Vec<(SmolStr, String)>) -> Told<Vec<(SmolStr, String)>> {
    let of_config = match config.as_deref().map(config_lines) {
        // It is no configuration in the form that everybody writes: what it says cannot be told.
        Some(None) => return Told::Unknown,
        Some(Some(lines)) => lines,
        None if flavours.is_empty() => return Told::None,
        None => Vec::new(),
    };
    let harmless = of_config.into_iter().map(|(key, value)| {
        let value = redact_named(&key, &value);
        (key, value)
    });
    Told::Is(harmless.chain(flavours).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_of_a_version_is_unknown_with_its_reason_and_secrets_are_taken_out() {
        let problem = || Problem::new(Code::NotOffered, "not handed out");
        let size = FilesSize { files: 2, bytes: 9, whole: true };
        let of = |files: Result<VersionFiles, Problem>| {
            let mut kept = Vec::new();
            let (size, config) = of_files(files, &mut |problem| kept.push(problem));
            (size, config, kept.len())
        };
        let files = |config: Result<Option<&str>, Problem>| {
            let config = config.map(|config| config.map(str::to_owned));
            Ok(VersionFiles { size: Ok(size), config, flavours: Ok(Vec::new()) })
        };
        assert_eq!(of(Err(problem())), (Told::Unknown, Told::Unknown, 1));
        assert_eq!(of(files(Err(problem()))), (Told::Is(size), Told::Unknown, 1));
        assert_eq!(of(files(Ok(None))), (Told::Is(size), Told::None, 0));
        assert_eq!(of(files(Ok(Some("no JSON")))), (Told::Is(size), Told::Unknown, 0));
        let (_, config, _) = of(files(Ok(Some(r#"{"layers":32,"hub_token":"hunter2"}"#))));
        let lines = vec![("layers".into(), "32".to_owned()), ("hub_token".into(), "…".to_owned())];
        assert_eq!(config, Told::Is(lines));
    }
}
