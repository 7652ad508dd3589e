//! Dark, light or as the system is: remembered in this browser, and the only place that reads colours from CSS.

use leptos::prelude::*;

/// What a person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// As the system is.
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

const STORED_AS: &str = "pilothouse.theme";

/// The theme of this page.
#[derive(Clone, Copy)]
pub struct Theme {
    choice: RwSignal<Choice>,
    system: RwSignal<Shown>,
}

/// The theme of this page.
#[must_use]
pub fn use_theme() -> Theme {
    expect_context()
}

impl Choice {
    /// All choices, in the order in which the key turns them.
    pub const ALL: [Self; 3] = [Self::System, Self::Dark, Self::Light];

    /// The choice as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }

    fn read(word: &str) -> Self {
        Self::ALL.into_iter().find(|choice| choice.word() == word).unwrap_or(Self::System)
    }
}

impl Theme {
    /// Reads the choice of last time, follows the system, and offers the theme to everything below.
    pub fn provide() -> Self {
        let stored = storage().and_then(|storage| storage.get_item(STORED_AS).ok().flatten());
        let choice = RwSignal::new(Choice::read(&stored.unwrap_or_default()));
        let theme = Self { choice, system: RwSignal::new(system_theme()) };
        provide_context(theme);
        follow_system(theme.system);
        // The document is outside of Leptos: this effect is the bridge, and writes no signal.
        Effect::new(move |_| {
            if let Some(root) = document().document_element() {
                let word = if theme.shown() == Shown::Dark { "dark" } else { "light" };
                let _ = root.set_attribute("data-theme", word);
            }
        });
        theme
    }

    /// What a person chose; tracks.
    #[must_use]
    pub fn choice(self) -> Choice {
        self.choice.get()
    }

    /// What is shown; tracks. Canvases draw anew when it changes.
    #[must_use]
    pub fn shown(self) -> Shown {
        match self.choice.get() {
            Choice::System => self.system.get(),
            Choice::Dark => Shown::Dark,
            Choice::Light => Shown::Light,
        }
    }

    /// Chooses, and remembers it.
    pub fn choose(self, choice: Choice) {
        self.choice.set(choice);
        if let Some(storage) = storage() {
            let _ = storage.set_item(STORED_AS, choice.word());
        }
    }

    /// Chooses the other of dark and light.
    pub fn toggle(self) {
        self.choose(if self.shown() == Shown::Dark { Choice::Light } else { Choice::Dark });
    }
}

/// The present value of a colour token, for a canvas: `token("m0")`. Call it after the theme was applied: in an
/// animation frame.
#[must_use]
pub fn token(name: &str) -> String {
    let root = document().document_element();
    let style = root.and_then(|root| window().get_computed_style(&root).ok().flatten());
    let value = style.and_then(|style| style.get_property_value(&format!("--{name}")).ok());
    value.map(|value| value.trim().to_owned()).unwrap_or_default()
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn light_query() -> Option<web_sys::MediaQueryList> {
    window().match_media("(prefers-color-scheme: light)").ok().flatten()
}

fn system_theme() -> Shown {
    if light_query().is_some_and(|query| query.matches()) { Shown::Light } else { Shown::Dark }
}

fn follow_system(system: RwSignal<Shown>) {
    use wasm_bindgen::{JsCast, closure::Closure};
    let Some(query) = light_query() else { return };
    let changed = Closure::<dyn Fn()>::new(move || system.set(system_theme()));
    let _ = query.add_event_listener_with_callback("change", changed.as_ref().unchecked_ref());
    // The theme lives as long as the page.
    changed.forget();
}
