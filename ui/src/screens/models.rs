//! Registered models: which versions there are, which alias leads where since when, and the run behind each version.

mod compare;
mod list;
mod page;
mod place;
mod run;
mod serves;
mod version;

use crate::{
    keys::Command,
    mirror::{Watched, use_view},
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
use pilothouse_wire::{Freshness, ObjectRef, ViewSpec, view::ModelsSpec};
use place::Place;

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "models",
    name: "Models",
    about: "Registered models: versions, aliases, the run behind each, and two versions side by side.",
    icon: Icon::Models,
    go: Command::GoModels,
    scoped: true,
    view: || view! { <Models /> }.into_any(),
};

/// Where a person is among the models: by the address, else by what is selected.
#[derive(Clone, Copy)]
struct Here {
    place: Memo<Option<Place>>,
    state: State,
}

impl Here {
    fn provide() -> Self {
        let state = use_state();
        let place = Memo::new(move |_| {
            let place = state.tab().with(|tab| tab.as_deref().and_then(Place::parse));
            place.or_else(|| {
                state.selected().with(|object| match object {
                    Some(ObjectRef::Model(model)) => Some(Place::of((**model).clone())),
                    _ => None,
                })
            })
        });
        let here = Self { place, state };
        provide_context(here);
        here
    }

    /// Goes to a place among the models; the filter of the list stays.
    fn go(self, place: &Place) {
        self.state.set_place(&place.to_string());
    }
}

#[component]
fn Models() -> impl IntoView {
    let state = use_state();
    let here = Here::provide();
    let view = use_view(Signal::derive(move || {
        let scope = state.scope().with(|scope| scope.to_vec());
        ViewSpec::Models(ModelsSpec { scope })
    }));
    let none = Memo::new(move |_| view.models(|view| view.models.is_empty()) == Some(true));
    let shown = move || match (view.loaded(), view.problem()) {
        (_, Some(problem)) => view! { <ProblemCard title="The models cannot be shown" problem=problem /> }.into_any(),
        (false, None) => view! { <p class="faint">"Waiting for the first frame of the engine."</p> }.into_any(),
        (true, None) if none.get() => view! { <Nothing view=view /> }.into_any(),
        (true, None) => view! {
            <div class="models-panes">
                <list::List view=view />
                <page::Page view=view here=here.place />
            </div>
        }
        .into_any(),
    };
    view! {
        <div class="page models" data-test="models">
            <h1 class="unseen">"Models"</h1>
            {shown}
        </div>
    }
}

/// No model is known: those that may know some are on their way, or there is nobody to know.
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
    move || {
        if arriving.with(|sources| !sources.is_empty()) {
            return view! { <ArrivingCard title="Looking for registered models" sources=arriving /> }.into_any();
        }
        view! {
            <Empty
                title="No registered models"
                what="The models of a registry stand here: their versions, which alias leads where and since when, and the \
                      run behind each version. A registry is a connection of its own: pilothouse connect add mlflow."
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
    }
}
