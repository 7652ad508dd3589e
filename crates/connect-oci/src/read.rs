//! What is read when somebody looks: a page of tags, and one artefact in full without its layers.

use crate::{
    answer,
    client::{Of, Registry},
    config,
    link::is_query,
    manifest::Manifest,
    names::{is_reference, is_repository},
    problems, referrers,
};
use pilothouse_connect::redact_words;
use pilothouse_connect_http::failure::Failure;
use pilothouse_wire::{
    Code, Problem, SmolStr, Stamp,
    artifact::{Artifact, ArtifactKind, ArtifactRef, Part, Said, TagPage, TagsQuery},
    units::count,
};

/// Tags of a page at most.
const MOST_TAGS: u16 = 1_000;
/// Annotations that are shown, and as many characters of each.
const MOST_ANNOTATIONS: usize = 64;
const LONGEST: usize = 4_096;

/// A page of tags.
///
/// # Errors
/// Why it cannot be read, in words.
pub(crate) async fn tags(registry: &Registry, query: &TagsQuery) -> Result<TagPage, Problem> {
    let name = &query.repository;
    if !is_repository(name) {
        return Err(problems::bad_name("repository", name));
    }
    let limit = query.limit.clamp(1, MOST_TAGS);
    let begins = match query.after.as_deref() {
        None => format!("n={limit}"),
        Some(after) if is_query(after) => after.to_owned(),
        Some(_) => return Err(problems::bad_page(&registry.place)),
    };
    let path = format!("/v2/{name}/tags/list?{begins}");
    let read = async {
        let (body, next) = registry.list(Of::Repository(name), &path).await?;
        let tags = answer::tags(&body)?.names;
        Ok::<_, Failure>(page(tags, next, usize::from(limit), &begins))
    };
    read.await.map_err(|failure| problems::problem(&failure, &registry.place))
}

/// A page out of what a registry gave. Some give all their tags whatever was asked for: then it is us who make pages.
fn page(tags: Vec<SmolStr>, next: Option<String>, limit: usize, begins: &str) -> TagPage {
    if tags.len() <= limit {
        return TagPage { tags, next: next.map(SmolStr::from) };
    }
    let last = begins.split('&').find_map(|pair| pair.strip_prefix("last=")).unwrap_or_default();
    // In the registry's own order: what stands behind the last one of the page before.
    let seen = tags.iter().position(|tag| tag == last).map_or(0, |at| at + 1);
    let rest = tags.len() - seen;
    let tags: Vec<SmolStr> = tags.into_iter().skip(seen).take(limit).collect();
    let ours = tags.last().filter(|_| rest > limit).map(|last| format!("n={limit}&last={last}").into());
    TagPage { tags, next: ours }
}

/// An artefact in full.
///
/// # Errors
/// Why its manifest cannot be read, in words. What cannot be read beside it is said in it.
pub(crate) async fn artifact(
    registry: &Registry,
    host: &str,
    of: &ArtifactRef,
    now: Stamp,
) -> Result<Artifact, Problem> {
    let (name, reference) = (&of.repository, &of.reference);
    if !is_repository(name) {
        return Err(problems::bad_name("repository", name));
    }
    if !is_reference(reference) {
        return Err(problems::bad_name("tag or digest", reference));
    }
    let told = |failure: Failure| problems::problem(&failure, &registry.place);
    let proven = match registry.manifest(name, reference).await {
        Ok(proven) => proven,
        Err(failure) => return Err(not_read(registry, name, &failure).await),
    };
    // Both are about the manifest alone: asked for at once.
    let (says, found) =
        tokio::join!(says(registry, name, &proven.manifest), referrers::find(registry, name, &proven.digest));
    let mut wrong = Vec::new();
    let (kind, says) = says.unwrap_or_else(|failure| {
        wrong.push(told(failure));
        (proven.manifest.kind(), Vec::new())
    });
    let referrers::Found { referrers, by: referrers_by, failures } = found;
    wrong.extend(failures.into_iter().map(told));
    let Manifest { media_type, artifact_type, config, parts, subject, annotations, .. } = &proven.manifest;
    let annotation = |(label, value): (&SmolStr, &String)| Said {
        label: shortened(label).into(),
        value: shortened(&redact_words(value)),
    };
    Ok(Artifact {
        id: of.clone(),
        host: host.into(),
        digest: proven.digest.clone(),
        media_type: media_type.clone(),
        artifact_type: artifact_type.clone(),
        kind,
        size: proven.manifest.size(),
        weights: proven.manifest.weights(),
        config: config.as_ref().map(|config| config.part()),
        says,
        parts: parts.iter().map(|part| part.part()).collect::<Vec<Part>>(),
        annotations: annotations.iter().take(MOST_ANNOTATIONS).map(annotation).collect(),
        subject: subject.as_ref().map(|subject| subject.digest.clone()),
        referrers,
        referrers_by,
        problems: wrong,
        read_at: now,
    })
}

/// Why a manifest cannot be read. That there is none is believed of a registry that knows its repository otherwise, and says so in so
/// many words: what one may not look at many registries call unknown, and a proxy in front of one knows of none.
async fn not_read(registry: &Registry, name: &str, failure: &Failure) -> Problem {
    let problem = problems::problem(failure, &registry.place);
    if problem.code != Code::NotFound {
        return problem;
    }
    let path = format!("/v2/{name}/tags/list?n=1");
    let is_known = async || match registry.list(Of::Repository(name), &path).await {
        Ok((body, _)) => answer::tags(&body).is_ok(),
        Err(_) => false,
    };
    if problems::is_no_manifest(failure) && is_known().await {
        return problem;
    }
    problems::perhaps_hidden(problem)
}

/// A text of somebody else. One that is too long to be shown whole says so.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} characters in all)", &text[..end], count(text.chars().count() as u64)),
    }
}

/// What it is, and what its configuration says of it.
async fn says(registry: &Registry, name: &str, manifest: &Manifest) -> Result<(ArtifactKind, Vec<Said>), Failure> {
    let kind = manifest.kind();
    let Some(part) = manifest.config.as_ref().filter(|_| config::is_read(kind)) else { return Ok((kind, Vec::new())) };
    if part.size > config::LARGEST as u64 {
        return Err(Failure::TooLarge(config::LARGEST));
    }
    let body = registry.blob(name, &part.digest, config::LARGEST).await?;
    let says = config::read(kind, &answer::json(&body)?);
    Ok((says.kind.unwrap_or(kind), says.rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_shown_whole_says_so() {
        assert_eq!(shortened("ä short one"), "ä short one");
        let long = shortened(&"ä".repeat(5_000));
        assert_eq!(long.chars().take_while(|sign| *sign == 'ä').count(), LONGEST);
        assert!(long.ends_with("ä… (5,000 characters in all)"), "{long}");
    }

    #[test]
    fn a_registry_that_gives_all_at_once_is_shown_page_by_page() {
        let all: Vec<SmolStr> = (0..5).map(|n| format!("v{n}").into()).collect();
        let mut begins = "n=2".to_owned();
        let mut seen = Vec::new();
        for _ in 0..3 {
            let TagPage { tags, next } = page(all.clone(), None, 2, &begins);
            seen.extend(tags);
            begins = next.unwrap_or_default().to_string();
        }
        assert_eq!((seen, begins.as_str()), (all.clone(), ""));
        let paged = page(all[..2].to_vec(), Some("n=2&last=v1".into()), 2, "n=2");
        assert_eq!(paged.next.as_deref(), Some("n=2&last=v1"));
    }
}
