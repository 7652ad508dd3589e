//! Ages that count up by themselves, from the one clock of the page.

use crate::clock::use_clock;
use leptos::prelude::*;
use pilothouse_wire::{Stamp, units};

/// How long ago something was: `8 s`, `4 min 12 s`; absent if it never was.
#[component]
pub fn Age(
    /// When it was.
    #[prop(into)]
    of: Signal<Option<Stamp>>,
) -> impl IntoView {
    let clock = use_clock();
    let text = Memo::new(move |_| match of.get() {
        Some(stamp) => units::age(clock.now().since(stamp)),
        None => units::ABSENT.to_owned(),
    });
    let title = move || of.get().map(|stamp| stamp.to_string());
    view! { <span class="age" title=move || title()>{text}</span> }
}

/// How long until something is: `9 s`; `now` once it is due.
#[component]
pub fn Until(
    /// When it will be.
    #[prop(into)]
    at: Signal<Stamp>,
) -> impl IntoView {
    let clock = use_clock();
    let text = Memo::new(move |_| {
        let left = at.get().since(clock.real());
        if left.as_secs() == 0 { "now".to_owned() } else { units::span(left) }
    });
    view! { <span class="age">{text}</span> }
}
