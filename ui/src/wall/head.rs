//! The head of a wall on which nothing is wrong: that it is so, for how long, and the clock.

use super::{
    Wall,
    plan::{self, Mood},
};
use crate::parts::{mark::Mark, show::Show};
use leptos::prelude::*;
use pilothouse_wire::{
    Stamp,
    units::{middle, visible},
    view::Status,
};

/// Letters of a claim that the head has room for.
const LONGEST: usize = 44;

/// What the head says.
#[derive(Clone, Debug, PartialEq)]
struct Words {
    status: Status,
    first: String,
    then: String,
}

/// The head.
#[component]
pub fn Head() -> impl IntoView {
    let wall: Wall = expect_context();
    let words = Memo::new(move |_| words(wall));
    let status = Signal::derive(move || words.with(|words| words.status));
    view! {
        <header class="wall-head" class:bad-ground=move || status.get() == Status::Bad data-test="wall-head" role="status">
            <Mark status=status size=44 />
            <h1 dir="auto">{move || words.with(|words| words.first.clone())}</h1>
            <span class="wall-then" dir="auto">{move || words.with(|words| words.then.clone())}</span>
            <Demo />
            <Clock />
        </header>
    }
}

fn words(wall: Wall) -> Words {
    let say = |status, first: &str, then: String| Words { status, first: first.to_owned(), then };
    let unseen = || wall.sources.with(|sources| plan::unseen(sources, wall.clock.now()));
    match wall.mood.get() {
        Mood::NotLetIn => say(
            Status::Bad,
            "This screen is not let in",
            "Its token ended or was revoked, or it never had one. Open it with a new one: pilothouse serve token new."
                .into(),
        ),
        Mood::OtherBuild => say(
            Status::Progress,
            "Pilothouse was updated",
            "This page is of another build, and is loaded again by itself.".into(),
        ),
        Mood::Cut(as_of) => say(Status::Bad, &cut(as_of), then(wall)),
        Mood::Starting => say(Status::Progress, "Connecting", "Nothing was heard yet.".into()),
        Mood::Blind => {
            let (status, words) = unseen().unwrap_or((Status::Warn, String::new()));
            // Nothing worse than a pause: then all are paused.
            let then = if status == Status::Unknown { "Nothing is watched." } else { "Nothing else needs you." };
            say(status, &words, then.into())
        }
        Mood::Nothing => say(Status::Unknown, "Nothing is connected", "Or nothing of it is in this scope.".into()),
        Mood::Trouble | Mood::Calm => {
            let calm = wall.calm.with(|calm| calm.words(wall.clock.now())).unwrap_or_default();
            // What a person paused is no trouble, and nothing that is seen to be calm.
            let (status, then) = match unseen() {
                Some((status, words)) => (status, format!("{calm}; {words}")),
                None => (Status::Good, calm),
            };
            say(status, "Nothing needs you", then)
        }
    }
}

fn cut(as_of: Option<Stamp>) -> String {
    match as_of {
        Some(as_of) => format!("No link, as of {}", as_of.clock()),
        None => "No link to Pilothouse".to_owned(),
    }
}

/// What was wrong when the link was cut, and what happens next.
fn then(wall: Wall) -> String {
    match wall.trouble() {
        Some((finding, of)) => {
            let more = if of > 1 { format!(" and {} more", of - 1) } else { String::new() };
            format!("Wrong then: {}{more}", middle(&visible(&finding.claim), LONGEST))
        }
        None => "It is tried again by itself.".to_owned(),
    }
}

/// The demo says that it is one, everywhere.
#[component]
pub fn Demo() -> impl IntoView {
    let wall: Wall = expect_context();
    let demo = Memo::new(move |_| {
        let of_sources = wall.sources.with(|sources| sources.iter().any(|source| source.demo));
        of_sources || wall.link.about().is_some_and(|about| about.demo)
    });
    view! { <Show when=move || demo.get()><span class="wall-demo" data-test="wall-demo">"DEMO"</span></Show> }
}

#[component]
fn Clock() -> impl IntoView {
    let wall: Wall = expect_context();
    view! {
        <span class="fill"></span>
        <span class="wall-day">{move || plan::day(wall.clock.now())}</span>
        <span class="wall-clock" data-test="wall-clock">{move || wall.clock.now().clock()}</span>
        <span class="wall-day">"UTC"</span>
    }
}
