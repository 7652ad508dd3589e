//! Objects of any kind as the server's own table: the columns that kubectl shows. Objects themselves are not read.
//!
//! Source: `Table` of `meta.k8s.io/v1`. Of an object it brings the metadata; a name and a namespace are kept.

use crate::{
    client::{Client, PATIENCE},
    failure::{Call, Failure},
    list::encoded,
    yaml::is_segment,
};
use pilothouse_connect::{GONE, looks_secret};
use pilothouse_wire::{
    Code, ConnectionId, KindId, ObjectRef, Problem, SmolStr,
    kinds::{Listing, ObjectColumn, ObjectLine, ObjectTable},
};
use serde::Deserialize;
use serde_json::Value;

/// A table and nothing else: for secrets, whose list would hold their values.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io";
/// A table, else the list: some servers behind the API server make no tables.
const TABLE_OR_LIST: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,\
                             application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
/// Rows of a page.
const PAGE: u32 = 500;
/// The longest cell.
const LONGEST: usize = 512;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    kind: String,
    #[serde(default)]
    metadata: ListMeta,
    #[serde(default)]
    column_definitions: Vec<Column>,
    #[serde(default)]
    rows: Option<Vec<Row>>,
}

#[derive(Deserialize, Default)]
struct ListMeta {
    #[serde(default)]
    r#continue: String,
}

/// A list of whole objects, of which the names and times are taken.
#[derive(Deserialize)]
struct List {
    kind: String,
    #[serde(default)]
    metadata: ListMeta,
    #[serde(default)]
    items: Option<Vec<Partial>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    priority: i32,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    cells: Vec<Value>,
    object: Partial,
}

#[derive(Deserialize)]
struct Partial {
    metadata: Named,
}

#[derive(Deserialize)]
struct Named {
    name: SmolStr,
    #[serde(default)]
    namespace: Option<SmolStr>,
    #[serde(default, rename = "creationTimestamp")]
    created: Option<String>,
}

/// Lists the objects of a kind; in each of `within`, where the listing names no namespace of its own.
///
/// # Errors
/// If they cannot be listed; a refusal names the right that is missing.
pub(crate) async fn objects(client: &Client, listing: &Listing, within: &[String]) -> Result<ObjectTable, Problem> {
    let KindId { group, version, plural, .. } = &listing.kind;
    let named = [Some(version), Some(plural), listing.namespace.as_ref(), listing.name.as_ref()];
    if !named.into_iter().flatten().all(|part| is_segment(part)) || !(group.is_empty() || is_segment(group)) {
        return Err(Problem::new(Code::NotFound, format!("\"{}\" names nothing in Kubernetes.", listing.kind)));
    }
    let everywhere = [None];
    let one = [listing.namespace.as_deref()];
    let each: Vec<Option<&str>> = within.iter().map(|name| Some(name.as_str())).collect();
    let scopes: &[Option<&str>] = match (listing.namespaced, &listing.namespace) {
        (false, _) => &everywhere,
        (true, Some(_)) => &one,
        (true, None) if each.is_empty() => &everywhere,
        (true, None) => &each,
    };
    let mut all = ObjectTable::default();
    for scope in scopes {
        page_by_page(client, listing, *scope, &mut all).await?;
    }
    Ok(all)
}

async fn page_by_page(
    client: &Client,
    listing: &Listing,
    namespace: Option<&str>,
    all: &mut ObjectTable,
) -> Result<(), Problem> {
    let path = collection(&listing.kind, namespace);
    let call = Call {
        verb: "list",
        group: listing.kind.group.to_string().into(),
        resource: listing.kind.plural.to_string(),
        namespace: namespace.map(str::to_owned),
    };
    let is_secret = listing.kind.group.is_empty() && listing.kind.plural == "secrets";
    let accept = if is_secret { TABLE } else { TABLE_OR_LIST };
    let mut from = String::new();
    loop {
        let left = listing.most.saturating_sub(u32::try_from(all.rows.len()).unwrap_or(u32::MAX));
        if left == 0 {
            all.more = true;
            return Ok(());
        }
        let mut query = format!("{path}?limit={}", left.min(PAGE));
        if !from.is_empty() {
            query += &format!("&continue={}", encoded(&from));
        }
        if let Some(name) = &listing.name {
            query += &format!("&fieldSelector=metadata.name={name}");
        }
        let body = match client.get(&call, &query, accept, PATIENCE).await {
            Ok(answer) => answer.body,
            // Between two pages the server forgot where it was: what is here is true, and not all.
            Err(failure) if failure.is_expired() && !from.is_empty() => {
                all.more = true;
                return Ok(());
            }
            Err(failure) => return Err(failure.problem(&client.place)),
        };
        let unreadable = || Failure::Unreadable("It is no table".to_owned()).problem(&client.place);
        let (table, next) = read(&body, &listing.cluster, &listing.kind, listing.namespaced).ok_or_else(unreadable)?;
        // Versions of one kind may differ in their columns; within one listing they do not.
        if all.columns.is_empty() {
            all.columns = table.columns;
        }
        all.rows.extend(table.rows);
        if next.is_empty() {
            return Ok(());
        }
        from = next;
    }
}

/// The path of all objects of a kind, whose parts are known to be plain.
pub(crate) fn collection(kind: &KindId, namespace: Option<&str>) -> String {
    let KindId { group, version, plural, .. } = kind;
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{plural}"),
    }
}

/// Reads a table, and from where it goes on.
pub(crate) fn read(
    body: &[u8],
    cluster: &ConnectionId,
    kind: &KindId,
    namespaced: bool,
) -> Option<(ObjectTable, String)> {
    let table: Option<Table> = serde_json::from_slice(body).ok().filter(|table: &Table| table.kind == "Table");
    let Some(table) = table else { return listed(body, cluster, kind, namespaced) };
    let columns: Vec<ObjectColumn> = table.column_definitions.iter().map(column).collect();
    let rows = table.rows.unwrap_or_default().into_iter().map(|row| {
        let object = row.object.metadata.object(cluster, kind, namespaced);
        let mut cells: Vec<Option<String>> = row.cells.iter().map(cell).collect();
        cells.resize(columns.len(), None);
        ObjectLine { object, cells }
    });
    Some((ObjectTable { rows: rows.collect(), columns, more: false }, table.metadata.r#continue))
}

/// A list of objects as a table of names and times.
fn listed(body: &[u8], cluster: &ConnectionId, kind: &KindId, namespaced: bool) -> Option<(ObjectTable, String)> {
    let list: List = serde_json::from_slice(body).ok().filter(|list: &List| list.kind.ends_with("List"))?;
    let column = |name| ObjectColumn { name: SmolStr::new_static(name), wide: false, number: false };
    let rows = list.items.unwrap_or_default().into_iter().map(|Partial { metadata }| {
        let cells = vec![Some(metadata.name.to_string()), metadata.created.clone()];
        ObjectLine { object: metadata.object(cluster, kind, namespaced), cells }
    });
    let table = ObjectTable { rows: rows.collect(), columns: vec![column("Name"), column("Created")], more: false };
    Some((table, list.metadata.r#continue))
}

impl Named {
    fn object(self, cluster: &ConnectionId, kind: &KindId, namespaced: bool) -> ObjectRef {
        let namespace = self.namespace.filter(|namespace| namespaced && !namespace.is_empty());
        ObjectRef::listed(cluster.clone(), kind, namespace, self.name)
    }
}

fn column(column: &Column) -> ObjectColumn {
    let number = matches!(column.r#type.as_str(), "integer" | "number");
    ObjectColumn { name: SmolStr::new(&column.name), wide: column.priority > 0, number }
}

/// A cell as text. What looks like a credential is hidden: columns of a custom resource show any of its fields.
fn cell(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(if looks_secret(&text) { GONE.to_owned() } else { text.chars().take(LONGEST).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn isvc() -> KindId {
        KindId {
            group: "serving.kserve.io".into(),
            version: "v1beta1".into(),
            plural: "inferenceservices".into(),
            kind: "InferenceService".into(),
        }
    }

    #[test]
    fn a_table_is_read_and_of_its_objects_the_names_alone() {
        let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMyJ9.e30.abc";
        let body = json!({
            "kind": "Table", "metadata": { "continue": "abc" },
            "columnDefinitions": [
                { "name": "Name", "type": "string", "priority": 0 },
                { "name": "Ready", "type": "string", "priority": 0 },
                { "name": "Replicas", "type": "integer", "priority": 1 },
                { "name": "Key", "type": "string", "priority": 0 },
            ],
            "rows": [
                { "cells": ["chat", true, 3, token], "object": { "metadata": {
                    "name": "chat", "namespace": "serving", "annotations": { "a": "hunter2" } } } },
                { "cells": ["embed", null], "object": { "metadata": { "name": "embed", "namespace": "serving" } } },
            ],
        });
        let (table, next) = read(body.to_string().as_bytes(), &ConnectionId::slug("iad"), &isvc(), true).unwrap();
        assert_eq!(next, "abc");
        let cells = |row: usize| table.rows[row].cells.iter().map(|cell| cell.as_deref()).collect::<Vec<_>>();
        assert_eq!(cells(0), [Some("chat"), Some("true"), Some("3"), Some(GONE)]);
        assert_eq!(cells(1), [Some("embed"), None, None, None]);
        assert_eq!(
            table.rows[0].object.to_string(),
            "object:iad/inferenceservices.v1beta1.serving.kserve.io/InferenceService/serving/chat"
        );
        assert!(table.columns[2].wide && table.columns[2].number && !table.columns[0].wide);
        assert!(!format!("{table:?}").contains("hunter2"));
    }

    #[test]
    fn a_server_that_makes_no_tables_is_listed_by_names_and_times() {
        let body = json!({ "kind": "InferenceServiceList", "metadata": { "continue": "" }, "items": [
            { "metadata": { "name": "chat", "namespace": "serving", "creationTimestamp": "2026-11-24T03:00:00Z" },
              "spec": { "password": "hunter2" } },
        ] });
        let (table, next) = read(body.to_string().as_bytes(), &ConnectionId::slug("iad"), &isvc(), true).unwrap();
        let titles: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((titles.as_slice(), next.as_str()), (&["Name", "Created"][..], ""));
        let cells: Vec<Option<&str>> = table.rows[0].cells.iter().map(|cell| cell.as_deref()).collect();
        assert_eq!(cells, [Some("chat"), Some("2026-11-24T03:00:00Z")]);
        assert!(!format!("{table:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_no_table_and_no_list_is_none() {
        for body in ["{\"kind\":\"Status\",\"items\":[]}", "[]", "x"] {
            assert_eq!(read(body.as_bytes(), &ConnectionId::slug("iad"), &isvc(), true), None, "{body}");
        }
    }

    #[test]
    fn a_collection_is_in_its_group_and_namespace() {
        let pods = KindId { group: "".into(), version: "v1".into(), plural: "pods".into(), kind: "Pod".into() };
        assert_eq!(collection(&pods, Some("a")), "/api/v1/namespaces/a/pods");
        assert_eq!(collection(&isvc(), None), "/apis/serving.kserve.io/v1beta1/inferenceservices");
    }
}
