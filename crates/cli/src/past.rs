//! A view as it was, out of a record: its file is read, no server is asked, and nothing is recorded.

use crate::{
    args::PastArgs,
    exit::Failed,
    far::{self, FarArgs, Place},
    out::note,
    start::Session,
};
use pilothouse_engine::{
    Paths,
    record::{self, Reader},
};
use pilothouse_wire::{Code, Frame, Problem, Stamp, ViewSpec, When};

/// One frame of a view as it was then, and whether it is of the demo fleet.
pub async fn frame(spec: ViewSpec, past: &PastArgs) -> Result<(bool, Frame), Failed> {
    let file = match &past.journal {
        Some(file) => file.clone(),
        None => record::file(&Paths::from_env()?),
    };
    let opened = far::open(&Place::Here(file), &FarArgs::default(), None, None).await?;
    let reader = record::reader(opened.path())?;
    let span = tokio::task::spawn_blocking(move || told(&reader)).await;
    let (begin, end) =
        span.map_err(|error| Problem::new(Code::Internal, "The record could not be read.").why(error.to_string()))??;
    let then = time(past.at.as_deref().unwrap_or("now"), begin, end)?;
    let session = Session::of_record(&opened).await?;
    let frame = session.frame_at(spec, When::At(then)).await;
    let demo = session.demo;
    session.end().await;
    note(&format!("As it was at {then}, out of the record."));
    Ok((demo, frame?))
}

fn told(reader: &Reader) -> Result<(Stamp, Stamp), Problem> {
    let nothing = || Problem::new(Code::NotFound, format!("Nothing is recorded in {}.", reader.path().display()));
    reader.span()?.ok_or_else(nothing)
}

/// The time that was typed, in a record that tells from `begin` to `end`.
fn time(typed: &str, begin: Stamp, end: Stamp) -> Result<Stamp, Failed> {
    // By this, what lies behind the end is told from the end itself.
    const FAR: Stamp = Stamp(i64::MAX);
    let wrong = |wrong| Failed::Usage(format!("--at cannot be used: {wrong}."));
    let then = match When::typed(typed, end).map_err(wrong)? {
        When::At(then) => then,
        When::Now => match When::typed(typed, FAR).map_err(wrong)? {
            When::At(then) if !typed.trim_start().starts_with(['-', '−']) && typed.contains('-') => then,
            _ => end,
        },
    };
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
            assert_eq!(time(typed, begin, end).ok(), want.map(at), "{typed}");
        }
    }
}
