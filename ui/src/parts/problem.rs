//! A problem as LOOK draws it: what, why, what comes next, and the remedy to copy.

use super::button::{CopyButton, Weight};
use leptos::prelude::*;
use pilothouse_wire::{
    Problem,
    units::{visible, visible_lines},
};

/// The rows of a problem, without a frame: for inside of a card.
#[component]
pub fn ProblemRows(
    /// What went wrong.
    problem: Problem,
) -> impl IntoView {
    let row = |label: &'static str, text: String| {
        view! {
            <dt>{label}</dt>
            <dd dir="auto">{visible(&text)}</dd>
        }
    };
    let remedy = problem.remedy.map(|remedy| {
        // What is copied is what was seen: nothing more comes out of the clipboard.
        let shown = visible_lines(&remedy);
        view! {
            <pre class="remedy mono" tabindex="0" dir="auto">{shown.clone()}</pre>
            <div class="buttons"><CopyButton label="Copy the remedy" text=shown weight=Weight::Plain /></div>
        }
    });
    view! {
        <div class="problem" data-test="problem">
            <dl>
                {row("What", problem.what)}
                {problem.why.map(|why| row("Why", why))}
                {problem.next.map(|next| row("Next", next))}
            </dl>
            {remedy}
        </div>
    }
}

/// A problem in a card of its own, for a panel that cannot be shown.
#[component]
pub fn ProblemCard(
    /// The title: names the object.
    #[prop(into)]
    title: String,
    /// What went wrong.
    problem: Problem,
) -> impl IntoView {
    view! {
        <section class="card problem-card" role="alert">
            <header class="card-head">
                <super::mark::Mark status=pilothouse_wire::view::Status::Bad size=14 />
                <h2 class="lead" dir="auto">{visible(&title)}</h2>
            </header>
            <div class="card-body"><ProblemRows problem=problem /></div>
        </section>
    }
}
