//! The screen Fleet.

use crate::{keys::Command, parts::icon::Icon, screens::Screen};
use leptos::prelude::*;

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "fleet",
    name: "Fleet",
    about: "Fleet.",
    icon: Icon::Fleet,
    scoped: true,
    go: Command::GoFleet,
    view: || view! { <p>"Fleet"</p> }.into_any(),
};
