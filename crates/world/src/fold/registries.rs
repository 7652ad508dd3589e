//! What a registry holds into the world, and the marks of tags that moved.

use super::Fold;
use crate::{fact::RegistryFact, registry::Moved};
use pilothouse_wire::{
    ObjectRef, TagId,
    artifact::short_digest,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};

impl Fold<'_> {
    pub(super) fn registry(&mut self, fact: RegistryFact) {
        let Some(moved) = self.source.registry.take(fact, self.seen) else { return };
        self.touched.artifacts = true;
        for Moved { repository, tag, from, to } in moved {
            let title = format!("{repository}:{tag} moved");
            let detail = Some(format!("{} → {}", short_digest(&from), short_digest(&to)));
            let object = ObjectRef::Tag(Box::new(TagId { source: self.id.clone(), repository, tag }));
            // A registry keeps no time of it: it stands where it was seen.
            let key = MarkKey { at: self.seen, object, kind: MarkKind::TagMoved };
            self.marks.push(Mark { title, detail, status: Status::Progress, ..Mark::of(key) });
        }
    }
}
