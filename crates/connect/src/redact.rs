//! Takes secrets out of arguments and addresses before anybody keeps or shows them.

mod deeds;
mod looks;
mod words;

pub use deeds::{redact_deed, redact_named};
pub use looks::looks_secret;

/// What stands where a secret stood.
pub const GONE: &str = "…";

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
    "credential",
    "auth",
    "private-key",
    "access-key",
    "accesskey",
    "session-key",
    "pgpass",
    "creds",
];

/// Ends of such names; within one they say nothing.
const SECRET_ENDS: &[&str] = &["-pw", "-pwd", "-pass"];

/// Variables of sign-in programs that choose and do not prove, and those that change which program is run.
const SHOWN_VARIABLES: &[&str] = &[
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_CONFIG_FILE",
    "AZURE_CONFIG_DIR",
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "CLOUDSDK_CONFIG",
    "KUBECONFIG",
    "USE_GKE_GCLOUD_AUTH_PLUGIN",
    "PATH",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
];

/// Is what has this name a secret: a flag, a parameter, a variable, a tag?
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    SECRET_WORDS.iter().any(|word| name.contains(word)) || SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

/// Whose arguments they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// A container's: `-p` and `-u` are ports and numbers of users as well.
    Container,
    /// A program's that signs in.
    SignIn,
}

/// What the next argument or word is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Plain,
    Secret,
    /// `user:password`.
    Pair,
    /// A script of a shell.
    Script,
}

/// Arguments of a command with the values of secret flags and the credentials of addresses taken out, and what looks like
/// a credential.
#[must_use]
pub fn redact_arguments<S: AsRef<str>>(arguments: &[S]) -> Vec<String> {
    all(arguments, Of::Container)
}

/// As [`redact_arguments`], of a program that signs in: what follows `-p` or `-u` is taken for a password as well.
#[must_use]
pub fn redact_sign_in<S: AsRef<str>>(arguments: &[S]) -> Vec<String> {
    all(arguments, Of::SignIn)
}

/// What a program that signs in says, word by word.
#[must_use]
pub fn redact_words(text: &str) -> String {
    words::redact(text, Of::SignIn)
}

/// A variable of a program that signs in: only a few have values that choose and do not prove.
#[must_use]
pub fn redact_variable(name: &str, value: &str) -> String {
    let value = if is_shown(name) { redact_words(value) } else { GONE.to_owned() };
    format!("{name}={value}")
}

/// Does this variable of a program that signs in choose something, or change what is run, and prove nothing?
#[must_use]
pub fn is_shown(name: &str) -> bool {
    SHOWN_VARIABLES.contains(&name)
}

fn all<S: AsRef<str>>(arguments: &[S], of: Of) -> Vec<String> {
    let mut next = Next::Plain;
    arguments.iter().map(|argument| argument_of(argument.as_ref(), of, &mut next)).collect()
}

fn argument_of(text: &str, of: Of, next: &mut Next) -> String {
    let is = std::mem::take(next);
    if is == Next::Script || is == Next::Plain && is_script(text) {
        return words::redact(text, of);
    }
    one(text, is, of, next)
}

/// One argument, or one word of a script.
fn one(text: &str, is: Next, of: Of, next: &mut Next) -> String {
    match is {
        Next::Secret if !is_long_flag(text) => return GONE.to_owned(),
        Next::Pair if !text.starts_with('-') => return without_password(text),
        _ => {}
    }
    match text.split_once('=').filter(|(name, _)| !name.contains("://")) {
        // The end of a token in base64.
        Some((name, _)) if looks_secret(name) => GONE.to_owned(),
        Some((name, _)) if names_a_secret(name) && !is_header(text) => format!("{name}={GONE}"),
        Some((name, value)) if !is_header(text) => {
            let value = match value_of(name, of) {
                Next::Secret => GONE.to_owned(),
                Next::Pair => without_password(value),
                _ => redact_value(value),
            };
            format!("{name}={value}")
        }
        _ => {
            if text.starts_with('-') {
                *next = if names_a_secret(text) { Next::Secret } else { value_of(text, of) };
            }
            match attached(text).filter(|_| of == Of::SignIn) {
                Some(flag) => format!("{flag}{GONE}"),
                None => redact_text(text),
            }
        }
    }
}

/// What stands behind `name=`: there may be pairs in it again.
fn redact_value(value: &str) -> String {
    if looks_secret(value) || is_header(value) {
        return redact_text(value);
    }
    let (mut shown, mut rest) = (String::new(), value);
    while let Some((name, value)) = rest.split_once('=').filter(|(name, _)| !name.contains("://")) {
        shown.push_str(name);
        shown.push('=');
        if names_a_secret(name) {
            return shown + GONE;
        }
        rest = value;
    }
    shown + &redact_text(rest)
}

/// What follows a flag whose name says nothing.
fn value_of(flag: &str, of: Of) -> Next {
    match flag {
        "-c" | "-lc" | "-ec" | "-ic" | "/c" | "/C" | "-Command" => Next::Script,
        "-p" | "-P" if of == Of::SignIn => Next::Secret,
        "-u" | "-U" | "--user" | "--proxy-user" if of == Of::SignIn => Next::Pair,
        _ => Next::Plain,
    }
}

/// `-phunter2`, but not `-port`.
fn attached(text: &str) -> Option<&str> {
    let value = text.strip_prefix("-p").or_else(|| text.strip_prefix("-P"))?;
    let is_name = value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (!is_name).then(|| &text[..2])
}

fn without_password(text: &str) -> String {
    match text.split_once([':', '%']) {
        Some((user, _)) => format!("{user}{}{GONE}", &text[user.len()..=user.len()]),
        None => redact_text(text),
    }
}

/// Several words, and neither a flag with its value nor a header: it is for a shell.
fn is_script(text: &str) -> bool {
    let is_flag =
        || text.starts_with('-') && text.split_once('=').is_some_and(|(name, _)| !name.contains(char::is_whitespace));
    let scheme = text.split(' ').next().unwrap_or_default();
    text.contains(char::is_whitespace) && !is_flag() && !is_header(text) && !is_scheme(scheme)
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "basic"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
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
        Some((scheme, _)) if is_scheme(scheme) => format!("{scheme} {GONE}"),
        _ => {
            let text = redact_url(text);
            if looks_secret(&text) { GONE.to_owned() } else { text }
        }
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
mod tests;
