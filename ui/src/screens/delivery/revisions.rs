//! Revisions side by side: what each is, its share, its pods, restarts, GPUs and images, and what its serving engines say;
//! what differs stands out.

use super::rollout::part;
use crate::{
    mirror::Watched,
    once::CollectAny,
    parts::{age::Age, button::Button, mark::StatusWord, show::Show},
    shell::plan::{deeds, use_acts_on, use_plan},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ObjectRef, ServingMetric,
    plan::{Deed, Intent},
    units::{self, count, middle, visible},
    view::delivery::{PodOf, RevisionRow, Split},
};

/// The most revisions side by side; the others are counted.
const SIDE_BY_SIDE: usize = 4;
/// The letters of images that all of them have room for.
const IMAGES: usize = 80;

/// Draws the revisions.
#[component]
pub fn Revisions(view: Watched, object: ObjectRef) -> impl IntoView {
    let (acts, door) = (use_acts_on(&object), use_plan());
    let goes_back = deeds(&object).iter().any(|(.., deed)| *deed == Deed::Undo(None));
    let may = Signal::derive(move || goes_back && acts.get());
    let object = StoredValue::new(object);
    let back = Back {
        may,
        go: Callback::new(move |revision| {
            door.open(Intent { object: object.get_value(), deed: Deed::Undo(Some(revision)) });
        }),
    };
    let all = part(view, |rollout| (rollout.revisions.clone(), rollout.revisions_left_out, rollout.row.traffic));
    view! {
        <section class="card table-card" data-test="revisions" aria-label="Revisions">
            {move || {
                let (mut rows, left_out, split) = all.get();
                let runs = running(&rows);
                let older = rows.split_off(rows.len().min(SIDE_BY_SIDE));
                view! {
                    <table class="plain-table revisions">{table(&rows, split, runs, back)}</table>
                    {others(&older, left_out, runs, back)}
                }
            }}
        </section>
    }
}

/// What takes a service back to a revision.
#[derive(Clone, Copy)]
struct Back {
    may: Signal<bool>,
    go: Callback<u64>,
}

impl Back {
    /// The button of a revision; none of the one that runs.
    fn button(self, number: u64, runs: Option<u64>) -> impl IntoView {
        let is_other = runs != Some(number);
        let Self { may, go } = self;
        view! {
            <Show when=move || is_other && may.get()>
                <Button label=format!("Go back to {number}…") on_press=move || go.run(number) test="revision-undo" />
            </Show>
        }
    }
}

/// The number of the revision that is wanted by now: controllers number what they are given anew the highest.
fn running(rows: &[RevisionRow]) -> Option<u64> {
    rows.iter().map(|row| row.number).max()
}

/// Those that do not stand side by side: what they ran, and the way back to each.
fn others(older: &[RevisionRow], left_out: u32, runs: Option<u64>, back: Back) -> impl IntoView + use<> {
    let all = older.len() as u64 + u64::from(left_out);
    let one = |row: &RevisionRow| {
        let images = visible(&images(row));
        let created = row.created;
        view! {
            <li data-test="revision-older">
                <span class="strong">{visible(&row.title())}</span>
                <span class="mono clip" dir="auto" title=images.clone()>{images.clone()}</span>
                <Age of=Signal::stored(created) />
                <span class="fill"></span>
                {back.button(row.number, runs)}
            </li>
        }
    };
    let words = format!("and {} older", count(all));
    match (all, older.is_empty()) {
        (0, _) => ().into_any(),
        (_, true) => view! { <p class="small faint revisions-older">{words}</p> }.into_any(),
        (_, false) => view! {
            <details class="revisions-older" data-test="revisions-older">
                <summary class="small faint">{words}</summary>
                <ul>{older.iter().map(one).collect_any()}</ul>
                {(left_out > 0).then(|| view! { <p class="small faint">{format!("{} of them are not told of here", count(left_out.into()))}</p> })}
            </details>
        }
        .into_any(),
    }
}

fn images(row: &RevisionRow) -> String {
    row.images.iter().map(|(_, image)| image.as_str()).collect::<Vec<_>>().join(" ")
}

/// A line of the table: its label, and a text a revision.
fn lines(rows: &[RevisionRow], split: Split) -> Vec<(&'static str, Vec<String>, bool)> {
    let each = |read: &dyn Fn(&RevisionRow) -> String| rows.iter().map(read).collect::<Vec<_>>();
    let some = |n: Option<u64>| n.map_or_else(|| units::ABSENT.to_owned(), count);
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
    let metrics = ServingMetric::ALL
        .iter()
        .filter(is_told)
        .map(|metric| (metric.label(), rows.iter().map(|row| read(row, *metric)).collect::<Vec<_>>(), false));
    let any = rows.iter().any(|row| row.serving.is_some());
    any.then(|| ("Engine", rows.iter().map(engines).collect(), false)).into_iter().chain(metrics).collect()
}

fn table(rows: &[RevisionRow], split: Split, runs: Option<u64>, back: Back) -> impl IntoView + use<> {
    let heads = rows.iter().map(|row| {
        view! {
            <th data-test="revision">
                <span class="strong">{visible(&row.title())}</span> " "
                <span class="tag">{row.role.word()}</span>
            </th>
        }
    });
    let body = lines(rows, split).into_iter().map(|(label, values, mono)| {
        // What differs from the revision beside it stands out.
        let first = values.first().cloned();
        // What tells an image from another stands at its end.
        let (class, room) = if mono { ("mono clip", IMAGES / values.len().max(1)) } else { ("clip", usize::MAX) };
        let cells = values.into_iter().map(move |value| {
            let differs = first.as_ref().is_some_and(|first| *first != value);
            let whole = visible(&value);
            view! { <td class=class class:differs=differs dir="auto" title=whole.clone()>{middle(&whole, room)}</td> }
        });
        view! { <tr><th scope="row" class="soft">{label}</th>{cells.collect_any()}</tr> }
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
        view! { <tr data-test="revisions-measured"><th scope="row" class="soft">"Measured"</th>{ages.collect_any()}</tr> }
    });
    let pods = rows.iter().map(|row| pods(&row.pods, row.pods_left_out));
    let button = |row: &RevisionRow| {
        view! { <td data-test="revision-back" data-key=row.number.to_string()>{back.button(row.number, runs)}</td> }
    };
    let buttons = rows.iter().map(button).collect_any();
    view! {
        <thead><tr><th></th>{heads.collect_any()}</tr></thead>
        <tbody>
            {body.collect_any()}
            {measured}
            <tr><th scope="row" class="soft">"Age"</th>{ages.collect_any()}</tr>
            <tr hidden=move || !back.may.get()><th scope="row" class="soft">"Way back"</th>{buttons}</tr>
            <tr class="revision-pods"><th scope="row" class="soft">"Pods"</th>{pods.collect_any()}</tr>
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
                {pods.iter().map(one).collect_any()}
                {(left_out > 0).then(|| view! { <li class="faint small">{format!("and {} more", count(left_out.into()))}</li> })}
            </ul>
        </td>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ConnectionId, Reading, ServingEngine,
        view::{ServingRow, delivery::Role},
    };

    #[test]
    fn the_revision_that_runs_is_the_one_that_was_numbered_last() {
        let row = |number, role| RevisionRow { number, role, ..revision() };
        assert_eq!(running(&[]), None);
        // While a canary comes, the stable one is gone back to; taken back, the old template has a new number.
        assert_eq!(running(&[row(4, Role::Canary), row(3, Role::Stable), row(1, Role::Old)]), Some(4));
        assert_eq!(running(&[row(2, Role::Old), row(5, Role::Stable)]), Some(5));
    }

    fn revision() -> RevisionRow {
        RevisionRow {
            number: 1,
            part: None,
            name: "chat-1".into(),
            hash: None,
            role: Role::Old,
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
            serving: None,
        }
    }

    #[test]
    fn what_nobody_says_is_absent() {
        let row = RevisionRow { weight_actual: Some(25), ..revision() };
        let split = Split { wanted: None, actual: None, whole: 100 };
        let lines = lines(&[row], split);
        let values: Vec<&str> = lines.iter().map(|(_, values, _)| values[0].as_str()).collect();
        assert_eq!(values, ["", "—", "25 %", "— of —", "0", "0"]);
    }

    #[test]
    fn what_engines_say_stands_side_by_side_and_absent_is_not_0() {
        let row = |number, serving| RevisionRow { number, role: Role::Canary, serving, ..revision() };
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
