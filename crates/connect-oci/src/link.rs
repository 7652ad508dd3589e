//! Where the next page is: the header `Link` of RFC 8288. Of the address only the query is taken, so that a page can lead to
//! nothing but another page of the same list.

/// No query of a next page is longer.
const LONGEST: usize = 2_048;

/// The query of the next page: `n=100&last=v100`.
#[must_use]
pub fn next(header: &str) -> Option<String> {
    let links = header.split('<').skip(1).filter_map(|part| part.split_once('>'));
    let is_next = |behind: &str| {
        let own = behind.split(',').next().unwrap_or_default();
        own.split(';').any(|value| {
            let value = value.trim();
            let (name, value) = value.split_once('=').unwrap_or((value, ""));
            name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
        })
    };
    let (address, _) = links.into_iter().find(|(_, behind)| is_next(behind))?;
    let (_, query) = address.split_once('?')?;
    is_query(query).then(|| query.to_owned())
}

/// May it stand behind a `?` as it is?
#[must_use]
pub fn is_query(query: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%&=+:/@!$'()*,;".contains(&byte);
    !query.is_empty() && query.len() <= LONGEST && query.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_a_query_and_nothing_else() {
        for (header, want) in [
            (r#"</v2/team/chat/tags/list?last=v100&n=100>; rel="next""#, Some("last=v100&n=100")),
            ("<https://elsewhere.example/steal?next_page=abc%3D>;rel=next", Some("next_page=abc%3D")),
            (r#"</a?x=1>; rel="prev", </a?x=3>; rel="next""#, Some("x=3")),
            (r#"</a?x=1>; rel="prev""#, None),
            (r#"</v2/a/tags/list>; rel="next""#, None),
            (r#"</a?x=1#y>; rel="next""#, None),
            ("</a?x= y>; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next(header).as_deref(), want, "{header}");
        }
    }
}
