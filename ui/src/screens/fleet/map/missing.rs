//! What is not measured, source by source: each metric with why, and the line of the exporter's settings that would give
//! it. A map or a column that is empty is explained here.

use crate::{
    mirror::Part,
    once::CollectAny,
    parts::{
        button::{CopyButton, IconButton},
        dialog::Dialog,
        icon::Icon,
        show::Show,
    },
    screens::fleet::Fleet,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ConnectionId,
    frame::SourceState,
    units::{count, visible, visible_lines},
    view::Missing,
};
use std::collections::{BTreeMap, BTreeSet};

/// What one source does not measure.
#[derive(Clone, Debug, PartialEq)]
struct Source {
    name: String,
    rows: Vec<Row>,
}

/// A metric that it does not measure.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    metric: &'static str,
    why: String,
    /// What is to be done, in words, if something can be.
    next: Option<String>,
    /// Lines to be copied, if there are any.
    lines: Option<String>,
}

/// The button that opens the list; nothing where nothing is missing.
#[component]
pub fn MissingButton() -> impl IntoView {
    let fleet: Fleet = expect_context();
    let open = RwSignal::new(false);
    let missing = Memo::new(move |_| {
        fleet.view.fleet_by(&[Part::Telemetry], |view| view.telemetry.missing.clone()).unwrap_or_default()
    });
    let label = move || missing.with(|missing| words(missing));
    view! {
        {move || label().map(|label| view! {
            <button
                type="button"
                class="link small"
                data-test="missing"
                aria-haspopup="dialog"
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.set(true)
            >
                {label}
            </button>
        })}
        <Show when=move || open.get()>
            <Dialog label="What is not measured" test="missing-list" on_close=move || open.set(false)>
                <header class="dialog-head">
                    <h2 class="title">"What is not measured"</h2>
                    <span class="fill"></span>
                    <IconButton icon=Icon::Close label="Close" on_press=move || open.set(false) />
                </header>
                <div class="dialog-body">
                    {move || {
                        let sources = fleet.sources.with(|sources| {
                            missing.with(|missing| by_source(missing, |id| name(sources, id)))
                        });
                        sources.into_iter().map(section).collect_any()
                    }}
                </div>
            </Dialog>
        </Show>
    }
}

fn name(sources: &[SourceState], id: &ConnectionId) -> String {
    sources.iter().find(|source| source.id == *id).map_or_else(|| id.to_string(), |source| source.name.clone())
}

/// How many metrics are missing somewhere, in words.
fn words(missing: &[Missing]) -> Option<String> {
    let metrics: BTreeSet<_> = missing.iter().map(|missing| missing.metric).collect();
    match metrics.len() {
        0 => None,
        1 => Some("1 metric not measured".into()),
        n => Some(format!("{} metrics not measured", count(n as u64))),
    }
}

fn by_source(missing: &[Missing], name: impl Fn(&ConnectionId) -> String) -> Vec<Source> {
    let mut sources: BTreeMap<&ConnectionId, Vec<Row>> = BTreeMap::new();
    for missing in missing {
        let (next, lines) = match missing.next.as_deref().map(|next| next.split_once('\n')) {
            // A sentence, or a heading with lines below it.
            Some(Some((next, lines))) => (Some(next.to_owned()), Some(lines.to_owned())),
            Some(None) => (None, missing.next.clone()),
            None => (None, None),
        };
        let row = Row { metric: missing.metric.label(), why: missing.why.clone(), next, lines };
        sources.entry(&missing.source).or_default().push(row);
    }
    sources.into_iter().map(|(id, rows)| Source { name: name(id), rows }).collect()
}

/// All lines of a source, each once: what one pastes into the exporter's settings.
fn all_lines(source: &Source) -> Option<String> {
    let mut lines: Vec<&str> = Vec::new();
    for line in source.rows.iter().filter_map(|row| row.lines.as_deref()).flat_map(str::lines) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    (lines.len() > 1).then(|| lines.join("\n"))
}

fn section(source: Source) -> impl IntoView {
    let all = all_lines(&source).map(|lines| view! { <CopyButton label="Copy all lines" text=lines /> });
    let rows = source.rows.into_iter().map(|row| {
        let lines = row.lines.map(|lines| {
            let shown = visible_lines(&lines);
            view! {
                <div class="missing-lines">
                    <pre class="mono" dir="auto">{shown}</pre>
                    <CopyButton label="Copy" text=lines />
                </div>
            }
        });
        view! {
            <li data-test="missing-metric">
                <p><b>{row.metric}</b> " " <span class="soft" dir="auto">{visible(&row.why)}</span></p>
                {row.next.map(|next| view! { <p class="small faint" dir="auto">{visible(&next)}</p> })}
                {lines}
            </li>
        }
    });
    let rows = rows.collect_any();
    view! {
        <section class="missing-source">
            <header><h3 dir="auto">{visible(&source.name)}</h3><span class="fill"></span>{all}</header>
            <ul>{rows}</ul>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::Metric;

    fn missing(source: &str, metric: Metric, next: Option<&str>) -> Missing {
        Missing {
            source: ConnectionId::slug(source),
            metric,
            why: "It is left out.".into(),
            next: next.map(str::to_owned),
        }
    }

    #[test]
    fn each_source_says_what_it_lacks_and_gives_its_lines_once() {
        let all = [
            missing("b", Metric::Nvlink, None),
            missing("a", Metric::SmActive, Some("Add to the counters:\nSM, gauge\nTWO, gauge")),
            missing("a", Metric::MemoryClock, Some("Add to the counters:\nTWO, gauge")),
            missing("b", Metric::MemoryClock, Some("CLOCK, gauge")),
        ];
        assert_eq!(words(&all).as_deref(), Some("3 metrics not measured"));
        let sources = by_source(&all, |id| id.as_str().to_uppercase());
        let names: Vec<_> = sources.iter().map(|source| (source.name.as_str(), source.rows.len())).collect();
        assert_eq!(names, [("A", 2), ("B", 2)]);
        assert_eq!(all_lines(&sources[0]).as_deref(), Some("SM, gauge\nTWO, gauge"));
        assert_eq!(sources[0].rows[1].next.as_deref(), Some("Add to the counters:"));
        // One line has its own button.
        assert_eq!(all_lines(&sources[1]), None);
        assert_eq!((&sources[1].rows[1].next, sources[1].rows[1].lines.as_deref()), (&None, Some("CLOCK, gauge")));
    }

    #[test]
    fn where_nothing_is_missing_nothing_is_said() {
        assert_eq!(words(&[]), None);
        assert_eq!(words(&[missing("a", Metric::Power, None)]).as_deref(), Some("1 metric not measured"));
    }
}
