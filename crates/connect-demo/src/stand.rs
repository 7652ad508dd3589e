//! The demo's stand in the suite of all connectors. It contacts nobody, so there is no server to misbehave.

use pilothouse_connect::conformance::{Given, Stand};

/// The stand of this connector.
pub const STAND: Stand = Stand { kind: crate::KIND, fill: |_| Given::default(), server: None };
