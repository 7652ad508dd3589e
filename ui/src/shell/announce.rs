//! What is read out by itself: that a connection changed how it is. Never a tick.

use crate::{
    link::{Phase, use_link},
    mirror::Watched,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{ConnectionId, Freshness, frame::SourceState, units::visible};

/// What was heard last of each source, and the sentence about what changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Spoken {
    known: Vec<(ConnectionId, Freshness)>,
    polite: String,
    urgent: String,
}

/// The live regions.
#[component]
pub fn Announcer(
    /// The view whose sources are spoken of.
    watched: Watched,
) -> impl IntoView {
    let link = use_link();
    let state = use_state();
    let spoken = Memo::new(move |before: Option<&Spoken>| match before {
        // What differs in the past is no news.
        Some(before) if state.is_past() => before.clone(),
        before => speak(before, &watched.sources()),
    });
    let cut = move || matches!(link.phase(), Phase::Lost { .. }).then_some("The link to the engine is lost.");
    view! {
        <div class="unseen" role="status" aria-live="polite">{move || spoken.with(|spoken| spoken.polite.clone())}</div>
        <div class="unseen" role="alert" aria-live="assertive">
            {move || spoken.with(|spoken| spoken.urgent.clone())}
            {move || cut()}
        </div>
    }
}

fn speak(before: Option<&Spoken>, sources: &[SourceState]) -> Spoken {
    let known = sources.iter().map(|source| (source.id.clone(), source.freshness)).collect::<Vec<_>>();
    let Some(before) = before.filter(|before| !before.known.is_empty()) else {
        return Spoken { known, ..Spoken::default() };
    };
    let was = |id: &ConnectionId| before.known.iter().find(|(known, _)| known == id).map(|(_, freshness)| *freshness);
    let changed = |urgent: bool| -> Vec<String> {
        let news = sources.iter().filter(|source| {
            let worth_saying = was(&source.id).is_some_and(|was| spoken_of(was) != spoken_of(source.freshness));
            worth_saying && (source.freshness == Freshness::Lost) == urgent
        });
        news.map(|source| format!("{} is {}.", visible(&source.name), source.freshness.word())).collect()
    };
    let (polite, urgent) = (changed(false), changed(true));
    if polite.is_empty() && urgent.is_empty() {
        // The old sentence stays: changing it would be read out.
        return Spoken { known, ..before.clone() };
    }
    Spoken { known, polite: polite.join(" "), urgent: urgent.join(" ") }
}

/// Live and slow alternate often and mean the same to somebody who listens.
fn spoken_of(freshness: Freshness) -> Freshness {
    if freshness == Freshness::Slow { Freshness::Live } else { freshness }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(freshness: Freshness) -> SourceState {
        let id = ConnectionId::slug("ord");
        SourceState { id, name: "ord".into(), demo: false, freshness, heard: None, note: None }
    }

    #[test]
    fn only_changes_are_spoken_and_a_loss_is_urgent() {
        let first = speak(None, &[source(Freshness::Live)]);
        assert_eq!((first.polite.as_str(), first.urgent.as_str()), ("", ""));
        let slow = speak(Some(&first), &[source(Freshness::Slow)]);
        assert_eq!(slow.polite, "");
        let lost = speak(Some(&slow), &[source(Freshness::Lost)]);
        assert_eq!((lost.polite.as_str(), lost.urgent.as_str()), ("", "ord is lost."));
        let back = speak(Some(&lost), &[source(Freshness::Live)]);
        assert_eq!((back.polite.as_str(), back.urgent.as_str()), ("ord is live.", ""));
    }
}
