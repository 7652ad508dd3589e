//! The scripted server as a program of its own, for figures: so that its processor time is not that of who measures.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::time::Duration;

use super::{Logged, Script, Times, Truth};
use crate::failure::{Context, Failure, Result};

/// Serves by these words until its input ends, and then writes what it did into a file: milliseconds to the first piece and
/// between pieces (medians), the deviation of their logarithm, the file. Prints where it is. With a port behind them it serves
/// there until it is ended, and writes nothing.
pub async fn program(words: &[String]) -> ExitCode {
    match serve(words).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}\nUsage: truth TTFT_MS GAP_MS SIGMA LOG [PORT]");
            ExitCode::FAILURE
        }
    }
}

async fn serve(words: &[String]) -> Result<()> {
    let (ttft, gap, sigma, file, port) = match words {
        [ttft, gap, sigma, file] => (ttft, gap, sigma, file, None),
        [ttft, gap, sigma, file, port] => (ttft, gap, sigma, file, Some(port.parse().could_not("read the port")?)),
        _ => return Err(Failure::new("there are not four words")),
    };
    let number = |text: &String| text.parse::<f64>().could_not(format!("read {text} as a number"));
    let (ttft, gap, sigma) = (number(ttft)?, number(gap)?, number(sigma)?);
    let times = |ms: f64| match Duration::try_from_secs_f64(ms / 1e3) {
        Ok(time) if sigma > 0.0 && !time.is_zero() => Times::LogNormal(time, sigma),
        Ok(time) => Times::Fixed(time),
        Err(_) => Times::Fixed(Duration::ZERO),
    };
    let script = Script { ttft: times(ttft), gap: times(gap), ..Script::quick() };
    let truth = Truth::start_at(script, port.unwrap_or(0)).await?;
    writeln!(std::io::stdout(), "{}", truth.url()).could_not("say where it is")?;
    if port.is_some() {
        return std::future::pending().await;
    }
    // Whoever started it holds the other end.
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let _ = ended.await;
    let lines: Vec<String> = truth.log().iter().filter_map(|logged| serde_json::to_string(logged).ok()).collect();
    std::fs::write(file, lines.join("\n")).could_not("write what it did")
}

/// The program while it runs.
pub struct End {
    child: Child,
    input: Option<ChildStdin>,
    /// Where it is.
    pub url: String,
}

/// Starts a command that ends up in [`program`].
///
/// # Errors
/// If it does not start, or does not say where it is.
pub fn start(mut command: Command) -> Result<End> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().could_not("start the scripted server")?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut url = String::new();
    let output = output.ok_or_else(|| Failure::new("the scripted server has no output"))?;
    BufReader::new(output).read_line(&mut url).could_not("read where the scripted server is")?;
    Ok(End { child, input, url: url.trim().to_owned() })
}

impl End {
    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and reads what it did.
    ///
    /// # Errors
    /// If it wrote nothing that can be read.
    pub fn log(mut self, file: &Path) -> Result<Vec<Logged>> {
        drop(self.input.take());
        self.child.wait().could_not("wait for the scripted server")?;
        let text = std::fs::read_to_string(file).could_not("read what the scripted server did")?;
        text.lines().map(|line| serde_json::from_str(line).could_not("read what the scripted server did")).collect()
    }
}

impl Drop for End {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
