//! Secrets in memory, and their form at rest. Whatever held their text is wiped when it is done with.

use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The secrets of one connection, by field.
pub(crate) type Fields = BTreeMap<String, SecretString>;

/// The secrets of all connections, by connection.
pub(crate) type Secrets = BTreeMap<String, Fields>;

/// Why bytes are no secrets: where, and nothing of the text, which may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what it holds is not as Pilothouse writes it, at column {0}")]
pub(crate) struct NotSecrets(usize);

pub(crate) fn encode_fields(fields: &Fields) -> Zeroizing<Vec<u8>> {
    let mut text = buffer(fields.iter().map(|(field, secret)| room(field, secret)).sum());
    write_fields(&mut text, fields);
    text
}

pub(crate) fn decode_fields(bytes: &[u8]) -> Result<Fields, NotSecrets> {
    serde_json::from_slice(bytes).map_err(|error| NotSecrets(error.column()))
}

pub(crate) fn encode(secrets: &Secrets) -> Zeroizing<Vec<u8>> {
    let of = |fields: &Fields| fields.iter().map(|(field, secret)| room(field, secret)).sum::<usize>();
    let mut text = buffer(secrets.iter().map(|(connection, fields)| connection.len() * 6 + 8 + of(fields)).sum());
    text.push(b'{');
    for (at, (connection, fields)) in secrets.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        write_text(&mut text, connection);
        text.push(b':');
        write_fields(&mut text, fields);
    }
    text.push(b'}');
    text
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Secrets, NotSecrets> {
    serde_json::from_slice(bytes).map_err(|error| NotSecrets(error.column()))
}

/// A buffer that never moves: one that grew would leave copies behind that nobody wipes.
fn buffer(room: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(room + 16))
}

/// The most that a field takes when each of its bytes is escaped.
fn room(field: &str, secret: &SecretString) -> usize {
    (field.len() + secret.expose_secret().len()) * 6 + 8
}

fn write_fields(text: &mut Vec<u8>, fields: &Fields) {
    text.push(b'{');
    for (at, (field, secret)) in fields.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        write_text(text, field);
        text.push(b':');
        write_text(text, secret.expose_secret());
    }
    text.push(b'}');
}

fn write_text(text: &mut Vec<u8>, part: &str) {
    // A text can always be written into memory.
    let _ = serde_json::to_writer(text, part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_read_back_from_what_is_kept() {
        let fields = Fields::from([
            ("token".to_owned(), SecretString::from("a\"b\\c\n\u{1}é")),
            ("key \"x\"".to_owned(), SecretString::from("")),
        ]);
        let secrets = Secrets::from([("iad-prod".to_owned(), fields.clone()), ("b".to_owned(), Fields::new())]);
        let text = encode(&secrets);
        let read = decode(&text).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["b", "iad-prod"]);
        for (field, secret) in decode_fields(&encode_fields(&read["iad-prod"])).unwrap() {
            assert_eq!(secret.expose_secret(), fields[&field].expose_secret());
        }
    }

    #[test]
    fn the_buffer_of_secrets_never_moves() {
        let hard = SecretString::from("\u{1}".repeat(1_000));
        let fields = Fields::from([("token".to_owned(), hard.clone())]);
        let room = room("token", &hard) + 16;
        assert!(encode_fields(&fields).capacity() >= room && encode_fields(&fields).len() <= room);
    }

    #[test]
    fn an_error_tells_nothing_of_what_was_read() {
        let told = decode(br#"{"iad-prod":"s3cret"}"#).map_err(|error| format!("{error} {error:?}")).unwrap_err();
        assert!(!told.contains("s3cret"), "{told}");
    }
}
