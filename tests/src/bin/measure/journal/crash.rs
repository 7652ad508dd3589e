//! What a crash costs: a process that records is killed, at named points and at random, and what it left is folded.

use acceptance::Result;

use super::Scale;
use crate::report::Report;

/// Measures it.
pub fn measure(_scale: Scale, _report: &mut Report) -> Result<()> {
    Ok(())
}

/// What the process does that is killed.
pub fn child(_words: &[String]) -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
