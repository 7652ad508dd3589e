//! The command that says what we may do, and what a role lacks.

use crate::{
    args::CanArgs,
    exit::{Exit, Failed},
    json,
    out::{Style, Tone, note, stdout},
    problems,
    start::{Session, other_answer},
    table::{self, Cell},
};
use pilothouse_wire::{
    Answer, Ask, Code, ConnectionId, Problem,
    rights::{Held, Rights, RightsQuery},
    units::visible,
};
use std::io::Write;

/// Asks each connection that can say.
pub async fn run(arguments: &CanArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let session = Session::start(&arguments.source, false).await?;
    let asked = asked(&session, arguments).await;
    session.end().await;
    let (all, troubles) = asked?;
    let mut to = stdout();
    if arguments.json {
        json::write(&mut to, &all, !out.terminal)?;
    } else {
        for rights in &all {
            draw(&mut to, rights, arguments.role, out)?;
        }
        to.flush()?;
    }
    troubles.iter().for_each(|problem| problems::tell(problem, err));
    Ok(if troubles.is_empty() { Exit::Ok } else { Exit::Partial })
}

async fn asked(session: &Session, arguments: &CanArgs) -> Result<(Vec<Rights>, Vec<Problem>), Failed> {
    let settled = session.reader().settled(arguments.source.wait).await;
    let Answer::Kinds(offered) = session.reader().ask(Ask::Kinds { scope: Vec::new() }).await? else {
        return Err(other_answer());
    };
    let clusters: Vec<ConnectionId> = offered.into_iter().map(|one| one.cluster).collect();
    if clusters.is_empty() {
        return Err(Problem::new(Code::NotOffered, "No connection can say what we may do.")
            .why("Clusters of Kubernetes can; other servers only say no when something is sent.")
            .next("Connect a cluster: pilothouse connect add kubernetes.")
            .into());
    }
    let (mut all, mut troubles) = (Vec::new(), Vec::new());
    for connection in clusters {
        let down = settled.troubled.iter().find(|(id, _)| *id == connection).map(|(_, problem)| problem);
        let query = RightsQuery { connection, namespace: arguments.namespace.as_deref().map(Into::into) };
        match session.reader().ask(Ask::Rights(query)).await {
            Ok(Answer::Rights(rights)) => all.push(*rights),
            Ok(_) => return Err(other_answer()),
            // Why a connection is down says more than that it did not answer.
            Err(problem) => troubles.push(down.unwrap_or(&problem).clone()),
        }
    }
    if all.is_empty()
        && let Some(problem) = troubles.pop()
    {
        return Err(problem.into());
    }
    Ok((all, troubles))
}

fn draw(out: &mut impl Write, rights: &Rights, role_alone: bool, style: Style) -> Result<(), Failed> {
    if role_alone {
        return Ok(write!(out, "{}", rights.role.as_deref().unwrap_or_default())?);
    }
    let place = match &rights.of.namespace {
        Some(namespace) => format!("{} in namespace {namespace}", rights.of.connection),
        None => format!("{} everywhere", rights.of.connection),
    };
    let who = rights.who.as_deref().unwrap_or("somebody whom the server does not name");
    writeln!(out, "{}", style.paint(Tone::Strong, &visible(&format!("{place}, as {who}"))))?;
    let titles = ["MAY WE", "DO WHAT", "TO WHAT", "NEEDS"].map(|title| (title.to_owned(), false));
    let rows: Vec<Vec<Cell>> = rights
        .rights
        .iter()
        .map(|right| {
            let tone = match right.held {
                Held::Yes => Tone::Good,
                Held::No => Tone::Bad,
                Held::NotServed => Tone::Soft,
                Held::Unknown(_) => Tone::Warn,
            };
            let may = match &right.held {
                Held::Unknown(why) => format!("unknown: {why}"),
                other => other.word().to_owned(),
            };
            vec![Cell::text(may).tone(tone), Cell::text(&right.deeds), Cell::text(&right.of), Cell::text(&right.needs)]
        })
        .collect();
    table::write_titled(out, &titles, &rows, style)?;
    writeln!(out)?;
    if !rights.operation.operate {
        note(&format!(
            "{} is read alone here, whatever its server allows: pilothouse connect operate {0} switches it on.",
            rights.of.connection
        ));
    }
    if rights.role.is_some() {
        note("\"pilothouse can --role\" prints the role that gives what is missing, for an administrator to apply.");
    }
    Ok(())
}
