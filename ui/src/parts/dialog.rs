//! A dialog over a scrim: takes the focus, keeps it, closes on Esc, and gives the focus back.

use super::button::Press;
use crate::{
    keys::{Command, on_command},
    once::effect,
};
use leptos::{ev::KeyboardEvent, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// What can take the focus inside of a dialog.
const FOCUSABLE: &str = "button, a[href], input, select, textarea, [tabindex='0']";

/// A dialog. It is open while it is mounted: put it into a `<Show>`.
#[component]
pub fn Dialog(
    /// What it is, for screen readers.
    label: &'static str,
    /// Another class, for its place and width.
    #[prop(optional)]
    class: &'static str,
    /// Closes it: on Esc and on a press beside it.
    #[prop(into)]
    on_close: Press,
    /// Hook for end-to-end tests.
    #[prop(optional)]
    test: Option<&'static str>,
    /// Head, body and foot.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Div>::new();
    let before = StoredValue::new_local(document().active_element());
    let close = on_close.clone();
    on_command(Command::Close, move || {
        close.run();
        true
    });
    // The browser's focus is outside of Leptos: this effect is the bridge, and writes no signal.
    effect(move || {
        if let Some(dialog) = dialog.get() {
            focus_first(&dialog);
        }
    });
    on_cleanup(move || {
        let back = before.try_get_value().flatten().and_then(|element| element.dyn_into::<HtmlElement>().ok());
        if let Some(element) = back {
            let _ = element.focus();
        }
    });
    let keep = move |event: KeyboardEvent| {
        if let (true, Some(dialog)) = (event.key() == "Tab", dialog.get_untracked()) {
            keep_inside(&dialog, &event);
        }
    };
    view! {
        <div class="scrim" on:click=move |_| on_close.run()></div>
        <div
            node_ref=dialog
            class=format!("dialog {class}")
            role="dialog"
            aria-modal="true"
            aria-label=label
            data-test=test
            tabindex="-1"
            on:keydown=keep
        >
            {children()}
        </div>
    }
}

fn focusable(dialog: &web_sys::HtmlDivElement) -> Vec<HtmlElement> {
    let Ok(list) = dialog.query_selector_all(FOCUSABLE) else { return Vec::new() };
    (0..list.length()).filter_map(|at| list.item(at)?.dyn_into::<HtmlElement>().ok()).collect()
}

fn focus_first(dialog: &web_sys::HtmlDivElement) {
    let chosen =
        dialog.query_selector("[data-focus], [autofocus]").ok().flatten().and_then(|element| element.dyn_into().ok());
    match chosen.or_else(|| focusable(dialog).into_iter().next()) {
        Some(element) => drop(element.focus()),
        None => drop(dialog.focus()),
    }
}

fn keep_inside(dialog: &web_sys::HtmlDivElement, event: &KeyboardEvent) {
    let inside = focusable(dialog);
    let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return };
    let now = document().active_element();
    let at = |element: &HtmlElement| now.as_ref().is_some_and(|now| now.is_same_node(Some(element)));
    let to = match event.shift_key() {
        true if at(first) => last,
        false if at(last) => first,
        _ => return,
    };
    event.prevent_default();
    let _ = to.focus();
}
