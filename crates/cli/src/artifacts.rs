//! The command about registries: tags that are watched, the tags of a repository, one artefact in full, two side by side.

mod text;

use crate::{
    args::{ArtifactsArgs, ListArgs},
    exit::{Exit, Failed},
    json, list,
    out::{Style, note, stdout},
    problems,
    start::{Session, Troubles, other_answer},
};
use pilothouse_wire::{
    Answer, Ask, Body, Code, ConnectionId, Problem, View, ViewSpec,
    artifact::{ArtifactRef, TagPage, TagsQuery, split_reference},
    filter::{Filter, Record, Value},
    frame::SourceState,
    units::count,
    view::{ArtifactsView, TagRow},
};
use serde::Serialize;
use std::io::Write;

/// Tags that are asked for at a time.
const PAGE: u16 = 1_000;

/// Shows what was asked for.
pub async fn run(arguments: &ArtifactsArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let Some(named) = &arguments.named else { return watched(arguments, out, err).await };
    if arguments.past.at.is_some() || arguments.past.journal.is_some() || arguments.form.watch {
        return Err(Failed::Usage(
            "An artefact is read from its registry, and is of now: --at, --journal and --watch are of the tags that are \
             watched, without a name."
                .to_owned(),
        ));
    }
    let session = Session::start(&arguments.source, false).await?;
    let exit = looked_at(&session, named, arguments, out, err).await;
    session.end().await;
    exit
}

/// The tags that are watched.
async fn watched(arguments: &ArtifactsArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    if arguments.with.is_some() {
        return Err(Failed::Usage("Name the artefact that the other one is to be compared with.".to_owned()));
    }
    let list = ListArgs {
        source: arguments.source.clone(),
        past: arguments.past.clone(),
        form: arguments.form.clone(),
        filter: arguments.filter.clone(),
        columns: arguments.columns.clone(),
        sort: None,
        csv: false,
    };
    list::run::<TagRow>(&list, out, err).await
}

async fn looked_at(
    session: &Session,
    named: &str,
    arguments: &ArtifactsArgs,
    out: Style,
    err: Style,
) -> Result<Exit, Failed> {
    let (frame, troubles) = session.frame(ViewSpec::Artifacts, arguments.source.wait).await?;
    let Body::Full(View::Artifacts(view)) = &frame.body else { return Err(other_answer()) };
    let places = Places { view, registries: &frame.sources, wanted: arguments.registry.as_deref() };
    let (repository, reference) = split_reference(named);
    let source = places.of(repository)?;
    // Of the others nobody asked.
    let troubles = Troubles(troubles.0.into_iter().filter(|(id, _)| *id == source).collect());
    match (reference, &arguments.with) {
        (None, None) => tags(session, source, repository, arguments, out).await?,
        (None, Some(_)) => {
            return Err(Failed::Usage(format!("Say which artefact of {repository} is meant: {repository}:TAG.")));
        }
        (Some(reference), None) => one(session, artifact(source, repository, reference), arguments, out).await?,
        (Some(reference), Some(with)) => {
            let (other, tag) = split_reference(with);
            // A tag alone is of the same repository.
            let (other, tag) = tag.map_or((repository, other), |tag| (other, tag));
            let to = artifact(places.of(other)?, other, tag);
            compare(session, [artifact(source, repository, reference), to], arguments, out).await?;
        }
    }
    problems::tell_all(&troubles, err);
    Ok(if troubles.is_empty() { Exit::Ok } else { Exit::Partial })
}

/// The artefact that is named, in the registry that is named or has its repository.
pub async fn named(
    session: &Session,
    named: &str,
    registry: Option<&str>,
    wait: std::time::Duration,
) -> Result<ArtifactRef, Failed> {
    let (frame, _) = session.frame(ViewSpec::Artifacts, wait).await?;
    let Body::Full(View::Artifacts(view)) = &frame.body else { return Err(other_answer()) };
    let (repository, reference) = split_reference(named);
    let source = Places { view, registries: &frame.sources, wanted: registry }.of(repository)?;
    match reference {
        Some(reference) => Ok(artifact(source, repository, reference)),
        None => Err(Failed::Usage(format!("Say which artefact of {repository} is meant: {repository}:TAG."))),
    }
}

fn artifact(source: ConnectionId, repository: &str, reference: &str) -> ArtifactRef {
    ArtifactRef { source, repository: repository.into(), reference: reference.into() }
}

/// Which registry is meant.
struct Places<'a> {
    view: &'a ArtifactsView,
    registries: &'a [SourceState],
    wanted: Option<&'a str>,
}

impl Places<'_> {
    /// The registry that was named; else the one that has the repository; else the only one.
    fn of(&self, repository: &str) -> Result<ConnectionId, Failed> {
        let names =
            |registries: &[&ConnectionId]| registries.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(", ");
        let all: Vec<&ConnectionId> = self.registries.iter().map(|source| &source.id).collect();
        if let Some(wanted) = self.wanted {
            let found = self.registries.iter().find(|source| source.id.as_str() == wanted || source.name == wanted);
            return found.map(|source| source.id.clone()).ok_or_else(|| {
                let problem = Problem::new(Code::NotFound, format!("There is no registry \"{wanted}\"."));
                problem.next(if all.is_empty() { none() } else { format!("There are: {}.", names(&all)) }).into()
            });
        }
        let known = self.view.repositories.rows().iter().filter(|row| row.id.name == repository);
        let known: Vec<&ConnectionId> = known.map(|row| &row.id.source).collect();
        match (known.as_slice(), all.as_slice()) {
            ([one], _) | ([], [one]) => Ok((*one).clone()),
            (_, []) => Err(Problem::new(Code::NotFound, "No registry is connected.").next(none()).into()),
            ([], several) | (several, _) => Err(Problem::new(Code::BadInput, format!("Where is {repository}?"))
                .why(format!("It could be in {}.", names(several)))
                .next("Say which: --registry NAME.")
                .into()),
        }
    }
}

fn none() -> String {
    "pilothouse connect add oci --url https://registry.example.com connects one.".to_owned()
}

/// A tag of a repository, as a line.
#[derive(Serialize)]
struct TagLine<'a> {
    tag: &'a str,
}

impl Record for TagLine<'_> {
    const KEYS: &'static [&'static str] = &["tag"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        matches!(key, "tag" | "name").then(|| vec![Value::text(self.tag)])
    }
}

#[derive(Serialize)]
struct TagsDocument<'a> {
    source: &'a ConnectionId,
    repository: &'a str,
    complete: bool,
    tags: Vec<TagLine<'a>>,
}

/// The tags of a repository, page by page, printed as they come; as JSON once all are there. As many as were asked for.
async fn tags(
    session: &Session,
    source: ConnectionId,
    repository: &str,
    arguments: &ArtifactsArgs,
    style: Style,
) -> Result<(), Failed> {
    let filter: Filter = arguments.filter.parse().map_err(Failed::filter)?;
    filter.check::<TagLine<'_>>().map_err(Failed::filter)?;
    let mut out = stdout();
    let (mut left, mut after, mut kept, mut seen) = (arguments.most as usize, None, Vec::new(), 0_usize);
    let more = loop {
        let limit = u16::try_from(left).unwrap_or(PAGE).min(PAGE);
        let query = TagsQuery { source: source.clone(), repository: repository.into(), after: after.take(), limit };
        let Answer::Tags(TagPage { tags, next }) = session.reader().ask(Ask::Tags(query)).await? else {
            return Err(other_answer());
        };
        let taken = tags.len().min(left);
        let mut fit: Vec<_> = tags.into_iter().take(taken).filter(|tag| filter.matches(&TagLine { tag })).collect();
        seen += taken;
        left -= taken;
        if arguments.form.json {
            kept.append(&mut fit);
        } else {
            text::tags(&mut out, &fit)?;
            out.flush()?;
        }
        match next {
            // A page of no tag that leads on would never come to an end.
            Some(next) if left > 0 && taken > 0 => after = Some(next),
            next => break next.is_some(),
        }
    };
    if arguments.form.json {
        let tags = kept.iter().map(|tag| TagLine { tag }).collect();
        let document = TagsDocument { source: &source, repository, complete: !more, tags };
        json::write(&mut out, &document, !style.terminal)?;
    }
    if more {
        note(&format!("The first {} are shown: --most N shows more.", count(seen as u64)));
    }
    Ok(())
}

async fn one(session: &Session, of: ArtifactRef, arguments: &ArtifactsArgs, style: Style) -> Result<(), Failed> {
    let Answer::Artifact(artifact) = session.reader().ask(Ask::Artifact(of)).await? else {
        return Err(other_answer());
    };
    let mut out = stdout();
    if arguments.form.json {
        return json::write(&mut out, &artifact, !style.terminal);
    }
    text::artifact(&mut out, &artifact, style)?;
    Ok(out.flush()?)
}

async fn compare(
    session: &Session,
    [from, to]: [ArtifactRef; 2],
    arguments: &ArtifactsArgs,
    style: Style,
) -> Result<(), Failed> {
    let Answer::ArtifactDifference(difference) = session.reader().ask(Ask::CompareArtifacts(from, to)).await? else {
        return Err(other_answer());
    };
    let mut out = stdout();
    if arguments.form.json {
        return json::write(&mut out, &difference, !style.terminal);
    }
    text::difference(&mut out, &difference, style)?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        Freshness,
        view::{RepositoryId, RepositoryRow},
    };

    fn source(id: &str) -> SourceState {
        SourceState {
            id: ConnectionId::slug(id),
            name: id.to_uppercase(),
            demo: false,
            freshness: Freshness::Live,
            heard: None,
            note: None,
        }
    }

    #[track_caller]
    fn check(registries: &[&str], known: &[(&str, &str)], wanted: Option<&str>, want: Result<&str, &str>) {
        let row = |(source, name): &(&str, &str)| RepositoryRow {
            id: RepositoryId { source: ConnectionId::slug(source), name: (*name).into() },
            hosts: Vec::new(),
            watched: 0,
            more: false,
        };
        let view = ArtifactsView { repositories: known.iter().map(row).collect(), ..ArtifactsView::default() };
        let registries: Vec<SourceState> = registries.iter().map(|id| source(id)).collect();
        let found = Places { view: &view, registries: &registries, wanted }.of("team/chat");
        let said = found.map(|id| id.to_string()).map_err(|failed| match failed {
            Failed::Problem(problem) => problem.what,
            other => format!("{other:?}"),
        });
        assert_eq!(said.as_deref().map_err(String::as_str), want);
    }

    #[test]
    fn the_registry_is_the_one_that_was_named_or_has_it_or_is_the_only_one() {
        check(&["a"], &[], None, Ok("a"));
        check(&["a", "b"], &[("b", "team/chat")], None, Ok("b"));
        check(&["a", "b"], &[("b", "team/chat")], Some("A"), Ok("a"));
        check(&["a", "b"], &[], None, Err("Where is team/chat?"));
        check(&["a", "b"], &[("a", "team/chat"), ("b", "team/chat")], None, Err("Where is team/chat?"));
        check(&[], &[], None, Err("No registry is connected."));
        check(&["a"], &[], Some("c"), Err("There is no registry \"c\"."));
    }
}
