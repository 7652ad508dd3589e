//! A field of a foreign document with the way to it, so that what cannot be used is named by where it stands.

use super::LONGEST;
use serde_json::Value;

/// Why a field cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The way to it: `time_to_first_token.p50`.
    pub path: String,
    /// What is wrong, as the end of a sentence.
    pub why: String,
}

/// No figure of a benchmark is larger.
const LARGEST: f64 = 1e15;

/// A field.
#[derive(Clone)]
pub struct Field<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Field<'a> {
    /// The whole document.
    pub fn root(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    /// The field of this name; none where it is not there, or null.
    pub fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Some(Self { value, path })
    }

    /// The field at the end of this way; none where a part of it is not there.
    pub fn at(&self, way: &[&str]) -> Option<Self> {
        way.iter().try_fold(self.clone(), |field, name| field.get(name))
    }

    /// The same, which must be there.
    ///
    /// # Errors
    /// If it is not.
    pub fn need(&self, name: &str) -> Result<Self, Wrong> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        self.get(name).ok_or_else(|| Wrong { path, why: "is missing".into() })
    }

    /// The items of a list.
    ///
    /// # Errors
    /// If it is none.
    pub fn items(&self) -> Result<Vec<Self>, Wrong> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("is no list"))?;
        let item = |(at, value)| Self { value, path: format!("{}[{at}]", self.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// A number that a benchmark may measure: 0 or more.
    ///
    /// # Errors
    /// If it is none.
    pub fn number(&self) -> Result<f64, Wrong> {
        let number = self.value.as_f64().ok_or_else(|| self.wrong("is no number"))?;
        match (0.0..=LARGEST).contains(&number) {
            true => Ok(number),
            false => Err(self.wrong(&format!("is {number}, which nothing measures"))),
        }
    }

    /// A number of things.
    ///
    /// # Errors
    /// If it is none.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and between 0 and a bound")]
    pub fn count(&self) -> Result<u64, Wrong> {
        let number = self.number()?;
        match number.fract() == 0.0 {
            true => Ok(number as u64),
            false => Err(self.wrong(&format!("is {number}, which is no number of things"))),
        }
    }

    /// A text, the begin of a long one; none of what is no text.
    pub fn text(&self) -> Option<String> {
        self.value.as_str().map(|text| text.chars().take(LONGEST).collect())
    }

    /// What is wrong with it.
    pub fn wrong(&self, why: &str) -> Wrong {
        let path = if self.path.is_empty() { "the whole".to_owned() } else { self.path.clone() };
        Wrong { path, why: why.to_owned() }
    }
}
