//! Where a person is, derived from the page's address: every state has one, and back and forward work.

use crate::{clock::Clock, link::Link, once::effect, theme::Theme};
use leptos::{ev, prelude::*};
use pilothouse_wire::{
    Area, ConnectionId, ObjectRef, When,
    address::{Address, Look},
};
use std::time::Duration;
use wasm_bindgen::JsValue;

/// The state of this page. Reads track; every change goes through the address.
#[derive(Clone, Copy)]
pub struct State {
    address: RwSignal<Address>,
    screen: Memo<String>,
    scope: Memo<Vec<ConnectionId>>,
    tab: Memo<Option<String>>,
    filter: Memo<String>,
    look: Memo<Look>,
    area: Memo<Area>,
    selected: Memo<Option<ObjectRef>>,
    when: Memo<When>,
    true_then: Memo<bool>,
    inspector_hidden: RwSignal<bool>,
    link: Link,
    clock: Clock,
    theme: Theme,
}

/// How a change of the address is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// As a step that *back* returns from.
    Step,
    /// In place of the present one: typing in a filter must not fill the history.
    InPlace,
    /// In place of the present one once it rests: engines allow a page few changes of its history a second.
    AtRest,
}

/// An address that did not change for so long rests.
const REST: Duration = Duration::from_millis(300);

/// The state of this page.
#[must_use]
pub fn use_state() -> State {
    expect_context()
}

impl State {
    /// Reads the page's address, follows back and forward, and offers the state to everything below.
    pub fn provide(link: Link, clock: Clock, theme: Theme) -> Self {
        let first = read_address();
        let address = RwSignal::new(first);
        let state = Self {
            address,
            screen: Memo::new(move |_| address.with(|address| address.screen.clone())),
            scope: Memo::new(move |_| address.with(|address| address.scope.clone())),
            tab: Memo::new(move |_| address.with(|address| address.tab.clone())),
            filter: Memo::new(move |_| address.with(|address| address.filter.clone())),
            look: Memo::new(move |_| address.with(|address| address.look.clone())),
            area: Memo::new(move |_| address.with(|address| address.area.clone())),
            selected: Memo::new(move |_| address.with(|address| address.selected.clone())),
            when: Memo::new(move |_| address.with(|address| address.when)),
            true_then: Memo::new(move |_| address.with(|address| address.true_then)),
            inspector_hidden: RwSignal::new(false),
            link,
            clock,
            theme,
        };
        provide_context(state);
        // That it is a record is heard a moment after the page began.
        effect(move || {
            drop(link.record());
            untrack(|| state.stand_at(state.when.get()));
        });
        let back = window_event_listener(ev::popstate, move |_| state.arrive(read_address()));
        on_cleanup(move || back.remove());
        state
    }

    /// The route of the screen.
    #[must_use]
    pub fn screen(self) -> Memo<String> {
        self.screen
    }

    /// Clusters in scope; empty for all.
    #[must_use]
    pub fn scope(self) -> Memo<Vec<ConnectionId>> {
        self.scope
    }

    /// The table that is open.
    #[must_use]
    pub fn tab(self) -> Memo<Option<String>> {
        self.tab
    }

    /// The table's filter, as typed.
    #[must_use]
    pub fn filter(self) -> Memo<String> {
        self.filter
    }

    /// How the screen shows what it shows.
    #[must_use]
    pub fn look(self) -> Memo<Look> {
        self.look
    }

    /// Shows it otherwise.
    pub fn set_look(self, how: impl FnOnce(&mut Look)) {
        self.change(Keep::AtRest, |address| how(&mut address.look));
    }

    /// GPUs picked out on the map; empty for all.
    #[must_use]
    pub fn area(self) -> Memo<Area> {
        self.area
    }

    /// What is selected.
    #[must_use]
    pub fn selected(self) -> Memo<Option<ObjectRef>> {
        self.selected
    }

    /// Is the inspector shown? Something is selected, and nobody hid it.
    #[must_use]
    pub fn inspector_shown(self) -> bool {
        self.selected.with(Option::is_some) && !self.inspector_hidden.get()
    }

    /// Hides the inspector or shows it again; the selection stays.
    pub fn toggle_inspector(self) {
        self.inspector_hidden.update(|hidden| *hidden = !*hidden);
    }

    /// May this page act? The window may, a browser may not, and nobody can act in the past. Tracks.
    #[must_use]
    pub fn may_act(self) -> bool {
        self.link.may_act() && !self.is_past()
    }

    /// Now, or the time in the past that the whole page shows.
    #[must_use]
    pub fn when(self) -> Memo<When> {
        self.when
    }

    /// Is the past shown? Of a record, always. Tracks.
    #[must_use]
    pub fn is_past(self) -> bool {
        self.when.get() != When::Now || self.link.record().is_some()
    }

    /// In the past: are changes shown as they were true then, and not as they were known? Tracks.
    #[must_use]
    pub fn true_then(self) -> bool {
        self.true_then.get()
    }

    /// Takes the whole page to a time. What is not past is now.
    pub fn go_when(self, when: When) {
        let when = match when {
            When::At(then) if then < self.clock.read_real() => When::At(then),
            _ => When::Now,
        };
        // Going into the past and coming back are steps; moving in it is not.
        let was = self.when.get_untracked();
        let keep = if (was == When::Now) == (when == When::Now) { Keep::AtRest } else { Keep::Step };
        self.change(keep, |address| address.when = when);
    }

    /// Shows changes as they were true in the past, or as they were known.
    pub fn set_true_then(self, true_then: bool) {
        self.change(Keep::InPlace, |address| address.true_then = true_then);
    }

    /// Goes to an address, as a step that *back* returns from.
    pub fn go(self, to: Address) {
        self.change(Keep::Step, |address| *address = to);
    }

    /// Selects an object on the screen that it belongs to.
    pub fn show(self, object: ObjectRef) {
        let screen = match &object {
            ObjectRef::Connection(_) => "connections",
            ObjectRef::Model(_) | ObjectRef::Tag(_) => "models",
            _ => "fleet",
        };
        if self.screen.with_untracked(|route| route == screen) {
            self.select(Some(object));
        } else {
            let scope = self.scope.get_untracked();
            self.go(Address { screen: screen.into(), scope, selected: Some(object), ..self.same_time() });
        }
    }

    /// The present address; not tracked.
    #[must_use]
    pub fn address(self) -> Address {
        self.address.get_untracked()
    }

    /// What an address wants to be planned, of which object. Tracks.
    #[must_use]
    pub fn planned(self) -> Option<(ObjectRef, String)> {
        self.address.with(|address| address.selected.clone().zip(address.plan.clone()))
    }

    /// The plan is open, or cannot be: who comes back to this place, or loads it again, does not open it again.
    pub fn opened_plan(self) {
        self.change(Keep::InPlace, |address| address.plan = None);
    }

    /// An address of nothing but the time that is shown; not tracked.
    #[must_use]
    pub fn same_time(self) -> Address {
        self.address.with_untracked(|address| Address {
            when: address.when,
            true_then: address.true_then,
            ..Address::default()
        })
    }

    /// Goes to a screen; scope and time stay, the rest belongs to the screen that is left.
    pub fn go_screen(self, route: &str) {
        self.change(Keep::Step, |address| {
            *address = Address {
                screen: route.to_owned(),
                scope: std::mem::take(&mut address.scope),
                when: address.when,
                true_then: address.true_then,
                ..Address::default()
            };
        });
    }

    /// Selects an object, or nothing. The inspector opens.
    pub fn select(self, object: Option<ObjectRef>) {
        let was = self.selected.get_untracked();
        // Opening and closing are steps; moving from row to row is not.
        let keep = if was.is_some() == object.is_some() { Keep::InPlace } else { Keep::Step };
        if object.is_some() && self.inspector_hidden.get_untracked() && was != object {
            self.inspector_hidden.set(false);
        }
        self.change(keep, |address| address.selected = object);
    }

    /// Narrows the scope to these clusters; empty for all.
    pub fn set_scope(self, scope: Vec<ConnectionId>) {
        self.change(Keep::Step, |address| address.scope = scope);
    }

    /// Opens a table; its filter starts empty, and its order is its own.
    pub fn set_tab(self, tab: &str) {
        self.change(Keep::Step, |address| {
            if address.tab.as_deref() != Some(tab) {
                address.filter.clear();
                address.look.sort = None;
            }
            address.tab = Some(tab.to_owned());
        });
    }

    /// Opens a place of the screen, which its address names as a table; the filter stays.
    pub fn set_place(self, place: &str) {
        self.change(Keep::Step, |address| address.tab = Some(place.to_owned()));
    }

    /// [`State::set_place`] while a hand walks from one to the next: no step that *back* returns from.
    pub fn turn_place(self, place: &str) {
        self.change(Keep::InPlace, |address| address.tab = Some(place.to_owned()));
    }

    /// Sets the table's filter, as typed.
    pub fn set_filter(self, filter: &str) {
        self.change(Keep::InPlace, |address| address.filter = filter.to_owned());
    }

    /// Picks out GPUs; an empty area picks none, and all are shown.
    pub fn pick(self, area: Area) {
        // Picking some and dropping them are steps; making them more or fewer is not.
        let keep = if self.area.with_untracked(Area::is_empty) == area.is_empty() { Keep::InPlace } else { Keep::Step };
        self.change(keep, |address| address.area = area);
    }

    /// The present address as a link for others.
    #[must_use]
    pub fn shareable(self) -> String {
        let origin = window().location().origin().unwrap_or_default();
        // The window's own origin means nothing elsewhere.
        let origin = if crate::link::is_desktop() { String::from("pilothouse:") } else { origin };
        format!("{origin}{}", self.address.with_untracked(ToString::to_string))
    }

    fn change(self, keep: Keep, how: impl FnOnce(&mut Address)) {
        let mut address = self.address.get_untracked();
        how(&mut address);
        if self.address.with_untracked(|now| *now == address) {
            return;
        }
        match keep {
            Keep::AtRest => self.write_at_rest(address.clone()),
            keep => write_address(keep, &address),
        }
        self.arrive(address);
    }

    fn write_at_rest(self, address: Address) {
        let write = move || {
            if self.address.try_with_untracked(|now| *now == address) == Some(true) {
                write_address(Keep::InPlace, &address);
            }
        };
        set_timeout(write, REST);
    }

    fn arrive(self, address: Address) {
        // The clock first: what is drawn anew is drawn as of the time of its address.
        self.stand_at(address.when);
        self.address.set(address);
    }
}

impl State {
    /// Sets the clock and the grounds. Of a record the end stands for now, and all of it is past.
    fn stand_at(self, when: When) {
        let when = match (when, untrack(|| self.link.record())) {
            (When::Now, Some(record)) => {
                self.clock.end_at(record.until);
                When::At(record.until)
            }
            (when, Some(record)) => {
                self.clock.end_at(record.until);
                when
            }
            (when, None) => when,
        };
        self.clock.show(when);
        self.theme.show_past(when != When::Now);
    }
}

fn read_address() -> Address {
    let location = window().location();
    let text = format!("{}{}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    let Ok(mut address) = text.parse::<Address>();
    if address.screen.is_empty() || address.screen == "index.html" {
        crate::screens::SCREENS[0].route.clone_into(&mut address.screen);
    }
    address
}

fn write_address(keep: Keep, address: &Address) {
    let Ok(history) = window().history() else { return };
    let text = address.to_string();
    // A page without history (a data URL) still works; it only cannot go back.
    let _ = match keep {
        Keep::Step => history.push_state_with_url(&JsValue::NULL, "", Some(&text)),
        Keep::InPlace | Keep::AtRest => history.replace_state_with_url(&JsValue::NULL, "", Some(&text)),
    };
}
