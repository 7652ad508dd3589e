//! One object, read from the server now: where it is in the API, and how much of it may be read.

use crate::{
    client::{Client, JSON, PATIENCE},
    failure::{Call, Failure},
    kinds,
    tables::collection,
    yaml::is_segment,
};
use pilothouse_wire::{Code, KindId, ObjectRef, Problem, SmolStr};
use serde_json::Value;

/// Of an object its metadata only: what is not read cannot be shown.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// Kinds whose place in the API is the same in every cluster.
const EVERYWHERE: &[(&str, &str, &str)] = &[
    ("Node", "", "nodes"),
    ("Namespace", "", "namespaces"),
    ("Pod", "", "pods"),
    ("ReplicationController", "", "replicationcontrollers"),
    ("Deployment", "apps", "deployments"),
    ("ReplicaSet", "apps", "replicasets"),
    ("StatefulSet", "apps", "statefulsets"),
    ("DaemonSet", "apps", "daemonsets"),
    ("Job", "batch", "jobs"),
    ("CronJob", "batch", "cronjobs"),
];

/// Where an object is in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Its kind.
    pub(crate) kind: KindId,
    /// Its namespace, if it is in one.
    pub(crate) namespace: Option<SmolStr>,
    /// Its name.
    pub(crate) name: SmolStr,
}

impl Spot {
    /// The path of the object.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", collection(&self.kind, self.namespace.as_deref()), self.name)
    }

    /// May its values be read? Those of secrets are nobody's to look at.
    pub(crate) fn is_secret(&self) -> bool {
        self.kind.group.is_empty() && self.kind.plural == "secrets"
    }

    /// Are all its parts plain names, which lead nowhere else in a path?
    pub(crate) fn is_plain(&self) -> bool {
        let KindId { group, version, plural, kind } = &self.kind;
        let parts = [Some(version), Some(plural), Some(kind), Some(&self.name), self.namespace.as_ref()];
        parts.into_iter().flatten().all(|part| is_segment(part)) && (group.is_empty() || is_segment(group))
    }
}

/// Where an object is; asks the server which kinds there are, if the kind is not one that every cluster has.
///
/// # Errors
/// If this is no object of a cluster, or its kind is not served.
pub(crate) async fn spot(client: &Client, object: &ObjectRef) -> Result<Spot, Problem> {
    let everywhere = |kind: &str| well_known(kind).ok_or_else(|| not_served(client, kind));
    let spot = match object {
        ObjectRef::Node(node) | ObjectRef::Gpu(node, _) => {
            Spot { kind: everywhere("Node")?, namespace: None, name: node.name.clone() }
        }
        ObjectRef::Namespace(_, name) => Spot { kind: everywhere("Namespace")?, namespace: None, name: name.clone() },
        ObjectRef::Pod(pod) => {
            Spot { kind: everywhere("Pod")?, namespace: Some(pod.namespace.clone()), name: pod.name.clone() }
        }
        // The pods of the node itself are told of as if it were their workload.
        ObjectRef::Workload(_, _, kind, name) if kind == "Node" => {
            Spot { kind: everywhere("Node")?, namespace: None, name: name.clone() }
        }
        ObjectRef::Workload(_, namespace, kind, name) => {
            Spot { kind: kind_of(client, None, kind).await?, namespace: Some(namespace.clone()), name: name.clone() }
        }
        ObjectRef::Other(other) => {
            Spot { kind: other.kind.clone(), namespace: other.namespace.clone(), name: other.name.clone() }
        }
        ObjectRef::Connection(_) | ObjectRef::Alert(_) | ObjectRef::Model(_) | ObjectRef::Tag(_) => {
            let what = match object {
                ObjectRef::Alert(_) => "An alert",
                ObjectRef::Model(_) => "A registered model",
                ObjectRef::Tag(_) => "A tag of a registry",
                _ => "A connection",
            };
            return Err(Problem::new(Code::NotOffered, format!("{what} is no object of its cluster."))
                .next("Objects in it can be read."));
        }
    };
    plain(spot)
}

/// A spot of which every part may stand in a path.
///
/// # Errors
/// If one may not.
pub(crate) fn plain(spot: Spot) -> Result<Spot, Problem> {
    if spot.is_plain() {
        Ok(spot)
    } else {
        Err(Problem::new(Code::NotFound, format!("\"{}\" names nothing in Kubernetes.", spot.name)))
    }
}

/// Where a pod is that the server has told of.
pub(crate) fn pod(namespace: &str, name: &str) -> Spot {
    let [group, version, plural, kind] = ["", "v1", "pods", "Pod"].map(SmolStr::new_static);
    Spot { kind: KindId { group, version, plural, kind }, namespace: Some(namespace.into()), name: name.into() }
}

/// Reads an object; of a secret its metadata only. What is in it is not yet for a person: [`crate::scrub`].
///
/// # Errors
/// If it is not there, or cannot be read.
pub(crate) async fn object(client: &Client, spot: &Spot, word: &str) -> Result<Value, Problem> {
    let accept = if spot.is_secret() { METADATA } else { JSON };
    get(client, spot, accept).await.map_err(|failure| missing(client, spot, word, &failure))
}

/// Reads the metadata of an object.
///
/// # Errors
/// If it is not there, or cannot be read.
pub(crate) async fn metadata(client: &Client, spot: &Spot) -> Result<Value, Failure> {
    get(client, spot, METADATA).await
}

async fn get(client: &Client, spot: &Spot, accept: &'static str) -> Result<Value, Failure> {
    let call = Call {
        verb: "get",
        group: spot.kind.group.to_string().into(),
        resource: spot.kind.plural.to_string(),
        namespace: spot.namespace.as_ref().map(SmolStr::to_string),
    };
    let answer = client.get(&call, &spot.path(), accept, PATIENCE).await?;
    let object: Value =
        serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("It is no object in JSON".to_owned()))?;
    // A server that does not know the form that was asked for answers with the whole object.
    if accept == METADATA && object["kind"] != "PartialObjectMetadata" {
        return Err(Failure::Unreadable("It gives more of the object than its metadata".to_owned()));
    }
    Ok(object)
}

fn missing(client: &Client, spot: &Spot, word: &str, failure: &Failure) -> Problem {
    let place = &client.place;
    match failure.status() {
        Some(404) => Problem::new(Code::NotFound, format!("{} has no {word} {}.", place.name, spot.name))
            .why("It was deleted, or another of its name has taken its place."),
        _ => failure.problem(place),
    }
}

/// The place in the API of a kind; of this group only, if one is given.
///
/// # Errors
/// If the server does not serve it, or does not tell.
pub(crate) async fn kind_of(client: &Client, group: Option<&str>, kind: &str) -> Result<KindId, Problem> {
    let fits = |id: &KindId| group.is_none_or(|group| id.group == group);
    if let Some(id) = well_known(kind).filter(fits) {
        return Ok(id);
    }
    let known = kinds::known(client).await.map_err(|failure| failure.problem(&client.place))?;
    let found = known.kinds.into_iter().map(|row| row.id).find(|id| id.kind == kind && fits(id));
    found.ok_or_else(|| not_served(client, kind))
}

fn not_served(client: &Client, kind: &str) -> Problem {
    Problem::new(Code::ApiAbsent, format!("{} serves no {kind}.", client.place.name))
        .why("Its discovery names no such kind that can be read.")
}

fn well_known(kind: &str) -> Option<KindId> {
    let (kind, group, plural) = EVERYWHERE.iter().find(|(name, ..)| *name == kind)?;
    let [group, version, plural, kind] = [*group, "v1", *plural, *kind].map(SmolStr::new_static);
    Some(KindId { group, version, plural, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_plain_names_gets_into_a_path() {
        let pods = well_known("Pod").unwrap();
        let spot = |kind: &KindId, name: &str| Spot {
            kind: kind.clone(),
            namespace: Some("serving".into()),
            name: SmolStr::new(name),
        };
        assert_eq!(spot(&pods, "chat").path(), "/api/v1/namespaces/serving/pods/chat");
        assert!(spot(&pods, "chat").is_plain());
        assert!(!spot(&pods, "../../secrets/x").is_plain());
        let other = KindId { version: "v1/namespaces/a/secrets/b?".into(), ..pods.clone() };
        assert!(!spot(&other, "chat").is_plain());
        let group = KindId { group: "apps/v1/x".into(), ..pods };
        assert!(!spot(&group, "chat").is_plain());
    }

    #[test]
    fn a_secret_is_known_by_its_place_whatever_it_is_called() {
        let kind = |group: &str, plural: &str| KindId {
            group: group.into(),
            version: "v1".into(),
            plural: plural.into(),
            kind: "Harmless".into(),
        };
        let spot = |kind: KindId| Spot { kind, namespace: None, name: "x".into() };
        assert!(spot(kind("", "secrets")).is_secret());
        assert!(!spot(kind("bitnami.com", "sealedsecrets")).is_secret());
    }
}
