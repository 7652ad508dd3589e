//! Dark, light or as the system is: remembered in this browser, and the only place that reads colours from CSS.

use crate::once::effect;
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
    past: RwSignal<bool>,
    /// Dark whatever was chosen: on the wall.
    forced: RwSignal<bool>,
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
        let (past, forced) = (RwSignal::new(false), RwSignal::new(false));
        let theme = Self { choice, system: RwSignal::new(system_theme()), past, forced };
        provide_context(theme);
        follow_system(theme.system);
        // The document is outside of Leptos: this effect is the bridge, and writes no signal.
        effect(move || {
            if let Some(root) = document().document_element() {
                let word = if theme.shown() == Shown::Dark { "dark" } else { "light" };
                let _ = root.set_attribute("data-theme", word);
                // The past has grounds and an accent of its own, in all that floats, too.
                let _ = if theme.past.get() {
                    root.set_attribute("data-past", "")
                } else {
                    root.remove_attribute("data-past")
                };
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
        if self.forced.get() {
            return Shown::Dark;
        }
        match self.choice.get() {
            Choice::System => self.system.get(),
            Choice::Dark => Shown::Dark,
            Choice::Light => Shown::Light,
        }
    }

    /// Shows the grounds of the past, or those of now. For the state of the page alone.
    pub fn show_past(self, past: bool) {
        if self.past.get_untracked() != past {
            self.past.set(past);
        }
    }

    /// All that colours hang on; tracks. Canvases draw anew when it changes.
    #[must_use]
    pub fn grounds(self) -> (Shown, bool) {
        (self.shown(), self.past.get())
    }

    /// Dark whatever was chosen, or as it was chosen again.
    pub fn force_dark(self, forced: bool) {
        if self.forced.try_get_untracked().is_some_and(|before| before != forced) {
            self.forced.set(forced);
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

#[cfg(test)]
mod tests {
    //! The contrasts of LOOK, measured in the style sheet that is shipped.

    use std::collections::HashMap;

    const CSS: &str = include_str!("../style/tokens.css");
    const FILLS: [&str; 4] = ["bg0", "bg1", "bg2", "bg3"];
    /// Text, and how much of it is needed on each of the fills, in the order of `FILLS`.
    const TEXT: [(&str, [f64; 4], [f64; 4]); 4] = [
        ("tx", [16.1, 15.3, 14.0, 12.4], [16.2, 17.9, 15.5, 14.4]),
        ("tx2", [8.9, 8.4, 7.7, 6.9], [7.5, 8.2, 7.1, 6.6]),
        ("tx3", [5.8, 5.5, 5.0, 4.4], [5.2, 5.8, 5.0, 4.6]),
        ("acc", [8.7, 8.3, 7.6, 6.7], [5.4, 6.0, 5.2, 4.8]),
    ];
    /// Text on a fill of its own: both tokens, and what is needed in either theme.
    const PAIRS: [(&str, &str, f64, f64); 10] = [
        ("on-acc", "acc", 8.5, 6.0),
        ("on-past", "past", 9.0, 6.6),
        ("good", "good-bg", 6.9, 5.3),
        ("warn", "warn-bg", 7.7, 5.4),
        ("bad", "bad-bg", 6.2, 5.2),
        ("unknown", "unknown-bg", 6.3, 5.5),
        ("tx", "acc-bg", 12.7, 15.2),
        ("tx3", "acc-bg", 4.6, 4.9),
        ("free", "bg0", 3.3, 3.0),
        ("free", "bg1", 3.1, 3.3),
    ];
    const CONTROL: ([f64; 4], [f64; 4]) = ([4.1, 3.9, 3.5, 3.1], [3.6, 3.9, 3.4, 3.2]);

    type Tokens = HashMap<&'static str, &'static str>;

    fn theme(selector: &str) -> Tokens {
        let block = CSS.split_once(selector).unwrap().1.split_once('}').unwrap().0;
        let lines = block.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": "));
        lines.map(|(name, value)| (name, value.trim_end_matches(';'))).collect()
    }

    fn both() -> [Tokens; 2] {
        [theme("[data-theme=\"dark\"] {"), theme("\n[data-theme=\"light\"] {")]
    }

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    #[track_caller]
    fn check(tokens: &Tokens, text: &str, ground: &str, least: f64) {
        let (a, b) = (luminance(tokens[text]), luminance(tokens[ground]));
        let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
        // The table is rounded to one digit.
        assert!(contrast >= least - 0.05, "{text} on {ground}: {contrast:.2}, needs {least}");
    }

    #[test]
    fn text_reads_on_every_fill() {
        let [dark, light] = both();
        for (text, in_dark, in_light) in TEXT {
            for (at, fill) in FILLS.into_iter().enumerate() {
                check(&dark, text, fill, in_dark[at]);
                check(&light, text, fill, in_light[at]);
            }
        }
        for (text, ground, in_dark, in_light) in PAIRS {
            check(&dark, text, ground, in_dark);
            check(&light, text, ground, in_light);
        }
    }

    #[test]
    fn text_reads_on_the_grounds_of_the_past_too() {
        let of = |name: &str, now: &Tokens| {
            let mut tokens = now.clone();
            tokens.extend(theme(&format!("[data-theme=\"{name}\"][data-past] {{")));
            let accent = tokens["past"];
            tokens.insert("acc", accent);
            tokens
        };
        let [dark, light] = both();
        for (name, now) in [("dark", &dark), ("light", &light)] {
            let past = of(name, now);
            for fill in ["bg0", "bg1"] {
                [("tx", 14.0), ("tx2", 6.8), ("tx3", 4.5), ("acc", 5.4)]
                    .into_iter()
                    .for_each(|(text, least)| check(&past, text, fill, least));
            }
            assert_ne!(past["bg0"], now["bg0"]);
        }
    }

    #[test]
    fn words_marks_and_edges_of_every_status_can_be_told_from_their_ground() {
        let [dark, light] = both();
        for (at, fill) in FILLS.into_iter().enumerate() {
            check(&dark, "ctl", fill, CONTROL.0[at]);
            check(&light, "ctl", fill, CONTROL.1[at]);
            for tokens in [&dark, &light] {
                for status in ["good", "warn", "bad", "unknown"] {
                    check(tokens, status, fill, 4.5);
                    if fill != "bg3" {
                        check(tokens, &format!("{status}-mark"), fill, 3.0);
                    }
                }
            }
        }
    }

    #[test]
    fn both_themes_have_the_same_tokens_and_nothing_else_names_a_colour() {
        let [dark, light] = both();
        let names = |tokens: &Tokens| {
            let mut names: Vec<_> = tokens.keys().copied().collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names(&dark), names(&light));
        for css in [
            include_str!("../style/base.css"),
            include_str!("../style/parts.css"),
            include_str!("../style/shell.css"),
            include_str!("../style/ribbon.css"),
            include_str!("../style/palette.css"),
            include_str!("../style/alone.css"),
            include_str!("../style/past.css"),
            include_str!("../style/wall.css"),
            include_str!("../style/wall-panels.css"),
            include_str!("../style/walls.css"),
            include_str!("../style/bench.css"),
        ] {
            let literal = |line: &&str| line.contains(": #") || line.contains("rgb(") || line.contains("rgba(");
            assert_eq!(css.lines().find(literal), None);
        }
    }

    #[test]
    fn what_leaves_the_program_has_the_colours_of_the_light_theme() {
        use pilothouse_chart::{Rgb, paper};
        let [_, light] = both();
        let check = |name: &str, [red, green, blue]: Rgb| {
            assert_eq!(light[name], format!("#{red:02X}{green:02X}{blue:02X}"), "{name}");
        };
        check("bg1", paper::GROUND);
        check("tx", paper::TEXT);
        check("tx2", paper::SOFT);
        check("bg3", paper::TRACK);
        check("free", paper::FREE);
        check("warn-mark", paper::WARN);
        check("bad-mark", paper::BAD);
        (0..).zip(paper::SCALE).for_each(|(step, of)| check(&format!("m{step}"), of));
    }
}
