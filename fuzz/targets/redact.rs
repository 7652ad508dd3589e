//! Arguments and addresses: what was taken out stays out, and no secret stays in, wherever it stood.
#![no_main]

use pilothouse_connect::{redact_arguments, redact_url};

/// Stands for a secret. It has a sign that no input has, since the fuzzer sees what is looked for and would write it.
const SECRET: &str = "hunter§2";

libfuzzer_sys::fuzz_target!(|text: &str| {
    if text.contains('§') {
        return;
    }
    let once = redact_url(text);
    assert_eq!(redact_url(&once), once);
    let arguments: Vec<&str> = text.split(' ').collect();
    let once = redact_arguments(&arguments);
    assert_eq!(once.len(), arguments.len());
    // A script is read by its quotes and blanks, of which what is hidden may have had some.
    // A header that was hidden has a blank, and is read as one.
    let is_script = |argument: &str| argument.contains(char::is_whitespace) || argument.ends_with(['c', 'C', 'd']);
    if !arguments.iter().any(|it| is_script(it)) && !once.iter().any(|it| is_script(it)) {
        assert_eq!(redact_arguments(&once), once);
    }

    let (before, after) = text.split_once(' ').unwrap_or((text, ""));
    // Credentials of an address, whatever stands around it.
    let host: String = after.chars().filter(|c| c.is_alphanumeric()).collect();
    for address in [
        format!("https://me:{SECRET}@{host}"),
        format!("https://me:{SECRET}@{host}/{after}"),
        format!("https://{host}/?token={SECRET}&{after}"),
        format!("https://{host}/{after}#access_token={SECRET}"),
        format!("{before},https://me:{SECRET}@{host}"),
    ] {
        gone(&redact_url(&address), &address);
        let arguments = [before.to_owned(), format!("--url={address}"), address];
        gone(&redact_arguments(&arguments).join(" "), &arguments.join(" "));
    }
    // Values of flags whose names say so.
    let name: String = before.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect();
    let arguments =
        [format!("--{name}token"), SECRET.to_owned(), format!("--{name}password={SECRET}"), after.to_owned()];
    gone(&redact_arguments(&arguments).join(" "), &arguments.join(" "));
});

#[track_caller]
fn gone(shown: &str, of: &str) {
    assert!(!shown.contains(SECRET), "{of}\nis shown as\n{shown}");
}
