//! How quickly the programs start, how small the interface is, and how much memory the window has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use acceptance::{Context, Failure, Page, Result, Terminal, program, until};
use thirtyfour::prelude::By;
use tokio::time::Instant;

use crate::processes;
use crate::report::{Figure, Report, say};
use crate::statistics::{median, millis};
use crate::timed;

/// GPUs of the demo fleet, as they are written.
const ALL: &str = "4,096";
const LIMIT: Duration = Duration::from_secs(60);
const WINDOWS: usize = 3;
const CALLS: usize = 11;

/// Measures it.
pub async fn measure(report: &mut Report) -> Result<()> {
    calls(report).await?;
    windows(report).await?;
    let packed = packed(&interface()?)?;
    report.add(Figure::new("start.wasm_brotli_kb", packed as f64 / 1_000.0, "kB").at_most(900.0));
    Ok(())
}

/// A terminal that knows no cluster, so that the demo fleet is shown.
fn nowhere() -> Result<Terminal> {
    Terminal::new(Path::new("/nonexistent/kubeconfig"))
}

async fn calls(report: &mut Report) -> Result<()> {
    say("start: the terminal.");
    let terminal = nowhere()?;
    let (mut fleet, mut version) = (Vec::new(), Vec::new());
    for call in 0..=CALLS {
        let shown = timed::run(terminal.command(&["fleet", "--demo"])?).await?;
        let nothing = timed::run(terminal.command(&["--version"])?).await?;
        if !String::from_utf8_lossy(&shown.output).contains(ALL) {
            return Err(Failure::new("pilothouse fleet --demo does not show the whole demo fleet"));
        }
        // The first warms up.
        if call > 0 {
            fleet.push(millis(shown.took));
            version.push(millis(nothing.took));
        }
    }
    report.add(Figure::new("start.cli_ms", median(&fleet), "ms").at_most(80.0).beside(
        "pilothouse --version",
        median(&version),
        "ms",
    ));
    Ok(())
}

async fn windows(report: &mut Report) -> Result<()> {
    say("start: the window.");
    let (mut shown, mut before, mut resident, mut shared) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for window in 0..=WINDOWS {
        let opened = Opened::window().await?;
        let Opened { shown: ms, before: page, resident: mb, fair } = opened;
        say(&format!("  {ms:.0} ms, {page:.0} ms of it before the page, {mb:.0} MB, {fair:.0} MB if shared fairly"));
        // The first warms up.
        if window > 0 {
            shown.push(ms);
            before.push(page);
            resident.push(mb);
            shared.push(fair);
        }
    }
    let before = median(&before);
    report.add(Figure::new("start.window_ms", median(&shown), "ms").at_most(1_500.0).beside(
        "before the page begins",
        before,
        "ms",
    ));
    report.add(Figure::new("start.rss_mb", median(&resident), "MB").at_most(400.0).beside(
        "shared pages divided (PSS)",
        median(&shared),
        "MB",
    ));
    Ok(())
}

/// What was measured of one window.
struct Opened {
    /// From the start of its process to the whole demo fleet on the screen, in ms.
    shown: f64,
    /// Of that, until the web view begins to load the page, in ms.
    before: f64,
    /// Memory of all its processes, in MB.
    resident: f64,
    /// The same with what they share counted once.
    fair: f64,
}

impl Opened {
    async fn window() -> Result<Self> {
        let terminal = nowhere()?;
        let page = Page::window((1440, 900), &terminal.environment()).await?;
        let deadline = Instant::now() + LIMIT;
        // Without a pause: each question takes the driver some milliseconds, and that much the figure is too large.
        loop {
            let funnel = match page.driver().find(By::Css("[data-test='funnel']")).await {
                Ok(funnel) => funnel.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if funnel.contains(ALL) {
                break;
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("the window does not show the demo fleet; it reads: {funnel}")));
            }
        }
        let id = processes::find(&program("pilothouse-desktop")?, terminal.home());
        let id = id.ok_or_else(|| Failure::new("the window's process is not there"))?;
        let shown = millis(processes::age(id)?);
        let since = page.driver().execute("return performance.now()", Vec::new()).await.could_not("ask the page")?;
        let before = shown - since.json().as_f64().unwrap_or(shown);
        // What the start leaves behind is given back within seconds.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let all = processes::tree(id);
        let sum = |memory: fn(u32) -> Option<f64>| all.iter().filter_map(|id| memory(*id)).sum();
        let opened = Self {
            shown,
            before,
            resident: sum(|id| processes::memory_mb(id, "VmRSS")),
            fair: sum(processes::shared_fairly_mb),
        };
        page.close().await?;
        until("the window is closed", LIMIT, async || {
            Ok((!Path::new(&format!("/proc/{id}/exe")).exists()).then_some(()))
        })
        .await?;
        Ok(opened)
    }
}

/// The interface that the doors carry.
fn interface() -> Result<PathBuf> {
    let dist = std::env::current_dir().could_not("find the repository")?.join("ui/dist");
    let files = std::fs::read_dir(&dist).could_not(format!("read {}", dist.display()))?;
    let wasm = files.flatten().map(|file| file.path()).find(|path| path.extension().is_some_and(|end| end == "wasm"));
    wasm.ok_or_else(|| Failure::new(format!("there is no interface in {}; cargo xtask ui builds it", dist.display())))
}

/// How many bytes a file has when a browser fetches it.
fn packed(file: &Path) -> Result<usize> {
    let bytes = std::fs::read(file).could_not(format!("read {}", file.display()))?;
    let mut small = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut bytes.as_slice(), &mut small, &parameters).could_not("pack the interface")?;
    Ok(small.len())
}
