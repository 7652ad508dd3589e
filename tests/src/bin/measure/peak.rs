//! The most memory that a program had at a time, read from the kernel while it runs.

use std::process::Stdio;
use std::time::Duration;

use acceptance::{Context, Result};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::processes;

/// Runs a program and gives its VmHWM in MB. Its output is read slowly on purpose: the pipe holds the program back
/// while the kernel is asked, so that the end is not missed.
pub async fn of(mut command: Command) -> Result<f64> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().could_not("start pilothouse")?;
    let (id, mut output) = (child.id(), child.stdout.take());
    let (mut peak, mut buffer) = (0.0_f64, vec![0; 64 * 1024]);
    while let (Some(id), Some(output)) = (id, output.as_mut()) {
        let read = tokio::time::timeout(Duration::from_millis(5), output.read(&mut buffer)).await;
        peak = processes::memory_mb(id, "VmHWM").map_or(peak, |now| peak.max(now));
        if let Ok(count) = read
            && count.could_not("read what pilothouse prints")? == 0
        {
            break;
        }
    }
    child.wait().await.could_not("wait for pilothouse")?;
    Ok(peak)
}
