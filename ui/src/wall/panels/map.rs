//! The map of a wall: the same cells as on the fleet's screen, as large as there is room for, and nothing to point at.

use super::super::Wall;
use crate::{
    mirror::Part,
    once::CollectAny,
    parts::{
        map::{
            canvas::MapCanvas,
            ink::{Legend, Mode},
            layout::{Layout, Rect, lay_out},
            paint::Scene,
        },
        mark::{Mark, of_freshness},
        size::use_size,
    },
    screens::fleet::{
        groups::{Grouping, Groups},
        map::{device, legend_items, scene_of},
    },
};
use leptos::{html::Div, prelude::*};
use pilothouse_wire::{
    ConnectionId, Freshness, Stamp,
    frame::SourceState,
    units::{count, visible},
    view::{FleetView, Status},
};

/// The map's own pixels are this many units of the wall: its words are then legible from afar.
const LARGER: f64 = 1.7;

/// The map, its headings and its legend.
#[component]
pub fn Map() -> impl IntoView {
    let wall: Wall = expect_context();
    let node = NodeRef::<Div>::new();
    let size = use_size(node);
    let unseen = Memo::new(move |_| {
        let never = |source: &&SourceState| source.heard.is_none();
        wall.sources.with(|sources| {
            sources.iter().filter(never).map(|source| (source.id.clone(), source.name.clone())).collect::<Vec<_>>()
        })
    });
    let groups = Memo::new(move |_| {
        let of = |view: &FleetView| unseen.with(|unseen| Groups::of(view, Grouping::Pool, unseen));
        wall.fleet.fleet_by(Grouping::Pool.parts(), of).unwrap_or_default()
    });
    let layout = Memo::new(move |_| {
        let size = size.get();
        // Device pixels to one of the map's own.
        let dpr = size.dpr * wall.screen.scale() * LARGER;
        let own = |units: f64| device(units / LARGER, dpr);
        groups.with(|groups| lay_out(&groups.plans(), own(size.width), own(size.height), dpr))
    });
    let window = Memo::new(move |_| layout.with(|layout| Rect { x: 0, y: 0, w: layout.width, h: layout.height }));
    let mode = Memo::new(move |_| {
        wall.fleet.fleet_by(&[Part::Nodes, Part::Telemetry, Part::Totals], Mode::first).unwrap_or_default()
    });
    let stale = Memo::new(move |_| {
        let linked = wall.link.is_open();
        let is_old = |id: &ConnectionId| {
            wall.sources.with(|sources| {
                !linked || sources.iter().any(|source| source.id == *id && !source.freshness.is_fresh())
            })
        };
        groups.with(|groups| {
            groups.clusters.iter().map(|cluster| !cluster.ghost && is_old(&cluster.id)).collect::<Vec<_>>()
        })
    });
    let scene = Memo::new(move |_| {
        let now = match mode.get() {
            Mode::Measured(_) | Mode::Age | Mode::HeldFor => wall.fleet.as_of().unwrap_or_default(),
            Mode::Allocation | Mode::Health => Stamp::default(),
        };
        let stale = stale.get();
        let of = |view: &FleetView| layout.with(|layout| scene_of(layout, view, mode.get(), stale, now));
        wall.fleet.fleet_by(&[Part::Nodes, Part::Telemetry, Part::Findings, Part::Pods], of).unwrap_or_default()
    });
    let legend = Memo::new(move |_| {
        scene.with(|scene: &Scene| Legend::of(&scene.inks, scene.cordoned.contains(&true), scene.stale.contains(&true)))
    });
    let headings = move || groups.with(|groups| layout.with(|layout| headings(wall, groups, layout)));
    view! {
        <section class="wall-map" data-test="wall-map">
            <div class="wall-map-box" node_ref=node>
                <div class="wall-map-inner" style:transform=format!("scale({LARGER})")>
                    <MapCanvas layout=layout scene=scene window=window />
                    {move || headings()}
                </div>
            </div>
            <Key mode=mode legend=legend />
        </section>
    }
}

fn headings(wall: Wall, groups: &Groups, layout: &Layout) -> impl IntoView + use<> {
    let css = |n: u32| format!("{}px", f64::from(n) / layout.dpr.max(0.1));
    let one = |(cluster, rect): (&crate::screens::fleet::groups::ClusterGroup, &Rect)| {
        let (left, top, width) = (css(rect.x), css(rect.y), css(rect.w));
        let gpus = if cluster.ghost { String::new() } else { format!("{} GPUs", count(cluster.gpus)) };
        let id = cluster.id.clone();
        view! {
            <div class="wall-cluster" style:left=left style:top=top style:max-width=width>
                <span class="strong" dir="auto">{visible(&cluster.name)}</span>
                {move || about(wall, &id, &gpus)}
            </div>
        }
    };
    groups.clusters.iter().zip(&layout.clusters).map(one).collect_any()
}

/// How many GPUs a cluster has; or that it is not seen, by shape and word.
fn about(wall: Wall, id: &ConnectionId, gpus: &str) -> AnyView {
    let source = wall.sources.with(|sources| sources.iter().find(|source| source.id == *id).cloned());
    match source.filter(|source| source.freshness == Freshness::Lost || source.freshness == Freshness::Stale) {
        Some(source) => {
            let status = of_freshness(source.freshness);
            let class = if status == Status::Bad { "bad strong" } else { "warn strong" };
            view! { <Mark status=status size=10 /><span class=class>{source.freshness.word()}</span> }.into_any()
        }
        None => view! { <span class="faint">{gpus.to_owned()}</span> }.into_any(),
    }
}

/// What the colours mean: exactly those that are shown.
#[component]
fn Key(mode: Memo<Mode>, legend: Memo<Legend>) -> impl IntoView {
    view! {
        <div class="wall-key">
            <span>{move || mode.get().name()}</span>
            <ul class="legend">{move || legend.with(|legend| legend_items(legend, mode.get()))}</ul>
            <super::AsOf />
        </div>
    }
}
