//! Cases: current, moved in each way, pinned, and each way not to know.

use super::*;
use pilothouse_wire::{
    ConnectionId, Stamp, TagId,
    artifact::ArtifactKind,
    view::{LineageVerdict, RepositoryId, RepositoryRow, TagRow},
};

const OLD: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const NEW: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const PART: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
const HOUR: i64 = 3_600_000;

fn tag(digest: &str, since: i64, from: Option<&str>) -> TagRow {
    TagRow {
        id: TagId { source: ConnectionId::slug("reg"), repository: "team/chat".into(), tag: "prod".into() },
        digest: digest.into(),
        since: Stamp(since),
        from: from.map(Into::into),
        kind: ArtifactKind::Image,
        size: Some(1),
        created: None,
        parts: Vec::new(),
    }
}

fn artifacts(tags: Vec<TagRow>) -> ArtifactsView {
    let repository = RepositoryRow {
        id: RepositoryId { source: ConnectionId::slug("reg"), name: "team/chat".into() },
        hosts: vec!["reg.example".into(), "mirror:5000".into()],
        watched: 1,
        more: false,
    };
    ArtifactsView { repositories: [repository].into_iter().collect(), tags: tags.into_iter().collect() }
}

fn image(image: &str, digest: Option<&str>) -> ContainerImage {
    let started = Some(Stamp(10 * HOUR));
    ContainerImage { container: "server".into(), image: image.into(), digest: digest.map(Into::into), started }
}

#[track_caller]
fn check(of: &ContainerImage, artifacts: &ArtifactsView, want: (LineageVerdict, &str)) -> Vec<LineageLink> {
    let all = lineage((std::slice::from_ref(of), &[]), artifacts, &ModelsView::default());
    assert_eq!((all[0].verdict, all[0].sentence.as_str()), want);
    // Whatever is known says how, and whatever is not says why.
    assert!(all[0].links.iter().all(|link| !link.evidence.is_empty()));
    all.into_iter().next().map(|image| image.links).unwrap_or_default()
}

#[test]
fn a_tag_that_stands_at_what_runs_is_current_also_through_an_index() {
    let prod = "reg.example/team/chat:prod";
    let current = (LineageVerdict::Current, "team/chat:prod stands at what runs.");
    let links = check(&image(prod, Some(NEW)), &artifacts(vec![tag(NEW, HOUR, None)]), current);
    let steps: Vec<&str> = links.iter().map(|link| link.label.as_str()).collect();
    assert_eq!(steps, ["Runs", "Repository", "Tag now", "Held by"]);
    assert_eq!(links[3].value.as_deref(), Some("team/chat:prod"));
    let index = TagRow { kind: ArtifactKind::Index, size: None, parts: vec![PART.into()], ..tag(NEW, HOUR, None) };
    check(&image("mirror:5000/team/chat:prod", Some(PART)), &artifacts(vec![index]), current);
}

#[test]
fn a_tag_that_moved_is_called_out_with_when_it_did() {
    let of = image("reg.example/team/chat:prod", Some(OLD));
    let anew = "it runs sha256:000000000000, and a pod that starts anew gets sha256:111111111111.";
    let after = format!("team/chat:prod moved 2 h 00 min after the pod started: {anew}");
    check(&of, &artifacts(vec![tag(NEW, 12 * HOUR, Some(OLD))]), (LineageVerdict::Moved, &after));
    let before = format!("team/chat:prod moved 3 h 00 min before the pod started, whose node took what it had: {anew}");
    check(&of, &artifacts(vec![tag(NEW, 7 * HOUR, Some(OLD))]), (LineageVerdict::Moved, &before));
    let unseen = format!("team/chat:prod stands elsewhere, and moved before it was watched: {anew}");
    let links = check(&of, &artifacts(vec![tag(NEW, 12 * HOUR, None)]), (LineageVerdict::Moved, &unseen));
    assert_eq!((links[3].label.as_str(), links[3].value.as_deref()), ("Held by", None));
}

#[test]
fn an_image_that_is_named_by_its_digest_is_pinned() {
    let of = image(&format!("reg.example/team/chat:prod@{OLD}"), Some(OLD));
    let pinned = (LineageVerdict::Pinned, "It is named by its digest: no tag can change what runs.");
    let links = check(&of, &artifacts(vec![tag(NEW, HOUR, None)]), pinned);
    assert!(links.iter().all(|link| link.label != "Tag now"));
}

#[test]
fn what_is_not_known_is_said_with_what_would_tell() {
    let all = artifacts(vec![tag(NEW, HOUR, None)]);
    let unknown = |why| (LineageVerdict::Unknown, why);
    check(
        &image("nginx", Some(OLD)),
        &all,
        unknown("Where library/nginx:latest stands is not known: its registry docker.io is not connected."),
    );
    let watch = "put it into the field \"Watch\" of the connection reg.";
    let canary = format!("Where team/chat:canary stands is not known: {watch}");
    check(&image("reg.example/team/chat:canary", Some(OLD)), &all, unknown(&canary));
    let other = format!("Where team/other:v1 stands is not known: {watch}");
    check(&image("reg.example/team/other:v1", Some(OLD)), &all, unknown(&other));
    let prod = "reg.example/team/chat:prod";
    check(&image(prod, None), &all, unknown("What runs is not known: the node names no digest."));
    let unread = TagRow { kind: ArtifactKind::Other, size: None, ..tag(NEW, HOUR, Some(OLD)) };
    let may_be = "team/chat:prod stands at a manifest that could not be read: it may be an index of what runs.";
    check(&image(prod, Some(OLD)), &artifacts(vec![unread]), unknown(may_be));
}

#[test]
fn the_steps_are_a_table_of_a_description() {
    let of = [image("reg.example/team/chat:prod", Some(OLD))];
    let all = lineage((&of, &[]), &artifacts(vec![tag(NEW, HOUR, None)]), &ModelsView::default());
    let table = section(&all).and_then(|section| section.table).unwrap_or_default();
    assert_eq!(table.rows.len(), 5);
    assert_eq!(table.rows[0][2].as_deref(), Some("sha256:000000000000"));
    assert_eq!(table.rows[4][2].as_deref(), Some("moved"));
    assert!(section(&[]).is_none());
}
