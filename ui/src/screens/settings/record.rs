//! The record of this machine: how far it reaches, what it takes of what it may take, and what it does not tell of.

use crate::{
    link::use_link,
    parts::{
        button::{CopyButton, IconButton, Weight},
        icon::Icon,
        problem::ProblemRows,
    },
    once::{CollectAny, effect},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Problem, Stamp,
    record::{Gap, RecordBounds, RecordInfo},
    units::{bytes, count, middle, span, visible},
};
use std::time::Duration;

/// Gaps that are listed: the last ones.
const GAPS: usize = 5;

type Asked = Option<Result<Option<RecordInfo>, Problem>>;

/// The card of the record.
#[component]
pub fn Record() -> impl IntoView {
    let link = use_link();
    let asked = RwSignal::new(Asked::None);
    let look = move || {
        link.ask_then(Ask::Record, move |answer| {
            asked.set(Some(answer.map(|answer| match answer {
                Answer::Record(info) => info.map(|info| *info),
                _ => None,
            })));
        });
    };
    // The link may open after the page.
    effect(move || {
        if link.is_open() {
            look();
        }
    });
    let body = move || match asked.get() {
        None => view! { <p class="faint">"The record is being read."</p> }.into_any(),
        Some(Err(problem)) => view! { <ProblemRows problem=problem /> }.into_any(),
        Some(Ok(None)) => view! {
            <p class="soft">"Nothing is recorded here: there is no past to go back to, and no note can be kept."</p>
        }
        .into_any(),
        Some(Ok(Some(info))) => view! { <Info info=info /> }.into_any(),
    };
    view! {
        <section class="card" data-test="record">
            <header class="card-head">
                <h2 class="lead">"Record"</h2>
                <span class="fill"></span>
                <IconButton icon=Icon::Retry label="Look again" on_press=look test="record-look" />
            </header>
            <div class="card-body">{move || body()}</div>
        </section>
    }
}

#[component]
fn Info(info: RecordInfo) -> impl IntoView {
    let rows = rows(&info);
    let used = info.bounds.as_ref().map(|bounds| per_cent(info.used, bounds.bytes));
    let gaps = gaps(&info.gaps);
    let file = info.file.clone();
    view! {
        {used.map(|percent| view! {
            <div class="bar" role="img" aria-label=format!("{percent} % of its bound is used")><i style:width=format!("{percent}%")></i></div>
        })}
        <dl class="facts" data-test="record-facts">
            {rows.into_iter().map(|(name, text)| view! { <dt>{name}</dt><dd dir="auto">{visible(&text)}</dd> }).collect_any()}
            <dt>"Missing"</dt>
            <dd data-test="record-gaps">
                <ul>{gaps.into_iter().map(|gap| view! { <li dir="auto">{visible(&gap)}</li> }).collect_any()}</ul>
            </dd>
            <dt>"File"</dt>
            <dd><code class="mono" title=visible(&info.file)>{visible(&middle(&info.file, 56))}</code></dd>
        </dl>
        <div class="buttons">
            <CopyButton label="Copy the path" text=file weight=Weight::Plain />
            <span class="small faint">"Less of it: " <code class="mono">"pilothouse journal prune --older-than 7d"</code> ", while nothing records."</span>
        </div>
    }
}

fn rows(info: &RecordInfo) -> Vec<(&'static str, String)> {
    let [whole, minutes, tens] = info.readings.map(bytes);
    let reach = info.span.map_or_else(
        || "nothing yet".into(),
        |(since, until)| format!("{} to {} UTC, {}", day(since), day(until), span(until.since(since))),
    );
    let takes = match &info.bounds {
        Some(bounds) => format!("{} of {}; the file is {} long", bytes(info.used), bytes(bounds.bytes), bytes(info.bytes)),
        None => format!("{}; the file is {} long", bytes(info.used), bytes(info.bytes)),
    };
    let readings = format!("{whole} as heard, {minutes} by the minute, {tens} by ten minutes");
    let mut rows = vec![("Reaches", reach), ("Takes", takes), ("Goes", goes(info.bounds.as_ref())), ("Readings", readings)];
    rows.extend(thinned(info.bounds.as_ref()).map(|text| ("Thinned", text)));
    rows.push(("Facts", bytes(info.facts)));
    rows.push(("Worlds", format!("{}, {}", count(info.worlds), bytes(info.world_bytes))));
    rows.push(("Runs", count(info.runs)));
    rows
}

/// What becomes of the oldest.
fn goes(bounds: Option<&RecordBounds>) -> String {
    match bounds {
        Some(bounds) => format!("what is older than {}, and the oldest where room runs out", short(bounds.age)),
        None => "nothing: this window does not write it".into(),
    }
}

fn thinned(bounds: Option<&RecordBounds>) -> Option<String> {
    let (whole, minutes) = bounds?.thinned?;
    Some(format!("readings after {}, and again after {}; XIDs and changes never", short(whole), short(minutes)))
}

/// A span that is whole days or hours, without the hours or minutes that it does not have.
fn short(time: Duration) -> String {
    match time.as_secs() {
        0 => span(time),
        s if s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s % 3_600 == 0 => format!("{} h", s / 3_600),
        _ => span(time),
    }
}

/// The last gaps, each in a line.
fn gaps(gaps: &[Gap]) -> Vec<String> {
    if gaps.is_empty() {
        return vec!["nothing".into()];
    }
    let line = |gap: &Gap| {
        let (since, until) = (gap.since.map_or("before".into(), day), gap.until.map_or("now".into(), day));
        format!("{since} to {until}: {gap}")
    };
    let mut lines: Vec<String> = gaps.iter().rev().take(GAPS).map(line).collect();
    if gaps.len() > GAPS {
        lines.push(format!("and {} before", count((gaps.len() - GAPS) as u64)));
    }
    lines
}

/// Day and time, of UTC: "2026-11-24 03:12:44".
fn day(stamp: Stamp) -> String {
    stamp.to_string().replacen('T', " ", 1).chars().take(19).collect()
}

/// In whole per cent, from 1: a bar of nothing would say that there is nothing.
fn per_cent(used: u64, bound: u64) -> u64 {
    used.saturating_mul(100).checked_div(bound).unwrap_or(100).clamp(1, 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::record::Missing;

    fn stamp(text: &str) -> Stamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_rows_say_what_the_record_is() {
        let info = RecordInfo {
            file: "/home/a/journal.db".into(),
            recording: true,
            span: Some((stamp("2026-11-23T03:12:44.5Z"), stamp("2026-11-24T05:12:44Z"))),
            bytes: 73_800_000,
            used: 51_200_000,
            bounds: Some(RecordBounds {
                bytes: 1 << 30,
                age: Duration::from_secs(31 * 86_400),
                thinned: Some((Duration::from_secs(3_600), Duration::from_secs(86_400))),
            }),
            readings: [1_000_000, 2_000, 0],
            facts: 5_000,
            worlds: 1_204,
            world_bytes: 9_000,
            runs: 3,
            gaps: vec![],
        };
        let said: Vec<String> = rows(&info).into_iter().map(|(name, text)| format!("{name}: {text}")).collect();
        assert_eq!(
            said,
            [
                "Reaches: 2026-11-23 03:12:44 to 2026-11-24 05:12:44 UTC, 1 d 01 h",
                "Takes: 51.2 MB of 1.07 GB; the file is 73.8 MB long",
                "Goes: what is older than 31 d, and the oldest where room runs out",
                "Readings: 1.00 MB as heard, 2.00 kB by the minute, 0 B by ten minutes",
                "Thinned: readings after 1 h, and again after 1 d; XIDs and changes never",
                "Facts: 5.00 kB",
                "Worlds: 1,204, 9.00 kB",
                "Runs: 3",
            ]
        );
        let read = RecordInfo { bounds: None, span: None, ..info };
        assert_eq!(rows(&read)[0].1, "nothing yet");
        assert!(rows(&read).iter().all(|(name, _)| *name != "Thinned"));
    }

    #[test]
    fn gaps_are_said_with_their_reason_the_last_ones_first() {
        assert_eq!(gaps(&[]), ["nothing"]);
        let gap = |hour: u32| Gap {
            since: Some(stamp(&format!("2026-11-24T{hour:02}:00:00Z"))),
            until: Some(stamp(&format!("2026-11-24T{hour:02}:30:00Z"))),
            why: Missing::NotRunning,
            detail: String::new(),
        };
        let said = gaps(&(0..7).map(gap).collect::<Vec<_>>());
        assert_eq!(said[0], "2026-11-24 06:00:00 to 2026-11-24 06:30:00: Pilothouse was not running.");
        assert_eq!((said.len(), said[5].as_str()), (6, "and 2 before"));
    }

    #[test]
    fn a_bar_is_never_empty_nor_over_full() {
        assert_eq!([per_cent(0, 100), per_cent(50, 100), per_cent(u64::MAX, 100), per_cent(1, 0)], [1, 50, 100, 100]);
    }
}
