//! The connections: how each is, why it is not well and what comes next, and what could be connected.

pub(crate) mod acting;
mod cards;
mod consent;
mod cut;
pub(crate) mod dialogs;
mod edit;
mod inside;
pub(crate) mod offers;
mod rights;
mod rows;
mod small;
mod words;

#[cfg(test)]
pub(crate) use words::sample;

use crate::{
    keys::{Command, on_command},
    mirror::{Watched, use_view},
    once::{CollectAny, live},
    parts::{
        button::Button,
        icon::Icon,
        problem::{ProblemCard, ProblemRows},
        show::Show,
    },
    screens::Screen,
    state::use_state,
};
use acting::Acting;
use leptos::prelude::*;
use pilothouse_wire::{ViewSpec, view::VaultState};

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "connections",
    name: "Connections",
    about: "Clusters and other sources: how each is, and what could be added.",
    icon: Icon::Connections,
    go: Command::GoConnections,
    scoped: false,
    view: || view! { <ConnectionsScreen /> }.into_any(),
};

#[component]
fn ConnectionsScreen() -> impl IntoView {
    let (state, view) = (use_state(), use_view(ViewSpec::Connections));
    let acting = Acting::provide();
    if state.may_act() {
        on_command(Command::AddConnection, move || {
            acting.add(None);
            true
        });
    }
    let none = Memo::new(move |_| view.connections(|view| view.rows.is_empty()) == Some(true));
    let count_words = move || view.connections(|view| words::count_words(view.rows.rows()));
    let problems = Memo::new(move |_| view.connections(|view| view.problems.clone()).unwrap_or_default());
    let shown = move || match (view.loaded(), view.problem()) {
        (false, Some(problem)) => {
            view! { <ProblemCard title="The connections cannot be shown" problem=problem /> }.into_any()
        }
        (false, None) => view! { <p class="faint">"Waiting for the first frame of the engine."</p> }.into_any(),
        (true, _) => view! {
            <cut::Cut view=view />
            <VaultCard view=view />
            <cards::Cards view=view />
            <Show when=move || !none.get()><rows::Rows view=view /></Show>
            <inside::Inside view=view />
            <offers::Offers view=view />
            {move || problems.get().into_iter().map(|problem| view! {
                <section class="card"><div class="card-body"><ProblemRows problem=problem /></div></section>
            }).collect_any()}
            <Show when=move || !state.may_act()><ReadOnly /></Show>
        }
        .into_any(),
    };
    view! {
        <div class="page connections" data-test="connections">
            <header class="page-head">
                <h1 class="unseen">"Connections"</h1>
                <span class="soft" role="status">{move || count_words()}</span>
                <span class="fill"></span>
                <Show when=move || state.may_act()>
                    <Button
                        label="Add a connection"
                        on_press=move || acting.add(None)
                        command=Command::AddConnection
                        test="connections-add"
                    />
                </Show>
            </header>
            {move || shown()}
        </div>
        <dialogs::Dialogs view=view />
    }
}

/// How it is done where this page may not.
#[component]
pub(crate) fn ReadOnly() -> impl IntoView {
    view! {
        <p class="read-only-note soft" data-test="read-only">
            "This page reads only. Add a connection in the window, or in a terminal: "
            <code class="mono">"pilothouse connect add kubernetes --context NAME"</code>
        </p>
    }
}

/// A locked file of secrets: what waits for it, and the one next step.
#[component]
fn VaultCard(view: Watched) -> impl IntoView {
    let (state, acting): (_, Acting) = (use_state(), expect_context());
    let locked = Memo::new(move |_| {
        view.connections(|view| match &view.vault {
            VaultState::FileLocked { why, exists } => Some((why.clone(), *exists)),
            VaultState::NotNeeded | VaultState::Keyring | VaultState::FileOpen => None,
        })
        .flatten()
    });
    live(move || {
        locked.get().map(|(why, exists)| {
            let title = if exists { "Secrets wait for their passphrase" } else { "Secrets have no place yet" };
            let label = if exists { "Unlock the secrets" } else { "Choose a passphrase" };
            view! {
                <section class="card vault" data-test="vault">
                    <div class="card-body line-between">
                        <div>
                            <h2 class="lead">{title}</h2>
                            <p class="soft" dir="auto">{pilothouse_wire::units::visible(&why)}</p>
                        </div>
                        <Show when=move || state.may_act()>
                            <Button label=label on_press=move || acting.unlock(true) test="vault-unlock" />
                        </Show>
                    </div>
                </section>
            }
        })
    })
}
