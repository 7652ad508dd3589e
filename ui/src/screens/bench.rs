//! Benchmarks: what is kept, what runs, what is to be filled in to begin one, and all there is to say of one. What is said and
//! drawn is made where the numbers are: this screen lays cards out.

mod cards;
mod history;
mod new;
mod page;

use crate::{
    keys::{Command, on_command},
    link::use_link,
    mirror::{Watched, use_view},
    parts::{
        button::{Button, Weight},
        empty::Empty,
        icon::Icon,
        problem::ProblemCard,
    },
    screens::Screen,
    shell::toast::use_toasts,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{Act, ViewSpec, bench::BenchView, units::visible, view::Status};

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "bench",
    name: "Bench",
    about: "Load on a model that serves: what was measured, what is better, and how sure that is.",
    icon: Icon::Bench,
    go: Command::GoBench,
    scoped: false,
    view: || view! { <Bench /> }.into_any(),
};

/// The place of the form.
const NEW: &str = "new";

#[component]
fn Bench() -> impl IntoView {
    let view = use_view(Signal::stored(ViewSpec::Bench));
    let (place, toasts) = (use_state().tab(), use_toasts());
    let runs = Memo::new(move |_| view.bench(|view| view.going.as_ref().map(|going| going.id.clone())).flatten());
    let is_kept = move || view.bench(|view| view.failed.is_none()) == Some(true);
    Effect::new(move |before: Option<Option<String>>| {
        let now = runs.get();
        if let (Some(Some(id)), None) = (before, &now)
            && untrack(is_kept)
        {
            toasts.say(Status::Good, format!("{id} is kept"), "Its page says what came of it.");
        }
        now
    });
    let body = move || match place.get() {
        None => home(view),
        Some(place) if place == NEW => new::new(view),
        Some(id) => page::page(view, id),
    };
    view! { <div class="page bench" data-test="bench">{move || body()}</div> }
}

/// The head of a place: where it is, and what can be done there.
fn head(title: String, about: String, deeds: AnyView) -> AnyView {
    let state = use_state();
    view! {
        <header class="page-head">
            <h1 class="line">
                <button type="button" class="link figure" data-test="bench-home" on:click=move |_| state.go_screen("bench")>"Bench"</button>
                <span class="figure clip" dir="auto">{visible(&title)}</span>
            </h1>
            <span class="soft clip" dir="auto">{visible(&about)}</span>
            <span class="fill"></span>
            {deeds}
        </header>
    }
    .into_any()
}

/// What is kept, and what runs.
fn home(view: Watched) -> AnyView {
    let state = use_state();
    let kept = Memo::new(move |_| view.bench(|view| view.kept.clone()).flatten());
    let problems = Memo::new(move |_| {
        let all = |view: &BenchView| [&view.failed, &view.beside, &view.problem].into_iter().flatten().cloned().collect::<Vec<_>>();
        view.bench(all).unwrap_or_default()
    });
    let (typed, order) = (RwSignal::new(String::new()), RwSignal::new(None));
    let list = move || match kept.get() {
        None => view! { <p class="faint" aria-busy="true">"What is kept is being read."</p> }.into_any(),
        Some(card) if card.rows.is_empty() => view! {
            <Empty
                title="No benchmark is kept"
                what="Runs, comparisons and searches of this machine stand here, with what each figure is and how sure a verdict is. \
                      In the terminal: pilothouse bench run."
            />
        }
        .into_any(),
        Some(card) => cards::card(history::narrowed(card, &typed.get(), order.get())),
    };
    let measure = move || {
        state.may_act().then(|| {
            view! {
                <Button label="Measure a target" weight=Weight::Primary on_press=move || state.set_place(NEW) test="bench-new" />
            }
        })
    };
    let shown = move || {
        let problems = problems.get().into_iter();
        problems.map(|problem| view! { <ProblemCard title="Bench" problem=problem /> }.into_any()).collect::<Vec<_>>()
    };
    view! {
        {head(String::new(), String::new(), measure.into_any())}
        {move || shown()}
        {going(view, None)}
        <div data-test="bench-kept">{move || history::bar(kept, typed, order)}{move || list()}</div>
    }
    .into_any()
}

/// What runs: all of it, or where it is the one of this name.
fn going(view: Watched, of: Option<String>) -> AnyView {
    let (link, state, toasts) = (use_link(), use_state(), use_toasts());
    let is_shown = Memo::new(move |_| {
        let fits = |id: &String| of.as_ref().is_none_or(|of| of == id);
        view.bench(|view| view.going.as_ref().map(|going| (going.id.clone(), going.stopping)).filter(|(id, _)| fits(id))).flatten()
    });
    let card = move || {
        let card = view.bench(|view| view.going.as_ref().map(|going| going.card.clone())).flatten();
        card.map(cards::card)
    };
    let end = move || {
        link.act_then(Act::EndBench, move |acted| {
            if let Err(problem) = acted {
                toasts.problem(&problem);
            }
        });
    };
    let stop = move || {
        let blocked = Signal::derive(move || is_shown.get().filter(|(_, stopping)| *stopping).map(|_| "it is ending".to_owned()));
        state.may_act().then(|| {
            on_command(Command::BenchStop, move || {
                end();
                true
            });
            view! { <Button label="Stop, keep data" on_press=end command=Command::BenchStop blocked=blocked test="bench-stop" /> }
        })
    };
    let body = move || {
        is_shown.with(Option::is_some).then(|| view! { <div class="bench-going" data-test="bench-going">{card}{move || stop()}</div> })
    };
    body.into_any()
}
