//! Parsers of this crate as the targets in `fuzz/` call them. Not for anybody else.

use crate::{answer, paths, runs::answer as of_runs, signature};
use pilothouse_wire::runs::{Artefacts, LoggedModel, Run, RunRow, Signature};
use pilothouse_world::{Fact, fact::ModelFact};

/// What a list of models and a list of versions tell, when both have these bytes.
#[must_use]
pub fn facts(body: &[u8]) -> Vec<Fact> {
    let models = answer::models(body).map(|page| page.list).unwrap_or_default();
    let versions = answer::versions(body).map(|page| page.list).unwrap_or_default();
    let with_versions = |model: ModelFact| {
        let own = versions.iter().filter(|(name, _)| *name == model.name).map(|(_, version)| version.clone());
        Fact::Model(Box::new(ModelFact { versions: own.collect(), ..model }))
    };
    models.into_iter().map(with_versions).collect()
}

/// What these bytes are as a run, as a page of runs, as artefacts, and as logged models.
#[must_use]
pub fn runs(body: &[u8]) -> (Option<Run>, Vec<RunRow>, Option<Artefacts>, Vec<LoggedModel>) {
    let found = of_runs::found(body).map(|page| page.list).unwrap_or_default();
    (of_runs::run(body).ok(), found, of_runs::artefacts(body).ok(), of_runs::logged(body).unwrap_or_default())
}

/// The steps of these bytes as a history, thinned to so many points.
#[must_use]
pub fn steps(body: &[u8], most: usize) -> Vec<i64> {
    let mut points = of_runs::history(body).map(|page| page.list).unwrap_or_default();
    of_runs::thin(&mut points, most);
    points.into_iter().map(|point| point.0).collect()
}

/// What these bytes are as an `MLmodel` file.
#[must_use]
pub fn signature(body: &[u8]) -> Option<Signature> {
    signature::read(body).ok().flatten()
}

/// The path of a file in a folder of this address.
#[must_use]
pub fn file(folder: &str) -> Option<String> {
    paths::file(folder, "MLmodel")
}
