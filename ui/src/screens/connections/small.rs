//! A button in a row: pressing it does not select the row.

use crate::parts::{
    button::Press,
    icon::{Icon, Sign},
};
use leptos::prelude::*;

/// A square button of a sign alone, for inside of a row.
#[component]
pub fn SmallButton(
    /// Its sign.
    icon: Icon,
    /// Verb and object.
    label: &'static str,
    /// What it does.
    #[prop(into)]
    on_press: Press,
    /// Hook for end-to-end tests.
    test: &'static str,
) -> impl IntoView {
    let press = move |event: leptos::ev::MouseEvent| {
        event.stop_propagation();
        on_press.run();
    };
    view! {
        <button type="button" class="icon-button" aria-label=label title=label data-test=test on:click=press>
            <Sign icon=icon size=14 />
        </button>
    }
}
