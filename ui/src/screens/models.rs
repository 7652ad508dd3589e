//! What registries hold: registered models with their versions, aliases and runs; repositories with their tags and artefacts.

mod artifact;
mod compare;
mod deeds;
mod differ;
mod holds;
mod list;
mod page;
mod place;
mod preflight;
mod repository;
mod run;
mod runs;
mod searched;
mod serves;
mod sums;
mod version;

use crate::{
    keys::Command,
    mirror::{Watched, use_view},
    once::live,
    parts::{
        button::Button,
        empty::Empty,
        icon::Icon,
        loading::{Arriving, ArrivingCard},
        problem::ProblemCard,
    },
    screens::Screen,
    state::{State, use_state},
};
use leptos::prelude::*;
use pilothouse_wire::{Freshness, ViewSpec, view::ModelsSpec};
use place::Spot;

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "models",
    name: "Models",
    about: "What registries hold: models, versions, aliases and runs; repositories, tags and artefacts; one search over all.",
    icon: Icon::Models,
    go: Command::GoModels,
    scoped: false,
    view: || view! { <Models /> }.into_any(),
};

/// Where a person is: by the address, else by what is selected.
#[derive(Clone, Copy)]
struct Here {
    spot: Memo<Option<Spot>>,
    state: State,
}

/// What is known of all registries.
#[derive(Clone, Copy)]
struct Known {
    /// Registered models.
    models: Watched,
    /// Repositories and tags.
    artifacts: Watched,
}

impl Here {
    fn provide() -> Self {
        let state = use_state();
        let spot = Memo::new(move |_| {
            let spot = state.tab().with(|tab| tab.as_deref().and_then(Spot::parse));
            spot.or_else(|| state.selected().with(|object| object.as_ref().and_then(Spot::of_object)))
        });
        let here = Self { spot, state };
        provide_context(here);
        here
    }

    /// Goes to a place of the screen; the filter of the list stays.
    fn go(self, spot: &Spot) {
        self.state.set_place(&spot.to_string());
    }
}

#[component]
fn Models() -> impl IntoView {
    let here = Here::provide();
    runs::Looked::provide();
    // A registry is of no cluster: the scope narrows nothing here, and `registry=` in the filter does.
    let models = use_view(Signal::stored(ViewSpec::Models(ModelsSpec::default())));
    let known = Known { models, artifacts: use_view(Signal::stored(ViewSpec::Artifacts)) };
    let loaded = Memo::new(move |_| models.loaded() && known.artifacts.loaded());
    let problem = Memo::new(move |_| models.problem().or_else(|| known.artifacts.problem()));
    let none = Memo::new(move |_| {
        models.models(|view| view.models.is_empty()) == Some(true)
            && known.artifacts.artifacts(|view| view.repositories.is_empty()) == Some(true)
    });
    let shown = move || match (loaded.get(), problem.get()) {
        (_, Some(problem)) => view! { <ProblemCard title="The models cannot be shown" problem=problem /> }.into_any(),
        (false, None) => view! { <p class="faint">"Waiting for the first frame of the engine."</p> }.into_any(),
        (true, None) if none.get() => view! { <Nothing view=models /> }.into_any(),
        (true, None) => view! {
            <div class="models-panes">
                <list::List known=known />
                <page::Page known=known here=here.spot />
            </div>
        }
        .into_any(),
    };
    view! {
        <div class="page models" data-test="models">
            <h1 class="unseen">"Models"</h1>
            {move || shown()}
        </div>
    }
}

/// Nothing is known: those that may know some are on their way, or there is nobody to know.
#[component]
fn Nothing(view: Watched) -> impl IntoView {
    let state = use_state();
    let arriving = Memo::new(move |_| {
        let sources = view.sources().into_iter();
        let starting = sources.filter(|source| source.freshness == Freshness::Starting);
        let row = starting.map(|source| Arriving {
            name: source.name,
            freshness: source.freshness,
            doing: source.note.unwrap_or_else(|| "connecting".to_owned()),
            progress: None,
            since: None,
        });
        row.collect::<Vec<_>>()
    });
    live(move || {
        if arriving.with(|sources| !sources.is_empty()) {
            return view! { <ArrivingCard title="Looking for registered models" sources=arriving /> }.into_any();
        }
        view! {
            <Empty
                title="No registered models, and no repositories"
                what="What registries hold stands here: models with their versions, which alias leads where and since when, and the \
                      run behind each version; repositories with their tags and artefacts. A registry is a connection of its own: \
                      pilothouse connect add mlflow, or oci."
            >
                <Button
                    label="Go to Connections"
                    on_press=move || state.go_screen("connections")
                    command=Command::GoConnections
                    test="models-connect"
                />
            </Empty>
        }
        .into_any()
    })
}
