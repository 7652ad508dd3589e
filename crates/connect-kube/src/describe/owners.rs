//! Who made an object, and who made that: the chain of controllers, read from the server.

use super::{
    About,
    fields::{row, text},
};
use crate::{
    client::Client,
    read::{self, Spot},
    yaml::is_segment,
};
use pilothouse_wire::{ObjectRef, SmolStr, view::FieldRow};
use serde_json::Value;

/// Owners above one another; more would be a circle.
const MOST: usize = 6;

/// What an object says of its controller.
struct Owner {
    group: String,
    kind: String,
    name: SmolStr,
}

/// The controllers of an object, the nearest first. Where one cannot be read, the chain ends and says so.
pub(super) async fn chain(client: &Client, about: &About<'_>) -> Vec<FieldRow> {
    let mut rows = Vec::new();
    let mut next = owner(about.object);
    while let Some(Owner { group, kind, name }) = next.take() {
        let label = "Controlled by";
        let shown = format!("{kind} {name}");
        let id = if is_segment(&name) { read::kind_of(client, Some(&group), &kind).await.ok() } else { None };
        // Its kind is not served here, or no object can be called so: it is named, and leads nowhere.
        let Some(id) = id else {
            rows.push(row(label, Some(shown)));
            break;
        };
        let namespace = about.spot.namespace.clone();
        let spot = Spot { kind: id.clone(), namespace: namespace.clone(), name: name.clone() };
        let link = Some(ObjectRef::listed(about.cluster.clone(), &id, namespace, name));
        if rows.len() + 1 >= MOST {
            rows.push(FieldRow { link, ..row(label, Some(shown)) });
            break;
        }
        let above = read::metadata(client, &spot).await;
        let shown = match &above {
            Err(failure) if failure.status() == Some(404) => format!("{shown} (gone)"),
            Err(_) => format!("{shown} (cannot be read, so nor can its own owner)"),
            Ok(_) => shown,
        };
        next = above.ok().as_ref().and_then(owner);
        rows.push(FieldRow { link, ..row(label, Some(shown)) });
    }
    rows
}

fn owner(object: &Value) -> Option<Owner> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let one = owners.iter().find(|owner| owner["controller"] == true).or_else(|| owners.first())?;
    let version = text(one, "/apiVersion")?;
    let group = version.split_once('/').map_or("", |(group, _)| group).to_owned();
    Some(Owner { group, kind: text(one, "/kind")?, name: text(one, "/name")?.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_controller_is_the_owner() {
        let owners = |owners: Value| owner(&json!({ "metadata": { "ownerReferences": owners } }));
        let two = json!([
            { "apiVersion": "v1", "kind": "ConfigMap", "name": "a" },
            { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "chat-7c9f", "controller": true },
        ]);
        let found = owners(two).unwrap();
        assert_eq!(
            (found.group.as_str(), found.kind.as_str(), found.name.as_str()),
            ("apps", "ReplicaSet", "chat-7c9f")
        );
        assert!(owners(json!([])).is_none());
    }
}
