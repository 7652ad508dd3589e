//! What stands in place of the whole page when there is nothing to show it with.

use crate::parts::{mark::Mark, problem::ProblemRows};
use leptos::prelude::*;
use pilothouse_wire::{Code, Problem, view::Status};

/// No session: the printed address has the code for one.
#[component]
pub fn NoSession() -> impl IntoView {
    let problem = Problem::new(Code::Unauthenticated, "The engine does not know this page.")
        .why("A session starts with the one-time code of the printed address. It ends when the engine stops.")
        .next("Open the address that `pilothouse serve` printed. Start it again if it has stopped.")
        .remedy("pilothouse serve");
    view! { <Alone title="This page has no session." test="no-session" problem=problem /> }
}

/// Page and engine are of different builds, and loading again did not help.
#[component]
pub fn Differs() -> impl IntoView {
    let problem = Problem::new(Code::WireDiffers, "The page and the engine are of different builds.")
        .why("The page was loaded again and is still the old one: something between here and the engine keeps it.")
        .next("Reload the page without its cache (Ctrl Shift R).");
    view! { <Alone title="This page is of another build." test="differs" problem=problem /> }
}

#[component]
fn Alone(title: &'static str, test: &'static str, problem: Problem) -> impl IntoView {
    view! {
        <main class="alone" data-test=test role="alert">
            <div>
                <h1 class="line title"><Mark status=Status::Bad size=16 /> {title}</h1>
                <ProblemRows problem=problem />
            </div>
        </main>
    }
}
