//! The strip below the map: tabs, filter, count, export, and the open table. Resizable, and closed on small screens.

use super::{
    Fleet,
    columns::{self, Columns},
    tables::{FleetTable, Tab, is_marked},
};
use crate::{
    clock::use_clock,
    kept::use_kept,
    keys::{Command, on_command},
    link::use_link,
    parts::{
        button::use_copy,
        icon::{Icon, Sign},
        show::{Show, each},
        table::{
            body::Table,
            cell::Column,
            export::{self, Form, plain},
            save::file_name,
        },
    },
    shell::toast::use_toasts,
    state::use_state,
    once::CollectAny,
};
use leptos::{ev, html::Input, prelude::*};
use pilothouse_wire::{
    Area, ObjectRef, Sum,
    units::{count, sum, visible},
    view::{FleetView, Status},
};
use std::sync::Arc;

/// Height at first, the least, and the greatest share of the window, in CSS pixels.
const HEIGHT: (f64, f64, f64) = (212.0, 120.0, 0.6);

/// Under this width the strip is closed at first: the map needs the room.
const NARROW: f64 = 1_280.0;

/// Is the strip open? As a person chose, or else as there is room.
#[derive(Clone, Copy)]
struct Open {
    chosen: RwSignal<Option<bool>>,
    open: Memo<bool>,
}

impl Open {
    fn get(self) -> bool {
        self.open.get()
    }
}

fn window_width() -> f64 {
    window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(NARROW)
}

/// Draws the strip.
#[component]
pub fn Strip() -> impl IntoView {
    let (fleet, state): (Fleet, _) = (expect_context(), use_state());
    let tables = Tab::ALL.map(|tab| FleetTable::new(tab, fleet));
    let tab = Memo::new(move |_| state.tab().with(|word| Tab::read(word.as_deref())));
    let open_table = move || tables.into_iter().find(|table| table.tab == tab.get()).unwrap_or(tables[0]);
    let width = RwSignal::new(window_width());
    let resized = window_event_listener(ev::resize, move |_| width.set(window_width()));
    on_cleanup(move || resized.remove());
    // Whoever comes by an address with a table in it wants to see that table.
    let chosen = RwSignal::new(state.tab().with_untracked(Option::is_some).then_some(true));
    let open = Open { chosen, open: Memo::new(move |_| chosen.get().unwrap_or(width.get() >= NARROW)) };
    let height = RwSignal::new(HEIGHT.0);
    offer_keys(open_table, open);
    let tabs = tables.map(|table| view! { <TabButton table=table fleet=fleet current=tab open=open /> }).collect_any();
    view! {
        <section
            class="strip"
            class:closed=move || !open.get()
            aria-label="Tables"
            style:height=move || open.get().then(|| format!("{}px", height.get()))
        >
            <Show when=move || open.get()><Edge height=height /></Show>
            <div class="strip-head">
                <div class="tabs" role="tablist">{tabs}</div>
                <span class="fill"></span>
                <Show when=move || open.get()>
                    <FilterBox table=Signal::derive(open_table) />
                    {each(move || vec![tab.get()], Tab::clone, |tab| view! { <Columns tab=tab /> }.into_any())}
                    <Exports table=Signal::derive(open_table) />
                </Show>
                <button
                    type="button"
                    class="icon-button strip-toggle"
                    aria-expanded=move || open.get().to_string()
                    aria-label=move || if open.get() { "Close the tables" } else { "Open the tables" }
                    title=move || if open.get() { "Close the tables" } else { "Open the tables" }
                    on:click=move |_| open.chosen.set(Some(!open.get()))
                >
                    <Sign icon=Icon::Down size=14 />
                </button>
            </div>
            <Show when=move || open.get()>
                // Keyed: each table has an element of its own, with its own place to be scrolled to.
                {each(move || vec![tab.get()], Tab::clone, move |_| {
                    view! { <OpenTable table=untrack(open_table) /> }.into_any()
                })}
            </Show>
        </section>
    }
}

/// The open table, with what is wrong with its filter.
#[component]
fn OpenTable(table: FleetTable) -> impl IntoView {
    let state = use_state();
    let bad = move || table.ordered.with(|ordered| ordered.bad.clone());
    let kept = use_kept();
    view! {
        {move || bad().map(|bad| view! { <p class="strip-bad bad" role="alert" data-test="table-problem" dir="auto">{visible(&bad)}</p> })}
        <Table
            label=table.tab.title()
            columns=table.tab.columns()
            shown=Memo::new(move |_| columns::shown(table.tab, kept))
            state=table.state
            ordered=table.ordered
            model=Arc::new(move |at| table.model(at))
            selected=Arc::new(move |row: &ObjectRef| state.selected().with(|selected| is_marked(row, selected.as_ref())))
            on_select=Callback::new(move |object| state.select(Some(object)))
        />
        <NoRows table=table />
    }
}

/// The keys of the open table.
fn offer_keys(open_table: impl Fn() -> FleetTable + Copy + 'static, open: Open) {
    let (state, copy, kept) = (use_state(), use_copy(), use_kept());
    let usable = move |table: FleetTable| untrack(|| open.get()) && table.state.has_focus();
    for (command, by) in [(Command::Down, 1), (Command::Up, -1)] {
        on_command(command, move || {
            let table = untrack(open_table);
            let place = usable(table).then(|| table.ordered.with_untracked(|ordered| table.state.step(ordered, by)));
            let Some(place) = place.flatten() else { return false };
            // While the inspector is open it follows.
            if state.selected().with_untracked(Option::is_some) {
                state.select(untrack(|| table.model(place.at)).map(|row| row.object));
            }
            true
        });
    }
    let under_cursor = move || {
        let table = untrack(open_table);
        let id = table.state.cursor.get_untracked().filter(|_| usable(table))?;
        let place =
            table.ordered.with_untracked(|ordered| ordered.rows.iter().find(|place| place.id == id).copied())?;
        untrack(|| table.model(place.at))
    };
    on_command(Command::Open, move || match under_cursor() {
        Some(row) => {
            state.select(Some(row.object));
            true
        }
        None => false,
    });
    on_command(Command::CopyAddress, move || match under_cursor().filter(|_| !has_selection()) {
        Some(row) => {
            let shown = untrack(|| columns::shown(open_table().tab, kept));
            let cells = columns::seen(&shown, &row.cells);
            copy(cells.iter().map(|cell| plain(cell).unwrap_or_default()).collect::<Vec<_>>().join("\t"));
            true
        }
        None => false,
    });
}

/// Is some text of the page selected? `Ctrl C` then copies that.
fn has_selection() -> bool {
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::js_sys::{Function, Reflect};
    let get = Reflect::get(&window(), &JsValue::from_str("getSelection"));
    let get = get.ok().and_then(|get| get.dyn_into::<Function>().ok());
    let selection = get.and_then(|get| get.call0(&window()).ok());
    let collapsed = selection.and_then(|selection| Reflect::get(&selection, &JsValue::from_str("isCollapsed")).ok());
    collapsed.and_then(|collapsed| collapsed.as_bool()) == Some(false)
}

#[component]
fn TabButton(table: FleetTable, fleet: Fleet, current: Memo<Tab>, open: Open) -> impl IntoView {
    let (state, tab) = (use_state(), table.tab);
    let total = Memo::new(move |_| {
        let of_view = |read: fn(&FleetView) -> Sum| fleet.view.fleet(read);
        let total = match tab {
            Tab::Nodes => of_view(|view| view.summary.nodes),
            Tab::Gpus => of_view(|view| view.summary.gpus),
            Tab::Workloads => {
                of_view(|view| Sum::of(view.workloads.len() as u64, view.summary.pods.exact().is_some()))
            }
            Tab::Pods => of_view(|view| view.summary.pods),
            Tab::Pending => {
                let whole = of_view(|view| view.summary.pods).is_some_and(|pods| pods.exact().is_some());
                fleet.room.room(|room| Sum::of(room.pending.len() as u64, whole))
            }
            Tab::Alerts => of_view(|view| Sum::Exact(view.alerts.len() as u64)),
            Tab::Room | Tab::Waste => None,
        };
        total.map(sum).unwrap_or_default()
    });
    let press = move |_| {
        state.set_tab(tab.word());
        open.chosen.set(Some(true));
    };
    view! {
        <button
            type="button"
            class="tab"
            role="tab"
            aria-selected=move || (current.get() == tab).to_string()
            data-test=tab.hook()
            on:click=press
        >
            {tab.title()} " " <span class="faint">{total}</span>
        </button>
    }
}

#[component]
fn FilterBox(table: Signal<FleetTable>) -> impl IntoView {
    let state = use_state();
    let node = NodeRef::<Input>::new();
    on_command(Command::Filter, move || {
        let Some(input) = node.get_untracked() else { return false };
        input.select();
        input.focus().is_ok()
    });
    let pressed = move |event: ev::KeyboardEvent| match event.key().as_str() {
        // One layer at a time: first the filter, then the caret.
        "Escape" => {
            event.prevent_default();
            if state.filter().with_untracked(|filter| filter.is_empty()) {
                let _ = node.get_untracked().map(|input| input.blur());
            }
            state.set_filter("");
        }
        "Enter" | "ArrowDown" => {
            event.prevent_default();
            let _ = node.get_untracked().map(|input| input.blur());
            let table = table.get_untracked();
            table.ordered.with_untracked(|ordered| table.state.step(ordered, 1));
        }
        _ => {}
    };
    let found = move || {
        table.get().ordered.with(|ordered| {
            let picked = table.get().tab.follows_the_map() && state.area().with(|area| !area.is_empty());
            let filtered = picked || state.filter().with(|filter| !filter.trim().is_empty());
            filtered.then(|| format!("{} of {}", count(ordered.rows.len() as u64), count(ordered.total as u64)))
        })
    };
    view! {
        <label class="filter" class:bad-field=move || table.get().ordered.with(|ordered| ordered.bad.is_some())>
            <span class="unseen">"Filter this table"</span>
            <input
                class="mono"
                data-test="table-filter"
                type="text"
                spellcheck="false"
                autocomplete="off"
                placeholder="filter, or key=value"
                node_ref=node
                prop:value=move || state.filter().get()
                on:input=move |event| state.set_filter(&event_target_value(&event))
                on:keydown=pressed
            />
            <span class="small faint" data-test="table-count" role="status">{move || found()}</span>
            <Show when=move || state.filter().with(|filter| filter.is_empty())><kbd aria-hidden="true">"/"</kbd></Show>
        </label>
    }
}

#[component]
fn Exports(table: Signal<FleetTable>) -> impl IntoView {
    let (fleet, toasts, clock): (Fleet, _, _) = (expect_context(), use_toasts(), use_clock());
    let (kept, link) = (use_kept(), use_link());
    let write = move |form: Form| {
        let table = table.get_untracked();
        let rows = untrack(|| {
            let places = table.ordered.with(|ordered| ordered.rows.clone());
            places.into_iter().filter_map(|place| table.model(place.at)).map(|row| row.cells).collect::<Vec<_>>()
        });
        let how_many = rows.len() as u64;
        let shown = untrack(|| columns::shown(table.tab, kept));
        let columns: Vec<Column> = shown.iter().filter_map(|at| table.tab.columns().get(*at)).copied().collect();
        let text = export::write(form, &columns, rows.into_iter().map(|cells| columns::seen(&shown, &cells)));
        let demo = fleet.sources.with_untracked(|sources| sources.iter().any(|source| source.demo));
        let name = file_name(table.tab.word(), clock.read(), demo, form.suffix());
        link.save_then(name, text, move |saved| match saved {
            Ok(place) => toasts.say(Status::Good, format!("{} rows exported", count(how_many)), place),
            Err(problem) => toasts.problem(&problem),
        });
    };
    view! {
        <span class="exports" role="group" aria-label="Export these rows">
            <span class="small faint" aria-hidden="true">"Export"</span>
            <button type="button" class="link small" data-test="export-csv" on:click=move |_| write(Form::Csv)>"CSV"</button>
            <button type="button" class="link small" data-test="export-json" on:click=move |_| write(Form::Json)>"JSON"</button>
        </span>
    }
}

/// What is said where no row is.
#[component]
fn NoRows(table: FleetTable) -> impl IntoView {
    let (state, fleet): (_, Fleet) = (use_state(), expect_context());
    let is_whole = move || fleet.view.fleet(|view| view.summary.pods.exact().is_some()) == Some(true);
    let words = move || {
        let (rows, total) = table.ordered.with(|ordered| (ordered.rows.len(), ordered.total));
        match (rows, total) {
            (0, 0) => Some(match table.tab {
                Tab::Nodes => "No node is seen.",
                Tab::Gpus => "No node here has a GPU.",
                Tab::Workloads => "No workload asks for a GPU.",
                Tab::Pods => "No pod is seen.",
                Tab::Pending if is_whole() => "No pod waits for a GPU.",
                Tab::Pending => "Whether a pod waits for a GPU is not known: not all pods are read.",
                Tab::Room => "No pool has GPUs.",
                Tab::Waste => "No GPU is seen to be wasted.",
                Tab::Alerts => "No alert fires that is seen here. Alerts come from an Alertmanager: connect one.",
            }),
            (0, _) if state.area().with(Area::is_empty) => Some("No row passes the filter."),
            (0, _) => Some("No row belongs to the GPUs that are picked on the map and passes the filter."),
            _ => None,
        }
    };
    view! {
        {move || words().map(|words| view! {
            <p class="strip-none faint">
                {words}
                <Show when=move || state.filter().with(|filter| !filter.is_empty())>
                    <button type="button" class="link" on:click=move |_| state.set_filter("")>"Clear the filter"</button>
                </Show>
            </p>
        })}
    }
}

/// The upper edge, by which the strip is made taller.
#[component]
fn Edge(height: RwSignal<f64>) -> impl IntoView {
    let from = StoredValue::new(None::<(f64, f64)>);
    let set = move |to: f64| {
        let window_height = window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(900.0);
        height.set(to.clamp(HEIGHT.1, (window_height * HEIGHT.2).max(HEIGHT.1)));
    };
    let down = move |event: ev::PointerEvent| {
        from.set_value(Some((f64::from(event.client_y()), height.get_untracked())));
        let edge: web_sys::Element = event_target(&event);
        let _ = edge.set_pointer_capture(event.pointer_id());
    };
    let moved = move |event: ev::PointerEvent| {
        if let Some((y, was)) = from.get_value() {
            set(was + y - f64::from(event.client_y()));
        }
    };
    let pressed = move |event: ev::KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowUp" => 24.0,
            "ArrowDown" => -24.0,
            _ => return,
        };
        event.prevent_default();
        set(height.get_untracked() + by);
    };
    view! {
        <div
            class="strip-edge"
            role="separator"
            aria-orientation="horizontal"
            aria-label="Height of the tables"
            aria-valuenow=move || height.get().to_string()
            tabindex="0"
            on:pointerdown=down
            on:pointermove=moved
            on:pointerup=move |_| from.set_value(None)
            on:keydown=pressed
        ></div>
    }
}
