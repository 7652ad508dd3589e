//! What refers to an artefact: by the API of referrers, else by the tags that stand for it.

use crate::client::Registry;
use pilothouse_connect_http::failure::Failure;
use pilothouse_wire::artifact::{Referrer, ReferrersBy};

/// Referrers that are told.
const MOST: usize = 200;
/// Tags that cosign puts beside an image, and what each is.
const COSIGN: [(&str, &str); 3] = [("sig", "cosign signature"), ("att", "cosign attestation"), ("sbom", "cosign SBOM")];

/// What refers to a digest.
#[derive(Default)]
pub(crate) struct Found {
    pub referrers: Vec<Referrer>,
    /// How they are known.
    pub by: ReferrersBy,
    /// Why there may be others: the registry has the one or the other way to tell them, and does not.
    pub failures: Vec<Failure>,
}

/// What refers to a digest, and how that is known.
pub(crate) async fn find(registry: &Registry, repository: &str, digest: &str) -> Found {
    let path = format!("/v2/{repository}/referrers/{digest}");
    let told = match registry.referrers(repository, &path).await {
        Ok(list) => Ok((list.referrers(), ReferrersBy::Api)),
        // A registry without that API says so in one of these ways; some in a page, and some in words of their own.
        Err(failure) if is_absent(&failure) => by_tag(registry, repository, digest).await,
        Err(failure) => Err(failure),
    };
    let mut found = Found::default();
    match told {
        Ok((referrers, by)) => (found.referrers, found.by) = (referrers, by),
        Err(failure) => found.failures.push(failure),
    }
    match by_cosign(registry, repository, digest).await {
        Ok(signed) => {
            if found.by == ReferrersBy::Neither && !signed.is_empty() {
                found.by = ReferrersBy::Tag;
            }
            found.referrers.extend(signed);
        }
        Err(failure) => found.failures.push(failure),
    }
    if found.referrers.is_empty() && !found.failures.is_empty() {
        found.by = ReferrersBy::NotKnown;
    }
    found.referrers.truncate(MOST);
    found
}

fn is_absent(failure: &Failure) -> bool {
    matches!(failure.status(), Some(400 | 404 | 405 | 406 | 501)) || matches!(failure, Failure::Page)
}

/// The tag that stands for the API: `sha256-…`.
async fn by_tag(registry: &Registry, repository: &str, digest: &str) -> Result<(Vec<Referrer>, ReferrersBy), Failure> {
    let Some(tag) = tag_of(digest) else { return Ok((Vec::new(), ReferrersBy::Neither)) };
    match registry.manifest(repository, &tag).await {
        Ok(proven) if proven.manifest.index => Ok((proven.manifest.referrers(), ReferrersBy::Tag)),
        // A tag of that name that is no list stands for something else.
        Ok(_) => Ok((Vec::new(), ReferrersBy::Neither)),
        Err(failure) if is_absent(&failure) => Ok((Vec::new(), ReferrersBy::Neither)),
        Err(failure) => Err(failure),
    }
}

async fn by_cosign(registry: &Registry, repository: &str, digest: &str) -> Result<Vec<Referrer>, Failure> {
    let Some(tag) = tag_of(digest) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for (ending, what) in COSIGN {
        let found = registry.exists(repository, &format!("{tag}.{ending}")).await?;
        all.extend(found.map(|(digest, size)| Referrer { digest, kind: what.into(), size }));
    }
    Ok(all)
}

/// The tag of a digest's referrers, as the specification cuts it.
fn tag_of(digest: &str) -> Option<String> {
    let (algorithm, encoded) = digest.split_once(':')?;
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let tag = format!("{}-{}", cut(algorithm, 32), cut(encoded, 64));
    crate::names::is_tag(&tag).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_that_stands_for_the_api_is_cut_as_the_specification_says() {
        assert_eq!(tag_of("sha256:77d0").as_deref(), Some("sha256-77d0"));
        let long = format!("sha512:{}", "a".repeat(128));
        assert_eq!(tag_of(&long), Some(format!("sha512-{}", "a".repeat(64))));
        assert_eq!(tag_of("a+b:c"), None);
        assert_eq!(tag_of("none"), None);
    }
}
