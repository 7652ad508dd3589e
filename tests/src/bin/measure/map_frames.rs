//! What the page does with each update of a large fleet that is measured once a second, in both doors as they are
//! shipped: the browser door in Chromium, and the window with its WebKit.
//!
//! The fleet is the demo's largest cluster, many times over with other seeds: nearly every reading is another one each
//! second. An update's own time is from the arrival of its bytes, before they are decoded, until the map is painted: what
//! the page itself says it worked (`pilothouse.update` and `pilothouse.paint` among its measures), without the wait for
//! the frame between the two. What it leaves until the map is in sight, its tables and totals, is told beside it
//! (`pilothouse.rest`). What the browser does with it afterwards shows in its frames and its long tasks.

use std::path::Path;
use std::time::Duration;

use acceptance::{Context, Failure, Page, Result, Terminal};
use serde::Deserialize;

use crate::report::{Figure, Report, say};
use crate::stand::Size;
use crate::statistics::{median, quantile};

/// Notes what the page does.
const RECORD: &str = include_str!("map_frames/record.js");
/// What it noted, and what the map shows now.
const NOTED: &str = "const map = document.querySelector('.map-stage canvas');
    return JSON.stringify({ ...window.pilothouseNotes, map: map.toDataURL() });";
/// GPUs of one of the clusters.
const CLUSTER: usize = 2_048;
/// Clusters for 10,000 and for 80,000 GPUs.
const MANY: usize = 5;
const MOST: usize = 40;
const WINDOW: (u32, u32) = (1440, 900);
/// A frame that is later than this was missed at 60 a second, in milliseconds.
const SLOW_MS: f64 = 20.0;
/// The page has opened and is at rest but for what it measures.
const SETTLE: Duration = Duration::from_secs(10);

/// Measures it.
pub async fn measure(size: Size, report: &mut Report) -> Result<()> {
    let fleet = Fleet::of(MANY).await?;
    let chromium = fleet.in_chromium(size.frames).await?;
    let webkit = fleet.in_window(size.frames).await?;
    let p99 = |name, seen: &Seen, goal| {
        Figure::new(name, quantile(&seen.own, 0.99), "ms").at_most(goal).beside("median", median(&seen.own), "ms")
    };
    report.add(p99("map-frames.chromium_p99_ms", &chromium, 8.0));
    report.add(p99("map-frames.webkit_p99_ms", &webkit, 16.0));
    let slow = Figure::new("map-frames.slow_frames_ratio", chromium.slow, "").at_most(0.01);
    report.add(slow.beside("in WebKit", webkit.slow, ""));
    let long = Figure::new("map-frames.long_tasks", chromium.long.len() as f64, "").at_most(0.0);
    report.add(long.beside("the longest", chromium.long.iter().copied().fold(0.0, f64::max), "ms"));

    if size.frames < Size::WHOLE.frames {
        return Ok(());
    }
    let fleet = Fleet::of(MOST).await?;
    let chromium = fleet.in_chromium(size.frames / 2).await?;
    let webkit = fleet.in_window(size.frames / 2).await?;
    let most = |name, seen: &Seen| {
        Figure::new(name, quantile(&seen.own, 0.99), "ms").beside("median", median(&seen.own), "ms")
    };
    report.add(most("map-frames.chromium_80k_p99_ms", &chromium));
    report.add(most("map-frames.webkit_80k_p99_ms", &webkit));
    Ok(())
}

/// A home that knows a large fleet.
struct Fleet {
    terminal: Terminal,
    gpus: usize,
}

impl Fleet {
    async fn of(clusters: usize) -> Result<Self> {
        let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
        for number in 0..clusters {
            let (name, seed) = (format!("iad-{number}"), (4_096 + number).to_string());
            let of = ["--name", &name, "--cluster", "iad-prod", "--seed", &seed, "--interval", "1"];
            terminal.good(&[&["connect", "add", "demo"], of.as_slice()].concat()).await?;
        }
        Ok(Self { terminal, gpus: clusters * CLUSTER })
    }

    async fn in_chromium(&self, span: Duration) -> Result<Seen> {
        say(&format!("map-frames: {} GPUs in Chromium.", self.gpus));
        let (_door, address) = self.terminal.serve(&[]).await?;
        self.seen(Page::browser(WINDOW, &address).await?, span).await
    }

    async fn in_window(&self, span: Duration) -> Result<Seen> {
        say(&format!("map-frames: {} GPUs in the window.", self.gpus));
        self.seen(Page::window(WINDOW, &self.terminal.environment()).await?, span).await
    }

    /// What a page does while time passes.
    async fn seen(&self, page: Page, span: Duration) -> Result<Seen> {
        let all = self.gpus.to_string();
        let counts = |text: &str| text.replace(',', "").contains(&all);
        page.reads_as("[data-test='funnel']", counts, &format!("counts {all} GPUs")).await?;
        tokio::time::sleep(SETTLE).await;
        let ask = async |script| page.driver().execute(script, Vec::new()).await.could_not("ask the page");
        ask(RECORD).await?;
        let noted = async || -> Result<Noted> {
            let answer = ask(NOTED).await?;
            serde_json::from_str(answer.json().as_str().unwrap_or_default()).could_not("read what the page noted")
        };
        let before = noted().await?;
        tokio::time::sleep(span).await;
        let after = noted().await?;
        page.close().await?;
        if before.map == after.map {
            return Err(Failure::new("the map shows the same at the end as at the beginning"));
        }
        // The first were noted while the picture was taken.
        let seen = Seen::of(&after, before.spans.len(), before.gaps.len(), before.tasks.len());
        say(&format!(
            "  {} updates in {} s, {:.1} ms the median ({:.1} ms of it painting) and {:.1} ms the longest; then {:.1} ms for \
             all but the map, {:.1} ms at most; {} frames.",
            seen.own.len(),
            span.as_secs(),
            median(&seen.own),
            median(&seen.paint),
            seen.own.iter().copied().fold(0.0, f64::max),
            median(&seen.rest),
            seen.rest.iter().copied().fold(0.0, f64::max),
            after.gaps.len(),
        ));
        if (seen.own.len() as u64) < span.as_secs() * 9 / 10 {
            return Err(Failure::new(format!("only {} updates were painted in {} s", seen.own.len(), span.as_secs())));
        }
        Ok(seen)
    }
}

/// What the page noted of itself: times in milliseconds.
#[derive(Deserialize)]
struct Noted {
    /// Name, start, length.
    spans: Vec<(String, f64, f64)>,
    /// From one frame to the next.
    gaps: Vec<f64>,
    /// Long tasks.
    tasks: Vec<f64>,
    /// The picture of the map.
    map: String,
}

/// What was seen of a page.
struct Seen {
    /// Own time of each update that was painted, in milliseconds.
    own: Vec<f64>,
    /// Of that, the painting of the map.
    paint: Vec<f64>,
    /// What follows when the map is in sight.
    rest: Vec<f64>,
    /// The share of frames that came late.
    slow: f64,
    /// Tasks that kept the page from answering, in milliseconds.
    long: Vec<f64>,
}

impl Seen {
    fn of(noted: &Noted, spans: usize, gaps: usize, tasks: usize) -> Self {
        let gaps = &noted.gaps[gaps.min(noted.gaps.len())..];
        let slow = gaps.iter().filter(|gap| **gap > SLOW_MS).count();
        let spans = &noted.spans[spans.min(noted.spans.len())..];
        let of = |name: &str| -> Vec<f64> {
            spans.iter().filter(|span| span.0.ends_with(name)).map(|span| span.2).collect()
        };
        Self {
            own: own_times(spans),
            paint: of("paint"),
            rest: of("rest"),
            slow: slow as f64 / gaps.len().max(1) as f64,
            long: noted.tasks[tasks.min(noted.tasks.len())..].to_vec(),
        }
    }
}

/// How long before its picture an update may have come, in milliseconds: what came earlier had nothing to paint.
const WAITS_MS: f64 = 100.0;

/// For each picture its own time and that of the messages that it shows: those that came since the last one.
fn own_times(spans: &[(String, f64, f64)]) -> Vec<f64> {
    let (mut own, mut waiting) = (Vec::new(), Vec::new());
    let mut spans: Vec<_> = spans.iter().collect();
    spans.sort_by(|a, b| a.1.total_cmp(&b.1));
    for (name, start, length) in spans {
        if name.ends_with("update") {
            waiting.push((*start, *length));
        } else if name.ends_with("paint") {
            let shown = waiting.drain(..).filter(|(came, took)| start - (came + took) < WAITS_MS);
            own.push(shown.map(|(_, took)| took).sum::<f64>() + length);
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_counts_with_the_messages_that_it_shows_and_not_with_earlier_ones() {
        let span = |name: &str, start: f64, length: f64| (format!("pilothouse.{name}"), start, length);
        let spans = [
            span("update", 0.0, 3.0),
            span("update", 500.0, 4.0),
            span("update", 505.0, 1.0),
            span("paint", 516.0, 2.0),
            // A picture for another reason: the pointer, the theme.
            span("paint", 700.0, 2.5),
            span("update", 1_000.0, 6.0),
        ];
        assert_eq!(own_times(&spans), [7.0, 2.5]);
    }

    #[test]
    fn late_frames_are_counted_from_where_the_measuring_began() {
        let gaps = vec![90.0, 16.7, 33.4, 16.6, 16.7];
        let noted = Noted { spans: Vec::new(), gaps, tasks: vec![70.0, 51.0], map: String::new() };
        let seen = Seen::of(&noted, 0, 1, 1);
        assert_eq!((seen.slow, seen.long), (0.25, vec![51.0]));
    }
}
