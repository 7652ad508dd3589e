//! The funnel at the head: from all GPUs to those that do useful maths, each step with what is lost on the way, and why.
//! Where nobody measures the GPUs: total, healthy, held, free, wanted.

use super::{
    Fleet,
    silhouette::{HEIGHT, Shares, chain},
};
use crate::{once::CollectAny, parts::size::use_size, state::use_state};
use leptos::{html::Div, prelude::*};
use pilothouse_wire::{
    ConnectionId, Sum,
    frame::SourceState,
    units::{count, share_of, sum, visible},
    view::{self as wire, FleetSummary, FleetView},
};

/// One column as words.
#[derive(Clone, Debug, Default, PartialEq)]
struct Column {
    label: &'static str,
    figure: String,
    share: Option<String>,
    lost: Option<String>,
    why: String,
    /// What it means, and what a click does.
    about: String,
    /// What a click shows: a table and its filter.
    shows: (&'static str, String),
}

/// Draws the funnel.
#[component]
pub fn Funnel() -> impl IntoView {
    let fleet: Fleet = expect_context();
    let node = NodeRef::<Div>::new();
    let size = use_size(node);
    let summary = Memo::new(move |_| fleet.view.fleet(|fleet| fleet.summary.clone()).unwrap_or_default());
    let clusters = Memo::new(move |_| fleet.view.fleet(|fleet| fleet.clusters.len()).unwrap_or_default());
    let measured = Memo::new(move |_| {
        let steps = |view: &FleetView| (!view.telemetry.columns.is_empty()).then(|| view.funnel.clone());
        fleet.view.fleet(steps).flatten().filter(|funnel| funnel.steps.len() == 5)
    });
    let columns = Memo::new(move |_| {
        summary.with(|summary| {
            fleet.sources.with(|sources| {
                let total = total_words(&summary.partial, clusters.get(), sources);
                measured.with(|funnel| match funnel {
                    Some(funnel) => steps(funnel, total),
                    None => columns(summary, clusters.get(), sources),
                })
            })
        })
    });
    let paths = Memo::new(move |_| {
        let (width, height) = (size.get().width, size.get().height);
        if let Some(funnel) = measured.get() {
            let sure: Vec<u64> = funnel.steps.iter().map(|step| step.gpus.sure()).collect();
            return chain(sure.try_into().unwrap_or_default(), width, height);
        }
        // Drawn is what is sure: an upper bound has no height.
        let sure = |s: &FleetSummary| [s.gpus, s.gpus_healthy, s.gpus_held, s.gpus_free, s.gpus_wanted].map(Sum::sure);
        let shares = summary.with(|s| Shares::of(sure(s)));
        shares.paths(width, height)
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
                <rect
                    class="funnel-lost"
                    x="0"
                    y=move || base()
                    width=move || size.get().width * if measured.with(Option::is_some) { 1.0 } else { 0.6 }
                    height=HEIGHT
                />
                <path class="funnel-body" d=move || paths.with(|paths| paths.body.clone()) />
                <path class="funnel-edge" d=move || paths.with(|paths| paths.edge.clone()) />
                <path class=move || if measured.with(Option::is_some) { "funnel-useful" } else { "funnel-free" } d=move || paths.with(|paths| paths.free.clone()) />
                <path class="funnel-wanted" d=move || paths.with(|paths| paths.wanted.clone()) />
            </svg>
            {(0..5).map(|at| view! { <One columns=columns at=at /> }).collect_any()}
        </div>
    }
}

#[component]
fn One(columns: Memo<Vec<Column>>, at: usize) -> impl IntoView {
    let state = use_state();
    let read = move |read: fn(&Column) -> String| columns.with(|columns| columns.get(at).map(read).unwrap_or_default());
    let show = move |_| {
        let (tab, filter) =
            columns.with_untracked(|columns| columns.get(at).map(|column| column.shows.clone()).unwrap_or_default());
        state.set_tab(tab);
        state.set_filter(&filter);
    };
    view! {
        <button type="button" class="funnel-column" on:click=show title=move || read(|column| column.about.clone())>
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

/// The columns of a fleet that is measured: a click shows the GPUs that are lost at the step.
fn steps(funnel: &wire::Funnel, total: String) -> Vec<Column> {
    let whole = funnel.steps.first().map(|step| step.gpus).unwrap_or_default();
    let mut before: Option<Sum> = None;
    let column = |step: &wire::FunnelStep| {
        let lost: u64 = step.losses.iter().map(|loss| loss.gpus).sum();
        let was = before.replace(step.gpus);
        let losses: Vec<String> =
            step.losses.iter().map(|loss| format!("{} {}", count(loss.gpus), loss.reason)).collect();
        let why = match (was, losses.is_empty()) {
            (None, _) => total.clone(),
            (Some(_), true) => "none lost".into(),
            (Some(_), false) => losses.join(", "),
        };
        Column {
            label: match step.kind {
                wire::FunnelKind::Useful => "Doing useful maths",
                kind => kind.word(),
            },
            figure: sum(step.gpus),
            share: was.and_then(|_| share_of(step.gpus, whole)),
            lost: was.and_then(|_| (lost > 0).then(|| format!("−{}", count(lost)))),
            about: format!("{} A click shows the GPUs that are lost here.", step.definition),
            why,
            shows: ("gpus", step.kind.lost().unwrap_or_default()),
        }
    };
    funnel.steps.iter().map(column).collect()
}

/// The five columns where nobody measures. Each figure says itself whether it is a bound; what is lost on the way is said where it is known.
fn columns(s: &FleetSummary, clusters: usize, sources: &[SourceState]) -> Vec<Column> {
    let lost = |n: u64| (n > 0).then(|| format!("−{}", count(n)));
    let less = |from: Sum, n: Sum| Some(from.exact()?.saturating_sub(n.exact()?));
    let idle = less(s.gpus_healthy, s.gpus_held);
    vec![
        Column {
            label: "Total",
            figure: sum(s.gpus),
            why: total_words(&s.partial, clusters, sources),
            shows: ("gpus", String::new()),
            ..Column::default()
        },
        Column {
            label: "Healthy",
            figure: sum(s.gpus_healthy),
            share: share_of(s.gpus_healthy, s.gpus),
            lost: lost(s.gpus_lost.sure()),
            why: match s.gpus_lost {
                Sum::Exact(0) => "none lost".into(),
                lost => format!("{} lost", sum(lost)),
            },
            shows: ("nodes", "status!=ok".into()),
            ..Column::default()
        },
        Column {
            label: "Held",
            figure: sum(s.gpus_held),
            share: share_of(s.gpus_held, s.gpus),
            lost: idle.and_then(lost),
            why: match (idle, s.gpus_free.exact()) {
                (Some(idle), Some(free)) => idle_words(free, idle.saturating_sub(free)),
                _ => format!("{} free", sum(s.gpus_free)),
            },
            shows: ("pods", "gpus>0".into()),
            ..Column::default()
        },
        Column {
            label: "Free",
            figure: sum(s.gpus_free),
            share: share_of(s.gpus_free, s.gpus),
            lost: None,
            why: match s.gpus_free {
                Sum::Exact(_) | Sum::AtLeast(_) => "a new pod can get them",
                Sum::AtMost(_) => "fewer if pods that are not seen hold some",
                Sum::NotKnown => "who holds the GPUs is not known",
            }
            .into(),
            shows: ("gpus", "state=free status!=cordoned*".into()),
            ..Column::default()
        },
        Column {
            label: "Wanted by pending pods",
            figure: sum(s.gpus_wanted),
            share: None,
            lost: None,
            why: pending_words(s.pods_pending),
            shows: ("pods", "status=pending".into()),
            ..Column::default()
        },
    ]
}

fn pending_words(pending: Sum) -> String {
    match pending {
        Sum::Exact(0) => "no pod waits for a node".into(),
        Sum::Exact(1) => "1 pod waits for a node".into(),
        Sum::NotKnown => "how many pods wait is not known".into(),
        n => format!("{} pods wait for a node", sum(n)),
    }
}

fn idle_words(free: u64, cordoned: u64) -> String {
    let parts = [(free, "free"), (cordoned, "cordoned")];
    let words: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", count(*n))).collect();
    if words.is_empty() { "none idle".to_owned() } else { words.join(", ") }
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
            gpus: Sum::Exact(4_096),
            gpus_healthy: Sum::Exact(4_088),
            gpus_held: Sum::Exact(3_612),
            gpus_free: Sum::Exact(404),
            gpus_lost: Sum::Exact(8),
            pods_pending: Sum::Exact(7),
            gpus_wanted: Sum::Exact(56),
            ..FleetSummary::default()
        }
    }

    fn words(summary: &FleetSummary) -> Vec<String> {
        let word = |c: Column| format!("{} {} {}", c.figure, c.lost.unwrap_or_default(), c.why);
        columns(summary, 3, &[]).into_iter().map(word).collect()
    }

    #[test]
    fn a_measured_fleet_says_what_is_lost_at_each_step_and_which_gpus_these_are() {
        use wire::{FunnelKind, FunnelStep, Loss, Status};
        let step = |kind, gpus, losses: &[(u64, &str)]| FunnelStep {
            kind,
            definition: "It exists.".into(),
            gpus,
            losses: losses
                .iter()
                .map(|(gpus, reason)| Loss { reason: (*reason).into(), gpus: *gpus, status: Status::Warn })
                .collect(),
        };
        let funnel = wire::Funnel {
            steps: vec![
                step(FunnelKind::Total, Sum::Exact(100), &[]),
                step(FunnelKind::Healthy, Sum::Exact(99), &[(1, "node not ready")]),
                step(FunnelKind::Active, Sum::AtLeast(60), &[(30, "held, and does nothing"), (9, "not known")]),
            ],
        };
        let said = steps(&funnel, "GPUs in 1 cluster".into());
        let words = |c: &Column| [c.figure.clone(), c.share.clone().unwrap_or_default(), c.why.clone()].join(" | ");
        assert_eq!(
            said.iter().map(words).collect::<Vec<_>>(),
            [
                "100 |  | GPUs in 1 cluster",
                "99 | 99.0 % | 1 node not ready",
                "≥ 60 |  | 30 held, and does nothing, 9 not known"
            ]
        );
        assert_eq!(said[2].lost.as_deref(), Some("−39"));
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
        (summary.gpus, summary.gpus_healthy) = (Sum::AtLeast(4_096), Sum::AtLeast(4_088));
        (summary.gpus_held, summary.gpus_free) = (Sum::AtLeast(3_612), Sum::AtMost(404));
        assert_eq!(
            words(&summary)[..4],
            [
                "≥ 4,096  in 3 clusters, ord-prod partial",
                "≥ 4,088 −8 8 lost",
                "≥ 3,612  ≤ 404 free",
                "≤ 404  fewer if pods that are not seen hold some",
            ]
        );
        assert!(columns(&summary, 3, &[]).iter().all(|column| column.share.is_none()));
    }

    #[test]
    fn what_nobody_read_is_neither_free_nor_0() {
        let (gpus, healthy, lost) = (Sum::Exact(8), Sum::Exact(8), Sum::Exact(0));
        let nodes = FleetSummary { gpus, gpus_healthy: healthy, gpus_lost: lost, ..FleetSummary::default() };
        assert_eq!(
            words(&nodes)[1..],
            ["8  none lost", "—  — free", "—  who holds the GPUs is not known", "—  how many pods wait is not known"]
        );
        assert_eq!(words(&FleetSummary::default())[0], "—  GPUs in 3 clusters");
    }

    #[test]
    fn nothing_lost_is_said_and_not_left_out() {
        let (all, none) = (Sum::Exact(8), Sum::Exact(0));
        let (gpus, gpus_healthy, gpus_held) = (all, all, all);
        let summary =
            FleetSummary { gpus, gpus_healthy, gpus_held, gpus_free: none, gpus_lost: none, ..FleetSummary::default() };
        assert_eq!(&words(&summary)[1..3], ["8  none lost", "8  none idle"]);
    }
}
