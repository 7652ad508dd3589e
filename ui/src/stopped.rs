//! What a person sees if the page itself fails: a page that stands still must not look like one that is live.

use leptos::prelude::document;
use std::panic::{PanicHookInfo, set_hook};

/// Covers the page and tells the console if it ever panics. Nothing of Leptos can be relied on by then.
pub fn watch_for_faults() {
    set_hook(Box::new(|fault| {
        leptos::logging::error!("{fault}");
        cover(fault);
    }));
}

/// Nobody stands before a wall. By the browser's own means, since nothing of this program can be relied on.
fn load_again_on_a_wall() {
    let document = document();
    let path = leptos::prelude::window().location().pathname().unwrap_or_default();
    if path.trim_matches('/') != crate::wall::ROUTE {
        return;
    }
    let (Ok(again), Some(head)) = (document.create_element("meta"), document.head()) else { return };
    let _ = again.set_attribute("http-equiv", "refresh");
    let _ = again.set_attribute("content", "10");
    let _ = head.append_child(&again);
}

fn cover(fault: &PanicHookInfo<'_>) {
    let document = document();
    let make = |tag: &str, class: &str, text: &str| {
        let element = document.create_element(tag).ok()?;
        element.set_class_name(class);
        element.set_text_content(Some(text));
        Some(element)
    };
    let place = fault.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
    let lines = [
        make("h1", "title", "This page has stopped. What it shows is as it was."),
        make("p", "soft", "A fault of Pilothouse itself. The engine and the servers are not touched by it."),
        make("p", "soft", "Reload the page. If it happens again, report the line below."),
        make("p", "mono faint", &place),
    ];
    let (Some(cover), Some(body)) = (make("div", "stopped", ""), document.body()) else { return };
    let _ = cover.set_attribute("role", "alert");
    let _ = cover.set_attribute("data-test", "stopped");
    for line in lines.into_iter().flatten() {
        let _ = cover.append_child(&line);
    }
    let _ = body.append_child(&cover);
    load_again_on_a_wall();
}
