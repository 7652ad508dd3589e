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

/// The name of an export: what it is of, and when.
#[must_use]
pub fn file_name(what: &str, at: pilothouse_wire::Stamp, demo: bool, suffix: &str) -> String {
    // An export of the demo must not be taken for a real one.
    let demo = if demo { "DEMO-" } else { "" };
    let at = at.to_string().replace(':', "").split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned();
    format!("{demo}pilothouse-{what}-{at}Z.{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_says_what_it_is_of_and_when() {
        let at = "2026-11-24T03:12:44.512Z".parse().unwrap();
        assert_eq!(file_name("pods", at, false, "csv"), "pilothouse-pods-2026-11-24T031244Z.csv");
        assert_eq!(file_name("pods", at, true, "json"), "DEMO-pilothouse-pods-2026-11-24T031244Z.json");
    }
}
