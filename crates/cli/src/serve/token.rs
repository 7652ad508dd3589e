//! The commands about tokens: made, listed, revoked. A token is shown once, to whoever made it.

use crate::{
    exit::{Exit, Failed},
    out::{note, stdout},
    serve_args::TokenVerb,
};
use pilothouse_engine::{Clock, Paths};
use pilothouse_serve::{Book, TokenRow};
use pilothouse_wire::{
    Code, Problem, Stamp,
    units::{span, visible},
};
use serde_json::json;
use std::io::Write;

/// Where tokens and the sessions of screens are kept.
pub fn book() -> Result<Book, Problem> {
    Ok(Book::at(Paths::from_env()?.config().join("wall.json")))
}

/// Runs one of them.
pub fn run(verb: &TokenVerb) -> Result<Exit, Failed> {
    let (book, now) = (book()?, Clock::system().now());
    let mut out = stdout();
    match verb {
        TokenVerb::New { name, expires } => {
            let (row, token) = book.make_token(name, *expires, now)?;
            writeln!(out, "{token}")?;
            out.flush()?;
            note(&format!(
                "Token {} lets screens in until {}. It is not shown again. Open the wall with #code= and the token \
                 behind its address; the page takes it out of the address at once.",
                row.id, row.expires
            ));
        }
        TokenVerb::List { json: true } => {
            let rows: Vec<_> = book.tokens(now)?.iter().map(object).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&rows).unwrap_or_default())?;
        }
        TokenVerb::List { json: false } => {
            let rows = book.tokens(now)?;
            if rows.is_empty() {
                note("No token lets screens in. Make one: pilothouse serve token new.");
            }
            for row in rows {
                writeln!(out, "{}", line(&row, now))?;
            }
        }
        TokenVerb::Revoke { id } => {
            if !book.revoke(*id)? {
                return Err(Problem::new(Code::NotFound, format!("There is no token {id}."))
                    .next("See which there are: pilothouse serve token list.")
                    .into());
            }
            note(&format!(
                "Token {id} lets nobody in any more. Screens that it let in lose their link within seconds."
            ));
        }
    }
    Ok(Exit::Ok)
}

fn line(row: &TokenRow, now: Stamp) -> String {
    let screens = if row.screens == 1 { "1 screen".to_owned() } else { format!("{} screens", row.screens) };
    let (left, age) = (span(row.expires.since(now)), span(now.since(row.made)));
    format!("{:>3}  {}  {screens}, made {age} ago, ends in {left}", row.id, visible(&row.name))
}

fn object(row: &TokenRow) -> serde_json::Value {
    json!({ "id": row.id, "name": row.name, "made": row.made, "expires": row.expires, "screens": row.screens })
}
