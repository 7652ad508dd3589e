//! A question that one line answers.

use crate::{
    keys::Command,
    parts::{
        button::{Button, Weight},
        form::{dialog::Titled, line::Line},
    },
};
use leptos::prelude::*;
use pilothouse_wire::plan::Deed;

/// What the line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineOf {
    /// How many pods.
    Pods,
    /// Which share of the traffic, in percent.
    Percent,
    /// Where the model is.
    Model,
    /// Which weight in a routing group.
    Weight,
}

impl LineOf {
    /// What its button says, and what tests find it by.
    pub(super) fn button(self) -> (&'static str, &'static str) {
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

/// The question in a dialog.
#[component]
pub(super) fn LineQuestion(of: LineOf, on_deed: Callback<Deed>, on_close: Callback<()>) -> impl IntoView {
    let ((title, label, most), (test, field, button)) = (of.question(), of.tests());
    let text = RwSignal::new(String::new());
    let deed = move || text.with(|text| of.deed(text));
    let blocked = Signal::derive(move || deed().err().map(str::to_owned));
    let plan = move || {
        if let Ok(deed) = untrack(deed) {
            on_deed.run(deed);
        }
    };
    view! {
        <Titled label=label title=title on_close=on_close test=test>
            <div class="dialog-body stack">
                <Line id=field label=label text=text most=most on_enter=plan />
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
        assert_eq!(LineOf::Pods.deed(" 4 "), Ok(Deed::Scale(4)));
        assert!(LineOf::Pods.deed("four").is_err());
        assert_eq!(LineOf::Percent.deed("10"), Ok(Deed::Canary(10)));
        assert!(LineOf::Percent.deed("101").is_err() && LineOf::Percent.deed("-1").is_err());
        assert_eq!(LineOf::Model.deed("hf://org/name"), Ok(Deed::SetModel("hf://org/name".into())));
        assert!(LineOf::Model.deed(" ").is_err());
        assert_eq!(LineOf::Weight.deed("20"), Ok(Deed::MemberWeight(20)));
        assert!(LineOf::Weight.deed("1000001").is_err());
    }
}
