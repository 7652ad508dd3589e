//! The line above the map: grouping, colour, and a legend of exactly what is drawn.

use super::{MapState, group_by, missing::MissingButton, show_in};
use crate::{
    keys::Command,
    once::{CollectAny, live},
    parts::{
        key::KeyOf,
        map::ink::{Ink, Legend, Mode},
        show::Show,
    },
    screens::fleet::{Fleet, groups::Grouping, picked::Picked},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Area,
    units::{count, visible},
};

/// Draws the line.
#[component]
pub fn MapHead(map: MapState) -> impl IntoView {
    let (fleet, state): (Fleet, _) = (expect_context(), use_state());
    let without = move || {
        let nodes = map.groups.with(|groups| groups.nodes_without);
        (nodes > 0).then(|| {
            let words = if nodes == 1 {
                "1 node has no GPU".into()
            } else {
                format!("{} nodes have no GPU", count(nodes as u64))
            };
            view! { <span class="small faint clip">{words}</span> }
        })
    };
    // A map that is empty of colour says why.
    let unmeasured = Memo::new(move |_| {
        let metric = map.mode.get().metric()?;
        fleet.view.fleet(|view| view.telemetry.why_missing(metric)).flatten()
    });
    let why = move || {
        unmeasured.get().map(|(why, next)| {
            view! {
                <span class="small strong warn clip" dir="auto" data-test="map-unmeasured" title=next.map(|next| visible(&next))>
                    {visible(&why)}
                </span>
            }
        })
    };
    // Whoever has seen the demo wants to know how to go on.
    let made_up = Memo::new(move |_| {
        fleet.sources.with(|sources| !sources.is_empty() && sources.iter().all(|source| source.demo))
    });
    view! {
        <header class="map-head">
            <h2>"Map"</h2>
            <label class="map-pick map-group">
                <span class="small faint">"Group"</span>
                <select
                    class="pick"
                    data-test="map-group"
                    on:change=move |event| {
                        let name = event_target_value(&event);
                        if let Some(grouping) = Grouping::ALL.into_iter().find(|grouping| grouping.name() == name) {
                            group_by(state, grouping);
                        }
                    }
                    prop:value=move || map.grouping.get().name()
                >
                    {Grouping::ALL.map(|grouping| view! { <option value=grouping.name()>{grouping.name()}</option> }).collect_any()}
                </select>
            </label>
            <label class="map-pick">
                <span class="small faint">"Colour"</span>
                <select
                    class="pick strong"
                    data-test="map-colour"
                    on:change=move |event| {
                        let name = event_target_value(&event);
                        if let Some(mode) = Mode::ALL.into_iter().find(|mode| mode.name() == name) {
                            show_in(state, mode);
                        }
                    }
                    prop:value=move || map.mode.get().name()
                >
                    {Mode::ALL.map(|mode| view! { <option value=mode.name()>{mode.name()}</option> }).collect_any()}
                </select>
                <KeyOf command=Command::MapColour />
            </label>
            <span class="fill">{move || without()} {why}</span>
            <MissingButton />
            <PickedChip />
            <Show when=move || made_up.get() && !state.is_past()>
                <button type="button" class="link small" on:click=move |_| state.go_screen("connections")>
                    "This is made up. Connect your own"
                </button>
            </Show>
            <LegendRow map=map />
        </header>
    }
}

/// How much was picked on the map, and the way out of it.
#[component]
fn PickedChip() -> impl IntoView {
    let (fleet, state): (Fleet, _) = (expect_context(), use_state());
    let words = Memo::new(move |_| fleet.picked.with(|picked| picked.as_ref().map(Picked::words)));
    live(move || {
        words.get().map(|words| {
            view! {
                <button
                    type="button"
                    class="link small strong"
                    data-test="picked"
                    title="Show all GPUs again"
                    on:click=move |_| state.pick(Area::default())
                >
                    {words} " " <KeyOf command=Command::Close />
                </button>
            }
        })
    })
}

#[component]
fn LegendRow(map: MapState) -> impl IntoView {
    view! {
        <ul class="legend" aria-label="Legend" data-test="map-legend">
            {move || map.legend.with(|legend| legend_items(legend, map.mode.get()))}
        </ul>
    }
}

/// What the colours and shapes mean, those alone that are shown.
pub fn legend_items(legend: &Legend, mode: Mode) -> impl IntoView + use<> {
    let scale = legend.scale.then(|| scale_view(mode));
    let states: Vec<_> = legend.states.iter().filter_map(|ink| item(*ink)).collect();
    let cordoned = legend.cordoned.then(|| view! { <li><Swatch class="cordoned" path="" />"cordoned"</li> });
    let old = "M0 10 10 0M-3 5 5-3M5 13 13 5";
    let stale = legend.stale.then(|| view! { <li><Swatch class="old" path=old />"old"</li> });
    view! { {scale} {states} {cordoned} {stale} }
}

fn scale_view(mode: Mode) -> impl IntoView {
    let (low, high) = mode.scale_ends();
    let steps = (0..9).map(|step| view! { <i class=format!("step m{step}")></i> }).collect_any();
    view! {
        <li class="legend-scale"><span class="faint">{low}</span><span class="steps" aria-hidden="true">{steps}</span><span class="faint">{high}</span></li>
    }
}

/// The swatch of a state, in a box of 10 × 10, as its cells are drawn.
#[component]
fn Swatch(class: &'static str, path: &'static str) -> impl IntoView {
    view! {
        <svg class=format!("swatch {class}") width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <rect x=".5" y=".5" width="9" height="9" />
            <path d=path />
        </svg>
    }
}

fn item(ink: Ink) -> Option<impl IntoView> {
    let word = ink.word()?;
    let (class, path) = match ink {
        Ink::Held => ("held", ""),
        Ink::Shared => ("shared", "M1 5H9V9H1Z"),
        Ink::Free => ("free", ""),
        Ink::Well => ("well", ""),
        Ink::NoData => ("no-data", "M4 4H6V6H4Z"),
        Ink::Stale => ("stale", "M1 1 9 9"),
        Ink::Withheld => ("withheld", "M1 9 9 1"),
        Ink::Slowed => ("slowed", "M5 .5 9.8 9.5H.2Z"),
        Ink::Lost => ("lost", "m2.5 2.5 5 5M7.5 2.5l-5 5"),
        Ink::Scale(_) => return None,
    };
    Some(view! { <li><Swatch class=class path=path />{word}</li> })
}
