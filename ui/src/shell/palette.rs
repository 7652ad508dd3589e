//! The palette: every object and every action, by name. It offers what is possible here and now.

mod browse;
mod deed;
mod kinds;
mod list;
mod row;

use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    link::use_link,
    mirror::use_view,
    once::{CollectAny, live},
    parts::{
        dialog::Dialog,
        icon::{Icon, Sign},
        key::Key,
        show::Show,
    },
    state::use_state,
};
use kinds::{Asked, asked};
use leptos::{ev::KeyboardEvent, html, prelude::*};
use list::{Target, entries};
use pilothouse_wire::{Answer, Ask, ViewSpec, ask::Hit, units::visible};
use std::time::Duration;

/// The engine is not asked for every letter.
const DEBOUNCE: Duration = Duration::from_millis(90);
/// More hits than can be looked through do not help: typing on does.
const HITS: u16 = 12;

/// Opens and closes the palette.
#[derive(Clone, Copy)]
pub struct PaletteDoor {
    /// What its field begins with, while it is open.
    open: RwSignal<Option<&'static str>>,
}

/// The palette's door.
#[must_use]
pub fn use_palette() -> PaletteDoor {
    expect_context()
}

impl PaletteDoor {
    /// Offers itself to everything below.
    pub fn provide() -> Self {
        let door = Self { open: RwSignal::new(None) };
        provide_context(door);
        door
    }

    /// Opens the palette.
    pub fn open(self) {
        self.open.set(Some(""));
    }

    fn close(self) {
        self.open.set(None);
    }
}

/// Opens on `Ctrl K`, and on `a` with what can be done to what is shown.
#[component]
pub fn Palette() -> impl IntoView {
    let (door, state) = (use_palette(), use_state());
    let connections = use_view(Signal::stored(ViewSpec::Connections));
    on_command(Command::Palette, move || {
        door.open.update(|open| *open = if open.is_some() { None } else { Some("") });
        true
    });
    on_command(Command::Act, move || {
        let is_any = !untrack(|| deed::to_subject(state, connections)).is_empty();
        if is_any {
            door.open.set(Some(">"));
        }
        is_any
    });
    live(move || door.open.get().map(|begins| view! { <Open door=door begins=begins /> }))
}

/// What the engine found, and for which text.
#[derive(Clone, Debug, Default, PartialEq)]
struct Found {
    text: String,
    hits: Vec<Hit>,
    problem: Option<String>,
}

#[component]
fn Open(door: PaletteDoor, begins: &'static str) -> impl IntoView {
    let doer = deed::Doer::here();
    let typed = RwSignal::new(begins.to_owned());
    let found = RwSignal::new(Found::default());
    let at = RwSignal::new(0_usize);
    let deeds = deed::possible(doer);
    let (browse, clock) = (browse::Browse::follow(typed), use_clock());
    let list = Memo::new(move |_| {
        typed.with(|typed| match asked(typed) {
            Asked::Fleet => found.with(|found| deeds.with(|deeds| entries(typed, &found.hits, deeds))),
            Asked::Time(text) => deed::to_time(text, clock.real()).into_iter().collect(),
            Asked::Kind(word, words) => browsed(browse, word, words),
        })
    });
    let heads = Memo::new(move |_| browse.read.with(|read| kinds::heads(read)));
    let search = search(found);
    let input = move |text: String| {
        at.set(0);
        search(text.clone());
        typed.set(text);
    };
    let run = move |index: usize| {
        let entry = list.with_untracked(|list| list.get(index).cloned());
        match entry.map(|entry| entry.target) {
            Some(Target::Kind(word)) => input(format!(":{word} ")),
            Some(target) => {
                door.close();
                doer.reach(target);
            }
            None => {}
        }
    };
    let keydown = move |event: KeyboardEvent| match moved(&event, at.get_untracked(), list.with_untracked(Vec::len)) {
        Some(Step::To(index)) => {
            event.prevent_default();
            at.set(index);
        }
        Some(Step::Run) => {
            event.prevent_default();
            run(at.get_untracked());
        }
        None => {}
    };
    view! {
        <Dialog label="Search or act" class="palette" test="palette" on_close=move || door.close()>
            <Field typed=typed at=at on_input=input on:keydown=keydown />
            <row::Rows list=list at=at nothing=Signal::derive(move || nothing(typed, browse)) heads=heads on_run=run />
            <Show when=move || found.with(|found| found.problem.is_some())>
                <p class="palette-note" role="status">{move || found.with(|found| found.problem.as_deref().map(visible))}</p>
            </Show>
            <Notes typed=typed browse=browse list=list />
            <Foot />
        </Dialog>
    }
}

#[component]
fn Field(typed: RwSignal<String>, at: RwSignal<usize>, on_input: impl Fn(String) + 'static) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    view! {
        <div class="palette-input">
            <Sign icon=Icon::Search size=16 />
            <input
                node_ref=field
                type="text"
                data-focus
                autocomplete="off"
                spellcheck="false"
                placeholder="Search objects, > for actions, : for a kind or a time"
                aria-label="Search objects, actions and kinds"
                role="combobox"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant=move || format!("palette-{}", at.get())
                data-test="palette-input"
                prop:value=move || typed.get()
                on:input:target=move |event| on_input(event.target().value())
            />
        </div>
    }
}

#[component]
fn Foot() -> impl IntoView {
    view! {
        <footer class="palette-foot">
            <span><Key chord="↑" /><Key chord="↓" />"move"</span>
            <span><Key chord="Enter" />"open"</span>
            <span><Key chord="Esc" />"close"</span>
            <i class="fill"></i>
            <span><span class="mono">":"</span>"any kind, :pods chat; a time, :-30m"</span>
            <span><span class="mono">">"</span>"actions only"</span>
        </footer>
    }
}

/// Objects of the kind that is named, then kinds of which the word is a part.
fn browsed(browse: browse::Browse, word: &str, words: &str) -> Vec<list::Entry> {
    let mut all = browse.read.with(|read| kinds::objects(read, words));
    // A word behind the kind looks for objects of it, and for no other kind.
    if words.is_empty() {
        all.extend(browse.with_offered(|offered| kinds::kinds(offered, word)));
    }
    all
}

/// The sentence of an empty list; none while a server is asked.
fn nothing(typed: RwSignal<String>, browse: browse::Browse) -> Option<String> {
    typed.with(|typed| match asked(typed) {
        Asked::Fleet => Some(format!("Nothing is called \"{typed}\".")),
        Asked::Time(_) => Some("A number behind the colon is a time in UTC: -30m, 02:41, 2026-11-24 02:41.".to_owned()),
        Asked::Kind(word, words) => browse.offered.with(|offered| match offered {
            None => None,
            Some(Err(problem)) => Some(problem.to_string()),
            Some(Ok(all)) if all.is_empty() => Some("No connection here offers kinds of objects.".to_owned()),
            Some(Ok(_)) if browse.waiting.get() > 0 => None,
            Some(Ok(all)) if kinds::meant(all, word).is_empty() => Some(format!("No kind is called \"{word}\".")),
            Some(Ok(_)) if words.is_empty() => Some(format!("There are no {word}.")),
            Some(Ok(_)) => Some(format!("None of the {word} has \"{words}\".")),
        }),
    })
}

/// What is on its way, what cannot be listed, and what is not shown.
#[component]
fn Notes(typed: RwSignal<String>, browse: browse::Browse, list: Memo<Vec<list::Entry>>) -> impl IntoView {
    let state = use_state();
    let notes = move || {
        if typed.with(|typed| !matches!(asked(typed), Asked::Kind(..))) {
            return Vec::new();
        }
        let shown = list.with(|list| list.iter().filter(|entry| entry.section == list::Section::Listed).count());
        let is_past = state.is_past();
        let mut notes = browse.with_offered(|offered| browse.read.with(|read| kinds::notes(offered, read, shown)));
        if is_past {
            notes.push("Of now, not of the time that is shown: servers list what there is.".to_owned());
        }
        match (browse.offered.with(Option::is_none), browse.waiting.get()) {
            (true, _) => notes.push("Asking for the kinds that there are.".to_owned()),
            (false, 0) => {}
            (false, n) => {
                notes.push(format!("Asking {n} {} for its objects.", if n == 1 { "cluster" } else { "clusters" }))
            }
        }
        notes
    };
    view! {
        <div class="palette-notes" role="status" data-test="palette-notes">
            {move || notes().into_iter().map(|note| view! { <p class="palette-note" dir="auto">{note}</p> }).collect_any()}
        </div>
    }
}

/// Asks the engine a little after the last letter; answers to older texts are dropped.
fn search(found: RwSignal<Found>) -> impl Fn(String) + Copy {
    let (link, state) = (use_link(), use_state());
    let latest = StoredValue::new(String::new());
    move |text: String| {
        latest.set_value(text.clone());
        if text.trim().is_empty() || text.starts_with('>') || asked(&text) != Asked::Fleet {
            found.set(Found { text, ..Found::default() });
            return;
        }
        let is_latest = move |text: &str| latest.try_with_value(|latest| latest == text) == Some(true);
        set_timeout(
            move || {
                if !is_latest(&text) {
                    return;
                }
                let ask = Ask::Search { text: text.clone(), limit: HITS, when: state.when().get_untracked() };
                // Not scoped to an owner: a timer has none. The check of the text does the same.
                link.ask_then(ask, move |answer| {
                    if !is_latest(&text) {
                        return;
                    }
                    let (hits, problem) = match answer {
                        Ok(Answer::Hits(hits)) => (hits, None),
                        Ok(_) => (Vec::new(), None),
                        Err(problem) => (Vec::new(), Some(problem.to_string())),
                    };
                    found.try_set(Found { text, hits, problem });
                });
            },
            DEBOUNCE,
        );
    }
}

enum Step {
    To(usize),
    Run,
}

fn moved(event: &KeyboardEvent, at: usize, count: usize) -> Option<Step> {
    let last = count.saturating_sub(1);
    match event.key().as_str() {
        "ArrowDown" => Some(Step::To(if at >= last { 0 } else { at + 1 })),
        "ArrowUp" => Some(Step::To(if at == 0 { last } else { at - 1 })),
        "Enter" if !event.is_composing() => Some(Step::Run),
        _ => None,
    }
}
