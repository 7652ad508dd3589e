//! The funnel at the head: total, healthy, held, free, wanted; each with what is lost on the way, and why.

use super::{
    Fleet,
    silhouette::{HEIGHT, Shares},
};
use crate::{parts::size::use_size, state::use_state};
use leptos::{html::Div, prelude::*};
use pilothouse_wire::{
    ConnectionId,
    frame::SourceState,
    units::{count, share, visible},
    view::FleetSummary,
};

/// One column as words.
#[derive(Clone, Debug, Default, PartialEq)]
struct Column {
    label: &'static str,
    figure: String,
    share: Option<String>,
    lost: Option<String>,
    why: String,
    /// What a click shows: a table and its filter.
    shows: (&'static str, &'static str),
}

/// Draws the funnel.
#[component]
pub fn Funnel() -> impl IntoView {
    let fleet: Fleet = expect_context();
    let node = NodeRef::<Div>::new();
    let size = use_size(node);
    let summary = Memo::new(move |_| {
        let summary = fleet.view.fleet(|fleet| fleet.summary.clone()).unwrap_or_default();
        FleetSummary { partial: fleet.partial.get(), ..summary }
    });
    let clusters = Memo::new(move |_| fleet.view.fleet(|fleet| fleet.clusters.len()).unwrap_or_default());
    let columns = Memo::new(move |_| {
        summary.with(|summary| fleet.sources.with(|sources| columns(summary, clusters.get(), sources)))
    });
    let paths = Memo::new(move |_| {
        let shares = summary.with(|s| Shares::of(s.gpus, s.gpus_healthy, s.gpus_held, s.gpus_free, s.gpus_wanted));
        shares.paths(size.get().width, size.get().height)
    });
    let base = move || size.get().height - HEIGHT;
    view! {
        <div class="funnel" node_ref=node data-test="funnel" role="group" aria-label="From all GPUs to those that are free">
            <svg class="funnel-silhouette" aria-hidden="true">
                <defs>
                    <pattern id="funnel-lost" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                        <rect width="2" height="6" class="funnel-stripe" />
                    </pattern>
                </defs>
                <rect class="funnel-lost" x="0" y=base width=move || size.get().width * 0.6 height=HEIGHT />
                <path class="funnel-body" d=move || paths.with(|paths| paths.body.clone()) />
                <path class="funnel-edge" d=move || paths.with(|paths| paths.edge.clone()) />
                <path class="funnel-free" d=move || paths.with(|paths| paths.free.clone()) />
                <path class="funnel-wanted" d=move || paths.with(|paths| paths.wanted.clone()) />
            </svg>
            {(0..5).map(|at| view! { <One columns=columns at=at /> }).collect_view()}
        </div>
    }
}

#[component]
fn One(columns: Memo<Vec<Column>>, at: usize) -> impl IntoView {
    let state = use_state();
    let read = move |read: fn(&Column) -> String| columns.with(|columns| columns.get(at).map(read).unwrap_or_default());
    let show = move |_| {
        let (tab, filter) =
            columns.with_untracked(|columns| columns.get(at).map(|column| column.shows).unwrap_or_default());
        state.set_tab(tab);
        state.set_filter(filter);
    };
    view! {
        <button type="button" class="funnel-column" on:click=show title="Show these in the table">
            <span class="soft">{move || read(|column| column.label.to_owned())}</span>
            <span class="funnel-figure">
                <span class="figure">{move || read(|column| column.figure.clone())}</span>
                <span class="soft">{move || read(|column| column.share.clone().unwrap_or_default())}</span>
            </span>
            <span class="small faint clip" title=move || read(|column| column.why.clone())>
                <span class="funnel-minus">{move || read(|column| column.lost.clone().unwrap_or_default())}</span>
                {move || read(|column| column.why.clone())}
            </span>
        </button>
    }
}

/// The five columns. All figures are bounds while a part of them is not fresh or not whole.
fn columns(s: &FleetSummary, clusters: usize, sources: &[SourceState]) -> Vec<Column> {
    let bound = |n: u64| if s.partial.is_empty() { count(n) } else { format!("≥ {}", count(n)) };
    let lost = |n: u64| (n > 0).then(|| format!("−{}", count(n)));
    let of_total = |n: u64| (s.gpus > 0).then(|| share(n, s.gpus));
    let idle = s.gpus_healthy.saturating_sub(s.gpus_held);
    let on_cordoned = idle.saturating_sub(s.gpus_free);
    vec![
        Column {
            label: "Total",
            figure: bound(s.gpus),
            why: total_words(&s.partial, clusters, sources),
            shows: ("gpus", ""),
            ..Column::default()
        },
        Column {
            label: "Healthy",
            figure: bound(s.gpus_healthy),
            share: of_total(s.gpus_healthy),
            lost: lost(s.gpus.saturating_sub(s.gpus_healthy)),
            why: reasons(&[(s.gpus_lost, "lost")], "none lost"),
            shows: ("nodes", "status!=ok"),
        },
        Column {
            label: "Held",
            figure: bound(s.gpus_held),
            share: of_total(s.gpus_held),
            lost: lost(idle),
            why: reasons(&[(s.gpus_free, "free"), (on_cordoned, "cordoned")], "none idle"),
            shows: ("pods", "gpus>0"),
        },
        Column {
            label: "Free",
            figure: bound(s.gpus_free),
            share: of_total(s.gpus_free),
            lost: None,
            why: "a new pod can get them".into(),
            shows: ("gpus", "state=free status!=cordoned*"),
        },
        Column {
            label: "Wanted by pending pods",
            figure: bound(s.gpus_wanted),
            share: None,
            lost: None,
            why: pending_words(s),
            shows: ("pods", "status=pending"),
        },
    ]
}

fn pending_words(s: &FleetSummary) -> String {
    match s.pods_pending {
        0 => "no pod waits for a node".into(),
        1 => "1 pod waits for a node".into(),
        n => format!("{} pods wait for a node", count(n)),
    }
}

fn reasons(parts: &[(u64, &str)], none: &str) -> String {
    let words: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", count(*n))).collect();
    if words.is_empty() { none.to_owned() } else { words.join(", ") }
}

/// "GPUs in 3 clusters", and what makes it a bound.
fn total_words(partial: &[ConnectionId], clusters: usize, sources: &[SourceState]) -> String {
    let clusters_words = if clusters == 1 { "1 cluster".to_owned() } else { format!("{clusters} clusters") };
    let of = |id: &ConnectionId| {
        let source = sources.iter().find(|source| source.id == *id);
        let (name, word) = source.map_or((id.as_str(), "partial"), |source| (&source.name, source.freshness.word()));
        // A fresh source whose part is not whole has no word of its own.
        format!("{} {}", visible(name), if word == "live" || word == "slow" { "partial" } else { word })
    };
    match partial {
        [] => format!("GPUs in {clusters_words}"),
        [one] => format!("in {clusters_words}, {}", of(one)),
        [first, rest @ ..] => format!("in {clusters_words}, {} and {} more", of(first), rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> FleetSummary {
        FleetSummary {
            gpus: 4_096,
            gpus_healthy: 4_088,
            gpus_held: 3_612,
            gpus_free: 404,
            gpus_lost: 8,
            pods_pending: 7,
            gpus_wanted: 56,
            ..FleetSummary::default()
        }
    }

    fn words(summary: &FleetSummary) -> Vec<String> {
        let word = |c: Column| format!("{} {} {}", c.figure, c.lost.unwrap_or_default(), c.why);
        columns(summary, 3, &[]).into_iter().map(word).collect()
    }

    #[test]
    fn each_column_says_what_is_lost_and_why() {
        assert_eq!(
            words(&summary()),
            [
                "4,096  GPUs in 3 clusters",
                "4,088 −8 8 lost",
                "3,612 −476 404 free, 72 cordoned",
                "404  a new pod can get them",
                "56  7 pods wait for a node",
            ]
        );
    }

    #[test]
    fn sums_that_hold_a_stale_part_say_so() {
        let mut summary = summary();
        summary.partial = vec![ConnectionId::slug("ord-prod")];
        let words = words(&summary);
        assert_eq!(words[0], "≥ 4,096  in 3 clusters, ord-prod partial");
        assert!(words[1..].iter().all(|word| word.starts_with("≥ ")), "{words:?}");
    }

    #[test]
    fn nothing_lost_is_said_and_not_left_out() {
        let words = words(&FleetSummary { gpus: 8, gpus_healthy: 8, gpus_held: 8, ..FleetSummary::default() });
        assert_eq!(&words[1..3], ["8  none lost", "8  none idle"]);
    }
}
