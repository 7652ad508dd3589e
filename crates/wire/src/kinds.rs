//! Any kind of object that a cluster offers: which there are, how a person names one, and its objects as a table.

use crate::{ConnectionId, KindId, ObjectRef, Problem, SmolStr};
use serde::{Deserialize, Serialize};

/// A kind that a cluster offers to list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindRow {
    /// The kind.
    pub id: KindId,
    /// `inferenceservice`; empty where the server has no word.
    pub singular: SmolStr,
    /// Short names: `isvc`.
    pub short: Vec<SmolStr>,
    /// Are its objects in namespaces?
    pub namespaced: bool,
}

/// What one connection offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The connection.
    pub cluster: ConnectionId,
    /// Its kinds in the server's order: the core first, then its groups.
    pub kinds: Vec<KindRow>,
    /// Why they are not known, or not all of them.
    pub problem: Option<Problem>,
}

/// Which objects to list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Of this connection.
    pub cluster: ConnectionId,
    /// Of this kind.
    pub kind: KindId,
    /// Are its objects in namespaces?
    pub namespaced: bool,
    /// In this namespace only.
    pub namespace: Option<SmolStr>,
    /// Of this name only.
    pub name: Option<SmolStr>,
    /// The most rows.
    pub most: u32,
}

/// Objects of one kind in the columns that the server gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectTable {
    /// The columns.
    pub columns: Vec<ObjectColumn>,
    /// The objects, in the server's order.
    pub rows: Vec<ObjectLine>,
    /// Are there more than these?
    pub more: bool,
}

/// A column of the server's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectColumn {
    /// Its title.
    pub name: SmolStr,
    /// Is it for those who want all (`kubectl get -o wide`)?
    pub wide: bool,
    /// Does it hold numbers?
    pub number: bool,
}

/// A row of the server's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLine {
    /// The object.
    pub object: ObjectRef,
    /// A cell a column; `None` is absent.
    pub cells: Vec<Option<String>>,
}

impl KindRow {
    /// Does a person mean this kind by a word? As kubectl reads it: plural, singular, kind or short name, and
    /// `plural.group` or `plural.version.group`, whatever the case of letters.
    #[must_use]
    pub fn is_called(&self, word: &str) -> bool {
        let word = word.trim();
        let KindId { group, version, plural, kind } = &self.id;
        let is = |name: &str, word: &str| !word.is_empty() && name.eq_ignore_ascii_case(word);
        let named = |word: &str| is(plural, word) || is(&self.singular, word);
        match word.split_once('.') {
            _ if word.is_empty() => false,
            Some((first, rest)) => {
                let versioned = if group.is_empty() { version.to_string() } else { format!("{version}.{group}") };
                named(first) && [group.as_str(), &versioned].into_iter().any(|place| place.eq_ignore_ascii_case(rest))
            }
            None => {
                let short = || self.short.iter().any(|short| short.eq_ignore_ascii_case(word));
                named(word) || kind.eq_ignore_ascii_case(word) || short()
            }
        }
    }
}

/// The kind that a person means by a word: the first in the server's order, as kubectl takes it.
#[must_use]
pub fn called<'a>(kinds: &'a [KindRow], word: &str) -> Option<&'a KindRow> {
    kinds.iter().find(|kind| kind.is_called(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(plural: &str, group: &str, kind: &str, short: &[&str]) -> KindRow {
        KindRow {
            id: KindId { group: group.into(), version: "v1".into(), plural: plural.into(), kind: kind.into() },
            singular: kind.to_lowercase().into(),
            short: short.iter().map(SmolStr::new).collect(),
            namespaced: true,
        }
    }

    #[test]
    fn a_kind_is_called_as_kubectl_calls_it() {
        let kinds = [
            row("events", "", "Event", &["ev"]),
            row("deployments", "apps", "Deployment", &["deploy"]),
            row("events", "events.k8s.io", "Event", &["ev"]),
            row("inferenceservices", "serving.kserve.io", "InferenceService", &["isvc"]),
        ];
        for (word, want) in [
            ("events", Some("events.v1")),
            ("ev", Some("events.v1")),
            ("events.events.k8s.io", Some("events.v1.events.k8s.io")),
            ("Deployment", Some("deployments.v1.apps")),
            ("deployments.apps", Some("deployments.v1.apps")),
            ("deployment.v1.apps", Some("deployments.v1.apps")),
            ("events.v1", Some("events.v1")),
            (" ISVC ", Some("inferenceservices.v1.serving.kserve.io")),
            ("deployments.batch", None),
            ("deploymen", None),
            ("", None),
            (".", None),
        ] {
            let found = called(&kinds, word).map(|kind| kind.id.to_string());
            assert_eq!(found.as_deref(), want, "{word}");
        }
    }
}
