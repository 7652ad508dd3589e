//! What is wrong with an MLflow, in words: what happened, why, what comes next.

use crate::registry::{MOST_MODELS, MOST_VERSIONS};
use pilothouse_connect_http::{
    failure::Failure,
    place::Place,
    problems::{self, sentence},
};
use pilothouse_wire::{Code, Problem, runs::VersionId, units::count};

/// The first version that has aliases.
const ALIASES: (u32, u32) = (2, 3);

/// A failure in words.
#[must_use]
pub(crate) fn problem(failure: &Failure, place: &Place) -> Problem {
    let Place { name, host, .. } = place;
    match failure {
        // A path that it does not know is answered by a page, which says nothing.
        Failure::Refusal(refusal) if matches!(refusal.status, 404 | 405 | 410) && refusal.message.is_empty() => {
            Problem::new(Code::NotFound, format!("{name} has no API of MLflow at this address."))
                .why(format!("{} to {}: {host} answers, and knows no such path.", refusal.status, refusal.path))
                .next(format!(
                    "Check that {host} is an MLflow of version 2.3 or later, and the prefix in the field \"{}\": what \
                     --static-prefix says.",
                    place.field()
                ))
        }
        other => problems::problem(other, place),
    }
}

/// A failure of a question that somebody asked about one thing.
#[must_use]
pub(crate) fn of_question(failure: &Failure, place: &Place, about: &str) -> Problem {
    let name = &place.name;
    match failure {
        Failure::Refusal(refusal) if refusal.status == 404 && !refusal.message.is_empty() => {
            Problem::new(Code::NotFound, format!("{name} has no {about}.")).why(sentence(&refusal.message))
        }
        Failure::Refusal(refusal) if refusal.status == 400 => {
            Problem::new(Code::BadInput, format!("{name} cannot answer that about {about}."))
                .why(sentence(&refusal.message))
                .next("Correct it: the words are MLflow's own, as in metrics.loss < 0.4 and tags.team = 'chat'.")
        }
        other => problem(other, place),
    }
}

/// It does not say whether it has a version: what it said instead.
#[must_use]
pub(crate) fn unsaid(failure: &Failure, place: &Place, of: &VersionId) -> Problem {
    let problem = problem(failure, place);
    let (name, number, model) = (&place.name, of.number, &of.model.name);
    let why = problem.why.clone().unwrap_or_else(|| problem.what.clone());
    Problem { what: format!("{name} does not say whether it has version {number} of {model}."), ..problem.why(why) }
}

/// It is older than what we need. A version that cannot be read is taken for a good one.
pub(crate) fn too_old(place: &Place, version: Option<&str>) -> Option<Problem> {
    let mut parts = version?.split('.').map(str::parse::<u32>);
    let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let name = &place.name;
    ((major, minor) < ALIASES).then(|| {
        Problem::new(Code::BadInput, format!("{name} knows no aliases."))
            .why(format!("It is MLflow {major}.{minor}, and they came with 2.3. Versions and stages are shown."))
            .next(format!("An administrator of {name} has to renew it."))
    })
}

/// There is more than is followed.
pub(crate) fn too_much(place: &Place) -> Problem {
    Problem::new(Code::BadInput, format!("Not all models of {} are shown.", place.name))
        .why(format!(
            "It has more than {} models or 50,000 versions. Those that were written last are followed, and {} versions of \
             each.",
            count(MOST_MODELS as u64),
            count(MOST_VERSIONS as u64)
        ))
        .next("Name a workspace, or connect by a user who may read fewer.")
}

/// YAML of a model.
pub(crate) fn no_yaml(place: &Place) -> Problem {
    Problem::new(Code::NotOffered, format!("{} keeps no objects of a cluster.", place.name))
        .why("It is an MLflow: it has models and runs alone.")
}

/// The server is of before logged models.
pub(crate) fn no_logged_models(place: &Place) -> Problem {
    Problem::new(Code::NotOffered, format!("{} keeps no logged models.", place.name))
        .why("They came with MLflow 3, and it knows no such question. All else of the run is read.")
}

/// No experiment is called so.
pub(crate) fn no_experiment(place: &Place, wanted: &[String], there: &[&str]) -> Problem {
    let shown = there.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    Problem::new(Code::NotFound, format!("{} has no experiment called {}.", place.name, wanted.join(" or ")))
        .why(if there.is_empty() { "It has none that we may read.".to_owned() } else { format!("There are {shown}.") })
}

/// The files of a version are where we have no way to.
pub(crate) fn elsewhere(place: &Place, what: &str, version: &str, folder: &str) -> Problem {
    let scheme = folder.split_once(':').map_or("a folder of its own", |(scheme, _)| scheme);
    Problem::new(Code::NotOffered, format!("The {what} of {version} cannot be read."))
        .why(format!("Its files are in {scheme}, and {} does not hand them out.", place.name))
        .next("A server that is started with --serve-artifacts does.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_connect_http::failure::Refusal;

    fn place() -> Place {
        Place { name: "registry".into(), host: "mlflow:5000".into(), kind: "an MLflow", ..Place::default() }
    }

    fn refused(status: u16, message: &str) -> Failure {
        let path = "/api/2.0/mlflow/runs/get".to_owned();
        Failure::Refusal(Box::new(Refusal { path, status, message: message.into(), ..Refusal::default() }))
    }

    #[test]
    fn a_page_for_an_unknown_path_is_told_from_a_thing_that_is_not_there() {
        let wrong = problem(&refused(404, ""), &place());
        assert!(wrong.what.contains("no API of MLflow") && wrong.next.unwrap().contains("--static-prefix"));
        let absent = of_question(&refused(404, "Run with id=deadbeef not found"), &place(), "run deadbeef");
        assert_eq!(absent.what, "registry has no run deadbeef.");
        assert_eq!(absent.why.as_deref(), Some("Run with id=deadbeef not found."));
        let bad = of_question(&refused(400, "Invalid clause"), &place(), "runs");
        assert_eq!((bad.code, bad.why.as_deref()), (Code::BadInput, Some("Invalid clause.")));
        assert_eq!(of_question(&refused(403, "Permission denied"), &place(), "run a").code, Code::Denied);
    }

    #[test]
    fn an_old_server_is_told_by_its_version_alone() {
        for (version, old) in
            [(Some("1.30.0"), true), (Some("2.2.2"), true), (Some("2.3.0"), false), (Some("3.17.2"), false)]
        {
            assert_eq!(too_old(&place(), version).is_some(), old, "{version:?}");
        }
        assert_eq!((too_old(&place(), None), too_old(&place(), Some("dev"))), (None, None));
    }
}
