//! Names of repositories, tags and digests by the grammar of the distribution specification: what passes may stand in a path
//! as it is. And what a person wants watched, as they typed it.

use pilothouse_wire::{SmolStr, artifact::split_reference};

/// No name of a repository is longer.
const LONGEST_NAME: usize = 255;
/// No tag is longer.
const LONGEST_TAG: usize = 128;
/// No digest is longer: one of SHA-512 has 135 characters.
const LONGEST_DIGEST: usize = 200;

/// Is it the name of a repository: parts of small letters and digits, joined by `.`, `_`, `__` or dashes, and slashes
/// between them?
#[must_use]
pub fn is_repository(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.split('/').all(is_part)
}

fn is_part(part: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = part;
    loop {
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        if end == 0 {
            return false;
        }
        rest = &rest[end..];
        if rest.is_empty() {
            return true;
        }
        let sign = rest.find(word).unwrap_or(rest.len());
        let joins = matches!(&rest[..sign], "." | "_" | "__") || rest[..sign].bytes().all(|byte| byte == b'-');
        if !joins {
            return false;
        }
        rest = &rest[sign..];
    }
}

/// Is it a tag?
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    let first = tag.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let rest = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    first && rest && tag.len() <= LONGEST_TAG
}

/// Is it a digest: an algorithm, and what it made of the bytes?
#[must_use]
pub fn is_digest(digest: &str) -> bool {
    let Some((algorithm, encoded)) = digest.split_once(':') else { return false };
    let word = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    digest.len() <= LONGEST_DIGEST && word(algorithm, b"+._-") && word(encoded, b"=_-")
}

/// May it name a manifest?
#[must_use]
pub fn is_reference(reference: &str) -> bool {
    is_tag(reference) || is_digest(reference)
}

/// What is watched: a repository's first tags, or one of its tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    /// The repository.
    pub repository: SmolStr,
    /// One tag of it; its first ones where none is named.
    pub tag: Option<SmolStr>,
}

/// Reads what a person typed: `team/chat:prod, team/embed`, with commas or spaces between. Each is wished for once, in the
/// order of the names.
///
/// # Errors
/// The first word that names nothing.
pub fn wishes(text: &str) -> Result<Vec<Wish>, String> {
    let words = text.split([',', ' ', '\t', '\n']).map(str::trim).filter(|word| !word.is_empty());
    let mut wishes =
        words.map(|word| wish(word).ok_or_else(|| word.to_owned())).collect::<Result<Vec<Wish>, String>>()?;
    wishes.sort();
    wishes.dedup();
    Ok(wishes)
}

fn wish(word: &str) -> Option<Wish> {
    let (repository, tag) = split_reference(word);
    let fits = is_repository(repository) && tag.is_none_or(is_tag);
    fits.then(|| Wish { repository: repository.into(), tag: tag.map(Into::into) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_those_of_the_specification() {
        for (name, want) in [
            ("chat", true),
            ("team/chat-70b", true),
            ("a.b_c__d---e/f", true),
            ("Chat", false),
            ("team//chat", false),
            ("team/", false),
            ("a..b", false),
            ("a___b", false),
            ("-a", false),
            ("a-", false),
            ("a/../b", false),
            ("a b", false),
            ("a?b", false),
            ("ä", false),
            ("", false),
        ] {
            assert_eq!(is_repository(name), want, "{name}");
        }
        for (tag, want) in [("v1.0", true), ("_x", true), (".x", false), ("a/b", false), ("", false), ("a:b", false)] {
            assert_eq!(is_tag(tag), want, "{tag}");
        }
        for (digest, want) in
            [("sha256:77d0", true), ("a+b:QmR-_=", true), ("sha256:", false), ("77d0", false), ("a:b/c", false)]
        {
            assert_eq!(is_digest(digest), want, "{digest}");
        }
    }

    #[test]
    fn wishes_are_read_as_they_are_typed() {
        let want =
            |repository: &str, tag: Option<&str>| Wish { repository: repository.into(), tag: tag.map(Into::into) };
        assert_eq!(
            wishes(" team/chat:prod,team/chat:canary\nteam/embed, team/chat:prod "),
            Ok(vec![want("team/chat", Some("canary")), want("team/chat", Some("prod")), want("team/embed", None)])
        );
        assert_eq!(wishes("  "), Ok(vec![]));
        assert_eq!(wishes("a, Team/chat"), Err("Team/chat".to_owned()));
        assert_eq!(wishes("a@sha256:77d0"), Err("a@sha256:77d0".to_owned()));
    }

    proptest! {
        #[test]
        fn what_passes_leads_nowhere_else(name in ".{0,20}", tag in ".{0,20}") {
            if is_repository(&name) && is_reference(&tag) {
                let path = format!("/v2/{name}/manifests/{tag}");
                prop_assert!(!path.contains("..//") && !path.contains(['?', '#', '%', ' ', '\\']));
                prop_assert!(!path.split('/').any(|part| part == ".." || part == "."));
            }
        }
    }
}
