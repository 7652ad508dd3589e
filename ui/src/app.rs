//! Puts the page together: link, mirror, state, clock, keys and theme as contexts, the shell inside of them.

use crate::{
    clock::Clock,
    kept::Keeper,
    keys::Keys,
    link::Link,
    mirror::Views,
    shell::{Shell, size::Size, toast::Toaster},
    state::State,
    theme::Theme,
};
use leptos::prelude::*;

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let theme = Theme::provide();
    Keys::provide();
    Keeper::provide();
    Toaster::provide();
    Size::provide();
    let clock = Clock::provide();
    let link = Link::provide();
    let state = State::provide(link, clock, theme);
    Views::provide(link, clock, state.when());
    link.start();
    view! { <Shell /> }
}
