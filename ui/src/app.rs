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
    Theme::provide();
    Keys::provide();
    Keeper::provide();
    Toaster::provide();
    Size::provide();
    let clock = Clock::provide();
    let link = Link::provide();
    Views::provide(link, clock);
    State::provide(link);
    link.start();
    view! { <Shell /> }
}
