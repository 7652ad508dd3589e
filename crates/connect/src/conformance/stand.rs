//! What a connector brings to the suite.

use super::scripted::Reply;
use crate::Kind;
use pilothouse_world::fact;
use secrecy::SecretString;
use std::{collections::BTreeMap, path::Path};

/// A connector, and how it is put before a server of ours.
pub struct Stand {
    /// Its kind.
    pub kind: Kind,
    /// Fills in its form, so that it can be opened and does all that it can do.
    pub fill: fn(&Place<'_>) -> Given,
    /// How its server speaks. A connector that contacts nobody has none, and the cases about servers pass it by.
    pub server: Option<Server>,
}

/// Where the connector is to go.
pub struct Place<'a> {
    /// Address of the server: `http://127.0.0.1:PORT`.
    pub url: &'a str,
    /// What it is to sign in with. It must then be said nowhere.
    pub secret: &'a str,
    /// A folder for files that the settings name.
    pub folder: &'a Path,
}

/// A form, filled in.
#[derive(Debug, Default)]
pub struct Given {
    /// Fields that are no secrets.
    pub values: BTreeMap<String, String>,
    /// Fields that are.
    pub secrets: BTreeMap<String, SecretString>,
}

/// How a server of this kind speaks when it is well.
pub struct Server {
    /// What it answers to a path with its query, or with the form that was posted to it.
    pub well: fn(&str) -> Reply,
    /// Which part of a listing a path with its query asks for, if any.
    pub listing: fn(&str) -> Option<Part>,
    /// A listing that comes in two pages, where its servers have such. Without one, what is told is told in changes.
    pub paged: Option<Paged>,
}

/// A listing that [`Server::well`] gives in two pages.
#[derive(Clone, Copy, Debug)]
pub struct Paged {
    /// What is listed.
    pub kind: fact::Kind,
    /// How many there are on both pages.
    pub whole: usize,
}

/// A part of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its first page.
    First,
    /// A later one.
    Further,
}
