//! The inspector: what is selected, in full. What it is, what is wrong, who holds it, what happened, its YAML.

mod before;
mod describe;
mod lineage;
mod lists;
mod logs;
mod logs_text;
mod measured;
mod other;
mod serving;
mod yaml;
mod yaml_text;

use crate::{
    kept::use_kept,
    keys::{Command, on_command},
    mirror::{Watched, use_view},
    once::{CollectAny, live},
    parts::{
        button::{Button, IconButton, use_copy},
        icon::{Icon, Sign},
        key::KeyOf,
        mark::StatusWord,
        problem::ProblemRows,
        show::Show,
    },
    shell::plan::Deeds,
    state::{State, use_state},
};
use leptos::prelude::*;
use pilothouse_wire::{
    ObjectRef, ViewSpec, When,
    units::{ABSENT, visible},
    view::{FieldRow, ObjectView},
};

/// Draws what is selected.
#[component]
pub fn Inspector() -> impl IntoView {
    let state = use_state();
    // The watch begins anew with each object; a step from row to row does not wait for the old one.
    let selected = state.selected();
    live(move || {
        selected.get().map(|object| match object {
            ObjectRef::Other(_) => view! { <other::Other object=object /> }.into_any(),
            object => view! { <Inspected object=object /> }.into_any(),
        })
    })
}

#[component]
fn Inspected(object: ObjectRef) -> impl IntoView {
    let state = use_state();
    let watched = use_view(ViewSpec::Object(object.clone()));
    let yaml = RwSignal::new(false);
    // What is read from a server is of now, and has no place on a screen of the past.
    let has_yaml = Memo::new(move |_| {
        !state.is_past() && watched.object(|object| object.is_some_and(|object| object.has_yaml)) == Some(true)
    });
    on_command(Command::Yaml, move || {
        let can = has_yaml.get_untracked();
        if can {
            yaml.set(true);
        }
        can
    });
    let (for_yaml, for_words) = (object.clone(), object.clone());
    let for_deeds = object.clone();
    let words = RwSignal::new(false);
    let has_words = Memo::new(move |_| {
        !state.is_past() && watched.object(|object| object.is_some_and(|object| object.has_description)) == Some(true)
    });
    on_command(Command::Describe, move || {
        let can = has_words.get_untracked();
        if can {
            words.set(true);
        }
        can
    });
    let logs = RwSignal::new(false);
    let has_logs = logs::has_logs(&object);
    let for_logs = object.clone();
    on_command(Command::Logs, move || {
        let can = has_logs && untrack(|| !state.is_past());
        if can {
            logs.set(true);
        }
        can
    });
    view! {
        <div class="inspected" data-test="inspector" data-key=object.to_string()>
            <Head object=object.clone() />
            <div class="inspector-body" tabindex="-1">
                <Body watched=watched object=object.clone() />
                <Show when=move || has_yaml.get()>
                    <div class="section">
                        <div class="buttons">
                            <Show when=move || has_logs>
                                <Button label="Logs" on_press=move || logs.set(true) command=Command::Logs test="inspector-logs" />
                            </Show>
                            <Show when=move || has_words.get()>
                                <Button label="Describe" on_press=move || words.set(true) command=Command::Describe test="inspector-describe" />
                            </Show>
                            <Button label="YAML" on_press=move || yaml.set(true) command=Command::Yaml test="inspector-yaml" />
                        </div>
                    </div>
                </Show>
                <Deeds object=for_deeds class="section" />
                {move || watched.gap().map(|gap| view! {
                    <p class="section small warn" data-test="inspector-gap" dir="auto">{visible(&gap.sentence())}</p>
                })}
                <Show when=move || state.is_past()>
                    <p class="section small faint" data-test="inspector-past">
                        "Logs, YAML and words are read from the server and are of now. "
                        <KeyOf command=Command::BackToNow />
                        " goes back to now."
                    </p>
                </Show>
            </div>
            <Show when=move || yaml.get()>
                <yaml::YamlDialog object=for_yaml.clone() on_close=Callback::new(move |()| yaml.set(false)) />
            </Show>
            <Show when=move || words.get()>
                <describe::DescribeDialog object=for_words.clone() on_close=Callback::new(move |()| words.set(false)) />
            </Show>
            <Show when=move || logs.get()>
                <logs::LogsDialog of=for_logs.clone() on_close=Callback::new(move |()| logs.set(false)) />
            </Show>
            <Announce state=state />
        </div>
    }
}

/// A place where readers hear that the selection changed.
#[component]
fn Announce(state: State) -> impl IntoView {
    let said = move || {
        state
            .selected()
            .with(|object| object.as_ref().map(|object| visible(&format!("{} {}", object.kind_word(), object.name()))))
    };
    view! { <p class="unseen" aria-live="polite">{move || said()}</p> }
}

#[component]
fn Head(object: ObjectRef) -> impl IntoView {
    let (state, copy) = (use_state(), use_copy());
    let name = object.name();
    let shown = visible(&name);
    view! {
        <header class="inspector-head">
            <span class="small faint clip" dir="auto">{visible(object.kind_word())}</span>
            <h2 class="clip" dir="auto" title=shown.clone()>{shown.clone()}</h2>
            <span class="fill"></span>
            <PinButton object=object />
            <IconButton icon=Icon::Copy label="Copy the name" on_press=move || copy(name.to_string()) />
            <IconButton icon=Icon::Close label="Close the inspector" on_press=move || state.select(None) test="inspector-close" />
        </header>
    }
}

/// Pins what is selected: it stays one press away, at the foot of the rail.
#[component]
fn PinButton(object: ObjectRef) -> impl IntoView {
    let kept = use_kept();
    let looked_at = object.clone();
    let pinned = Memo::new(move |_| kept.with(|kept| kept.is_pinned(&looked_at)));
    let toggle = move || {
        kept.update(|kept| kept.toggle(&object));
    };
    let by_key = toggle.clone();
    on_command(Command::Pin, move || {
        by_key();
        true
    });
    let label = move || if pinned.get() { "Let it go from the rail (p)" } else { "Pin it to the rail (p)" };
    view! {
        <button
            type="button"
            class="icon-button"
            aria-pressed=move || pinned.get().to_string()
            aria-label=move || label()
            title=move || label()
            data-test="inspector-pin"
            on:click=move |_| toggle()
        >
            <Sign icon=Icon::Pin size=14 />
        </button>
    }
}

/// What the body shows as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    Waiting,
    Unknown,
    Object,
}

#[component]
fn Body(watched: Watched, object: ObjectRef) -> impl IntoView {
    let state = use_state();
    let shows = Memo::new(move |_| match watched.object(|object| object.is_some()) {
        None => Shows::Waiting,
        Some(false) => Shows::Unknown,
        Some(true) => Shows::Object,
    });
    live(move || {
        match (shows.get(), watched.problem()) {
        (Shows::Waiting, Some(problem)) => view! { <div class="section"><ProblemRows problem=problem /></div> }.into_any(),
        (Shows::Waiting, None) => view! { <p class="section faint">"Reading it."</p> }.into_any(),
        (Shows::Unknown, _) => match state.when().get() {
            When::At(shown) => view! { <before::NotThen object=object.clone() shown=shown /> }.into_any(),
            When::Now => view! {
                <div class="section">
                    <p class="strong">"Nothing is known of it"</p>
                    <p class="soft">"No source in reach has told of it. It may be gone, or its cluster is not connected."</p>
                </div>
            }
            .into_any(),
        },
        (Shows::Object, _) => view! { <Known watched=watched object=object.clone() /> }.into_any(),
    }
    })
}

/// A part of the object, kept while it does not change.
fn part<T: Clone + PartialEq + Send + Sync + Default + 'static>(
    watched: Watched,
    read: fn(&ObjectView) -> T,
) -> Memo<T> {
    Memo::new(move |_| watched.object(|object| object.map(read)).flatten().unwrap_or_default())
}

/// Of a workload without pods nobody knows whether it is there.
fn not_there(word: &str) -> &'static str {
    if word == "Gone" { "It is not there any more." } else { "No pod of it is known now." }
}

#[component]
fn Known(watched: Watched, object: ObjectRef) -> impl IntoView {
    let status = Memo::new(move |_| {
        watched.object(|object| object.map(|object| (object.status, object.status_word.to_string()))).flatten()
    });
    let was = Memo::new(move |_| watched.object(|object| object.and_then(before::last_seen)).flatten());
    let word = Signal::derive(move || status.get().map(|status| status.1).unwrap_or_default());
    let mark = Signal::derive(move || status.get().map_or(pilothouse_wire::view::Status::Unknown, |status| status.0));
    view! {
        <div class="section">
            <div class="line inspector-status">
                <StatusWord status=mark word=word />
            </div>
            <Fields rows=part(watched, |object| object.identity.clone()) />
            {move || was.get().map(|at| view! {
                <p class="soft" data-test="inspector-gone">{move || not_there(&word.get())}" This is what is still known of it."</p>
                <before::AsItWas at=at />
            })}
        </div>
        <lists::Findings findings=part(watched, |object| object.findings.clone()) />
        <Section title="Held" rows=part(watched, |object| object.holding.clone()) />
        <lineage::Lineages watched=watched />
        <serving::Serving watched=watched />
        <measured::Measured watched=watched object=object />
        <Section title="Beside it" rows=part(watched, |object| object.beside.clone()) />
        <lists::Changes changes=part(watched, |object| object.changes.rows().to_vec()) />
        <lists::Events events=part(watched, |object| object.events.clone()) />
    }
}

#[component]
fn Section(title: &'static str, rows: Memo<Vec<FieldRow>>) -> impl IntoView {
    view! {
        <Show when=move || rows.with(|rows| !rows.is_empty())>
            <div class="section">
                <h3>{title}</h3>
                <Fields rows=rows />
            </div>
        </Show>
    }
}

#[component]
fn Fields(rows: Memo<Vec<FieldRow>>) -> impl IntoView {
    let state = use_state();
    let one = move |row: FieldRow| {
        let class = if row.mono { "mono" } else { "" };
        let value = match (row.value, row.link) {
            (None, _) => view! { <span class="faint">{ABSENT}</span> }.into_any(),
            (Some(text), Some(object)) => view! {
                <button type="button" class="link" dir="auto" title=visible(&text) on:click=move |_| state.select(Some(object.clone()))>
                    {visible(&text)}
                </button>
            }
            .into_any(),
            (Some(text), None) => view! { <span dir="auto">{visible(&text)}</span> }.into_any(),
        };
        view! { <dt dir="auto">{visible(&row.label)}</dt><dd class=class>{value}</dd> }
    };
    view! { <dl class="fields">{move || rows.get().into_iter().map(one).collect_any()}</dl> }
}
