//! What persons put on the ribbon, and what a run recalls of those before it: of no source, and no reason to have one.

use crate::{
    fact::{ActedFact, Fact, NoteFact},
    touched::Touched,
    world::World,
};
use pilothouse_wire::{
    Stamp,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};

pub(super) fn is_of_persons(fact: &Fact) -> bool {
    matches!(fact, Fact::Note(_) | Fact::NoteGone(..) | Fact::Recalled(_) | Fact::Acted(_))
}

pub(super) fn apply(world: &mut World, facts: Vec<Fact>, seen: Stamp) -> Touched {
    let touched = Touched { ribbon: !facts.is_empty(), ..Touched::default() };
    for fact in facts {
        match fact {
            Fact::Note(note) => world.mark(noted(*note, seen)),
            Fact::NoteGone(at, object) => {
                world.marks.remove(&MarkKey { at, object, kind: MarkKind::Bookmark });
            }
            // They keep the time at which they were heard: what was known then is still told.
            Fact::Recalled(marks) => marks.into_iter().for_each(|mark| world.mark(mark)),
            Fact::Acted(acted) => world.mark(done(*acted, seen)),
            _ => {}
        }
    }
    touched
}

fn noted(note: NoteFact, heard: Stamp) -> Mark {
    let key = MarkKey { at: note.at, object: note.object, kind: MarkKind::Bookmark };
    Mark { title: note.text, status: Status::Unknown, heard, ..Mark::of(key) }
}

fn done(acted: ActedFact, heard: Stamp) -> Mark {
    let ActedFact { at, object, title, by, outcome, status } = acted;
    let key = MarkKey { at, object, kind: MarkKind::Acted };
    Mark { title, detail: Some(outcome), status, by: Some(by), heard, ..Mark::of(key) }
}
