//! Can a service go back? What its server keeps of the earlier revision, held against the fleet, the registries and its own past.
//!
//! Each thing that the way back needs is a [`Check`]. One that **fails** makes it *not possible*; else one that is **unknown**
//! makes it *unknown*; else one that is **slow** makes it *slow*: a node of its pods has to fetch an image, or may have to, or pods
//! end before others can begin; else it is *ready*. Where all its pods are there already, what pods need to start is **moot**.
//! Not looked at are CPU and memory, quotas, and whether a ConfigMap or Secret has the keys that are named of it: its content
//! is not read.
//!
//! What has no pods and moves traffic alone goes back by what it gave to whom before, where that was recorded ([`Given`]), and by
//! whether each of those can answer (`traffic`).

mod groups;
mod images;
mod room;
#[cfg(test)]
mod tests;
mod traffic;

use crate::lineage::{Leads, leads};
use pilothouse_wire::{
    ModelUri, ObjectRef, Problem, SmolStr, Stamp,
    artifact::{Artifact, ArtifactRef},
    back::{Check, CheckState, Grade, Kept, Known, NamedObject, Replaces, Then, Took, WayBack, Without},
    runs::VersionId,
    units::count,
    view::{ArtifactsView, ContainerImage, ModelRow, ModelsView, NodeRow, PodRow},
};

pub use images::sought;
pub use room::asks_for_room;
pub use traffic::Given;

/// What a way back is held against.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The nodes of the service's cluster that have GPUs; none where not all of its nodes are read.
    pub nodes: Option<&'a [NodeRow]>,
    /// The pods of the service.
    pub pods: &'a [PodRow],
    /// Registries of images, as they are watched.
    pub artifacts: &'a ArtifactsView,
    /// What registries said of the images that were [`sought`].
    pub said: &'a [(ArtifactRef, Result<Artifact, Problem>)],
    /// Images of pods that are of the revision which is gone back to.
    pub seen: &'a [ContainerImage],
    /// Registries of models.
    pub models: &'a ModelsView,
    /// What registries of models said of versions that are not among those that are read of them: [`unlisted`].
    pub versions: &'a [(VersionId, Result<bool, Problem>)],
    /// How long changes of the service took that were seen from begin to end, in milliseconds.
    pub took: &'a [u64],
    /// What a route gave to whom before its weights moved last; or why that is not known, as a clause.
    pub given: Result<&'a Given, &'a str>,
}

/// Grades the way back of a service, as of a time.
#[must_use]
pub fn way_back(object: &ObjectRef, kept: &Kept, around: &Around<'_>, now: Stamp) -> WayBack {
    if let Some(traffic) = &kept.traffic {
        return traffic::way_back(object, kept, traffic, (around, now));
    }
    let mut checks = Vec::new();
    match &kept.then {
        Err(problem) => checks.push(no_revision(problem)),
        Ok(then) => {
            checks.push(revision(then));
            checks.extend(moves(kept));
            let mut of_pods = images::images(then, around);
            of_pods.extend(then.models.iter().map(|(by, text)| model(by, text, around)));
            of_pods.extend(then.named.iter().map(named));
            of_pods.push(room::room(object, kept, then, around));
            // What a pod needs to start is not needed where none has to.
            let none_starts = then.there >= kept.wanted;
            let is_moot = |check: &Check| none_starts && check.state != CheckState::Holds;
            checks.extend(of_pods.into_iter().map(|check| match is_moot(&check) {
                true => Check { state: CheckState::Moot, ..check },
                false => check,
            }));
            checks.push(api(then, object.kind_word()));
        }
    }
    WayBack {
        object: object.clone(),
        from: kept.from,
        to: kept.then.as_ref().ok().map(|then| then.number),
        aim: None,
        deed: kept.deed.clone(),
        grade: Grade::of(&checks),
        checks,
        took: took(kept, around.took),
        checked_at: now,
    }
}

fn check(what: impl Into<SmolStr>, state: CheckState, words: String, evidence: impl Into<String>) -> Check {
    Check { what: what.into(), state, words, evidence: evidence.into() }
}

fn no_revision(problem: &Problem) -> Check {
    use pilothouse_wire::Code;
    // Of a kind that we do not know nothing is known.
    let state = if problem.code == Code::NotOffered { CheckState::Unknown } else { CheckState::Fails };
    let told = [problem.why.as_deref(), problem.next.as_deref()];
    let evidence = told.into_iter().flatten().collect::<Vec<_>>().join(" ");
    check("Revision", state, problem.what.clone(), evidence)
}

fn revision(then: &Then) -> Check {
    let Then { number, kind, name, there, .. } = then;
    let pods = match there {
        0 if kind == "ReplicaSet" => " Its pods are made anew.".to_owned(),
        0 => String::new(),
        1 => " 1 of its pods is ready.".to_owned(),
        there => format!(" {there} of its pods are ready."),
    };
    let words = format!("Revision {number} is kept.{pods}");
    check("Revision", CheckState::Holds, words, format!("{kind} {name}"))
}

/// Does anything move once the template is another one, and what serves meanwhile?
fn moves(kept: &Kept) -> Option<Check> {
    if kept.paused {
        let words = "It is paused: nothing that is changed reaches its pods. Resume it first.";
        return Some(check("Moves", CheckState::Fails, words.to_owned(), "spec.paused is true"));
    }
    let [one, many] = counted(kept.workers.is_some());
    let (state, words) = match kept.replaces {
        Replaces::OnDelete => (CheckState::Fails, format!("Its {many} go back only when somebody deletes them.")),
        Replaces::InPlace { partition } if partition >= kept.wanted.max(1) => (
            CheckState::Fails,
            format!("None of its {many} goes back: those below number {partition} stay as they are."),
        ),
        Replaces::InPlace { partition } if partition > 0 => {
            (CheckState::Fails, format!("Its {many} below number {partition} stay as they are: it goes back in part."))
        }
        Replaces::InPlace { .. } => (CheckState::Slow, format!("Each {one} ends before the one in its place begins.")),
        Replaces::AllAtOnce => {
            (CheckState::Slow, format!("All its {many} end before the others begin: nothing serves meanwhile."))
        }
        Replaces::Rolling { .. } | Replaces::BesideIt => (CheckState::Slow, kept.stops.clone()?),
    };
    Some(check("Moves", state, words, "its strategy"))
}

/// What comes and ends as one, alone and of several: a pod, or a group of a leader and its workers.
fn counted(in_groups: bool) -> [&'static str; 2] {
    if in_groups { ["group", "groups"] } else { ["pod", "pods"] }
}

fn named(object: &NamedObject) -> Check {
    let NamedObject { kind, name, by, without, there } = object;
    let (state, words) = match (there, without) {
        (Known::Yes, _) => (CheckState::Holds, "It is there.".to_owned()),
        (Known::No, Without::NoStart) => (CheckState::Fails, "It is not there: pods would not start.".to_owned()),
        (Known::No, Without::PerhapsNoImage) => {
            (CheckState::Unknown, "It is not there: whether images can be pulled without it is not known.".to_owned())
        }
        (Known::No, Without::Nothing) => (CheckState::Holds, "It is not there, and need not be.".to_owned()),
        (Known::NotAsked | Known::Unknown(_), Without::Nothing) => {
            (CheckState::Holds, "It need not be there.".to_owned())
        }
        (Known::Unknown(problem), _) => (CheckState::Unknown, format!("Not known: {}", reason(problem))),
        (Known::NotAsked, _) => (CheckState::Unknown, "Nobody looked.".to_owned()),
    };
    check(format!("{kind} {name}"), state, words, format!("{by}; its metadata alone is read"))
}

fn reason(problem: &Problem) -> String {
    problem.why.clone().unwrap_or_else(|| problem.what.clone())
}

/// Versions that the revision names and that are not among those that are read of their models: their registries are to be asked for
/// them, each once.
#[must_use]
pub fn unlisted(then: &Then, models: &ModelsView) -> Vec<VersionId> {
    let one = |text: &SmolStr| match leads(&ModelUri::parse(text)?, text, models) {
        Leads::Unlisted(model, number) => Some(VersionId { model: model.id.clone(), number }),
        _ => None,
    };
    let mut all: Vec<VersionId> = Vec::new();
    for of in then.models.iter().filter_map(|(_, text)| one(text)) {
        if !all.contains(&of) {
            all.push(of);
        }
    }
    all
}

/// Does the address of a model lead anywhere now?
fn model(by: &str, text: &SmolStr, around: &Around<'_>) -> Check {
    let what = format!("Model {text}");
    let Some(uri) = ModelUri::parse(text) else {
        return check(what, CheckState::Unknown, "It is no address that can be followed.".to_owned(), by);
    };
    let is_alias = matches!(uri, ModelUri::Alias(..));
    match leads(&uri, text, around.models) {
        Leads::To(model, version, evidence) => {
            let moves = if is_alias { " now: what it led to then may be another" } else { "" };
            let words = format!("It leads to version {version} of {}{moves}.", model.id.name);
            check(what, CheckState::Holds, words, evidence)
        }
        Leads::Unlisted(model, number) => {
            let (state, words) = unread(model, number, around);
            check(what, state, words, by)
        }
        // A registry that has the model says so of its own.
        Leads::Nowhere(why) => check(what, CheckState::Fails, why, by),
        Leads::Unknown(why) => check(what, CheckState::Unknown, why, by),
    }
}

/// Is a version there that is not among those that are read of its model? By what its registry says of that one, and by nothing else.
fn unread(model: &ModelRow, number: u64, around: &Around<'_>) -> (CheckState, String) {
    let (name, registry) = (&model.id.name, &model.id.source);
    let said = around.versions.iter().find(|(of, _)| of.model == model.id && of.number == number);
    let read =
        || format!("It is not among the {} versions that are read of {name}", count(model.versions.len() as u64));
    match said.map(|(_, said)| said) {
        Some(Ok(true)) => {
            (CheckState::Holds, format!("{registry} has version {number} of {name}, and was asked for it."))
        }
        Some(Ok(false)) => (CheckState::Fails, format!("{registry} says that there is no version {number} of {name}.")),
        Some(Err(problem)) => {
            (CheckState::Unknown, format!("{}, and whether it is there is not known: {}", read(), reason(problem)))
        }
        None => (CheckState::Unknown, format!("{}, and nobody asked for it.", read())),
    }
}

fn api(then: &Then, kind: &str) -> Check {
    let (api, served) = &then.api;
    let (state, words) = match served {
        Known::Yes => (CheckState::Holds, format!("{kind} of {api} is served.")),
        Known::No => (CheckState::Fails, format!("{kind} of {api} is not served any more.")),
        Known::Unknown(problem) => (CheckState::Unknown, format!("Not known: {}", reason(problem))),
        Known::NotAsked => (CheckState::Unknown, "Nobody looked.".to_owned()),
    };
    check("API", state, words, "the owner that the revision names, and discovery")
}

/// How long it should take: by changes that were seen, else by what its server keeps of the last one.
fn took(kept: &Kept, seen: &[u64]) -> Took {
    if let (Some(least), Some(most)) = (seen.iter().min(), seen.iter().max()) {
        let evidence = match seen.len() {
            1 => "its last change, as it was seen".to_owned(),
            changes => format!("its last {changes} changes, as they were seen"),
        };
        return Took::Between { least_ms: *least, most_ms: *most, evidence };
    }
    match kept.last {
        Some((begun, ended)) => {
            let ms = u64::try_from(ended.since(begun).as_millis()).unwrap_or(u64::MAX);
            let evidence = "its last change, as its server keeps it".to_owned();
            Took::Between { least_ms: ms, most_ms: ms, evidence }
        }
        None => Took::Unknown("no change of it was seen from begin to end".to_owned()),
    }
}
