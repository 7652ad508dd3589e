//! The catalog of screens: a file in `screens/` and one word here gives the route, the rail item, the palette row,
//! the key and the help.

use crate::{keys::Command, parts::icon::Icon};
use leptos::prelude::AnyView;

pub mod inspector;

/// A screen. Each file of `screens/` has one, named `SCREEN`.
pub struct Screen {
    /// First part of its address.
    pub route: &'static str,
    /// Its name on the rail.
    pub name: &'static str,
    /// One sentence for the palette and for screen readers.
    pub about: &'static str,
    /// Its sign on the rail.
    pub icon: Icon,
    /// Does the scope in the top bar narrow it? If not, the bar has its name.
    pub scoped: bool,
    /// What goes to it.
    pub go: Command,
    /// Draws it.
    pub view: fn() -> AnyView,
}

macro_rules! screens {
    ($($screen:ident),+ $(,)?) => {
        $(pub mod $screen;)+
        /// All screens, in the order of the rail. The first one is shown at the address `/`.
        pub const SCREENS: &[Screen] = &[$($screen::SCREEN),+];
    };
}

screens![fleet, delivery, models, bench, connections, walls, settings];

/// The screen of a route.
#[must_use]
pub fn find(route: &str) -> Option<&'static Screen> {
    SCREENS.iter().find(|screen| screen.route == route)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_screen_has_a_route_and_a_key_of_its_own() {
        for (at, a) in SCREENS.iter().enumerate() {
            assert!(crate::keys::chord(a.go).is_some(), "{} has no key", a.name);
            for b in &SCREENS[at + 1..] {
                assert!(a.route != b.route && a.go != b.go, "{} and {}", a.name, b.name);
            }
        }
    }
}
