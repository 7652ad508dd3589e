//! What can be done to an object: each opens a plan, and none does anything by itself.

use super::use_plan;
use crate::{
    keys::Command,
    parts::{
        button::{Button, Weight},
        form::{dialog::Titled, line::Line},
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ObjectRef,
    plan::{Deed, Intent},
};
use std::time::Duration;

/// How long an alert is silenced by a press: long enough to look into it, and told again before a shift is over.
const SILENCE: Duration = Duration::from_secs(2 * 3_600);

/// The deeds that an object may be subject to, each with its word and what tests find it by.
fn deeds(object: &ObjectRef) -> Vec<(&'static str, &'static str, Deed)> {
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
            _ => Vec::new(),
        },
        ObjectRef::Node(_) => vec![
            ("Cordon", "deed-cordon", Deed::Cordon),
            ("Uncordon", "deed-uncordon", Deed::Uncordon),
            ("Drain", "deed-drain", Deed::Drain),
        ],
        ObjectRef::Pod(_) => vec![("Delete", "deed-delete", Deed::Delete)],
        ObjectRef::Alert(_) => vec![
            ("Silence for 2 h", "deed-silence", Deed::Silence(SILENCE)),
            ("Tell of it again", "deed-unsilence", Deed::Unsilence),
        ],
        ObjectRef::Other(other) if ["AnalysisRun", "Experiment"].contains(&other.kind.kind.as_str()) => {
            vec![("Terminate", "deed-terminate", Deed::Terminate)]
        }
        _ => Vec::new(),
    }
}

fn is_scaled(object: &ObjectRef) -> bool {
    matches!(object, ObjectRef::Workload(_, _, kind, _) if ["Deployment", "StatefulSet", "Rollout", "LeaderWorkerSet"].contains(&kind.as_str()))
}

/// Buttons that open plans, where something may be done: in the window, and not in the past.
#[component]
pub fn Deeds(
    /// The object.
    object: ObjectRef,
    /// The class of what holds the buttons.
    class: &'static str,
) -> impl IntoView {
    let (state, door) = (use_state(), use_plan());
    let (list, scaled) = (deeds(&object), is_scaled(&object));
    let scaling = RwSignal::new(false);
    let is_shown = !list.is_empty();
    let for_scale = object.clone();
    let object = StoredValue::new(object);
    let list = StoredValue::new(list);
    view! {
        <Show when=move || is_shown && state.may_act() && !state.is_past()>
            <div class=class data-test="deeds">
                <div class="buttons">
                    <Show when=move || scaled>
                        <Button label="Scale…" on_press=move || scaling.set(true) test="deed-scale" />
                    </Show>
                    {list.get_value().into_iter().map(|(label, test, deed)| {
                        let ends = matches!(deed, Deed::Delete | Deed::Drain);
                        let weight = if ends { Weight::Danger } else { Weight::Plain };
                        let open = move || door.open(Intent { object: object.get_value(), deed: deed.clone() });
                        view! { <Button label=format!("{label}…") on_press=open weight=weight test=test /> }
                    }).collect_view()}
                </div>
            </div>
        </Show>
        <Show when=move || scaling.get()>
            <Scale object=for_scale.clone() on_close=Callback::new(move |()| scaling.set(false)) />
        </Show>
    }
}

#[component]
fn Scale(object: ObjectRef, on_close: Callback<()>) -> impl IntoView {
    let door = use_plan();
    let text = RwSignal::new(String::new());
    let number = move || text.with(|text| text.trim().parse::<u32>().ok());
    let blocked = Signal::derive(move || number().is_none().then(|| "give a number of pods".to_owned()));
    let plan = move || {
        if let Some(to) = untrack(number) {
            on_close.run(());
            door.open(Intent { object: object.clone(), deed: Deed::Scale(to) });
        }
    };
    let on_enter = plan.clone();
    view! {
        <Titled label="Scale" title="Scale to how many pods?" on_close=on_close test="scale">
            <div class="dialog-body stack">
                <Line id="scale-to" label="Pods" text=text most=6 on_enter=on_enter />
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || on_close.run(()) command=Command::Close />
                <Button label="Plan it" on_press=plan weight=Weight::Primary blocked=blocked test="scale-plan" />
            </footer>
        </Titled>
    }
}
