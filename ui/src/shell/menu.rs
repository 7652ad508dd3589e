//! A menu under its button: takes the focus, goes by arrow keys, closes on Esc and on a press elsewhere.

use crate::{
    keys::{Command, on_command},
    once::effect,
    parts::{
        button::Press,
        icon::{Icon, Sign},
    },
};
use leptos::{
    ev::{self, KeyboardEvent},
    html,
    prelude::*,
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// A menu. It is open while it is mounted: put it into a `<Show>` beside its button, in one box with it.
#[component]
pub fn Menu(
    /// What it is, for screen readers.
    label: &'static str,
    /// Closes it.
    #[prop(into)]
    on_close: Press,
    /// Buttons.
    children: Children,
) -> impl IntoView {
    let menu = NodeRef::<html::Div>::new();
    // The browser's focus is outside of Leptos: this effect is the bridge, and writes no signal.
    effect(move || {
        if let Some(menu) = menu.get() {
            step(&menu, 0);
        }
    });
    let close = on_close.clone();
    on_command(Command::Close, move || {
        if let Some(menu) = menu.get_untracked() {
            focus_button(&menu);
        }
        close.run();
        true
    });
    let pressed = window_event_listener(ev::pointerdown, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let inside = menu
            .get_untracked()
            .and_then(|menu| menu.parent_element())
            .is_some_and(|home| home.contains(target.as_deref()));
        if !inside {
            on_close.run();
        }
    });
    on_cleanup(move || pressed.remove());
    let keydown = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        if let Some(menu) = menu.get_untracked() {
            step(&menu, by);
        }
    };
    view! {
        <div node_ref=menu class="menu" role="menu" aria-label=label on:keydown=keydown>
            {children()}
        </div>
    }
}

/// An entry of a menu that is on or off; the menu stays open.
#[component]
pub fn Choice(
    /// What it turns on.
    label: String,
    /// Is it on?
    #[prop(into)]
    on: Signal<bool>,
    /// Turns it on or off.
    #[prop(into)]
    choose: Press,
) -> impl IntoView {
    view! {
        <button type="button" class="menu-item" role="menuitemcheckbox" aria-checked=move || on.get().to_string() on:click=move |_| choose.run()>
            <span class="tick">{move || on.get().then(|| view! { <Sign icon=Icon::Check size=12 /> })}</span>
            <span dir="auto">{label}</span>
        </button>
    }
}

/// Moves the focus by so many buttons, round the ends; to the first one if none has it.
fn step(menu: &Element, by: i32) {
    let Ok(buttons) = menu.query_selector_all("button") else { return };
    let buttons: Vec<HtmlElement> =
        (0..buttons.length()).filter_map(|at| buttons.item(at)?.dyn_into::<HtmlElement>().ok()).collect();
    let now = document().active_element();
    let at = buttons.iter().position(|button| now.as_ref().is_some_and(|now| now.is_same_node(Some(button))));
    if let Some(button) = buttons.get(around(at, by, buttons.len())) {
        let _ = button.focus();
    }
}

fn around(at: Option<usize>, by: i32, count: usize) -> usize {
    let Some(at) = at else { return 0 };
    let step = if by < 0 { count.saturating_sub(1) } else { usize::from(by > 0) };
    (at + step) % count.max(1)
}

/// Gives the focus back to the button that opened the menu.
fn focus_button(menu: &Element) {
    let button = menu.parent_element().and_then(|home| home.query_selector("[aria-expanded]").ok().flatten());
    if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
        let _ = button.focus();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_round_the_ends() {
        assert_eq!(around(None, 0, 3), 0);
        assert_eq!(around(Some(2), 1, 3), 0);
        assert_eq!(around(Some(0), -1, 3), 2);
        assert_eq!(around(Some(1), -1, 3), 0);
        assert_eq!(around(Some(0), 1, 0), 0);
    }
}
