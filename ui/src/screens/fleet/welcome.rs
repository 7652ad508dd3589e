//! The fleet before anything is connected: what was found, the one next step, other sources, and the demo.

use super::Fleet;
use crate::{
    keys::{Command, on_command},
    once::CollectAny,
    parts::{
        button::{Button, Weight},
        show::Show,
    },
    screens::connections::{
        acting::{Acting, has_demo},
        dialogs::Dialogs,
        offers::Offers,
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{units::visible, view::OfferedContext};

/// Draws the page.
#[component]
pub fn Welcome() -> impl IntoView {
    let (fleet, state): (Fleet, _) = (expect_context(), use_state());
    let acting = Acting::provide();
    let view = fleet.connections;
    let found = Memo::new(move |_| {
        let open = |offer: &OfferedContext| offer.connected_as.is_none();
        view.connections(|view| view.offered.iter().any(open)).unwrap_or_default()
    });
    let demo = Memo::new(move |_| view.connections(|view| has_demo(&view.kinds)).unwrap_or_default());
    if state.may_act() {
        on_command(Command::OpenDemo, move || {
            let offered = demo.get_untracked();
            if offered {
                acting.open_demo();
            }
            offered
        });
    }
    let title = move || {
        if found.get() { "Connect a cluster, or look at a made-up one first" } else { "No cluster is connected yet" }
    };
    view! {
        <div class="page welcome" data-test="empty">
            <h1 class="hero">{move || title()}</h1>
            <p class="lead soft">
                "Pilothouse reads what your kubeconfig may read: nodes, GPUs, who holds them, what waits. It changes nothing."
            </p>
            <div class="welcome-cards">
                <div class="welcome-found">
                    <Offers view=view />
                    <Show when=move || !found.get()><NothingFound /></Show>
                    <Show when=move || !state.may_act()><ReadOnlyCard found=found /></Show>
                </div>
                <section class="card demo">
                    <div class="demo-map" aria-hidden="true"><DemoPicture /></div>
                    <div class="card-body">
                        <div>
                            <h2 class="lead strong">"Demo fleet"</h2>
                            <p class="soft">
                                "Simulated GPUs in several clusters, in which things break. The word DEMO stays on every screen."
                            </p>
                        </div>
                        <div class="buttons">
                            {move || if state.may_act() && demo.get() {
                                let blocked = Signal::derive(move || acting.busy());
                                view! { <Button label="Open the demo fleet" on_press=move || acting.open_demo() command=Command::OpenDemo blocked=blocked test="open-demo" /> }.into_any()
                            } else {
                                view! { <code class="mono">"pilothouse serve --demo"</code> }.into_any()
                            }}
                        </div>
                    </div>
                </section>
            </div>
            <Show when=move || state.may_act()><Others /></Show>
        </div>
        <Dialogs view=view />
    }
}

#[component]
fn NothingFound() -> impl IntoView {
    let (state, acting): (_, Acting) = (use_state(), expect_context());
    view! {
        <section class="card">
            <div class="card-body">
                <div>
                    <h2 class="lead strong">"No kubeconfig was found"</h2>
                    <p class="soft">"Looked for ~/.kube/config and the files of KUBECONFIG. A cluster can be added by hand, too."</p>
                </div>
                <Show when=move || state.may_act()>
                    <div class="buttons">
                        <Button label="Add a connection" on_press=move || acting.add(None) weight=Weight::Primary test="connections-add" />
                    </div>
                </Show>
            </div>
        </section>
    }
}

/// The same in a door that may only read.
#[component]
fn ReadOnlyCard(found: Memo<bool>) -> impl IntoView {
    let fleet: Fleet = expect_context();
    let command = move || {
        let context = fleet.connections.connections(|view| {
            view.offered.iter().find(|offer| offer.connected_as.is_none()).map(|offer| offer.context.clone())
        });
        let context = context.flatten().filter(|_| found.get());
        // A context's name may hold anything: quoted, it is one word of the shell.
        let quoted =
            context.map_or_else(|| "NAME".into(), |name| format!("'{}'", visible(&name).replace('\'', r"'\''")));
        format!("pilothouse connect add kubernetes --context {quoted}")
    };
    view! {
        <section class="card" data-test="read-only">
            <div class="card-body">
                <p class="soft">"This page reads only. Connect in the window, or in a terminal:"</p>
                <code class="mono remedy" dir="auto">{move || command()}</code>
            </div>
        </section>
    }
}

/// Every other kind of source.
#[component]
fn Others() -> impl IntoView {
    let (fleet, acting): (Fleet, Acting) = (expect_context(), expect_context());
    let kinds = Memo::new(move |_| fleet.connections.connections(|view| view.kinds.clone()).unwrap_or_default());
    let others = move || {
        let kinds = kinds.get().into_iter().filter(|form| !has_demo(std::slice::from_ref(form)));
        kinds
            .map(|form| {
                let id = form.id.clone();
                view! {
                    <button type="button" class="card source" on:click=move |_| acting.add(Some(id.clone()))>
                        <span class="name">{form.name}</span>
                        <span class="small faint">{form.summary}</span>
                    </button>
                }
            })
            .collect_any()
    };
    view! {
        <h2 class="small faint">"Or add a source by hand"</h2>
        <div class="sources">{move || others()}</div>
    }
}

/// A small map, drawn from steps of the scale: 11 nodes a row, 8 rows.
#[component]
fn DemoPicture() -> impl IntoView {
    let cells = (0..8u32).flat_map(|row| (0..11u32).map(move |column| (row, column)));
    let nodes = cells.map(|(row, column)| {
        let gpus = (0..8u32).map(|gpu| {
            let (x, y) = (column * 36 + gpu % 4 * 8, row * 20 + gpu / 4 * 8);
            let class = picture_class(row, column, gpu);
            view! { <rect class=class x=x y=y width="7" height="7" /> }
        });
        gpus.collect_any()
    });
    view! { <svg viewBox="0 0 395 156" preserveAspectRatio="xMinYMin slice">{nodes.collect_any()}</svg> }
}

/// The step of one cell of the small map: made up, and always the same.
fn picture_class(row: u32, column: u32, gpu: u32) -> &'static str {
    if (row, column, gpu) == (3, 4, 5) {
        return "cell-lost";
    }
    if row == 5 && column < 3 {
        return "cell-free";
    }
    const STEPS: [&str; 9] = ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"];
    let load = (row * 11 + column).wrapping_mul(2_654_435_761) >> 8;
    let mine = (gpu + load).wrapping_mul(40_503) >> 6;
    let step = 2 + load % 5 + mine % 3;
    STEPS[step.min(8) as usize]
}
