//! What the palette can do, as data, and the one place that does it.

use super::list::{Entry, Section, Target};
use crate::{
    kept::{Keeper, Kept, SavedView, use_kept},
    keys::{Command, Keys, chord},
    link::{Link, use_link},
    mirror::{Watched, use_view},
    parts::{button::copy, icon::Icon},
    screens::SCREENS,
    shell::{
        mode::hold,
        plan::{Asked, PlanDoor, deeds, is_of_demo, use_plan},
        toast::{Toaster, use_toasts},
    },
    state::{State, use_state},
    theme::{Choice, Theme, use_theme},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Act, ConnectionId, Health, ObjectRef, Stamp, ViewSpec, When,
    address::Address,
    plan::{Hold, Intent},
    units::{span, visible},
    view::Status,
};
use std::time::Duration;

/// Something that the palette can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Goes to a screen by its route.
    Go(&'static str),
    /// Shows all clusters, or one.
    Scope(Option<ConnectionId>),
    /// Chooses a theme.
    Theme(Choice),
    /// Copies the address of this state.
    CopyAddress,
    /// What a key does.
    Key(Command),
    /// Opens the dialog for a new connection.
    AddConnection,
    /// Stops a connection or lets it go on.
    Pause(ConnectionId, bool),
    /// Tries a connection at once.
    Retry(ConnectionId),
    /// Takes the page to a time.
    GoWhen(When),
    /// Goes to a saved view.
    Open(Box<Address>),
    /// Forgets a saved view.
    Forget(String),
    /// Opens a plan; nothing is done by it.
    Plan(Box<Intent>),
    /// Asks for what a plan needs; nothing is done by it.
    Question(Asked, Box<ObjectRef>),
    /// Does nothing in this session from now on, or lets it be done again.
    Hold(bool),
}

/// What is needed to do it.
#[derive(Clone, Copy)]
pub struct Doer {
    state: State,
    theme: Theme,
    keys: Keys,
    link: Link,
    toasts: Toaster,
    kept: Keeper,
    plan: PlanDoor,
}

impl Doer {
    /// Of this page.
    pub fn here() -> Self {
        let keys = expect_context();
        let (link, toasts) = (use_link(), use_toasts());
        Self { state: use_state(), theme: use_theme(), keys, link, toasts, kept: use_kept(), plan: use_plan() }
    }

    /// Goes to an object or does a deed.
    pub fn reach(self, target: Target) {
        match target {
            Target::Object(object) => self.state.show(object),
            Target::Do(deed) => self.run(deed),
            // Stays in the palette, which names it in its field.
            Target::Kind(_) => {}
        }
    }

    fn run(self, deed: Deed) {
        match deed {
            Deed::Go(route) => self.state.go_screen(route),
            Deed::Scope(scope) => self.state.set_scope(scope.into_iter().collect()),
            Deed::Theme(choice) => self.theme.choose(choice),
            Deed::CopyAddress => copy(self.state.shareable(), self.toasts),
            Deed::Key(command) => self.later(command),
            Deed::AddConnection => {
                self.state.go_screen("connections");
                self.later(Command::AddConnection);
            }
            Deed::Pause(id, paused) => self.act(Act::PauseConnection { id: id.clone(), paused }, &id),
            Deed::Retry(id) => self.act(Act::RetryConnection(id.clone()), &id),
            Deed::GoWhen(when) => self.state.go_when(when),
            Deed::Open(address) => self.state.go(*address),
            Deed::Plan(intent) => self.plan.open(*intent),
            Deed::Question(asked, object) => self.plan.ask(asked, *object),
            Deed::Hold(on) => hold(on, self.link, self.toasts),
            Deed::Forget(name) => {
                self.kept.update(|kept| kept.forget(&name));
                self.toasts.say(
                    Status::Good,
                    format!("Forgotten: {name}"),
                    "The view itself can still be gone back to.",
                );
            }
        }
    }

    /// After the palette is gone and the screen is there: both happen in this turn of the page's loop.
    fn later(self, command: Command) {
        let run = move || {
            self.keys.run(command);
        };
        set_timeout(run, Duration::ZERO);
    }

    fn act(self, act: Act, id: &ConnectionId) {
        let (toasts, outcome) = (self.toasts, outcome(&act, id));
        self.link.act_then(act, move |acted| match acted {
            Ok(_) => toasts.say(Status::Good, outcome, ""),
            Err(problem) => toasts.problem(&problem),
        });
    }
}

fn outcome(act: &Act, id: &ConnectionId) -> String {
    match act {
        Act::PauseConnection { paused: true, .. } => format!("{id} is paused"),
        Act::PauseConnection { .. } => format!("{id} goes on"),
        _ => format!("{id} is tried again"),
    }
}

/// What can be done here and now.
pub fn possible(doer: Doer) -> Memo<Vec<Entry>> {
    let connections = use_view(Signal::stored(ViewSpec::Connections));
    Memo::new(move |_| {
        let may_act = doer.state.may_act();
        let mut list = to_subject(doer.state, connections);
        list.extend(doer.kept.with(saved));
        list.extend(SCREENS.iter().map(|screen| {
            entry(Section::GoTo, screen.icon, screen.name, screen.about, chord(screen.go), Deed::Go(screen.route))
        }));
        list.extend(fixed(may_act, doer.theme.choice()));
        let hold = connections.connections(|view| view.hold).unwrap_or_default();
        list.extend(may_act.then(|| holding(hold)).flatten());
        let rows = connections.connections(|view| {
            let rows = view.rows.rows();
            rows.iter().map(|row| (row.id.clone(), visible(&row.name), row.health.clone())).collect::<Vec<_>>()
        });
        for (id, name, health) in rows.unwrap_or_default() {
            list.extend(of_connection(&id, &name, &health, may_act));
        }
        list.extend(doer.kept.with(forgettable));
        list
    })
}

/// What can be planned for what is shown or selected; tracks.
pub fn to_subject(state: State, connections: Watched) -> Vec<Entry> {
    let is_subject = |object: &ObjectRef| state.may_act() && !is_of_demo(connections, object.connection());
    let Some(object) = subject(state).filter(is_subject) else { return Vec::new() };
    let about = visible(&format!("{} {}", object.kind_word(), object.name()));
    let line = |name: &str, deed| entry(Section::Subject, Icon::Play, name, &about, None, deed);
    let planned = deeds(&object).into_iter().map(|(name, _, deed)| {
        let intent = Intent { object: object.clone(), deed };
        line(&format!("{name}…"), Deed::Plan(Box::new(intent)))
    });
    let asked =
        Asked::of(&object).iter().map(|asked| line(asked.button().0, Deed::Question(*asked, Box::new(object.clone()))));
    // What goes back stands first.
    planned.chain(asked).collect()
}

/// What is selected; else the object that the screen is about.
fn subject(state: State) -> Option<ObjectRef> {
    state.selected().get().or_else(|| state.tab().with(|tab| tab.as_deref()?.parse().ok()))
}

/// Saved views, the newest first, and what is pinned.
fn saved(kept: &Kept) -> Vec<Entry> {
    let view = |view: &SavedView| {
        let address = visible(&view.address.to_string());
        entry(
            Section::Saved,
            Icon::Link,
            &visible(&view.name),
            &address,
            None,
            Deed::Open(Box::new(view.address.clone())),
        )
    };
    let pin = |pin: &ObjectRef| Entry {
        target: Target::Object(pin.clone()),
        ..entry(Section::Saved, Icon::Pin, &visible(&pin.name()), "pinned", None, Deed::CopyAddress)
    };
    kept.views.iter().rev().map(view).chain(kept.pins.iter().map(pin)).collect()
}

fn forgettable(kept: &Kept) -> Vec<Entry> {
    let forget = |view: &SavedView| {
        let name = format!("Forget the view {}", visible(&view.name));
        entry(Section::Actions, Icon::Trash, &name, "saved view", None, Deed::Forget(view.name.clone()))
    };
    kept.views.iter().map(forget).collect()
}

fn fixed(may_act: bool, chosen: Choice) -> Vec<Entry> {
    let action = |icon, name, about, command: Option<Command>, deed| {
        entry(Section::Actions, icon, name, about, command.and_then(chord), deed)
    };
    let key = |icon, name, about, command| action(icon, name, about, Some(command), Deed::Key(command));
    let theme = |choice: Choice| {
        let name = format!("Use the {} theme", choice.word());
        entry(Section::Actions, Icon::Theme, &name, "colours of this page", None, Deed::Theme(choice))
    };
    let mut list: Vec<Entry> = Choice::ALL.into_iter().filter(|choice| *choice != chosen).map(theme).collect();
    list.extend([
        action(Icon::Link, "Copy the address", "opens this very state", Some(Command::CopyAddress), Deed::CopyAddress),
        key(Icon::Pin, "Save this view", "screen, clusters, table, filter, selection", Command::SaveView),
        key(Icon::Compare, "Compare two times", "what came, went and changed", Command::Compare),
        key(Icon::Flag, "Put a note on the ribbon", "at the time that is shown", Command::Note),
        key(Icon::Past, "Back to now", "from the past", Command::BackToNow),
        key(Icon::Play, "Show the actions of this session", "under way, and what became of them", Command::Actions),
        key(Icon::Help, "Show the keys", "of this screen", Command::Help),
        action(Icon::Fleet, "Show all clusters", "scope", None, Deed::Scope(None)),
    ]);
    if may_act {
        let chord = Some(Command::AddConnection);
        list.push(action(Icon::Plus, "Add a connection", "a cluster, or the demo fleet", chord, Deed::AddConnection));
    }
    list
}

/// What the switch of the session would do; nothing where nobody can move it.
fn holding(hold: Hold) -> Option<Entry> {
    let (name, on) = match hold {
        Hold::No => ("Do nothing in this session", true),
        Hold::ByPerson => ("Let this session do something again", false),
        Hold::ByEnvironment => return None,
    };
    let about = "read only, whatever connections allow";
    Some(entry(Section::Actions, Icon::Lock, name, about, None, Deed::Hold(on)))
}

fn of_connection(id: &ConnectionId, name: &str, health: &Health, may_act: bool) -> Vec<Entry> {
    let action = |icon, verb: String, about, deed| entry(Section::Actions, icon, &verb, about, None, deed);
    let mut list = vec![action(Icon::Fleet, format!("Show only {name}"), "scope", Deed::Scope(Some(id.clone())))];
    if may_act {
        let paused = *health == Health::Paused;
        let (icon, verb) = if paused { (Icon::Play, "Resume") } else { (Icon::Pause, "Pause") };
        list.push(action(icon, format!("{verb} {name}"), "connection", Deed::Pause(id.clone(), !paused)));
        if health.problem().is_some() {
            list.push(action(Icon::Retry, format!("Try {name} now"), "connection", Deed::Retry(id.clone())));
        }
    }
    list
}

/// The line for a time that was typed behind a colon; none for a text that is none.
pub fn to_time(text: &str, now: Stamp) -> Option<Entry> {
    let when = When::typed(text, now).ok()?;
    let (name, about) = match when {
        When::Now => ("Go to now".to_owned(), "what is not past is now".to_owned()),
        When::At(then) => (format!("Go to {then}"), format!("{} ago, the whole page", span(now.since(then)))),
    };
    Some(entry(Section::GoTo, Icon::Past, &name, &about, None, Deed::GoWhen(when)))
}

fn entry(section: Section, icon: Icon, name: &str, about: &str, chord: Option<&'static str>, deed: Deed) -> Entry {
    let target = Target::Do(deed);
    Entry {
        section,
        icon,
        name: name.into(),
        matched: Vec::new(),
        about: about.into(),
        cells: Vec::new(),
        chord,
        target,
    }
}
