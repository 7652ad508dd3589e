//! The YAML of an object in a dialog: read from its server now, as text, with search and copy.

use super::yaml_text::{find, split};
use crate::{
    keys::{Command, on_command},
    link::use_link,
    once::{CollectAny, effect},
    parts::{
        button::{Button, CopyButton},
        form::dialog::Titled,
        problem::ProblemRows,
    },
};
use leptos::{ev, html::Input, prelude::*};
use pilothouse_wire::{
    Answer, Ask, ObjectRef, Problem,
    units::{count, visible},
};

/// What came of the question.
#[derive(Clone, PartialEq)]
enum Read {
    Waiting,
    Failed(Problem),
    Text(String),
}

/// Shows the YAML of an object.
#[component]
pub fn YamlDialog(object: ObjectRef, on_close: Callback<()>) -> impl IntoView {
    let link = use_link();
    let read = RwSignal::new(Read::Waiting);
    link.ask_then(Ask::Yaml(object.clone()), move |answer| {
        read.set(match answer {
            Ok(Answer::Yaml(text)) => Read::Text(text),
            Ok(_) => Read::Failed(Problem::other_answer()),
            Err(problem) => Read::Failed(problem),
        });
    });
    view! {
        <Titled label="YAML" title=format!("YAML of {}", visible(&object.name())) on_close=on_close test="yaml">
            {move || match read.get() {
                Read::Waiting => view! { <p class="dialog-body faint">"Reading it from its server."</p> }.into_any(),
                Read::Failed(problem) => view! { <div class="dialog-body"><ProblemRows problem=problem /></div> }.into_any(),
                Read::Text(text) => view! { <Viewer text=text on_close=on_close /> }.into_any(),
            }}
        </Titled>
    }
}

#[component]
fn Viewer(text: String, on_close: Callback<()>) -> impl IntoView {
    let lines: StoredValue<Vec<String>> = StoredValue::new(text.lines().map(visible).collect());
    let search = RwSignal::new(String::new());
    let at = RwSignal::new(0usize);
    let node = NodeRef::<Input>::new();
    let found = Memo::new(move |_| lines.with_value(|lines| find(lines, &search.get())));
    let current = move || found.with(|found| found.get(at.get() % found.len().max(1)).copied());
    let words = move || match (search.with(String::is_empty), found.with(Vec::len)) {
        (true, _) => format!("{} lines", count(lines.with_value(Vec::len) as u64)),
        (false, 0) => "not found".to_owned(),
        (false, n) => format!("{} of {}", at.get() % n + 1, count(n as u64)),
    };
    // The page's focus is outside of Leptos: this effect is the bridge.
    effect(move || drop(node.get().map(|input| input.focus())));
    on_command(Command::Filter, move || node.get_untracked().is_some_and(|input| input.focus().is_ok()));
    let step = move |event: ev::KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
            let n = found.with_untracked(Vec::len).max(1);
            at.update(|at| *at = (*at + if event.shift_key() { n - 1 } else { 1 }) % n);
            if let Some(line) = untrack(current) {
                show(line);
            }
        }
    };
    let typed = move |event: ev::Event| {
        search.set(event_target_value(&event));
        at.set(0);
        if let Some(line) = untrack(current) {
            show(line);
        }
    };
    let rows = lines.with_value(|lines| {
        lines.iter().enumerate().map(|(row, line)| {
        let (key, rest) = split(line);
        let (key, rest) = (key.to_owned(), rest.to_owned());
        let hit = move || found.with(|found| found.binary_search(&row).is_ok());
        view! {
            <div id=format!("yaml-{row}") class="yaml-line" class:hit=move || hit() class:current=move || current() == Some(row)>
                <span class="faint">{key}</span><bdi>{rest}</bdi>"\n"
            </div>
        }
    }).collect_any()
    });
    view! {
        <div class="yaml-head">
            <label class="filter">
                <span class="unseen">"Search in the YAML"</span>
                <input
                    class="mono" type="text" placeholder="search" spellcheck="false" autocomplete="off"
                    node_ref=node data-test="yaml-search" on:input=typed on:keydown=step
                />
                <span class="small faint" role="status">{move || words()}</span>
                <kbd aria-hidden="true">"/"</kbd>
            </label>
            <span class="small faint">"Values of secrets are left out."</span>
        </div>
        <pre class="yaml mono" tabindex="0" data-test="inspector-yaml-text">{rows}</pre>
        <footer class="dialog-foot">
            <CopyButton label="Copy the YAML" text=text />
            <Button label="Close" on_press=move || on_close.run(()) command=Command::Close />
        </footer>
    }
}

fn show(line: usize) {
    if let Some(element) = document().get_element_by_id(&format!("yaml-{line}")) {
        element.scroll_into_view_with_bool(false);
    }
}
