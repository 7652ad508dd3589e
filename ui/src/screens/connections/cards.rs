//! A card for each connection that is not well: what, why, what comes next, the remedy, the attempts.

use super::{
    acting::Acting,
    words::{for_support, status_of, title},
};
use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    mirror::Watched,
    once::{CollectAny, live},
    parts::{
        button::{Button, Weight, use_copy},
        mark::Mark,
        problem::ProblemRows,
        show::{Show, each},
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Code, ConnectionId, Health, sort,
    units::{span, visible},
    view::{Attempt, ConnectionRow, Status},
};

/// Draws the cards, the worst first.
#[component]
pub fn Cards(view: Watched) -> impl IntoView {
    let (state, acting): (_, Acting) = (use_state(), expect_context());
    let unwell = Memo::new(move |_| {
        view.connections(|view| {
            let mut rows: Vec<(Status, ConnectionId)> = view
                .rows
                .rows()
                .iter()
                .filter(|row| row.health.problem().is_some())
                .map(|row| (status_of(&row.health), row.id.clone()))
                .collect();
            sort::sort(&mut rows);
            rows.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
        })
        .unwrap_or_default()
    });
    if state.may_act() {
        on_command(Command::Retry, move || {
            let first = unwell.with_untracked(|ids| ids.first().cloned());
            first.map(|id| acting.retry(id)).is_some()
        });
    }
    view! {
        <Show when=move || unwell.with(|ids| !ids.is_empty())>
            <div class="cards">
                {each(move || unwell.get(), ConnectionId::clone, move |id| {
                    let mine = id.clone();
                    let first = Signal::derive(move || unwell.with(|ids| ids.first() == Some(&mine)));
                    view! { <Card view=view id=id first=first /> }.into_any()
                })}
            </div>
        </Show>
    }
}

#[component]
fn Card(view: Watched, id: ConnectionId, first: Signal<bool>) -> impl IntoView {
    let row = Memo::new(move |_| view.connections(|view| view.rows.get(&id).cloned()).flatten());
    // What changes each second must not draw the card anew: only what the card says.
    let said = Memo::new(move |_| {
        row.with(|row| row.as_ref().map(|row| (row.name.clone(), row.kind.clone(), row.health.clone())))
    });
    let kinds = move |kind: &str| kind_name(view, kind);
    live(move || {
        let (name, kind, health) = said.get()?;
        let problem = health.problem().cloned()?;
        let untrusted = problem.code == Code::PluginUntrusted;
        Some(view! {
            <section class="card" data-test="connection-card" aria-label=visible(&title(&name, &health))>
                <header class="card-head">
                    <Mark status=status_of(&health) size=14 />
                    <h2 class="lead" dir="auto">{visible(&title(&name, &health))}</h2>
                    <span class="fill"></span>
                    <span class="tag">{kinds(&kind)}</span>
                </header>
                <div class="card-body">
                    <ProblemRows problem=problem />
                    <Retrying row=row />
                    <CardButtons row=row kind=kinds(&kind) first=first untrusted=untrusted />
                    <Attempts row=row />
                </div>
            </section>
        })
    })
}

/// The name of a kind.
pub(super) fn kind_name(view: Watched, kind: &str) -> String {
    let name = view.connections(|view| view.kinds.iter().find(|form| form.id == kind).map(|form| form.name.clone()));
    name.flatten().unwrap_or_else(|| visible(kind))
}

#[component]
fn Retrying(row: Memo<Option<ConnectionRow>>) -> impl IntoView {
    let clock = use_clock();
    let words = Memo::new(move |_| {
        let at = row.with(|row| row.as_ref().and_then(|row| row.retry_at))?;
        let left = at.since(clock.now());
        Some(if left.as_secs() == 0 {
            "Trying again now.".to_owned()
        } else {
            format!("Tried again in {}.", span(left))
        })
    });
    live(move || words.get().map(|words| view! { <p class="soft">{words}</p> }))
}

#[component]
fn CardButtons(row: Memo<Option<ConnectionRow>>, kind: String, first: Signal<bool>, untrusted: bool) -> impl IntoView {
    let (state, acting, copy, clock) = (use_state(), expect_context::<Acting>(), use_copy(), use_clock());
    let id = move || row.with_untracked(|row| row.as_ref().map(|row| row.id.clone()));
    let support = move || {
        if let Some(row) = row.get_untracked() {
            copy(for_support(&row, &kind, clock.read()));
        }
    };
    let pause = move || {
        if let Some(id) = id() {
            acting.pause(id, true);
        }
    };
    let act = state.may_act().then(|| {
        view! {
            {move || {
                let retry = move || {
                    if let Some(id) = id() {
                        acting.retry(id);
                    }
                };
                // The first card has the key: it is the worst.
                let weight = if untrusted { Weight::Plain } else { Weight::Primary };
                if first.get() {
                    view! { <Button label="Try now" on_press=retry weight=weight command=Command::Retry blocked=Signal::derive(move || acting.busy()) /> }.into_any()
                } else {
                    view! { <Button label="Try now" on_press=retry weight=weight blocked=Signal::derive(move || acting.busy()) /> }.into_any()
                }
            }}
            <Button label="Pause connection" on_press=pause />
        }
    });
    view! { <div class="buttons">{act}<Button label="Copy for support" on_press=support /></div> }
}

#[component]
fn Attempts(row: Memo<Option<ConnectionRow>>) -> impl IntoView {
    let attempts = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.attempts.clone()).unwrap_or_default()));
    let one = |attempt: Attempt| {
        let status = if attempt.worked { Status::Good } else { Status::Bad };
        view! {
            <li>
                <Mark status=status />
                <span class="faint" title=attempt.at.to_string()>{attempt.at.clock()}</span>
                <span class="soft" dir="auto">{visible(&attempt.outcome)}</span>
            </li>
        }
    };
    view! {
        <Show when=move || attempts.with(|attempts| !attempts.is_empty())>
            <div class="attempts">
                <h3 class="small faint">"Attempts, UTC"</h3>
                <ul>{move || attempts.get().into_iter().map(one).collect_any()}</ul>
            </div>
        </Show>
    }
}

/// Is a connection paused?
pub(super) fn is_paused(health: &Health) -> bool {
    matches!(health, Health::Paused)
}
