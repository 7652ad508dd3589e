//! Saves a text as a file, through the page: a Blob and a link that is pressed.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, HtmlElement, Url, js_sys::Array};

/// Saves a text under a name. Answers whether the page could.
#[must_use]
pub fn save(name: &str, text: &str) -> bool {
    let parts = Array::of1(&JsValue::from_str(text));
    let Ok(blob) = Blob::new_with_str_sequence(&parts) else { return false };
    let Ok(address) = Url::create_object_url_with_blob(&blob) else { return false };
    let pressed = press(&address, name);
    let _ = Url::revoke_object_url(&address);
    pressed.is_some()
}

fn press(address: &str, name: &str) -> Option<()> {
    let link: HtmlElement = document().create_element("a").ok()?.dyn_into().ok()?;
    link.set_attribute("href", address).ok()?;
    link.set_attribute("download", name).ok()?;
    let body = document().body()?;
    body.append_child(&link).ok()?;
    link.click();
    link.remove();
    Some(())
}
