//! One search over all registries: what words are found in, and what was looked through.

use crate::{
    exit::{Exit, Failed},
    json,
    model_args::ModelsArgs,
    out::{Style, note, stdout},
    problems,
    start::{Session, other_answer},
    table::{self, Cell, Head},
};
use pilothouse_wire::{
    Answer, Ask, ViewSpec,
    find::{FindQuery, Found, FoundRow, MOST_FOUND, Searched},
    units::{count, visible},
};
use std::io::Write;

const HEADS: &[Head] = &[Head::left("KIND"), Head::left("NAME"), Head::left("OF"), Head::left("REGISTRY")];

/// Looks, and tells.
pub async fn run(arguments: &ModelsArgs, text: &str, style: Style, err: Style) -> Result<Exit, Failed> {
    if text.trim().is_empty() {
        return Err(Failed::Usage("Say what to look for: --search WORDS.".to_owned()));
    }
    let source = &arguments.list.source;
    let session = Session::start(source, false).await?;
    let found = async {
        // What is on its way is waited for: a registry that was not read yet has nothing to be found in.
        let (_, troubles) = session.frame(ViewSpec::Artifacts, source.wait).await?;
        let query = FindQuery { text: text.to_owned(), limit: MOST_FOUND };
        let Answer::Found(found) = session.reader().ask(Ask::Find(query)).await? else { return Err(other_answer()) };
        Ok((found, troubles))
    };
    let found = found.await;
    session.end().await;
    let (found, troubles) = found?;
    let mut out = stdout();
    if arguments.list.form.json {
        json::write(&mut out, &*found, !style.terminal)?;
    } else {
        let rows: Vec<Vec<Cell>> = found.rows.iter().map(cells).collect();
        if rows.is_empty() {
            writeln!(out, "Nothing that is known has that in it.")?;
        } else {
            table::write(&mut out, HEADS, &rows, style, None)?;
        }
    }
    out.flush()?;
    tell(&found);
    problems::tell_all(&troubles, err);
    Ok(if troubles.is_empty() { Exit::Ok } else { Exit::Partial })
}

fn cells(row: &FoundRow) -> Vec<Cell> {
    let source = row.at.source().as_str();
    vec![Cell::text(row.kind.word()), Cell::text(&row.name), Cell::text(&row.of), Cell::text(source)]
}

/// What was looked through, and what was not.
fn tell(found: &Found) {
    if found.more > 0 {
        note(&format!("{} more are not shown: say more of it.", count(found.more)));
    }
    if found.searched.is_empty() {
        note("No registry is read: nothing was looked through. \"pilothouse connect add mlflow\" or oci connects one.");
    }
    for Searched { source, what, not } in &found.searched {
        let not = not.as_ref().map(|not| format!(" {not}")).unwrap_or_default();
        note(&visible(&format!("Looked through {source}: {what}.{not}")));
    }
}
