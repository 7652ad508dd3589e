//! A key as it is drawn: in buttons, in the help, at the foot of the palette.

use crate::keys::{Command, chord};
use leptos::prelude::*;

/// The chord of a command.
#[component]
pub fn KeyOf(
    /// Whose.
    command: Command,
) -> impl IntoView {
    chord(command).map(|chord| view! { <kbd aria-hidden="true">{chord}</kbd> })
}

/// A chord by its text.
#[component]
pub fn Key(
    /// As the table writes it.
    chord: &'static str,
) -> impl IntoView {
    view! { <kbd>{chord}</kbd> }
}
