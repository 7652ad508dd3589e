//! Namespaces into facts.

use super::some;
use crate::slim::Namespace;
use pilothouse_world::fact::NamespaceFact;

/// What a namespace says of itself; `None` for one without a name.
#[must_use]
pub fn facts_of_namespace(namespace: Namespace) -> Option<NamespaceFact> {
    let meta = namespace.metadata.unwrap_or_default();
    let terminating = namespace.status.is_some_and(|status| status.phase == "Terminating");
    Some(NamespaceFact { name: some(&meta.name)?, terminating })
}
