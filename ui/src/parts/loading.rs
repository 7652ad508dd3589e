//! What is on its way: the true layout with outlines, and for each source what it waits for. No spinner.

use super::{
    age::Age,
    mark::{Mark, of_freshness},
};
use crate::once::CollectAny;
use leptos::prelude::*;
use pilothouse_wire::{
    Freshness, Stamp,
    units::{self, visible},
    view::Status,
};

/// One source on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Arriving {
    /// Name for people.
    pub name: String,
    /// How it is.
    pub freshness: Freshness,
    /// A verb and its object: "listing pods".
    pub doing: String,
    /// Done so far, and about how many there are.
    pub progress: Option<(u64, u64)>,
    /// Since when.
    pub since: Option<Stamp>,
}

/// What each source waits for, with progress, or a striped bar where nobody knows how much there is.
#[component]
pub fn ArrivingCard(
    /// "Opening 3 clusters".
    #[prop(into)]
    title: Signal<String>,
    /// The sources.
    #[prop(into)]
    sources: Signal<Vec<Arriving>>,
) -> impl IntoView {
    view! {
        <section class="card arriving" data-test="loading" aria-busy="true">
            <header class="card-head"><h2>{title}</h2></header>
            {move || sources.get().into_iter().map(arriving).collect_any()}
        </section>
    }
}

fn arriving(source: Arriving) -> impl IntoView {
    let status = of_freshness(source.freshness);
    let since = source.since;
    let (bar, below) = match source.progress {
        Some((done, of)) => {
            let share = done.saturating_mul(100).checked_div(of).unwrap_or_default().min(100);
            let text = format!("{} of about {}", units::count(done), units::count(of));
            (view! { <div class="bar"><i style:width=format!("{share}%")></i></div> }.into_any(), Some(text))
        }
        None if status == Status::Progress => (view! { <div class="bar endless"></div> }.into_any(), None),
        None => (view! { <div class="bar done"></div> }.into_any(), None),
    };
    view! {
        <div class="arriving-row">
            <div class="line">
                <Mark status=status size=11 />
                <span class="strong" dir="auto">{visible(&source.name)}</span>
                <span class="soft" dir="auto">{visible(&source.doing)}</span>
                <span class="fill"></span>
                {since.map(|since| view! { <Age of=Signal::stored(Some(since)) /> })}
            </div>
            {bar}
            {below.map(|below| view! { <p class="small faint">{below}</p> })}
        </div>
    }
}

/// An outline of a text that is on its way. It does not shimmer.
#[component]
pub fn Outline(
    /// Its width in pixels.
    width: u16,
) -> impl IntoView {
    view! { <i class="outline" aria-hidden="true" style:width=format!("{width}px")></i> }
}
