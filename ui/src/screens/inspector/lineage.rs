//! Where what a pod runs comes from, container by container: its image and its models, where tag and alias stand now, and how
//! each step is known.

use crate::{
    mirror::Watched,
    once::CollectAny,
    parts::{age::Age, mark::StatusWord, show::Show},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    SmolStr,
    units::visible,
    view::{Lineage, LineageLink},
};

/// Draws the section, where the object is a pod.
#[component]
pub fn Lineages(watched: Watched) -> impl IntoView {
    let all = super::part(watched, |object| object.lineage.clone());
    let chains = move || {
        let chain = |(container, of): (SmolStr, Vec<Lineage>)| {
            view! {
                <h4 dir="auto">{visible(&container)}</h4>
                {of.into_iter().map(|of| view! { <One of=of /> }).collect_any()}
            }
        };
        by_container(all.get()).into_iter().map(chain).collect_any()
    };
    view! {
        <Show when=move || all.with(|all| !all.is_empty())>
            <div class="section" data-test="lineage"><h3>"Where it comes from"</h3>{move || chains()}</div>
        </Show>
    }
}

/// One chain a container, in their order.
fn by_container(all: Vec<Lineage>) -> Vec<(SmolStr, Vec<Lineage>)> {
    let mut chains: Vec<(SmolStr, Vec<Lineage>)> = Vec::new();
    for of in all {
        match chains.iter_mut().find(|(container, _)| *container == of.container) {
            Some((_, chain)) => chain.push(of),
            None => chains.push((of.container.clone(), vec![of])),
        }
    }
    chains
}

#[component]
fn One(of: Lineage) -> impl IntoView {
    let Lineage { of, named, verdict, sentence, links, .. } = of;
    let (status, word) = (Signal::stored(verdict.status()), Signal::stored(verdict.word().to_owned()));
    view! {
        <article data-test=of.word() data-key=verdict.word()>
            <div class="line">
                <span class="small mono clip" dir="auto">{visible(&named)}</span>
                <span class="fill"></span>
                <StatusWord status=status word=word />
            </div>
            <p class="soft" dir="auto">{visible(&sentence)}</p>
            <dl class="fields">{links.into_iter().map(|link| view! { <Step link=link /> }).collect_any()}</dl>
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
