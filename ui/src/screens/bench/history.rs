//! What is kept, narrowed by what is typed and put into another order.

use leptos::prelude::*;
use pilothouse_wire::{
    bench::{Card, Row},
    sort,
    units::visible,
};
use std::cmp::Ordering;

/// A column, and whether its highest stands first.
pub type Order = Option<(usize, bool)>;

/// What narrows the list, and what puts it into another order; nothing for an empty list.
pub fn bar(kept: Memo<Option<Card>>, typed: RwSignal<String>, order: RwSignal<Order>) -> Option<AnyView> {
    let heads = kept.with(|kept| kept.as_ref().filter(|card| !card.rows.is_empty()).map(|card| card.heads.clone()))?;
    let options: Vec<AnyView> = heads
        .iter()
        .enumerate()
        .map(|(at, head)| view! { <option value=at.to_string()>{visible(&head.title)}</option> }.into_any())
        .collect();
    // Figures are looked at from the highest on, words from their begin.
    let rights: Vec<bool> = heads.iter().map(|head| head.right).collect();
    let choose = move |text: String| {
        order.set(text.parse().ok().map(|at: usize| (at, rights.get(at).copied().unwrap_or(false))));
    };
    let turn = move |_| order.update(|order| *order = order.map(|(at, down)| (at, !down)));
    Some(
        view! {
            <div class="buttons">
                <input
                    class="field" type="text" placeholder="Filter" aria-label="Filter what is kept" maxlength="200" data-test="bench-filter"
                    prop:value=move || typed.get_untracked()
                    on:input:target=move |event| typed.set(event.target().value())
                />
                <select class="field" aria-label="Order" data-test="bench-order" on:change:target=move |event| choose(event.target().value())>
                    <option value="">"Newest first"</option>
                    {options}
                </select>
                <button type="button" class="link" data-test="bench-turn" on:click=turn>"Turn around"</button>
            </div>
        }
        .into_any(),
    )
}

/// The rows in which all words stand, in this order; what is not there stands last.
pub fn narrowed(card: Card, typed: &str, order: Order) -> Card {
    let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
    let has = |row: &Row| {
        let text: String = row.cells.iter().map(|cell| cell.text.to_lowercase() + " ").collect();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    let mut card = card;
    card.rows.retain(has);
    if let Some((at, down)) = order {
        let text = |row: &Row| row.cells.get(at).map(|cell| cell.text.clone()).unwrap_or_default();
        let number = |row: &Row| text(row).replace(',', "").parse::<f64>().ok();
        sort::by(&mut card.rows, |one, other| {
            let turned = |of: Ordering| if down { of.reverse() } else { of };
            match (number(one), number(other)) {
                (Some(one), Some(other)) => turned(one.total_cmp(&other)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => turned(text(one).cmp(&text(other))),
            }
        });
    }
    card
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::bench::Cell;

    fn card() -> Card {
        let row = |name: &str, rate: &str| Row { leads: name.into(), cells: vec![Cell::text(name), Cell::text(rate)] };
        Card { rows: vec![row("chat B", "9.5"), row("chat a", "1,200"), row("embed", "—")], ..Card::default() }
    }

    fn names(card: Card) -> Vec<String> {
        card.rows.into_iter().map(|row| row.leads).collect()
    }

    #[test]
    fn rows_are_narrowed_by_all_words_and_ordered_as_numbers() {
        assert_eq!(names(narrowed(card(), " CHAT b", None)), ["chat B"]);
        assert_eq!(names(narrowed(card(), "", Some((1, true)))), ["chat a", "chat B", "embed"]);
        // What is not there is last, whichever way.
        assert_eq!(names(narrowed(card(), "", Some((1, false)))), ["chat B", "chat a", "embed"]);
        assert_eq!(names(narrowed(card(), "", Some((0, true)))), ["embed", "chat a", "chat B"]);
    }
}
