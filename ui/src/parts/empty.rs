//! A place with nothing in it yet: what it will show, and the one next step.

use leptos::prelude::*;

/// Says what a place will show, with the next step as its children.
#[component]
pub fn Empty(
    /// What is missing, as a statement: "No pods wait".
    #[prop(into)]
    title: Signal<String>,
    /// What this place will show, and when.
    #[prop(into)]
    what: Signal<String>,
    /// The next step: one button, at most two.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty" data-test="empty">
            <p class="lead strong">{title}</p>
            <p class="soft">{what}</p>
            {children.map(|children| view! { <div class="buttons">{children()}</div> })}
        </div>
    }
}
