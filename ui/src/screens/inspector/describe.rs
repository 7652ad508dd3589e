//! An object in words, read from its server now: sections, small tables, lines for a terminal, events.

use super::{Fields, lists};
use crate::{
    clock::use_clock,
    keys::Command,
    link::use_link,
    once::{CollectAny, live},
    parts::{
        button::{Button, CopyButton, use_copy},
        form::dialog::Titled,
        icon::Icon,
        problem::ProblemRows,
        show::Show,
    },
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, ObjectRef, Problem,
    describe::{self, Description, Grid},
    units::{ABSENT, visible},
};

/// What came of the question; `None` while it is on its way.
pub type Read = RwSignal<Option<Result<Description, Problem>>>;

/// Asks for an object in words.
pub fn read(object: &ObjectRef) -> Read {
    let read = RwSignal::new(None);
    ask(object, read);
    read
}

fn ask(object: &ObjectRef, read: Read) {
    use_link().ask_then(Ask::Describe(object.clone()), move |answer| {
        read.set(Some(match answer {
            Ok(Answer::Description(description)) => Ok(*description),
            Ok(_) => Err(Problem::other_answer()),
            Err(problem) => Err(problem),
        }));
    });
}

/// Shows an object in words in a dialog.
#[component]
pub fn DescribeDialog(object: ObjectRef, on_close: Callback<()>) -> impl IntoView {
    let read = read(&object);
    view! {
        <Titled label="Describe" title=format!("{} {}", visible(object.kind_word()), visible(&object.name())) on_close=on_close test="describe">
            <div class="described dialog-body" tabindex="0" data-test="describe-text"><Described read=read /></div>
            <footer class="dialog-foot">
                <CopyDescription read=read />
                <Button label="Close" on_press=move || on_close.run(()) command=Command::Close />
            </footer>
        </Titled>
    }
}

/// A button that copies all of it as text.
#[component]
pub fn CopyDescription(read: Read) -> impl IntoView {
    let clock = use_clock();
    let text = Signal::derive(move || {
        read.with(|read| match read {
            Some(Ok(description)) => description.text(clock.now()),
            _ => String::new(),
        })
    });
    view! {
        <Show when=move || read.with(|read| matches!(read, Some(Ok(_))))>
            <CopyButton label="Copy as text" text=text />
        </Show>
    }
}

/// All parts of it.
#[component]
pub fn Described(read: Read) -> impl IntoView {
    live(move || match read.get() {
        None => view! { <p class="section faint">"Reading it from its server."</p> }.into_any(),
        Some(Err(problem)) => view! { <div class="section"><ProblemRows problem=problem /></div> }.into_any(),
        Some(Ok(description)) => view! { <Parts description=description /> }.into_any(),
    })
}

#[component]
fn Parts(description: Description) -> impl IntoView {
    let Description { read_at, sections, commands, events, more_events, events_problem, .. } = description;
    let sections = sections.into_iter().filter(|section| !section.is_empty()).map(|section| {
        let rows = section.rows;
        view! {
            <div class="section" data-test="described">
                <h3 dir="auto">{visible(&section.title)}</h3>
                {(!rows.is_empty()).then(|| view! { <Fields rows=Memo::new(move |_| rows.clone()) /> })}
                {section.table.filter(|table| !table.rows.is_empty()).map(|table| view! { <SmallTable table=table /> })}
                {section.note.map(|note| view! { <p class="soft" dir="auto">{visible(&note)}</p> })}
            </div>
        }
    });
    let no_events = events.is_empty() && events_problem.is_none();
    view! {
        {sections.collect_any()}
        <Commands commands=commands />
        <lists::Events events=Memo::new(move |_| events.clone()) />
        {events_problem.map(|problem| view! {
            <div class="section"><h3>"Events"</h3><ProblemRows problem=problem /></div>
        })}
        {no_events.then(|| view! { <div class="section"><h3>"Events"</h3><p class="soft">"None are kept."</p></div> })}
        {more_events.then(|| view! { <p class="section soft">"There are older ones."</p> })}
        <p class="section small faint">{format!("Read at {} UTC. Values of secrets are left out.", read_at.clock())}</p>
    }
}

#[component]
fn SmallTable(table: Grid) -> impl IntoView {
    let Grid { heads, rows } = table;
    let heads = heads.iter().map(|head| view! { <th scope="col">{visible(head)}</th> });
    let cell =
        |cell: Option<String>| view! { <td dir="auto">{cell.map_or(ABSENT.to_owned(), |cell| visible(&cell))}</td> };
    let rows = rows.into_iter().map(|row| view! { <tr>{row.into_iter().map(cell).collect_any()}</tr> });
    view! {
        <div class="small-table" tabindex="0">
            <table>
                <thead><tr>{heads.collect_any()}</tr></thead>
                <tbody>{rows.collect_any()}</tbody>
            </table>
        </div>
    }
}

/// Lines to copy: what is copied is what was seen.
#[component]
fn Commands(commands: Vec<describe::Command>) -> impl IntoView {
    let copy = use_copy();
    let one = move |command: describe::Command| {
        let (label, line) = (visible(&command.label), visible(&command.line));
        let text = line.clone();
        view! {
            <div class="command-line">
                <span class="faint" dir="auto">{label}</span>
                <code class="mono" dir="auto">{line}</code>
                <crate::parts::button::IconButton icon=Icon::Copy label="Copy the line" on_press=move || copy(text.clone()) test="describe-copy-line" />
            </div>
        }
    };
    (!commands.is_empty()).then(|| {
        view! {
            <div class="section" data-test="describe-commands">
                <h3>"In a terminal"</h3>
                {commands.into_iter().map(one).collect_any()}
            </div>
        }
    })
}
