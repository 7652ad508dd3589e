//! Where a person is among the models, as it stands in the address: a model, one version of it, or two side by side.

use pilothouse_wire::{ModelId, ObjectRef};
use std::fmt;

/// A place among the models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The model.
    pub model: ModelId,
    /// What of it is shown.
    pub versions: Versions,
}

/// Which versions are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// The newest.
    Newest,
    /// This one.
    One(u64),
    /// These two, side by side.
    Two(u64, u64),
}

impl Place {
    /// A model with its newest version.
    #[must_use]
    pub fn of(model: ModelId) -> Self {
        Self { model, versions: Versions::Newest }
    }

    /// The same model with other versions.
    #[must_use]
    pub fn with(&self, versions: Versions) -> Self {
        Self { model: self.model.clone(), versions }
    }

    /// Reads what it prints: `REGISTRY/MODEL`, `REGISTRY/MODEL/3`, `REGISTRY/MODEL/2..3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '/');
        let (registry, name, versions) = (parts.next()?, parts.next()?, parts.next());
        let Ok(ObjectRef::Model(model)) = format!("model:{registry}/{name}").parse() else { return None };
        let versions = match versions {
            None => Versions::Newest,
            Some(text) => match text.split_once("..") {
                None => Versions::One(text.parse().ok()?),
                Some((a, b)) => Versions::Two(a.parse().ok()?, b.parse().ok()?),
            },
        };
        Some(Self { model: *model, versions })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = ObjectRef::Model(Box::new(self.model.clone())).to_string();
        f.write_str(object.strip_prefix("model:").unwrap_or(&object))?;
        match self.versions {
            Versions::Newest => Ok(()),
            Versions::One(number) => write!(f, "/{number}"),
            Versions::Two(a, b) => write!(f, "/{a}..{b}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::ConnectionId;

    #[test]
    fn a_place_reads_back_from_what_it_prints() {
        let model = ModelId { source: ConnectionId::slug("registry"), name: "a/b%".into() };
        for versions in [Versions::Newest, Versions::One(3), Versions::Two(2, 3)] {
            let place = Place { model: model.clone(), versions };
            assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
        assert_eq!(Place::parse("registry/chat/2..3").unwrap().to_string(), "registry/chat/2..3");
    }

    #[test]
    fn what_is_no_place_is_none() {
        for text in ["", "registry", "registry/", "registry/chat/x", "registry/chat/1..", "registry/chat/1/2"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
