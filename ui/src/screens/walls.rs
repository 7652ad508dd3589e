//! How to put the wall on a screen: here, in another browser, on another machine.

mod door;

use crate::{
    keys::Command,
    once::CollectAny,
    parts::{
        button::{Button, Weight, copy},
        icon::Icon,
        show::Show,
    },
    screens::Screen,
    shell::toast::use_toasts,
    state::use_state,
    wall,
};
use leptos::prelude::*;
use pilothouse_wire::address::Address;

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "walls",
    name: "Wall",
    about: "One screen for a room, legible from afar: what needs a person, since when, how old everything is.",
    icon: Icon::Screen,
    go: Command::GoWall,
    scoped: true,
    view: || view! { <Walls /> }.into_any(),
};

/// A way to a wall: what for, and what is typed.
const WAYS: [(&str, &str, &str); 3] = [
    (
        "In another browser of this machine",
        "The printed address works once; the screen is then known for 30 days, over restarts too.",
        "pilothouse serve --wall",
    ),
    (
        "A token, for screens of other machines",
        "It is shown once, kept as a hash, ends by itself, and can be revoked: pilothouse serve token list.",
        "pilothouse serve token new lobby --expires 30d",
    ),
    (
        "On another machine",
        "Open the printed address there: it works once. For another screen: pilothouse serve code.",
        "pilothouse serve --wall --listen 0.0.0.0 --name NAME --cert FILE --key FILE",
    ),
];

#[component]
fn Walls() -> impl IntoView {
    let (state, toasts) = (use_state(), use_toasts());
    let show = move || {
        let scope = state.scope().get_untracked();
        state.go(Address { screen: wall::ROUTE.into(), scope, ..Address::default() });
    };
    let way = move |(title, about, command): (&'static str, &'static str, &'static str)| {
        view! {
            <section class="card">
                <header class="card-head"><h2>{title}</h2></header>
                <div class="card-body walls-way">
                    <p class="soft">{about}</p>
                    <p class="line">
                        <code class="mono clip fill">{command}</code>
                        <Button label="Copy command" on_press=move || copy(command.to_owned(), toasts) />
                    </p>
                </div>
            </section>
        }
    };
    view! {
        <div class="page walls" data-test="walls">
            <h1 class="title">"Wall"</h1>
            <p class="soft">
                "Nobody touches it and everybody reads it. While nothing is wrong it turns through fleet, health and changes; \
                 what is wrong stays until it ends. It shows no YAML, no logs, no settings and no search, and finds its way \
                 back over restarts. An address can pin what it shows: /wall?show=fleet,changes&scope=iad-prod."
            </p>
            <p><Button label="Show it here" weight=Weight::Primary on_press=show test="wall-here" /> " Esc comes back."</p>
            <Show when=move || state.may_act()><door::Door /></Show>
            {WAYS.map(way).collect_any()}
        </div>
    }
}
