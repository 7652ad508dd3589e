//! The place of the inspector: docked beside the screen, over it in narrow windows; its width can be dragged.

use crate::{parts::show::Show, screens::inspector::Inspector, state::use_state};
use leptos::{
    ev::{KeyboardEvent, PointerEvent},
    html,
    prelude::*,
};

const STORED_AS: &str = "pilothouse.inspector";
const NARROWEST: f64 = 280.0;
const WIDEST: f64 = 560.0;
/// One press of an arrow key on the edge.
const STEP: f64 = 16.0;

/// The slot; empty while nothing is selected.
#[component]
pub fn InspectorSlot() -> impl IntoView {
    let state = use_state();
    let width = RwSignal::new(stored());
    view! {
        <Show when=move || state.inspector_shown()>
            <aside
                class="inspector"
                aria-label="Inspector"
                data-test="inspector"
                style:width=move || width.get().map_or_else(|| "var(--inspector)".to_owned(), |width| format!("{width}px"))
            >
                <Edge width=width />
                <Inspector />
            </aside>
        </Show>
    }
}

#[component]
fn Edge(width: RwSignal<Option<f64>>) -> impl IntoView {
    let edge = NodeRef::<html::Div>::new();
    let press = move |event: PointerEvent| {
        if let Some(edge) = edge.get_untracked() {
            let _ = edge.set_pointer_capture(event.pointer_id());
        }
    };
    let dragging = move |event: &PointerEvent| {
        edge.get_untracked().is_some_and(|edge| edge.has_pointer_capture(event.pointer_id()))
    };
    let drag = move |event: PointerEvent| {
        if dragging(&event) {
            width.set(Some(allowed(window_width() - f64::from(event.client_x()))));
        }
    };
    let nudge = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowLeft" => STEP,
            "ArrowRight" => -STEP,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        width.update(|width| *width = Some(allowed(width.unwrap_or(344.0) + by)));
        keep(width.get_untracked());
    };
    view! {
        <div
            node_ref=edge
            class="inspector-edge"
            role="separator"
            aria-orientation="vertical"
            aria-label="Width of the inspector"
            aria-valuemin=NARROWEST
            aria-valuemax=WIDEST
            aria-valuenow=move || width.get().unwrap_or(344.0)
            tabindex="0"
            on:pointerdown=press
            on:pointermove=drag
            on:pointerup=move |_| keep(width.get_untracked())
            on:dblclick=move |_| {
                width.set(None);
                keep(None);
            }
            on:keydown=nudge
        ></div>
    }
}

fn allowed(width: f64) -> f64 {
    width.clamp(NARROWEST, WIDEST).round()
}

fn window_width() -> f64 {
    window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or_default()
}

fn stored() -> Option<f64> {
    let storage = window().local_storage().ok().flatten()?;
    storage.get_item(STORED_AS).ok().flatten()?.parse::<f64>().ok().filter(|width| width.is_finite()).map(allowed)
}

fn keep(width: Option<f64>) {
    let Ok(Some(storage)) = window().local_storage() else { return };
    let _ = match width {
        Some(width) => storage.set_item(STORED_AS, &width.to_string()),
        None => storage.remove_item(STORED_AS),
    };
}
