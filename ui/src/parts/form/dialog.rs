//! A dialog over the page: everything else waits, Esc closes it, focus comes back to where it was.

use crate::{
    keys::{Command, on_command},
    parts::{button::IconButton, icon::Icon},
};
use leptos::{html, prelude::*};

/// Draws a dialog that is open while it is in the page.
#[component]
pub fn Dialog(
    /// Its title: verb and object.
    #[prop(into)]
    title: Signal<String>,
    /// Closes it without doing anything.
    on_close: Callback<()>,
    /// Hook for end-to-end tests.
    test: &'static str,
    /// Its content.
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    // The page's top layer is outside of Leptos: this effect is the bridge.
    Effect::new(move |_| {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            let _ = dialog.show_modal();
        }
    });
    let close = move || {
        // Closed first, so that the browser gives the focus back.
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
        on_close.run(());
    };
    on_command(Command::Close, move || {
        close();
        true
    });
    view! {
        <dialog
            class="dialog"
            node_ref=node
            data-test=test
            aria-label=title
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                close();
            }
        >
            <header class="dialog-head">
                <h2 class="title" dir="auto">{title}</h2>
                <span class="fill"></span>
                <IconButton icon=Icon::Close label="Close" on_press=close />
            </header>
            {children()}
        </dialog>
    }
}
