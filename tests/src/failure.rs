//! The one error of the harness: a sentence on what could not be done and, after it, why.

use std::error::Error;
use std::fmt;

/// What the harness could not do, in words for the person who reads a failed test.
pub struct Failure(String);

/// The result of everything that the harness does.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure that has no other error below it.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// A test that returns `Err` prints its Debug: keep the sentence readable there too.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}

/// Puts what was tried in front of an error.
pub trait Context<T> {
    /// `what` completes "could not …".
    fn could_not(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: Error> Context<T> for std::result::Result<T, E> {
    fn could_not(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure(format!("could not {what}: {}", with_sources(&error))))
    }
}

fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(source) = below {
        let cause = source.to_string();
        // Many errors already print their source.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        below = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_chain_is_said_once() {
        let inner: std::result::Result<(), _> = Err(Failure::new("the disk is full"));
        let outer = inner.could_not("write the log");
        assert_eq!(outer.err().map(|e| e.to_string()).as_deref(), Some("could not write the log: the disk is full"));
    }
}
