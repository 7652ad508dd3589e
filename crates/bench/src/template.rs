//! A request by a person's own words: a method, and a body in which places are filled in.

use crate::oip::{Model, Shapes};
use pilothouse_connect::redact_words;
use pilothouse_wire::{Code, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What may stand in a body, between `{{` and `}}`.
const PLACES: [&str; 4] = ["prompt", "model", "max_tokens", "n"];

/// A request in words of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// How it is asked.
    pub method: Method,
    /// The body: `{{prompt}}`, `{{model}}`, `{{max_tokens}}` and `{{n}}` are filled in, in JSON as its strings want it. None
    /// for the usual one of its interface, or none at all.
    pub body: Option<String>,
    /// Where the text of an answer is, as a JSON pointer; none where any answer is one.
    pub answer: Option<String>,
    /// Shapes of tensors that a person states, where the model leaves them open.
    #[serde(default, skip_serializing_if = "Shapes::is_empty")]
    pub shapes: Shapes,
    /// What the model takes, by its metadata and those shapes: its tensors are filled. None until it was asked, and where there
    /// is a body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
}

/// How a request is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// With a body.
    #[default]
    Post,
    /// With a body.
    Put,
    /// Without one.
    Get,
}

/// What is filled in.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// The prompt.
    pub prompt: &'a str,
    /// The model.
    pub model: &'a str,
    /// The most tokens of the answer; `null` where nothing is said.
    pub max_tokens: Option<u32>,
    /// The number of the request.
    pub n: u64,
}

impl Template {
    /// Can it be sent?
    ///
    /// # Errors
    /// If a place of its body is not known, it would not be JSON though it begins so, or there is a secret in it.
    pub fn check(&self) -> Result<(), Problem> {
        let bad = |field: &str, why: String, next: &str| {
            Err(Problem::new(Code::BadInput, format!("{field} cannot be used.")).why(why).next(next))
        };
        if let Some(pointer) = self.answer.as_ref().filter(|pointer| !pointer.starts_with('/')) {
            return bad("answer", format!("{pointer} is no JSON pointer."), "Write it like /choices/0/text.");
        }
        let Some(body) = &self.body else { return Ok(()) };
        if !self.shapes.is_empty() {
            return bad("shape", "A body says its shapes itself.".into(), "Leave out either.");
        }
        if self.method == Method::Get {
            return bad("body", "A GET has none.".into(), "Leave it out, or give --method POST.");
        }
        if redact_words(body) != *body {
            return bad(
                "body",
                "There is a secret in it, which would be kept.".into(),
                "Give the key by --key-env or --key-file.",
            );
        }
        if let Some(place) = places(body).find(|place| !PLACES.contains(place)) {
            let known = PLACES.map(|place| format!("{{{{{place}}}}}")).join(", ");
            return bad("body", format!("Nobody knows what {{{{{place}}}}} is."), &format!("There are {known}."));
        }
        let filled = fill(body, Filling { prompt: "a \"b\"\n", model: "m", max_tokens: Some(1), n: 0 });
        match is_json(body).then(|| serde_json::from_str::<Value>(&filled)) {
            Some(Err(error)) => {
                bad("body", format!("It is no JSON: {error}."), "Put {{prompt}} between quotes, and numbers without.")
            }
            _ => Ok(()),
        }
    }
}

/// The body with its places filled in.
#[must_use]
pub fn fill(body: &str, with: Filling<'_>) -> String {
    let escaped = |text: &str| match is_json(body) {
        // Without the quotes around it: those are the body's.
        true => Value::from(text).to_string().trim_matches('"').to_owned(),
        false => text.to_owned(),
    };
    let mut filled = String::with_capacity(body.len() + with.prompt.len());
    let mut rest = body;
    while let Some((before, place, behind)) = next(rest) {
        filled.push_str(before);
        match place {
            "prompt" => filled.push_str(&inside(with.prompt, &escaped)),
            "model" => filled.push_str(&inside(with.model, &escaped)),
            "max_tokens" => {
                filled.push_str(&with.max_tokens.map_or_else(|| "null".to_owned(), |most| most.to_string()))
            }
            "n" => filled.push_str(&with.n.to_string()),
            // A plan with another place is not run.
            _ => {}
        }
        rest = behind;
    }
    filled + rest
}

/// Quotes at the ends of a text are its own, and stay.
fn inside(text: &str, escaped: &impl Fn(&str) -> String) -> String {
    let whole = escaped(&format!("x{text}x"));
    whole[1..whole.len() - 1].to_owned()
}

fn is_json(body: &str) -> bool {
    body.trim_start().starts_with(['{', '['])
}

/// What stands before the next place, the place, and what stands behind it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (place, behind) = rest.split_once("}}")?;
    // Of `{{{prompt}}` the inner braces are the place's; JSON has objects in objects.
    let is_word =
        |place: &str| !place.trim().is_empty() && place.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_word(place) {
        return Some((before, place.trim(), behind));
    }
    let skip = before.len() + 1;
    let (more, place, behind) = next(&text[skip..])?;
    Some((&text[..skip + more.len()], place, behind))
}

fn places(body: &str) -> impl Iterator<Item = &str> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let (_, place, behind) = next(rest)?;
        rest = behind;
        Some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filling(prompt: &str) -> Filling<'_> {
        Filling { prompt, model: "m", max_tokens: Some(7), n: 3 }
    }

    #[test]
    fn places_are_filled_in_as_json_wants_it() {
        for (body, want) in [
            (r#"{"q":"{{prompt}}","m":"{{model}}"}"#, r#"{"q":"say \"a\"\n","m":"m"}"#),
            (r#"{"a":{"b":{{max_tokens}}}}"#, r#"{"a":{"b":7}}"#),
            (r#"{"a":[{"n":{{ n }}}]}"#, r#"{"a":[{"n":3}]}"#),
            ("prompt={{prompt}}", "prompt=say \"a\"\n"),
            ("{}", "{}"),
        ] {
            assert_eq!(fill(body, filling("say \"a\"\n")), want);
        }
        assert_eq!(fill("{\"m\":{{max_tokens}}}", Filling { max_tokens: None, ..filling("") }), "{\"m\":null}");
    }

    #[test]
    fn what_cannot_be_sent_is_said() {
        let of = |body: &str| Template { body: Some(body.into()), ..Template::default() };
        for (template, want) in [
            (of("{\"a\":\"{{promt}}\"}"), "Nobody knows what {{promt}} is."),
            (of("{\"a\":{{prompt}}}"), "It is no JSON"),
            (of("{\"authorization\":\"Bearer abcdefghijklmnop\"}"), "There is a secret in it"),
            (Template { method: Method::Get, ..of("x") }, "A GET has none."),
            (Template { answer: Some("choices".into()), ..Template::default() }, "is no JSON pointer"),
        ] {
            let why = template.check().unwrap_err().why.unwrap_or_default();
            assert!(why.contains(want), "{want}: {why}");
        }
        assert_eq!(of("{\"a\":\"{{prompt}}\",\"n\":{{max_tokens}}}").check(), Ok(()));
        assert_eq!(Template::default().check(), Ok(()));
    }

    proptest! {
        #[test]
        fn whatever_the_prompt_is_the_body_is_json_with_it(prompt in ".{0,40}") {
            let filled = fill(r#"{"q":"{{prompt}}","n":[{{n}}]}"#, filling(&prompt));
            let value: Value = serde_json::from_str(&filled).unwrap();
            prop_assert_eq!(value["q"].as_str(), Some(prompt.as_str()));
        }

        #[test]
        fn whatever_the_body_is_nothing_breaks(body in "[{}a-z\" ]{0,30}") {
            let template = Template { body: Some(body.clone()), ..Template::default() };
            let _ = template.check();
            let _ = fill(&body, filling("x"));
        }
    }
}
