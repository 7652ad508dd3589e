//! What the steps come to: does the tag that a pod names still stand at what it runs?

use super::{
    image::{Place, stands_at},
    reference::Reference,
};
use pilothouse_wire::{
    SmolStr, Stamp,
    artifact::{ArtifactKind, short_digest},
    units::span,
    view::{ContainerImage, LineageVerdict, TagRow},
};

/// The verdict, and it as a sentence.
pub(super) fn of(image: &ContainerImage, reference: &Reference, place: &Place<'_>) -> (LineageVerdict, String) {
    if reference.digest.is_some() {
        return (LineageVerdict::Pinned, "It is named by its digest: no tag can change what runs.".to_owned());
    }
    let unknown = |why: &str| (LineageVerdict::Unknown, why.to_owned());
    let name = format!("{}:{}", reference.repository, reference.tag.as_deref().unwrap_or_default());
    let row = match place {
        Place::Tag(row) => row,
        Place::NoTag(row) | Place::NoRepository(row) => {
            return unknown(&format!(
                "Where {name} stands is not known: put it into the field \"Watch\" of the connection {}.",
                row.id.source
            ));
        }
        Place::NoRegistry => {
            return unknown(&format!(
                "Where {name} stands is not known: its registry {} is not connected.",
                reference.host
            ));
        }
    };
    let Some(running) = &image.digest else { return unknown("What runs is not known: the node names no digest.") };
    if stands_at(row, running) {
        return (LineageVerdict::Current, format!("{name} stands at what runs."));
    }
    if !is_read(row) {
        return unknown(&format!(
            "{name} stands at a manifest that could not be read: it may be an index of what runs."
        ));
    }
    (LineageVerdict::Moved, moved(&name, running, row, image.started))
}

/// Is it known what the tag's manifest is? One that was not read may be an index.
fn is_read(row: &TagRow) -> bool {
    row.kind == ArtifactKind::Index || row.size.is_some()
}

fn moved(name: &str, running: &SmolStr, row: &TagRow, started: Option<Stamp>) -> String {
    let (runs, now) = (short_digest(running), short_digest(&row.digest));
    let anew = format!("it runs {runs}, and a pod that starts anew gets {now}");
    match (row.from.is_some(), started) {
        (true, Some(started)) if row.since > started => {
            format!("{name} moved {} after the pod started: {anew}.", span(row.since.since(started)))
        }
        (true, Some(started)) => {
            let before = span(started.since(row.since));
            format!("{name} moved {before} before the pod started, whose node took what it had: {anew}.")
        }
        // It stood there when it was first seen: when it moved nobody saw.
        _ => format!("{name} stands elsewhere, and moved before it was watched: {anew}."),
    }
}
