//! The stand of this machine in the suite of all connectors. It contacts no server; its driver is our mock of NVML.

use crate::{kind::LIBRARY, stub};
use pilothouse_connect::conformance::{Given, Stand};

/// The stand of this connector.
pub const STAND: Stand = Stand {
    kind: crate::KIND,
    fill: |place| {
        // What cannot be built is no library, and the connector then says why.
        let library = stub::build(place.folder, &[]).map(|library| library.display().to_string());
        let values = [(LIBRARY.to_owned(), library.unwrap_or_else(|why| why))];
        Given { values: values.into(), ..Given::default() }
    },
    server: None,
};
