//! Facts of sources themselves: what they are, how they are, what they told of themselves.

use pilothouse_wire::{Health, SmolStr, Stamp, view::Attempt};
use serde::{Deserialize, Serialize};

/// About a source itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SourceFact {
    /// It exists, and this is what is known of it without asking.
    About(Box<SourceAbout>),
    /// It answered at the batch's time, though nothing changed.
    Heard,
    /// How it is.
    Health(Health),
    /// What it told of itself on connecting.
    Probed(Box<Probed>),
    /// An attempt to connect and what came of it.
    Attempt(Attempt),
    /// When it is tried again by itself.
    RetryAt(Option<Stamp>),
    /// So many objects, or parts of objects, could not be used or kept.
    Dropped(u64),
    /// It was removed: everything it said is forgotten.
    Removed,
    /// These are all the servers inside of it that others could connect to. Empty also where it may not look.
    Inside(Vec<ServiceFact>),
}

/// What is known of a source without asking it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceAbout {
    /// Name for people.
    pub name: SmolStr,
    /// Id of its kind.
    pub kind: SmolStr,
    /// Is it the demo?
    pub demo: bool,
    /// Address without credentials.
    pub address: Option<SmolStr>,
    /// How often it is expected to be heard, in milliseconds.
    pub period_ms: u64,
}

/// What a source told of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Probed {
    /// The server's version.
    pub version: Option<SmolStr>,
    /// Who we are there.
    pub identity: Option<SmolStr>,
    /// What it may do.
    pub may: Vec<SmolStr>,
    /// What it may not do or see.
    pub may_not: Vec<SmolStr>,
    /// What is not visible, as a sentence.
    pub not_visible: Option<String>,
}

/// A server inside of a cluster that was recognised by its service. Source: `v1.Service`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFact {
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// The number of the port, of `spec.ports`.
    pub port: u16,
    /// By what it was recognised: the id of a signature.
    pub signature: SmolStr,
}
