//! A model at the right: what it is, how fresh, its versions, and of them what the address asks for.

use super::{
    Here,
    compare::Compare,
    place::{Place, Versions},
    version::Version,
};
use crate::{
    mirror::Watched,
    parts::{
        age::Age,
        empty::Empty,
        mark::{StatusWord, of_freshness},
    },
};
use leptos::prelude::*;
use pilothouse_wire::{
    ModelId, SmolStr,
    units::{ABSENT, count, middle, visible},
    view::{AliasRow, ModelRow, VersionRow},
};

/// Draws the model that the address names.
#[component]
pub fn Page(view: Watched, here: Memo<Option<Place>>) -> impl IntoView {
    let chosen = Memo::new(move |_| here.with(|here| here.as_ref().map(|here| here.model.clone())));
    move || match chosen.get() {
        None => view! {
            <section class="card models-page">
                <Empty title="Choose a model" what="Its versions and aliases stand here, with the run behind each version." />
            </section>
        }
        .into_any(),
        Some(id) => view! { <Model view=view id=id here=here /> }.into_any(),
    }
}

#[component]
fn Model(view: Watched, id: ModelId, here: Memo<Option<Place>>) -> impl IntoView {
    let row = {
        let id = id.clone();
        Memo::new(move |_| view.models(|view| view.models.get(&id).cloned()).flatten())
    };
    let is_there = Memo::new(move |_| row.with(Option::is_some));
    let model = StoredValue::new(id.clone());
    let (name, registry) = (visible(&id.name), visible(id.source.as_str()));
    let source = id.source.clone();
    let fresh = Memo::new(move |_| {
        let source = view.sources().into_iter().find(|one| one.id == source)?;
        Some((source.freshness, source.note))
    });
    let freshness = move || {
        fresh.get().map(|(freshness, note)| {
            let word = note.map_or_else(|| freshness.word().to_owned(), |note| format!("{}: {note}", freshness.word()));
            view! { <StatusWord status=of_freshness(freshness) word=word /> }
        })
    };
    let description = move || row.with(|row| row.as_ref().and_then(|row| row.description.clone()));
    // Of what changes only the versions are drawn anew; the one that is shown, only when it is another one.
    let which = Memo::new(move |_| {
        let versions = here.with(|here| here.as_ref().map_or(Versions::Newest, |here| here.versions));
        let newest = row.with(|row| row.as_ref().and_then(|row| row.versions.first().map(|newest| newest.number)));
        match (versions, newest) {
            (Versions::Newest, Some(number)) => Versions::One(number),
            (versions, _) => versions,
        }
    });
    let shown = move || match which.get() {
        Versions::Two(a, b) => view! { <Compare row=row a=a b=b /> }.into_any(),
        Versions::One(number) => view! { <Version row=row model=model.get_value() number=number /> }.into_any(),
        Versions::Newest => ().into_any(),
    };
    view! {
        <section class="card models-page" data-test="model-page" aria-label=format!("Model {name}")>
            <header class="card-head">
                <h2 class="lead" dir="auto">{name.clone()}</h2>
                <span class="tag" dir="auto">{registry}</span>
                <span class="fill"></span>
                {freshness}
            </header>
            <div class="models-scroll">
                <Show
                    when=move || is_there.get()
                    fallback=|| view! { <Empty title="This model is not there" what="Its registry does not have it, or is not read." /> }
                >
                    <div class="section">
                        {move || description().map(|text| view! { <p class="soft" dir="auto">{visible(&text)}</p> })}
                        <Tags of=Signal::derive(move || row.with(|row| row.as_ref().map(|row| row.tags.clone()).unwrap_or_default())) />
                        <Table row=row />
                    </div>
                    {shown}
                </Show>
            </div>
        </section>
    }
}

/// Tags, as pairs.
#[component]
pub fn Tags(of: Signal<Vec<(SmolStr, SmolStr)>>) -> impl IntoView {
    let tags = move || {
        let tag = |(key, value): (SmolStr, SmolStr)| {
            view! { <span class="tag" dir="auto">{visible(&key)}"="{visible(&middle(&value, 48))}</span> }
        };
        of.get().into_iter().map(tag).collect_view()
    };
    view! { <Show when=move || of.with(|of| !of.is_empty())><p class="model-tags">{tags}</p></Show> }
}

/// The versions of the model.
#[component]
fn Table(row: Memo<Option<ModelRow>>) -> impl IntoView {
    let here: Here = expect_context();
    let rows = move || {
        let place = here.place.get();
        row.get().map(|model| {
            let all = model.versions.iter().map(|version| line(&model, version, place.as_ref(), here));
            all.collect::<Vec<_>>()
        })
    };
    let more = move || {
        let more = row.with(|row| row.as_ref().map_or(0, |row| row.more));
        (more > 0).then(|| view! { <p class="small faint">{format!("{} older versions are not followed.", count(more))}</p> })
    };
    view! {
        <div class="models-versions">
            <table class="plain-table">
                <thead>
                    <tr>
                        <th>"Status"</th><th class="number">"Version"</th><th>"Aliases"</th><th>"Stage"</th>
                        <th class="number">"Registered"</th><th>"Run"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {more}
    }
}

fn line(model: &ModelRow, version: &VersionRow, at: Option<&Place>, here: Here) -> impl IntoView + use<> {
    let number = version.number;
    let shown = match at.map(|at| at.versions) {
        Some(Versions::One(one)) => one == number,
        Some(Versions::Two(a, b)) => [a, b].contains(&number),
        Some(Versions::Newest) | None => model.versions.first().is_some_and(|newest| newest.number == number),
    };
    let place = Place::of(model.id.clone()).with(Versions::One(number));
    let aliases = model.aliases_of(number).map(alias).collect_view();
    let stage = version.stage.as_ref().map_or_else(|| ABSENT.to_owned(), |stage| visible(stage));
    let run = version.run.as_ref().map_or_else(|| ABSENT.to_owned(), |run| visible(&middle(run, 13)));
    let created = version.created;
    view! {
        <tr data-test="version" data-key=number.to_string() class:selected=shown on:click=move |_| here.go(&place)>
            <td><StatusWord status=version.readiness.status() word=version.readiness.word().to_owned() /></td>
            <td class="number"><button type="button" class="name">{number.to_string()}</button></td>
            <td class="model-aliases">{aliases}</td>
            <td class="soft" dir="auto">{stage}</td>
            <td class="number faint"><Age of=Signal::stored(created) /></td>
            <td class="mono soft">{run}</td>
        </tr>
    }
}

/// An alias, with since when it leads there where that was seen.
fn alias(alias: &AliasRow) -> impl IntoView + use<> {
    let name = visible(&alias.name);
    let since = alias.since;
    let title = match since {
        Some(since) => format!("Set at {since}, as seen by Pilothouse."),
        None => "It was there when Pilothouse first looked; the registry does not keep since when.".to_owned(),
    };
    view! {
        <span class="tag accent" dir="auto" title=title>
            "@"{name}
            {since.map(|since| view! { " for "<Age of=Signal::stored(Some(since)) /> })}
        </span>
    }
}
