//! Where the images of a pod come from: what runs, where its tag stands now, and how each step is known.

use crate::{
    mirror::Watched,
    parts::{age::Age, mark::StatusWord},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    units::visible,
    view::{ImageLineage, LineageLink},
};

/// Draws the section, where the object is a pod.
#[component]
pub fn Images(watched: Watched) -> impl IntoView {
    let images = super::part(watched, |object| object.images.clone());
    view! {
        <Show when=move || images.with(|images| !images.is_empty())>
            <div class="section" data-test="images">
                <h3>"Images"</h3>
                {move || images.get().into_iter().map(|image| view! { <Image image=image /> }).collect_view()}
            </div>
        </Show>
    }
}

#[component]
fn Image(image: ImageLineage) -> impl IntoView {
    let ImageLineage { container, image, verdict, sentence, links } = image;
    let (status, word) = (Signal::stored(verdict.status()), Signal::stored(verdict.word().to_owned()));
    view! {
        <article data-test="image" data-key=verdict.word()>
            <div class="line">
                <b class="clip" dir="auto">{visible(&container)}</b>
                <span class="fill"></span>
                <StatusWord status=status word=word />
            </div>
            <p class="small mono" dir="auto">{visible(&image)}</p>
            <p class="soft" dir="auto">{visible(&sentence)}</p>
            <dl class="fields">{links.into_iter().map(|link| view! { <Step link=link /> }).collect_view()}</dl>
        </article>
    }
}

#[component]
fn Step(link: LineageLink) -> impl IntoView {
    let state = use_state();
    let LineageLink { label, value, evidence, at, object } = link;
    let value = match (value, object) {
        (None, _) => view! { <span class="faint">"unknown"</span> }.into_any(),
        (Some(value), None) => view! { <span class="mono" dir="auto">{visible(&value)}</span> }.into_any(),
        (Some(value), Some(object)) => view! {
            <button type="button" class="plain mono" dir="auto" on:click=move |_| state.select(Some(object.clone()))>
                {visible(&value)}
            </button>
        }
        .into_any(),
    };
    let age = at.map(|at| view! { <span class="faint">" " <Age of=Signal::stored(Some(at)) /> " ago"</span> });
    view! {
        <dt dir="auto">{visible(&label)}</dt>
        <dd>
            {value} {age}
            <p class="small soft" dir="auto">{visible(&evidence)}</p>
        </dd>
    }
}
