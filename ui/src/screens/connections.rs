//! The screen Connections.

use crate::{keys::Command, parts::icon::Icon, screens::Screen};
use leptos::prelude::*;

/// The catalog's row.
pub const SCREEN: Screen = Screen {
    route: "connections",
    name: "Connections",
    about: "Connections.",
    icon: Icon::Connections,
    scoped: false,
    go: Command::GoConnections,
    view: || view! { <p>"Connections"</p> }.into_any(),
};
