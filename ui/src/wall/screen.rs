//! How large the screen is: in units of the wall, of which it is 1080 high.

use leptos::{ev, prelude::*};

/// The height of the wall in its own units.
pub const HEIGHT: f64 = 1_080.0;

/// The size of the screen, followed as it changes.
#[derive(Clone, Copy)]
pub struct Screen {
    size: RwSignal<(f64, f64)>,
}

impl Screen {
    /// Follows the window while the caller's owner lives.
    pub fn follow() -> Self {
        let read = || {
            let number = |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|value| value.as_f64());
            let (width, height) = (number(window().inner_width()), number(window().inner_height()));
            (width.unwrap_or(1_920.0), height.unwrap_or(HEIGHT).max(1.0))
        };
        let screen = Self { size: RwSignal::new(read()) };
        let resized = window_event_listener(ev::resize, move |_| screen.size.set(read()));
        on_cleanup(move || resized.remove());
        screen
    }

    /// CSS pixels to one unit; tracks.
    #[must_use]
    pub fn scale(self) -> f64 {
        self.size.get().1 / HEIGHT
    }

    /// The width in units; tracks.
    #[must_use]
    pub fn width(self) -> f64 {
        self.size.get().0 / self.scale()
    }
}
