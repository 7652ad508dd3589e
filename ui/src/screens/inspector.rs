//! The inspector: what is selected, in full.

use crate::state::use_state;
use leptos::prelude::*;

/// Draws what is selected.
#[component]
pub fn Inspector() -> impl IntoView {
    let state = use_state();
    view! { <p>{move || state.selected().with(|object| object.as_ref().map(ToString::to_string))}</p> }
}
