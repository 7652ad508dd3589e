//! What can be done to an object: each opens a plan, and none does anything by itself.

use super::{asked::Asked, use_plan};
use crate::{
    mirror::{Watched, use_view},
    once::CollectAny,
    parts::{
        button::{Button, Weight},
        show::Show,
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ConnectionId, ObjectRef, ViewSpec,
    plan::{Deed, Intent},
    view::ConnectionsView,
};

/// May something be done to this object: in the window, not in the past, and not to the demo, whose script nobody changes?
#[must_use]
pub fn use_acts_on(object: &ObjectRef) -> Memo<bool> {
    let (state, connections) = (use_state(), use_view(Signal::stored(ViewSpec::Connections)));
    let id = object.connection().clone();
    Memo::new(move |_| state.may_act() && !is_of_demo(connections, &id))
}

/// Is this connection of the demo? Tracks.
#[must_use]
pub fn is_of_demo(connections: Watched, id: &ConnectionId) -> bool {
    connections.connections(|view| is_demo(view, id)).unwrap_or(false)
}

fn is_demo(view: &ConnectionsView, id: &ConnectionId) -> bool {
    view.rows.get(id).is_some_and(|row| row.demo)
}

/// The deeds that an object may be subject to, each with its word and what tests find it by.
#[must_use]
pub fn deeds(object: &ObjectRef) -> Vec<(&'static str, &'static str, Deed)> {
    let undo = ("Go back", "deed-undo", Deed::Undo(None));
    let restart = ("Restart", "deed-restart", Deed::Restart);
    let pause = ("Pause", "deed-pause", Deed::Pause);
    let resume = ("Resume", "deed-resume", Deed::Resume);
    match object {
        ObjectRef::Workload(_, _, kind, _) => match kind.as_str() {
            "Deployment" => vec![undo, restart, pause, resume],
            // What goes back comes first: it is looked for in a hurry.
            "Rollout" => vec![
                ("Abort", "deed-abort", Deed::Abort),
                undo,
                ("Promote", "deed-promote", Deed::Promote),
                ("Promote fully", "deed-promote-fully", Deed::PromoteFully),
                ("Retry", "deed-retry", Deed::Retry),
                pause,
                resume,
                restart,
            ],
            "StatefulSet" | "DaemonSet" | "LeaderWorkerSet" => vec![undo, restart],
            "InferenceService" => vec![
                ("Roll back", "deed-abort", Deed::Abort),
                ("Promote", "deed-promote", Deed::Promote),
                ("Stop", "deed-stop", Deed::Stop),
                ("Start", "deed-start", Deed::Start),
            ],
            "LLMInferenceService" => {
                vec![("Stop", "deed-stop", Deed::Stop), ("Start", "deed-start", Deed::Start)]
            }
            _ => Vec::new(),
        },
        ObjectRef::Node(_) => vec![
            ("Cordon", "deed-cordon", Deed::Cordon),
            ("Uncordon", "deed-uncordon", Deed::Uncordon),
            ("Drain", "deed-drain", Deed::Drain),
        ],
        ObjectRef::Pod(_) => vec![("Delete", "deed-delete", Deed::Delete)],
        ObjectRef::Alert(_) => vec![("Tell of it again", "deed-unsilence", Deed::Unsilence)],
        ObjectRef::Other(other) if ["AnalysisRun", "Experiment"].contains(&other.kind.kind.as_str()) => {
            vec![("Terminate", "deed-terminate", Deed::Terminate)]
        }
        _ => Vec::new(),
    }
}

/// Buttons that open plans, where something may be done.
#[component]
pub fn Deeds(
    /// The object.
    object: ObjectRef,
    /// The class of what holds the buttons.
    class: &'static str,
) -> impl IntoView {
    let (may, door) = (use_acts_on(&object), use_plan());
    let (list, questions) = (deeds(&object), Asked::of(&object));
    let is_shown = !list.is_empty() || !questions.is_empty();
    let object = StoredValue::new(object);
    let list = StoredValue::new(list);
    view! {
        <Show when=move || is_shown && may.get()>
            <div class=class data-test="deeds">
                <div class="buttons">
                    {questions.iter().map(|asked| {
                        let (label, test) = asked.button();
                        view! { <Button label=label on_press=move || door.ask(*asked, object.get_value()) test=test /> }
                    }).collect_any()}
                    {list.get_value().into_iter().map(|(label, test, deed)| {
                        let ends = matches!(deed, Deed::Delete | Deed::Drain);
                        let weight = if ends { Weight::Danger } else { Weight::Plain };
                        let open = move || door.open(Intent { object: object.get_value(), deed: deed.clone() });
                        view! { <Button label=format!("{label}…") on_press=open weight=weight test=test /> }
                    }).collect_any()}
                </div>
            </div>
        </Show>
    }
}
