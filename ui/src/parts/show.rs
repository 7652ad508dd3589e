//! What is there only while something holds, and rows that stay while their keys do. Leptos has both, and compiles each once
//! for every condition and every kind of row: these are compiled once for the page.

use super::table::order::id_of;
use leptos::{children::ViewFn, either::Either, prelude::*};
use std::{hash::Hash, sync::Arc};

/// Its children while a condition holds; else the fallback, or nothing.
#[component(transparent)]
pub fn Show<W>(
    /// The condition; tracks.
    when: W,
    /// What is there while it holds.
    children: ChildrenFn,
    /// What is there else.
    #[prop(optional, into)]
    fallback: ViewFn,
) -> impl IntoView
where
    W: Fn() -> bool + Send + Sync + 'static,
{
    shown(ArcMemo::new(move |_| when()), children, fallback)
}

fn shown(when: ArcMemo<bool>, children: ChildrenFn, fallback: ViewFn) -> AnyView {
    (move || if when.get() { Either::Left(children()) } else { Either::Right(fallback.run()) }).into_any()
}

type Row = Box<dyn FnOnce() -> AnyView + Send>;
type Rows = Box<dyn Fn() -> Vec<(u64, Row)> + Send>;

/// A row for each item. It stays as it is for as long as there is an item of its key.
pub fn each<T: Send + 'static, K: Hash>(
    items: impl Fn() -> Vec<T> + Send + 'static,
    key: impl Fn(&T) -> K + Send + 'static,
    row: impl Fn(T) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let row = Arc::new(row);
    let one = move |item: T| {
        let (id, row) = (id_of(&key(&item)), Arc::clone(&row));
        let row: Row = Box::new(move || row(item));
        (id, row)
    };
    rows(Box::new(move || items().into_iter().map(&one).collect()))
}

fn rows(all: Rows) -> AnyView {
    view! { <For each=move || all() key=|(id, _)| *id children=|(_, row): (u64, Row)| row() /> }.into_any()
}
