//! Registered models of a source, and since when each alias leads where it leads.

use crate::{World, fact::ModelFact};
use pilothouse_wire::{
    ConnectionId, ModelId, ObjectRef, SmolStr, Stamp,
    view::{AliasRow, AliasStay, ModelRow},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A registered model as last said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// What was said.
    pub fact: ModelFact,
    /// When each alias was seen to be set, by our clock. One that was there from the first is not named.
    pub(crate) aliased: BTreeMap<SmolStr, Stamp>,
    /// When it was first seen, by our clock.
    pub(crate) seen: Option<Stamp>,
    /// Where each alias led before it was moved, as far as that was seen.
    pub(crate) before: BTreeMap<SmolStr, AliasStay>,
}

/// The object that a model is.
pub(crate) fn object(source: &ConnectionId, name: &SmolStr) -> ObjectRef {
    ObjectRef::Model(Box::new(ModelId { source: source.clone(), name: name.clone() }))
}

/// The models of some sources, or of all, as rows.
pub(crate) fn rows<'a>(world: &'a World, scope: &'a [ConnectionId]) -> impl Iterator<Item = ModelRow> + 'a {
    let sources = world.sources().filter(|(id, _)| scope.is_empty() || scope.contains(id));
    sources.flat_map(|(id, source)| source.models.values().map(|model| row(id, model)))
}

/// One model as a row, if it is there.
pub(crate) fn find(world: &World, id: &ModelId) -> Option<ModelRow> {
    Some(row(&id.source, world.source(&id.source)?.models.get(&id.name)?))
}

fn row(source: &ConnectionId, model: &Model) -> ModelRow {
    let Model { fact, aliased, seen, before } = model;
    let alias = |(name, version): &(SmolStr, u64)| AliasRow {
        name: name.clone(),
        version: *version,
        since: aliased.get(name).copied(),
        seen: aliased.get(name).copied().or(*seen),
        before: before.get(name).copied(),
    };
    ModelRow {
        id: ModelId { source: source.clone(), name: fact.name.clone() },
        created: fact.created,
        updated: fact.updated,
        description: fact.description.clone(),
        tags: fact.tags.clone(),
        aliases: fact.aliases.iter().map(alias).collect(),
        versions: fact.versions.iter().map(|version| version.row()).collect(),
        more: fact.more,
    }
}
