//! How a server wants to be signed in to: `WWW-Authenticate` of RFC 9110, as far as registries use it.

/// A way to sign in that a server names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// With a user and a password.
    Basic,
    /// With a token that another service gives.
    Bearer {
        /// The address of that service.
        realm: String,
        /// What it calls this registry.
        service: Option<String>,
        /// What the token is to be good for.
        scope: Option<String>,
    },
}

/// The first way of a header that we know; a registry that names several prefers the first.
#[must_use]
pub fn read(header: &str) -> Option<Challenge> {
    let mut rest = header.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(rest.len());
        let (scheme, behind) = rest.split_at(end);
        let (values, next) = values(behind);
        let value = |name: &str| {
            let found = values.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = value("realm")
        {
            return Some(Challenge::Bearer { realm, service: value("service"), scope: value("scope") });
        }
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        // Nothing was taken: what stands there is no header.
        if next.len() == rest.len() {
            return None;
        }
        rest = next;
    }
    None
}

/// `name=value` pairs up to the next scheme, and what stands behind them.
fn values(text: &str) -> (Vec<(String, String)>, &str) {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | ',' | '"')).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let Some(behind) = behind.trim_start().strip_prefix('=').filter(|_| !name.is_empty()) else {
            return (all, rest);
        };
        let (value, next) = value(behind.trim_start());
        all.push((name.to_owned(), value));
        rest = next;
    }
}

/// One value, quoted or bare, and what stands behind it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            (false, '"') => return (value, &quoted[at + 1..]),
            _ => {
                escaped = false;
                value.push(c);
            }
        }
    }
    // Cut off: there is no more to come.
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let (realm, owned) = (realm.to_owned(), |text: Option<&str>| text.map(str::to_owned));
        Some(Challenge::Bearer { realm, service: owned(service), scope: owned(scope) })
    }

    #[test]
    fn each_way_to_sign_in_is_read_as_registries_write_it() {
        for (header, want) in [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/a:pull,push""#,
                bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:library/a:pull,push"),
                ),
            ),
            (r#"bearer realm = "https://a/t""#, bearer("https://a/t", None, None)),
            ("Bearer realm=https://a/t, service=x", bearer("https://a/t", Some("x"), None)),
            (r#"Basic realm="Registry Realm""#, Some(Challenge::Basic)),
            ("Basic", Some(Challenge::Basic)),
            (r#"Negotiate, Basic realm="x""#, Some(Challenge::Basic)),
            (r#"Digest realm="a, Basic", nonce="b", Bearer realm="https://a/t""#, bearer("https://a/t", None, None)),
            (r#"Bearer service="x""#, None),
            (r#"Bearer realm="""#, None),
            (r#"Bearer realm="https://a/\"t"#, bearer("https://a/\"t", None, None)),
            ("Negotiate", None),
            ("=", None),
            ("", None),
        ] {
            assert_eq!(read(header), want, "{header}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read_to_its_end(header in r#"[Bbasicer=", \\a-z:/]{0,60}"#) {
            let _ = read(&header);
        }
    }
}
