//! What is wrong with a registry, in words: what happened, why, what comes next.

use crate::answer::{self, Said};
use pilothouse_connect_http::{
    failure::{Failure, Refusal},
    place::Place,
    problems::{self, sentence},
};
use pilothouse_wire::{Code, Problem, artifact::short_digest};

/// A failure in words.
#[must_use]
pub(crate) fn problem(failure: &Failure, place: &Place) -> Problem {
    match failure {
        Failure::Refusal(refusal) => refused(refusal, failure, place),
        other => problems::problem(other, place),
    }
}

fn refused(refusal: &Refusal, failure: &Failure, place: &Place) -> Problem {
    let Place { name, host, .. } = place;
    let Refusal { status, path, .. } = refusal;
    let said = answer::error(&refusal.message);
    let what = about(path);
    let why = |said: &Said| format!("{status} {}: {}", said.code, sentence(&said.message));
    let repository = what.repository.unwrap_or("this repository");
    let Some(said) = said else {
        return match status {
            404 | 405 if path == "/v2/" => Problem::new(Code::NotFound, format!("{name} is no registry."))
                .why(format!("{status} to /v2/: {host} answers, and has no API of the OCI distribution there."))
                .next("Check the field \"Address\": mostly it is the host alone, without a path."),
            _ => problems::problem(failure, place),
        };
    };
    match said.code.as_str() {
        "NAME_UNKNOWN" | "NAME_INVALID" => {
            Problem::new(Code::NotFound, format!("{name} has no repository {repository}."))
                .why(why(&said))
                .next("Check its name; where you may not look, some registries say the same.")
        }
        "MANIFEST_UNKNOWN" => {
            let reference = what.reference.unwrap_or("that");
            Problem::new(Code::NotFound, format!("{repository} has no {reference} in {name}."))
                .why(why(&said))
                .next("The tag or the digest was deleted, or never pushed.")
        }
        "BLOB_UNKNOWN" | "MANIFEST_BLOB_UNKNOWN" => {
            Problem::new(Code::NotFound, format!("{name} misses a part of {repository}."))
                .why(why(&said))
                .next("It was deleted, or its push was not finished: push it again.")
        }
        // Some say DENIED with 401: whoever is not signed in is to sign in.
        "UNAUTHORIZED" | "DENIED" if *status == 401 => {
            let who = place.who.as_ref().map_or_else(|| "us".to_owned(), |who| format!("user {who}"));
            Problem::new(Code::Unauthenticated, format!("{name} does not know who we are."))
                .why(format!("401 for {who}: the credential is missing, wrong, or no longer valid."))
                .next("Fill in \"User name\" and \"Password\", or \"Token\".")
        }
        "DENIED" | "UNAUTHORIZED" => {
            let right =
                what.repository.map_or_else(|| "to list repositories".to_owned(), |name| format!("to pull {name}"));
            Problem::new(Code::Denied, format!("{name} knows us, and says no."))
                .why(why(&said))
                .next(format!("Ask whoever runs {name} for the right {right}."))
        }
        "UNSUPPORTED" => Problem::new(Code::ApiAbsent, format!("{name} does not do that.")).why(why(&said)),
        _ => {
            problems::problem(&Failure::Refusal(Box::new(Refusal { message: said.message, ..refusal.clone() })), place)
        }
    }
}

/// Does the registry say in its own words that it has no such manifest?
pub(crate) fn is_no_manifest(failure: &Failure) -> bool {
    let Failure::Refusal(refusal) = failure else { return false };
    refusal.status == 404 && answer::error(&refusal.message).is_some_and(|said| said.code == "MANIFEST_UNKNOWN")
}

/// What is called unknown may be there, and not be shown to us: nobody can say.
pub(crate) fn perhaps_hidden(problem: Problem) -> Problem {
    let what = format!("{} It may also be there, and not be for us to see.", problem.what);
    Problem { code: Code::Denied, what, ..problem }
}

/// What a path of the API is about.
#[derive(Debug, Default, PartialEq, Eq)]
struct About<'a> {
    repository: Option<&'a str>,
    reference: Option<&'a str>,
}

fn about(path: &str) -> About<'_> {
    let path = path.split('?').next().unwrap_or_default();
    let Some(rest) = path.strip_prefix("/v2/") else { return About::default() };
    for part in ["/manifests/", "/blobs/", "/referrers/", "/tags/"] {
        if let Some((repository, reference)) = rest.rsplit_once(part) {
            return About { repository: Some(repository), reference: Some(reference).filter(|_| part != "/tags/") };
        }
    }
    About::default()
}

/// The bytes are others than the digest says.
pub(crate) fn other_bytes(place: &Place, repository: &str, digest: &str, actual: &str) -> Problem {
    let (digest, actual) = (short_digest(digest), short_digest(actual));
    Problem::new(Code::BadInput, format!("{} sent other bytes than {digest} of {repository} says.", place.name))
        .why(format!("They have the digest {actual}: something on the way, or the registry's storage, changed them."))
        .next("Nothing of them is shown. Whoever runs the registry has to look at its storage and its proxies.")
}

/// Nobody here can check a digest.
pub(crate) fn unknown_algorithm(place: &Place, algorithm: &str) -> Problem {
    let algorithm: String = algorithm.chars().take(32).collect();
    Problem::new(Code::BadInput, format!("A digest of {} cannot be checked.", place.name))
        .why(format!("It is by {algorithm}; SHA-256, SHA-384 and SHA-512 are known here."))
        .next("What cannot be checked is not shown.")
}

/// A blob is elsewhere, and we do not go there.
pub(crate) fn bad_redirect(place: &Place, why: &str) -> Problem {
    Problem::new(Code::BadInput, format!("{} sends us elsewhere for a part, and we do not follow.", place.name))
        .why(format!("Of the redirect: {why}."))
        .next("Whoever runs the registry can correct where its storage is reached.")
}

/// Its repositories cannot be listed.
pub(crate) fn no_catalog(failure: &Failure, place: &Place) -> Problem {
    let because = problem(failure, place);
    let why = because.why.unwrap_or(because.what);
    Problem::new(because.code, format!("The repositories of {} cannot be listed.", place.name))
        .why(format!("{why} Many registries offer no list, or not to everybody."))
        .next("Name those to be watched in the field \"Watch\": team/chat:prod, team/embed.")
}

/// Several things are wrong: the first, and how many more.
pub(crate) fn first_of(mut problems: Vec<Problem>) -> Option<Problem> {
    if problems.is_empty() {
        return None;
    }
    let more = problems.len() - 1;
    let first = problems.swap_remove(0);
    if more == 0 {
        return Some(first);
    }
    let next = first.next.clone().unwrap_or_default();
    let rest = format!(
        "{more} more {} not read whole.",
        if more == 1 { "tag or repository is" } else { "tags or repositories are" }
    );
    Some(first.next(format!("{next} {rest}").trim().to_owned()))
}

/// The answer is not one of pages that come to an end.
pub(crate) fn bad_page(place: &Place) -> Problem {
    Problem::new(Code::BadInput, format!("This page of {} cannot be asked for.", place.name))
        .why("Where it begins is not in words that a registry says.")
        .next("Begin at the first page.")
}

/// A name is none.
pub(crate) fn bad_name(what: &str, name: &str) -> Problem {
    let name: String = name.chars().take(80).collect();
    Problem::new(Code::BadInput, format!("\"{name}\" is no {what}."))
        .why("Repositories are of small letters, digits and . _ - with / between; a tag has no / in it.")
        .next("Write it as team/chat:prod, or team/chat@sha256:… .")
}

/// YAML of a tag.
pub(crate) fn no_yaml(place: &Place) -> Problem {
    Problem::new(Code::NotOffered, format!("{} keeps no objects of YAML.", place.name))
        .next("Its artefacts are told in full by \"pilothouse artifacts\".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, path: &str, message: &str, want: (Code, &str)) {
        let place =
            Place { name: "registry".into(), host: "r.example:443".into(), kind: "a registry", ..Place::default() };
        let refusal = Refusal { path: path.into(), status, message: message.into(), ..Refusal::default() };
        let problem = problem(&Failure::Refusal(Box::new(refusal)), &place);
        assert_eq!((problem.code, problem.what.as_str()), want);
        assert!(problem.why.as_ref().is_none_or(|why| !why.contains('{')), "{problem}");
    }

    #[test]
    fn codes_of_registries_are_put_into_words() {
        let said = |code: &str| format!(r#"{{"errors":[{{"code":"{code}","message":"words","detail":{{}}}}]}}"#);
        let tags = "/v2/team/chat/tags/list?n=100";
        check(404, tags, &said("NAME_UNKNOWN"), (Code::NotFound, "registry has no repository team/chat."));
        check(
            404,
            "/v2/team/chat/manifests/prod",
            &said("MANIFEST_UNKNOWN"),
            (Code::NotFound, "team/chat has no prod in registry."),
        );
        check(401, tags, &said("UNAUTHORIZED"), (Code::Unauthenticated, "registry does not know who we are."));
        check(403, tags, &said("DENIED"), (Code::Denied, "registry knows us, and says no."));
        check(429, tags, &said("TOOMANYREQUESTS"), (Code::TooMany, "registry asks us to be patient."));
        check(404, "/v2/", "404 page not found", (Code::NotFound, "registry is no registry."));
        check(500, tags, &said("UNKNOWN"), (Code::ServerFailed, "registry failed to answer."));
        check(401, tags, "", (Code::Unauthenticated, "registry does not know who we are."));
    }

    #[test]
    fn what_a_path_is_about() {
        let of = |repository, reference| About { repository: Some(repository), reference };
        assert_eq!(about("/v2/a/b/manifests/v1"), of("a/b", Some("v1")));
        assert_eq!(about("/v2/a/tags/list?n=1"), of("a", None));
        assert_eq!(about("/v2/"), About::default());
    }

    #[test]
    fn of_several_problems_the_first_is_told_and_the_others_counted() {
        let problem = |what: &str| Problem::new(Code::NotFound, what).next("Look.");
        assert_eq!(first_of(vec![]), None);
        assert_eq!(first_of(vec![problem("a")]), Some(problem("a")));
        let told = first_of(vec![problem("a"), problem("b"), problem("c")]).unwrap();
        assert_eq!(told.next.as_deref(), Some("Look. 2 more tags or repositories are not read whole."));
    }
}
