//! One object in full, for the inspector.

use crate::{ConnectionId, Keyed, ObjectRef, SmolStr, Stamp, view::fleet::Status, view::ribbon::Mark};
use serde::{Deserialize, Serialize};

/// One object: what it is, what is wrong, what it touches, what happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectView {
    /// The object.
    pub object: ObjectRef,
    /// Is it there? An object that went away keeps its last values.
    pub exists: bool,
    /// Worst of what is known of it.
    pub status: Status,
    /// The status as words.
    pub status_word: SmolStr,
    /// What it is.
    pub identity: Vec<FieldRow>,
    /// What is wrong with it.
    pub findings: Vec<FindingRow>,
    /// Who holds it, or what it holds; the method is said.
    pub holding: Vec<FieldRow>,
    /// Events about it, newest first.
    pub events: Vec<EventRow>,
    /// Changes here and around, newest first.
    pub changes: Keyed<Mark>,
    /// The connection that says so.
    pub source: ConnectionId,
    /// Does the source offer its YAML?
    pub has_yaml: bool,
}

/// A label with a value, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRow {
    /// Label.
    pub label: SmolStr,
    /// Value; `None` is absent, never 0.
    pub value: Option<String>,
    /// Is the value an id, to be set in the mono face?
    pub mono: bool,
    /// The object that the value names.
    pub link: Option<ObjectRef>,
}

/// A claim with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRow {
    /// How bad it is.
    pub status: Status,
    /// The claim.
    pub claim: String,
    /// Since when, by the source's clock.
    pub since: Option<Stamp>,
    /// One sentence of effect.
    pub effect: String,
    /// The rule and the fact behind it.
    pub evidence: String,
    /// The command that acts on it, to copy.
    pub command: Option<String>,
}

/// An event of the cluster about an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// When it last happened, by the source's clock.
    pub at: Stamp,
    /// Is it a warning?
    pub warning: bool,
    /// Machine word.
    pub reason: SmolStr,
    /// The server's sentence: text, never markup.
    pub note: String,
    /// How often.
    pub count: u32,
}
