//! The size of an element, followed as it changes.

use crate::once::effect;
use leptos::{html::Div, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, ResizeObserver, js_sys::Array};

/// Width and height of an element's inside, in CSS pixels, and how many device pixels one of them is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Device pixels to one of CSS.
    pub dpr: f64,
}

impl Size {
    fn of(element: &Element) -> Self {
        Self {
            width: f64::from(element.client_width()),
            height: f64::from(element.client_height()),
            dpr: window().device_pixel_ratio(),
        }
    }
}

/// Follows the size of an element while the caller's owner lives. Zero until the element is in the page.
#[must_use]
pub fn use_size(node: NodeRef<Div>) -> Signal<Size> {
    let size = RwSignal::new(Size::default());
    let held = StoredValue::new_local(None::<(ResizeObserver, Closure<dyn FnMut(Array)>)>);
    let stop = move || {
        if let Some(Some((observer, _))) = held.try_update_value(Option::take) {
            observer.disconnect();
        }
    };
    // The page's elements are outside of Leptos: this effect is the bridge. The observer calls once at the start.
    effect(move || {
        let Some(element) = node.get() else { return };
        stop();
        let element: Element = element.unchecked_into();
        let watched = element.clone();
        let changed = Closure::new(move |_: Array| {
            let now = Size::of(&watched);
            if size.try_get_untracked().is_some_and(|before| before != now) {
                size.set(now);
            }
        });
        if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
            observer.observe(&element);
            held.set_value(Some((observer, changed)));
        }
    });
    on_cleanup(stop);
    size.into()
}
