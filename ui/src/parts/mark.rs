//! Status marks: shape first, colour second, and a word beside them.

use leptos::prelude::*;
use pilothouse_wire::{Freshness, units::visible, view::Status};

/// The class that colours text of a status.
#[must_use]
pub fn tone(status: Status) -> &'static str {
    match status {
        Status::Good => "good",
        Status::Warn => "warn",
        Status::Bad => "bad",
        Status::Unknown => "unknown",
        Status::Progress => "progress",
    }
}

/// The status that a freshness is shown as.
#[must_use]
pub fn of_freshness(freshness: Freshness) -> Status {
    match freshness {
        Freshness::Live | Freshness::Slow => Status::Good,
        Freshness::Starting => Status::Progress,
        Freshness::Paused => Status::Unknown,
        Freshness::Partial | Freshness::Stale => Status::Warn,
        Freshness::Lost => Status::Bad,
    }
}

/// The shape of a status, in a box of 12 × 12.
#[component]
pub fn Mark(
    /// Which.
    #[prop(into)]
    status: Signal<Status>,
    /// Its width and height in pixels.
    #[prop(default = 10)]
    size: u8,
) -> impl IntoView {
    let shape = move || {
        match status.get() {
        Status::Good => view! { <circle cx="6" cy="6" r="4.5" fill="currentColor" /> }.into_any(),
        Status::Warn => view! { <path d="M6 .8 11.6 11H.4Z" fill="currentColor" /> }.into_any(),
        Status::Bad => view! {
            <path d="M1 1h10v10H1Z" fill="currentColor" />
            <path class="gap" d="m3.6 3.6 4.8 4.8M8.4 3.6 3.6 8.4" fill="none" stroke-width="1.6" />
        }
        .into_any(),
        Status::Unknown => view! {
            <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.4 2.2" />
        }
        .into_any(),
        Status::Progress => view! {
            <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" stroke-width="1.6" />
            <path d="M6 1.6A4.4 4.4 0 0 1 6 10.4Z" fill="currentColor" />
        }
        .into_any(),
    }
    };
    view! {
        <svg class=move || format!("mark {}", tone(status.get())) width=size height=size viewBox="0 0 12 12" aria-hidden="true">
            {move || shape()}
        </svg>
    }
}

/// A mark with its word. The word of a good status is quiet.
#[component]
pub fn StatusWord(
    /// Which.
    #[prop(into)]
    status: Signal<Status>,
    /// The word; may come from a server.
    #[prop(into)]
    word: Signal<String>,
) -> impl IntoView {
    view! {
        <span class="status">
            <Mark status=status />
            <span class=move || tone(status.get()) dir="auto">{move || visible(&word.get())}</span>
        </span>
    }
}
