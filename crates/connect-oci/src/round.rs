//! One round of watching: which tags there are, and at which digest each stands. A manifest is read once for each digest.

use crate::{
    answer,
    client::{Of, Registry},
    manifest::Manifest,
    names::Wish,
    problems,
};
use futures::{StreamExt, stream};
use pilothouse_connect_http::failure::Failure;
use pilothouse_wire::{Problem, SmolStr};
use pilothouse_world::fact::{RegistryFact, RepositoryFact, TagFact};
use std::collections::BTreeMap;

/// Tags that are watched together: each is one question a round.
const MOST_TAGS: usize = 200;
/// Tags of one repository that are watched where none is named.
const FIRST_TAGS: usize = 50;
/// Repositories of a catalogue that are known.
const MOST_REPOSITORIES: usize = 1_000;
/// Questions at a time: a registry has others to serve.
const AT_ONCE: usize = 4;

/// What is known of manifests by their digests, since a digest never means another one.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<SmolStr, TagFact>);

/// What a round found.
pub(crate) struct Round {
    pub fact: RegistryFact,
    /// What could not be read, though the registry answers.
    pub problems: Vec<Problem>,
    /// Names that are none.
    pub dropped: u64,
    /// May it list repositories?
    pub lists: Option<bool>,
}

/// The repositories that are watched, each with the tags that were named; of one without any, its first.
struct Plan {
    repositories: BTreeMap<SmolStr, Vec<SmolStr>>,
    named: bool,
}

/// Looks at everything that is watched.
///
/// # Errors
/// If the registry as a whole does not answer. What is wrong with one repository or tag is told beside the others.
pub(crate) async fn look(
    registry: &Registry,
    hosts: &[SmolStr],
    wishes: &[Wish],
    seen: &mut Seen,
) -> Result<Round, Failure> {
    let mut round = Round {
        fact: RegistryFact { hosts: hosts.to_vec(), repositories: Vec::new() },
        problems: Vec::new(),
        dropped: 0,
        lists: None,
    };
    let plan = plan(registry, wishes, &mut round).await?;
    let mut room = MOST_TAGS;
    for (name, named) in &plan.repositories {
        let (tags, more) = match named.as_slice() {
            // Of a catalogue, repositories beyond the room are known and not watched.
            [] if room == 0 && !plan.named => (Vec::new(), true),
            [] => match first_tags(registry, name, &mut round).await? {
                Some(found) => found,
                None => continue,
            },
            named => (named.to_vec(), true),
        };
        let taken: Vec<SmolStr> = tags.iter().take(room).cloned().collect();
        room -= taken.len();
        let more = more || taken.len() < tags.len();
        let facts = resolve(registry, name, &taken, seen, &mut round).await?;
        round.fact.repositories.push(RepositoryFact { name: name.clone(), tags: facts, more });
    }
    let used: std::collections::BTreeSet<&SmolStr> =
        round.fact.repositories.iter().flat_map(|repository| &repository.tags).map(|tag| &tag.digest).collect();
    seen.0.retain(|digest, _| used.contains(digest));
    Ok(round)
}

async fn plan(registry: &Registry, wishes: &[Wish], round: &mut Round) -> Result<Plan, Failure> {
    let mut repositories: BTreeMap<SmolStr, Vec<SmolStr>> = BTreeMap::new();
    for Wish { repository, tag } in wishes {
        repositories.entry(repository.clone()).or_default().extend(tag.clone());
    }
    if !wishes.is_empty() {
        return Ok(Plan { repositories, named: true });
    }
    match catalog(registry, round).await {
        Ok(names) => {
            round.lists = Some(true);
            repositories.extend(names.into_iter().map(|name| (name, Vec::new())));
        }
        Err(failure) if is_of_one(&failure) => {
            round.lists = Some(false);
            round.problems.push(problems::no_catalog(&failure, &registry.place));
        }
        Err(failure) => return Err(failure),
    }
    Ok(Plan { repositories, named: false })
}

async fn catalog(registry: &Registry, round: &mut Round) -> Result<Vec<SmolStr>, Failure> {
    let mut names = Vec::new();
    let mut next = Some("n=100".to_owned());
    while let Some(query) = next.take() {
        let (body, further) = registry.list(Of::Registry, &format!("/v2/_catalog?{query}")).await?;
        let page = answer::catalog(&body)?;
        round.dropped += page.dropped;
        // A page that leads to itself would never end.
        next = further.filter(|further| *further != query && !page.names.is_empty());
        names.extend(page.names);
        if names.len() >= MOST_REPOSITORIES {
            names.truncate(MOST_REPOSITORIES);
            break;
        }
    }
    Ok(names)
}

/// The first tags of a repository, and whether there are more; nothing where it cannot be read.
async fn first_tags(
    registry: &Registry,
    name: &SmolStr,
    round: &mut Round,
) -> Result<Option<(Vec<SmolStr>, bool)>, Failure> {
    let path = format!("/v2/{name}/tags/list?n={FIRST_TAGS}");
    match registry.list(Of::Repository(name), &path).await {
        Ok((body, next)) => {
            let page = answer::tags(&body)?;
            round.dropped += page.dropped;
            let more = next.is_some() || page.names.len() > FIRST_TAGS;
            Ok(Some((page.names.into_iter().take(FIRST_TAGS).collect(), more)))
        }
        Err(failure) if is_of_one(&failure) => {
            round.problems.push(problems::problem(&failure, &registry.place));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// The tags with their digests, as they are now.
async fn resolve(
    registry: &Registry,
    name: &SmolStr,
    tags: &[SmolStr],
    seen: &mut Seen,
    round: &mut Round,
) -> Result<Vec<TagFact>, Failure> {
    let asked = stream::iter(tags.to_vec()).map(|tag| async move {
        let answer = registry.resolve(name, &tag).await;
        (tag, answer)
    });
    let answers: Vec<_> = asked.buffered(AT_ONCE).collect().await;
    let mut facts = Vec::new();
    for (tag, answer) in answers {
        let digest = match answer {
            Ok(digest) => digest,
            Err(failure) if is_of_one(&failure) => {
                round.problems.push(problems::problem(&failure, &registry.place));
                continue;
            }
            Err(failure) => return Err(failure),
        };
        if !seen.0.contains_key(&digest) {
            match registry.manifest(name, &digest).await {
                Ok(proven) => drop(seen.0.insert(digest.clone(), fact(&proven.manifest, &digest))),
                // It stands where it stands, whatever that is. Tried again in the next round.
                Err(failure) if is_of_one(&failure) => {
                    round.problems.push(problems::problem(&failure, &registry.place));
                }
                Err(failure) => return Err(failure),
            }
        }
        let known = seen.0.get(&digest).cloned();
        facts.push(TagFact { name: tag, ..known.unwrap_or(TagFact { digest, ..TagFact::default() }) });
    }
    Ok(facts)
}

/// What a manifest tells of a tag that stands at it.
fn fact(manifest: &Manifest, digest: &SmolStr) -> TagFact {
    TagFact {
        name: SmolStr::default(),
        digest: digest.clone(),
        kind: manifest.kind(),
        size: manifest.size(),
        created: manifest.created(),
        parts: manifest.parts.iter().filter(|_| manifest.index).map(|part| part.digest.clone()).collect(),
    }
}

/// Is it about this one repository or tag, so that others may be answered?
fn is_of_one(failure: &Failure) -> bool {
    match failure {
        Failure::Unreadable(_) | Failure::TooLarge(_) | Failure::Page | Failure::Told(_) => true,
        other => matches!(other.status(), Some(400..=404 | 405 | 410)),
    }
}
