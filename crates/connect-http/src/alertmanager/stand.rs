//! How an Alertmanager speaks, as far as scripts need it: the connector's stand in the suite of all connectors.

use pilothouse_connect::conformance::{Given, Part, Place, Server, Stand, scripted::Reply};
use serde_json::json;
use std::collections::BTreeMap;

/// The stand of this connector.
pub const STAND: Stand = Stand { kind: super::KIND, fill, server: Some(Server { well, listing, paged: None }) };

fn fill(place: &Place<'_>) -> Given {
    Given {
        values: BTreeMap::from([("url".to_owned(), format!("{}/alertmanager", place.url))]),
        secrets: BTreeMap::from([
            ("token".to_owned(), place.secret.to_owned().into()),
            ("header".to_owned(), format!("X-Gateway: key {}", place.secret).into()),
        ]),
    }
}

fn listing(path: &str) -> Option<Part> {
    path.starts_with("/alertmanager/api/v2/alerts").then_some(Part::First)
}

/// A server with one alert.
#[must_use]
pub fn well(path: &str) -> Reply {
    if listing(path).is_some() {
        return Reply::Json(
            200,
            "",
            json!([{
                "annotations": { "summary": "It is slow." },
                "fingerprint": "6b4f1c5a",
                "startsAt": "2026-11-24T03:12:00.500Z",
                "status": { "inhibitedBy": [], "silencedBy": [], "state": "active" },
                "labels": { "alertname": "Slow", "severity": "critical" }
            }]),
        );
    }
    if path.ends_with("/api/v2/status") {
        return Reply::Json(200, "", json!({ "versionInfo": { "version": "0.28.1" } }));
    }
    Reply::Text(404, "content-type: text/plain\r\n", "404 page not found".to_owned())
}
