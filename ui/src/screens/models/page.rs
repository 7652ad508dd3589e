//! What the address asks for, at the right: a model with its versions, a run, a repository, an artefact, or two of them.

use super::{
    Here, Known,
    artifact::ArtifactPage,
    compare::Compare,
    deeds::{ModelDeeds, ModelTags},
    differ::Differ,
    place::{Place, Spot, Versions},
    repository::RepositoryPage,
    run::RunCard,
    runs::{RunsBeside, RunsSearch},
    version::Version,
};
use crate::{
    mirror::Watched,
    once::{CollectAny, live},
    parts::{
        age::Age,
        empty::Empty,
        mark::{StatusWord, of_freshness},
        show::Show,
    },
};
use leptos::prelude::*;
use pilothouse_wire::{
    ConnectionId, ModelId,
    units::{ABSENT, count, middle, visible},
    view::{AliasRow, ModelRow, VersionRow},
};

/// Draws what the address names.
#[component]
pub fn Page(known: Known, here: Memo<Option<Spot>>) -> impl IntoView {
    // Another version of one model is no other page.
    let page = Memo::new(move |_| {
        here.with(|spot| match spot {
            Some(Spot::Model(place)) => Some(Spot::Model(Place::of(place.model.clone()))),
            other => other.clone(),
        })
    });
    live(move || {
        match page.get() {
        None => view! {
            <section class="card models-page">
                <Empty
                    title="Choose a model or a repository"
                    what="Of a model its versions and aliases stand here, with the run behind each version; of a repository its tags."
                />
            </section>
        }
        .into_any(),
        Some(Spot::Model(place)) => view! { <Model view=known.models id=place.model here=here /> }.into_any(),
        Some(Spot::Run(source, run)) => view! {
            <Card known=known source=source.clone() title=run.to_string() label="Run">
                <RunCard source=source.clone() run=run.clone() />
            </Card>
        }
        .into_any(),
        Some(Spot::Runs(source, runs)) => view! {
            <Card known=known source=source.clone() title="Runs".to_owned() label="All">
                {if runs.is_empty() {
                    view! { <RunsSearch source=source.clone() /> }.into_any()
                } else {
                    view! { <RunsBeside source=source.clone() runs=runs /> }.into_any()
                }}
            </Card>
        }
        .into_any(),
        Some(Spot::Repository(id)) => view! { <RepositoryPage known=known id=id /> }.into_any(),
        Some(Spot::Artifact(of)) => view! { <ArtifactPage known=known of=of /> }.into_any(),
        Some(Spot::Artifacts(from, to)) => view! { <Differ known=known from=from to=to /> }.into_any(),
    }
    })
}

/// A page of something of a source: its head says what it is, of which source, and how fresh that is.
#[component]
pub fn Card(
    /// What is known of all registries.
    known: Known,
    /// The source.
    source: ConnectionId,
    /// The name.
    title: String,
    /// What kind of thing.
    label: &'static str,
    /// The page.
    children: Children,
) -> impl IntoView {
    let name = visible(&title);
    view! {
        <section class="card models-page" data-test="model-page" aria-label=format!("{label} {name}")>
            <header class="card-head">
                <h2 class="lead clip" dir="auto" title=name.clone()>{name.clone()}</h2>
                <Source view=known.artifacts also=known.models source=source />
            </header>
            <div class="models-scroll">{children()}</div>
        </section>
    }
}

/// The source of a page: its name, whether it is the demo, how fresh it is.
#[component]
fn Source(view: Watched, #[prop(optional, into)] also: Option<Watched>, source: ConnectionId) -> impl IntoView {
    let name = visible(source.as_str());
    let state = Memo::new(move |_| {
        let find = |view: Watched| view.sources().into_iter().find(|one| one.id == source);
        find(view).or_else(|| also.and_then(find)).map(|of| (of.freshness, of.note, of.demo))
    });
    let freshness = move || {
        state.get().map(|(freshness, note, demo)| {
            let word = note.map_or_else(|| freshness.word().to_owned(), |note| format!("{}: {note}", freshness.word()));
            view! {
                {demo.then(|| view! { <span class="tag demo">"DEMO"</span> })}
                <span class="fill"></span>
                <StatusWord status=of_freshness(freshness) word=word />
            }
        })
    };
    view! { <span class="tag" dir="auto">{name}</span>{freshness} }
}

#[component]
fn Model(view: Watched, id: ModelId, here: Memo<Option<Spot>>) -> impl IntoView {
    let row = {
        let id = id.clone();
        Memo::new(move |_| view.models(|view| view.models.get(&id).cloned()).flatten())
    };
    let is_there = Memo::new(move |_| row.with(Option::is_some));
    let model = StoredValue::new(id.clone());
    let (name, source) = (visible(&id.name), id.source.clone());
    let description = move || row.with(|row| row.as_ref().and_then(|row| row.description.clone()));
    // Of what changes only the versions are drawn anew; the one that is shown, only when it is another one.
    let which = Memo::new(move |_| {
        let versions = here.with(|here| match here {
            Some(Spot::Model(place)) => place.versions,
            _ => Versions::Newest,
        });
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
                <Source view=view source=source />
            </header>
            <div class="models-scroll">
                <Show
                    when=move || is_there.get()
                    fallback=|| view! { <Empty title="This model is not there" what="Its registry does not have it, or is not read." /> }
                >
                    <div class="section">
                        {move || description().map(|text| view! { <p class="soft" dir="auto">{visible(&text)}</p> })}
                        <ModelTags row=row version=None />
                        <ModelDeeds model=model.get_value() />
                        <Table row=row />
                    </div>
                    {move || shown()}
                </Show>
            </div>
        </section>
    }
}

/// The versions of the model.
#[component]
fn Table(row: Memo<Option<ModelRow>>) -> impl IntoView {
    let here: Here = expect_context();
    let rows = move || {
        let place = here.spot.get().and_then(|spot| match spot {
            Spot::Model(place) => Some(place),
            _ => None,
        });
        row.get().map(|model| {
            let all = model.versions.iter().map(|version| line(&model, version, place.as_ref(), here));
            all.collect::<Vec<_>>()
        })
    };
    let more = move || {
        let more = row.with(|row| row.as_ref().map_or(0, |row| row.more));
        (more > 0)
            .then(|| view! { <p class="small faint">{format!("{} older versions are not followed.", count(more))}</p> })
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
                <tbody>{move || rows()}</tbody>
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
    let aliases = model.aliases_of(number).map(alias).collect_any();
    let stage = version.stage.as_ref().map_or_else(|| ABSENT.to_owned(), |stage| visible(stage));
    let run = version.run.as_ref().map_or_else(|| ABSENT.to_owned(), |run| visible(&middle(run, 13)));
    let created = version.created;
    view! {
        <tr data-test="version" data-key=number.to_string() class:selected=shown on:click=move |_| here.go(&Spot::Model(place.clone()))>
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
