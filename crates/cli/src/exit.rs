//! What the program says to whoever started it, as its exit code.

use pilothouse_wire::{Problem, filter::BadFilter};
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All of it.
    Ok,
    /// What could be read was printed; a source could not be read, or not whole, or the record does not tell of a time.
    Partial,
    /// It was sent, and it was not seen that it came to pass.
    Unverified,
    /// What was asked for does not hold.
    No,
    /// Whether it holds nobody can tell.
    CannotTell,
}

/// How a command failed.
#[derive(Debug)]
pub enum Failed {
    /// Something went wrong: it is told on stderr.
    Problem(Box<Problem>),
    /// The command itself makes no sense: it is told on stderr.
    Usage(String),
    /// Whoever read our output has gone: nothing to tell.
    NobodyReads,
}

impl Failed {
    /// A filter that says nothing.
    #[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
    pub fn filter(error: BadFilter) -> Self {
        Self::Usage(format!("The filter cannot be used: {error}."))
    }
}

/// The codes, for the help and the manual.
pub const CODES: &str = "\
Exit codes:
  0  all of it
  1  a problem: what, why and what comes next are on stderr
  2  the command cannot be understood
  3  not every source could be read, or not whole: what could be is printed, the rest is on stderr
     diff: the record does not tell of one of the times; what is compared is the nearest that it tells of
     bench: requests failed, or it was ended early; what was measured is kept
  4  what was to be done was sent, and it was not seen that it came to pass
  5  preflight: it does not fit
     bench compare --fail-if: a candidate is so
  6  preflight: nobody can tell whether it fits
     bench compare --fail-if: the comparison is invalid";

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::NobodyReads;
        }
        Self::from(
            Problem::new(pilothouse_wire::Code::Internal, "The output cannot be written.").why(format!("{error}.")),
        )
    }
}

impl From<serde_json::Error> for Failed {
    fn from(error: serde_json::Error) -> Self {
        Self::from(std::io::Error::from(error))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Partial => 3,
            Exit::Unverified => 4,
            Exit::No => 5,
            Exit::CannotTell => 6,
        })
    }
}
