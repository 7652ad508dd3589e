//! Buttons: verb and object, with their key in them. What is not possible says why instead of being hidden.

use super::{
    icon::{Icon, Sign},
    key::KeyOf,
};
use crate::{
    keys::Command,
    link,
    shell::toast::{Toaster, use_toasts},
};
use leptos::{ev::MouseEvent, prelude::*};
use pilothouse_wire::{
    units::{middle, visible},
    view::Status,
};
use std::rc::Rc;
use wasm_bindgen_futures::JsFuture;

/// How much a button stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// The one next step of its card or dialog.
    Primary,
    /// Any other.
    #[default]
    Plain,
    /// Takes something away.
    Danger,
}

impl Weight {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "button primary",
            Self::Plain => "button",
            Self::Danger => "button danger",
        }
    }
}

/// What a press does. One type for all of them, so that a button is compiled once and not once for each press.
#[derive(Clone)]
pub struct Press(Rc<dyn Fn()>);

impl<F: Fn() + 'static> From<F> for Press {
    fn from(press: F) -> Self {
        Self(Rc::new(press))
    }
}

impl Press {
    /// Does it.
    pub fn run(&self) {
        (self.0)();
    }
}

/// A button of a verb and an object.
#[component]
pub fn Button(
    /// Verb and object.
    #[prop(into)]
    label: Signal<String>,
    /// What it does.
    #[prop(into)]
    on_press: Press,
    /// How much it stands out.
    #[prop(optional)]
    weight: Weight,
    /// The command whose key it shows. The page offers the command itself, with `on_command`.
    #[prop(optional)]
    command: Option<Command>,
    /// Why it is not possible now; the reason stands on it.
    #[prop(optional, into)]
    blocked: Signal<Option<String>>,
    /// Hook for end-to-end tests.
    #[prop(optional)]
    test: Option<&'static str>,
) -> impl IntoView {
    let class = move || if blocked.with(Option::is_some) { "button blocked" } else { weight.class() };
    // Stays in the tab order when it is blocked: a reason that cannot be reached is no reason.
    let press = move |_: MouseEvent| {
        if blocked.with_untracked(Option::is_none) {
            on_press.run();
        }
    };
    // Label and reason may name an object, as a person or a server named it.
    let inside = move || match blocked.get() {
        Some(reason) => {
            let words = view! { <span><bdi>{visible(&label.get())}</bdi>": "<bdi>{visible(&reason)}</bdi></span> };
            view! { <Sign icon=Icon::Lock size=12 /> {words} }.into_any()
        }
        None => {
            view! { <bdi>{visible(&label.get())}</bdi> {command.map(|command| view! { <KeyOf command=command /> })} }
                .into_any()
        }
    };
    view! {
        <button
            type="button"
            class=move || class()
            data-test=test
            aria-disabled=move || blocked.with(Option::is_some).to_string()
            on:click=press
        >
            {move || inside()}
        </button>
    }
}

/// A square button of a sign alone; its label is read out and shown as a tooltip.
#[component]
pub fn IconButton(
    /// Its sign.
    icon: Icon,
    /// Verb and object.
    label: &'static str,
    /// What it does.
    #[prop(into)]
    on_press: Press,
    /// Hook for end-to-end tests.
    #[prop(optional)]
    test: Option<&'static str>,
) -> impl IntoView {
    view! {
        <button type="button" class="icon-button" aria-label=label title=label data-test=test on:click=move |_| on_press.run()>
            <Sign icon=icon size=14 />
        </button>
    }
}

/// A button that copies a text and says so.
#[component]
pub fn CopyButton(
    /// Verb and object: "Copy the YAML".
    label: &'static str,
    /// What is copied.
    #[prop(into)]
    text: Signal<String>,
    /// How much it stands out.
    #[prop(optional)]
    weight: Weight,
) -> impl IntoView {
    let toasts = use_toasts();
    let press = move || copy(text.get_untracked(), toasts);
    view! { <Button label=label on_press=press weight=weight /> }
}

/// [`copy`] for a part of the page that copies more than one text.
pub fn use_copy() -> impl Fn(String) + Copy + 'static {
    let toasts = use_toasts();
    move |text| copy(text, toasts)
}

/// Copies a text and says in a toast what came of it.
pub fn copy(text: String, toasts: Toaster) {
    let promise = window().navigator().clipboard().write_text(&text);
    link::spawn(async move {
        match JsFuture::from(promise).await {
            Ok(_) => toasts.say(Status::Good, "Copied", gist(&text)),
            Err(_) => toasts.say(Status::Warn, "Not copied", "The browser did not give access to the clipboard."),
        }
    });
}

/// The first line of a text, short enough for a toast.
fn gist(text: &str) -> String {
    middle(text.lines().next().unwrap_or_default(), 44)
}
