//! What a change of settings changed, by what revisions make pods of: from what to what, seen and rebuilt alike.

use pilothouse_wire::{
    ConnectionId, SmolStr, Stamp, When,
    view::{Mark, MarkKind},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{ControllerFact, Covers, Kind, MadeFact, OwnerFact, RevisionFact, TemplateFact, WriteFact},
    project,
};
use std::time::Duration;

const NOW: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;

fn revision(number: u64, image: &str, template: TemplateFact) -> Fact {
    let revision = RevisionFact {
        namespace: "serving".into(),
        name: format!("chat-{number}").into(),
        owner: OwnerFact { kind: "Deployment".into(), name: "chat".into() },
        number,
        created: Some(Stamp(NOW - 60 * MINUTE + number.cast_signed() * MINUTE)),
        images: vec![("server".into(), image.into())],
    };
    Fact::TemplatedRevision(Box::new(revision), None, Box::new(template))
}

fn asking(gpus: &str, config_map: &str) -> TemplateFact {
    let gpus: Vec<(SmolStr, SmolStr)> = vec![("nvidia.com/gpu".into(), gpus.into())];
    let server = MadeFact { name: "server".into(), requests: gpus.clone(), limits: gpus, ..MadeFact::default() };
    TemplateFact { containers: vec![server], config_maps: vec![config_map.into()], ..TemplateFact::default() }
}

fn said(at: i64, extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent, facts }
}

fn listed(facts: Vec<Fact>) -> Batch {
    said(NOW, Extent::Replace(Covers { kind: Kind::ReplicaSet, namespace: None }), facts)
}

/// What the ribbon says of each change: its kind, its title, what differs, and whether nobody saw it happen.
fn marks(world: &World) -> Vec<(MarkKind, String, String, bool)> {
    let ribbon = project::ribbon(world, Duration::from_secs(7_200), When::Now, Stamp(NOW + 60 * MINUTE));
    let mut marks: Vec<Mark> = ribbon.marks.rows().to_vec();
    marks.sort_by_key(|mark| mark.key.at);
    let told = |mark: Mark| (mark.key.kind, mark.title, mark.detail.unwrap_or_default(), mark.rebuilt);
    marks.into_iter().map(told).collect()
}

#[test]
fn a_change_of_settings_says_from_what_to_what_whether_it_was_seen_or_not() {
    let mut world = World::default();
    let of = [asking("1", "a"), asking("2", "a"), asking("2", "b")];
    world.apply(listed(vec![revision(1, "chat:v1", of[0].clone()), revision(2, "chat:v1", of[1].clone())]));
    world.apply(said(NOW + 1, Extent::Delta, vec![revision(3, "chat:v1", of[2].clone())]));
    world.apply(said(NOW + 2, Extent::Delta, vec![revision(4, "chat:v2", of[0].clone())]));
    world.apply(said(NOW + 3, Extent::Delta, vec![revision(5, "chat:v2", of[0].clone())]));
    world.apply(said(NOW + 4, Extent::Delta, vec![revision(6, "chat:v2", of[2].clone())]));
    let told = marks(&world);
    let told: Vec<(MarkKind, &str, &str, bool)> =
        told.iter().map(|(kind, title, detail, rebuilt)| (*kind, title.as_str(), detail.as_str(), *rebuilt)).collect();
    let both = "ConfigMap a → b, revision 5 → 6";
    let want = [
        (MarkKind::Config, "chat nvidia.com/gpu 1 → 2", "revision 1 → 2", true),
        (MarkKind::Config, "chat ConfigMap a → b", "revision 2 → 3", false),
        (
            MarkKind::Deploy,
            "chat v2",
            "chat:v1 → chat:v2, nvidia.com/gpu 2 → 1, ConfigMap b → a, revision 3 → 4",
            false,
        ),
        (MarkKind::Config, "chat settings, revision 5", "in what is not looked at, revision 4 → 5", false),
        (MarkKind::Config, "chat nvidia.com/gpu 1 → 2", both, false),
    ];
    assert_eq!(told, want);
}

#[test]
fn what_changed_alike_in_several_containers_is_said_once() {
    let both = |number: u64, leader: &str, workers: &str| match revision(number, leader, TemplateFact::default()) {
        Fact::TemplatedRevision(mut revision, ..) => {
            revision.images.push(("worker/server".into(), workers.into()));
            Fact::Revision(revision)
        }
        other => other,
    };
    let mut world = World::default();
    world.apply(listed(vec![both(1, "lead:1", "work:1"), both(2, "lead:1", "work:2"), both(3, "all:3", "all:3")]));
    world.apply(said(NOW + 1, Extent::Delta, vec![both(4, "all:4", "all:4")]));
    let told: Vec<(String, String)> = marks(&world).into_iter().map(|(_, title, detail, _)| (title, detail)).collect();
    let want = [
        ("chat 2", "work:1 → work:2, revision 1 → 2"),
        ("chat 3", "lead:1 → all:3, work:2 → all:3, revision 2 → 3"),
        ("chat 4", "all:3 → all:4, revision 3 → 4"),
    ];
    assert_eq!(told, want.map(|(title, detail)| (title.to_owned(), detail.to_owned())));
}

#[test]
fn of_a_revision_that_is_gone_nothing_is_kept_and_one_without_a_template_says_no_more_than_it_knows() {
    let mut world = World::default();
    world.apply(listed(vec![revision(1, "chat:v1", asking("1", "a"))]));
    assert!(format!("{world:?}").contains("nvidia.com/gpu"));
    world.apply(listed(Vec::new()));
    assert!(!format!("{world:?}").contains("nvidia.com/gpu"), "what is no longer listed leaves nothing");
    world.apply(listed(vec![revision(1, "chat:v1", asking("1", "a"))]));
    world.apply(said(NOW + 1, Extent::Delta, vec![Fact::RevisionGone("serving".into(), "chat-1".into())]));
    assert!(!format!("{world:?}").contains("nvidia.com/gpu"), "what is gone leaves nothing");

    let bare = |number: u64| match revision(number, "chat:v1", TemplateFact::default()) {
        Fact::TemplatedRevision(revision, ..) => Fact::Revision(revision),
        other => other,
    };
    let mut world = World::default();
    world.apply(listed(vec![bare(1), bare(2)]));
    let want = (MarkKind::Config, "chat settings, revision 2".to_owned(), "revision 1 → 2".to_owned(), true);
    assert_eq!(marks(&world), [want]);
}

#[test]
fn of_a_workload_with_very_many_revisions_the_oldest_go_with_what_they_make() {
    let mut world = World::default();
    for number in 1..=201 {
        let maps = format!("map{number}");
        world.apply(said(
            NOW + i64::try_from(number).unwrap(),
            Extent::Delta,
            vec![revision(number, "chat:v1", asking("1", &maps))],
        ));
    }
    let kept = format!("{:?}", world.source(&ConnectionId::slug("iad")).unwrap());
    assert_eq!(kept.matches("TemplateFact").count(), 200);
    assert!(!kept.contains("\"map1\""));
}

#[test]
fn who_wrote_in_the_same_second_does_not_take_the_place_of_what_changed() {
    let made = Stamp(NOW - 60 * MINUTE + 2 * MINUTE);
    let controller = Fact::Controller(Box::new(ControllerFact {
        kind: "Deployment".into(),
        namespace: "serving".into(),
        name: "chat".into(),
        created: Some(Stamp(NOW - 120 * MINUTE)),
        replicas: Some(1),
        writes: vec![WriteFact { by: "somebody".into(), at: Some(made), scaled: false }],
    }));
    let revisions = listed(vec![revision(1, "chat:v1", asking("1", "a")), revision(2, "chat:v1", asking("2", "a"))]);
    let controllers = said(NOW, Extent::Replace(Covers { kind: Kind::Deployment, namespace: None }), vec![controller]);
    for order in [[revisions.clone(), controllers.clone()], [controllers, revisions]] {
        let mut world = World::default();
        order.into_iter().for_each(|batch| drop(world.apply(batch)));
        let ribbon = project::ribbon(&world, Duration::from_secs(7_200), When::Now, Stamp(NOW + MINUTE));
        let told: Vec<(&str, Option<&str>)> =
            ribbon.marks.rows().iter().map(|mark| (mark.title.as_str(), mark.by.as_deref())).collect();
        assert_eq!(told, [("chat nvidia.com/gpu 1 → 2", Some("somebody"))]);
    }
}
