//! Pinned objects, at the foot of the rail: one press away on every screen.

use crate::{
    kept::use_kept,
    parts::{
        icon::{Icon, Sign},
        show::{Show, each},
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{ObjectRef, units::visible};

/// The pins; nothing where nothing is pinned.
#[component]
pub fn Pins() -> impl IntoView {
    let kept = use_kept();
    let pins = Memo::new(move |_| kept.with(|kept| kept.pins.clone()));
    view! {
        <Show when=move || pins.with(|pins| !pins.is_empty())>
            <div class="pins" role="group" aria-label="Pinned">
                {each(move || pins.get(), ObjectRef::clone, |pin| view! { <Pin pin=pin /> }.into_any())}
            </div>
        </Show>
    }
}

#[component]
fn Pin(pin: ObjectRef) -> impl IntoView {
    let state = use_state();
    let name = visible(&pin.name());
    let title = format!("Pinned {} {name}", pin.kind_word());
    let icon = Icon::of(&pin);
    let (test, selected) = (format!("pin-{pin}"), pin.clone());
    let here = move || state.selected().with(|object| object.as_ref() == Some(&selected));
    view! {
        <button
            type="button"
            class="pin"
            title=title.clone()
            aria-label=title
            aria-pressed=move || here().to_string()
            data-test=test
            on:click=move |_| state.show(pin.clone())
        >
            <Sign icon=icon size=14 />
            <span class="word clip" dir="auto">{name}</span>
        </button>
    }
}
