//! Opens an address that is pasted: the window has no bar to type one into, and a colleague's browser is another machine's.

use crate::{
    keys::{Command, on_command},
    screens,
    shell::toast::use_toasts,
    state::use_state,
};
use leptos::{ev, prelude::*};
use pilothouse_wire::{address::Address, view::Status};
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, HtmlElement};

/// Listens to what is pasted beside of fields.
pub fn open_what_is_pasted() {
    let (state, toasts) = (use_state(), use_toasts());
    // The key is the browser's: it is named in the help, and what it pastes is heard below.
    on_command(Command::OpenAddress, || false);
    let pasted = window_event_listener(ev::paste, move |event: ClipboardEvent| {
        if is_field(&event) {
            return;
        }
        let text = event.clipboard_data().and_then(|data| data.get_data("text/plain").ok()).unwrap_or_default();
        match address_in(&text) {
            Some(address) => {
                event.prevent_default();
                state.go(address);
            }
            None if !text.trim().is_empty() => {
                let detail = "Pasted text is opened if it is an address that Pilothouse copied.";
                toasts.say(Status::Warn, "No address of Pilothouse", detail);
            }
            None => {}
        }
    });
    on_cleanup(move || pasted.remove());
}

/// A field takes what is pasted for itself.
fn is_field(event: &ClipboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    target.is_some_and(|target| {
        matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT") || target.is_content_editable()
    })
}

/// The address in a text, whichever door copied it: of a browser it has the door's own place before it.
fn address_in(text: &str) -> Option<Address> {
    let text = text.trim();
    let path = match text.strip_prefix("pilothouse:") {
        Some(path) => path,
        None => {
            let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
            &rest[rest.find('/')?..]
        }
    };
    let Ok(address) = path.split('#').next().unwrap_or_default().parse::<Address>();
    screens::find(&address.screen).map(|_| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_either_door_is_found_and_other_text_is_not() {
        let want = "/fleet?tab=gpus&filter=xid%3D79&sel=gpu%3Aiad%2Fh-1%2F5";
        for door in ["pilothouse:", "http://127.0.0.1:8080", " https://wall.example.com"] {
            let found = address_in(&format!("{door}{want}\n")).map(|address| address.to_string());
            assert_eq!(found.as_deref(), Some(want), "{door}");
        }
        for text in ["", "xid=79", "/fleet", "https://example.com", "https://example.com/", "https://example.com/login"]
        {
            assert_eq!(address_in(text), None, "{text}");
        }
    }
}
