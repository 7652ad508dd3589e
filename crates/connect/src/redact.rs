//! Takes secrets out of arguments and addresses before anybody keeps or shows them.

/// What stands where a secret stood.
const GONE: &str = "…";

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
        if std::mem::take(&mut hide_next) && !argument.starts_with('-') {
            redacted.push(GONE.to_owned());
            continue;
        }
        match argument.split_once('=').filter(|(name, _)| !name.contains("://")) {
            Some((name, _)) if names_a_secret(name) => redacted.push(format!("{name}={GONE}")),
            Some((name, value)) => redacted.push(format!("{name}={}", redact_url(value))),
            None => {
                hide_next = argument.starts_with('-') && names_a_secret(argument);
                redacted.push(redact_url(argument));
            }
        }
    }
    redacted
}

/// An address without its credentials and without the values of secret query parameters; other text as it is.
#[must_use]
pub fn redact_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let tail = match tail.split_once('?') {
        None => tail.to_owned(),
        Some((path, query)) => {
            let pairs = query.split('&').map(|pair| match pair.split_once('=') {
                Some((name, _)) if names_a_secret(name) || name.eq_ignore_ascii_case("key") => format!("{name}={GONE}"),
                _ => pair.to_owned(),
            });
            format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
        }
    };
    format!("{scheme}://{host}{tail}")
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
        ] {
            assert_eq!(redact_arguments(&arguments), want);
        }
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
