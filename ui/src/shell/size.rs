//! How wide the window is, and what LOOK says follows from it.

use leptos::{ev, prelude::*};

/// From this width on the inspector is docked and the rail has words.
const DOCKED_FROM: f64 = 1280.0;
/// From this width on the ribbon has five lanes and the search field is wide.
const WIDE_FROM: f64 = 1680.0;

/// The window's size in pixels.
#[derive(Clone, Copy)]
pub struct Size {
    width: RwSignal<f64>,
}

/// The window's size.
#[must_use]
pub fn use_size() -> Size {
    expect_context()
}

impl Size {
    /// Follows the window and offers itself to everything below.
    pub fn provide() -> Self {
        let read = || window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1440.0);
        let size = Self { width: RwSignal::new(read()) };
        provide_context(size);
        let resized = window_event_listener(ev::resize, move |_| size.width.set(read()));
        on_cleanup(move || resized.remove());
        size
    }

    /// The window's width; tracks.
    #[must_use]
    pub fn width(self) -> f64 {
        self.width.get()
    }

    /// How many lanes the ribbon has; tracks.
    #[must_use]
    pub fn lanes(self) -> usize {
        match self.width.get() {
            width if width < DOCKED_FROM => 1,
            width if width < WIDE_FROM => 3,
            _ => 5,
        }
    }

    /// What is left of the top bar for freshness chips; tracks.
    #[must_use]
    pub fn chip_room(self) -> f64 {
        let width = self.width.get();
        let (rail, search) = match width {
            width if width < DOCKED_FROM => (48.0, 180.0),
            width if width < WIDE_FROM => (76.0, 264.0),
            _ => (76.0, 360.0),
        };
        // Scope, mode and demo tag with the gaps between them, at their widest.
        const REST: f64 = 420.0;
        (width - rail - search - REST).max(0.0)
    }
}
