//! The list of models at the left: name, aliases, how many versions, how old. Found by a filter, walked by keys.

use super::{Here, place::Place};
use crate::{
    keys::{Command, on_command},
    mirror::Watched,
    parts::age::Age,
    state::use_state,
};
use leptos::{html::Input, prelude::*};
use pilothouse_wire::{
    ModelId,
    filter::Filter,
    units::{count, visible},
    view::ModelRow,
};

/// Aliases that have room in a row.
const ALIASES: usize = 2;

/// Draws the list.
#[component]
pub fn List(view: Watched) -> impl IntoView {
    let state = use_state();
    let Here { place: here, .. } = expect_context();
    let filter = Memo::new(move |_| state.filter().with(|text| text.parse::<Filter>().map_err(|error| error.to_string())));
    let checked = Memo::new(move |_| {
        filter.with(|filter| match filter {
            Ok(filter) => filter.check::<ModelRow>().map(|()| filter.clone()).map_err(|error| error.to_string()),
            Err(error) => Err(error.clone()),
        })
    });
    let ids = Memo::new(move |_| {
        let fits = |model: &&ModelRow| checked.with(|filter| filter.as_ref().is_ok_and(|filter| filter.matches(*model)));
        let rows = |view: &pilothouse_wire::view::ModelsView| {
            view.models.rows().iter().filter(fits).map(|model| model.id.clone()).collect::<Vec<ModelId>>()
        };
        view.models(rows).unwrap_or_default()
    });
    let walk = move |by: isize| {
        ids.with_untracked(|ids| {
            let Some(last) = ids.len().checked_sub(1) else { return false };
            let chosen = here.with_untracked(|here| here.as_ref().map(|here| here.model.clone()));
            let at = chosen.and_then(|chosen| ids.iter().position(|id| *id == chosen));
            let to = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
            state.turn_place(&Place::of(ids[to].clone()).to_string());
            true
        })
    };
    on_command(Command::Down, move || walk(1));
    on_command(Command::Up, move || walk(-1));
    let input: NodeRef<Input> = NodeRef::new();
    on_command(Command::Filter, move || input.get_untracked().is_some_and(|input| input.focus().is_ok()));
    let told = move || {
        checked.with(|checked| match checked {
            Err(error) => visible(&format!("The filter cannot be used: {error}.")),
            Ok(_) => {
                let all = view.models(|view| view.models.len()).unwrap_or_default() as u64;
                let shown = ids.with(Vec::len) as u64;
                if shown == all { format!("{} models", count(all)) } else { format!("{} of {} models", count(shown), count(all)) }
            }
        })
    };
    view! {
        <section class="card models-list" aria-label="Registered models">
            <header class="card-head">
                <input
                    class="field fill"
                    type="search"
                    placeholder="Filter: chat alias=champion tag~gold"
                    aria-label="Filter the models"
                    data-test="models-filter"
                    node_ref=input
                    prop:value=move || state.filter().get()
                    on:input:target=move |event| state.set_filter(&event.target().value())
                />
            </header>
            <p class="small faint models-count" role="status">{told}</p>
            <ul class="models-rows">
                <For each=move || ids.get() key=ModelId::clone let(id)><Row view=view id=id /></For>
            </ul>
        </section>
    }
}

#[component]
fn Row(view: Watched, id: ModelId) -> impl IntoView {
    let here: Here = expect_context();
    let place = Place::of(id.clone());
    let name = visible(&id.name);
    let key = place.to_string();
    let (chosen, registry) = (id.clone(), visible(id.source.as_str()));
    let is_chosen = move || here.place.with(|here| here.as_ref().is_some_and(|here| here.model == chosen));
    // Ages tick by themselves: the row is drawn anew only for what it says.
    let said = Memo::new(move |_| {
        view.models(|view| view.models.get(&id).map(|model| (line(model), model.versions.len() as u64 + model.more, model.updated)))
            .flatten()
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
                on:click=move |_| here.go(&place)
            >
                <span class="name clip" dir="auto">{name.clone()}</span>
                <span class="soft clip model-aliases" dir="auto">{move || said.with(|said| said.as_ref().map(|said| said.0.clone()))}</span>
                <span class="number soft" title="Versions">{versions}</span>
                <span class="number faint"><Age of=updated /></span>
            </button>
        </li>
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
