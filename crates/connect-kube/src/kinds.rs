//! The kinds of objects that a server offers, from its discovery documents: the aggregated ones, or the older ones of
//! each group where the server knows no others.
//!
//! Sources: `APIGroupDiscoveryList` of `apidiscovery.k8s.io/v2` and `v2beta1`; `APIVersions`, `APIGroupList` and
//! `APIResourceList` of `meta.k8s.io/v1`.

mod aggregated;
mod legacy;

use crate::{
    client::{Client, PATIENCE},
    failure::{Call, Failure},
    yaml::is_segment,
};
use pilothouse_wire::{Code, ConnectionId, KindId, Problem, SmolStr, kinds::KindRow, kinds::Offered};
use std::collections::BTreeSet;

/// The aggregated document in both of its versions, else the older one.
const DISCOVERY: &str = "application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList,\
                         application/json;v=v2beta1;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList,application/json";

/// What discovery told, in the server's order, and the groups that it could not speak for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kinds: Vec<KindRow>,
    /// Groups whose own server did not answer, by name and version.
    pub(crate) stale: Vec<String>,
}

/// Reads which kinds there are.
///
/// # Errors
/// If nothing of it can be read.
pub(crate) async fn offered(client: &Client, cluster: &ConnectionId) -> Result<Offered, Problem> {
    let known = known(client).await.map_err(|failure| failure.problem(&client.place))?;
    let name = &client.place.name;
    let problem = (!known.stale.is_empty()).then(|| {
        Problem::new(Code::ServerFailed, format!("{name} does not tell the kinds of all its groups."))
            .why(format!("The servers behind {} do not answer it.", known.stale.join(", ")))
            .next("All other kinds are listed. Look at the APIServices of those groups.")
    });
    Ok(Offered { cluster: cluster.clone(), kinds: known.kinds, problem })
}

/// Reads which kinds there are, core first.
pub(crate) async fn known(client: &Client) -> Result<Known, Failure> {
    let (core, groups) = futures::try_join!(document(client, "/api"), document(client, "/apis"))?;
    let mut known = Known::default();
    for (root, body) in [("/api", core), ("/apis", groups)] {
        match aggregated::read(&body) {
            Some(of_it) => known.join(of_it),
            None => known.join(legacy::follow(client, root, &body).await?),
        }
    }
    Ok(known)
}

/// The kinds of an aggregated document: for the target in `fuzz/`.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn aggregated(body: &[u8]) -> Option<Vec<KindRow>> {
    aggregated::read(body).map(|known| known.kinds)
}

async fn document(client: &Client, path: &str) -> Result<Vec<u8>, Failure> {
    client.get(&Call::path(path), path, DISCOVERY, PATIENCE).await.map(|answer| answer.body.to_vec())
}

/// One resource as either kind of document tells of it.
struct Resource<'a> {
    group: &'a str,
    version: &'a str,
    plural: &'a str,
    kind: &'a str,
    singular: &'a str,
    short: &'a [String],
    namespaced: bool,
    verbs: &'a [String],
}

impl Known {
    /// Takes a resource that can be listed and read. Of several versions of one the first stays: the server prefers it.
    fn take(&mut self, resource: &Resource<'_>) {
        let Resource { group, version, plural, kind, singular, short, namespaced, verbs } = resource;
        // A slash is a part of an object (`pods/log`); what is no plain word would lead elsewhere in a path.
        let plain = |word: &str| is_segment(word) && !word.contains(['.', ':']);
        let named = plain(plural) && plain(version) && plain(kind) && (group.is_empty() || is_segment(group));
        let readable = ["list", "get"].iter().all(|verb| verbs.iter().any(|has| has == verb));
        if !named || !readable {
            return;
        }
        let [group, version, plural, kind] = [group, version, plural, kind].map(SmolStr::new);
        let id = KindId { group, version, plural, kind };
        self.kinds.push(KindRow {
            id,
            singular: SmolStr::new(singular),
            short: short.iter().map(SmolStr::new).collect(),
            namespaced: *namespaced,
        });
    }

    fn join(&mut self, other: Self) {
        self.kinds.extend(other.kinds);
        self.stale.extend(other.stale);
        let mut seen = BTreeSet::new();
        self.kinds.retain(|row| seen.insert((row.id.group.clone(), row.id.plural.clone())));
    }
}
