//! What a person filled in, read by key and spoken of by label.

use pilothouse_connect::{Kind, Opening};
use pilothouse_wire::{Code, ConnectionId, Problem};
use secrecy::{ExposeSecret, SecretString};

/// The fields of an opening, as its kind names them.
pub struct Fields<'a> {
    opening: &'a Opening,
    kind: &'a Kind,
}

impl<'a> Fields<'a> {
    /// The fields of `opening`, which is of this kind.
    pub fn of(opening: &'a Opening, kind: &'a Kind) -> Self {
        Self { opening, kind }
    }

    /// The connection's own id.
    pub fn id(&self) -> &'a ConnectionId {
        &self.opening.id
    }

    /// A line of text, unless it is blank.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.opening.values.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// A line of text that has to be there.
    pub fn required(&self, key: &str) -> Result<&'a str, Problem> {
        self.text(key).ok_or_else(|| {
            let label = self.label(key);
            Problem::new(Code::BadInput, format!("The connection has no \"{label}\"."))
                .next(format!("Fill in the field \"{label}\"."))
        })
    }

    /// Is it switched on?
    pub fn is_set(&self, key: &str) -> bool {
        self.text(key) == Some("true")
    }

    /// A secret, unless it is blank. What stands around it (a line's end, from a file) is not of it.
    pub fn secret(&self, key: &str) -> Option<SecretString> {
        let secret = self.opening.secrets.get(key)?.expose_secret().trim();
        (!secret.is_empty()).then(|| secret.to_owned().into())
    }

    /// The name of a field for people.
    pub fn label(&self, key: &str) -> &'static str {
        self.kind.fields.iter().find(|field| field.key == key).map_or("?", |field| field.label)
    }

    /// A field that cannot be used. What was filled in is not repeated.
    pub fn bad(&self, key: &str, why: impl Into<String>) -> Problem {
        let label = self.label(key);
        Problem::new(Code::BadInput, format!("The field \"{label}\" cannot be used."))
            .why(why)
            .next(format!("Correct the field \"{label}\"."))
    }
}
