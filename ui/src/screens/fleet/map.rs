//! The map of the fleet: colours and legend above, cells on one canvas, names, selection and hover over them.

mod head;
mod marks;

use super::{
    Fleet, NothingInScope,
    groups::{Grouping, Groups},
    opening::Opening,
};
use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    parts::{
        map::{
            canvas::MapCanvas,
            ink::{Ink, Legend, Mode, ink, ink_of_node, is_hit},
            layout::{Layout, Spot, lay_out},
            moves::Towards,
            paint::Scene,
        },
        size::use_size,
    },
    state::{State, use_state},
};
use leptos::{ev, html::Div, prelude::*};
use pilothouse_wire::{
    ObjectRef, Stamp,
    view::{FleetView, GpuAt, GpuRow},
};

/// The map with what a person does on it. Copies are the same map.
#[derive(Clone, Copy)]
pub(super) struct MapState {
    /// What the colour means.
    pub mode: Memo<Mode>,
    /// The colour that a person chose.
    pub chosen: RwSignal<Option<Mode>>,
    pub grouping: RwSignal<Grouping>,
    pub groups: Memo<Groups>,
    pub layout: Memo<Layout>,
    pub legend: Memo<Legend>,
    /// The GPU under the pointer, or where the arrow keys have come to.
    pub hover: RwSignal<Option<Spot>>,
    /// What is said to readers after a step of the arrow keys.
    pub spoken: RwSignal<String>,
}

impl MapState {
    fn object(self, fleet: Fleet, spot: Spot) -> Option<ObjectRef> {
        untrack(|| self.layout.with(|layout| object_at(fleet, layout, spot)))
    }
}

/// Draws the map.
#[component]
pub fn Map() -> impl IntoView {
    let (fleet, clock): (Fleet, _) = (expect_context(), use_clock());
    let (chosen, grouping) = (RwSignal::new(None), RwSignal::new(Grouping::default()));
    let mode = Memo::new(move |_| {
        chosen.get().unwrap_or_else(|| fleet.view.fleet(Mode::first).unwrap_or_default())
    });
    let node = NodeRef::<Div>::new();
    let size = use_size(node);
    let groups = Memo::new(move |_| {
        let unseen = fleet.unseen.get();
        fleet.view.fleet(|view| Groups::of(view, grouping.get(), &unseen)).unwrap_or_default()
    });
    let layout = Memo::new(move |_| {
        let size = size.get();
        groups.with(|groups| {
            lay_out(&groups.plans(), device(size.width, size.dpr), device(size.height, size.dpr), size.dpr)
        })
    });
    // How long GPUs are held moves on by the minute: redrawing 10,000 cells each second would show nothing new.
    let minute = Memo::new(move |_| Stamp(clock.now().0.div_euclid(60_000) * 60_000));
    let scene = Memo::new(move |_| {
        let now = match mode.get() {
            Mode::HeldFor => minute.get(),
            Mode::Measured(_) | Mode::Age => fleet.view.as_of().unwrap_or_default(),
            Mode::Allocation | Mode::Health => Stamp::default(),
        };
        let stale = groups.with(|groups| {
            fleet.heard.with(|heard| {
                let is_stale = |id| heard.get(id).is_some_and(|heard| heard.1);
                groups.clusters.iter().map(|cluster| !cluster.ghost && is_stale(&cluster.id)).collect()
            })
        });
        layout
            .with(|layout| fleet.view.fleet(|view| scene_of(layout, view, mode.get(), stale, now)))
            .unwrap_or_default()
    });
    let legend = Memo::new(move |_| scene.with(legend_of));
    let state = MapState {
        mode,
        chosen,
        grouping,
        groups,
        layout,
        legend,
        hover: RwSignal::new(None),
        spoken: RwSignal::new(String::new()),
    };
    on_command(Command::MapColour, move || {
        chosen.set(Some(mode.get_untracked().next()));
        true
    });
    on_command(Command::MapGroup, move || {
        grouping.update(|grouping| *grouping = grouping.next());
        true
    });
    let nothing = Memo::new(move |_| fleet.view.loaded() && groups.with(|groups| groups.clusters.is_empty()));
    view! {
        <section class="map-area" aria-label="Map">
            <head::MapHead map=state />
            <div class="map-row">
                <div class="map-box" node_ref=node>
                    <Stage map=state scene=scene />
                    <Show when=move || nothing.get()><NothingInScope /></Show>
                </div>
                <Opening />
            </div>
        </section>
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the size of a screen")]
fn device(css: f64, dpr: f64) -> u32 {
    (css * dpr).floor().max(0.0) as u32
}

fn scene_of(layout: &Layout, view: &FleetView, mode: Mode, stale: Vec<bool>, now: Stamp) -> Scene {
    let mut scene = Scene { stale, ..Scene::default() };
    let firsts: Vec<usize> = first_gpus(view);
    for place in &layout.nodes {
        // The layout may be one frame behind: what is gone is drawn as not known.
        let at = place.node as usize;
        let node = view.nodes.rows().get(at);
        scene.cordoned.push(node.is_some_and(|node| node.cordoned));
        let (Some(node), Some(first)) = (node, firsts.get(at)) else { continue };
        if layout.node_is_cell {
            scene.inks.push(ink_of_node(mode, view, at, *first, now));
        } else {
            let hit = is_hit(view, node);
            scene.inks.extend((0..usize::from(place.gpus)).map(|slot| match slot < node.gpus.len() {
                true => ink(mode, &GpuRow::new(view, GpuAt { node, slot, at: first + slot }), hit, now),
                false => Ink::NoData,
            }));
        }
    }
    scene
}

/// The place of each node's first GPU in the columns.
fn first_gpus(view: &FleetView) -> Vec<usize> {
    let sizes = view.nodes.rows().iter().map(|node| node.gpus.len());
    sizes.scan(0, |next, size| Some(std::mem::replace(next, *next + size))).collect()
}

fn legend_of(scene: &Scene) -> Legend {
    Legend::of(&scene.inks, scene.cordoned.contains(&true), scene.stale.contains(&true))
}

/// The canvas and what lies over it.
#[component]
fn Stage(map: MapState, scene: Memo<Scene>) -> impl IntoView {
    let (fleet, state): (Fleet, _) = (expect_context(), use_state());
    let under = move |event: &ev::MouseEvent| {
        let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
        map.layout.with_untracked(|layout| layout.hit(device(x, layout.dpr), device(y, layout.dpr)))
    };
    let moved = move |event: ev::PointerEvent| {
        let spot = under(&event);
        if map.hover.get_untracked() != spot {
            map.hover.set(spot);
        }
    };
    let clicked = move |event: ev::MouseEvent| {
        if let Some(object) = under(&event).and_then(|spot| map.object(fleet, spot)) {
            state.select(Some(object));
        }
    };
    let pressed = move |event: ev::KeyboardEvent| pressed(map, fleet, state, &event);
    let label = move || {
        let gpus = fleet.view.fleet(|view| view.summary.gpus).unwrap_or_default();
        format!(
            "Map of {} GPUs. Arrow keys move from GPU to GPU, Enter opens one.",
            pilothouse_wire::units::sum(gpus)
        )
    };
    view! {
        <div
            class="map-stage"
            data-test="fleet-map"
            role="application"
            aria-label=label
            tabindex="0"
            on:pointermove=moved
            on:pointerleave=move |_| map.hover.set(None)
            on:click=clicked
            on:keydown=pressed
        >
            <MapCanvas layout=map.layout scene=scene />
            <div class="map-over" aria-hidden="true">
                <marks::Headings map=map />
                <marks::Outlines map=map />
                <marks::Label map=map />
            </div>
        </div>
        <p class="unseen" aria-live="polite" data-test="map-spoken">{move || map.spoken.get()}</p>
    }
}

/// The arrow keys and Enter, while the map has the caret.
fn pressed(map: MapState, fleet: Fleet, state: State, event: &ev::KeyboardEvent) {
    let towards = match event.key().as_str() {
        "ArrowLeft" => Towards::Left,
        "ArrowRight" => Towards::Right,
        "ArrowUp" => Towards::Up,
        "ArrowDown" => Towards::Down,
        "Enter" => {
            if let Some(object) = map.hover.get_untracked().and_then(|spot| map.object(fleet, spot)) {
                event.prevent_default();
                state.select(Some(object));
            }
            return;
        }
        _ => return,
    };
    event.prevent_default();
    let from = map.hover.get_untracked().or_else(|| untrack(|| marks::selected_spot(fleet, map.layout, state)));
    let to = map.layout.with_untracked(|layout| from.map_or(Spot { at: 0, gpu: 0 }, |from| layout.step(from, towards)));
    map.hover.set(Some(to));
    map.spoken.set(untrack(|| map.layout.with(|layout| marks::spoken(fleet, layout, to))));
    // While the inspector is open it follows.
    if state.selected().with_untracked(Option::is_some) {
        state.select(map.object(fleet, to));
    }
}

/// The object that stands somewhere: a GPU, or a node where nodes are single cells.
fn object_at(fleet: Fleet, layout: &Layout, spot: Spot) -> Option<ObjectRef> {
    let place = layout.nodes.get(spot.at)?;
    let node = fleet.view.fleet(|view| view.nodes.rows().get(place.node as usize).map(|node| node.id.clone()));
    let node = node.flatten()?;
    Some(if layout.node_is_cell { ObjectRef::Node(node) } else { ObjectRef::Gpu(node, spot.gpu) })
}
