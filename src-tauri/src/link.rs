//! What the program is called with. Addresses: `pilothouse://fleet?at=…`, as an alert or a message has them; one opens a
//! place, or a plan that waits for a person, and does nothing. A file: a record, which is shown and not changed.

use pilothouse_wire::address::Address;
use std::{ffi::OsStr, path::PathBuf};
use tauri::{Runtime, Url, WebviewWindow};

/// What every one of them begins with; the desktop calls the program with what was clicked.
const SCHEME: &str = "pilothouse:";

/// The address that the program was called with, if it was.
pub fn wanted<S: AsRef<str>>(arguments: &[S]) -> Option<Address> {
    arguments.iter().skip(1).find_map(|argument| read(argument.as_ref()))
}

/// The file that an argument names: a path, or an address of one as desktops give it for what was clicked.
pub fn file(argument: &OsStr) -> Option<PathBuf> {
    let text = argument.to_string_lossy();
    if text.starts_with('-') || text.starts_with(SCHEME) || text.is_empty() {
        return None;
    }
    match text.strip_prefix("file:") {
        Some(_) => Url::parse(&text).ok()?.to_file_path().ok(),
        None => Some(argument.into()),
    }
}

fn read(text: &str) -> Option<Address> {
    // As pasted, and as browsers write it: the screen stands where a host would.
    let Ok(address) = text.trim().strip_prefix(SCHEME)?.parse::<Address>();
    (!address.screen.is_empty()).then_some(address)
}

/// Goes there in the page that is open.
///
/// # Errors
/// The page cannot be told.
pub fn open<R: Runtime>(window: &WebviewWindow<R>, address: &Address) -> tauri::Result<()> {
    // As a string of JSON it is one of JavaScript, whatever stands in it.
    let to = serde_json::Value::from(address.to_string());
    window.eval(format!("history.pushState(null, '', {to}); dispatchEvent(new PopStateEvent('popstate'));"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_among_the_arguments_and_nothing_else_is() {
        let found = |arguments: &[&str]| wanted(arguments).map(|address| address.to_string());
        let at = "/fleet?sel=alert%3Aalerts%2FSlow%2F6b4f&at=2026-11-24T03%3A12%3A00Z";
        for prefix in ["pilothouse:", "pilothouse:/"] {
            assert_eq!(
                found(&["pilothouse-desktop", "--demo", &format!("{prefix}{at}")]).as_deref(),
                Some(at),
                "{prefix}"
            );
        }
        assert_eq!(found(&["pilothouse:/fleet"]), None);
        for other in ["https://example.com/fleet", "pilothouse:", "pilothouse://", "fleet", "--demo"] {
            assert_eq!(found(&["pilothouse-desktop", other]), None, "{other}");
        }
    }

    #[test]
    fn what_stands_in_an_address_does_not_leave_its_string() {
        let Ok(address) = "/fleet'); alert(1); ('?filter=</script>\"\\".parse::<Address>();
        let text = serde_json::Value::from(address.to_string()).to_string();
        assert!(text.starts_with('"') && text.ends_with('"') && !text[1..text.len() - 1].contains('"'), "{text}");
    }
}
