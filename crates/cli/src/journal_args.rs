//! What may be typed about the record.

use clap::{Args, Subcommand};
use pilothouse_wire::Stamp;
use std::{path::PathBuf, time::Duration};

/// The record of what was seen.
#[derive(Args, Clone, Debug)]
pub struct JournalArgs {
    /// What about it
    #[command(subcommand)]
    pub verb: JournalVerb,
    /// The journal [default: that of this account]
    #[arg(long, global = true, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

/// What is done with the record.
#[derive(Clone, Debug, Subcommand)]
pub enum JournalVerb {
    /// From when to when it tells, what it takes, and what is missing
    Info {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a part of it into one file, to be sent and opened elsewhere
    Export {
        /// From when: 2026-11-24T03:00:00Z, or so long before its end: 90m, 2h, 3d
        #[arg(long, value_name = "TIME", value_parser = moment)]
        from: Moment,
        /// Until when [default: its end]
        #[arg(long, value_name = "TIME", value_parser = moment)]
        to: Option<Moment>,
        /// The file
        file: PathBuf,
    },
    /// Read all of it, and say what does not read
    Verify {
        /// An export; the journal if none is given
        file: Option<PathBuf>,
    },
    /// Drop what is old, and give the room back
    Prune {
        /// What is older than this before its end: 12h, 7d
        #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span)]
        older_than: Duration,
    },
}

/// A time, or how long before the end of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The time itself.
    At(Stamp),
    /// So long before the end.
    Before(Duration),
}

impl Moment {
    /// The time, in a record that ends at `end`.
    pub fn of(self, end: Stamp) -> Stamp {
        match self {
            Self::At(at) => at,
            Self::Before(span) => end.minus(span),
        }
    }
}

/// Reads a time or a span.
pub fn moment(text: &str) -> Result<Moment, String> {
    match span(text) {
        Ok(span) => Ok(Moment::Before(span)),
        Err(_) => text.parse().map(Moment::At).map_err(|error| format!("{error}, and no span such as 90m, 2h, 3d")),
    }
}

/// Reads a span.
fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "give a span such as 30s, 90m, 2h, 3d".to_owned();
    let at = text.len().checked_sub(1).filter(|at| text.is_char_boundary(*at)).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number.parse::<u32>().map(|number| Duration::from_secs(u64::from(number) * seconds)).map_err(|_| wrong())
}

/// Of a record in a file.
#[derive(Args, Clone, Debug)]
pub struct OpenArgs {
    /// An export, or a copied journal
    pub file: PathBuf,
    /// The port; 0 for any that is free [default: 7447, or a free one where that is taken]
    #[arg(long)]
    pub port: Option<u16>,
    /// Open it in a browser at once
    #[arg(long)]
    pub open: bool,
    /// Take the interface from this folder: for whoever writes it
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub ui: Option<PathBuf>,
}

/// Of a recorder.
#[derive(Args, Clone, Debug, Default)]
pub struct RecordArgs {
    /// Only this connection, by id or name; or a context of the kubeconfig, for this run alone
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The demo fleet, though connections are configured
    #[arg(long)]
    pub demo: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_are_told_apart() {
        for (text, want) in [
            ("90m", Ok(Moment::Before(Duration::from_secs(5_400)))),
            ("3d", Ok(Moment::Before(Duration::from_secs(259_200)))),
            ("2026-11-24T03:12:44Z", Ok(Moment::At(Stamp(1_795_489_964_000)))),
            ("d", Err(())),
            ("", Err(())),
            ("−3d", Err(())),
            ("99999999999d", Err(())),
        ] {
            assert_eq!(moment(text).map_err(|_| ()), want, "{text}");
        }
    }
}
