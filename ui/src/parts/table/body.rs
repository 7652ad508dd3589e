//! A table as it is drawn: head with sort arrows, and of its rows only those in sight.

use super::{
    cell::{Cell, Column, RowModel},
    order::{Ordered, Place, Sort},
    window::{ROW, reveal, window},
};
use crate::{
    once::{CollectAny, effect},
    parts::{age::Age, mark::StatusWord, show::each, size::use_size},
};
use leptos::{ev, html::Div, prelude::*};
use pilothouse_wire::{ObjectRef, sort, units};
use std::{collections::HashMap, sync::Arc};

/// The rows of one table and what a person does with them. Copies are the same table.
#[derive(Clone, Copy)]
pub struct TableState {
    /// The order that was asked for.
    pub sort: RwSignal<Sort>,
    /// Is the pointer over the rows? They then stay where they are.
    pub still: RwSignal<bool>,
    /// The row that the keys have come to.
    pub cursor: RwSignal<Option<u64>>,
    scroll: RwSignal<f64>,
    node: NodeRef<Div>,
}

impl TableState {
    /// A table, sorted this way at first.
    #[must_use]
    pub fn new(sort: Sort) -> Self {
        Self {
            sort: RwSignal::new(sort),
            still: RwSignal::new(false),
            cursor: RwSignal::new(None),
            scroll: RwSignal::new(0.0),
            node: NodeRef::new(),
        }
    }

    /// Moves the cursor by some rows and brings it into sight. Answers the row it came to.
    pub fn step(self, ordered: &Ordered, by: isize) -> Option<Place> {
        let last = ordered.rows.len().checked_sub(1)?;
        let here = self.cursor.get_untracked();
        let here = here.and_then(|id| ordered.rows.iter().position(|place| place.id == id));
        let to = match here {
            Some(at) => at.saturating_add_signed(by).min(last),
            None => 0,
        };
        let place = ordered.rows[to];
        self.cursor.set(Some(place.id));
        self.show(to);
        Some(place)
    }

    /// Brings a row into sight.
    pub fn show(self, row: usize) {
        let Some(element) = self.node.get_untracked() else { return };
        let (top, height) = (f64::from(element.scroll_top()), f64::from(element.client_height()) - ROW);
        if let Some(top) = reveal(row, top, height) {
            element.set_scroll_top(whole_pixels(top));
        }
    }

    /// Is the caret in this table, or nowhere in particular?
    #[must_use]
    pub fn has_focus(self) -> bool {
        let Some(active) = document().active_element() else { return true };
        let inside = self.node.get_untracked().is_some_and(|node| node.contains(Some(&active)));
        inside || matches!(active.tag_name().as_str(), "BODY" | "MAIN")
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a place in a table, far below 2^31")]
fn whole_pixels(css: f64) -> i32 {
    css as i32
}

type Model = Arc<RowModel>;

/// The row at an index of the view.
pub type ModelAt = Arc<dyn Fn(u32) -> Option<RowModel> + Send + Sync>;

/// Is this object selected?
pub type IsSelected = Arc<dyn Fn(&ObjectRef) -> bool + Send + Sync>;

/// The rows in sight as they are now: position and content by id.
type InSight = HashMap<u64, (usize, Model)>;

fn in_order(rows: &InSight) -> Vec<u64> {
    let mut ids: Vec<(usize, u64)> = rows.iter().map(|(id, row)| (row.0, *id)).collect();
    sort::sort(&mut ids);
    ids.into_iter().map(|(_, id)| id).collect()
}

/// Draws a table.
#[component]
pub fn Table(
    /// Its name, for readers.
    label: &'static str,
    /// Its columns.
    columns: &'static [Column],
    /// Which of them are shown, by their places.
    shown: Memo<Vec<usize>>,
    /// Its state.
    state: TableState,
    /// Its rows in their order.
    ordered: Memo<Ordered>,
    /// The row at an index of the view.
    model: ModelAt,
    /// Is this object selected?
    selected: IsSelected,
    /// Selects an object.
    on_select: Callback<ObjectRef>,
) -> impl IntoView {
    let size = use_size(state.node);
    // A table that comes back is where it was. The element is outside of Leptos: this effect is the bridge.
    effect(move || {
        if let Some(element) = state.node.get() {
            element.set_scroll_top(whole_pixels(state.scroll.get_untracked()));
        }
    });
    let drawn = Memo::new(move |_| {
        let rows = ordered.with(|ordered| ordered.rows.len());
        window(state.scroll.get(), size.get().height - ROW, rows)
    });
    let in_sight = Memo::new(move |_| {
        ordered.with(|ordered| {
            let places = drawn.get().filter_map(|at| ordered.rows.get(at).map(|place| (at, *place)));
            places.filter_map(|(at, place)| model(place.at).map(|row| (place.id, (at, Arc::new(row))))).collect()
        })
    });
    let ids = Memo::new(move |_| in_sight.with(in_order));
    let tracks = move || {
        let tracks = shown.with(|shown| {
            shown.iter().filter_map(|at| columns.get(*at)).map(|column| column.track).collect::<Vec<_>>()
        });
        tracks.join(" ")
    };
    let height = move || ordered.with(|ordered| format!("{}px", ordered.rows.len() * 24));
    let row = move |id: u64| {
        let selected = Arc::clone(&selected);
        view! { <Row id=id columns=columns shown=shown in_sight=in_sight cursor=state.cursor selected=selected on_select=on_select /> }
            .into_any()
    };
    let scrolled = move |_: ev::Event| {
        if let Some(element) = state.node.get_untracked() {
            state.scroll.set(f64::from(element.scroll_top()));
        }
    };
    view! {
        <div
            class="table"
            role="grid"
            aria-label=label
            aria-rowcount=move || ordered.with(|ordered| (ordered.rows.len() + 1).to_string())
            aria-activedescendant=move || state.cursor.get().map(row_id)
            tabindex="0"
            node_ref=state.node
            style:--tracks=tracks
            on:scroll=scrolled
        >
            <Head columns=columns shown=shown sort=state.sort />
            <div
                class="table-rows"
                role="rowgroup"
                style:height=move || height()
                on:pointerenter=move |_| state.still.set(true)
                on:pointerleave=move |_| state.still.set(false)
            >
                {each(move || ids.get(), u64::clone, row)}
            </div>
        </div>
    }
}

#[component]
fn Head(columns: &'static [Column], shown: Memo<Vec<usize>>, sort: RwSignal<Sort>) -> impl IntoView {
    let head = move |column: &'static Column| {
        let key = column.key;
        let sorted = move || (sort.get().column == key).then(|| sort.get().falling);
        view! {
            <div
                role="columnheader"
                class=if column.numeric { "th number" } else { "th" }
                aria-sort=move || sorted().map(|falling| if falling { "descending" } else { "ascending" })
            >
                <button type="button" on:click=move |_| sort.update(|sort| *sort = sort.click(key))>
                    {column.title}
                    {move || sorted().map(|falling| if falling { " ↑" } else { " ↓" })}
                </button>
            </div>
        }
    };
    let heads = move || shown.get().into_iter().filter_map(|at| columns.get(at)).map(head).collect_any();
    view! { <div class="table-head" role="rowgroup"><div role="row" class="tr">{move || heads()}</div></div> }
}

#[component]
fn Row(
    id: u64,
    columns: &'static [Column],
    shown: Memo<Vec<usize>>,
    in_sight: Memo<InSight>,
    cursor: RwSignal<Option<u64>>,
    selected: IsSelected,
    on_select: Callback<ObjectRef>,
) -> impl IntoView {
    // A row that scrolls out is taken away a moment after its model: it draws nothing then.
    let row = Memo::new(move |_| in_sight.with(|rows| rows.get(&id).cloned()));
    let object = move || row.with(|row| row.as_ref().map(|(_, model)| model.object.clone()));
    let is_selected =
        Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|(_, model)| selected(&model.object))));
    let one = move |at: usize, column: &'static Column| {
        let cell = Memo::new(move |_| {
            row.with(|row| row.as_ref().and_then(|(_, model)| model.cells.get(at).cloned()).unwrap_or(Cell::Absent))
        });
        let class = if column.numeric { "td number" } else { "td" };
        view! { <div role="gridcell" class=class title=move || cell.with(whole_text)>{move || draw(cell.get())}</div> }
    };
    let cells = move || {
        let places = shown.get().into_iter();
        places.filter_map(|at| columns.get(at).map(|column| one(at, column))).collect_any()
    };
    view! {
        <div
            role="row"
            id=row_id(id)
            class="tr"
            class:selected=move || is_selected.get()
            class:cursor=move || cursor.get() == Some(id)
            class:stale=move || row.with(|row| row.as_ref().is_some_and(|(_, model)| model.stale))
            data-test="row"
            data-key=move || object().map(|object| object.to_string())
            aria-selected=move || is_selected.get().to_string()
            aria-rowindex=move || row.with(|row| row.as_ref().map(|(at, _)| (at + 2).to_string()))
            style:transform=move || row.with(|row| row.as_ref().map(|(at, _)| format!("translateY({}px)", at * 24)))
            on:click=move |_| {
                cursor.set(Some(id));
                if let Some(object) = object() {
                    on_select.run(object);
                }
            }
        >
            {move || cells()}
        </div>
    }
}

/// The id of a row's element, by which the table names the row that the keys have come to.
fn row_id(id: u64) -> String {
    format!("row-{id:x}")
}

/// The whole text of a cell that may be too long for its column.
fn whole_text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Status(_, text) | Cell::Name(text) | Cell::Text(text) | Cell::Soft(text) => Some(units::visible(text)),
        Cell::Absent
        | Cell::Count(_)
        | Cell::Number(..)
        | Cell::Share(_)
        | Cell::Of { .. }
        | Cell::Ratio { .. }
        | Cell::Since(..) => None,
    }
}

/// Draws a cell. Text from servers is text, its direction its own.
fn draw(cell: Cell) -> AnyView {
    match cell {
        Cell::Absent => view! { <span class="faint">{units::ABSENT}</span> }.into_any(),
        Cell::Status(status, word) => view! { <StatusWord status=status word=word.to_string() /> }.into_any(),
        Cell::Name(text) => view! { <span class="name" dir="auto">{units::visible(&text)}</span> }.into_any(),
        Cell::Text(text) => view! { <span dir="auto">{units::visible(&text)}</span> }.into_any(),
        Cell::Soft(text) => view! { <span class="soft" dir="auto">{units::visible(&text)}</span> }.into_any(),
        Cell::Count(n) => view! { <span>{units::count(n)}</span> }.into_any(),
        Cell::Number(n, decimals) => view! { <span>{units::number(n, decimals)}</span> }.into_any(),
        Cell::Share(share) => {
            let percent = (share * 100.0).clamp(0.0, 100.0);
            view! {
                <span class="part-of">
                    <span class="mini" aria-hidden="true"><i style:width=format!("{percent:.0}%")></i></span>
                    <span class="part">{format!("{percent:.0} %")}</span>
                </span>
            }
            .into_any()
        }
        Cell::Ratio { part, whole } => view! { <span>{format!("{part} / {whole}")}</span> }.into_any(),
        Cell::Of { part, whole } => {
            let share = part.saturating_mul(100).checked_div(whole).unwrap_or(0).min(100);
            view! {
                <span class="part-of">
                    <span class="mini" aria-hidden="true"><i style:width=format!("{share}%")></i></span>
                    <span class="part">{format!("{part} / {whole}")}</span>
                </span>
            }
            .into_any()
        }
        Cell::Since(at, stale) => {
            let class = if stale { "warn strong" } else { "faint" };
            view! { <span class=class><Age of=Signal::stored(Some(at)) /></span> }.into_any()
        }
    }
}
