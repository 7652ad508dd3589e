//! How long the page works on what it hears, in the browser's own list of measures (User Timing): developer tools draw
//! them, and a script reads them with a `PerformanceObserver` for `measure`.
//!
//! [`UPDATE`] is from the arrival of a message, before it is decoded, until all that follows from it at once is done but
//! its picture; [`PAINT`] is the picture of the map; [`REST`] is what may wait until that is in sight ([`crate::mirror`]).
//! Only the last of each stays in the list: a page is open for weeks.

use leptos::prelude::window;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageChannel, Performance};

/// From a message's arrival until what follows at once is done.
const UPDATE: &str = "pilothouse.update";
/// What follows from it and waited for the picture.
const REST: &str = "pilothouse.rest";
/// The painting of the map.
const PAINT: &str = "pilothouse.paint";

thread_local! {
    /// What is being measured.
    static OPEN: Cell<Option<&'static str>> = const { Cell::new(None) };
    static BEHIND: RefCell<Option<Behind>> = const { RefCell::new(None) };
}

/// A message has come. What follows from it runs in this task of the browser and in its microtasks: a message to ourselves
/// comes behind all of them, and ends the measure. So does the browser's next frame, if it is earlier: from there on the
/// browser draws.
pub fn update_begins() {
    begins(UPDATE);
}

/// Does what waited for the picture of an update; what follows from it is measured as well.
pub fn rest(work: impl FnOnce()) {
    begins(REST);
    work();
}

fn begins(name: &'static str) {
    if OPEN.get().is_some() {
        return;
    }
    OPEN.set(Some(name));
    let Some(list) = list() else { return };
    let _ = list.mark(name);
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
    ends();
    let Some(list) = list() else { return paint() };
    let _ = list.mark(PAINT);
    paint();
    tell(&list, PAINT);
}

fn ends() {
    if let (Some(name), Some(list)) = (OPEN.take(), list()) {
        tell(&list, name);
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
        let over = Closure::<dyn Fn()>::new(ends);
        channel.port1().set_onmessage(Some(over.as_ref().unchecked_ref()));
        over.forget();
        let waits = Rc::new(Cell::new(false));
        let frame = Closure::<dyn Fn()>::new({
            let waits = Rc::clone(&waits);
            move || {
                waits.set(false);
                ends();
            }
        });
        Some(Self { channel, frame, waits })
    }
}
