//! The lists of the inspector: findings with the command that acts on them, changes, events.

use crate::{
    once::CollectAny,
    parts::{
        age::Age,
        button::{CopyButton, Weight},
        mark::{Mark, tone},
        show::Show,
    },
    shell::ribbon::shape,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    units::{count, visible, visible_lines},
    view::{self, EventRow, FindingRow, Status},
};

/// Rows of a list that are shown before "all" is asked for.
const SHORT: usize = 8;

/// What is wrong, each in its tint.
#[component]
pub fn Findings(findings: Memo<Vec<FindingRow>>) -> impl IntoView {
    let one = |finding: FindingRow| {
        let (class, command) = (format!("finding {}", tone(finding.status)), finding.command);
        view! {
            <article class=class data-test="finding">
                <header>
                    <Mark status=finding.status size=12 />
                    <b dir="auto">{visible(&finding.claim)}</b>
                    <span class="fill"></span>
                    {finding.since.map(|since| view! { <span class="small soft" title=since.to_string()>{since.clock()}</span> })}
                </header>
                <p class="soft" dir="auto">{visible(&finding.effect)}</p>
                <p class="small soft" dir="auto">{visible(&finding.evidence)}</p>
                {command.map(|command| {
                    // What is copied is what was seen: a hidden line break would run it. A remedy has lines of its own.
                    let shown = visible_lines(&command);
                    view! {
                        <pre class="finding-command mono" tabindex="0" dir="auto">{shown.clone()}</pre>
                        <div class="buttons"><CopyButton label="Copy the command" text=shown weight=Weight::Primary /></div>
                    }
                })}
            </article>
        }
    };
    view! {
        <Show when=move || findings.with(|findings| !findings.is_empty())>
            <div class="section findings">{move || findings.get().into_iter().map(one).collect_any()}</div>
        </Show>
    }
}

/// Changes here and around, newest first.
#[component]
pub fn Changes(changes: Memo<Vec<view::Mark>>) -> impl IntoView {
    let state = use_state();
    let all = RwSignal::new(false);
    let one = move |change: view::Mark| {
        let object = change.key.object.clone();
        let (class, sign, rebuilt) = (shape::class(&change), shape::shape(change.key.kind), shape::rebuilt(&change));
        let detail = change.detail.map(|detail| view! { <span class="faint" dir="auto">" " {visible(&detail)}</span> });
        view! {
            <li>
                <span class="small faint" title=change.key.at.to_string()>{change.key.at.clock()}</span>
                <svg class=class width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">{sign}</svg>
                <button type="button" class="plain clip" dir="auto" on:click=move |_| state.select(Some(object.clone()))>
                    {visible(&change.title)} {detail}
                </button>
                {rebuilt.map(|word| view! {
                    <span class="small faint" title="Rebuilt from what the server keeps: nobody saw it happen.">{word}</span>
                })}
            </li>
        }
    };
    let shown = move || {
        let rows = changes.get();
        let most = if all.get() { rows.len() } else { SHORT };
        rows.into_iter().rev().take(most).map(one).collect_any()
    };
    view! {
        <Show when=move || changes.with(|changes| !changes.is_empty())>
            <div class="section">
                <h3>"Here and around" <span>"UTC"</span></h3>
                <ul class="changes">{move || shown()}</ul>
                <More total=Signal::derive(move || changes.with(Vec::len)) all=all />
            </div>
        </Show>
    }
}

/// Events about it, newest first.
#[component]
pub fn Events(events: Memo<Vec<EventRow>>) -> impl IntoView {
    let all = RwSignal::new(false);
    let one = |event: EventRow| {
        let status = if event.warning { Status::Warn } else { Status::Good };
        let class = if event.warning { "strong warn" } else { "strong" };
        view! {
            <li class="event" data-test="event">
                <header>
                    <Mark status=status size=10 />
                    <span class=class dir="auto">{visible(&event.reason)}</span>
                    {(event.count > 1).then(|| view! { <span class="faint">{format!("×{}", count(u64::from(event.count)))}</span> })}
                    <span class="fill"></span>
                    <span class="small faint"><Age of=Signal::stored(Some(event.at)) /> " ago"</span>
                </header>
                <p class="soft" dir="auto">{visible(&event.note)}</p>
            </li>
        }
    };
    let shown = move || {
        let rows = events.get();
        let most = if all.get() { rows.len() } else { SHORT };
        rows.into_iter().take(most).map(one).collect_any()
    };
    view! {
        <Show when=move || events.with(|events| !events.is_empty())>
            <div class="section" data-test="inspector-events">
                <h3>"Events"</h3>
                <ul class="events">{move || shown()}</ul>
                <More total=Signal::derive(move || events.with(Vec::len)) all=all />
            </div>
        </Show>
    }
}

/// Asks for the rest of a list.
#[component]
fn More(total: Signal<usize>, all: RwSignal<bool>) -> impl IntoView {
    view! {
        <Show when=move || !all.get() && (total.get() > SHORT)>
            <button type="button" class="link small" on:click=move |_| all.set(true)>
                {move || format!("Show all {}", count(total.get() as u64))}
            </button>
        </Show>
    }
}
