//! Label matchers that every selector has: which series of a server that holds those of several clusters are meant.

/// The most bytes of all of them: each stands in every selector of a query.
const LONGEST: usize = 500;

/// Matchers as a query has them, such as `cluster="iad",env!="test"`; mostly none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matchers(String);

impl Matchers {
    /// Reads what a person filled in: matchers between commas, with braces around them or without. A value that is a plain
    /// word needs no quotes.
    ///
    /// # Errors
    /// What cannot be read of it, as a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        if inner.len() > LONGEST {
            return Err(format!("It is longer than {LONGEST} bytes."));
        }
        let (mut all, mut rest) = (Vec::new(), inner.trim());
        while !rest.is_empty() {
            let (matcher, behind) = one(rest)?;
            all.push(matcher);
            rest = match behind.trim_start().strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if behind.trim().is_empty() => "",
                None => return Err("Between two matchers there is no comma.".to_owned()),
            };
        }
        Ok(Self(all.join(",")))
    }

    /// A selector with these matchers more.
    #[must_use]
    pub fn on(&self, selector: &str) -> String {
        match (self.0.as_str(), selector.strip_suffix('}')) {
            ("", _) => selector.to_owned(),
            (matchers, Some(open)) => format!("{open},{matchers}}}"),
            (matchers, None) => format!("{selector}{{{matchers}}}"),
        }
    }

    /// As they stand in a query.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// The first matcher, and what stands behind it.
fn one(text: &str) -> Result<(String, &str), String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, rest) = text.split_at(text.find(|c| !is_of_name(c)).unwrap_or(text.len()));
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("A matcher begins with the name of a label, as in cluster=\"iad\".".to_owned());
    }
    if name.starts_with("__") {
        return Err(format!("{name} is no label that a matcher may be about."));
    }
    let rest = rest.trim_start();
    // The longer ones first: = begins =~ too.
    let operator = ["=~", "!~", "!=", "="].into_iter().find(|operator| rest.starts_with(operator));
    let operator = operator.ok_or_else(|| format!("Behind {name} there is none of =, !=, =~ and !~."))?;
    let rest = rest[operator.len()..].trim_start();
    let (value, behind) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let end = closing(quoted).ok_or_else(|| format!("The value of {name} has no closing quote."))?;
            (&quoted[..end], &quoted[end + 1..])
        }
        None => {
            let is_plain = |c: char| c.is_alphanumeric() || "_-.:/".contains(c);
            rest.split_at(rest.find(|c| !is_plain(c)).unwrap_or(rest.len()))
        }
    };
    if value.is_empty() {
        return Err(format!("{name} has no value. One that is no plain word stands between quotes."));
    }
    if value.contains(char::is_control) {
        return Err(format!("The value of {name} has a character that no query may have."));
    }
    Ok((format!("{name}{operator}\"{value}\""), behind))
}

/// Where the quote is that closes a value: behind a backslash it does not.
fn closing(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.char_indices().find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_read_with_braces_or_without_and_stand_in_each_selector() {
        for (text, want) in [
            ("", ""),
            ("cluster=iad-prod", "cluster=\"iad-prod\""),
            ("{cluster=\"iad\"}", "cluster=\"iad\""),
            (" cluster = \"iad\" , env!=\"te,st\",", "cluster=\"iad\",env!=\"te,st\""),
            ("cluster=~\"iad|ord\", k8s !~ \"a\\\"b\"", "cluster=~\"iad|ord\",k8s!~\"a\\\"b\""),
        ] {
            assert_eq!(Matchers::read(text).unwrap().text(), want);
        }
        let iad = Matchers::read("cluster=iad").unwrap();
        assert_eq!(iad.on("up"), "up{cluster=\"iad\"}");
        assert_eq!(iad.on("a{b='c'}"), "a{b='c',cluster=\"iad\"}");
        assert_eq!(Matchers::default().on("up"), "up");
    }

    #[test]
    fn what_is_no_matcher_is_refused_with_what_is_wrong() {
        for (text, want) in [
            ("iad", "Behind iad there is none of ="),
            ("=\"iad\"", "begins with the name of a label"),
            ("9a=b", "begins with the name of a label"),
            ("__name__=\"up\"", "no label that a matcher may be about"),
            ("cluster=", "has no value"),
            ("cluster=\"iad", "no closing quote"),
            ("cluster=\"iad\\\"", "no closing quote"),
            ("cluster=iad env=x", "no comma"),
            ("cluster=\"iad\"} or vector(1) #", "no comma"),
            ("cluster=\"a\nb\"", "no query may have"),
        ] {
            let why = Matchers::read(text).unwrap_err();
            assert!(why.contains(want), "{text:?}: {why}");
        }
        assert!(Matchers::read(&format!("a={}", "b".repeat(500))).is_err());
    }
}
