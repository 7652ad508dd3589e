//! What the tests of this crate share: a connection that is filled in, before a scripted server.

use pilothouse_connect::{Clock, Connector, Opening, Relays};
use pilothouse_connect_http::prometheus::KIND;
use pilothouse_wire::{ConnectionId, Problem};
use std::{collections::BTreeMap, sync::Arc};

/// Opens a connection with these fields; those that are secrets by their keys.
pub fn open(fields: &[(&str, &str)], clock: Clock) -> Result<Arc<dyn Connector>, Problem> {
    open_among(fields, clock, Relays::none())
}

/// The same, beside connections that have these ways.
pub fn open_among(fields: &[(&str, &str)], clock: Clock, relays: Relays) -> Result<Arc<dyn Connector>, Problem> {
    let is_secret = |key: &&str| ["password", "token", "header"].contains(key);
    let (secrets, values): (Vec<_>, Vec<_>) = fields.iter().copied().partition(|(key, _)| is_secret(key));
    let opening = Opening {
        id: ConnectionId::slug("gpus"),
        name: "gpus".to_owned(),
        values: values.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        secrets: secrets
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned().into()))
            .collect::<BTreeMap<_, _>>(),
        trusted: Vec::new(),
        clock,
        relays,
        sought: &[],
    };
    (KIND.open)(opening)
}
