//! The list of services: a table with its filter, by keyboard and pointer.

use super::rows;
use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    link::use_link,
    mirror::{Watched, use_view},
    parts::{
        empty::Empty,
        loading::Outline,
        problem::ProblemCard,
        show::Show,
        table::{
            body::{Table, TableState},
            cell::RowModel,
            order::{Ordered, Sort, Wanted, id_of, order},
        },
    },
    state::use_state,
    once::{CollectAny, live},
};
use leptos::{ev, html::Input, prelude::*};
use pilothouse_wire::{
    ConnectionId, ObjectRef, ViewSpec,
    units::{count, visible},
    view::FleetSpec,
};
use std::sync::Arc;

/// Draws the list.
#[component]
pub fn List() -> impl IntoView {
    let state = use_state();
    let view = use_view(Memo::new(move |_| ViewSpec::Delivery(FleetSpec { scope: state.scope().get() })));
    let loaded = Memo::new(move |_| view.loaded());
    live(move || match (loaded.get(), view.problem()) {
        (false, Some(problem)) => {
            view! { <div class="page"><ProblemCard title="Services cannot be shown" problem=problem /></div> }.into_any()
        }
        (false, None) => view! { <Waiting /> }.into_any(),
        (true, _) => view! { <Services view=view /> }.into_any(),
    })
}

/// The true layout, with outlines.
#[component]
fn Waiting() -> impl IntoView {
    let row = |width: u16| view! { <div class="delivery-wait"><Outline width=84 /><Outline width=width /></div> };
    view! {
        <div class="delivery" data-test="loading" aria-busy="true">
            <h1 class="unseen">"Delivery"</h1>
            <div class="delivery-head"><Outline width=120 /></div>
            {[180, 140, 220, 160].map(row).collect_any()}
        </div>
    }
}

#[component]
fn Services(view: Watched) -> impl IntoView {
    let (state, link, clock) = (use_state(), use_link(), use_clock());
    let table = TableState::new(Sort::default());
    let ordered: Memo<Ordered> = Memo::new(move |before: Option<&Ordered>| {
        let wanted = Wanted { filter: state.filter().get(), sort: table.sort.get(), still: table.still.get() };
        let order = |view: &pilothouse_wire::view::DeliveryView| {
            order(view.rows.rows().iter(), &wanted, before, rows::key, |row| id_of(&row.id))
        };
        view.delivery(order).unwrap_or_default()
    });
    let model = move |at: u32| -> Option<RowModel> {
        let (sources, cut, now) = (view.sources(), !link.is_open(), clock.now());
        let is_stale = move |id: &ConnectionId| {
            cut || sources.iter().any(|source| source.id == *id && !source.freshness.is_fresh())
        };
        view.delivery(|view| {
            let row = view.rows.rows().get(at as usize)?;
            Some(rows::row(row, now, is_stale(row.cluster())))
        })
        .flatten()
    };
    let open = move |row: RowModel| state.set_tab(&row.object.to_string());
    let under_cursor = move || {
        let id = table.cursor.get_untracked().filter(|_| table.has_focus())?;
        let place = ordered.with_untracked(|ordered| ordered.rows.iter().find(|place| place.id == id).copied())?;
        untrack(|| model(place.at))
    };
    for (command, by) in [(Command::Down, 1), (Command::Up, -1)] {
        on_command(command, move || {
            table.has_focus() && ordered.with_untracked(|ordered| table.step(ordered, by)).is_some()
        });
    }
    on_command(Command::Open, move || under_cursor().map(open).is_some());
    let none = Memo::new(move |_| ordered.with(|ordered| (ordered.rows.is_empty(), ordered.total)));
    let reading = Memo::new(move |_| view.delivery(|view| view.reading.clone()).unwrap_or_default());
    view! {
        <div class="delivery" data-test="delivery">
            <h1 class="unseen">"Delivery"</h1>
            <div class="delivery-head">
                <span class="soft" role="status" data-test="delivery-count">
                    {move || ordered.with(|ordered| services(ordered.rows.len(), ordered.total))}
                </span>
                <Show when=move || reading.with(|reading| !reading.is_empty())>
                    <span class="warn small" data-test="delivery-reading" dir="auto">
                        {move || reading.with(|reading| not_read(reading))}
                    </span>
                </Show>
                <span class="fill"></span>
                <FilterBox table=table ordered=ordered />
            </div>
            {move || ordered.with(|ordered| ordered.bad.clone()).map(|bad| view! {
                <p class="small warn delivery-bad" role="alert" dir="auto">{visible(&bad)}</p>
            })}
            <Table
                label="Services"
                columns=rows::COLUMNS
                shown=Memo::new(|_| (0..rows::COLUMNS.len()).collect())
                state=table
                ordered=ordered
                model=Arc::new(model)
                selected=Arc::new(move |object: &ObjectRef| state.selected().with(|selected| selected.as_ref() == Some(object)))
                on_select=Callback::new(move |object: ObjectRef| state.set_tab(&object.to_string()))
            />
            {move || match none.get() {
                (true, 0) => view! {
                    <Empty
                        title="No service is seen"
                        what="Here stand Rollouts of Argo, Deployments, StatefulSets and LeaderWorkerSets, routes and canaries of all clusters, as soon as one is read. What a cluster does not serve is not missed."
                    />
                }
                .into_any(),
                (true, _) => view! {
                    <p class="strip-none faint">
                        "No service passes the filter. "
                        <button type="button" class="link" on:click=move |_| state.set_filter("")>"Clear the filter"</button>
                    </p>
                }
                .into_any(),
                _ => ().into_any(),
            }}
        </div>
    }
}

fn services(shown: usize, total: usize) -> String {
    let word = if total == 1 { "service" } else { "services" };
    if shown == total {
        format!("{} {word}", count(total as u64))
    } else {
        format!("{} of {} {word}", count(shown as u64), count(total as u64))
    }
}

fn not_read(reading: &[ConnectionId]) -> String {
    let names: Vec<&str> = reading.iter().map(ConnectionId::as_str).collect();
    format!("Not read whole: {}. Its services are listed last, or may not be read.", visible(&names.join(", ")))
}

#[component]
fn FilterBox(table: TableState, ordered: Memo<Ordered>) -> impl IntoView {
    let state = use_state();
    let node = NodeRef::<Input>::new();
    on_command(Command::Filter, move || {
        let Some(input) = node.get_untracked() else { return false };
        input.select();
        input.focus().is_ok()
    });
    let leave = move || drop(node.get_untracked().map(|input| input.blur()));
    let pressed = move |event: ev::KeyboardEvent| match event.key().as_str() {
        // One layer at a time: first the filter, then the caret.
        "Escape" => {
            event.prevent_default();
            if state.filter().with_untracked(|filter| filter.is_empty()) {
                leave();
            }
            state.set_filter("");
        }
        "Enter" | "ArrowDown" => {
            event.prevent_default();
            leave();
            ordered.with_untracked(|ordered| table.step(ordered, 1));
        }
        _ => {}
    };
    view! {
        <label class="filter" class:bad-field=move || ordered.with(|ordered| ordered.bad.is_some())>
            <span class="unseen">"Filter the services"</span>
            <input
                class="mono"
                data-test="delivery-filter"
                type="text"
                spellcheck="false"
                autocomplete="off"
                placeholder="filter, or key=value"
                node_ref=node
                prop:value=move || state.filter().get()
                on:input=move |event| state.set_filter(&event_target_value(&event))
                on:keydown=pressed
            />
            <Show when=move || state.filter().with(|filter| filter.is_empty())><kbd aria-hidden="true">"/"</kbd></Show>
        </label>
    }
}
