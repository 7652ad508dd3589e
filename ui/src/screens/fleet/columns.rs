//! Which columns of a table are shown: its usual ones, or those that a person chose.

use super::tables::Tab;
use crate::{
    kept::{Keeper, use_kept},
    once::CollectAny,
    parts::{
        icon::{Icon, Sign},
        show::Show,
        table::cell::{Cell, Column},
    },
    shell::menu::{Choice, Menu},
};
use leptos::prelude::*;
use pilothouse_wire::sort;

/// Status and name always stand first: a row without them says nothing.
const FIXED: usize = 2;

/// The places of the columns that are shown; tracked.
pub(super) fn shown(tab: Tab, kept: Keeper) -> Vec<usize> {
    kept.with(|kept| places(tab.columns(), kept.columns(tab.word())))
}

/// The cells of a row that are shown: what is copied and exported is what is seen.
pub(super) fn seen(shown: &[usize], cells: &[Cell]) -> Vec<Cell> {
    shown.iter().map(|at| cells.get(*at).cloned().unwrap_or(Cell::Absent)).collect()
}

fn places(columns: &[Column], chosen: Option<&[String]>) -> Vec<usize> {
    let is_shown = |at: usize, column: &Column| {
        at < FIXED || chosen.map_or(column.usual, |chosen| chosen.iter().any(|key| key == column.key))
    };
    (0..).zip(columns).filter(|(at, column)| is_shown(*at, column)).map(|(at, _)| at).collect()
}

/// The choice with one column put in or taken out; the usual ones are no choice.
fn turned(columns: &[Column], chosen: Option<&[String]>, at: usize) -> Option<Vec<String>> {
    let mut shown = places(columns, chosen);
    match shown.iter().position(|place| *place == at) {
        Some(place) => drop(shown.remove(place)),
        None => shown.push(at),
    }
    sort::sort(&mut shown);
    if shown == places(columns, None) {
        return None;
    }
    Some(shown.into_iter().skip(FIXED).filter_map(|at| columns.get(at)).map(|column| column.key.to_owned()).collect())
}

/// The button that opens the choice of columns of a table.
#[component]
pub(super) fn Columns(tab: Tab) -> impl IntoView {
    let (kept, open) = (use_kept(), RwSignal::new(false));
    let now = Memo::new(move |_| shown(tab, kept));
    let turn = move |at: usize| {
        kept.update(|kept| {
            let chosen = turned(tab.columns(), kept.columns(tab.word()), at);
            kept.choose_columns(tab.word(), chosen);
        });
    };
    let choices = move || {
        let choice = |(at, column): (usize, &'static Column)| {
            let on = move || now.with(|now| now.contains(&at));
            view! { <Choice label=column.title.to_owned() on=on choose=move || turn(at) /> }
        };
        tab.columns().iter().enumerate().skip(FIXED).map(choice).collect_any()
    };
    let as_usual = move || kept.with(|kept| kept.columns(tab.word()).is_none());
    view! {
        <span class="columns">
            <button
                type="button"
                class="link small"
                aria-haspopup="menu"
                aria-expanded=move || open.get().to_string()
                data-test="columns"
                on:click=move |_| open.update(|open| *open = !*open)
            >
                "Columns" <Sign icon=Icon::Down size=12 />
            </button>
            <Show when=move || open.get()>
                <Menu label="Columns of this table" on_close=move || open.set(false)>
                    {choices()}
                    <Choice label="The usual ones".to_owned() on=as_usual
                        choose=move || {
                            kept.update(|kept| kept.choose_columns(tab.word(), None));
                        } />
                </Menu>
            </Show>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::text("status", "Status", ""),
        Column::text("name", "Name", ""),
        Column::text("node", "Node", ""),
        Column::number("kv", "KV", "").on_demand(),
    ];

    #[test]
    fn the_first_two_stay_and_the_usual_ones_are_no_choice() {
        assert_eq!(places(COLUMNS, None), [0, 1, 2]);
        let with_kv = turned(COLUMNS, None, 3);
        assert_eq!(with_kv.as_deref(), Some(&["node".to_owned(), "kv".to_owned()][..]));
        assert_eq!(places(COLUMNS, with_kv.as_deref()), [0, 1, 2, 3]);
        assert_eq!(turned(COLUMNS, with_kv.as_deref(), 3), None);
        assert_eq!(places(COLUMNS, turned(COLUMNS, None, 2).as_deref()), [0, 1]);
        // A column of another version is left out.
        assert_eq!(places(COLUMNS, Some(&["gone".to_owned()])), [0, 1]);
    }
}
