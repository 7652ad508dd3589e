//! Requests of others, to be sent again: the trace of Azure's LLM inference of 2023 (`TIMESTAMP,ContextTokens,
//! GeneratedTokens`; Azure/AzurePublicDataset).

use jiff::civil::DateTime;
use pilothouse_wire::{Code, Problem};
use serde::Deserialize;
use std::{io::Read, path::Path, time::Duration};

/// More requests than these are not read.
const MOST: usize = 5_000_000;

/// A request of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// When it came, from the first on.
    pub at: Duration,
    /// Tokens of its prompt.
    pub input: u32,
    /// Tokens of its answer.
    pub output: u32,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "TIMESTAMP")]
    at: String,
    #[serde(rename = "ContextTokens")]
    input: u32,
    #[serde(rename = "GeneratedTokens")]
    output: u32,
}

/// Reads a file.
///
/// # Errors
/// If it cannot be read, or is no such trace: the line is named.
pub fn open(file: &Path) -> Result<Vec<Past>, Problem> {
    let unusable = |why: String| {
        Problem::new(Code::BadInput, format!("The trace {} cannot be replayed.", file.display())).why(why).next(
            "Give the CSV of Azure's trace of 2023, with TIMESTAMP,ContextTokens,GeneratedTokens in its first line.",
        )
    };
    let opened = std::fs::File::open(file).map_err(|error| unusable(format!("{error}.")))?;
    read(opened).map_err(unusable)
}

/// Reads a trace, in the order of its times.
///
/// # Errors
/// Why it is none, as a sentence; the line is named.
pub fn read(from: impl Read) -> Result<Vec<Past>, String> {
    let mut reader = csv::Reader::from_reader(from);
    let mut rows = Vec::new();
    for (number, row) in reader.deserialize::<Row>().enumerate() {
        // The first line is the head.
        let line = number + 2;
        let row = row.map_err(|error| format!("Line {line}: {}.", cause(&error)))?;
        let at = row.at.trim().parse::<DateTime>();
        let at = at.map_err(|_| format!("Line {line}: \"{}\" is no time such as 2023-11-16 18:15:46.68.", row.at))?;
        if row.input > crate::sizes::MOST || row.output > crate::sizes::MOST {
            return Err(format!("Line {line}: nobody has that many tokens."));
        }
        // A prompt and an answer have a token at least, or there is nothing to send and nothing to measure.
        rows.push((at, row.input.max(1), row.output.max(1)));
        if rows.len() > MOST {
            return Err(format!("It has more than {MOST} requests."));
        }
    }
    rows.sort_by_key(|(at, ..)| *at);
    let Some((first, ..)) = rows.first().copied() else { return Err("There is no request in it.".into()) };
    let since = |at: DateTime| Duration::try_from(at.duration_since(first)).unwrap_or_default();
    Ok(rows.into_iter().map(|(at, input, output)| Past { at: since(at), input, output }).collect())
}

fn cause(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The first lines of the trace itself: Azure LLM inference trace 2023, Azure/AzurePublicDataset, CC-BY 4.0.
    const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n\
        2023-11-16 18:15:50.9951690,396,109\n2023-11-16 18:15:51.2224670,879,55\n";

    #[test]
    fn requests_come_at_their_times_from_the_first_on() {
        let past = read(AZURE.as_bytes()).unwrap();
        let at = Duration::from_nanos(4_314_579_000);
        assert_eq!(past[1], Past { at, input: 396, output: 109 });
        assert_eq!((past.len(), past[0].at), (3, Duration::ZERO));
    }

    #[test]
    fn a_trace_out_of_order_is_put_in_order() {
        let text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:47,2,2\n2023-11-16 18:15:46,1,0\n";
        let past = read(text.as_bytes()).unwrap();
        assert_eq!((past[0].input, past[0].output, past[1].at), (1, 1, Duration::from_secs(1)));
    }

    #[test]
    fn what_is_no_trace_says_where() {
        let head = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
        for (text, want) in [
            (head.to_owned(), "There is no request in it."),
            ("a,b\n1,2\n".to_owned(), "Line 2: missing field `TIMESTAMP`."),
            (format!("{head}2023-11-16 18:15:46,1,1\nyesterday,1,1\n"), "Line 3: \"yesterday\" is no time"),
            (format!("{head}2023-11-16 18:15:46,-1,1\n"), "Line 2: "),
            (format!("{head}2023-11-16 18:15:46,4000000000,1\n"), "Line 2: nobody has that many tokens."),
        ] {
            let why = read(text.as_bytes()).unwrap_err();
            assert!(why.starts_with(want), "{why}");
        }
    }
}
