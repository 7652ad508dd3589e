//! What is on its way: each source with what it waits for, and outlines until the first frame.

use super::Fleet;
use crate::{
    keys::{Command, on_command},
    once::CollectAny,
    parts::{
        button::Button,
        loading::{Arriving, ArrivingCard, Outline},
        show::Show,
    },
};
use leptos::prelude::*;
use pilothouse_wire::{Freshness, Health, frame::SourceState, sort, view::ConnectionsView};

/// The card beside the map while a source is on its way for the first time. What is ready can be used meanwhile.
#[component]
pub fn Opening() -> impl IntoView {
    let fleet: Fleet = expect_context();
    let closed = RwSignal::new(false);
    let arriving = Memo::new(move |_| {
        fleet.sources.with(|sources| {
            let rows = fleet.connections.connections(|view| arriving(sources, Some(view)));
            rows.unwrap_or_else(|| arriving(sources, None))
        })
    });
    let shown = Memo::new(move |_| !closed.get() && fleet.coming.with(|coming| !coming.is_empty()));
    on_command(Command::Close, move || {
        let closes = shown.get_untracked();
        if closes {
            closed.set(true);
        }
        closes
    });
    let title = move || {
        let n = arriving.with(Vec::len);
        if n == 1 { "Opening 1 connection".to_owned() } else { format!("Opening {n} connections") }
    };
    view! {
        <Show when=move || shown.get()>
            <div class="opening">
                <ArrivingCard title=Signal::derive(title) sources=arriving />
                <div class="opening-foot">
                    <Button label="Go on without the rest" on_press=move || closed.set(true) command=Command::Close />
                </div>
            </div>
        </Show>
    }
}

/// What each source waits for. The connections know how far each is; without them the source's own note is said.
fn arriving(sources: &[SourceState], connections: Option<&ConnectionsView>) -> Vec<Arriving> {
    let one = |source: &SourceState| {
        let row = connections.and_then(|view| view.rows.get(&source.id));
        let (doing, progress) = match row.map(|row| &row.health) {
            Some(Health::Starting { doing, progress }) => (Some(doing.clone()), *progress),
            _ => (source.note.clone(), None),
        };
        let fallback = if source.freshness == Freshness::Starting { "connecting" } else { source.freshness.word() };
        let fallback = if source.freshness == Freshness::Live { "complete" } else { fallback };
        Arriving {
            name: source.name.clone(),
            freshness: source.freshness,
            doing: doing.unwrap_or_else(|| fallback.to_owned()),
            progress,
            // Since when: the first attempt that is still told.
            since: row.and_then(|row| row.attempts.first()).map(|attempt| attempt.at),
        }
    };
    let mut rows: Vec<Arriving> = sources.iter().map(one).collect();
    // What is waited for stands first; the order is else as it was.
    sort::by_key(&mut rows, |row| row.freshness != Freshness::Starting);
    rows
}

/// The layout before the first frame: outlines where figures will stand.
#[component]
pub fn Outlines() -> impl IntoView {
    let columns = ["Total", "Healthy", "Held", "Free", "Wanted by pending pods"];
    let funnel = columns.map(|label| {
        view! { <div class="funnel-column"><span class="soft">{label}</span><Outline width=72 /></div> }
    });
    let rows = [96u16, 120, 104, 88, 112, 96].map(|width| {
        view! { <div class="outline-row"><Outline width=64 /><Outline width=width /><Outline width=56 /><Outline width=80 /></div> }
    });
    view! {
        <div class="funnel" aria-busy="true">{funnel.collect_any()}</div>
        <section class="map-area"><p class="opening-words faint">"Waiting for the first frame of the engine."</p></section>
        <section class="strip outlines"><div class="strip-head"></div>{rows.collect_any()}</section>
    }
}
