//! What a filled-in form means: what is missing, which field a problem names, and the draft that is sent. Pure.

use pilothouse_wire::{
    Problem,
    form::{Draft, Field, Input, KindForm, SecretInput},
    units::lower,
};
use std::collections::BTreeMap;

/// The key under which the name of a connection stands in [`Filled::errors`]: no field of a kind has it.
pub const NAME: &str = "name";

/// What a person has filled in so far. Secrets are held here until they are sent and nowhere else.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// Name for people.
    pub name: String,
    /// Values by key.
    pub values: BTreeMap<String, String>,
    /// Secrets by key.
    pub secrets: BTreeMap<String, String>,
}

impl std::fmt::Debug for Filled {
    /// Without the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filled").field("name", &self.name).field("values", &self.values).finish_non_exhaustive()
    }
}

impl Filled {
    /// What is missing, by key, as sentences. Secrets that are set already need not be given again.
    #[must_use]
    pub fn errors(&self, form: &KindForm, secrets_set: &[String]) -> BTreeMap<String, String> {
        let mut errors = BTreeMap::new();
        if self.name.trim().is_empty() {
            errors.insert(NAME.to_owned(), "A connection needs a name.".to_owned());
        }
        for field in form.fields.iter().filter(|field| field.required) {
            let given = match field.input {
                Input::Secret => {
                    secrets_set.contains(&field.key)
                        || self.secrets.get(&field.key).is_some_and(|text| !text.is_empty())
                }
                Input::Toggle => true,
                Input::Text { .. } | Input::Choice(_) => {
                    self.values.get(&field.key).is_some_and(|text| !text.trim().is_empty())
                }
            };
            if !given {
                errors.insert(field.key.clone(), format!("{} is needed.", field.label));
            }
        }
        errors
    }

    /// The draft that is sent: without what is empty, and without what is no field of the kind.
    #[must_use]
    pub fn draft(&self, form: &KindForm) -> Draft {
        let value = |field: &Field| {
            let text = self.values.get(&field.key)?.trim();
            let keep = match field.input {
                Input::Secret => false,
                Input::Toggle => text == "true",
                Input::Text { .. } | Input::Choice(_) => !text.is_empty(),
            };
            keep.then(|| (field.key.clone(), text.to_owned()))
        };
        Draft {
            kind: form.id.clone(),
            name: self.name.trim().to_owned(),
            values: form.fields.iter().filter_map(value).collect(),
        }
    }

    /// The secrets that are sent: those that were typed.
    #[must_use]
    pub fn secrets(&self, form: &KindForm) -> Vec<(String, SecretInput)> {
        let typed = form.fields.iter().filter(|field| field.input == Input::Secret).filter_map(|field| {
            let text = self.secrets.get(&field.key).filter(|text| !text.is_empty())?;
            Some((field.key.clone(), SecretInput(text.clone())))
        });
        typed.collect()
    }

    /// Takes over what the fields of another kind have, too; choices get their first value.
    pub fn fit(&mut self, form: &KindForm) {
        for field in &form.fields {
            if let Input::Choice(choices) = &field.input
                && let Some(first) = choices.first()
            {
                self.values.entry(field.key.clone()).or_insert_with(|| first.clone());
            }
        }
    }
}

/// The field that a problem is about: the first whose key or label stands in what went wrong.
#[must_use]
pub fn field_of<'a>(form: &'a KindForm, problem: &Problem) -> Option<&'a str> {
    if problem.code != pilothouse_wire::Code::BadInput {
        return None;
    }
    let words = lower(&problem.what);
    let named =
        |field: &&Field| words.contains(&format!("\"{}\"", lower(&field.key))) || words.contains(&lower(&field.label));
    form.fields.iter().find(named).map(|field| field.key.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::Code;

    fn form() -> KindForm {
        let field = |key: &str, label: &str, input, required| Field {
            key: key.into(),
            label: label.into(),
            help: String::new(),
            input,
            required,
        };
        KindForm {
            id: "prometheus".into(),
            name: "Prometheus".into(),
            summary: String::new(),
            fields: vec![
                field("url", "Server address", Input::Text { example: "https://…".into() }, true),
                field("auth", "Signs in by", Input::Choice(vec!["nothing".into(), "token".into()]), true),
                field("insecure", "Skip TLS checks", Input::Toggle, false),
                field("token", "Access token", Input::Secret, true),
            ],
            permissions: vec![],
        }
    }

    fn filled() -> Filled {
        let mut filled = Filled { name: " prom ".into(), ..Filled::default() };
        filled.fit(&form());
        filled.values.insert("url".into(), " https://p:9090 ".into());
        filled.values.insert("insecure".into(), "false".into());
        filled.values.insert("other".into(), "of another kind".into());
        filled.secrets.insert("token".into(), "s3cret".into());
        filled
    }

    #[test]
    fn what_is_missing_is_named_at_its_field() {
        let errors = Filled::default().errors(&form(), &[]);
        let keys: Vec<&str> = errors.keys().map(String::as_str).collect();
        assert_eq!(keys, ["auth", "name", "token", "url"]);
        assert_eq!(errors["url"], "Server address is needed.");
        assert!(filled().errors(&form(), &[]).is_empty());
    }

    #[test]
    fn a_secret_that_is_set_need_not_be_given_again() {
        let mut filled = filled();
        filled.secrets.clear();
        assert_eq!(filled.errors(&form(), &[]).len(), 1);
        assert!(filled.errors(&form(), &["token".into()]).is_empty());
        assert!(filled.secrets(&form()).is_empty());
    }

    #[test]
    fn a_draft_holds_what_was_given_and_no_secret() {
        let draft = filled().draft(&form());
        let values: Vec<(&str, &str)> =
            draft.values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!((draft.name.as_str(), values), ("prom", vec![("auth", "nothing"), ("url", "https://p:9090")]));
        assert_eq!(filled().secrets(&form()), [("token".to_owned(), SecretInput("s3cret".into()))]);
        assert!(!format!("{:?}", filled()).contains("s3cret"));
    }

    #[test]
    fn a_problem_is_shown_at_the_field_that_it_names() {
        let bad = |what: &str| Problem::new(Code::BadInput, what);
        assert_eq!(field_of(&form(), &bad("The server address has no host.")), Some("url"));
        assert_eq!(field_of(&form(), &bad("\"auth\" must be one of: nothing, token.")), Some("auth"));
        assert_eq!(field_of(&form(), &bad("Something else.")), None);
        assert_eq!(field_of(&form(), &Problem::new(Code::Refused, "Server address refused")), None);
    }
}
