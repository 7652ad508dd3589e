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

/// What a person is asked for before there is a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// How many pods.
    Pods,
    /// Which share of the traffic, in percent.
    Percent,
    /// Where the model is.
    Model,
    /// Which weight in a routing group.
    Weight,
}

impl Asked {
    /// Of an object.
    fn of(object: &ObjectRef) -> &'static [Self] {
        match object {
            ObjectRef::Workload(_, _, kind, _) => match kind.as_str() {
                "Deployment" | "StatefulSet" | "Rollout" | "LeaderWorkerSet" => &[Self::Pods],
                "InferenceService" => &[Self::Percent, Self::Model],
                "LLMInferenceService" => &[Self::Weight],
                _ => &[],
            },
            _ => &[],
        }
    }

    /// What its button says, and what tests find it by.
    fn button(self) -> (&'static str, &'static str) {
        match self {
            Self::Pods => ("Scale…", "deed-scale"),
            Self::Percent => ("Canary…", "deed-canary"),
            Self::Model => ("Set model…", "deed-set-model"),
            Self::Weight => ("Weight…", "deed-member-weight"),
        }
    }

    /// The question, the name of its field, and how long the answer may be.
    fn question(self) -> (&'static str, &'static str, u16) {
        match self {
            Self::Pods => ("Scale to how many pods?", "Pods", 6),
            Self::Percent => ("Give the newest revision how much of the traffic, in percent?", "Percent", 3),
            Self::Model => ("Serve which model?", "Address", 512),
            Self::Weight => ("Which weight in its routing group, beside those of the other members?", "Weight", 7),
        }
    }

    /// What tests find the dialog, its field and its button by.
    fn tests(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Pods => ("scale", "scale-to", "scale-plan"),
            Self::Percent => ("canary", "canary-to", "canary-plan"),
            Self::Model => ("set-model", "set-model-to", "set-model-plan"),
            Self::Weight => ("member-weight", "member-weight-to", "member-weight-plan"),
        }
    }

    /// What is meant by this answer.
    fn deed(self, text: &str) -> Result<Deed, &'static str> {
        let text = text.trim();
        match self {
            Self::Pods => text.parse().map(Deed::Scale).map_err(|_| "give a number of pods"),
            Self::Percent => text
                .parse()
                .ok()
                .filter(|percent| *percent <= 100)
                .map(Deed::Canary)
                .ok_or("give a number from 0 to 100"),
            Self::Weight => text
                .parse()
                .ok()
                .filter(|weight| *weight <= 1_000_000)
                .map(Deed::MemberWeight)
                .ok_or("give a number from 0 to 1,000,000"),
            Self::Model if text.is_empty() => Err("give an address, such as s3://bucket/folder"),
            Self::Model => Ok(Deed::SetModel(text.into())),
        }
    }
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
    let (list, questions) = (deeds(&object), Asked::of(&object));
    let asking = RwSignal::new(None::<Asked>);
    let is_shown = !list.is_empty();
    let for_question = object.clone();
    let object = StoredValue::new(object);
    let list = StoredValue::new(list);
    view! {
        <Show when=move || is_shown && state.may_act() && !state.is_past()>
            <div class=class data-test="deeds">
                <div class="buttons">
                    {questions.iter().map(|asked| {
                        let (label, test) = asked.button();
                        view! { <Button label=label on_press=move || asking.set(Some(*asked)) test=test /> }
                    }).collect_view()}
                    {list.get_value().into_iter().map(|(label, test, deed)| {
                        let ends = matches!(deed, Deed::Delete | Deed::Drain);
                        let weight = if ends { Weight::Danger } else { Weight::Plain };
                        let open = move || door.open(Intent { object: object.get_value(), deed: deed.clone() });
                        view! { <Button label=format!("{label}…") on_press=open weight=weight test=test /> }
                    }).collect_view()}
                </div>
            </div>
        </Show>
        {move || asking.get().map(|asked| view! {
            <Question asked=asked object=for_question.clone() on_close=Callback::new(move |()| asking.set(None)) />
        })}
    }
}

#[component]
fn Question(asked: Asked, object: ObjectRef, on_close: Callback<()>) -> impl IntoView {
    let door = use_plan();
    let ((title, label, most), (test, field, button)) = (asked.question(), asked.tests());
    let text = RwSignal::new(String::new());
    let deed = move || text.with(|text| asked.deed(text));
    let blocked = Signal::derive(move || deed().err().map(str::to_owned));
    let plan = move || {
        if let Ok(deed) = untrack(deed) {
            on_close.run(());
            door.open(Intent { object: object.clone(), deed });
        }
    };
    let on_enter = plan.clone();
    view! {
        <Titled label=label title=title on_close=on_close test=test>
            <div class="dialog-body stack">
                <Line id=field label=label text=text most=most on_enter=on_enter />
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || on_close.run(()) command=Command::Close />
                <Button label="Plan it" on_press=plan weight=Weight::Primary blocked=blocked test=button />
            </footer>
        </Titled>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_meant_as_the_question_was() {
        assert_eq!(Asked::Pods.deed(" 4 "), Ok(Deed::Scale(4)));
        assert!(Asked::Pods.deed("four").is_err());
        assert_eq!(Asked::Percent.deed("10"), Ok(Deed::Canary(10)));
        assert!(Asked::Percent.deed("101").is_err() && Asked::Percent.deed("-1").is_err());
        assert_eq!(Asked::Model.deed("hf://org/name"), Ok(Deed::SetModel("hf://org/name".into())));
        assert!(Asked::Model.deed(" ").is_err());
        assert_eq!(Asked::Weight.deed("20"), Ok(Deed::MemberWeight(20)));
        assert!(Asked::Weight.deed("1000001").is_err());
    }
}
