//! The commands about tokens: made, listed, revoked. A token is shown once, to whoever made it.

use crate::{
    exit::{Exit, Failed},
    out::{note, stdout},
    serve_args::TokenVerb,
};
use pilothouse_engine::{Clock, Paths};
use pilothouse_serve::{Book, CodeRow, OfRecord, OfWall, Purpose, TokenRow};
use pilothouse_wire::{
    Code, Problem, Stamp,
    units::{span, visible},
};
use serde_json::json;
use std::io::Write;

/// The tokens of a purpose: where they are kept, and what is said to whoever makes them.
pub trait Told: Purpose {
    /// Whom its tokens let in.
    const WHOM: &'static str;
    /// What to do with a new one.
    const USE: &'static str;
    /// What ends with one that is revoked.
    const ENDS: &'static str;
    /// Do its tokens become screens?
    const HAS_SCREENS: bool;
}

impl Told for OfWall {
    const WHOM: &'static str = "screens";
    const USE: &'static str = "A screen is let in by a code that stands for it and works once: in the address that the door \
         prints, or of pilothouse serve code. Behind #code= the token itself works, too.";
    const ENDS: &'static str = "Screens that it let in lose their link within seconds.";
    const HAS_SCREENS: bool = true;
}

impl Told for OfRecord {
    const WHOM: &'static str = "readers of the record";
    const USE: &'static str = "Give it to pilothouse open by PILOTHOUSE_TOKEN, by --token-file, or when it asks.";
    const ENDS: &'static str = "What is being sent by it ends within seconds, where the recorder reads this very file; one \
         that was given a copy lets it in until it has the new one.";
    const HAS_SCREENS: bool = false;
}

/// Where tokens of a purpose are kept.
pub fn book<P: Purpose>() -> Result<Book<P>, Problem> {
    Ok(Book::at(Paths::from_env()?.config().join(P::FILE)))
}

/// Runs one of the commands.
pub fn run<P: Told>(book: &Book<P>, verb: &TokenVerb) -> Result<Exit, Failed> {
    let now = Clock::system().now();
    let mut out = stdout();
    match verb {
        TokenVerb::New { name, expires } => {
            let (row, token) = book.make_token(name.as_deref().unwrap_or(P::NAME), *expires, now)?;
            writeln!(out, "{token}")?;
            out.flush()?;
            let (id, expires) = (row.id, row.expires);
            note(&format!("Token {id} lets {} in until {expires}. It is not shown again. {}", P::WHOM, P::USE));
        }
        TokenVerb::List { json: true } => {
            let rows: Vec<_> = book.tokens(now)?.iter().map(object::<P>).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&rows).unwrap_or_default())?;
        }
        TokenVerb::List { json: false } => {
            let rows = book.tokens(now)?;
            if rows.is_empty() {
                note(&format!("No token lets {} in. Make one: {} token new.", P::WHOM, P::COMMAND));
            }
            for row in rows {
                writeln!(out, "{}", line::<P>(&row, now))?;
            }
        }
        TokenVerb::Revoke { id } => {
            if !book.revoke(*id, now)? {
                return Err(Problem::new(Code::NotFound, format!("There is no token {id}."))
                    .next(format!("See which there are: {} token list.", P::COMMAND))
                    .into());
            }
            note(&format!("Token {id} lets nobody in any more. {}", P::ENDS));
        }
    }
    Ok(Exit::Ok)
}

/// Makes a one-time code for a screen.
pub fn code(book: &Book<OfWall>, of: Option<u32>) -> Result<Exit, Failed> {
    let Some(CodeRow { code, of, until }) = book.make_code(of, Clock::system().now())? else {
        let what = of.map_or_else(|| "There is no token.".to_owned(), |id| format!("There is no token {id}."));
        let next = "See which there are: pilothouse serve token list. Make one: pilothouse serve token new.";
        return Err(Problem::new(Code::NotFound, what).next(next).into());
    };
    let mut out = stdout();
    writeln!(out, "{code}")?;
    out.flush()?;
    note(&format!(
        "Open the wall with #code= and this behind its address. It works once, until {until}, and lets in as token {} does: \
         revoked, that ends the screen, too.",
        of.id
    ));
    Ok(Exit::Ok)
}

fn line<P: Told>(row: &TokenRow, now: Stamp) -> String {
    let screens = match row.screens {
        _ if !P::HAS_SCREENS => String::new(),
        1 => "1 screen, ".to_owned(),
        screens => format!("{screens} screens, "),
    };
    let (left, age) = (span(row.expires.since(now)), span(now.since(row.made)));
    format!("{:>3}  {}  {screens}made {age} ago, ends in {left}", row.id, visible(&row.name))
}

fn object<P: Told>(row: &TokenRow) -> serde_json::Value {
    let mut object = json!({ "id": row.id, "name": row.name, "made": row.made, "expires": row.expires });
    if P::HAS_SCREENS {
        object["screens"] = json!(row.screens);
    }
    object
}
