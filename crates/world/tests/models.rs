//! Registered models as they are folded: what is there, since when an alias leads where it leads, and the marks of what
//! moved.

use pilothouse_wire::{
    ConnectionId, Keyed, ModelId, ObjectRef, SmolStr, Stamp, ViewSpec, When,
    view::{Mark, ModelRow, ModelsSpec, Readiness},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{Covers, Kind, ModelFact, VersionFact},
    project,
};
use proptest::prelude::*;
use std::time::Duration;

const HOUR: i64 = 3_600_000;
/// When everything is listed.
const NOW: i64 = 1_000 * HOUR;

fn id() -> ConnectionId {
    ConnectionId::slug("registry")
}

fn version(number: u64, created: i64, stage: Option<&str>) -> VersionFact {
    VersionFact {
        number,
        created: Some(Stamp(created)),
        updated: Some(Stamp(created)),
        stage: stage.map(SmolStr::from),
        readiness: Readiness::Ready,
        run: Some(format!("r{number}").into()),
        ..VersionFact::default()
    }
}

fn model(name: &str, aliases: &[(&str, u64)], versions: Vec<VersionFact>) -> Fact {
    let aliases = aliases.iter().map(|(alias, version)| ((*alias).into(), *version)).collect();
    Fact::Model(Box::new(ModelFact { name: name.into(), aliases, versions, ..ModelFact::default() }))
}

fn said(world: &mut World, at: i64, extent: Extent, facts: Vec<Fact>) -> bool {
    world.apply(Batch { source: id(), seen_at: Stamp(at), extent, facts }).models
}

fn all() -> Extent {
    Extent::Replace(Covers { kind: Kind::Model, namespace: None })
}

fn row(world: &World, name: &str) -> Option<ModelRow> {
    let models = project::models(world, &ModelsSpec::default()).models;
    models.get(&ModelId { source: id(), name: name.into() }).cloned()
}

/// A line for each mark: how long before the listing, kind, words, whether it was rebuilt.
fn marks(world: &World, now: i64) -> Vec<String> {
    let marks: Keyed<Mark> = project::ribbon(world, Duration::from_secs(7 * 86_400), When::Now, Stamp(now)).marks;
    let line = |mark: &Mark| {
        let rebuilt = if mark.rebuilt { " (rebuilt)" } else { "" };
        format!("{} h {:?} {}{rebuilt}", (mark.key.at.0 - NOW).div_euclid(HOUR), mark.key.kind, mark.title)
    };
    marks.rows().iter().map(line).collect()
}

#[test]
fn what_is_there_at_first_is_no_news_but_new_versions_are_told_by_their_own_time() {
    let mut world = World::default();
    let listed = vec![
        version(3, NOW - 2 * HOUR, None),
        version(2, NOW - 300 * HOUR, Some("Production")),
        // Longer ago than the ribbon reaches.
        version(1, NOW - 900 * HOUR, None),
    ];
    assert!(said(&mut world, NOW, all(), vec![model("chat", &[("champion", 2)], listed)]));
    assert_eq!(marks(&world, NOW), ["-2 h ModelVersion chat version 3 (rebuilt)"]);
    let row = row(&world, "chat").unwrap();
    assert_eq!((row.aliases[0].version, row.aliases[0].since, row.versions.len()), (2, None, 3));
}

#[test]
fn aliases_versions_and_stages_that_move_are_marks_with_from_and_to() {
    let mut world = World::default();
    let first = || version(1, NOW - 400 * HOUR, None);
    said(&mut world, NOW, all(), vec![model("chat", &[("champion", 1), ("old", 1)], vec![first()])]);
    let second = || version(2, NOW + HOUR, None);
    said(
        &mut world,
        NOW + HOUR,
        Extent::Delta,
        vec![model("chat", &[("champion", 1), ("old", 1)], vec![second(), first()])],
    );
    let moved = [("champion", 2), ("challenger", 1)];
    said(&mut world, NOW + 2 * HOUR, Extent::Delta, vec![model("chat", &moved, vec![second(), first()])]);
    let staged = VersionFact { updated: Some(Stamp(NOW + 3 * HOUR)), stage: Some("Staging".into()), ..second() };
    said(&mut world, NOW + 4 * HOUR, Extent::Delta, vec![model("chat", &moved, vec![staged, first()])]);
    assert_eq!(
        marks(&world, NOW + 5 * HOUR),
        [
            "1 h ModelVersion chat version 2",
            "2 h ModelAlias chat@challenger — → 1",
            "2 h ModelAlias chat@champion 1 → 2",
            "2 h ModelAlias chat@old 1 → —",
            "3 h ModelStage chat version 2: no stage → Staging",
        ]
    );
    let row = row(&world, "chat").unwrap();
    let since = |name: &str| row.aliases.iter().find(|alias| alias.name == name).unwrap().since;
    assert_eq!((since("champion"), since("challenger")), (Some(Stamp(NOW + 2 * HOUR)), Some(Stamp(NOW + 2 * HOUR))));
    // They belong to the model: the inspector shows them there.
    let object = ObjectRef::Model(Box::new(ModelId { source: id(), name: "chat".into() }));
    let view = project::object(&world, &object, &Keyed::default(), Stamp(NOW + 5 * HOUR)).unwrap();
    assert_eq!((view.changes.len(), view.has_yaml, view.has_description), (5, false, false));
    assert!(world.objects().any(|(found, ..)| found == object));
}

#[test]
fn what_a_listing_does_not_name_is_gone_and_the_same_again_is_no_change() {
    let mut world = World::default();
    let both = || vec![model("a", &[], vec![]), model("b", &[], vec![])];
    assert!(said(&mut world, NOW, all(), both()));
    assert!(!said(&mut world, NOW + 1, all(), both()));
    assert!(said(&mut world, NOW + 2, all(), vec![model("a", &[], vec![])]));
    assert_eq!((row(&world, "a").is_some(), row(&world, "b").is_some()), (true, false));
    assert!(said(&mut world, NOW + 3, Extent::Delta, vec![Fact::ModelGone("a".into())]));
    assert!(!said(&mut world, NOW + 4, Extent::Delta, vec![Fact::ModelGone("a".into())]));
    assert!(!ViewSpec::Models(ModelsSpec::default()).is_for_walls());
}

#[test]
fn a_registry_is_no_cluster() {
    let mut world = World::default();
    said(&mut world, NOW, all(), vec![model("chat", &[], vec![])]);
    let fleet = project::FleetProjection::new(&world, pilothouse_wire::view::FleetSpec::default());
    assert!(fleet.view().clusters.is_empty() && fleet.view().summary.partial.is_empty());
}

#[test]
fn after_a_loss_it_is_told_what_moved_meanwhile() {
    let mut world = World::default();
    said(&mut world, NOW, all(), vec![model("chat", &[("champion", 1)], vec![version(1, NOW - 400 * HOUR, None)])]);
    let again = vec![version(2, NOW + HOUR, None), version(1, NOW - 400 * HOUR, None)];
    said(&mut world, NOW + 9 * HOUR, all(), vec![model("chat", &[("champion", 2)], again)]);
    assert_eq!(
        marks(&world, NOW + 9 * HOUR),
        ["1 h ModelVersion chat version 2", "9 h ModelAlias chat@champion 1 → 2"]
    );
}

proptest! {
    /// However aliases are set, moved and taken away, those that stay know since when; patches add up to the view.
    #[test]
    fn aliases_know_since_when(steps in prop::collection::vec(prop::collection::btree_map("[a-c]", 1u64..4, 0..3), 1..8)) {
        let mut world = World::default();
        said(&mut world, NOW, all(), vec![model("m", &[], vec![])]);
        let mut view = project::models(&world, &ModelsSpec::default());
        let mut before: Vec<(SmolStr, u64, Stamp)> = Vec::new();
        for (step, aliases) in (1..).zip(steps) {
            let at = NOW + step;
            let list: Vec<(&str, u64)> = aliases.iter().map(|(name, version)| (name.as_str(), *version)).collect();
            said(&mut world, at, Extent::Delta, vec![model("m", &list, vec![])]);
            let newer = project::models(&world, &ModelsSpec::default());
            view.apply(view.diff(&newer));
            prop_assert_eq!(&view, &newer);
            let now: Vec<(SmolStr, u64, Stamp)> =
                row(&world, "m").unwrap().aliases.into_iter().map(|alias| (alias.name, alias.version, alias.since.unwrap())).collect();
            for (name, version, since) in &now {
                let kept = before.iter().find(|(was, to, _)| was == name && to == version);
                prop_assert_eq!(*since, kept.map_or(Stamp(at), |kept| kept.2));
            }
            before = now;
        }
        let bytes = pilothouse_wire::codec::encode(&world);
        prop_assert_eq!(pilothouse_wire::codec::decode::<World>(&bytes).unwrap(), world);
    }
}
