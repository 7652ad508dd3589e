//! The lines of the palette, under their headings.

use super::list::{Entry, Section, runs};
use crate::{
    once::{CollectAny, effect},
    parts::{icon::Sign, key::Key},
};
use leptos::prelude::*;
use pilothouse_wire::units::visible;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

/// Draws the lines; the one at `at` is marked.
#[component]
pub fn Rows(
    /// The lines.
    list: Memo<Vec<Entry>>,
    /// Which is marked.
    at: RwSignal<usize>,
    /// The sentence when there is nothing to show; none while an answer is on its way.
    nothing: Signal<Option<String>>,
    /// The heads of the server's columns, where lines have cells.
    heads: Memo<Vec<String>>,
    /// Opens a line.
    on_run: impl Fn(usize) + Copy + Send + 'static,
) -> impl IntoView {
    // The scroll position is outside of Leptos: this effect is the bridge, and writes no signal.
    effect(move || {
        let id = format!("palette-{}", at.get());
        if let Some(row) = document().get_element_by_id(&id) {
            let near = ScrollIntoViewOptions::new();
            near.set_block(ScrollLogicalPosition::Nearest);
            row.scroll_into_view_with_scroll_into_view_options(&near);
        }
    });
    let rows = move || list.with(|list| heads.with(|heads| drawn(list, heads, at, on_run)));
    let none = move || {
        let nothing = nothing.get().filter(|_| list.with(Vec::is_empty));
        nothing.map(|text| view! { <p class="palette-note" dir="auto">{visible(&text)}</p> })
    };
    view! {
        <div class="palette-list" id="palette-list" role="listbox" aria-label="What was found">
            {move || rows()}
            {move || none()}
        </div>
    }
}

fn drawn(
    list: &[Entry],
    heads: &[String],
    at: RwSignal<usize>,
    on_run: impl Fn(usize) + Copy + Send + 'static,
) -> Vec<AnyView> {
    let mut section = None;
    let mut drawn = Vec::with_capacity(list.len() + 3);
    for (index, entry) in list.iter().enumerate() {
        if section != Some(entry.section) {
            section = Some(entry.section);
            drawn.push(match entry.section {
                Section::Listed => head(heads),
                section => view! { <h3 role="presentation">{section.title()}</h3> }.into_any(),
            });
        }
        drawn.push(row(index, entry, at, on_run));
    }
    drawn
}

/// The server's own columns.
fn head(heads: &[String]) -> AnyView {
    let heads = heads.iter().map(|head| view! { <span class="palette-cell clip" dir="auto">{head.clone()}</span> });
    view! {
        <div class="palette-heads" role="presentation">
            <span class="palette-name">"Name"</span>
            {heads.collect_any()}
            <span class="palette-place">"Place"</span>
        </div>
    }
    .into_any()
}

fn row(index: usize, entry: &Entry, at: RwSignal<usize>, on_run: impl Fn(usize) + Copy + Send + 'static) -> AnyView {
    let name = runs(&entry.name, &entry.matched)
        .into_iter()
        .map(|(run, hit)| if hit { view! { <b>{run}</b> }.into_any() } else { run.into_any() });
    let class = if entry.section == Section::Listed { "palette-row listed" } else { "palette-row" };
    let cells = entry.cells.iter().map(|cell| {
        view! { <span class="palette-cell clip" dir="auto" title=cell.clone()>{cell.clone()}</span> }
    });
    let about = if entry.section == Section::Listed { "palette-place faint clip" } else { "faint clip" };
    view! {
        <div
            class=class
            role="option"
            id=format!("palette-{index}")
            data-test="palette-row"
            aria-selected=move || (at.get() == index).to_string()
            on:click=move |_| on_run(index)
        >
            <Sign icon=entry.icon size=16 />
            <span class="palette-name clip" dir="auto">{name.collect_any()}</span>
            {cells.collect_any()}
            <span class=about dir="auto">{entry.about.clone()}</span>
            <span class="fill"></span>
            {entry.chord.map(|chord| view! { <Key chord=chord /> })}
        </div>
    }
    .into_any()
}
