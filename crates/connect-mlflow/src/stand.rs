//! How MLflow speaks, as far as scripts need it: the connector's stand in the suite of all connectors.

use pilothouse_connect::conformance::{Given, Paged, Part, Place, Server, Stand, scripted::Reply};
use pilothouse_world::fact::Kind;
use serde_json::json;
use std::collections::BTreeMap;

/// The stand of this connector.
pub const STAND: Stand = Stand {
    kind: super::KIND,
    fill,
    server: Some(Server { well, listing, paged: Some(Paged { kind: Kind::Model, whole: 3 }) }),
};

fn fill(place: &Place<'_>) -> Given {
    let pair = |key: &str, value: String| (key.to_owned(), value);
    Given {
        values: BTreeMap::from([pair("url", format!("{}/ml", place.url)), pair("workspace", "team-a".into())]),
        secrets: BTreeMap::from([
            ("token".to_owned(), place.secret.to_owned().into()),
            ("header".to_owned(), format!("X-Gateway: key {}", place.secret).into()),
        ]),
    }
}

fn listing(path: &str) -> Option<Part> {
    let query = path.strip_prefix("/ml/api/2.0/mlflow/registered-models/search?")?;
    Some(if query.contains("page_token=") { Part::Further } else { Part::First })
}

/// A registry with three models on two pages, and one version.
#[must_use]
pub fn well(path: &str) -> Reply {
    let model = |name: &str| json!({ "name": name, "creation_timestamp": 1, "last_updated_timestamp": 2 });
    match listing(path) {
        Some(Part::First) => {
            Reply::Json(200, "", json!({ "registered_models": [model("a"), model("b")], "next_page_token": "second" }))
        }
        Some(Part::Further) => Reply::Json(200, "", json!({ "registered_models": [model("c")] })),
        None if path.contains("/model-versions/search") => Reply::Json(
            200,
            "",
            json!({ "model_versions": [{ "name": "a", "version": "1", "status": "READY", "last_updated_timestamp": 2 }] }),
        ),
        None if path.ends_with("/version") => Reply::Text(200, "content-type: text/plain\r\n", "3.17.2".to_owned()),
        None => Reply::Text(404, "content-type: text/html\r\n", "<!doctype html><title>404</title>".to_owned()),
    }
}
