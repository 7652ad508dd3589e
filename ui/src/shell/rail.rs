//! The rail: one item for each screen that works, and what a person has pinned.

use super::pins::Pins;
use crate::{
    keys::chord,
    once::CollectAny,
    parts::icon::{Icon, Sign},
    screens::SCREENS,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::address::Address;

/// The rail.
#[component]
pub fn Rail() -> impl IntoView {
    let state = use_state();
    let items = SCREENS.iter().map(|screen| {
        let here = move || state.screen().with(|route| route == screen.route);
        let address = move || {
            let when = state.when().get();
            Address { screen: screen.route.into(), when, ..Address::default() }.to_string()
        };
        let title = format!("{} ({})", screen.name, chord(screen.go).unwrap_or_default());
        // A link, so that it can be opened beside this page; a plain click stays on it.
        let click = move |event: leptos::ev::MouseEvent| {
            if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
                event.prevent_default();
                state.go_screen(screen.route);
            }
        };
        view! {
            <a
                href=move || address()
                class="rail-item"
                title=title
                data-test=format!("rail-{}", screen.route)
                aria-current=move || here().then_some("page")
                on:click=click
            >
                <Sign icon=screen.icon size=18 />
                <span class="word">{screen.name}</span>
            </a>
        }
    });
    view! {
        <nav class="rail" aria-label="Screens">
            <span class="emblem" title="Pilothouse"><Sign icon=Icon::Pilothouse size=24 /></span>
            {items.collect_any()}
            <Pins />
        </nav>
    }
}
