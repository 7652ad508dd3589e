//! The one table of connectors: nobody else names them.

use pilothouse_connect::{Discovery, Kind};
use std::collections::BTreeMap;

/// Every kind of connection.
pub const KINDS: &[Kind] = &[pilothouse_connect_kube::KIND, pilothouse_connect_demo::KIND];

/// A kind by its id.
pub(crate) fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.id == id)
}

/// The demo fleet: kind, name and settings of each of its connections.
pub(crate) fn demo_fleet() -> Vec<(&'static str, String, BTreeMap<String, String>)> {
    let kind = pilothouse_connect_demo::KIND.id;
    pilothouse_connect_demo::default_connections().into_iter().map(|(name, values)| (kind, name, values)).collect()
}

/// Places that could be connected, found by reading files.
pub(crate) fn discover() -> Discovery {
    let mut all = Discovery::default();
    for discover in KINDS.iter().filter_map(|kind| kind.discover) {
        let found = discover();
        all.offered.extend(found.offered);
        all.problems.extend(found.problems);
    }
    all
}
