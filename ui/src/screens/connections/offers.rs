//! Contexts that were found in kubeconfigs: offered, not contacted until a person chooses.

use super::acting::Acting;
use crate::{
    keys::{Command, on_command},
    mirror::Watched,
    parts::{
        button::{Button, Weight},
        icon::{Icon, Sign},
        show::{Show, each},
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{sort, units::visible, view::OfferedContext};

/// The keys of the first three.
const KEYS: [Command; 3] = [Command::Connect1, Command::Connect2, Command::Connect3];

/// Draws the contexts that are not connected yet. Needs an [`Acting`].
#[component]
pub fn Offers(view: Watched) -> impl IntoView {
    let (state, acting): (_, Acting) = (use_state(), expect_context());
    let offered = Memo::new(move |_| {
        let open = view.connections(|view| {
            view.offered.iter().filter(|offer| offer.connected_as.is_none()).cloned().collect::<Vec<_>>()
        });
        open.unwrap_or_default()
    });
    let connect = move |offer: &OfferedContext| {
        let kinds = untrack(|| view.connections(|view| view.kinds.clone()).unwrap_or_default());
        acting.connect(offer, &kinds);
    };
    if state.may_act() {
        for (at, command) in KEYS.into_iter().enumerate() {
            on_command(command, move || {
                let offer = offered.with_untracked(|offered| offered.get(at).cloned());
                offer.map(|offer| connect(&offer)).is_some()
            });
        }
    }
    let head = move || {
        let (count, files) = offered.with(|offered| {
            let mut files: Vec<&str> = offered.iter().map(|offer| offer.file.as_str()).collect();
            sort::sort(&mut files);
            files.dedup();
            (offered.len(), files.join(", "))
        });
        let contexts = if count == 1 { "1 context".to_owned() } else { format!("{count} contexts") };
        format!("{contexts} in {}", visible(&files))
    };
    view! {
        <Show when=move || offered.with(|offered| !offered.is_empty())>
            <section class="card offers" data-test="offers">
                <header class="card-head">
                    <h2 class="lead">"Found in your kubeconfig"</h2>
                    <span class="faint clip" dir="auto">{move || head()}</span>
                </header>
                {each(
                    move || numbered(offered.get()),
                    |(at, offer)| (*at, offer.context.clone(), offer.file.clone()),
                    move |(at, offer)| {
                        let chosen = offer.clone();
                        view! { <Offer at=at offer=offer on_connect=move || connect(&chosen) /> }.into_any()
                    },
                )}
            </section>
        </Show>
    }
}

fn numbered(offered: Vec<OfferedContext>) -> Vec<(usize, OfferedContext)> {
    offered.into_iter().enumerate().collect()
}

#[component]
fn Offer(at: usize, offer: OfferedContext, on_connect: impl Fn() + Send + Sync + 'static) -> impl IntoView {
    let (state, acting): (_, Acting) = (use_state(), expect_context());
    let hook = format!("offer-{}", offer.context);
    let server = offer.server.clone().unwrap_or_else(|| "no server named".into());
    let plugin = offer.plugin.as_ref().map(|plugin| {
        view! { <span class="small warn">{format!("runs {}, which you see first", visible(&plugin.command))}</span> }
    });
    let button = state.may_act().then(|| {
        let weight = if at == 0 { Weight::Primary } else { Weight::Plain };
        let busy = Signal::derive(move || acting.busy());
        match KEYS.get(at) {
            Some(key) => {
                view! { <Button label="Connect" on_press=on_connect weight=weight command=*key blocked=busy /> }
                    .into_any()
            }
            None => view! { <Button label="Connect" on_press=on_connect weight=weight blocked=busy /> }.into_any(),
        }
    });
    view! {
        <div class="offer" data-test=hook>
            <Sign icon=Icon::Connections size=14 />
            <span class="strong clip" dir="auto" title=visible(&offer.context)>
                {visible(&offer.context)}
                {offer.current.then(|| view! { " " <span class="tag">"current"</span> })}
            </span>
            <span class="offer-about">
                <span class="soft clip" dir="auto">{visible(&server)}</span>
                <span class="small faint clip" dir="auto">{format!("signs in by {}", visible(&offer.signs_in))}</span>
                {plugin}
            </span>
            {button}
        </div>
    }
}
