//! The table of all connections.

use super::{
    acting::{Acting, KUBERNETES},
    cards::{is_paused, kind_name},
    small::SmallButton,
    words::{age_tone, status_of, why},
};
use crate::{
    clock::use_clock,
    mirror::Watched,
    parts::{
        age::Age,
        icon::Icon,
        mark::StatusWord,
        show::{Show, each},
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ConnectionId, Health, ObjectRef,
    units::{ABSENT, count, visible},
    view::ConnectionRow,
};

/// Draws the table.
#[component]
pub fn Rows(view: Watched) -> impl IntoView {
    let ids = Memo::new(move |_| {
        view.connections(|view| view.rows.rows().iter().map(|row| row.id.clone()).collect::<Vec<_>>())
            .unwrap_or_default()
    });
    view! {
        <section class="card table-card connection-rows" aria-label="All connections">
            <table class="plain-table">
                <thead>
                    <tr>
                        <th>"Connection"</th><th>"Kind"</th><th>"Health"</th><th class="why">"Why"</th>
                        <th class="number">"Facts/s"</th><th class="number">"Age"</th><th>"May"</th><th></th>
                    </tr>
                </thead>
                <tbody>
                    {each(move || ids.get(), ConnectionId::clone, move |id| view! { <Row view=view id=id /> }.into_any())}
                </tbody>
            </table>
        </section>
    }
}

#[component]
fn Row(view: Watched, id: ConnectionId) -> impl IntoView {
    let (state, clock) = (use_state(), use_clock());
    let object = ObjectRef::Connection(id.clone());
    let hook = format!("connection-row-{id}");
    let row = {
        let id = id.clone();
        Memo::new(move |_| view.connections(|view| view.rows.get(&id).cloned()).flatten())
    };
    let read = move |read: fn(&ConnectionRow) -> String| row.with(|row| row.as_ref().map(read).unwrap_or_default());
    let health = move || row.with(|row| row.as_ref().map(|row| row.health.clone()).unwrap_or_default());
    let tone = Memo::new(move |_| row.with(|row| row.as_ref().map_or("faint", |row| age_tone(row, clock.now()))));
    let heard = Memo::new(move |_| row.with(|row| row.as_ref().and_then(|row| row.heard)));
    let selected = {
        let object = object.clone();
        move || state.selected().with(|selected| selected.as_ref() == Some(&object))
    };
    let select = {
        let object = object.clone();
        move || state.select(Some(object.clone()))
    };
    let absent_or = |text: String| if text.is_empty() { ABSENT.to_owned() } else { visible(&text) };
    view! {
        <tr
            data-test=hook
            data-key=object.to_string()
            class:selected=selected
            on:click=move |_| select()
        >
            <td>
                <button type="button" class="name row-name" dir="auto">{move || visible(&read(|row| row.name.clone()))}</button>
                <Show when=move || row.with(|row| row.as_ref().is_some_and(|row| row.demo))><span class="tag demo">"DEMO"</span></Show>
            </td>
            <td class="soft clip" dir="auto">
                {move || kind_name(view, &read(|row| row.kind.clone()))} " "
                {move || visible(&read(|row| row.version.clone().unwrap_or_default()))}
            </td>
            <td>
                <StatusWord
                    status=Signal::derive(move || status_of(&health()))
                    word=Signal::derive(move || health().word().to_owned())
                />
            </td>
            <td class="soft clip why" dir="auto" title=move || visible(&read(|row| why(row).unwrap_or_default()))>
                {move || absent_or(read(|row| why(row).unwrap_or_default()))}
            </td>
            <td class="number">
                {move || if matches!(health(), Health::Paused | Health::Idle) { ABSENT.to_owned() } else { read(|row| count(u64::from(row.facts_per_s))) }}
            </td>
            <td class="number"><span class=tone><Age of=heard /></span></td>
            <td class="soft clip may" dir="auto" title=move || visible(&read(|row| row.may.join(", ")))>
                {move || absent_or(read(|row| row.may.join(", ")))}
            </td>
            <td class="number"><RowActions row=row /></td>
        </tr>
    }
}

#[component]
fn RowActions(row: Memo<Option<ConnectionRow>>) -> impl IntoView {
    let (state, acting): (_, Acting) = (use_state(), expect_context());
    let paused = Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|row| is_paused(&row.health))));
    let with = move |act: fn(Acting, ConnectionRow)| {
        if let Some(row) = row.get_untracked() {
            act(acting, row);
        }
    };
    let is_cluster = Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|row| row.kind == KUBERNETES)));
    let rights = view! {
        <Show when=move || is_cluster.get()>
            <SmallButton icon=Icon::Lock label="What may we do in this cluster?" test="connection-rights"
                on_press=move || with(|acting, row| acting.show_rights(row.id, row.name)) />
        </Show>
    };
    let changing = state.may_act().then(|| {
        view! {
                {move || if paused.get() {
                    view! { <SmallButton icon=Icon::Play label="Resume this connection" test="connection-resume"
                        on_press=move || with(|acting, row| acting.pause(row.id, false)) /> }.into_any()
                } else {
                    view! { <SmallButton icon=Icon::Pause label="Pause this connection" test="connection-pause"
                        on_press=move || with(|acting, row| acting.pause(row.id, true)) /> }.into_any()
                }}
                <SmallButton icon=Icon::Edit label="Edit this connection" test="connection-edit"
                    on_press=move || with(|acting, row| acting.edit(row)) />
                <SmallButton icon=Icon::Trash label="Remove this connection" test="connection-remove"
                    on_press=move || with(|acting, row| acting.ask_to_remove(row.id, row.name)) />
        }
    });
    view! { <span class="row-actions">{rights}{changing}</span> }
}
