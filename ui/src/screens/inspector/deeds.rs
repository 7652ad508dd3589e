//! What can be done to the selection: each opens a plan, and none does anything by itself.

use crate::{
    keys::Command,
    parts::{
        button::{Button, Weight},
        form::{dialog::Titled, line::Line},
    },
    shell::plan::use_plan,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ObjectRef,
    plan::{Deed, Intent},
};

/// The deeds that an object may be subject to, each with its word.
fn deeds(object: &ObjectRef) -> Vec<(&'static str, Deed)> {
    match object {
        ObjectRef::Workload(_, _, kind, _) => match kind.as_str() {
            "Deployment" => vec![
                ("Go back", Deed::Undo(None)),
                ("Restart", Deed::Restart),
                ("Pause", Deed::Pause),
                ("Resume", Deed::Resume),
            ],
            "StatefulSet" | "DaemonSet" => vec![("Go back", Deed::Undo(None)), ("Restart", Deed::Restart)],
            _ => Vec::new(),
        },
        ObjectRef::Node(_) => vec![("Cordon", Deed::Cordon), ("Uncordon", Deed::Uncordon)],
        ObjectRef::Pod(_) => vec![("Delete", Deed::Delete)],
        _ => Vec::new(),
    }
}

fn is_scaled(object: &ObjectRef) -> bool {
    matches!(object, ObjectRef::Workload(_, _, kind, _) if ["Deployment", "StatefulSet"].contains(&kind.as_str()))
}

/// Buttons that open plans, where something may be done: in the window, and not in the past.
#[component]
pub fn Deeds(object: ObjectRef) -> impl IntoView {
    let (state, door) = (use_state(), use_plan());
    let (list, scaled) = (deeds(&object), is_scaled(&object));
    let scaling = RwSignal::new(false);
    let is_shown = !list.is_empty();
    let for_scale = object.clone();
    let object = StoredValue::new(object);
    let list = StoredValue::new(list);
    view! {
        <Show when=move || is_shown && state.may_act() && !state.is_past()>
            <div class="section" data-test="deeds">
                <div class="buttons">
                    <Show when=move || scaled>
                        <Button label="Scale…" on_press=move || scaling.set(true) test="deed-scale" />
                    </Show>
                    {list.get_value().into_iter().map(|(label, deed)| {
                        let weight = if deed == Deed::Delete { Weight::Danger } else { Weight::Plain };
                        let open = move || door.open(Intent { object: object.get_value(), deed: deed.clone() });
                        view! { <Button label=format!("{label}…") on_press=open weight=weight test=hook(label) /> }
                    }).collect_view()}
                </div>
            </div>
        </Show>
        <Show when=move || scaling.get()>
            <Scale object=for_scale.clone() on_close=Callback::new(move |()| scaling.set(false)) />
        </Show>
    }
}

fn hook(label: &str) -> &'static str {
    match label {
        "Go back" => "deed-undo",
        "Restart" => "deed-restart",
        "Pause" => "deed-pause",
        "Resume" => "deed-resume",
        "Cordon" => "deed-cordon",
        "Uncordon" => "deed-uncordon",
        _ => "deed-delete",
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
