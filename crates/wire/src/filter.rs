//! Filters over rows: words, `key=value`, comparisons. One grammar for the tables and the terminal.
//!
//! Terms are separated by spaces and all must hold. A bare word must occur in some text value, but for that of `lost`.
//! `key=value` compares whole text values, letters of either case alike, `*` standing for anything; `key~part` looks for a
//! part; `!=` and `!~` are their negations; `<`, `<=`, `>`, `>=` compare numbers. `-term` negates. Quotes keep spaces.

use crate::units::lower;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A row that can be filtered.
pub trait Record {
    /// The keys that people may use, for help and for messages.
    const KEYS: &'static [&'static str];
    /// The values under a key; empty if the row has none; `None` if rows of this kind have no such key.
    fn values(&self, key: &str) -> Option<Vec<Value<'_>>>;
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
}

impl<'a> Value<'a> {
    /// A text value.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A text value that was made for this.
    #[must_use]
    pub fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// A count.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts of things stay far below 2^53")]
    pub fn number(n: usize) -> Self {
        Self::Number(n as f64)
    }
}

/// A filter: all of its terms must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Test {
    Word(String),
    Is { key: String, pattern: String },
    Has { key: String, part: String },
    Compares { key: String, op: Op, to: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Op {
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A filter that cannot be read, or that names a key which these rows do not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// A quote is opened and not closed.
    #[error("a quote is not closed in {0}")]
    OpenQuote(String),
    /// A comparison with something that is no number.
    #[error("{key} is compared with \"{value}\", which is no number")]
    NotANumber {
        /// The key.
        key: String,
        /// What stood there.
        value: String,
    },
    /// An operator without a key or a value.
    #[error("\"{0}\" has no key or no value; write key=value")]
    Half(String),
    /// No such key.
    #[error("there is no \"{key}\" here; the keys are {keys}")]
    NoSuchKey {
        /// The key.
        key: String,
        /// The keys that there are.
        keys: String,
    },
}

impl Filter {
    /// Does it let everything through?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Checks that rows of type `R` have the keys that this filter names.
    ///
    /// # Errors
    /// [`BadFilter::NoSuchKey`] for the first key that they lack.
    pub fn check<R: Record>(&self) -> Result<(), BadFilter> {
        self.check_keys(R::KEYS)
    }

    fn check_keys(&self, keys: &[&str]) -> Result<(), BadFilter> {
        for term in &self.terms {
            if let Some(key) = term.test.key()
                && !keys.contains(&key)
                && !["node", "pod", "ns"].contains(&key)
            {
                return Err(BadFilter::NoSuchKey { key: key.to_owned(), keys: keys.join(", ") });
            }
        }
        Ok(())
    }

    /// Does the row pass?
    #[must_use]
    pub fn matches<R: Record>(&self, row: &R) -> bool {
        self.passes(R::KEYS, &|key| row.values(key))
    }

    /// What does not depend on what a row is, and is compiled once for all of them.
    fn passes<'a>(&self, keys: &[&str], values: &dyn Fn(&str) -> Option<Vec<Value<'a>>>) -> bool {
        self.terms.iter().all(|term| term.test.holds(keys, values) != term.negated)
    }
}

impl Test {
    fn key(&self) -> Option<&str> {
        match self {
            Self::Word(_) => None,
            Self::Is { key, .. } | Self::Has { key, .. } | Self::Compares { key, .. } => Some(key),
        }
    }

    fn holds<'a>(&self, keys: &[&str], values: &dyn Fn(&str) -> Option<Vec<Value<'a>>>) -> bool {
        let any =
            |key: &str, test: &dyn Fn(&Value<'_>) -> bool| values(key).is_some_and(|values| values.iter().any(test));
        let contains = |value: &Value<'_>, part: &str| match value {
            Value::Text(text) => lower(text).contains(part),
            Value::Number(_) => false,
        };
        match self {
            // What a row is not is no word that it is found by.
            Self::Word(word) => keys.iter().any(|key| *key != "lost" && any(key, &|value| contains(value, word))),
            Self::Has { key, part } => any(key, &|value| contains(value, part)),
            Self::Is { key, pattern } => any(key, &|value| match value {
                Value::Text(text) => glob(&lower(text), pattern),
                Value::Number(n) => pattern.parse() == Ok(*n),
            }),
            Self::Compares { key, op, to } => any(key, &|value| match (value, op) {
                (Value::Number(n), Op::Less) => n < to,
                (Value::Number(n), Op::AtMost) => n <= to,
                (Value::Number(n), Op::More) => n > to,
                (Value::Number(n), Op::AtLeast) => n >= to,
                (Value::Text(_), _) => false,
            }),
        }
    }
}

/// Does `text` fit `pattern`, in which `*` stands for anything?
fn glob(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(tail)
}

impl FromStr for Filter {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Self, BadFilter> {
        words(text)?.into_iter().map(|word| term(&word)).collect::<Result<_, _>>().map(|terms| Self { terms })
    }
}

/// Splits at spaces outside of quotes, and takes the quotes off.
fn words(text: &str) -> Result<Vec<String>, BadFilter> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => (quoted, any) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if quoted {
        return Err(BadFilter::OpenQuote(text.to_owned()));
    }
    if any {
        words.push(word);
    }
    Ok(words)
}

fn term(word: &str) -> Result<Term, BadFilter> {
    let (mut negated, body) = match word.strip_prefix('-') {
        Some(body) if !body.is_empty() => (true, body),
        _ => (false, word),
    };
    // Longest first: `!=` must not be read as `=` behind a key that ends in `!`.
    let found = ["!=", "!~", "<=", ">=", "=", "~", "<", ">"]
        .into_iter()
        .filter_map(|op| body.find(op).map(|at| (at, op)))
        .min_by_key(|(at, op)| (*at, usize::MAX - op.len()));
    let Some((at, op)) = found else {
        return Ok(Term { negated, test: Test::Word(lower(body)) });
    };
    let (key, value) = (lower(body[..at].trim()), body[at + op.len()..].trim());
    let is_key = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "._-/".contains(c);
    // A key that began with a dash could not be told from a negation.
    if key.is_empty() || key.starts_with('-') || value.is_empty() || !key.chars().all(is_key) {
        return Err(BadFilter::Half(word.to_owned()));
    }
    negated ^= op.starts_with('!');
    let compares = |op| match value.parse::<f64>() {
        Ok(to) if !to.is_nan() => Ok(Test::Compares { key: key.clone(), op, to }),
        _ => Err(BadFilter::NotANumber { key: key.clone(), value: value.to_owned() }),
    };
    let test = match op {
        "=" | "!=" => Test::Is { key, pattern: lower(value) },
        "~" | "!~" => Test::Has { key, part: lower(value) },
        "<" => compares(Op::Less)?,
        "<=" => compares(Op::AtMost)?,
        ">" => compares(Op::More)?,
        _ => compares(Op::AtLeast)?,
    };
    Ok(Term { negated, test })
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.terms.iter().enumerate() {
            let quote = |text: &str| {
                if text.is_empty() || text.contains(char::is_whitespace) {
                    format!("\"{text}\"")
                } else {
                    text.to_owned()
                }
            };
            let (space, minus) = (if i > 0 { " " } else { "" }, if term.negated { "-" } else { "" });
            match &term.test {
                Test::Word(word) => write!(f, "{space}{minus}{}", quote(word))?,
                Test::Is { key, pattern } => write!(f, "{space}{minus}{key}={}", quote(pattern))?,
                Test::Has { key, part } => write!(f, "{space}{minus}{key}~{}", quote(part))?,
                Test::Compares { key, op, to } => {
                    let op = match op {
                        Op::Less => "<",
                        Op::AtMost => "<=",
                        Op::More => ">",
                        Op::AtLeast => ">=",
                    };
                    write!(f, "{space}{minus}{key}{op}{to}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Pod;

    impl Record for Pod {
        const KEYS: &'static [&'static str] = &["name", "status", "gpus", "zone"];
        fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
            Some(match key {
                "name" => vec![Value::text("chat-70b-x2k8q")],
                "status" => vec![Value::text("Running"), Value::text("ok")],
                "gpus" => vec![Value::Number(8.0)],
                "zone" => vec![],
                _ => return None,
            })
        }
    }

    #[track_caller]
    fn check(filter: &str, want: bool) {
        let filter: Filter = filter.parse().unwrap();
        assert_eq!(filter.matches(&Pod), want, "{filter}");
    }

    #[test]
    fn words_keys_and_comparisons() {
        for (filter, want) in [
            ("", true),
            ("CHAT", true),
            ("-chat", false),
            ("running 70b", true),
            ("running nothing", false),
            ("status=ok", true),
            ("status!=ok", false),
            ("status=run", false),
            ("status~run", true),
            ("name=chat-*", true),
            ("name=*70b*q", true),
            ("name=*70b", false),
            ("gpus>4", true),
            ("gpus>=8 gpus<=8", true),
            ("gpus<8", false),
            ("gpus=8", true),
            ("zone=a", false),
            ("zone!=a", true),
            ("\"chat 70b\"", false),
        ] {
            check(filter, want);
        }
    }

    #[test]
    fn a_filter_that_cannot_hold_says_why() {
        for (filter, want) in [
            ("\"chat", "a quote is not closed in \"chat"),
            ("gpus>many", "gpus is compared with \"many\", which is no number"),
            ("gpus>nan", "gpus is compared with \"nan\", which is no number"),
            ("=ok", "\"=ok\" has no key or no value; write key=value"),
            ("--status!=ok", "\"--status!=ok\" has no key or no value; write key=value"),
        ] {
            assert_eq!(filter.parse::<Filter>().unwrap_err().to_string(), want);
        }
        let unknown = "colour=red".parse::<Filter>().unwrap().check::<Pod>().unwrap_err();
        assert_eq!(unknown.to_string(), "there is no \"colour\" here; the keys are name, status, gpus, zone");
    }

    #[test]
    fn what_is_printed_reads_the_same() {
        for text in ["\"\"", "a \"\" -b", "--", "-\"a b\"", "-a!=b", "a=\"=b c\"", "gpus>=inf gpus<-0"] {
            let filter: Filter = text.parse().unwrap();
            assert_eq!(filter.to_string().parse(), Ok(filter), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_reads_back(text in "[a-z=<>!~ \"*0-9-]{0,24}") {
            if let Ok(filter) = text.parse::<Filter>() {
                prop_assert_eq!(filter.to_string().parse::<Filter>().map(|again| again.matches(&Pod)),
                    Ok(filter.matches(&Pod)));
            }
        }
    }
}
