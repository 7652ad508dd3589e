//! The interface of Pilothouse: a page that draws what the engine's frames say, in the window and in the browser.

#![allow(clippy::redundant_closure, reason = "a closure that stands in a view is of one type for all: see `once`")]

mod app;
mod clock;
mod kept;
mod keys;
mod link;
mod mirror;
mod once;
mod parts;
mod screens;
mod shell;
mod state;
mod stopped;
mod theme;
mod timing;
mod wall;

fn main() {
    stopped::watch_for_faults();
    if let Some(note) = leptos::prelude::document().get_element_by_id("starting") {
        note.remove();
    }
    leptos::mount::mount_to_body(app::App);
}
