//! What is configured, and what could be.

use super::view_of;
use crate::{
    exit::{Exit, Failed},
    json,
    out::{Style, note, stdout},
    problems,
    start::Session,
    table::{self, Cell, Head},
};
use pilothouse_engine::KINDS;
use pilothouse_wire::{ViewSpec, view::ConnectionRow};
use std::io::Write;

/// The configured connections; the demo fleet is none.
pub async fn rows(session: &Session) -> Result<Vec<ConnectionRow>, Failed> {
    let view = view_of(session.frame_now(ViewSpec::Connections).await?.body)?;
    Ok(if session.demo { Vec::new() } else { view.rows.rows().to_vec() })
}

/// Lists what is configured, as it is configured.
pub async fn list(session: &Session, json: bool, style: Style) -> Result<Exit, Failed> {
    let rows = rows(session).await?;
    let mut out = stdout();
    if json {
        json::write(&mut out, &rows, !style.terminal)?;
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        note("Nothing is configured. See pilothouse connect contexts, then pilothouse connect add.");
        return Ok(Exit::Ok);
    }
    let cells = |row: &ConnectionRow| {
        let settings: Vec<String> = row.values.iter().map(|(key, value)| format!("{key}={value}")).collect();
        vec![
            Cell::text(row.id.as_str()),
            Cell::text(&row.name),
            Cell::text(&row.kind),
            Cell::text(settings.join(" ")),
            Cell::text(row.secrets_set.join(" ")),
        ]
    };
    let heads = ["ID", "NAME", "KIND", "SETTINGS", "SECRETS SET"].map(Head::left);
    table::write(&mut out, &heads, &rows.iter().map(cells).collect::<Vec<_>>(), style, None)?;
    out.flush()?;
    Ok(Exit::Ok)
}

/// Lists contexts of kubeconfig files. Reads files, contacts nobody, runs nothing.
pub fn contexts(json: bool, style: Style, err: Style) -> Result<Exit, Failed> {
    let (mut offered, mut troubles) = (Vec::new(), Vec::new());
    for discover in KINDS.iter().filter_map(|kind| kind.discover) {
        let found = discover();
        offered.extend(found.offered.into_iter().map(|(context, _)| context));
        troubles.extend(found.problems);
    }
    let mut out = stdout();
    if json {
        json::write(&mut out, &offered, !style.terminal)?;
    } else if offered.is_empty() {
        note("No context is found.");
    } else {
        let heads = ["CONTEXT", "SERVER", "SIGNS IN", "CURRENT", "FILE"].map(Head::left);
        let cells = offered.iter().map(|context| {
            vec![
                Cell::text(&context.context),
                Cell::some(context.server.as_deref()),
                Cell::text(&context.signs_in),
                Cell::text(if context.current { "yes" } else { "" }),
                Cell::text(&context.file),
            ]
        });
        table::write(&mut out, &heads, &cells.collect::<Vec<_>>(), style, None)?;
    }
    out.flush()?;
    for problem in &troubles {
        problems::tell(problem, err);
    }
    Ok(if troubles.is_empty() { Exit::Ok } else { Exit::Partial })
}
