//! Takes secrets out of arguments and addresses before anybody keeps or shows them.

/// What stands where a secret stood.
const GONE: &str = "…";

/// So many addresses in one another are looked into; what is deeper is hidden.
const DEEPEST: usize = 64;

/// Words in the name of a flag, parameter or variable whose value is a secret.
const SECRET_WORDS: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "api-key",
    "apikey",
    "api_key",
    "credential",
    "auth",
    "private-key",
    "access-key",
    "accesskey",
    "session-key",
];

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Arguments of a command with the values of secret flags and the credentials of addresses taken out.
#[must_use]
pub fn redact_arguments<S: AsRef<str>>(arguments: &[S]) -> Vec<String> {
    let mut redacted = Vec::with_capacity(arguments.len());
    let mut hide_next = false;
    for argument in arguments {
        let argument = argument.as_ref();
        if std::mem::take(&mut hide_next) && !is_long_flag(argument) {
            redacted.push(GONE.to_owned());
            continue;
        }
        match argument.split_once('=').filter(|(name, _)| !name.contains("://")) {
            Some((name, _)) if names_a_secret(name) && !is_header(argument) => redacted.push(format!("{name}={GONE}")),
            Some((name, value)) if !is_header(argument) => redacted.push(format!("{name}={}", redact_text(value))),
            _ => {
                hide_next = argument.starts_with('-') && names_a_secret(argument);
                redacted.push(redact_text(argument));
            }
        }
    }
    redacted
}

/// `--verbose`: what follows a flag, and is no value of it. A value may begin with a dash as well.
fn is_long_flag(argument: &str) -> bool {
    argument.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// A text on a command line: a header, a credential with its scheme, or addresses.
fn redact_text(text: &str) -> String {
    if let Some((name, _)) = text.split_once(':').filter(|_| is_header(text)) {
        return format!("{name}: {GONE}");
    }
    match text.split_once(' ') {
        Some((scheme, _)) if ["bearer", "basic"].contains(&scheme.to_ascii_lowercase().as_str()) => {
            format!("{scheme} {GONE}")
        }
        _ => redact_url(text),
    }
}

/// `Authorization: …`, but not `auth-server:8080`.
fn is_header(text: &str) -> bool {
    text.split_once(':').is_some_and(|(name, value)| {
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let is_port = value.starts_with(|c: char| c.is_ascii_digit()) || value.starts_with("//");
        is_name && names_a_secret(name) && !is_port
    })
}

/// An address without its credentials and without the values of secret parameters, and so with addresses in it or behind
/// it; other text as it is.
#[must_use]
pub fn redact_url(text: &str) -> String {
    address(text, 0)
}

fn address(text: &str, depth: usize) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    if depth >= DEEPEST {
        return GONE.to_owned();
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // Of `a,https://b`: no host and its path, but the end of one address and the scheme of the next.
    if host.ends_with(':') && tail.starts_with("//") {
        return format!("{scheme}://{}", address(&format!("{host}{tail}"), depth + 1));
    }
    let (path, query) = tail.split_at(tail.find(['?', '#']).unwrap_or(tail.len()));
    let pairs: Vec<String> = query.split('&').map(|pair| parameter(pair, depth)).collect();
    format!("{scheme}://{host}{}{}", address(path, depth + 1), pairs.join("&"))
}

/// What stands between two `&`: a pair, and on the last one the fragment, which may hold pairs as well.
fn parameter(pair: &str, depth: usize) -> String {
    let mut parts = Vec::new();
    for part in pair.split('#') {
        match part.split_once('=') {
            Some((name, _)) if names_a_secret(name) || name.trim_start_matches('?').eq_ignore_ascii_case("key") => {
                // A secret that nobody encoded may have a `#` in it.
                parts.push(format!("{name}={GONE}"));
                break;
            }
            _ => parts.push(address(part, depth + 1)),
        }
    }
    parts.join("#")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secret_values_leave_and_the_rest_stays() {
        for (arguments, want) in [
            (vec!["serve", "--api-key", "s3cret", "--port", "80"], vec!["serve", "--api-key", "…", "--port", "80"]),
            (vec!["--token=s3cret", "--model=x"], vec!["--token=…", "--model=x"]),
            (vec!["--db=postgres://me:s3cret@db/x"], vec!["--db=postgres://db/x"]),
            (vec!["https://u:s3cret@h/p?token=s3cret&a=1"], vec!["https://h/p?token=…&a=1"]),
            (vec!["--token", "--verbose"], vec!["--token", "--verbose"]),
            (vec!["--token", "-s3cret"], vec!["--token", "…"]),
            (vec!["--key-secret", "-----BEGIN s3cret"], vec!["--key-secret", "…"]),
            (vec!["-H", "Authorization: Bearer s3cret="], vec!["-H", "Authorization: …"]),
            (vec!["--header=X-Api-Key:s3cret"], vec!["--header=X-Api-Key: …"]),
            (vec!["bearer s3cret"], vec!["bearer …"]),
            (vec!["auth-server:8080", "auth://a"], vec!["auth-server:8080", "auth://a"]),
            (vec!["--etcd=https://a,https://u:s3cret@b:1,c"], vec!["--etcd=https://a,https://b:1,c"]),
            (vec!["https://u:s3cret@a,http://u:s3cret@b/c"], vec!["https://a,http://b/c"]),
            (vec!["https://p/x?to=https://u:s3cret@h?token=s3cret&a=1"], vec!["https://p/x?to=https://h?token=…&a=1"]),
            (vec!["https://p/https://u:s3cret@h"], vec!["https://p/https://h"]),
            (vec!["https://h/p#access_token=s3cret&a=1"], vec!["https://h/p#access_token=…&a=1"]),
            (vec!["https://h/p?a=1#access_token=s3cret"], vec!["https://h/p?a=1#access_token=…"]),
            (vec!["https://h?token=https://s3cret&a=1"], vec!["https://h?token=…&a=1"]),
        ] {
            assert_eq!(redact_arguments(&arguments), want);
        }
    }

    #[test]
    fn addresses_in_addresses_come_to_an_end() {
        let deep = "a://b/".repeat(100_000) + "me:s3cret@h";
        assert!(!redact_url(&deep).contains("s3cret"));
        let wide = "a://".repeat(100_000) + "me:s3cret@h";
        assert!(!redact_url(&wide).contains("s3cret"));
    }

    proptest! {
        #[test]
        fn a_secret_flag_never_keeps_its_value(flag in "--[a-z]{0,4}(token|password|api-key)", secret in "[A-Z]{12}") {
            let joined = format!("{flag}={secret}");
            let redacted = redact_arguments(&[flag.as_str(), secret.as_str(), joined.as_str()]).join(" ");
            prop_assert!(!redacted.contains(&secret));
        }
    }
}
