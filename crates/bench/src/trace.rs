//! Requests of others, to be sent again. Three traces are read, each by the names that its makers document:
//!
//! - Azure's LLM inference of 2023, a CSV: `TIMESTAMP,ContextTokens,GeneratedTokens` (Azure/AzurePublicDataset).
//! - Mooncake's, a JSON object a line: `timestamp` (milliseconds from the first request), `input_length`, `output_length`, and
//!   `hash_ids`, one for each 512 tokens of the prompt, of which the same number is the same text (kvcache-ai/Mooncake,
//!   FAST25-release/traces).
//! - BurstGPT's, a CSV: `Timestamp` (seconds from midnight of the first day), `Request tokens`, `Response tokens`; since its
//!   release 2.0 also `Session ID` and `Elapsed time`, which are not used. One with 0 response tokens failed there, and is left
//!   out (HPMLL/BurstGPT).

use jiff::civil::DateTime;
use pilothouse_wire::{Code, Problem};
use serde::Deserialize;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// More requests than these are not read.
const MOST: usize = 5_000_000;
/// Tokens of a block of Mooncake's, of which a hash tells what is in it.
pub const BLOCK: u32 = 512;
/// No request has waited longer for the first of its trace: a century.
const LONGEST_S: f64 = 3.2e9;

/// A request of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When it came, from the first on.
    pub at: Duration,
    /// Tokens of its prompt.
    pub input: u32,
    /// Tokens of its answer.
    pub output: u32,
    /// What each [`BLOCK`] of its prompt is, where the trace tells: the same number is the same text.
    pub blocks: Arc<[u64]>,
}

/// A row of Azure's trace of 2023.
#[derive(Deserialize)]
struct Azure {
    #[serde(rename = "TIMESTAMP")]
    at: String,
    #[serde(rename = "ContextTokens")]
    input: u32,
    #[serde(rename = "GeneratedTokens")]
    output: u32,
}

/// A row of BurstGPT's.
#[derive(Deserialize)]
struct Burst {
    #[serde(rename = "Timestamp")]
    at: f64,
    #[serde(rename = "Request tokens")]
    input: u32,
    #[serde(rename = "Response tokens")]
    output: u32,
}

/// A line of Mooncake's.
#[derive(Deserialize)]
struct Mooncake {
    timestamp: f64,
    input_length: u32,
    output_length: u32,
    #[serde(default)]
    hash_ids: Vec<u64>,
}

/// A request, and when it came by the trace's own clock, in seconds.
struct Row {
    at_s: f64,
    input: u32,
    output: u32,
    blocks: Vec<u64>,
}

/// Reads a file.
///
/// # Errors
/// If it cannot be read, or is no such trace: the line is named.
pub fn open(file: &Path) -> Result<Vec<Past>, Problem> {
    let unusable = |why: String| {
        Problem::new(Code::BadInput, format!("The trace {} cannot be replayed.", file.display())).why(why).next(
            "Give Azure's CSV of 2023 (TIMESTAMP,ContextTokens,GeneratedTokens), BurstGPT's (Timestamp, Request tokens, Response \
             tokens), or Mooncake's lines of JSON (timestamp, input_length, output_length).",
        )
    };
    let opened = std::fs::File::open(file).map_err(|error| unusable(format!("{error}.")))?;
    read(opened).map_err(unusable)
}

/// Reads a trace, in the order of its times. Which one it is follows from how it begins.
///
/// # Errors
/// Why it is none, as a sentence; the line is named.
pub fn read(from: impl Read) -> Result<Vec<Past>, String> {
    let mut from = BufReader::new(from);
    let is_json = from.fill_buf().is_ok_and(|begin| begin.trim_ascii_start().starts_with(b"{"));
    let mut rows = if is_json { lines(from)? } else { table(from)? };
    rows.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
    let Some(first) = rows.first().map(|row| row.at_s) else { return Err("There is no request in it.".into()) };
    let past = |row: Row| Past {
        at: Duration::try_from_secs_f64(row.at_s - first).unwrap_or_default(),
        // A prompt and an answer have a token at least, or there is nothing to send and nothing to measure.
        input: row.input.max(1),
        output: row.output.max(1),
        blocks: row.blocks.into(),
    };
    Ok(rows.into_iter().map(past).collect())
}

fn lines(from: impl BufRead) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (number, text) in from.lines().enumerate() {
        let line = number + 1;
        let text = text.map_err(|error| format!("Line {line}: {error}."))?;
        if text.trim().is_empty() {
            continue;
        }
        let of: Mooncake = serde_json::from_str(&text).map_err(|error| format!("Line {line}: {error}."))?;
        let Mooncake { timestamp, input_length, output_length, hash_ids } = of;
        if !hash_ids.is_empty() && hash_ids.len() as u64 != u64::from(input_length.div_ceil(BLOCK)) {
            let (many, wanted) = (hash_ids.len(), input_length.div_ceil(BLOCK));
            return Err(format!("Line {line}: {many} hash_ids, and a prompt of {input_length} tokens has {wanted}."));
        }
        add(
            &mut rows,
            line,
            Row { at_s: timestamp / 1e3, input: input_length, output: output_length, blocks: hash_ids },
        )?;
    }
    Ok(rows)
}

fn table(from: impl Read) -> Result<Vec<Row>, String> {
    let mut reader = csv::Reader::from_reader(from);
    let head = reader.headers().map_err(|error| format!("Line 1: {error}."))?.clone();
    let is_burst = head.iter().any(|name| name == "Request tokens");
    let mut rows = Vec::new();
    for (number, record) in reader.records().enumerate() {
        // The first line is the head.
        let line = number + 2;
        let broken = |error: csv::Error| format!("Line {line}: {}.", cause(&error));
        let record = record.map_err(broken)?;
        if is_burst {
            let Burst { at, input, output } = record.deserialize(Some(&head)).map_err(broken)?;
            if output > 0 {
                add(&mut rows, line, Row { at_s: at, input, output, blocks: Vec::new() })?;
            }
        } else {
            let Azure { at, input, output } = record.deserialize(Some(&head)).map_err(broken)?;
            let moment = at.trim().parse::<DateTime>();
            let moment =
                moment.map_err(|_| format!("Line {line}: \"{at}\" is no time such as 2023-11-16 18:15:46.68."))?;
            add(&mut rows, line, Row { at_s: seconds(moment), input, output, blocks: Vec::new() })?;
        }
    }
    Ok(rows)
}

/// From the begin of 2023 on: near enough for a tenth of a microsecond.
fn seconds(moment: DateTime) -> f64 {
    moment.duration_since(DateTime::constant(2023, 1, 1, 0, 0, 0, 0)).as_secs_f64()
}

fn add(rows: &mut Vec<Row>, line: usize, row: Row) -> Result<(), String> {
    if row.at_s.is_nan() || row.at_s.abs() > LONGEST_S {
        return Err(format!("Line {line}: {} s is no time of a request.", row.at_s));
    }
    if row.input > crate::sizes::MOST || row.output > crate::sizes::MOST {
        return Err(format!("Line {line}: nobody has that many tokens."));
    }
    rows.push(row);
    if rows.len() > MOST { Err(format!("It has more than {MOST} requests.")) } else { Ok(()) }
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
        assert!(past[1].at.abs_diff(at) < Duration::from_micros(1), "{:?}", past[1]);
        assert_eq!((past[1].input, past[1].output, past[1].blocks.len()), (396, 109, 0));
        assert_eq!((past.len(), past[0].at), (3, Duration::ZERO));
    }

    // The first lines as dynamo's benchmarks/data_generator/README.md and AIPerf's trace_replay.md show them.
    const MOONCAKE: &str = "{\"timestamp\": 0, \"input_length\": 655, \"output_length\": 52, \"hash_ids\": [46, 47]}\n\
        {\"timestamp\": 10535, \"input_length\": 672, \"output_length\": 26, \"hash_ids\": [46, 48]}\n\n\
        {\"timestamp\": 3052, \"input_length\": 7, \"output_length\": 5}\n";

    #[test]
    fn lines_of_mooncake_come_in_milliseconds_with_what_their_blocks_are() {
        let past = read(MOONCAKE.as_bytes()).unwrap();
        let told: Vec<(u128, u32, u32, &[u64])> =
            past.iter().map(|of| (of.at.as_millis(), of.input, of.output, &*of.blocks)).collect();
        assert_eq!(told, [(0, 655, 52, &[46, 47][..]), (3_052, 7, 5, &[]), (10_535, 672, 26, &[46, 48])]);
    }

    // Of both releases: the second has a session and the time that it took.
    const BURST: &str = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,\
        Conversation log\n45,ChatGPT,1087,230,1317,Conversation log\n50,GPT-4,300,0,300,API log\n";
    const BURST_2: &str = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
        5.0,a,2.5,ChatGPT,472,18,490,Conversation log\n45.0,,9.5,GPT-4,1087,230,1317,API log\n";

    #[test]
    fn rows_of_burstgpt_come_in_seconds_without_those_that_failed() {
        for text in [BURST, BURST_2] {
            let past = read(text.as_bytes()).unwrap();
            let told: Vec<(u64, u32, u32)> = past.iter().map(|of| (of.at.as_secs(), of.input, of.output)).collect();
            assert_eq!(told, [(0, 472, 18), (40, 1_087, 230)], "{text}");
        }
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
            (BURST.replace("45,", "soon,"), "Line 3: "),
            (BURST.replace("45,", "NaN,"), "Line 3: NaN s is no time of a request."),
            (MOONCAKE.replace("input_length", "input"), "Line 1: missing field `input_length`"),
            (MOONCAKE.replace("[46, 48]", "[46]"), "Line 2: 1 hash_ids, and a prompt of 672 tokens has 2."),
            ("{\"timestamp\": 1".to_owned(), "Line 1: "),
        ] {
            let why = read(text.as_bytes()).unwrap_err();
            assert!(why.starts_with(want), "{why}");
        }
    }
}
