//! A program from its start to its end, on the clock.

use std::process::Stdio;
use std::time::Duration;

use acceptance::{Context, Failure, Result};
use tokio::process::Command;
use tokio::time::Instant;

/// What a program took and printed.
pub struct Timed {
    /// From its start to its end.
    pub took: Duration,
    /// What it printed.
    pub output: Vec<u8>,
}

/// Runs a program, which must succeed.
pub async fn run(mut command: Command) -> Result<Timed> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let began = Instant::now();
    let output = command.output().await.could_not(format!("start {name}"))?;
    let took = began.elapsed();
    if output.status.success() {
        return Ok(Timed { took, output: output.stdout });
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("{name} failed ({}): {}", output.status, said.trim())))
}
