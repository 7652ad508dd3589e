//! From the image that a pod names, by the digest that its node pulled, to what the registry has now.

use super::{link, reference::Reference, verdict};
use pilothouse_wire::{
    ObjectRef, SmolStr,
    view::{ArtifactsView, ContainerImage, Lineage, LineageLink, LineageOf, RepositoryRow, TagRow},
};

/// Tags that are named as holding a digest.
const MOST_HOLDERS: usize = 5;

/// Where the image of a container comes from.
pub(super) fn lineage(image: &ContainerImage, artifacts: &ArtifactsView) -> Lineage {
    let reference = Reference::read(&image.image);
    let place = Place::of(&reference, artifacts);
    let (verdict, sentence) = verdict::of(image, &reference, &place);
    let mut links = vec![runs(image), repository(&reference, &place)];
    links.extend(reference.tag.as_ref().filter(|_| reference.digest.is_none()).map(|tag| tag_now(tag, &place)));
    links.extend(image.digest.as_ref().map(|digest| held_by(digest, artifacts)));
    let (container, named) = (image.container.clone(), image.image.clone());
    Lineage { container, of: LineageOf::Image, named, verdict, sentence, links }
}

/// Where an image's repository is watched.
pub(crate) enum Place<'a> {
    /// No connected registry is called so.
    NoRegistry,
    /// One is, and does not know the repository.
    NoRepository(&'a RepositoryRow),
    /// It is known, and the tag is not watched.
    NoTag(&'a RepositoryRow),
    /// The tag is watched.
    Tag(&'a TagRow),
}

impl<'a> Place<'a> {
    fn of(reference: &Reference, artifacts: &'a ArtifactsView) -> Self {
        let here = || artifacts.repositories.rows().iter().filter(|row| row.hosts.contains(&reference.host));
        let known: Vec<&RepositoryRow> = here().filter(|row| row.id.name == reference.repository).collect();
        // Two connections may lead to one registry: whichever watches the tag tells of it.
        let tag = known.iter().find_map(|row| {
            let tag = reference.tag.as_ref()?;
            let is_it = |found: &&TagRow| {
                found.id.source == row.id.source && found.id.repository == row.id.name && found.id.tag == *tag
            };
            artifacts.tags.rows().iter().find(is_it)
        });
        match (tag, known.first(), here().next()) {
            (Some(tag), ..) => Self::Tag(tag),
            (None, Some(row), _) => Self::NoTag(row),
            (None, None, Some(row)) => Self::NoRepository(row),
            (None, None, None) => Self::NoRegistry,
        }
    }
}

fn runs(image: &ContainerImage) -> LineageLink {
    let evidence = match &image.digest {
        Some(_) => "The node says so in the container's status (imageID).",
        None => "The node names no digest of it: it has not pulled it, or it has it from elsewhere than a registry.",
    };
    LineageLink {
        at: image.started.filter(|_| image.digest.is_some()),
        ..link("Runs", image.digest.as_ref().map(ToString::to_string), evidence.to_owned())
    }
}

fn repository(reference: &Reference, place: &Place<'_>) -> LineageLink {
    let Reference { host, repository, .. } = reference;
    let known = |source: &pilothouse_wire::ConnectionId| LineageLink {
        object: Some(ObjectRef::Connection(source.clone())),
        ..link("Repository", Some(format!("{repository} in {source}")), format!("{source} is called {host}."))
    };
    match place {
        Place::Tag(tag) => known(&tag.id.source),
        Place::NoTag(row) => known(&row.id.source),
        Place::NoRepository(row) => {
            let source = &row.id.source;
            link("Repository", None, format!("{source} is {host}, and {repository} is not among what it watches."))
        }
        Place::NoRegistry => link("Repository", None, format!("No registry that is connected is called {host}.")),
    }
}

fn tag_now(tag: &SmolStr, place: &Place<'_>) -> LineageLink {
    match place {
        Place::Tag(row) => LineageLink {
            at: Some(row.since),
            object: Some(ObjectRef::Tag(Box::new(row.id.clone()))),
            ..link(
                "Tag now",
                Some(row.digest.to_string()),
                format!("{} says so of {}:{tag}.", row.id.source, row.id.repository),
            )
        },
        Place::NoTag(row) => {
            let why = format!("{} does not watch {}:{tag}.", row.id.source, row.id.name);
            link("Tag now", None, why)
        }
        Place::NoRepository(_) | Place::NoRegistry => link("Tag now", None, "Nobody is asked for it.".to_owned()),
    }
}

fn held_by(digest: &SmolStr, artifacts: &ArtifactsView) -> LineageLink {
    let holders: Vec<&TagRow> = artifacts.tags.rows().iter().filter(|row| stands_at(row, digest)).collect();
    let Some(first) = holders.first() else {
        return link("Held by", None, "No tag that is watched stands at it; others may.".to_owned());
    };
    let names = holders.iter().take(MOST_HOLDERS).map(|row| format!("{}:{}", row.id.repository, row.id.tag));
    let more = holders.len().saturating_sub(MOST_HOLDERS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    LineageLink {
        at: Some(first.since),
        object: Some(ObjectRef::Tag(Box::new(first.id.clone()))),
        ..link(
            "Held by",
            Some(format!("{}{more}", names.collect::<Vec<_>>().join(", "))),
            format!("{} has it there.", first.id.source),
        )
    }
}

/// Does a tag stand at a digest, or at an index that has it?
pub(crate) fn stands_at(row: &TagRow, digest: &SmolStr) -> bool {
    row.digest == *digest || row.parts.contains(digest)
}
