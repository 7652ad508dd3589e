//! What a kind of connection looks for inside of clusters, so that a server is offered by itself: as data, since who looks
//! knows nothing of the kind, and the kind nothing of clusters.

use pilothouse_wire::{ConnectionId, form::Draft};
use pilothouse_world::fact::ServiceFact;
use std::collections::BTreeMap;

/// How the service of a server is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The kind of connection that looks for it.
    pub kind: String,
    /// Its id, of which there is one among all kinds.
    pub id: String,
    /// Labels that the service has, all of them. By the first one it is asked for.
    pub labels: Vec<(String, String)>,
    /// Names or numbers of the port, the likeliest first: the first that is there is the one.
    pub ports: Vec<String>,
    /// Is it the same server as others of its kind in its namespace, so that it is of use only where there is none?
    pub fallback: bool,
}

/// What a kind of connection looks for inside of clusters.
#[derive(Clone, Copy)]
pub struct Inside {
    /// How its servers are recognised.
    pub signatures: fn() -> &'static [Signature],
    /// What a service that was found in the cluster of this connection is offered as; `None` if it is not of this kind.
    pub offer: fn(&ConnectionId, &ServiceFact) -> Option<Offer>,
    /// Does a connection of this kind with these settings lead to that service already?
    pub leads: fn(&BTreeMap<String, String>, &ConnectionId, &ServiceFact) -> bool,
}

/// A connection that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it seems to be, for people.
    pub what: String,
    /// The connection that it would become.
    pub draft: Draft,
}
