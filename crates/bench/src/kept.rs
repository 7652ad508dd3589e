//! What may be kept: a run, a comparison, what another tool measured, or a search. Each says in its first words what it is.

use crate::{compare, import, result, search};
use pilothouse_wire::{Code, Problem, Stamp};
use serde::{Deserialize, Serialize};

/// Something that is kept.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Kept {
    /// A run.
    Run(Box<result::Document>),
    /// A comparison.
    Comparison(Box<compare::Document>),
    /// What another tool measured.
    Imported(Box<import::Document>),
    /// A search for the most load, or a sweep.
    Search(Box<search::Document>),
}

#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Kept {
    /// Reads one.
    ///
    /// # Errors
    /// If it is none, or of a newer version.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let none = |why: String| Problem::new(Code::BadInput, "This is nothing that Pilothouse has kept.").why(why);
        let head: Head = serde_json::from_slice(bytes).map_err(|error| none(format!("{error}.")))?;
        let newest = match head.format.as_str() {
            result::FORMAT => result::VERSION,
            compare::FORMAT => compare::VERSION,
            import::FORMAT => import::VERSION,
            search::FORMAT => search::VERSION,
            _ => return Err(none("It calls itself something else.".into())),
        };
        if head.version != newest {
            return Err(none(format!("It is of version {}, and {newest} can be read.", head.version))
                .next("Read it with the Pilothouse that wrote it."));
        }
        let broken = |error: serde_json::Error| none(format!("{error}."));
        Ok(match head.format.as_str() {
            compare::FORMAT => Self::Comparison(serde_json::from_slice(bytes).map_err(broken)?),
            import::FORMAT => Self::Imported(serde_json::from_slice(bytes).map_err(broken)?),
            search::FORMAT => Self::Search(serde_json::from_slice(bytes).map_err(broken)?),
            _ => Self::Run(serde_json::from_slice(bytes).map_err(broken)?),
        })
    }

    /// What it is called.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Run(document) => &document.id,
            Self::Comparison(document) => &document.id,
            Self::Imported(document) => &document.id,
            Self::Search(document) => &document.id,
        }
    }

    /// When it began.
    #[must_use]
    pub fn began(&self) -> Stamp {
        match self {
            Self::Run(document) => document.began,
            Self::Comparison(document) => document.began,
            Self::Imported(document) => document.imported,
            Self::Search(document) => document.began,
        }
    }

    /// What it is, in a word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Comparison(_) => "comparison",
            Self::Imported(_) => "imported",
            Self::Search(_) => "search",
        }
    }

    /// What there is to say of it.
    #[must_use]
    pub fn page(&self) -> crate::page::Page {
        match self {
            Self::Run(document) => crate::told::page(document),
            Self::Comparison(document) => compare::page(document),
            Self::Imported(document) => import::page(document),
            Self::Search(document) => search::page(document),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{environment::Environment, plan::tests::plan};

    #[test]
    fn each_kind_reads_back_as_what_it_is() {
        let run = result::Document::begun("a".into(), plan(), Environment::default(), Stamp(1), "a.jsonl".into());
        let comparison = compare::tests::document(6, |_, _| 100.0);
        for (text, kind, id) in [
            (serde_json::to_string(&run).unwrap(), "run", "a"),
            (serde_json::to_string(&comparison).unwrap(), "comparison", "cmp"),
        ] {
            let kept = Kept::read(text.as_bytes()).unwrap();
            assert_eq!((kept.kind(), kept.id()), (kind, id));
            let newer = text.replacen("\"version\":1", "\"version\":9", 1);
            assert!(Kept::read(newer.as_bytes()).unwrap_err().to_string().contains("version 9"));
        }
        for bad in
            ["", "{}", "[]", "{\"format\":\"other\",\"version\":1}", "{\"format\":\"pilothouse-bench\",\"version\":1}"]
        {
            assert!(Kept::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
