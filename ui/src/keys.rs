//! Every key of the interface, once: the handler, the help overlay and the buttons all read this table.
//!
//! A binding works while some part of the page offers its command with [`on_command`]; the newest offer is asked
//! first, so that `Esc` closes one layer at a time. Nothing here changes a server.

use leptos::{ev, prelude::*};
use std::{rc::Rc, time::Duration};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Opens the palette.
    Palette,
    /// Opens the help of the keys.
    Help,
    /// Closes the topmost layer.
    Close,
    /// Goes to the fleet.
    GoFleet,
    /// Goes to services and their revisions.
    GoDelivery,
    /// Goes to the connections.
    GoConnections,
    /// Goes to how a wall is opened.
    GoWall,
    /// Goes to the settings.
    GoSettings,
    /// Goes to the models.
    GoModels,
    /// Goes to the benchmarks.
    GoBench,
    /// Opens the list of what is done in this session, or closes it.
    Actions,
    /// Ends the benchmark that runs, and keeps its data.
    BenchStop,
    /// Saves the report of the benchmark that is shown.
    BenchReport,
    /// Puts the caret into the table's filter.
    Filter,
    /// Moves down.
    Down,
    /// Moves up.
    Up,
    /// Moves left.
    Left,
    /// Moves right.
    Right,
    /// Opens what is marked.
    Open,
    /// Goes to the next area of the page.
    NextArea,
    /// Hides the inspector or shows it.
    Inspector,
    /// Changes between dark and light.
    Theme,
    /// Copies the address of what is shown.
    CopyAddress,
    /// Saves what is shown as a view.
    SaveView,
    /// Pins the selection, or lets it go.
    Pin,
    /// Opens an address that was copied.
    OpenAddress,
    /// Next colour of the map.
    MapColour,
    /// Next grouping of the map.
    MapGroup,
    /// Larger cells on the map.
    MapZoomIn,
    /// Smaller cells on the map.
    MapZoomOut,
    /// The whole map.
    MapFit,
    /// Picks out GPUs of the map.
    MapPick,
    /// Picks out what a line by hand goes around.
    MapLasso,
    /// Shows the YAML of the selection.
    Yaml,
    /// The selection in words.
    Describe,
    /// Logs of what is selected.
    Logs,
    /// What can be planned for what is shown or selected.
    Act,
    /// A wider span of the ribbon.
    ZoomOut,
    /// A narrower span of the ribbon.
    ZoomIn,
    /// Goes to the change before.
    EarlierChange,
    /// Goes to the change after.
    LaterChange,
    /// Goes back in time, by a step.
    TimeBack,
    /// Goes on in time, by a step.
    TimeOn,
    /// Goes back in time, by ten steps.
    TimeFarBack,
    /// Goes on in time, by ten steps.
    TimeFarOn,
    /// Goes back to now.
    BackToNow,
    /// Compares two times.
    Compare,
    /// Puts two handles on the ribbon, to compare their times.
    PickTimes,
    /// Puts a note on the ribbon.
    Note,
    /// Adds a connection.
    AddConnection,
    /// Tries the selected connection now.
    Retry,
    /// Opens the demo fleet.
    OpenDemo,
    /// Confirms a form.
    Confirm,
    /// Connects the first context that was found.
    Connect1,
    /// Connects the second.
    Connect2,
    /// Connects the third.
    Connect3,
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everywhere.
    Everywhere,
    /// On the fleet screen.
    Fleet,
    /// On the connections screen.
    Connections,
    /// On the map, while it has the caret.
    Map,
    /// For what is selected.
    Selection,
    /// On the ribbon.
    Ribbon,
}

impl Place {
    /// The places in the order in which the help shows them.
    pub const ALL: [Self; 6] =
        [Self::Everywhere, Self::Fleet, Self::Map, Self::Connections, Self::Selection, Self::Ribbon];

    /// The heading of the place in the help.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Fleet => "Fleet",
            Self::Map => "Map, with the caret on it",
            Self::Connections => "Connections",
            Self::Selection => "Selection",
            Self::Ribbon => "Ribbon",
        }
    }
}

/// A key and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What it does.
    pub command: Command,
    /// As it is shown: `Ctrl K`, `g f`, `↓`.
    pub chord: &'static str,
    /// In words.
    pub does: &'static str,
    /// Where.
    pub place: Place,
}

const fn key(command: Command, chord: &'static str, does: &'static str, place: Place) -> Binding {
    Binding { command, chord, does, place }
}

/// All keys. The first binding of a command is the one that buttons show.
pub const BINDINGS: &[Binding] = &[
    key(Command::Palette, "Ctrl K", "search objects and actions", Place::Everywhere),
    key(Command::Help, "?", "keys of this screen", Place::Everywhere),
    key(Command::Close, "Esc", "close, one layer at a time", Place::Everywhere),
    key(Command::GoFleet, "g f", "go to Fleet", Place::Everywhere),
    key(Command::GoDelivery, "g d", "go to Delivery", Place::Everywhere),
    key(Command::GoConnections, "g n", "go to Connections", Place::Everywhere),
    key(Command::GoWall, "g w", "go to Wall", Place::Everywhere),
    key(Command::GoSettings, "g s", "go to Settings", Place::Everywhere),
    key(Command::GoModels, "g m", "go to Models", Place::Everywhere),
    key(Command::GoBench, "g b", "go to Bench", Place::Everywhere),
    key(Command::Actions, "g a", "what is done in this session", Place::Everywhere),
    key(Command::BenchStop, "x", "stop the benchmark, keep its data", Place::Everywhere),
    key(Command::BenchReport, "e", "save the report of the benchmark", Place::Everywhere),
    key(Command::Filter, "/", "filter this table", Place::Everywhere),
    key(Command::Down, "↓", "move down", Place::Everywhere),
    key(Command::Down, "j", "move down", Place::Everywhere),
    key(Command::Up, "↑", "move up", Place::Everywhere),
    key(Command::Up, "k", "move up", Place::Everywhere),
    key(Command::Left, "←", "move left", Place::Everywhere),
    key(Command::Right, "→", "move right", Place::Everywhere),
    key(Command::Open, "Enter", "open in the inspector", Place::Everywhere),
    key(Command::NextArea, "F6", "next area: rail, bar, screen, inspector, ribbon", Place::Everywhere),
    key(Command::Inspector, "Ctrl B", "hide the inspector", Place::Everywhere),
    key(Command::Theme, "Ctrl Shift T", "dark or light", Place::Everywhere),
    key(Command::CopyAddress, "Ctrl C", "copy the address", Place::Everywhere),
    key(Command::SaveView, "s", "save this view", Place::Everywhere),
    key(Command::OpenAddress, "Ctrl V", "open a copied address", Place::Everywhere),
    key(Command::Confirm, "Ctrl Enter", "confirm a form", Place::Everywhere),
    key(Command::MapColour, "m", "next colour of the map", Place::Fleet),
    key(Command::MapGroup, "Shift M", "next grouping of the map", Place::Fleet),
    // Before those of the ribbon: the map takes them only while it has the caret.
    key(Command::MapZoomIn, "+", "larger cells", Place::Map),
    key(Command::MapZoomOut, "−", "smaller cells", Place::Map),
    key(Command::MapFit, "0", "the whole map", Place::Map),
    key(Command::MapPick, "Shift →", "pick out GPUs, from here to there", Place::Map),
    key(Command::MapLasso, "o", "draw a line around GPUs, or with Alt held", Place::Map),
    key(Command::AddConnection, "a", "add a connection", Place::Connections),
    key(Command::Retry, "r", "try again now", Place::Connections),
    key(Command::OpenDemo, "d", "open the demo fleet", Place::Everywhere),
    key(Command::Connect1, "1", "connect the first context found", Place::Everywhere),
    key(Command::Connect2, "2", "connect the second", Place::Everywhere),
    key(Command::Connect3, "3", "connect the third", Place::Everywhere),
    key(Command::Pin, "p", "pin the selection, or let it go", Place::Selection),
    key(Command::Yaml, "y", "YAML of the selection", Place::Selection),
    key(Command::Describe, "Shift D", "the selection in words", Place::Selection),
    key(Command::Logs, "l", "logs of the selection", Place::Selection),
    // Behind the connections' own `a`.
    key(Command::Act, "a", "what can be planned for it", Place::Selection),
    key(Command::ZoomIn, "+", "shorter span", Place::Ribbon),
    key(Command::ZoomOut, "−", "longer span", Place::Ribbon),
    key(Command::EarlierChange, ",", "go to the change before", Place::Ribbon),
    key(Command::LaterChange, ".", "go to the change after", Place::Ribbon),
    key(Command::TimeBack, "[", "back in time", Place::Ribbon),
    key(Command::TimeOn, "]", "on in time", Place::Ribbon),
    // As a keyboard spells them with Shift.
    key(Command::TimeFarBack, "{", "ten steps back in time", Place::Ribbon),
    key(Command::TimeFarOn, "}", "ten steps on in time", Place::Ribbon),
    key(Command::BackToNow, "n", "back to now", Place::Everywhere),
    key(Command::Compare, "c", "compare two times", Place::Everywhere),
    key(Command::PickTimes, "Shift C", "two handles on the ribbon, to compare their times", Place::Ribbon),
    key(Command::Note, "b", "put a note on the ribbon", Place::Everywhere),
];

/// The chord that a button of this command shows.
#[must_use]
pub fn chord(command: Command) -> Option<&'static str> {
    BINDINGS.iter().find(|binding| binding.command == command).map(|binding| binding.chord)
}

type Act = Rc<dyn Fn() -> bool>;

/// Who offers which command.
#[derive(Clone, Copy)]
pub struct Keys {
    offers: StoredValue<Vec<Offer>, LocalStorage>,
    begun: StoredValue<Option<&'static str>>,
    // Commands that are offered now, for the help.
    offered: RwSignal<Vec<Command>>,
}

struct Offer {
    id: u32,
    command: Command,
    act: Act,
}

/// Offers a command while the caller's owner lives. `act` answers whether it did anything: if not, the next older
/// offer is asked.
pub fn on_command(command: Command, act: impl Fn() -> bool + 'static) {
    let keys: Keys = expect_context();
    keys.offer(command, Rc::new(act));
}

impl Keys {
    /// Listens to the keyboard and offers itself to everything below.
    pub fn provide() -> Self {
        let keys = Self {
            offers: StoredValue::new_local(Vec::new()),
            begun: StoredValue::new(None),
            offered: RwSignal::new(Vec::new()),
        };
        provide_context(keys);
        let pressed = window_event_listener(ev::keydown, move |event| keys.pressed(&event));
        on_cleanup(move || pressed.remove());
        keys
    }

    /// Does what a key of this command would do.
    pub fn run(self, command: Command) -> bool {
        // Collected first: an act may add offers or take them away.
        let acts: Vec<Act> = self.offers.with_value(|offers| {
            offers.iter().rev().filter(|offer| offer.command == command).map(|offer| Rc::clone(&offer.act)).collect()
        });
        acts.iter().any(|act| act())
    }

    /// The bindings whose commands somebody offers now; tracks.
    #[must_use]
    pub fn live(self) -> Vec<Binding> {
        let offered = self.offered.get();
        BINDINGS.iter().copied().filter(|binding| offered.contains(&binding.command)).collect()
    }

    fn offer(self, command: Command, act: Act) {
        let id = self.offers.try_update_value(|offers| {
            let id = offers.iter().map(|offer| offer.id).max().unwrap_or_default() + 1;
            offers.push(Offer { id, command, act });
            id
        });
        self.note();
        on_cleanup(move || {
            let gone = self.offers.try_update_value(|offers| offers.retain(|offer| Some(offer.id) != id));
            if gone.is_some() {
                self.note();
            }
        });
    }

    fn note(self) {
        let commands = self.offers.with_value(|offers| offers.iter().map(|offer| offer.command).collect());
        self.offered.try_set(commands);
    }

    fn pressed(self, event: &KeyboardEvent) {
        if event.default_prevented() || event.is_composing() {
            return;
        }
        let Some(stroke) = stroke_of(event) else { return };
        let begun = self.begun.get_value();
        self.begun.set_value(None);
        if typing(event) && !works_while_typing(&stroke) {
            return;
        }
        let chord = begun.map_or_else(|| stroke.clone(), |begun| format!("{begun} {stroke}"));
        let done = BINDINGS.iter().any(|binding| binding.chord == chord && self.run(binding.command));
        if done {
            event.prevent_default();
        } else if let Some(first) = begins_sequence(&chord) {
            self.begun.set_value(Some(first));
            // A sequence that is not ended soon was no sequence.
            let forget = move || {
                self.begun.try_set_value(None);
            };
            set_timeout(forget, Duration::from_millis(1_500));
        }
    }
}

/// The first key of a sequence such as `g f`.
fn begins_sequence(stroke: &str) -> Option<&'static str> {
    BINDINGS.iter().find_map(|binding| match binding.chord.split_once(' ') {
        Some((first, _)) if first == stroke && first.chars().count() == 1 => Some(first),
        _ => None,
    })
}

/// A key press as the table writes it.
fn stroke_of(event: &KeyboardEvent) -> Option<String> {
    spell(&event.key(), event.ctrl_key() || event.meta_key(), event.shift_key(), event.alt_key())
}

fn spell(key: &str, ctrl: bool, shift: bool, alt: bool) -> Option<String> {
    if alt {
        return None;
    }
    let name = match key {
        "ArrowDown" => "↓".to_owned(),
        "ArrowUp" => "↑".to_owned(),
        "ArrowLeft" => "←".to_owned(),
        "ArrowRight" => "→".to_owned(),
        "Escape" => "Esc".to_owned(),
        "-" => "−".to_owned(),
        " " => "Space".to_owned(),
        "Shift" | "Control" | "Meta" | "Alt" | "Dead" | "Process" => return None,
        // A capital is written with its Shift, so that the table reads as the keyboard does.
        key if ctrl || shift && is_letter(key) => key.to_ascii_uppercase(),
        key => key.to_owned(),
    };
    let name = if name == "ENTER" { "Enter".to_owned() } else { name };
    let shift = shift && (ctrl || is_letter(key) || key.chars().count() > 1);
    Some(format!("{}{}{name}", if ctrl { "Ctrl " } else { "" }, if shift { "Shift " } else { "" }))
}

fn is_letter(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|sign| sign.is_ascii_alphabetic()) && chars.next().is_none()
}

/// Letters belong to the field that has the caret.
fn typing(event: &KeyboardEvent) -> bool {
    let Some(target) = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok()) else { return false };
    matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") || target.is_content_editable()
}

fn works_while_typing(stroke: &str) -> bool {
    stroke == "Esc" || stroke == "F6" || stroke.starts_with("Ctrl ") && stroke != "Ctrl C"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_chord_is_taken_twice_where_both_would_work() {
        for (at, a) in BINDINGS.iter().enumerate() {
            for b in &BINDINGS[at + 1..] {
                let meet = a.place == b.place || a.place == Place::Everywhere || b.place == Place::Everywhere;
                assert!(!(meet && a.chord == b.chord), "{} does {:?} and {:?}", a.chord, a.command, b.command);
            }
        }
    }

    #[test]
    fn no_single_key_is_the_start_of_a_sequence() {
        for binding in BINDINGS {
            assert!(begins_sequence(binding.chord).is_none(), "{} starts a sequence", binding.chord);
        }
    }

    #[test]
    fn presses_are_spelled_as_the_table_writes_them() {
        for (key, ctrl, shift, want) in [
            ("k", true, false, "Ctrl K"),
            ("T", true, true, "Ctrl Shift T"),
            ("M", false, true, "Shift M"),
            ("m", false, false, "m"),
            ("?", false, true, "?"),
            ("+", false, true, "+"),
            ("-", false, false, "−"),
            ("ArrowDown", false, false, "↓"),
            ("Escape", false, false, "Esc"),
            ("Enter", true, false, "Ctrl Enter"),
            ("F6", false, true, "Shift F6"),
        ] {
            assert_eq!(spell(key, ctrl, shift, false).as_deref(), Some(want), "{key}");
        }
        assert_eq!(spell("Control", true, false, false), None);
    }
}
