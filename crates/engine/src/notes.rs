//! Persons' notes on the ribbon, and what a run recalls of those before it.

use crate::{input::Input, past::Worlds};
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{Act, Code, Problem, Stamp, view::ribbon::MarkKey};
use pilothouse_world::{Batch, Extent, Fact, fact::NoteFact};
use std::time::Duration;
use tokio::sync::mpsc;

/// The longest note: it is a line on the ribbon.
const LONGEST: usize = 500;
/// How far back a run recalls: as far as the ribbon reaches.
const RECALLED: Duration = Duration::from_secs(7 * 86_400);
/// Changes of earlier runs that a run recalls, the most important ones.
const MOST_RECALLED: usize = 2_000;

/// The fact that an act about notes comes to; nothing for any other act.
pub(crate) fn fact_of(act: &Act) -> Option<Result<Fact, Problem>> {
    match act {
        Act::Note { at, object, text } => {
            let text = text.trim();
            if text.is_empty() {
                return Some(Err(Problem::new(Code::BadInput, "The note is empty.").next("Write a few words.")));
            }
            let length = text.chars().count();
            if length > LONGEST {
                return Some(Err(Problem::new(Code::BadInput, "The note is too long.")
                    .why(format!("It has {length} characters; {LONGEST} have room."))
                    .next("Shorten it.")));
            }
            let object = object.clone().unwrap_or_else(NoteFact::about_nothing);
            Some(Ok(Fact::Note(Box::new(NoteFact { at: *at, object, text: text.to_owned() }))))
        }
        Act::RemoveNote(MarkKey { at, object, .. }) => Some(Ok(Fact::NoteGone(*at, object.clone()))),
        _ => None,
    }
}

/// A fact of a person as a batch.
pub(crate) fn batch(facts: Vec<Fact>, seen_at: Stamp) -> Batch {
    Batch { source: NoteFact::source(), seen_at, extent: Extent::Delta, facts }
}

/// Reads what earlier runs had on their ribbon, beside the loop: nothing waits for it.
pub(crate) fn recall(worlds: Worlds, journal: JournalReader, began: Stamp, inputs: mpsc::Sender<Input>) {
    tokio::spawn(async move {
        let before = began.minus(Duration::from_millis(1));
        // Without a record of earlier runs there is nothing to recall.
        let Ok(then) = worlds.at(Some(journal), before, began).await else { return };
        let marks = then.world.worth_recalling(began.minus(RECALLED), MOST_RECALLED);
        drop(then);
        if !marks.is_empty() {
            let _ = inputs.send(Input::Recalled(marks)).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_words_and_not_too_many() {
        let note = |text: &str| fact_of(&Act::Note { at: Stamp(1), object: None, text: text.into() });
        let text = |fact: Option<Result<Fact, Problem>>| match fact {
            Some(Ok(Fact::Note(note))) => Ok(note.text),
            Some(Err(problem)) => Err(problem.what),
            other => Err(format!("{other:?}")),
        };
        assert_eq!(text(note("  it began here ")), Ok("it began here".into()));
        assert_eq!(text(note(" ")), Err("The note is empty.".into()));
        assert_eq!(text(note(&"x".repeat(501))), Err("The note is too long.".into()));
        assert_eq!(fact_of(&Act::UnlockVault(pilothouse_wire::form::SecretInput(String::new()))), None);
    }
}
