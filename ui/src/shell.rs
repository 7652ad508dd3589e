//! The frame around every screen: rail, top bar, content, inspector, ribbon, and what floats above them.

pub mod toast;

mod rail;

use crate::{
    keys::{Command, on_command},
    screens,
    state::use_state,
};
use leptos::prelude::*;

/// The frame with everything in it.
#[component]
pub fn Shell() -> impl IntoView {
    let state = use_state();
    for screen in screens::SCREENS {
        on_command(screen.go, move || {
            state.go_screen(screen.route);
            true
        });
    }
    on_command(Command::Close, move || {
        let open = state.selected().with_untracked(Option::is_some);
        state.select(None);
        open
    });
    let route = state.screen();
    view! {
        <div class="app" data-test="app">
            <rail::Rail />
            <main class="main" id="main" tabindex="-1">
                {move || route.with(|route| screens::find(route).map(|screen| (screen.view)()))}
            </main>
            <Show when=move || state.inspector_shown()>
                <aside class="inspector" aria-label="Inspector"><screens::inspector::Inspector /></aside>
            </Show>
            <toast::Toasts />
        </div>
    }
}
