//! Tags of registries through the fold: since when each stands where it does, what moved, what is forgotten.

use pilothouse_wire::{
    ConnectionId, Keyed, ObjectRef, Stamp, When,
    view::{ArtifactsView, Mark, MarkKind, TagRow},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{RegistryFact, RepositoryFact, SourceFact, TagFact},
    project,
};
use std::time::Duration;

fn registry(at: i64, tags: &[(&str, &str)]) -> Batch {
    let tags = tags.iter().map(|(name, digest)| TagFact {
        name: (*name).into(),
        digest: (*digest).into(),
        ..TagFact::default()
    });
    let repository = RepositoryFact { name: "team/chat".into(), tags: tags.collect(), more: true };
    let fact = RegistryFact { hosts: vec!["reg.example".into()], repositories: vec![repository] };
    batch(at, Fact::Registry(Box::new(fact)))
}

fn batch(at: i64, fact: Fact) -> Batch {
    Batch { source: ConnectionId::slug("reg"), seen_at: Stamp(at), extent: Extent::Delta, facts: vec![fact] }
}

fn world(batches: &[Batch]) -> World {
    let mut world = World::default();
    batches.iter().for_each(|batch| drop(world.apply(batch.clone())));
    world
}

/// Each tag with its digest, since when, and from where.
fn rows(world: &World) -> Vec<String> {
    let ArtifactsView { tags, .. } = project::artifacts(world);
    let from = |row: &TagRow| row.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
    let row = |row: &TagRow| format!("{} {} since {}{}", row.id.tag, row.digest, row.since.0, from(row));
    tags.rows().iter().map(row).collect()
}

fn marks(world: &World) -> Vec<Mark> {
    let marks: Keyed<Mark> = project::ribbon(world, Duration::from_secs(60), When::Now, Stamp(10_000)).marks;
    marks.rows().iter().filter(|mark| mark.key.kind == MarkKind::TagMoved).cloned().collect()
}

#[test]
fn a_tag_stands_since_it_was_seen_and_one_that_moves_says_from_where() {
    let first = registry(1_000, &[("prod", "sha256:a"), ("canary", "sha256:b")]);
    let second = registry(2_000, &[("prod", "sha256:c"), ("canary", "sha256:b")]);
    let world = world(&[first, second.clone(), Batch { seen_at: Stamp(3_000), ..second }]);
    assert_eq!(rows(&world), ["canary sha256:b since 1000", "prod sha256:c since 2000 from sha256:a"]);
    let marks = marks(&world);
    assert_eq!(marks.len(), 1, "{marks:?}");
    assert_eq!((marks[0].key.at, marks[0].heard, marks[0].rebuilt), (Stamp(2_000), Stamp(2_000), false));
    assert_eq!(marks[0].detail.as_deref(), Some("sha256:a → sha256:c"));
}

#[test]
fn what_stood_before_anybody_looked_or_came_new_is_no_change() {
    let world =
        world(&[registry(1_000, &[("a", "sha256:a")]), registry(2_000, &[("a", "sha256:a"), ("b", "sha256:b")])]);
    assert_eq!(rows(&world), ["a sha256:a since 1000", "b sha256:b since 2000"]);
    assert!(marks(&world).is_empty());
}

#[test]
fn a_listing_that_says_nothing_new_touches_nothing_and_one_that_does_touches_artefacts() {
    let mut world = World::default();
    assert!(world.apply(registry(1_000, &[("a", "sha256:a")])).artifacts);
    assert!(!world.apply(registry(2_000, &[("a", "sha256:a")])).artifacts);
    let gone = world.apply(registry(3_000, &[]));
    assert!(gone.artifacts && !gone.ribbon);
    assert!(rows(&world).is_empty());
}

#[test]
fn a_tag_is_an_object_that_can_be_looked_at() {
    let world = world(&[registry(1_000, &[("prod", "sha256:a")]), registry(2_000, &[("prod", "sha256:c")])]);
    let look = |text: &str| {
        let object: ObjectRef = text.parse().unwrap();
        project::object(&world, &object, &Keyed::default(), Stamp(5_000))
    };
    let view = look("tag:reg/team%2Fchat/prod").unwrap();
    let value = |label: &str| view.identity.iter().find(|row| row.label == label).and_then(|row| row.value.clone());
    assert_eq!((value("Digest").as_deref(), value("Before").as_deref()), (Some("sha256:c"), Some("sha256:a")));
    assert_eq!(view.changes.rows().len(), 1);
    assert!(!view.has_yaml && !view.has_description);
    assert!(look("tag:reg/team%2Fchat/other").is_none());
}

#[test]
fn a_registry_that_is_removed_takes_its_tags_with_it() {
    let world = world(&[registry(1_000, &[("a", "sha256:a")]), batch(2_000, Fact::Source(SourceFact::Removed))]);
    assert_eq!(project::artifacts(&world), ArtifactsView::default());
}
