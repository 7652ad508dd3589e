//! Registries as the world knows them: tags, since when each stands at its digest, and from where it moved.

use crate::{
    World,
    fact::{RegistryFact, RepositoryFact, TagFact},
};
use pilothouse_wire::{
    ConnectionId, SmolStr, Stamp, TagId,
    view::{ArtifactsView, RepositoryId, RepositoryRow, TagRow},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is watched of a registry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Registry {
    hosts: Vec<SmolStr>,
    repositories: BTreeMap<SmolStr, Repository>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Repository {
    tags: BTreeMap<SmolStr, Tag>,
    more: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tag {
    fact: TagFact,
    since: Stamp,
    from: Option<SmolStr>,
}

/// A tag that stands at another digest than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub repository: SmolStr,
    pub tag: SmolStr,
    pub from: SmolStr,
    pub to: SmolStr,
}

impl Registry {
    /// Was anything told of it?
    pub(crate) fn is_told(&self) -> bool {
        !self.hosts.is_empty() || !self.repositories.is_empty()
    }

    /// Takes in what there is now; answers which tags moved, if anything changed at all.
    pub(crate) fn take(&mut self, fact: RegistryFact, seen: Stamp) -> Option<Vec<Moved>> {
        let mut moved = Vec::new();
        let mut newer = Self { hosts: fact.hosts, repositories: BTreeMap::new() };
        for RepositoryFact { name, tags, more } in fact.repositories {
            let old = self.repositories.get(&name);
            let tags = tags.into_iter().map(|tag| {
                let before = old.and_then(|old| old.tags.get(&tag.name));
                let tag = follow(before, tag, seen);
                if let (Some(before), Some(from)) = (before, &tag.from)
                    && before.fact.digest != tag.fact.digest
                {
                    let (repository, from, to) = (name.clone(), from.clone(), tag.fact.digest.clone());
                    moved.push(Moved { repository, tag: tag.fact.name.clone(), from, to });
                }
                (tag.fact.name.clone(), tag)
            });
            let repository = Repository { tags: tags.collect(), more };
            newer.repositories.insert(name, repository);
        }
        if newer == *self {
            return None;
        }
        *self = newer;
        Some(moved)
    }
}

/// A tag as it is now, after how it was.
fn follow(before: Option<&Tag>, fact: TagFact, seen: Stamp) -> Tag {
    match before {
        Some(before) if before.fact.digest == fact.digest => {
            Tag { fact, since: before.since, from: before.from.clone() }
        }
        Some(before) => Tag { fact, since: seen, from: Some(before.fact.digest.clone()) },
        None => Tag { fact, since: seen, from: None },
    }
}

/// What all registries hold, as rows.
#[must_use]
pub fn artifacts(world: &World) -> ArtifactsView {
    let all = || world.sources().flat_map(|(id, source)| rows(id, &source.registry));
    ArtifactsView {
        repositories: all().map(|(repository, _)| repository).collect(),
        tags: all().flat_map(|(_, tags)| tags).collect(),
    }
}

fn rows<'a>(
    id: &'a ConnectionId,
    registry: &'a Registry,
) -> impl Iterator<Item = (RepositoryRow, impl Iterator<Item = TagRow> + 'a)> + 'a {
    registry.repositories.iter().map(move |(name, repository)| {
        let row = RepositoryRow {
            id: RepositoryId { source: id.clone(), name: name.clone() },
            hosts: registry.hosts.clone(),
            watched: u32::try_from(repository.tags.len()).unwrap_or(u32::MAX),
            more: repository.more,
        };
        (row, repository.tags.values().map(move |tag| tag_row(id, name, tag)))
    })
}

/// One watched tag as a row.
pub(crate) fn find(world: &World, id: &TagId) -> Option<TagRow> {
    let repository = world.source(&id.source)?.registry.repositories.get(&id.repository)?;
    Some(tag_row(&id.source, &id.repository, repository.tags.get(&id.tag)?))
}

fn tag_row(source: &ConnectionId, repository: &SmolStr, tag: &Tag) -> TagRow {
    let Tag { fact, since, from } = tag;
    TagRow {
        id: TagId { source: source.clone(), repository: repository.clone(), tag: fact.name.clone() },
        digest: fact.digest.clone(),
        since: *since,
        from: from.clone(),
        kind: fact.kind,
        size: fact.size,
        created: fact.created,
        parts: fact.parts.clone(),
    }
}
