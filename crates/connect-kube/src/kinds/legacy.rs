//! Discovery as servers before 1.26 have it: a list of groups, and a document for each version of each.

use super::{Known, Resource};
use crate::{
    client::{Client, JSON, PATIENCE},
    failure::{Call, Failure},
    yaml::is_segment,
};
use futures::{StreamExt, stream};
use serde::Deserialize;

/// Documents that are asked for at once.
const AT_ONCE: usize = 8;
/// The most documents: a cluster has tens of groups.
const MOST: usize = 400;

/// `APIVersions` of the core, or `APIGroupList` of all others.
#[derive(Deserialize)]
struct Root {
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    #[serde(default)]
    versions: Vec<GroupVersion>,
    #[serde(default)]
    preferred_version: Option<GroupVersion>,
}

#[derive(Clone, Deserialize, PartialEq)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
}

/// Reads the document at a root, and then one for each version that it names.
///
/// # Errors
/// If the root is no such document. A version that cannot be read is named among the stale ones.
pub(super) async fn follow(client: &Client, root: &str, body: &[u8]) -> Result<Known, Failure> {
    let versions = versions(body).ok_or_else(|| Failure::Unreadable(format!("{root} is no list of its APIs")))?;
    let read = stream::iter(versions.into_iter().take(MOST)).map(|(group, version)| async move {
        let path = if group.is_empty() { format!("{root}/{version}") } else { format!("{root}/{group}/{version}") };
        let answer = client.get(&Call::path(&path), &path, JSON, PATIENCE).await;
        let of_it = answer.ok().and_then(|answer| resources(&group, &version, &answer.body));
        of_it.unwrap_or_else(|| Known { stale: vec![format!("{group}/{version}")], ..Known::default() })
    });
    let mut known = Known::default();
    read.buffered(AT_ONCE).collect::<Vec<Known>>().await.into_iter().for_each(|of_it| known.join(of_it));
    Ok(known)
}

/// Groups with their versions, of each group the preferred one first.
fn versions(body: &[u8]) -> Option<Vec<(String, String)>> {
    let root: Root = serde_json::from_slice(body).ok()?;
    let core = root.versions.into_iter().map(|version| (String::new(), version));
    let others = root.groups.into_iter().flat_map(|group| {
        let first = group.preferred_version;
        let rest = group.versions.into_iter().filter(|version| Some(version) != first.as_ref()).collect::<Vec<_>>();
        first.into_iter().chain(rest).map(move |version| (group.name.clone(), version.version))
    });
    let plain = |(group, version): &(String, String)| (group.is_empty() || is_segment(group)) && is_segment(version);
    Some(core.chain(others).filter(plain).collect())
}

fn resources(group: &str, version: &str, body: &[u8]) -> Option<Known> {
    let list: Resources = serde_json::from_slice(body).ok()?;
    let mut known = Known::default();
    for item in &list.resources {
        known.take(&Resource {
            group,
            version,
            plural: &item.name,
            kind: &item.kind,
            singular: &item.singular_name,
            short: &item.short_names,
            namespaced: item.namespaced,
            verbs: &item.verbs,
        });
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_version_is_read_first_and_no_path_leads_elsewhere() {
        let groups = br#"{"kind":"APIGroupList","groups":[
            {"name":"batch","versions":[{"version":"v1beta1"},{"version":"v1"}],"preferredVersion":{"version":"v1"}},
            {"name":"../x","versions":[{"version":"v1"}]}]}"#;
        let named = |text: &[(&str, &str)]| text.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect::<Vec<_>>();
        assert_eq!(versions(groups), Some(named(&[("batch", "v1"), ("batch", "v1beta1")])));
        assert_eq!(versions(br#"{"kind":"APIVersions","versions":["v1"]}"#), Some(named(&[("", "v1")])));
        assert_eq!(versions(b"<html>"), None);
    }

    #[test]
    fn parts_of_objects_are_no_kinds() {
        let body = br#"{"resources":[
            {"name":"pods","kind":"Pod","namespaced":true,"shortNames":["po"],"verbs":["get","list"]},
            {"name":"pods/log","kind":"Pod","namespaced":true,"verbs":["get","list"]}]}"#;
        let known = resources("", "v1", body).unwrap();
        assert_eq!(known.kinds.iter().map(|kind| kind.id.plural.as_str()).collect::<Vec<_>>(), ["pods"]);
        assert_eq!(known.kinds[0].short, ["po"]);
    }
}
