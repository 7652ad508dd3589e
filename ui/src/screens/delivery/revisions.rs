//! Revisions side by side: what each is, its share, its pods, restarts, GPUs and images, and what its serving engines say;
//! what differs stands out.

use super::rollout::part;
use crate::{mirror::Watched, parts::{age::Age, mark::StatusWord}, state::use_state};
use leptos::prelude::*;
use pilothouse_wire::{
    ObjectRef, ServingMetric,
    units::{self, count, visible},
    view::delivery::{PodOf, RevisionRow, Split},
};

/// The most revisions side by side; the others are counted.
const SIDE_BY_SIDE: usize = 4;

/// Draws the revisions.
#[component]
pub fn Revisions(view: Watched) -> impl IntoView {
    let all = part(view, |rollout| (rollout.revisions.clone(), rollout.revisions_left_out, rollout.row.traffic));
    view! {
        <section class="card table-card" data-test="revisions" aria-label="Revisions">
            {move || {
                let (rows, left_out, split) = all.get();
                let older = rows.len().saturating_sub(SIDE_BY_SIDE) + left_out as usize;
                let shown: Vec<RevisionRow> = rows.into_iter().take(SIDE_BY_SIDE).collect();
                view! {
                    <table class="plain-table revisions">{table(&shown, split)}</table>
                    {(older > 0).then(|| view! { <p class="small faint revisions-older">{format!("and {} older", count(older as u64))}</p> })}
                }
            }}
        </section>
    }
}

/// A line of the table: its label, and a text a revision.
fn lines(rows: &[RevisionRow], split: Split) -> Vec<(&'static str, Vec<String>, bool)> {
    let each = |read: &dyn Fn(&RevisionRow) -> String| rows.iter().map(read).collect::<Vec<_>>();
    let some = |n: Option<u64>| n.map_or_else(|| units::ABSENT.to_owned(), count);
    let images = |row: &RevisionRow| row.images.iter().map(|(_, image)| image.as_str()).collect::<Vec<_>>().join(" ");
    vec![
        ("Image", each(&images), true),
        ("Traffic wanted", each(&|row| split.words(row.weight_wanted)), false),
        ("Traffic answered", each(&|row| split.words(row.weight_actual)), false),
        ("Pods ready", each(&|row| format!("{} of {}", some(row.ready), some(row.wanted))), false),
        ("GPUs", each(&|row| count(row.gpus)), false),
        ("Restarts", each(&|row| count(row.restarts.into())), false),
    ]
    .into_iter()
    .chain(measured(rows))
    .collect()
}

/// What the engines say: a line for each metric that one of them has. One that is silent says so beside its name.
fn measured(rows: &[RevisionRow]) -> Vec<(&'static str, Vec<String>, bool)> {
    let engines = |row: &RevisionRow| match &row.serving {
        None => units::ABSENT.to_owned(),
        Some(serving) if serving.silent > 0 => format!("{}, {} silent", serving.names(), count(serving.silent.into())),
        Some(serving) => serving.names(),
    };
    let read = |row: &RevisionRow, metric: ServingMetric| {
        row.serving.as_ref().map_or_else(|| units::ABSENT.to_owned(), |serving| metric.words(serving.read(metric)))
    };
    let is_told = |metric: &&ServingMetric| {
        rows.iter().filter_map(|row| row.serving.as_ref()).any(|serving| !serving.read(**metric).is_absent())
    };
    let metrics = ServingMetric::ALL.iter().filter(is_told).map(|metric| {
        (metric.label(), rows.iter().map(|row| read(row, *metric)).collect::<Vec<_>>(), false)
    });
    let any = rows.iter().any(|row| row.serving.is_some());
    any.then(|| ("Engine", rows.iter().map(engines).collect(), false)).into_iter().chain(metrics).collect()
}

fn table(rows: &[RevisionRow], split: Split) -> impl IntoView + use<> {
    let heads = rows.iter().map(|row| {
        view! {
            <th data-test="revision">
                <span class="strong">{format!("Revision {}", row.number)}</span> " "
                <span class="tag">{row.role.word()}</span>
            </th>
        }
    });
    let body = lines(rows, split).into_iter().map(|(label, values, mono)| {
        // What differs from the revision beside it stands out.
        let first = values.first().cloned();
        let cells = values.into_iter().map(move |value| {
            let differs = first.as_ref().is_some_and(|first| *first != value);
            let class = if mono { "mono clip" } else { "clip" };
            view! { <td class=class class:differs=differs dir="auto" title=visible(&value)>{visible(&value)}</td> }
        });
        view! { <tr><th scope="row" class="soft">{label}</th>{cells.collect_view()}</tr> }
    });
    let ages = rows.iter().map(|row| {
        let created = row.created;
        view! { <td><Age of=Signal::stored(created) /></td> }
    });
    let measured = rows.iter().any(|row| row.serving.is_some()).then(|| {
        let ages = rows.iter().map(|row| {
            let at = row.serving.as_ref().and_then(|serving| serving.at);
            view! { <td><Age of=Signal::stored(at) /></td> }
        });
        view! { <tr data-test="revisions-measured"><th scope="row" class="soft">"Measured"</th>{ages.collect_view()}</tr> }
    });
    let pods = rows.iter().map(|row| pods(&row.pods, row.pods_left_out));
    view! {
        <thead><tr><th></th>{heads.collect_view()}</tr></thead>
        <tbody>
            {body.collect_view()}
            {measured}
            <tr><th scope="row" class="soft">"Age"</th>{ages.collect_view()}</tr>
            <tr class="revision-pods"><th scope="row" class="soft">"Pods"</th>{pods.collect_view()}</tr>
        </tbody>
    }
}

/// Its pods, by which one gets to them on the map.
fn pods(pods: &[PodOf], left_out: u32) -> impl IntoView + use<> {
    let state = use_state();
    let one = move |pod: &PodOf| {
        let object = ObjectRef::Pod(pod.id.clone());
        let words = format!("{}, {} GPUs, {} restarts", pod.status_word, pod.gpus, pod.restarts);
        view! {
            <li>
                <StatusWord status=Signal::stored(pod.status) word=Signal::stored(String::new()) />
                <button type="button" class="link clip" dir="auto" title=visible(&words) on:click=move |_| state.show(object.clone())>
                    {visible(&pod.id.name)}
                </button>
            </li>
        }
    };
    view! {
        <td>
            <ul class="pods-of">
                {pods.iter().map(one).collect_view()}
                {(left_out > 0).then(|| view! { <li class="faint small">{format!("and {} more", count(left_out.into()))}</li> })}
            </ul>
        </td>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ConnectionId, Reading, ServingEngine, view::{ServingRow, delivery::Role}};

    #[test]
    fn what_nobody_says_is_absent() {
        let row = RevisionRow {
            number: 1,
            name: "chat-1".into(),
            hash: None,
            role: Role::Old,
            created: None,
            images: Vec::new(),
            wanted: None,
            ready: None,
            available: None,
            weight_wanted: None,
            weight_actual: Some(25),
            gpus: 0,
            restarts: 0,
            pods: Vec::new(),
            pods_left_out: 0,
            goes_at: None,
            serving: None,
        };
        let split = Split { wanted: None, actual: None, whole: 100 };
        let lines = lines(&[row], split);
        let values: Vec<&str> = lines.iter().map(|(_, values, _)| values[0].as_str()).collect();
        assert_eq!(values, ["", "—", "25 %", "— of —", "0", "0"]);
    }

    #[test]
    fn what_engines_say_stands_side_by_side_and_absent_is_not_0() {
        let row = |number, serving| RevisionRow {
            number,
            name: "chat".into(),
            hash: None,
            role: Role::Canary,
            created: None,
            images: Vec::new(),
            wanted: None,
            ready: None,
            available: None,
            weight_wanted: None,
            weight_actual: None,
            gpus: 0,
            restarts: 0,
            pods: Vec::new(),
            pods_left_out: 0,
            goes_at: None,
            serving,
        };
        let said = ServingRow {
            id: ObjectRef::Connection(ConnectionId::slug("a")),
            source: ConnectionId::slug("prom"),
            engines: vec![ServingEngine::Vllm],
            models: Vec::new(),
            pods: 2,
            silent: 1,
            at: None,
            patience_ms: 1,
            readings: vec![(ServingMetric::FirstTokenP99, Reading::of(1.5))],
        };
        let lines = measured(&[row(2, Some(said)), row(1, None)]);
        let lines: Vec<(&str, [&str; 2])> =
            lines.iter().map(|(label, values, _)| (*label, [values[0].as_str(), values[1].as_str()])).collect();
        assert_eq!(lines, [("Engine", ["vLLM, 1 silent", "—"]), ("TTFT, p99", ["1.5 s", "—"])]);
        assert!(measured(&[row(1, None)]).is_empty());
    }
}
