//! Lists that a registry answers with: its repositories, the tags of one, and the errors that it names.

use crate::names::{is_repository, is_tag};
use pilothouse_connect_http::failure::Failure;
use pilothouse_wire::SmolStr;
use serde::Deserialize;

/// A list of names, and how many of it are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The names.
    pub names: Vec<SmolStr>,
    /// Entries that name nothing.
    pub dropped: u64,
}

#[derive(Deserialize)]
struct Tags {
    // An empty repository has `null` here, whatever the specification says; one that has nothing here is another answer.
    #[serde(deserialize_with = "Option::deserialize")]
    tags: Option<Vec<SmolStr>>,
}

#[derive(Deserialize)]
struct Catalog {
    #[serde(deserialize_with = "Option::deserialize")]
    repositories: Option<Vec<SmolStr>>,
}

/// Reads the answer to `GET /v2/NAME/tags/list`.
///
/// # Errors
/// If it is no such answer.
pub fn tags(body: &[u8]) -> Result<Names, Failure> {
    Ok(sifted(json::<Tags>(body)?.tags, is_tag))
}

/// Reads the answer to `GET /v2/_catalog`.
///
/// # Errors
/// If it is no such answer.
pub fn catalog(body: &[u8]) -> Result<Names, Failure> {
    Ok(sifted(json::<Catalog>(body)?.repositories, is_repository))
}

fn sifted(names: Option<Vec<SmolStr>>, fits: fn(&str) -> bool) -> Names {
    let names = names.unwrap_or_default();
    let all = names.len();
    let names: Vec<SmolStr> = names.into_iter().filter(|name| fits(name)).collect();
    Names { dropped: (all - names.len()) as u64, names }
}

/// An error as a registry names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Said {
    /// Its code: `MANIFEST_UNKNOWN`.
    #[serde(default)]
    pub code: String,
    /// Its words.
    #[serde(default)]
    pub message: String,
}

/// The first error of a refusal's body.
#[must_use]
pub fn error(body: &str) -> Option<Said> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Said>,
    }
    serde_json::from_str::<Errors>(body).ok()?.errors.into_iter().next()
}

/// Reads JSON; a page for people is told apart, and what stood there is not repeated.
///
/// # Errors
/// If it is something else.
pub fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    if body.trim_ascii_start().starts_with(b"<") {
        return Err(Failure::Page);
    }
    serde_json::from_slice(body)
        .map_err(|error| Failure::Unreadable(format!("line {}, column {}", error.line(), error.column())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_what_names_nothing_is_counted() {
        let read = tags(br#"{"name":"a","tags":["v1","prod","../x",""]}"#).unwrap();
        assert_eq!((read.names, read.dropped), (vec!["v1".into(), "prod".into()], 2));
        assert_eq!(tags(br#"{"name":"a","tags":null}"#).unwrap(), Names::default());
        assert_eq!(catalog(br#"{"repositories":["team/chat","A"]}"#).unwrap().names, ["team/chat"]);
    }

    #[test]
    fn what_is_no_list_is_a_failure_that_repeats_nothing() {
        assert!(matches!(tags(b"\n<html>sign in</html>"), Err(Failure::Page)));
        for cut in [&br#"{"tags":["hunter2"#[..], b"[]", b"{}", b""] {
            let Err(Failure::Unreadable(why)) = tags(cut) else { panic!("it can be read") };
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn an_error_has_a_code_and_words() {
        let said = error(r#"{"errors":[{"code":"NAME_UNKNOWN","message":"unknown","detail":{"name":"a"}}]}"#).unwrap();
        assert_eq!((said.code.as_str(), said.message.as_str()), ("NAME_UNKNOWN", "unknown"));
        assert_eq!(error("<html>"), None);
        assert_eq!(error(r#"{"errors":[]}"#), None);
    }
}
