//! The top bar: scope, search, what is being done, freshness of every connection, and what this page may do.

use super::{chips::Chips, doing::DoingSign, mode::ModeSign, palette::use_palette, scope::Scope};
use crate::{
    clock::use_clock,
    keys::Command,
    link::{Phase, use_link},
    mirror::{Watched, use_view},
    once::live,
    parts::{
        age::Until,
        icon::{Icon, Sign},
        key::KeyOf,
        mark::Mark,
        show::Show,
    },
};
use leptos::prelude::*;
use pilothouse_wire::{
    Stamp, ViewSpec, units,
    view::{FleetSpec, Status},
};

/// The top bar.
#[component]
pub fn TopBar() -> impl IntoView {
    let own = use_view(Signal::stored(ViewSpec::Connections));
    // A wall screen is refused the connections; that they are there and how old they are, every frame says.
    let refused = Memo::new(move |_| own.problem().is_some());
    let watched = use_view(Signal::derive(move || match refused.get() {
        true => ViewSpec::Fleet(FleetSpec::default()),
        false => ViewSpec::Connections,
    }));
    let palette = use_palette();
    let demo = Memo::new(move |_| watched.sources().iter().any(|source| source.demo));
    view! {
        <header class="top-bar" aria-label="Scope, search and freshness">
            <Scope watched=watched />
            <span class="fill"></span>
            <button type="button" class="search" data-test="search" on:click=move |_| palette.open()>
                <Sign icon=Icon::Search size=14 />
                <span>"Search or act"</span>
                <span class="fill"></span>
                <KeyOf command=Command::Palette />
            </button>
            <LinkState watched=watched />
            <Dropped watched=watched />
            <DoingSign />
            <Chips watched=watched />
            <Show when=move || demo.get()>
                <span class="tag demo" data-test="demo" title="A made-up fleet. Nothing here is real.">"DEMO"</span>
            </Show>
            <ModeSign />
        </header>
    }
}

/// Says that the link to the engine is not open, since when, and when it is tried again.
#[component]
fn LinkState(watched: Watched) -> impl IntoView {
    let link = use_link();
    live(move || match link.phase() {
        Phase::Lost { since, retry_at } => {
            view! { <Lost since=since retry_at=retry_at as_of=watched.as_of() /> }.into_any()
        }
        Phase::Connecting => view! {
            <span class="chip" data-test="link-connecting">
                <Mark status=Status::Progress size=9 />
                <span>"engine"</span>
                <span class="age">"connecting"</span>
            </span>
        }
        .into_any(),
        Phase::Open | Phase::NoSession | Phase::Differs => ().into_any(),
    })
}

#[component]
fn Lost(since: Stamp, retry_at: Option<Stamp>, as_of: Option<Stamp>) -> impl IntoView {
    let clock = use_clock();
    let title = match as_of {
        Some(as_of) => format!("Everything shown is as of {} UTC.", as_of.clock()),
        None => "Nothing was heard yet.".to_owned(),
    };
    let lost = move || format!("lost {}", units::age(clock.real().since(since)));
    view! {
        <span class="chip" data-state="lost" data-test="link-lost" title=title>
            <Mark status=Status::Bad size=9 />
            <span>"link"</span>
            <span class="age">{move || lost()}</span>
            {retry_at.map(|at| view! { <span>"again in "<Until at=Signal::stored(at) /></span> })}
        </span>
    }
}

/// Says that facts were left out, if any were: numbers may then be too low.
#[component]
fn Dropped(watched: Watched) -> impl IntoView {
    let dropped = Memo::new(move |_| watched.dropped());
    view! {
        <Show when=move || dropped.get() != 0>
            <span class="tag warn" data-test="dropped" title="Facts that could not be used or were not kept, since the start.">
                {move || format!("{} dropped", units::count(dropped.get()))}
            </span>
        </Show>
    }
}
