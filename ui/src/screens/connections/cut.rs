//! Actions that were cut: what is known of each, what it was done to, its way back, and that somebody has looked.

use crate::{
    link::use_link,
    mirror::Watched,
    once::{CollectAny, live},
    parts::{button::Button, problem::ProblemRows, show::Show},
    shell::{
        plan::{use_plan, words},
        toast::use_toasts,
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Act,
    plan::{CutAction, Intent},
    units::{lower, visible},
};

/// A card for each.
#[component]
pub fn Cut(view: Watched) -> impl IntoView {
    let all = Memo::new(move |_| view.connections(|view| view.cut.clone()).unwrap_or_default());
    live(move || all.get().into_iter().map(|one| view! { <One cut=one /> }).collect_any())
}

#[component]
fn One(cut: CutAction) -> impl IntoView {
    let (state, link, door, toasts) = (use_state(), use_link(), use_plan(), use_toasts());
    let CutAction { id, problem, object, undo } = cut;
    let close = move || {
        link.act_then(Act::CloseCut(id), move |acted| {
            if let Err(problem) = acted {
                toasts.problem(&problem);
            }
        });
    };
    let look = object.map(|object| {
        let label = format!("Look at {}", visible(&object.name()));
        view! { <Button label=label on_press=move || state.show(object.clone()) test="cut-look" /> }
    });
    let back = undo.map(|undo: Intent| {
        let label = format!("Plan the way back: {}", lower(words(&undo.deed)));
        let undo = StoredValue::new(undo);
        view! {
            <Show when=move || state.may_act()>
                <Button label=label.clone() on_press=move || door.open(undo.get_value()) test="cut-undo" />
            </Show>
        }
    });
    view! {
        <section class="card" data-test="cut" data-key=id.to_string()>
            <div class="card-body stack">
                <ProblemRows problem=problem />
                <div class="buttons">
                    {look}
                    {back}
                    <Show when=move || state.may_act()>
                        <Button label="I looked: take this away" on_press=close test="cut-close" />
                    </Show>
                </div>
            </div>
        </section>
    }
}
