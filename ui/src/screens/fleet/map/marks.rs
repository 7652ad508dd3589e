//! What lies over the cells: names of clusters and pools, the selection, and the label of what is under the pointer.

use super::MapState;
use crate::{
    parts::{
        age::Age,
        map::{
            lasso::Drawn,
            layout::{Layout, Rect, Spot},
        },
        mark::{Mark, tone},
    },
    screens::fleet::Fleet,
    state::{State, use_state},
    once::{CollectAny, live},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Freshness, Metric, NodeId, ObjectRef,
    units::{count, lower, sum, visible},
    view::{FleetView, GpuRow, Status},
};

/// A rectangle of the layout in CSS pixels, grown by some: left, top, width, height.
fn place(rect: Rect, dpr: f64, grow: f64) -> [String; 4] {
    let css = |n: u32| f64::from(n) / dpr.max(0.1);
    [css(rect.x) - grow, css(rect.y) - grow, css(rect.w) + 2.0 * grow, css(rect.h) + 2.0 * grow]
        .map(|length| format!("{length}px"))
}

/// The names of clusters and pools, each with what it holds, and how old it is if that is too old.
#[component]
pub fn Headings(map: MapState) -> impl IntoView {
    let fleet: Fleet = expect_context();
    let clusters = move || {
        map.groups.with(|groups| {
            map.layout.with(|layout| {
                let both = groups.clusters.iter().zip(&layout.clusters);
                both.map(|(cluster, rect)| {
                    let [left, top, width, _] = place(*rect, layout.dpr, 0.0);
                    let about = if cluster.ghost { String::new() } else { gpus_words(cluster.gpus) };
                    let id = cluster.id.clone();
                    let name = visible(&cluster.name);
                    view! {
                        <div class="map-cluster" style:left=left style:top=top style:max-width=width>
                            <span class="strong" dir="auto">{name}</span>
                            <span class="small faint">{about}</span>
                            {move || freshness_words(fleet, &id)}
                        </div>
                    }
                })
                .collect_any()
            })
        })
    };
    let pools = move || {
        map.groups.with(|groups| {
            map.layout.with(|layout| {
                let named = layout.pools.iter().filter_map(|place| {
                    let pool = groups.clusters.get(place.cluster)?.pools.get(place.pool)?;
                    Some((pool, *place, *layout.clusters.get(place.cluster)?))
                });
                named
                    .map(|(pool, at, cluster)| {
                        let rect = Rect { y: at.top, ..cluster };
                        let [left, top, width, _] = place(rect, layout.dpr, 0.0);
                        let (name, about) = (visible(&pool.name), visible(&pool.about));
                        view! {
                            <div class="map-pool" style:left=left style:top=top style:max-width=width>
                                <span class="name" dir="auto">{name}</span>
                                <span class="faint" dir="auto">{about}</span>
                            </div>
                        }
                    })
                    .collect_any()
            })
        })
    };
    view! { {move || clusters()} {move || pools()} }
}

fn gpus_words(gpus: u64) -> String {
    if gpus == 1 { "1 GPU".to_owned() } else { format!("{} GPUs", count(gpus)) }
}

/// What is not as it should be with a cluster's source, with its age.
fn freshness_words(fleet: Fleet, id: &pilothouse_wire::ConnectionId) -> Option<AnyView> {
    let source = fleet.sources.with(|sources| sources.iter().find(|source| source.id == *id).cloned())?;
    let stale = fleet.heard.with(|heard| heard.get(id).is_some_and(|heard| heard.1));
    let heard = source.heard;
    let never = move |status: Status, word: &'static str| {
        let class = format!("small strong {}", tone(status));
        view! { <span class="map-old"><Mark status=status size=9 /><span class=class>{word}</span></span> }.into_any()
    };
    let old = move |status: Status, word: &'static str| {
        let class = format!("small strong {}", tone(status));
        view! {
            <span class="map-old"><Mark status=status size=9 /><span class=class>{word}<Age of=Signal::stored(heard) />" old"</span></span>
        }
        .into_any()
    };
    Some(match source.freshness {
        Freshness::Lost if heard.is_none() => never(Status::Bad, "lost, never read"),
        Freshness::Paused if heard.is_none() => never(Status::Unknown, "paused, never read"),
        Freshness::Lost => old(Status::Bad, "lost, "),
        Freshness::Paused => old(Status::Unknown, "paused, "),
        Freshness::Starting => {
            let doing = source.note.unwrap_or_else(|| "connecting".into());
            view! { <span class="map-old"><Mark status=Status::Progress size=9 /><span class="small soft" dir="auto">{visible(&doing)}</span></span> }.into_any()
        }
        Freshness::Partial => view! {
            <span class="map-old"><Mark status=Status::Warn size=9 /><span class="small strong warn">"partial"</span></span>
        }
        .into_any(),
        Freshness::Live | Freshness::Slow | Freshness::Stale if stale => old(Status::Warn, ""),
        Freshness::Live | Freshness::Slow | Freshness::Stale => return None,
    })
}

/// The place of a node on the map.
fn spot_of(layout: &Layout, view: &FleetView, id: &NodeId) -> Option<usize> {
    let index = view.nodes.rows().binary_search_by(|node| node.id.cmp(id)).ok()?;
    let index = u32::try_from(index).ok()?;
    layout.nodes.iter().position(|place| place.node == index)
}

/// Where the arrow keys begin: at what is selected.
pub fn selected_spot(fleet: Fleet, layout: Memo<Layout>, state: State) -> Option<Spot> {
    let selected = state.selected().get()?;
    let (node, gpu) = match selected {
        ObjectRef::Gpu(node, gpu) => (node, gpu),
        ObjectRef::Node(node) => (node, 0),
        _ => return None,
    };
    layout.with(|layout| fleet.view.fleet(|view| spot_of(layout, view, &node)).flatten().map(|at| Spot { at, gpu }))
}

/// What is outlined for a selection: nodes, and cells in them.
fn outlined(layout: &Layout, view: &FleetView, selected: &ObjectRef) -> (Vec<Rect>, Vec<Rect>) {
    let node_and_cells = |id: &NodeId, holds: &dyn Fn(&GpuRow<'_>) -> bool| {
        let Some(at) = spot_of(layout, view, id) else { return (vec![], vec![]) };
        let row = view.nodes.get(id);
        let slots = row.into_iter().flat_map(|node| (0u16..).map_while(|slot| view.gpu_row(&node.id, slot)));
        let cells = slots.filter(|row| !layout.node_is_cell && holds(row));
        let cells = cells.filter_map(|row| layout.cell(Spot { at, gpu: row.index() })).collect();
        (vec![layout.nodes[at].rect], cells)
    };
    match selected {
        ObjectRef::Node(id) => node_and_cells(id, &|_| false),
        ObjectRef::Gpu(id, index) => node_and_cells(id, &|row| row.index() == *index),
        ObjectRef::Pod(pod) => {
            let node = view.pods.get(pod).and_then(|row| row.node.clone());
            let Some(name) = node else { return (vec![], vec![]) };
            node_and_cells(&NodeId { cluster: pod.cluster.clone(), name }, &|row| row.holder == Some(pod))
        }
        _ => (vec![], vec![]),
    }
}

/// The outlines of the selection and of the node under the pointer.
#[component]
pub fn Outlines(map: MapState) -> impl IntoView {
    let (fleet, state): (Fleet, _) = (expect_context(), use_state());
    let selection = Memo::new(move |_| {
        let Some(selected) = state.selected().get() else { return (vec![], vec![]) };
        map.layout.with(|layout| fleet.view.fleet(|view| outlined(layout, view, &selected))).unwrap_or_default()
    });
    let dpr = move || map.layout.with(|layout| layout.dpr);
    let draw = move |rects: Vec<Rect>, class: &'static str, grow: f64| {
        let one = move |rect: Rect| {
            let [left, top, width, height] = place(rect, dpr(), grow);
            view! { <i class=class style:left=left style:top=top style:width=width style:height=height></i> }
        };
        rects.into_iter().map(one).collect_any()
    };
    let hovered = Memo::new(move |_| {
        let spot = map.hover.get()?;
        map.layout.with(|layout| Some((layout.nodes.get(spot.at)?.rect, layout.cell(spot)?)))
    });
    view! {
        {move || draw(selection.with(|both| both.0.clone()), "map-selected", 3.0)}
        {move || draw(selection.with(|both| both.1.clone()), "map-selected-cell", 1.0)}
        {move || draw(hovered.get().iter().map(|both| both.0).collect(), "map-hover", 2.0)}
        {move || draw(hovered.get().iter().map(|both| both.1).collect(), "map-hover-cell", 1.0)}
    }
}

/// What is being drawn.
#[component]
pub fn Lasso(map: MapState) -> impl IntoView {
    live(move || {
        let dpr = map.layout.with(|layout| layout.dpr);
        Some(match map.lasso.get()? {
            Drawn::Box(area) => {
                let [left, top, width, height] = place(area, dpr, 0.0);
                view! { <i class="map-lasso" style:left=left style:top=top style:width=width style:height=height></i> }
                    .into_any()
            }
            Drawn::Line(line) => {
                let css = |at: u32| f64::from(at) / dpr.max(0.1);
                let points: String = line.points().iter().map(|(x, y)| format!("{},{} ", css(*x), css(*y))).collect();
                view! { <svg class="map-line"><polygon points=points></polygon></svg> }.into_any()
            }
        })
    })
}

/// What is said of one GPU: its name, its status, who holds it.
struct Said {
    name: String,
    status: Status,
    word: String,
    rest: String,
}

/// What is said of a place: of its GPU, or of the node as a whole.
fn said(fleet: Fleet, layout: &Layout, spot: Spot, whole: bool) -> Option<Said> {
    let at = layout.nodes.get(spot.at)?.node as usize;
    let of = |view: &FleetView| {
        let node = view.nodes.rows().get(at)?;
        if layout.node_is_cell || whole {
            let rest = format!("{} of {} GPUs held", sum(node.gpus_held()), node.gpus.len());
            return Some(Said {
                name: node.id.name.to_string(),
                status: node.status,
                word: node.status_word.to_string(),
                rest,
            });
        }
        let row = view.gpu_row(&node.id, spot.gpu)?;
        let (status, word) = row.status();
        let workload = row.pod.and_then(|pod| pod.workload.clone());
        let measured = [Metric::TensorActive, Metric::Utilisation].into_iter().find_map(|metric| {
            let reading = row.read(metric);
            reading.measured().map(|_| format!("{} {}", metric.show(reading), lower(metric.label())))
        });
        let workload = workload.or_else(|| row.holder.map(|id| id.name.clone()));
        let mut rest = [measured, workload.map(|name| name.to_string())].into_iter().flatten().collect::<Vec<_>>().join(", ");
        if node.cordoned && status == Status::Good {
            rest = format!("{rest}{}cordoned", if rest.is_empty() { "" } else { ", " });
        }
        Some(Said { name: format!("{} / {}", node.id.name, spot.gpu), status, word: word.to_string(), rest })
    };
    fleet.view.fleet(of).flatten()
}

/// The spoken line of one GPU: "h100-117, GPU 5, lost, chat-70b".
pub fn spoken(fleet: Fleet, layout: &Layout, spot: Spot) -> String {
    said(fleet, layout, spot, false).map_or_else(String::new, |said| {
        let name = said.name.replace(" / ", ", GPU ");
        let rest = if said.rest.is_empty() { String::new() } else { format!(", {}", said.rest) };
        visible(&format!("{name}, {}{rest}", lower(&said.word)))
    })
}

/// The label beside the GPU under the pointer, or else beside the selected one.
#[component]
pub fn Label(map: MapState) -> impl IntoView {
    let (fleet, state): (Fleet, _) = (expect_context(), use_state());
    let spot = Memo::new(move |_| map.hover.get().or_else(|| selected_spot(fleet, map.layout, state)));
    let is_node = move || state.selected().with(|selected| matches!(selected, Some(ObjectRef::Node(_))));
    live(move || {
        let spot = spot.get()?;
        let whole = map.hover.with(Option::is_none) && is_node();
        map.layout.with(|layout| {
            let said = said(fleet, layout, spot, whole)?;
            let rect = layout.nodes.get(spot.at)?.rect;
            let css = |n: u32| f64::from(n) / layout.dpr.max(0.1);
            // To the left where there is no room at the right.
            let flips = rect.x > layout.width * 3 / 5;
            let (left, right) = if flips {
                (None, Some(format!("{}px", css(layout.width - rect.x) + 8.0)))
            } else {
                (Some(format!("{}px", css(rect.x + rect.w) + 8.0)), None)
            };
            let top = format!("{}px", (css(rect.y) + css(rect.h) / 2.0 - 13.0).max(0.0));
            Some(view! {
                <div class="map-label" style:left=left style:right=right style:top=top data-test="map-label">
                    <b dir="auto">{visible(&said.name)}</b>
                    <span class=format!("name {}", tone(said.status)) dir="auto">{visible(&said.word)}</span>
                    <span class="soft" dir="auto">{visible(&said.rest)}</span>
                </div>
            })
        })
    })
}
