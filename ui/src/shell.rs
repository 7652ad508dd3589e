//! The frame around every screen: rail, top bar, content, inspector, ribbon, and what floats above them.

pub mod menu;
pub mod mode;
pub mod size;
pub mod toast;

mod alone;
mod announce;
mod chips;
pub mod compare;
pub mod doing;
mod fold;
mod help;
mod inspector_slot;
mod note;
mod palette;
mod past;
mod paste;
mod pins;
pub mod plan;
mod rail;
pub mod ribbon;
mod save;
mod scope;
pub mod text;
mod top_bar;

use crate::{
    keys::{Command, on_command},
    link::{Phase, use_link},
    mirror::use_view,
    once::{effect, live},
    parts::{button::copy, problem::ProblemCard},
    screens,
    state::use_state,
    theme::use_theme,
    wall::{self, WallScreen},
};
use leptos::prelude::*;
use pilothouse_wire::{Code, Problem, ViewSpec};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The page: the frame with everything in it, or the one thing that keeps it from being shown.
#[component]
pub fn Shell() -> impl IntoView {
    let link = use_link();
    let alone = Memo::new(move |_| match link.phase() {
        phase @ (Phase::NoSession | Phase::Differs) => Some(phase),
        _ => None,
    });
    let state = use_state();
    let on_wall = Memo::new(move |_| state.screen().with(|route| route == wall::ROUTE));
    live(move || match alone.get() {
        // The wall says itself what it has no link for.
        _ if on_wall.get() => view! { <WallScreen /> }.into_any(),
        Some(Phase::NoSession) => view! { <alone::NoSession /> }.into_any(),
        Some(_) => view! { <alone::Differs /> }.into_any(),
        None => view! { <Frame /> }.into_any(),
    })
}

#[component]
fn Frame() -> impl IntoView {
    palette::PaletteDoor::provide();
    compare::CompareDoor::provide();
    plan::PlanDoor::provide();
    doing::Doing::provide();
    offer_commands();
    paste::open_what_is_pasted();
    name_document();
    let watched = use_view(Signal::stored(ViewSpec::Connections));
    view! {
        // In the order in which the Tab key goes: rail, bar, screen, inspector, ribbon.
        <div class="app" data-test="app">
            <past::PastBanner watched=watched />
            <rail::Rail />
            <top_bar::TopBar />
            <main class="main" id="main" tabindex="-1"><Screen /></main>
            <inspector_slot::InspectorSlot />
            <ribbon::Ribbon />
        </div>
        <palette::Palette />
        <save::SaveView />
        <note::Note />
        <compare::Compare />
        <plan::PlanDialog />
        <help::Help />
        <toast::Toasts />
        <announce::Announcer watched=watched />
    }
}

#[component]
fn Screen() -> impl IntoView {
    let route = use_state().screen();
    live(move || match route.with(|route| screens::find(route)) {
        Some(screen) => (screen.view)(),
        None => {
            let problem = Problem::new(Code::NotFound, "This address names a screen that this build does not have.")
                .why(format!("There is no \"{}\" here.", route.get()))
                .next("Choose a screen on the rail.");
            view! { <ProblemCard title="No such screen" problem=problem /> }.into_any()
        }
    })
}

/// The commands that work wherever a person is.
fn offer_commands() {
    let (state, theme) = (use_state(), use_theme());
    let toasts = toast::use_toasts();
    for screen in screens::SCREENS {
        on_command(screen.go, move || {
            state.go_screen(screen.route);
            true
        });
    }
    // The oldest offer of Esc, so the last to be asked: everything above the inspector closes first.
    on_command(Command::Close, move || {
        let open = state.selected().with_untracked(Option::is_some);
        state.select(None);
        open
    });
    on_command(Command::Inspector, move || {
        state.toggle_inspector();
        true
    });
    on_command(Command::Theme, move || {
        theme.toggle();
        true
    });
    on_command(Command::CopyAddress, move || {
        // Text that a person has marked is what they mean to copy.
        if text_is_marked() {
            return false;
        }
        copy(state.shareable(), toasts);
        true
    });
    on_command(Command::NextArea, next_area);
}

fn text_is_marked() -> bool {
    let selection = window().get_selection().ok().flatten();
    selection.is_some_and(|selection| !selection.is_collapsed())
}

/// The document's title is outside of Leptos: this effect is the bridge, and writes no signal.
fn name_document() {
    let state = use_state();
    // In a browser nothing is told, so nothing waits to be seen.
    let notices = use_link().may_act().then(|| use_view(Signal::stored(ViewSpec::Notices)));
    let unseen = Memo::new(move |_| notices.and_then(|view| view.notices(|view| view.unseen)).unwrap_or_default());
    effect(move || {
        let screen = state.screen().with(|route| screens::find(route).map_or("Pilothouse", |screen| screen.name));
        let title = match state.selected().with(|object| object.as_ref().map(|object| object.name())) {
            Some(name) => format!("{} · {screen} · Pilothouse", pilothouse_wire::units::visible(&name)),
            None => format!("{screen} · Pilothouse"),
        };
        let title = match unseen.get() {
            0 => title,
            n => format!("({}) {title}", pilothouse_wire::units::count(n.into())),
        };
        document().set_title(&title);
    });
}

/// Moves the focus to the first place of the next area.
fn next_area() -> bool {
    const AREAS: [&str; 5] = [".rail", ".top-bar", ".main", ".inspector", ".ribbon"];
    let area = |selector: &str| document().query_selector(selector).ok().flatten();
    let present: Vec<_> = AREAS.into_iter().filter_map(area).collect();
    let now = document().active_element();
    let at = present.iter().position(|area| area.contains(now.as_deref()));
    let Some(next) = present.get(at.map_or(0, |at| at + 1) % present.len().max(1)) else { return false };
    let inside = next.query_selector("[aria-current], button, a[href], input, [tabindex='0']").ok().flatten();
    let element = inside.and_then(|element| element.dyn_into::<HtmlElement>().ok());
    element.is_some_and(|element| element.focus().is_ok())
}
