//! The command that lists registered models, the versions of one, where one of them serves, compares two versions, and
//! searches all registries.

mod search;
mod version;

use crate::{
    compared::{self, Line},
    exit::{Exit, Failed},
    json, list,
    model_args::ModelsArgs,
    out::{Style, stdout},
    problems,
    start::{Session, other_answer},
    table::Cell,
};
use pilothouse_wire::{
    Answer, Ask, Body, Code, Problem, View, ViewSpec,
    runs::{ComparedRow, Comparison, VersionId},
    units::visible,
    view::{ModelRow, ModelsSpec, VersionLine},
};
use std::{io::Write, time::Duration};

/// Lists models, versions, or what differs between two.
pub async fn run(arguments: &ModelsArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    if let Some(text) = &arguments.search {
        return search::run(arguments, text, out, err).await;
    }
    if let (Some(name), Some(text)) = (&arguments.name, &arguments.version) {
        return version::run(arguments, name, text, out, err).await;
    }
    match (&arguments.name, arguments.compare.as_slice()) {
        (Some(name), [a, b]) => compare(arguments, name, (a, b), out, err).await,
        (Some(name), _) => {
            if name.contains('"') {
                return Err(Failed::Usage("No model has a quote in its name.".into()));
            }
            // The filter of the list, so that it is followed and read from a record as any other.
            let filter = format!("model=\"{name}\" {}", arguments.list.filter);
            let list = crate::args::ListArgs { filter, ..arguments.list.clone() };
            list::run::<VersionLine>(&list, out, err).await
        }
        (None, _) => list::run::<ModelRow>(&arguments.list, out, err).await,
    }
}

async fn compare(
    arguments: &ModelsArgs,
    name: &str,
    (a, b): (&str, &str),
    style: Style,
    err: Style,
) -> Result<Exit, Failed> {
    let source = &arguments.list.source;
    let session = Session::start(source, false).await?;
    let compared = async {
        let model = &the_model(&session, name, source.wait).await?;
        let of = |text: &str| named(model, text);
        let answer = session.reader().ask(Ask::CompareVersions(of(a)?, of(b)?)).await?;
        let Answer::Versions(comparison) = answer else { return Err(other_answer()) };
        Ok(comparison)
    };
    let compared = compared.await;
    session.end().await;
    let comparison = compared?;
    let mut out = stdout();
    if arguments.list.form.json {
        json::write(&mut out, &*comparison, !style.terminal)?;
    } else {
        draw(&mut out, &comparison, style)?;
        out.flush()?;
    }
    comparison.problems.iter().for_each(|problem| problems::tell(problem, err));
    Ok(if comparison.problems.is_empty() { Exit::Ok } else { Exit::Partial })
}

/// The version that is named: `chat/3`, `chat/champion`, `chat@champion`.
pub async fn version_named(session: &Session, text: &str, wait: Duration) -> Result<VersionId, Failed> {
    // With its sign an alias stays one, whatever it is called.
    let at = text.find('@').map(|at| text.split_at(at));
    let parts = at.or_else(|| text.rsplit_once('/')).filter(|(name, which)| !name.is_empty() && !which.is_empty());
    let Some((name, which)) = parts else {
        return Err(Failed::Usage(format!("Say which version of {text} is meant: {text}/VERSION or {text}@ALIAS.")));
    };
    Ok(named(&the_model(session, name, wait).await?, which)?)
}

/// The registered model of this name, in the one registry that has it.
pub async fn the_model(session: &Session, name: &str, wait: Duration) -> Result<ModelRow, Failed> {
    let (frame, troubles) = session.frame(ViewSpec::Models(ModelsSpec::default()), wait).await?;
    let Body::Full(View::Models(view)) = &frame.body else { return Err(other_answer()) };
    let models: Vec<&ModelRow> = view.models.rows().iter().filter(|model| model.id.name == name).collect();
    match (&models[..], troubles.0.last()) {
        ([model], _) => Ok((*model).clone()),
        ([], Some((_, problem))) => Err(problem.clone().into()),
        ([], None) => Err(absent(name).into()),
        (several, _) => Err(Failed::Usage(ambiguous(name, several))),
    }
}

fn absent(name: &str) -> Problem {
    Problem::new(Code::NotFound, format!("There is no registered model {name}."))
        .next("\"pilothouse models\" lists them.")
}

fn ambiguous(name: &str, models: &[&ModelRow]) -> String {
    let sources: Vec<&str> = models.iter().map(|model| model.id.source.as_str()).collect();
    format!("{} registries have a model {name}. Name one: --context {}.", models.len(), sources.join(" or --context "))
}

fn named(model: &ModelRow, text: &str) -> Result<VersionId, Problem> {
    match model.named(text) {
        Some(version) => Ok(VersionId { model: model.id.clone(), number: version.number }),
        None => {
            let name = &model.id.name;
            let newest = model.versions.first().map_or(0, |version| version.number);
            let aliases: Vec<&str> = model.aliases.iter().map(|alias| alias.name.as_str()).collect();
            let aliases = if aliases.is_empty() { "it has none".to_owned() } else { aliases.join(", ") };
            Err(Problem::new(Code::NotFound, format!("{name} has no version and no alias {text}."))
                .why(format!("Its newest version is {newest}; aliases: {aliases}.")))
        }
    }
}

fn draw(out: &mut impl Write, of: &Comparison, style: Style) -> Result<(), Failed> {
    let line = |row: &ComparedRow| Line {
        part: row.part,
        differs: row.differs(),
        cells: vec![
            Cell::text(&row.key),
            Cell::some(row.a.as_ref()),
            Cell::some(row.b.as_ref()),
            Cell::text(row.change.as_deref().unwrap_or_default()),
        ],
    };
    let sides = [&of.a, &of.b].map(|id| visible(&id.to_string()));
    compared::draw(out, sides, true, of.rows.iter().map(line).collect(), style)
}
