//! How a registry speaks, as far as scripts need it: the connector's stand in the suite of all connectors.

use pilothouse_connect::conformance::{Given, Part, Place, Server, Stand, scripted::Reply};
use serde_json::json;
use std::collections::BTreeMap;

/// The stand of this connector.
pub const STAND: Stand = Stand { kind: super::KIND, fill, server: Some(Server { well, listing, paged: None }) };

fn fill(place: &Place<'_>) -> Given {
    Given {
        values: BTreeMap::from([
            ("url".to_owned(), place.url.to_owned()),
            ("watch".to_owned(), "team/chat".to_owned()),
            ("username".to_owned(), "oncall".to_owned()),
        ]),
        secrets: BTreeMap::from([
            ("password".to_owned(), place.secret.to_owned().into()),
            ("header".to_owned(), format!("X-Gateway: key {}", place.secret).into()),
        ]),
    }
}

fn listing(path: &str) -> Option<Part> {
    path.starts_with("/v2/team/chat/tags/list").then_some(Part::First)
}

/// A registry with one repository that has no tag yet, as real ones tell it.
#[must_use]
pub fn well(path: &str) -> Reply {
    if listing(path).is_some() {
        return Reply::Json(200, "", json!({ "name": "team/chat", "tags": null }));
    }
    if path == "/v2/" {
        return Reply::Json(200, "docker-distribution-api-version: registry/2.0\r\n", json!({}));
    }
    Reply::Json(404, "", json!({ "errors": [{ "code": "NAME_UNKNOWN", "message": "unknown", "detail": {} }] }))
}
