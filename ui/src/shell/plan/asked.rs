//! What a person is asked for before there is a plan: how many, which share, which model, which image, how long.

mod image;
mod line;
mod silence;

use super::use_plan;
use leptos::prelude::*;
use line::{LineOf, LineQuestion};
use pilothouse_wire::{
    ObjectRef,
    plan::{Deed, Intent},
};

/// A question that comes before a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One line answers it.
    Line(LineOf),
    /// Which image for which container.
    Image,
    /// How long nobody is to be told of an alert, and why.
    Silence,
}

impl Asked {
    /// Those that can be asked of an object.
    #[must_use]
    pub fn of(object: &ObjectRef) -> &'static [Self] {
        use LineOf::{Model, Percent, Pods, Weight};
        match object {
            ObjectRef::Workload(_, _, kind, _) => match kind.as_str() {
                "Deployment" | "StatefulSet" | "Rollout" | "LeaderWorkerSet" => &[Self::Line(Pods), Self::Image],
                "DaemonSet" => &[Self::Image],
                "InferenceService" => &[Self::Line(Percent), Self::Line(Model)],
                "LLMInferenceService" => &[Self::Line(Weight), Self::Line(Model)],
                _ => &[],
            },
            ObjectRef::Alert(_) => &[Self::Silence],
            _ => &[],
        }
    }

    /// What its button says, and what tests find it by.
    #[must_use]
    pub fn button(self) -> (&'static str, &'static str) {
        match self {
            Self::Line(of) => of.button(),
            Self::Image => ("Set image…", "deed-set-image"),
            Self::Silence => ("Silence…", "deed-silence"),
        }
    }
}

/// The question in a dialog; its answer opens a plan.
#[component]
pub fn Question(asked: Asked, object: ObjectRef, on_close: Callback<()>) -> impl IntoView {
    let door = use_plan();
    let of = object.clone();
    let on_deed = Callback::new(move |deed: Deed| {
        on_close.run(());
        door.open(Intent { object: of.clone(), deed });
    });
    match asked {
        Asked::Line(of) => view! { <LineQuestion of=of on_deed=on_deed on_close=on_close /> }.into_any(),
        Asked::Image => view! { <image::ImageQuestion object=object on_deed=on_deed on_close=on_close /> }.into_any(),
        Asked::Silence => view! { <silence::SilenceQuestion on_deed=on_deed on_close=on_close /> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_template_can_be_given_an_image_and_an_alert_is_silenced() {
        let of =
            |object: &str| Asked::of(&object.parse().unwrap()).iter().map(|asked| asked.button().1).collect::<Vec<_>>();
        for kind in ["Deployment", "StatefulSet", "Rollout", "LeaderWorkerSet"] {
            assert_eq!(of(&format!("workload:iad/serving/{kind}/chat")), ["deed-scale", "deed-set-image"], "{kind}");
        }
        assert_eq!(of("workload:iad/serving/DaemonSet/chat"), ["deed-set-image"]);
        // KServe keeps its template to itself.
        assert!(!of("workload:iad/serving/InferenceService/chat").contains(&"deed-set-image"));
        assert!(of("node:iad/h-1").is_empty());
    }
}
