//! Cards of rows and drawings, as they were made.

use crate::{
    parts::{
        drawing::drawing,
        mark::{Mark, tone},
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    bench::{Card, Cell, Look, Row},
    units::visible,
};

/// Draws a card.
pub fn card(of: Card) -> AnyView {
    let rights: Vec<bool> = of.heads.iter().map(|head| head.right).collect();
    let heads: Vec<AnyView> = of
        .heads
        .into_iter()
        .map(|head| view! { <th class:number=head.right title=head.about>{visible(&head.title)}</th> }.into_any())
        .collect();
    let head = (!heads.is_empty()).then(|| view! { <thead><tr>{heads}</tr></thead> });
    let rows: Vec<AnyView> = of.rows.into_iter().map(|one| row(one, &rights)).collect();
    let rows = (!rows.is_empty()).then(|| {
        let class = match of.look {
            Look::Lines => "bench-lines",
            Look::Table => "plain-table bench-table",
            Look::Figures => "bench-figures",
        };
        view! { <div class="bench-rows"><table class=class>{head}<tbody>{rows}</tbody></table></div> }
    });
    let drawn = of.drawing.map(|of| view! { <div class="bench-drawing">{drawing(of)}</div> });
    let mark = of.status.map(|status| view! { <Mark status=status size=14 /> });
    view! {
        <section class="card" class:wide=of.wide data-test="bench-card">
            <header class="card-head">
                {mark}
                <h2 class="lead" dir="auto">{visible(&of.title)}</h2>
                <span class="soft" dir="auto">{visible(&of.about)}</span>
            </header>
            {drawn}
            {rows}
        </section>
    }
    .into_any()
}

fn row(of: Row, rights: &[bool]) -> AnyView {
    let state = use_state();
    let leads = of.leads.clone();
    let cells: Vec<AnyView> = of
        .cells
        .into_iter()
        .enumerate()
        .map(|(at, one)| cell(one, rights.get(at).copied().unwrap_or(false), at == 1 && !of.leads.is_empty()))
        .collect();
    let go = move |_| {
        if !leads.is_empty() {
            state.set_place(&leads);
        }
    };
    view! { <tr data-key=of.leads on:click=go>{cells}</tr> }.into_any()
}

/// A cell; one that leads somewhere is reached by keys, and its row by the pointer.
fn cell(of: Cell, right: bool, leads: bool) -> AnyView {
    let mark = of.status.map(|status| view! { <Mark status=status /> });
    let text = visible(&of.text);
    let text = match (of.drawing, leads) {
        (Some(of), _) => drawing(of),
        (None, true) => view! { <button type="button" class="link" dir="auto">{text}</button> }.into_any(),
        (None, false) => view! { <span class=of.status.map_or("", tone) dir="auto">{text}</span> }.into_any(),
    };
    let note = (!of.note.is_empty()).then(|| view! { <span class="note small faint" dir="auto">{visible(&of.note)}</span> });
    view! { <td class:number=right title=visible(&of.about)>{mark}{text}{note}</td> }.into_any()
}
