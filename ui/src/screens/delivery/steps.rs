//! The track of steps: a bar a step, its sign, its words, and what came of it.

use super::rollout::part;
use crate::{mirror::Watched, parts::{icon::{Icon, Sign}, mark::{Mark, tone}, show::Show}, once::CollectAny};
use leptos::prelude::*;
use pilothouse_wire::{
    units::visible,
    view::{Status, delivery::{StepRow, StepState}},
};

/// Draws the track.
#[component]
pub fn Steps(view: Watched) -> impl IntoView {
    let steps = part(view, |rollout| rollout.steps.clone());
    view! {
        <Show when=move || steps.with(|steps| !steps.is_empty())>
            <ol class="steps" data-test="steps" aria-label="Steps">
                {move || steps.get().into_iter().enumerate().map(|(at, step)| step_view(at, &step)).collect_any()}
            </ol>
        </Show>
    }
}

/// A word for readers, and the class of the bar.
fn state_of(step: &StepRow) -> (&'static str, &'static str) {
    match step.state {
        StepState::Done => ("done", "step done"),
        StepState::Now => ("now", "step now"),
        StepState::ToCome => ("to come", "step"),
        StepState::NotReached => ("not reached", "step"),
        StepState::Unknown => ("unknown", "step"),
    }
}

fn step_view(at: usize, step: &StepRow) -> impl IntoView + use<> {
    let (word, class) = state_of(step);
    let bad = matches!(step.status, Status::Bad | Status::Warn);
    let class = if step.state == StepState::Now || bad { format!("{class} {}", tone(step.status)) } else { class.to_owned() };
    let sign = match (step.state, bad) {
        (StepState::Done, false) => view! { <Sign icon=Icon::Check size=12 /> }.into_any(),
        (StepState::Done | StepState::Now, _) => view! { <Mark status=step.status size=10 /> }.into_any(),
        _ => view! { <span class="faint">{at + 1}</span> }.into_any(),
    };
    let result = step.result.clone().or_else(|| step.since.map(|since| since.clock()));
    view! {
        <li class=class data-test="step" data-state=word aria-current=(step.state == StepState::Now).then_some("step")>
            <i class="step-bar" aria-hidden="true"></i>
            <span class="step-words" dir="auto">{sign} <span class="clip">{visible(&step.words)}</span></span>
            <span class="small step-result" dir="auto"><span class="unseen">{word} ", "</span>{result.map(|result| visible(&result))}</span>
        </li>
    }
}
