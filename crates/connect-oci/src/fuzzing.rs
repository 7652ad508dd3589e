//! Parsers of this crate as the targets in `fuzz/` call them. Not for anybody else.

use crate::{answer, config, manifest::Manifest};
use pilothouse_world::fact::{RegistryFact, RepositoryFact, TagFact};

/// What a list of tags and a manifest tell of a repository, if bytes are either.
#[must_use]
pub fn facts(body: &[u8]) -> Option<RegistryFact> {
    let tags = answer::tags(body).map(|names| names.names).unwrap_or_default();
    let manifest = Manifest::read(body, None).ok();
    if tags.is_empty() && manifest.is_none() {
        return None;
    }
    let manifest = manifest.unwrap_or_default();
    let parts: Vec<_> = manifest.parts.iter().map(|part| part.digest.clone()).collect();
    let tag = |name| TagFact {
        name,
        digest: crate::digest::of(body),
        kind: manifest.kind(),
        size: manifest.size(),
        created: manifest.created(),
        parts: parts.clone(),
    };
    let mut tags: Vec<TagFact> = tags.into_iter().map(tag).collect();
    if tags.is_empty() {
        tags.push(tag("latest".into()));
    }
    let repository = RepositoryFact { name: "team/chat".into(), tags, more: false };
    Some(RegistryFact { hosts: vec!["registry.example".into()], repositories: vec![repository] })
}

/// What a configuration says, taken for each kind of artefact.
#[must_use]
pub fn says(body: &[u8]) -> Vec<config::Says> {
    let Ok(value) = answer::json::<serde_json::Value>(body) else { return Vec::new() };
    pilothouse_wire::artifact::ArtifactKind::ALL.into_iter().map(|kind| config::read(kind, &value)).collect()
}
