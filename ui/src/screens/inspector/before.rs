//! What is not there at the time that is shown: when it was, and the way to that time.

use crate::{link::use_link, parts::button::Button, shell::ribbon::known, state::use_state};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Body, ObjectRef, Stamp, View, ViewSpec, When,
    view::{Mark, MarkKind, ObjectView},
};
use std::time::Duration;

/// Goes to a time at which it is there.
#[component]
pub fn AsItWas(at: Stamp) -> impl IntoView {
    let state = use_state();
    view! {
        <Button
            label=format!("Show it as it was at {}", at.clock())
            on_press=move || state.go_when(When::At(at))
            test="inspector-as-it-was"
        />
    }
}

/// Of what is gone: a time at which it was still there.
pub fn last_seen(object: &ObjectView) -> Option<Stamp> {
    let last = object.changes.rows().iter().max_by_key(|mark| mark.key.at).filter(|_| !object.exists)?;
    let before = u64::from(matches!(last.key.kind, MarkKind::PodGone | MarkKind::NodeWent));
    Some(last.key.at.min(last.heard).minus(Duration::from_secs(before)))
}

/// Of what was not there yet: when it was first. The ribbon is not of the time that is shown, and leads to what came later, too.
fn first_seen<'a>(changes: impl IntoIterator<Item = &'a Mark>, shown: Stamp) -> Option<Stamp> {
    let later = changes.into_iter().map(known::seen_at).filter(|at| *at > shown);
    // Its time is in whole seconds, and what it did is there a moment after.
    later.min().map(|at| at.plus(Duration::from_secs(1)))
}

/// What a time of the past does not know.
#[component]
pub fn NotThen(object: ObjectRef, shown: Stamp) -> impl IntoView {
    let found = RwSignal::new(None::<Stamp>);
    let ask = Ask::Frame { spec: ViewSpec::Object(object), when: When::Now };
    use_link().ask_then(ask, move |answer| {
        if let Ok(Answer::Frame(frame)) = answer
            && let Body::Full(View::Object(Some(now))) = frame.body
        {
            found.try_set(first_seen(now.changes.rows(), shown));
        }
    });
    let said = format!("Nothing was known of it at {} UTC. It may not have been there yet.", shown.clock());
    view! {
        <div class="section" data-test="inspector-not-then">
            <p class="strong">"It is not there at this time"</p>
            <p class="soft">{said}</p>
            {move || found.get().map(|at| view! { <AsItWas at=at /> })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::view::ribbon::MarkKey;

    fn mark(second: i64, kind: MarkKind) -> Mark {
        let at = Stamp(second * 1_000);
        Mark { heard: at, ..Mark::of(MarkKey { at, object: "pod:iad/n/a".parse().unwrap(), kind }) }
    }

    #[test]
    fn what_was_not_there_yet_is_shown_at_the_first_of_its_changes_that_follows() {
        let marks = [mark(10, MarkKind::PodPlaced), mark(20, MarkKind::Condition), mark(30, MarkKind::PodGone)];
        let first = |shown: i64| first_seen(&marks, Stamp(shown * 1_000)).map(|at| at.0 / 1_000);
        assert_eq!([5, 10, 15, 30, 40].map(first), [Some(11), Some(21), Some(21), None, None]);
    }
}
