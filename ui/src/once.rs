//! What Leptos compiles anew for each use, compiled once for the page: every start of a door loads it.
//!
//! A closure that stands in a view is given one type by the `view!` macro, one that stands there by its name is not: so
//! `{move || words()}`, and not `{words}`.

use leptos::prelude::*;
use std::sync::{Arc, Mutex};

/// An effect.
pub fn effect(run: impl FnMut() + 'static) {
    boxed(Box::new(run));
}

fn boxed(mut run: Box<dyn FnMut()>) {
    Effect::new(move |_: Option<()>| run());
}

type Following = Arc<Mutex<dyn FnMut() -> AnyView + Send>>;

/// A view that follows what it reads.
pub fn live<V: IntoView + 'static>(mut view: impl FnMut() -> V + Send + 'static) -> AnyView {
    following(Arc::new(Mutex::new(move || view().into_any())))
}

fn following(view: Following) -> AnyView {
    view.into_any()
}

/// Views in a row.
pub trait CollectAny {
    /// All of them in one type.
    fn collect_any(self) -> Vec<AnyView>;
}

impl<I, V> CollectAny for I
where
    I: IntoIterator<Item = V>,
    V: IntoView + 'static,
{
    fn collect_any(self) -> Vec<AnyView> {
        self.into_iter().map(|view| view.into_any()).collect()
    }
}
