//! The fleet: how much of it works, where each GPU is and what it does, and the tables behind that.

mod alert_rows;
mod columns;
mod funnel;
pub mod groups;
pub mod map;
mod opening;
mod picked;
mod room_rows;
mod rows;
#[cfg(test)]
pub(crate) mod sample;
mod serving;
mod silhouette;
mod sorting;
mod strip;
mod tables;
mod welcome;

use crate::{
    keys::Command,
    link::use_link,
    mirror::{Part, Watched, use_view},
    once::live,
    parts::{button::Button, empty::Empty, icon::Icon, problem::ProblemCard, show::Show},
    screens::Screen,
    state::use_state,
};
use leptos::prelude::*;
use picked::Picked;
use pilothouse_wire::{
    ConnectionId, Freshness, ViewSpec,
    frame::SourceState,
    view::{FleetSpec, FleetView},
};
use rows::Heard;
use tables::Tab;

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "fleet",
    name: "Fleet",
    about: "Clusters, nodes, GPUs and pods: what works, what is held, what is free.",
    icon: Icon::Fleet,
    go: Command::GoFleet,
    scoped: true,
    view: || view! { <FleetScreen /> }.into_any(),
};

/// What every part of this screen reads.
#[derive(Clone, Copy)]
pub(crate) struct Fleet {
    /// The fleet in scope.
    pub view: Watched,
    /// Where GPUs are free, and why pods wait.
    pub room: Watched,
    /// GPUs that do nothing.
    pub waste: Watched,
    /// The connections, for what is on its way and what could be connected.
    pub connections: Watched,
    /// What belongs to the GPUs that a person picked on the map.
    pub picked: Memo<Option<Picked>>,
    /// Sources of the fleet with their freshness.
    pub sources: Memo<Vec<SourceState>>,
    /// When each cluster was last heard, and whether that is too long ago.
    pub heard: Memo<Heard>,
    /// Sources that are on their way, with their names.
    pub coming: Memo<Vec<(ConnectionId, String)>>,
    /// Sources of which nothing was ever read, with their names: their place on the map is outlined.
    pub unseen: Memo<Vec<(ConnectionId, String)>>,
}

impl Fleet {
    fn watch() -> Self {
        let (state, link) = (use_state(), use_link());
        let scope = move || FleetSpec { scope: state.scope().get() };
        let view = use_view(Memo::new(move |_| ViewSpec::Fleet(scope())));
        let room = use_view(Memo::new(move |_| ViewSpec::Room(scope())));
        // Waste is reckoned for those who look at it: until then this is the room, which is watched anyway.
        let is_open = Memo::new(move |_| state.tab().with(|word| Tab::read(word.as_deref()) == Tab::Waste));
        let waste = use_view(Memo::new(move |_| match is_open.get() {
            true => ViewSpec::Waste(scope()),
            false => ViewSpec::Room(scope()),
        }));
        let connections = use_view(ViewSpec::Connections);
        let picked = Memo::new(move |_| {
            let of = |view: &FleetView| state.area().with(|area| Picked::of(area, view));
            view.fleet_by(&[Part::Nodes, Part::Pods], of).flatten()
        });
        let sources = Memo::new(move |_| view.sources());
        let heard = Memo::new(move |_| {
            // Behind a cut link everything is as it was.
            let cut = !link.is_open();
            let row = |source: &SourceState| (source.id.clone(), (source.heard, cut || !source.freshness.is_fresh()));
            sources.with(|sources| sources.iter().map(row).collect())
        });
        let named = move |wanted: fn(&SourceState) -> bool| {
            let name = |source: &SourceState| (source.id.clone(), source.name.clone());
            Memo::new(move |_| {
                sources.with(|sources| sources.iter().filter(|source| wanted(source)).map(name).collect::<Vec<_>>())
            })
        };
        let coming = named(|source| source.freshness == Freshness::Starting && source.heard.is_none());
        let unseen = named(|source| source.heard.is_none());
        Self { view, room, waste, connections, picked, sources, heard, coming, unseen }
    }
}

/// What the screen shows as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// No frame came yet.
    Nothing,
    /// Nothing is connected.
    Welcome,
    /// The fleet.
    Fleet,
}

#[component]
fn FleetScreen() -> impl IntoView {
    let (fleet, state) = (Fleet::watch(), use_state());
    provide_context(fleet);
    let shows = Memo::new(move |_| {
        let known = fleet.view.fleet(|fleet| !fleet.clusters.is_empty());
        match known {
            None => Shows::Nothing,
            // A scope may name what is not connected any more: that is not a first start.
            Some(false) if fleet.sources.with(Vec::is_empty) && state.scope().with(Vec::is_empty) => Shows::Welcome,
            Some(_) => Shows::Fleet,
        }
    });
    live(move || match shows.get() {
        Shows::Nothing => match fleet.view.problem() {
            Some(problem) => {
                view! { <div class="page"><ProblemCard title="The fleet cannot be shown" problem=problem /></div> }
                    .into_any()
            }
            None => view! { <opening::Outlines /> }.into_any(),
        },
        Shows::Welcome => view! { <welcome::Welcome /> }.into_any(),
        Shows::Fleet => view! {
            <h1 class="unseen">"Fleet"</h1>
            <funnel::Funnel />
            <map::Map />
            <strip::Strip />
        }
        .into_any(),
    })
}

/// A scope that holds nothing: said where the map would be.
#[component]
fn NothingInScope() -> impl IntoView {
    let state = use_state();
    let narrowed = move || state.scope().with(|scope| !scope.is_empty());
    view! {
        <Empty
            title="No GPU in this scope"
            what="The clusters in scope have no node with GPUs, or are not connected. What is known of them is in the tables below."
        >
            <Show when=narrowed>
                <Button label="Show all clusters" on_press=move || state.set_scope(Vec::new()) />
            </Show>
        </Empty>
    }
}
