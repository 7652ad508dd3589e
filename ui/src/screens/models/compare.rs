//! Two versions side by side: what differs first, and the rest on request.

use super::{
    Here,
    place::{Place, Spot, Versions},
};
use crate::{link::use_link, parts::problem::ProblemRows, state::use_state};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Problem,
    runs::{ComparedPart, ComparedRow, Comparison, VersionId},
    units::{ABSENT, count, visible},
    view::ModelRow,
};

/// Asks for both versions and draws them.
#[component]
pub fn Compare(row: Memo<Option<ModelRow>>, a: u64, b: u64) -> impl IntoView {
    let (link, state, here): (_, _, Here) = (use_link(), use_state(), expect_context());
    let asked: RwSignal<Option<Result<Comparison, Problem>>> = RwSignal::new(None);
    let model = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.id.clone())));
    Effect::new(move |_| {
        let Some(model) = model.get().filter(|_| link.is_open() && !state.is_past()) else { return };
        let id = |number| VersionId { model: model.clone(), number };
        link.ask_then(Ask::CompareVersions(id(a), id(b)), move |answer| {
            asked.set(Some(answer.and_then(|answer| match answer {
                Answer::Versions(comparison) => Ok(*comparison),
                _ => Err(Problem::other_answer()),
            })));
        });
    });
    let all = RwSignal::new(false);
    let body = move || {
        if state.is_past() {
            return view! { <p class="soft">"Runs are read from their server, and so are of now: they are not compared in the past."</p> }
                .into_any();
        }
        match asked.get() {
            None => view! { <p class="faint" aria-busy="true">"Both versions are being read from their server."</p> }.into_any(),
            Some(Err(problem)) => view! { <ProblemRows problem=problem /> }.into_any(),
            Some(Ok(comparison)) => view! { <Both comparison=comparison all=all /> }.into_any(),
        }
    };
    let one = move |number: u64| {
        let go = move |_| {
            if let Some(model) = model.get_untracked() {
                here.go(&Spot::Model(Place::of(model).with(Versions::One(number))));
            }
        };
        view! { <button type="button" class="link" on:click=go>{format!("version {number}")}</button> }
    };
    view! {
        <div class="section" data-test="comparison">
            <h3><span>"Compare "{one(a)}" with "{one(b)}</span></h3>
            {body}
        </div>
    }
}

#[component]
fn Both(comparison: Comparison, all: RwSignal<bool>) -> impl IntoView {
    let same = comparison.rows.iter().filter(|row| !row.differs()).count();
    let problems = comparison.problems.clone().into_iter().map(|problem| view! { <ProblemRows problem=problem /> });
    let problems = problems.collect_view();
    let some_are_same = same > 0;
    let heads = [("A", comparison.a.number), ("B", comparison.b.number)];
    let rows = comparison.rows;
    let nothing = same == rows.len();
    let parts = move || {
        let all = all.get();
        let part = |part: ComparedPart| {
            let shown: Vec<ComparedRow> =
                rows.iter().filter(|row| row.part == part && (all || row.differs())).cloned().collect();
            (!shown.is_empty()).then(|| {
                view! {
                    <tbody>
                        <tr><th colspan="4" class="compared-part">{part.title()}</th></tr>
                        {shown.into_iter().map(line).collect_view()}
                    </tbody>
                }
            })
        };
        ComparedPart::ALL.map(part).into_iter().collect_view()
    };
    let head = |(letter, number): (&'static str, u64)| view! { <th><span class=format!("arm {letter}")>{letter}</span>{format!(" version {number}")}</th> };
    view! {
        {problems}
        <div class="models-versions">
            <table class="plain-table compared">
                <thead><tr><th></th>{heads.map(head).into_iter().collect_view()}<th class="number">"Change"</th></tr></thead>
                {parts}
            </table>
        </div>
        {nothing.then(|| view! { <p class="soft">"Nothing differs."</p> })}
        <Show when=move || some_are_same>
            <button type="button" class="link small" data-test="compare-all" on:click=move |_| all.update(|all| *all = !*all)>
                {move || if all.get() { "Show only what differs".to_owned() } else { format!("Show {} that are the same", count(same as u64)) }}
            </button>
        </Show>
    }
}

fn line(row: ComparedRow) -> impl IntoView {
    let shown = |value: Option<String>| value.as_deref().map_or_else(|| ABSENT.to_owned(), visible);
    let (differs, change) = (row.differs(), row.change.unwrap_or_default());
    view! {
        <tr data-test="compared" data-key=row.key.to_string() class:differs=differs>
            <td class="mono soft" dir="auto">{visible(&row.key)}</td>
            <td dir="auto">{shown(row.a)}</td>
            <td dir="auto">{shown(row.b)}</td>
            <td class="number">{change}</td>
        </tr>
    }
}
