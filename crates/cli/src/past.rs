//! A view as it was, out of a record: its file is read, no server is asked, and nothing is recorded.

use crate::{
    args::PastArgs,
    exit::Failed,
    far::{self, FarArgs, Place},
    out::note,
    start::{Session, other_answer},
};
use pilothouse_engine::{
    Paths,
    record::{self, Opened},
};
use pilothouse_wire::{Answer, Ask, Code, Frame, Problem, Stamp, ViewSpec, When};
use std::path::PathBuf;

/// One frame of a view as it was then, and whether it is of the demo fleet.
pub async fn frame(spec: ViewSpec, past: &PastArgs) -> Result<(bool, Frame), Failed> {
    let opened = match &past.journal {
        Some(file) => open(file.clone()).await?,
        None => own().await?,
    };
    let session = Session::of_record(&opened).await?;
    let frame = frame_of(&session, spec, past).await;
    let demo = session.demo;
    session.end().await;
    Ok((demo, frame?))
}

/// The record of this account.
pub async fn own() -> Result<Opened, Failed> {
    open(record::file(&Paths::from_env()?)).await
}

/// A record of this machine.
pub async fn open(file: PathBuf) -> Result<Opened, Failed> {
    far::open(&Place::Here(file), &FarArgs::default(), None, None).await
}

/// From when to when the record tells that a session is of.
pub async fn span(session: &Session) -> Result<(Stamp, Stamp), Failed> {
    match session.reader().ask(Ask::Recorded).await? {
        Answer::Recorded(Some(span)) => Ok(span),
        _ => Err(other_answer()),
    }
}

async fn frame_of(session: &Session, spec: ViewSpec, past: &PastArgs) -> Result<Frame, Failed> {
    let then = time("at", past.at.as_deref().unwrap_or("now"), span(session).await?)?;
    let frame = session.frame_at(spec, When::At(then)).await?;
    note(&format!("As it was at {then}, out of the record."));
    Ok(frame)
}

/// The time that was typed behind an option, in a record that tells from `begin` to `end`.
pub fn time(option: &str, typed: &str, (begin, end): (Stamp, Stamp)) -> Result<Stamp, Failed> {
    let wrong = |wrong| Failed::Usage(format!("--{option} cannot be used: {wrong}."));
    let then = Stamp::typed(typed, end).map_err(wrong)?;
    let then = then.unwrap_or(end);
    if then < begin || then > end {
        return Err(Problem::new(Code::NotFound, format!("Nothing is recorded at {then}."))
            .why(format!("The record tells of {begin} to {end}."))
            .next("Ask for a time that it tells of.")
            .into());
    }
    Ok(then)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_of_the_record() {
        let at = |text: &str| text.parse::<Stamp>().unwrap();
        let (begin, end) = (at("2026-11-24T01:00:00Z"), at("2026-11-24T03:00:00Z"));
        for (typed, want) in [
            ("now", Some("2026-11-24T03:00:00Z")),
            ("-30m", Some("2026-11-24T02:30:00Z")),
            ("02:41", Some("2026-11-24T02:41:00Z")),
            ("2026-11-24 02:41", Some("2026-11-24T02:41:00Z")),
            ("2026-11-24T03:00:00Z", Some("2026-11-24T03:00:00Z")),
            ("2026-11-24T03:00:01Z", None),
            ("2026-11-24T00:59:59Z", None),
            ("-3h", None),
            ("yesterday", None),
        ] {
            assert_eq!(time("at", typed, (begin, end)).ok(), want.map(at), "{typed}");
        }
    }
}
