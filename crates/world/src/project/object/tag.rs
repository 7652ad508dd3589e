//! A tag of a registry in the inspector.

use super::{Part, field, mono};
use crate::{World, registry};
use pilothouse_wire::{TagId, units::bytes, view::Status};

pub(super) fn part(world: &World, id: &TagId) -> Option<Part> {
    let row = registry::find(world, id)?;
    let word = if row.from.is_some() { "moved" } else { "stands" };
    Some(Part {
        status: Status::Good,
        status_word: word.into(),
        identity: vec![
            field("Registry", Some(id.source.to_string())),
            field("Repository", Some(id.repository.to_string())),
            mono("Digest", Some(row.digest.to_string())),
            field("Since", Some(row.since.to_string())),
            mono("Before", row.from.map(|digest| digest.to_string())),
            field("Kind", Some(row.kind.words().to_owned())),
            field("Size", row.size.map(bytes)),
            field("Made", row.created.map(|at| at.to_string())),
        ],
        findings: Vec::new(),
        holding: Vec::new(),
        regarding: None,
        around: Vec::new(),
    })
}
