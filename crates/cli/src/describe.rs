//! The command that puts one object into words.

use crate::{
    args::DescribeArgs,
    exit::{Exit, Failed},
    json,
    kinds::{meant, offered},
    out::{Style, stdout},
    problems,
    start::{Session, other_answer},
};
use pilothouse_wire::{
    Answer, Ask, Code, ConnectionId, ObjectRef, Problem,
    describe::Description,
    kinds::{KindRow, Listing},
};
use std::io::Write;

/// Namesakes in other namespaces that are looked for.
const NAMESAKES: u32 = 20;

/// Describes an object, in each cluster that has one of that kind and name.
pub async fn run(arguments: &DescribeArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let session = Session::start(&arguments.source, false).await?;
    let exit = described(&session, arguments, out, err).await;
    session.end().await;
    exit
}

async fn described(session: &Session, arguments: &DescribeArgs, style: Style, err: Style) -> Result<Exit, Failed> {
    let (offered, mut troubles) = offered(session, arguments.source.wait).await?;
    let mut found = Vec::new();
    // In which clusters there is none of this name.
    let mut absent = Vec::new();
    for (cluster, kind) in meant(&offered, &troubles, &arguments.kind)? {
        match one(session, &cluster, &kind, arguments).await {
            Ok(Some(description)) => found.push(description),
            Ok(None) => absent.push(cluster),
            Err(Failed::Problem(problem)) => troubles.0.push((cluster, *problem)),
            Err(other) => return Err(other),
        }
    }
    if found.is_empty() {
        return Err(match troubles.0.pop() {
            Some((_, problem)) => problem.into(),
            None => nowhere(&absent, arguments).into(),
        });
    }
    print(&found, arguments.json, style)?;
    problems::tell_all(&troubles, err);
    Ok(if troubles.is_empty() { Exit::Ok } else { Exit::Partial })
}

fn nowhere(clusters: &[ConnectionId], arguments: &DescribeArgs) -> Problem {
    let places: Vec<&str> = clusters.iter().map(ConnectionId::as_str).collect();
    let at = arguments.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in {namespace}"));
    let what = format!("{} has no {} {}{at}.", places.join(", "), arguments.kind, arguments.name);
    Problem::new(Code::NotFound, what)
        .next(format!("\"pilothouse get {}\" lists those that there are.", arguments.kind))
}

async fn one(
    session: &Session,
    cluster: &ConnectionId,
    kind: &KindRow,
    arguments: &DescribeArgs,
) -> Result<Option<Description>, Failed> {
    let at = arguments.namespace.as_deref();
    let Some(object) = named(session, cluster, kind, &arguments.name, at).await? else { return Ok(None) };
    match session.reader().ask(Ask::Describe(object)).await {
        Ok(Answer::Description(description)) => Ok(Some(*description)),
        Ok(_) => Err(other_answer()),
        Err(problem) if problem.code == Code::NotFound => Ok(None),
        Err(problem) => Err(problem.into()),
    }
}

/// The object of this name, if the cluster has it.
pub async fn existing(
    session: &Session,
    cluster: &ConnectionId,
    kind: &KindRow,
    name: &str,
    namespace: Option<&str>,
) -> Result<Option<ObjectRef>, Failed> {
    let Some(object) = named(session, cluster, kind, name, namespace).await? else { return Ok(None) };
    match session.reader().ask(Ask::Describe(object.clone())).await {
        Ok(Answer::Description(_)) => Ok(Some(object)),
        Ok(_) => Err(other_answer()),
        Err(problem) if problem.code == Code::NotFound => Ok(None),
        Err(problem) => Err(problem.into()),
    }
}

/// The object of this name; where no namespace is said, it is looked for in all of them.
async fn named(
    session: &Session,
    cluster: &ConnectionId,
    kind: &KindRow,
    name: &str,
    namespace: Option<&str>,
) -> Result<Option<ObjectRef>, Failed> {
    let at = |namespace| ObjectRef::listed(cluster.clone(), &kind.id, namespace, name.into());
    if !kind.namespaced {
        return Ok(Some(at(None)));
    }
    if let Some(namespace) = namespace {
        return Ok(Some(at(Some(namespace.into()))));
    }
    let listing = Listing {
        cluster: cluster.clone(),
        kind: kind.id.clone(),
        namespaced: true,
        namespace: None,
        name: Some(name.into()),
        most: NAMESAKES,
    };
    let Answer::Objects(table) = session.reader().ask(Ask::Objects(listing)).await? else { return Err(other_answer()) };
    match table.rows.as_slice() {
        [] => Ok(None),
        [row] => Ok(Some(row.object.clone())),
        rows => {
            let places: Vec<&str> = rows.iter().filter_map(|row| row.object.namespace()).map(|n| n.as_str()).collect();
            let what = format!("{cluster} has {} {} of the name {name}.", rows.len(), kind.id.plural);
            Err(Problem::new(Code::BadInput, what)
                .why(format!("They are in {}.", places.join(", ")))
                .next("Say which: -n NAMESPACE.")
                .into())
        }
    }
}

fn print(found: &[Description], as_json: bool, style: Style) -> Result<(), Failed> {
    let mut out = stdout();
    if as_json {
        return match found {
            [one] => json::write(&mut out, one, !style.terminal),
            many => json::write(&mut out, &many, !style.terminal),
        };
    }
    for (at, one) in found.iter().enumerate() {
        if found.len() > 1 {
            let space = if at > 0 { "\n" } else { "" };
            writeln!(out, "{space}{}:", one.object.connection())?;
        }
        // The text shows what acts as a mark: it cannot act on the terminal.
        out.write_all(one.text(one.read_at).as_bytes())?;
    }
    out.flush()?;
    Ok(())
}
