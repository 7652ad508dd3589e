//! What every object has: name, place, age, labels, annotations, owners.

use super::{
    About,
    fields::{self, items, mono, pairs, present, row, scalar, text},
};
use pilothouse_wire::{ObjectRef, describe::Section, view::FieldRow};
use serde_json::Value;

/// The first part of a description; `owners` are from the nearest up. Annotations are as the YAML shows them, one a row.
pub(super) fn section(about: &About<'_>, owners: Vec<FieldRow>) -> Section {
    let object = about.object;
    let mut rows = vec![mono("Name", text(object, "/metadata/name"))];
    if let Some(namespace) = text(object, "/metadata/namespace") {
        let link = ObjectRef::Namespace(about.cluster.clone(), namespace.as_str().into());
        rows.push(FieldRow { link: Some(link), ..row("Namespace", Some(namespace)) });
    }
    rows.push(row("Kind", Some(format!("{} ({})", about.spot.kind.kind, about.spot.kind))));
    rows.extend(present(
        object,
        &[
            ("Created", "/metadata/creationTimestamp"),
            ("Being deleted since", "/metadata/deletionTimestamp"),
            ("Generation", "/metadata/generation"),
        ],
    ));
    rows.extend(text(object, "/metadata/uid").map(|uid| mono("UID", Some(uid))));
    rows.extend(owners);
    rows.push(row("Labels", pairs(object, "/metadata/labels")));
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    let annotation = |(key, value): (&String, &Value)| row(format!("Annotation {key}"), scalar(value));
    rows.extend(annotations.into_iter().flatten().map(annotation));
    let finalizers: Vec<String> = items(object, "/metadata/finalizers").iter().filter_map(scalar).collect();
    if !finalizers.is_empty() {
        rows.push(row("Finalizers", Some(finalizers.join(", "))));
    }
    fields::section(about.spot.kind.kind.to_string(), rows)
}
