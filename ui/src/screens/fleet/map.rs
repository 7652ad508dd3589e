//! The map of the fleet: colours and legend above, cells on one canvas, names, selection and hover over them.

mod head;
mod marks;
mod missing;
mod stage;

pub use head::legend_items;

use super::{
    Fleet, NothingInScope,
    groups::{Grouping, Groups},
    opening::Opening,
};
use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    mirror::Part,
    parts::{
        map::{
            ink::{Ink, Inks, Legend, Mode},
            lasso::Drawn,
            layout::{Layout, Rect, Spot},
            paint::Scene,
            zoom::{in_sight, lay_out_zoomed},
        },
        show::Show,
        size::use_size,
    },
    state::{State, use_state},
};
use leptos::{html::Div, prelude::*};
use pilothouse_wire::{
    Area, ObjectRef, Stamp,
    view::{FleetView, GpuAt},
};
use std::sync::Arc;

/// The map with what a person does on it. Copies are the same map.
#[derive(Clone, Copy)]
pub(super) struct MapState {
    /// What the colour means.
    pub mode: Memo<Mode>,
    pub grouping: Memo<Grouping>,
    pub groups: Memo<Groups>,
    pub layout: Memo<Layout>,
    pub legend: Memo<Legend>,
    /// The box that the map scrolls in.
    pub frame: NodeRef<Div>,
    /// How many steps larger than it fits.
    pub zoom: Memo<u32>,
    /// How far the box is scrolled, right and down, in CSS pixels.
    pub scroll: RwSignal<(f64, f64)>,
    /// The part of the layout that is in sight.
    pub window: Memo<Rect>,
    /// What is being drawn over the map.
    pub lasso: RwSignal<Option<Drawn>>,
    /// Is the next thing that is drawn a line by hand, and no box?
    pub by_hand: RwSignal<bool>,
    /// Where the keys began to pick.
    pub anchor: StoredValue<Option<Spot>>,
    /// The GPU under the pointer, or where the arrow keys have come to.
    pub hover: RwSignal<Option<Spot>>,
    /// What is said to readers after a step of the arrow keys.
    pub spoken: RwSignal<String>,
}

impl MapState {
    fn scrolled(self) {
        if let Some(frame) = self.frame.get_untracked() {
            self.scroll.set((f64::from(frame.scroll_left()), f64::from(frame.scroll_top())));
        }
    }

    fn object(self, fleet: Fleet, spot: Spot) -> Option<ObjectRef> {
        untrack(|| self.layout.with(|layout| object_at(fleet, layout, spot)))
    }
}

/// Draws the map.
#[component]
pub fn Map() -> impl IntoView {
    let (fleet, clock): (Fleet, _) = (expect_context(), use_clock());
    let page = use_state();
    let look = page.look();
    let grouping = Memo::new(move |_| look.with(|look| Grouping::read(look.group.as_deref())));
    let mode = Memo::new(move |_| {
        let chosen = look.with(|look| look.colour.as_deref().and_then(Mode::by_id));
        chosen.unwrap_or_else(|| fleet.view.fleet(Mode::first).unwrap_or_default())
    });
    let frame = NodeRef::<Div>::new();
    let size = use_size(frame);
    let (zoom, scroll) = (Memo::new(move |_| look.with(|look| look.zoom)), RwSignal::new((0.0, 0.0)));
    let groups = Memo::new(move |_| {
        let (unseen, grouping) = (fleet.unseen.get(), grouping.get());
        let of = |view: &FleetView| Groups::of(view, grouping, &unseen);
        fleet.view.fleet_by(grouping.parts(), of).unwrap_or_default()
    });
    let layout = Memo::new(move |_| {
        let size = size.get();
        groups.with(|groups| {
            let (width, height) = (device(size.width, size.dpr), device(size.height, size.dpr));
            lay_out_zoomed(&groups.plans(), width, height, size.dpr, zoom.get())
        })
    });
    let window = Memo::new(move |_| {
        let (size, (left, top)) = (size.get(), scroll.get());
        let whole = |css: f64| device(css, size.dpr);
        layout.with(|layout| in_sight(layout, (whole(left), whole(top)), (whole(size.width), whole(size.height))))
    });
    let picked = Memo::new(move |_| {
        let of = |view: &FleetView| {
            layout.with(|layout| page.area().with(|area| picked_cells(layout, view, area)))
        };
        fleet.view.fleet_by(&[Part::Nodes], of).unwrap_or_default()
    });
    // How long GPUs are held moves on by the minute: redrawing 10,000 cells each second would show nothing new.
    let minute = Memo::new(move |_| Stamp(clock.now().0.div_euclid(60_000) * 60_000));
    // Each frame has a time of its own: of what is measured it changes only what grew too old by then.
    let too_old = Memo::new(move |_| {
        let now = fleet.view.as_of().unwrap_or_default();
        fleet.view.fleet_by(&[Part::Telemetry], |view| view.telemetry.stale(now))
    });
    let scene = Memo::new(move |_| {
        let as_of = || fleet.view.as_of().unwrap_or_default();
        let now = match mode.get() {
            Mode::HeldFor => minute.get(),
            Mode::Measured(_) => {
                too_old.track();
                untrack(as_of)
            }
            Mode::Age => as_of(),
            Mode::Allocation | Mode::Health => Stamp::default(),
        };
        let stale = groups.with(|groups| {
            fleet.heard.with(|heard| {
                let is_stale = |id| heard.get(id).is_some_and(|heard| heard.1);
                groups.clusters.iter().map(|cluster| !cluster.ghost && is_stale(&cluster.id)).collect()
            })
        });
        let (mode, picked) = (mode.get(), picked.get());
        layout
            .with(|layout| {
                let of = |view: &FleetView| Scene { picked, ..scene_of(layout, view, mode, stale, now) };
                fleet.view.fleet_by(parts_of(mode), of)
            })
            .unwrap_or_default()
    });
    let legend = Memo::new(move |_| scene.with(legend_of));
    let state = MapState {
        mode,
        grouping,
        groups,
        layout,
        legend,
        frame,
        zoom,
        scroll,
        window,
        lasso: RwSignal::new(None),
        by_hand: RwSignal::new(false),
        anchor: StoredValue::new(None),
        hover: RwSignal::new(None),
        spoken: RwSignal::new(String::new()),
    };
    on_command(Command::MapColour, move || {
        show_in(page, mode.get_untracked().next());
        true
    });
    // One layer at a time: what is picked goes before the inspector does.
    on_command(Command::Close, move || {
        let any = !page.area().with_untracked(Area::is_empty);
        page.pick(Area::default());
        any
    });
    on_command(Command::MapGroup, move || {
        group_by(page, grouping.get_untracked().next());
        true
    });
    let nothing = Memo::new(move |_| fleet.view.loaded() && groups.with(|groups| groups.clusters.is_empty()));
    view! {
        <section class="map-area" aria-label="Map">
            <head::MapHead map=state />
            <div class="map-row">
                <div class="map-box" class:zoomed=move || zoom.get() != 0 node_ref=frame on:scroll=move |_| state.scrolled()>
                    <stage::Stage map=state scene=scene />
                    <Show when=move || nothing.get()><NothingInScope /></Show>
                </div>
                <Opening />
            </div>
        </section>
    }
}

/// Chooses a colour.
pub(super) fn show_in(page: State, mode: Mode) {
    page.set_look(|look| look.colour = Some(mode.id().into()));
}

/// Chooses what the map is grouped by.
pub(super) fn group_by(page: State, grouping: Grouping) {
    page.set_look(|look| look.group = (grouping != Grouping::default()).then(|| grouping.id().into()));
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the size of a screen")]
pub fn device(css: f64, dpr: f64) -> u32 {
    (css * dpr).floor().max(0.0) as u32
}

/// The parts of a fleet that a colour shows. Thousands of cells are not thought over again for what it does not.
fn parts_of(mode: Mode) -> &'static [Part] {
    match mode {
        Mode::Measured(_) | Mode::Age => &[Part::Nodes, Part::Findings, Part::Telemetry],
        Mode::HeldFor => &[Part::Nodes, Part::Findings, Part::Pods],
        Mode::Allocation | Mode::Health => &[Part::Nodes, Part::Findings],
    }
}

pub fn scene_of(layout: &Layout, view: &FleetView, mode: Mode, stale: Vec<bool>, now: Stamp) -> Scene {
    let mut scene = Scene { stale, ..Scene::default() };
    let (firsts, inks): (Vec<usize>, _) = (first_gpus(view), Inks::new(mode, view, now));
    for place in &layout.nodes {
        // The layout may be one frame behind: what is gone is drawn as not known.
        let at = place.node as usize;
        let node = view.nodes.rows().get(at);
        scene.cordoned.push(node.is_some_and(|node| node.cordoned));
        let (Some(node), Some(first)) = (node, firsts.get(at)) else { continue };
        if layout.node_is_cell {
            scene.inks.push(inks.of_node(at, *first));
        } else {
            let hit = inks.hit(node);
            scene.inks.extend((0..usize::from(place.gpus)).map(|slot| match slot < node.gpus.len() {
                true => inks.of(GpuAt { node, slot, at: first + slot }, hit),
                false => Ink::NoData,
            }));
        }
    }
    scene
}

/// Whether each cell is picked, in the order of the scene's; empty if none is.
fn picked_cells(layout: &Layout, view: &FleetView, area: &Area) -> Arc<[bool]> {
    if area.is_empty() {
        return Arc::default();
    }
    let cells = layout.nodes.iter().flat_map(|place| {
        let node = view.nodes.rows().get(place.node as usize).filter(|node| area.holds_node(&node.id));
        let cells = if layout.node_is_cell { 1 } else { place.gpus };
        (0..cells).map(move |slot| node.is_some_and(|node| layout.node_is_cell || area.holds(&node.id, slot)))
    });
    cells.collect()
}

/// The place of each node's first GPU in the columns.
fn first_gpus(view: &FleetView) -> Vec<usize> {
    let sizes = view.nodes.rows().iter().map(|node| node.gpus.len());
    sizes.scan(0, |next, size| Some(std::mem::replace(next, *next + size))).collect()
}

fn legend_of(scene: &Scene) -> Legend {
    Legend::of(&scene.inks, scene.cordoned.contains(&true), scene.stale.contains(&true))
}

/// What is caught of a fleet.
fn area_of(layout: &Layout, view: &FleetView, drawn: &Drawn) -> Area {
    let mut area = Area::default();
    for caught in layout.caught(drawn) {
        let place = layout.nodes.get(caught.at).map(|place| place.node as usize);
        let Some(node) = place.and_then(|at| view.nodes.rows().get(at)) else { continue };
        match caught.slots {
            None => area.pick_node(node.id.clone()),
            Some(slots) => slots.into_iter().for_each(|slot| area.pick(node.id.clone(), slot)),
        }
    }
    area
}

/// The object that stands somewhere: a GPU, or a node where nodes are single cells.
fn object_at(fleet: Fleet, layout: &Layout, spot: Spot) -> Option<ObjectRef> {
    let place = layout.nodes.get(spot.at)?;
    let node = fleet.view.fleet(|view| view.nodes.rows().get(place.node as usize).map(|node| node.id.clone()));
    let node = node.flatten()?;
    Some(if layout.node_is_cell { ObjectRef::Node(node) } else { ObjectRef::Gpu(node, spot.gpu) })
}
