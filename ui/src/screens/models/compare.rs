//! Two versions side by side: what differs first, and the rest on request.

use super::{
    Here,
    place::{Place, Spot, Versions},
    runs::side_by_side,
};
use crate::{link::use_link, parts::problem::ProblemRows, state::use_state, once::effect};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Problem,
    runs::{ComparedRow, Comparison, RunsRow, VersionId},
    view::ModelRow,
};

/// Asks for both versions and draws them.
#[component]
pub fn Compare(row: Memo<Option<ModelRow>>, a: u64, b: u64) -> impl IntoView {
    let (link, state, here): (_, _, Here) = (use_link(), use_state(), expect_context());
    let asked: RwSignal<Option<Result<Comparison, Problem>>> = RwSignal::new(None);
    let model = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.id.clone())));
    effect(move || {
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
            Some(Ok(comparison)) => both(comparison, all),
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
            {move || body()}
        </div>
    }
}

fn both(of: Comparison, all: RwSignal<bool>) -> AnyView {
    let head = |(letter, number): (&'static str, u64)| {
        view! { <th><span class=format!("arm {letter}")>{letter}</span>{format!(" version {number}")}</th> }.into_any()
    };
    let heads = [("A", of.a.number), ("B", of.b.number)].map(head).into();
    let row = |row: ComparedRow| RunsRow {
        part: row.part,
        key: row.key,
        values: vec![row.a, row.b],
        changes: vec![None, row.change],
    };
    side_by_side(heads, of.rows.into_iter().map(row).collect(), of.problems, all, ["compared", "compare-all"])
}
