//! How long the page works on what it hears, in the browser's own list of measures (User Timing): developer tools draw
//! them, and a script reads them with a `PerformanceObserver` for `measure`.
//!
//! [`UPDATE`] is from the arrival of a message, before it is decoded, until all that follows from it is done but its
//! picture; [`PAINT`] is the picture of the map. Only the last of each stays in the list: a page is open for weeks.

use leptos::prelude::window;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageChannel, Performance};

/// From a message's arrival until its effects are done.
const UPDATE: &str = "pilothouse.update";
/// The painting of the map.
const PAINT: &str = "pilothouse.paint";

thread_local! {
    /// Is an update being measured?
    static OPEN: Cell<bool> = const { Cell::new(false) };
    static BEHIND: RefCell<Option<Behind>> = const { RefCell::new(None) };
}

/// A message has come. What follows from it runs in this task of the browser and in its microtasks: a message to ourselves
/// comes behind all of them, and ends the measure. So does the browser's next frame, if it is earlier: from there on the
/// browser draws.
pub fn update_begins() {
    if OPEN.replace(true) {
        return;
    }
    let Some(list) = list() else { return };
    let _ = list.mark(UPDATE);
    BEHIND.with_borrow_mut(|behind| {
        if behind.is_none() {
            *behind = Behind::new();
        }
        if let Some(behind) = behind {
            let _ = behind.channel.port2().post_message(&JsValue::NULL);
            // In a page that is not in sight no frame comes: one that waits is enough.
            if !behind.waits.replace(true) {
                let _ = window().request_animation_frame(behind.frame.as_ref().unchecked_ref());
            }
        }
    });
}

/// Paints, and says how long that took.
pub fn paint(paint: impl FnOnce()) {
    // Whatever the update had left to do, it was done before this frame.
    update_ends();
    let Some(list) = list() else { return paint() };
    let _ = list.mark(PAINT);
    paint();
    tell(&list, PAINT);
}

fn update_ends() {
    if OPEN.replace(false)
        && let Some(list) = list()
    {
        tell(&list, UPDATE);
    }
}

fn tell(list: &Performance, name: &str) {
    list.clear_measures_with_measure_name(name);
    let _ = list.measure_with_start_mark(name, name);
    list.clear_marks_with_mark_name(name);
}

fn list() -> Option<Performance> {
    window().performance()
}

/// What comes behind all that follows from a message. It lives as long as the page.
struct Behind {
    channel: MessageChannel,
    frame: Closure<dyn Fn()>,
    /// Is a frame waited for?
    waits: Rc<Cell<bool>>,
}

impl Behind {
    fn new() -> Option<Self> {
        let channel = MessageChannel::new().ok()?;
        let ends = Closure::<dyn Fn()>::new(update_ends);
        channel.port1().set_onmessage(Some(ends.as_ref().unchecked_ref()));
        ends.forget();
        let waits = Rc::new(Cell::new(false));
        let frame = Closure::<dyn Fn()>::new({
            let waits = Rc::clone(&waits);
            move || {
                waits.set(false);
                update_ends();
            }
        });
        Some(Self { channel, frame, waits })
    }
}
