//! The settings file: what is read is written as something that reads the same, and so is what a person changes.
#![no_main]

use pilothouse_vault::{ConnectionSettings, fuzzing};
use pilothouse_wire::{
    ConnectionId,
    notice::{NoticeKind, QuietHours, TimeOfDay, Wishes},
};
use std::collections::BTreeMap;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(mut settings) = fuzzing::settings(text) else { return };
    check(text, &settings);
    for connection in &mut settings.connections {
        connection.paused = !connection.paused;
        connection.values.insert("added".to_owned(), "\"quoted\"\n".to_owned());
        connection.secrets.push("token".to_owned());
        connection.trusted_plugins.reverse();
    }
    check(text, &settings);
    settings.connections.reverse();
    let id = ConnectionId::slug("new-one");
    if settings.connection(&id).is_none() {
        settings.connections.push(ConnectionSettings::new(id, "kubernetes", text, BTreeMap::new()));
    }
    check(text, &settings);
    let quiet = TimeOfDay::new(22, 0).zip(TimeOfDay::new(7, 30)).and_then(|(from, to)| QuietHours::new(from, to));
    settings.notices = Wishes { kinds: [NoticeKind::Alert].into(), warnings: true, quiet };
    check(text, &settings);
    settings.notices = Wishes::default();
    settings.connections.remove(0);
    for connection in &mut settings.connections {
        connection.values.clear();
        connection.secrets.clear();
        connection.trusted_plugins.clear();
    }
    check(text, &settings);
});

#[track_caller]
fn check(old: &str, settings: &pilothouse_vault::Settings) {
    let text = fuzzing::written(old, settings).expect("the old text was read");
    let again = fuzzing::settings(&text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    assert_eq!(again, *settings, "{text}");
}
