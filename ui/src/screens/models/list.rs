//! The list at the left: models and repositories that pass the filter, and beneath what the words stand in elsewhere. One
//! field for both, walked by keys.

use super::{
    Here, Known,
    place::{Place, Spot},
    searched::{FoundRows, LookedThrough, Search},
};
use crate::{
    keys::{Command, on_command},
    parts::{age::Age, show::{Show, each}},
    state::use_state,
    once::CollectAny,
};
use leptos::{ev::KeyboardEvent, html::Input, prelude::*};
use pilothouse_wire::{
    ModelId,
    filter::{Filter, Record},
    units::{count, visible},
    view::{ModelRow, RepositoryId, RepositoryRow},
};

/// Aliases that have room in a row.
const ALIASES: usize = 2;

/// A filter for rows of one kind: one that is made for another kind lets none of this one through.
fn for_rows<T: Record>(filter: &Result<Filter, String>) -> Result<Filter, String> {
    let filter = filter.clone()?;
    filter.check::<T>().map_err(|error| error.to_string())?;
    Ok(filter)
}

/// Draws the list.
#[component]
pub fn List(known: Known) -> impl IntoView {
    let state = use_state();
    let here: Here = expect_context();
    let filter = Memo::new(move |_| state.filter().with(|text| text.parse::<Filter>().map_err(|error| error.to_string())));
    let of_models = Memo::new(move |_| filter.with(for_rows::<ModelRow>));
    let of_repositories = Memo::new(move |_| filter.with(for_rows::<RepositoryRow>));
    let models = Memo::new(move |_| {
        let fits = |model: &&ModelRow| of_models.with(|filter| filter.as_ref().is_ok_and(|filter| filter.matches(*model)));
        let rows = |view: &pilothouse_wire::view::ModelsView| {
            view.models.rows().iter().filter(fits).map(|model| model.id.clone()).collect::<Vec<ModelId>>()
        };
        known.models.models(rows).unwrap_or_default()
    });
    let repositories = Memo::new(move |_| {
        let fits =
            |row: &&RepositoryRow| of_repositories.with(|filter| filter.as_ref().is_ok_and(|filter| filter.matches(*row)));
        let rows = |view: &pilothouse_wire::view::ArtifactsView| {
            view.repositories.rows().iter().filter(fits).map(|row| row.id.clone()).collect::<Vec<RepositoryId>>()
        };
        known.artifacts.artifacts(rows).unwrap_or_default()
    });
    let shown = Signal::derive(move || here.spot.with(|spot| spot.as_ref().map(ToString::to_string)));
    let listed = Memo::new(move |_| {
        let of_models = models.with(|ids| ids.iter().map(|id| Place::of(id.clone()).to_string()).collect::<Vec<_>>());
        let of_repositories =
            repositories.with(|ids| ids.iter().map(|id| Spot::Repository(id.clone()).to_string()).collect::<Vec<_>>());
        [of_models, of_repositories].concat()
    });
    let search = Search::new(listed);
    // All that can be walked to, in the order in which it stands there.
    let all = Memo::new(move |_| {
        let found = search.rows.with(|rows| rows.iter().map(|row| Spot::of_found(&row.at).to_string()).collect::<Vec<_>>());
        [listed.get(), found].concat()
    });
    // Two rows may lead to one place: where a hand walked last is kept.
    let last: StoredValue<Option<usize>> = StoredValue::new(None);
    let selected = move |all: &[String]| selected(all, here.spot.get_untracked().as_ref(), last.get_value());
    let walk = move |by: isize| {
        all.with_untracked(|all| {
            let Some(end) = all.len().checked_sub(1) else { return false };
            let to = selected(all).map_or(0, |at| at.saturating_add_signed(by).min(end));
            last.set_value(Some(to));
            state.turn_place(&all[to]);
            true
        })
    };
    on_command(Command::Down, move || walk(1));
    on_command(Command::Up, move || walk(-1));
    // What is open may not be in the list any more: what is opened stands there, and is the first where nothing is selected.
    let open = move || {
        if let Some(place) = all.with_untracked(|all| all.get(selected(all).unwrap_or(0)).cloned()) {
            state.set_place(&place);
        }
    };
    // While somebody types, the field has the keys: it walks and opens itself.
    let keydown = move |event: KeyboardEvent| {
        if event.is_composing() || event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        match event.key().as_str() {
            "ArrowDown" => drop(walk(1)),
            "ArrowUp" => drop(walk(-1)),
            "Enter" => open(),
            _ => return,
        }
        event.prevent_default();
    };
    let input: NodeRef<Input> = NodeRef::new();
    on_command(Command::Filter, move || input.get_untracked().is_some_and(|input| input.focus().is_ok()));
    let told = move || match (of_models.get(), of_repositories.get()) {
        (Err(error), Err(_)) => visible(&format!("The filter cannot be used: {error}.")),
        _ => {
            let total = known.models.models(|view| view.models.len()).unwrap_or_default();
            let of_models = some_of(models.with(Vec::len), total, "model", "models");
            let total = known.artifacts.artifacts(|view| view.repositories.len()).unwrap_or_default();
            let of_repositories = some_of(repositories.with(Vec::len), total, "repository", "repositories");
            [of_models, of_repositories].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
    };
    let some_models = Memo::new(move |_| models.with(|ids| !ids.is_empty()));
    let some_repositories = Memo::new(move |_| repositories.with(|ids| !ids.is_empty()));
    view! {
        <section class="card models-list" aria-label="What registries hold">
            <header class="card-head">
                <input
                    class="field fill"
                    type="search"
                    placeholder="Search all registries, or filter: alias=champion tag~gold"
                    aria-label="Search all registries, or filter the list"
                    data-test="models-filter"
                    node_ref=input
                    prop:value=move || state.filter().get()
                    on:input:target=move |event| state.set_filter(&event.target().value())
                    on:keydown=keydown
                />
            </header>
            <p class="small faint models-count" role="status">{move || told()}</p>
            <div class="models-rows">
                <Show when=move || some_models.get()><h3 class="models-group">"Models"</h3></Show>
                <ul>{each(move || models.get(), ModelId::clone, move |id| view! { <Model known=known id=id /> }.into_any())}</ul>
                <Show when=move || some_repositories.get()><h3 class="models-group">"Repositories"</h3></Show>
                <ul>
                    {each(move || repositories.get(), RepositoryId::clone, move |id| {
                        view! { <Repository known=known id=id /> }.into_any()
                    })}
                </ul>
                <Runs known=known />
                <FoundRows search=search shown=shown go=Callback::new(move |spot: Spot| here.go(&spot)) />
                <LookedThrough search=search />
            </div>
        </section>
    }
}

/// The row that stands selected in a list: where a hand walked last, if the page is still that, else the page's own.
fn selected(all: &[String], spot: Option<&Spot>, walked: Option<usize>) -> Option<usize> {
    let spot = spot?;
    let place = spot.to_string();
    walked.filter(|at| all.get(*at) == Some(&place)).or_else(|| stands(all, spot))
}

/// The row of a place: its own, or else that of its model or repository.
fn stands(all: &[String], spot: &Spot) -> Option<usize> {
    let at = |spot: &Spot| {
        let place = spot.to_string();
        all.iter().position(|one| *one == place)
    };
    let whole = || {
        let model = spot.model().map(|model| Spot::Model(Place::of(model.clone())));
        model.or_else(|| spot.repository().map(Spot::Repository))
    };
    at(spot).or_else(|| at(&whole()?))
}

fn some_of(shown: usize, total: usize, one: &str, many: &str) -> Option<String> {
    let word = if total == 1 { one } else { many };
    match (shown as u64, total as u64) {
        (_, 0) => None,
        (shown, total) if shown == total => Some(format!("{} {word}", count(total))),
        (shown, total) => Some(format!("{} of {} {word}", count(shown), count(total))),
    }
}

#[component]
fn Model(known: Known, id: ModelId) -> impl IntoView {
    let here: Here = expect_context();
    let spot = Spot::Model(Place::of(id.clone()));
    let name = visible(&id.name);
    let key = spot.to_string();
    let (chosen, registry) = (id.clone(), visible(id.source.as_str()));
    let is_chosen = move || here.spot.with(|spot| spot.as_ref().and_then(Spot::model) == Some(&chosen));
    // Ages tick by themselves: the row is drawn anew only for what it says.
    let said = Memo::new(move |_| {
        let row = |view: &pilothouse_wire::view::ModelsView| {
            view.models.get(&id).map(|model| (line(model), model.versions.len() as u64 + model.more, model.updated))
        };
        known.models.models(row).flatten()
    });
    let versions = move || said.with(|said| said.as_ref().map(|said| count(said.1)));
    let updated = Signal::derive(move || said.with(|said| said.as_ref().and_then(|said| said.2)));
    view! {
        <li>
            <button
                type="button"
                class="model-row"
                data-test="model"
                data-key=key
                title=format!("{name}, in {registry}")
                aria-current=move || is_chosen().then_some("true")
                on:click=move |_| here.go(&spot)
            >
                <span class="name clip" dir="auto">{name.clone()}</span>
                <span class="soft clip model-aliases" dir="auto">{move || said.with(|said| said.as_ref().map(|said| said.0.clone()))}</span>
                <span class="number soft" title="Versions">{move || versions()}</span>
                <span class="number faint"><Age of=updated /></span>
            </button>
        </li>
    }
}

#[component]
fn Repository(known: Known, id: RepositoryId) -> impl IntoView {
    let here: Here = expect_context();
    let spot = Spot::Repository(id.clone());
    let key = spot.to_string();
    let (chosen, name, registry) = (id.clone(), visible(&id.name), visible(id.source.as_str()));
    let is_chosen = move || here.spot.with(|spot| spot.as_ref().and_then(Spot::repository).as_ref() == Some(&chosen));
    let tags = Memo::new(move |_| {
        let row = |view: &pilothouse_wire::view::ArtifactsView| view.repositories.get(&id).map(|row| (row.watched, row.more));
        known.artifacts.artifacts(row).flatten()
    });
    let words = move || {
        tags.get().map(|(watched, more)| {
            let sign = if more { "≥ " } else { "" };
            format!("{sign}{}", count(watched.into()))
        })
    };
    view! {
        <li>
            <button
                type="button"
                class="model-row"
                data-test="repository"
                data-key=key
                title=format!("{name}, in {registry}")
                aria-current=move || is_chosen().then_some("true")
                on:click=move |_| here.go(&spot)
            >
                <span class="name clip" dir="auto">{name.clone()}</span>
                <span class="soft clip" dir="auto">{registry.clone()}</span>
                <span class="number soft" title="Tags that are watched">{move || words()}</span>
                <span class="number faint"></span>
            </button>
        </li>
    }
}

/// The servers whose runs can be looked through: those that have a model.
#[component]
fn Runs(known: Known) -> impl IntoView {
    let here: Here = expect_context();
    let servers = Memo::new(move |_| {
        let sources = |view: &pilothouse_wire::view::ModelsView| {
            let all = view.models.rows().iter().map(|model| model.id.source.clone());
            all.collect::<std::collections::BTreeSet<_>>()
        };
        known.models.models(sources).unwrap_or_default()
    });
    let row = move |source: pilothouse_wire::ConnectionId| {
        let (key, name) = (source.to_string(), visible(source.as_str()));
        let (spot, own) = (Spot::Runs(source.clone(), Vec::new()), source);
        let is_chosen = move || here.spot.with(|spot| matches!(spot, Some(Spot::Runs(of, _)) if *of == own));
        view! {
            <li>
                <button
                    type="button"
                    class="model-row"
                    data-test="runs-of"
                    data-key=key
                    aria-current=move || is_chosen().then_some("true")
                    on:click=move |_| here.go(&spot)
                >
                    <span class="name clip" dir="auto">"All runs of "{name}</span>
                </button>
            </li>
        }
    };
    view! {
        <Show when=move || servers.with(|servers| !servers.is_empty())><h3 class="models-group">"Runs"</h3></Show>
        <ul>{move || servers.get().into_iter().map(row).collect_any()}</ul>
    }
}

/// The aliases of a model in a line: `@champion 3, @challenger 4`.
fn line(model: &ModelRow) -> String {
    let shown = model.aliases.iter().take(ALIASES).map(|alias| format!("@{} {}", alias.name, alias.version));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if let Some(more) = model.aliases.len().checked_sub(ALIASES).filter(|more| *more > 0) {
        text.push_str(&format!(", +{more}"));
    }
    visible(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_for_one_kind_of_rows_is_none_for_the_other() {
        let of = |text: &str| text.parse::<Filter>().map_err(|error| error.to_string());
        assert!(for_rows::<ModelRow>(&of("alias=champion")).is_ok());
        assert!(for_rows::<RepositoryRow>(&of("alias=champion")).is_err());
        assert!(for_rows::<RepositoryRow>(&of("tags>3")).is_ok() && for_rows::<ModelRow>(&of("tags>3")).is_err());
        assert!(for_rows::<ModelRow>(&of("chat")).is_ok() && for_rows::<RepositoryRow>(&of("chat")).is_ok());
    }

    #[test]
    fn a_version_stands_in_the_row_of_its_model_and_an_artefact_in_that_of_its_repository() {
        let all = ["r/chat", "r/idle", "repository:o/a", "r/idle/3"].map(str::to_owned);
        let of = |text: &str| stands(&all, &Spot::parse(text).unwrap());
        assert_eq!((of("r/idle"), of("r/chat/2"), of("r/idle/3")), (Some(1), Some(0), Some(3)));
        assert_eq!((of("artifact:o/a/v1"), of("artifact:o/b/v1"), of("run:r/ab")), (Some(2), None, None));
    }

    #[test]
    fn a_page_that_is_not_in_the_list_is_not_selected_in_it() {
        let all = ["r/chat", "r/chat/2", "r/idle", "r/chat/2"].map(str::to_owned);
        let of = |text: &str, walked| selected(&all, Spot::parse(text).as_ref(), walked);
        assert_eq!((of("r/idle", None), of("r/other", None), of("r/other", Some(2))), (Some(2), None, None));
        // Two rows lead to one place: the one that was walked to.
        assert_eq!((of("r/chat/2", None), of("r/chat/2", Some(3)), of("r/chat/1", Some(3))), (Some(1), Some(3), Some(0)));
        assert_eq!(selected(&all, None, Some(1)), None);
    }

    #[test]
    fn how_many_are_shown_is_told_where_there_are_any() {
        assert_eq!(some_of(2, 2, "model", "models").as_deref(), Some("2 models"));
        assert_eq!(some_of(1, 2, "model", "models").as_deref(), Some("1 of 2 models"));
        assert_eq!(some_of(1, 1, "model", "models").as_deref(), Some("1 model"));
        assert_eq!(some_of(0, 0, "model", "models"), None);
    }
}
