//! A dialog with a head: its title, and a button that closes it.

use crate::parts::{button::IconButton, dialog, icon::Icon};
use leptos::prelude::*;

/// Draws a dialog that is open while it is in the page.
#[component]
pub fn Titled(
    /// What it is, for readers.
    label: &'static str,
    /// Its title: verb and object.
    #[prop(into)]
    title: Signal<String>,
    /// Closes it without doing anything.
    on_close: Callback<()>,
    /// Hook for end-to-end tests.
    test: &'static str,
    /// Body and foot.
    children: Children,
) -> impl IntoView {
    let close = move || on_close.run(());
    view! {
        <dialog::Dialog label=label on_close=close test=test>
            <header class="dialog-head">
                <h2 class="title clip" dir="auto">{title}</h2>
                <span class="fill"></span>
                <IconButton icon=Icon::Close label="Close" on_press=close />
            </header>
            {children()}
        </dialog::Dialog>
    }
}
