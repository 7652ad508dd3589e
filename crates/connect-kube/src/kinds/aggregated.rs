//! The aggregated discovery document: every group with every resource in one answer.

use super::{Known, Resource};
use serde::Deserialize;

#[derive(Deserialize)]
struct List {
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Named,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize, Default)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

/// Reads the document; `None` if it is another one.
pub(super) fn read(body: &[u8]) -> Option<Known> {
    let list: List = serde_json::from_slice(body).ok()?;
    if list.kind != "APIGroupDiscoveryList" {
        return None;
    }
    let mut known = Known::default();
    for group in &list.items {
        for version in &group.versions {
            if version.freshness == "Stale" {
                known.stale.push(format!("{}/{}", group.metadata.name, version.version));
            }
            for item in &version.resources {
                known.take(&Resource {
                    group: &group.metadata.name,
                    version: &version.version,
                    plural: &item.resource,
                    kind: item.response_kind.as_ref().map_or("", |kind| &kind.kind),
                    singular: &item.singular_resource,
                    short: &item.short_names,
                    namespaced: item.scope == "Namespaced",
                    verbs: &item.verbs,
                });
            }
        }
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn item(resource: &str, kind: &str, verbs: &[&str]) -> Value {
        json!({
            "resource": resource, "scope": "Namespaced", "singularResource": kind.to_lowercase(), "verbs": verbs,
            "responseKind": { "group": "", "version": "", "kind": kind },
        })
    }

    #[test]
    fn what_can_be_listed_is_offered_in_the_servers_order() {
        let all = ["get", "list", "watch"];
        let document = json!({
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
            "items": [
                { "metadata": { "name": "serving.kserve.io" }, "versions": [
                    { "version": "v1beta1", "freshness": "Current", "resources": [
                        item("inferenceservices", "InferenceService", &all),
                        item("../secrets", "Secret", &all),
                        item("reviews", "Review", &["create"]),
                        { "resource": "unnamed", "verbs": all },
                    ] },
                    { "version": "v1alpha1", "freshness": "Stale", "resources": [
                        item("inferenceservices", "InferenceService", &all),
                        item("servingruntimes", "ServingRuntime", &all),
                    ] },
                ] },
            ],
        });
        let mut known = Known::default();
        known.join(read(document.to_string().as_bytes()).unwrap());
        let names: Vec<String> = known.kinds.iter().map(|kind| kind.id.to_string()).collect();
        assert_eq!(
            names,
            ["inferenceservices.v1beta1.serving.kserve.io", "servingruntimes.v1alpha1.serving.kserve.io"]
        );
        assert!(known.kinds[0].namespaced);
        assert_eq!(known.stale, ["serving.kserve.io/v1alpha1"]);
    }

    #[test]
    fn another_document_is_told_from_it() {
        for body in ["{\"kind\":\"APIGroupList\",\"groups\":[]}", "{}", "[]", "nonsense"] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
