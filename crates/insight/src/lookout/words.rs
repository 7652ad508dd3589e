//! A notice in words: of one thing, or of several that came together.

use super::{Call, Wrong};
use pilothouse_wire::{
    notice::NoticeKind,
    units::{count, middle, visible},
};

/// How many things have a line of their own.
const LINES: usize = 3;
/// The longest line, and the longest sentence: a desktop shows a few lines, and an alert's summary may be a page.
const LONGEST: (usize, usize) = (100, 280);

/// What is told of these; nothing where there are none. `held`: some of it waited for the end of quiet hours.
pub(super) fn call(mut due: Vec<Wrong>, held: bool) -> Option<Call> {
    due.sort_by(|a, b| (a.status, a.kind, &a.id).cmp(&(b.status, b.kind, &b.id)));
    let worst = due.first()?;
    let (title, text) = match due.as_slice() {
        [one] => (line(&one.title), middle(&visible(&one.text), LONGEST.1)),
        all => (kinds(all), lines(all)),
    };
    Some(Call {
        status: worst.status,
        title: if held { format!("Still so after the quiet hours: {title}") } else { title },
        text,
        things: u32::try_from(due.len()).unwrap_or(u32::MAX),
        object: worst.id.object.clone(),
    })
}

/// "3 GPUs failed, 1 connection lost".
fn kinds(all: &[Wrong]) -> String {
    let of = |kind: NoticeKind| {
        let n = all.iter().filter(|what| what.kind == kind).count();
        let (one, many) = nouns(kind);
        (n > 0).then(|| format!("{} {}", count(n as u64), if n == 1 { one } else { many }))
    };
    NoticeKind::ALL.into_iter().filter_map(of).collect::<Vec<_>>().join(", ")
}

fn nouns(kind: NoticeKind) -> (&'static str, &'static str) {
    match kind {
        NoticeKind::Gpu => ("GPU failed", "GPUs failed"),
        NoticeKind::Finding => ("finding", "findings"),
        NoticeKind::Workload => ("workload fails", "workloads fail"),
        NoticeKind::Source => ("connection lost", "connections lost"),
        NoticeKind::Alert => ("alert", "alerts"),
    }
}

fn lines(all: &[Wrong]) -> String {
    let mut lines: Vec<String> = all.iter().take(LINES).map(|what| line(&what.title)).collect();
    if all.len() > LINES {
        lines.push(format!("and {} more", count((all.len() - LINES) as u64)));
    }
    lines.join("\n")
}

fn line(text: &str) -> String {
    middle(&visible(text), LONGEST.0)
}
