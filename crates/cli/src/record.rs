//! A recorder without a window, and its door, where who has a token reads the record and nothing else.

use crate::{
    args::SourceArgs,
    exit::{Exit, Failed},
    journal_args::{RecordArgs, RecordVerb},
    out::{Style, Tone, note, stdout},
    problems,
    serve::{self, token},
    start::Session,
};
use pilothouse_engine::{Clock, Paths, record};
use pilothouse_serve::{Book, Identity, Limits, OfRecord, RecordOptions, Sent, Serving, serve_record};
use pilothouse_wire::{
    Problem,
    units::{bytes, visible},
};
use std::{
    io::Write,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the door is unless somebody wants another port.
const PORT: u16 = 7448;

/// Records until it is interrupted; or does what else was typed about it.
pub async fn run(of: &RecordArgs, err: Style) -> Result<Exit, Failed> {
    if let Some(RecordVerb::Token(of)) = &of.verb {
        return token::run(&book(of.tokens.as_deref())?, &of.verb);
    }
    let source = SourceArgs { context: of.context.clone(), demo: of.demo, wait: Duration::ZERO };
    let interruption = serve::interruption();
    let session = Session::start(&source, true).await?;
    let ended = keep_recording(&session, of, err, interruption).await;
    session.end().await;
    note("The record is closed.");
    ended.map(|()| Exit::Ok)
}

async fn keep_recording(
    session: &Session,
    of: &RecordArgs,
    err: Style,
    interruption: impl Future<Output = ()>,
) -> Result<(), Failed> {
    session.recording().await?;
    let journal = record::file(&Paths::from_env()?);
    let mut door = match of.listen {
        Some(listen) => Some(open(session, of, listen, journal.clone()).await?),
        None => None,
    };
    let mut out = stdout();
    writeln!(out, "{}", journal.display())?;
    if let Some(door) = &door {
        writeln!(out, "{}", door.url)?;
    }
    out.flush()?;
    drop(out);
    note("Recording into this file. Ctrl-C ends it.");
    if let Some(door) = &door {
        tell(door, of, err);
    }
    let ended = tokio::select! {
        ended = session.follow_health(interruption) => ended,
        never = follow(door.as_mut()) => match never {},
    };
    if let Some(door) = door {
        door.close();
        // Who is being sent something just now is cut off after a moment, not before.
        let _ = door.done.await;
    }
    ended
}

/// The tokens of the door.
fn book(file: Option<&Path>) -> Result<Book<OfRecord>, Problem> {
    file.map_or_else(token::book, |file| Ok(Book::at(file.to_owned())))
}

async fn open(session: &Session, of: &RecordArgs, listen: IpAddr, journal: PathBuf) -> Result<Serving<Sent>, Problem> {
    let identity = match (&of.cert, &of.key) {
        (Some(cert), Some(key)) => Some(Identity::read(cert, key)?),
        _ => None,
    };
    let options = RecordOptions {
        journal,
        address: SocketAddr::new(listen, of.port.unwrap_or(PORT)),
        identity,
        plain: of.plain,
        book: book(of.tokens.as_deref())?,
        names: of.names.clone(),
        limits: Limits::default(),
        clock: Clock::system(),
    };
    serve_record(session.reader().clone(), options).await
}

fn tell(door: &Serving<Sent>, of: &RecordArgs, err: Style) {
    note(&format!("Who has a token reads it from there: pilothouse open {}", door.url));
    // What is wrong with the tokens keeps readers out, and nobody from recording.
    match book(of.tokens.as_deref()).and_then(|book| book.tokens(Clock::system().now())) {
        Ok(tokens) if tokens.is_empty() => {
            note(&err.paint(Tone::Warn, "No token lets anybody in yet. Make one: pilothouse record token new."));
        }
        Ok(_) => {}
        Err(problem) => problems::tell(&problem, err),
    }
    if !door.local_addr.ip().is_loopback() && of.cert.is_none() {
        note(&err.paint(
            Tone::Warn,
            "Other machines can connect, and nothing is encrypted: whoever listens on the way can read the record, and \
             can use the token.",
        ));
    }
}

/// Says who was sent what, for as long as the recorder runs.
async fn follow(door: Option<&mut Serving<Sent>>) -> std::convert::Infallible {
    if let Some(door) = door {
        while let Some(sent) = door.notices.recv().await {
            note(&visible(&line(&sent)));
        }
    }
    std::future::pending().await
}

fn line(sent: &Sent) -> String {
    let Sent { to, token, since, until, bytes: length, whole } = sent;
    let how = if *whole { "was sent" } else { "was not sent whole" };
    format!("The record from {since} to {until}, {}, {how} to {to} by token \"{token}\"", bytes(*length))
}
