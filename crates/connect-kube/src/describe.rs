//! An object in words, as `kubectl describe` gives it to a person: from the object as it is now, without its secrets,
//! with its owners and its events.

mod commands;
mod containers;
mod events;
mod fields;
mod generic;
mod identity;
mod node;
mod owners;
mod page;
mod pod;
mod workload;

pub(crate) use commands::Access;

use crate::{
    client::Client,
    read::{self, Spot},
    scrub::scrub,
};
#[cfg(any(test, feature = "fuzzing"))]
use pilothouse_wire::KindId;
use pilothouse_wire::{
    ConnectionId, ObjectRef, Problem, Stamp,
    describe::{Description, Section},
    view::FieldRow,
};
use serde_json::Value;

/// Reads an object and puts it into words.
///
/// # Errors
/// If the object cannot be read. What else cannot be read (owners, events, the pods of a node) is said in its place.
pub(crate) async fn describe(
    client: &Client,
    object: &ObjectRef,
    access: &Access<'_>,
    now: Stamp,
) -> Result<Description, Problem> {
    let spot = read::spot(client, object).await?;
    let mut read = read::object(client, &spot, object.kind_word()).await?;
    let sizes = generic::data(&read);
    scrub(&mut read);
    let about = About { cluster: object.connection(), spot: &spot, object: &read };
    let (owners, events, more) =
        futures::join!(owners::chain(client, &about), events::about(client, &about), node::pods_on(client, &about),);
    Ok(Description {
        object: object.clone(),
        read_at: now,
        sections: in_words(&about, owners, more, sizes),
        commands: commands::of(&about, access),
        events: events.rows,
        more_events: events.more,
        events_problem: events.problem,
    })
}

/// All parts of it. Pure: the object is read, and scrubbed.
fn in_words(
    about: &About<'_>,
    owners: Vec<FieldRow>,
    pods: Option<Result<node::Pods, Problem>>,
    sizes: Option<Section>,
) -> Vec<Section> {
    let mut sections = vec![identity::section(about, owners)];
    sections.extend(sections_of(about, pods));
    sections.extend(sizes);
    sections.retain(|section| !section.is_empty());
    sections
}

/// Any object as it would be described, with nothing read beside it: for the target in `fuzz/`.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn described(object: &ObjectRef, kind: KindId, mut read: Value) -> Description {
    let spot = Spot { kind, namespace: object.namespace().cloned(), name: object.name() };
    let sizes = generic::data(&read);
    scrub(&mut read);
    let about = About { cluster: object.connection(), spot: &spot, object: &read };
    Description {
        object: object.clone(),
        read_at: Stamp(0),
        sections: in_words(&about, Vec::new(), None, sizes),
        commands: commands::of(&about, &Access { context: Some("test"), kubeconfig: None }),
        events: Vec::new(),
        more_events: false,
        events_problem: None,
    }
}

/// The parts that this kind of object has.
fn sections_of(about: &About<'_>, pods: Option<Result<node::Pods, Problem>>) -> Vec<Section> {
    let object = about.object;
    if about.spot.is_secret() {
        let note = "Values of secrets are not read: what is shown is its metadata.".to_owned();
        return vec![Section { title: "Data".into(), note: Some(note), ..Section::default() }];
    }
    match (about.spot.kind.group.as_str(), about.spot.kind.plural.as_str()) {
        ("", "pods") => pod::sections(about),
        ("", "nodes") => node::sections(about, pods),
        ("", "configmaps") => Vec::new(),
        _ if workload::template(object).is_some() => workload::sections(object),
        _ => generic::sections(object),
    }
}

/// An object that is described.
struct About<'a> {
    cluster: &'a ConnectionId,
    spot: &'a Spot,
    object: &'a Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::units::acts;
    use proptest::prelude::*;
    use serde_json::json;

    fn kind(plural: &str) -> KindId {
        KindId { group: "".into(), version: "v1".into(), plural: plural.into(), kind: "Kind".into() }
    }

    #[test]
    fn no_value_that_the_yaml_hides_is_in_the_words() {
        let pod = json!({
            "metadata": { "name": "chat", "annotations": { "vault/token": "hunter2", "team": "serving" } },
            "spec": { "containers": [{
                "name": "engine", "args": ["--api-key", "hunter2"], "env": [{ "name": "A", "value": "hunter2" }],
            }], "password": "hunter2" },
        });
        for plural in ["pods", "nodes", "things", "configmaps", "secrets"] {
            let text = described(&"pod:iad/serving/chat".parse().unwrap(), kind(plural), pod.clone()).text(Stamp(0));
            assert!(!text.contains("hunter2"), "{plural}: {text}");
            assert!(text.contains("Annotation team:") && text.contains("serving"), "{plural}: {text}");
        }
    }

    /// JSON with the keys that are looked for, in places where they are not expected.
    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~\u{1b}\u{202e}é\n]{0,8}".prop_map(Value::from),
        ];
        let key = prop::sample::select(vec![
            "metadata",
            "spec",
            "status",
            "containers",
            "env",
            "volumes",
            "name",
            "state",
            "conditions",
            "type",
            "ports",
            "tolerations",
            "template",
            "resources",
            "requests",
            "capacity",
            "allocatable",
            "taints",
            "annotations",
        ]);
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_a_server_sends_becomes_words_in_which_nothing_acts(object in anything()) {
            for plural in ["pods", "nodes", "things"] {
                let words = described(&"pod:iad/serving/chat".parse().unwrap(), kind(plural), object.clone());
                let text = words.text(Stamp(0));
                prop_assert_eq!(text.chars().find(|c| *c != '\n' && acts(*c)), None, "{:?}", text);
            }
        }
    }
}
