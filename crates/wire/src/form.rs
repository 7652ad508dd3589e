//! What a connector asks of a person, as data: dialogs, flags, docs and secret slots are drawn from it.

use crate::ConnectionId;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What a kind of connection is and needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindForm {
    /// Stable id, as in the settings file: `kubernetes`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// One sentence: what connecting it gives.
    pub summary: String,
    /// What to fill in.
    pub fields: Vec<Field>,
    /// The least rights that make it well, as lines for people.
    pub permissions: Vec<String>,
}

/// One thing to fill in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Key in the settings file and as a flag.
    pub key: String,
    /// Label for people.
    pub label: String,
    /// One sentence of help.
    pub help: String,
    /// What kind of input it takes.
    pub input: Input,
    /// Must it be filled in?
    pub required: bool,
}

/// The form of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// A line of text, with an example of what may stand there.
    Text {
        /// Shown while the field is empty.
        example: String,
    },
    /// One of these.
    Choice(Vec<String>),
    /// Yes or no.
    Toggle,
    /// A secret: may be set, is never shown.
    Secret,
}

/// A connection as a person describes it. Secrets are not part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The id of its kind.
    pub kind: String,
    /// Name for people; the id is made of it.
    pub name: String,
    /// Values of the kind's fields, by key. A toggle is `true` or absent.
    pub values: BTreeMap<String, String>,
}

impl Draft {
    /// The id that a connection of this name gets.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        ConnectionId::slug(&self.name)
    }
}

/// A secret on its way from a person to the vault. It travels inwards only: no answer, frame or problem has one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretInput(pub String);

impl fmt::Debug for SecretInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretInput(…)")
    }
}
