//! What was told, the newest first, each with the moment that it opens.

use crate::{
    mirror::Watched,
    parts::{
        age::Age,
        mark::Mark,
        show::{Show, each},
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    notice::{Delivery, Notice},
    units::{visible, visible_lines},
};

/// The card of what was told.
#[component]
pub fn Told(view: Watched) -> impl IntoView {
    let notices = Memo::new(move |_| view.notices(|view| view.notices.clone()).unwrap_or_default());
    let told_here = Memo::new(move |_| view.notices(|view| view.told_here).unwrap_or_default());
    view! {
        <section class="card told" data-test="told">
            <header class="card-head"><h2 class="lead">"Told since the start"</h2></header>
            <Show
                when=move || notices.with(|notices| !notices.is_empty())
                fallback=move || view! { <Nothing told_here=told_here /> }
            >
                <ul class="told-list">
                    {each(
                        move || notices.get(),
                        |notice| (notice.number, notice.delivery == Delivery::Waiting),
                        |notice| view! { <One notice=notice /> }.into_any(),
                    )}
                </ul>
            </Show>
        </section>
    }
}

#[component]
fn Nothing(told_here: Memo<bool>) -> impl IntoView {
    let words = move || {
        if told_here.get() {
            "Nothing yet. What you ask for is shown on this desktop and listed here; a click opens its moment."
        } else {
            "Nothing is told here: that is for the desktop window to do."
        }
    };
    view! { <div class="card-body"><p class="soft">{move || words()}</p></div> }
}

#[component]
fn One(notice: Notice) -> impl IntoView {
    let (state, address) = (use_state(), notice.address());
    let opens = notice.object.is_some();
    let not_shown = match &notice.delivery {
        Delivery::NotShown(problem) => Some(format!("{} {}", problem.what, problem.why.clone().unwrap_or_default())),
        Delivery::Waiting | Delivery::Shown => None,
    };
    view! {
        <li class="told-one" data-test="told-one">
            <Mark status=notice.status size=12 />
            <div>
                <p class="line">
                    <span class="name" dir="auto">{visible(&notice.title)}</span>
                    <span class="fill"></span>
                    <Age of=Some(notice.at) />
                </p>
                <p class="soft told-text" dir="auto">{visible_lines(&notice.text)}</p>
                {not_shown.map(|why| view! { <p class="small warn" data-test="told-not-shown" dir="auto">{visible(&why)}</p> })}
                {opens.then(|| view! {
                    <button type="button" class="link" on:click=move |_| state.go(address.clone())>"Open this moment"</button>
                })}
            </div>
        </li>
    }
}
