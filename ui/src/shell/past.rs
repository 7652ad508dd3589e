//! The banner over a page of the past: which time, how long ago, the way back; and what keeps it from being shown.

use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    link::use_link,
    mirror::{Watched, use_views},
    once::live,
    parts::{
        icon::{Icon, Sign},
        key::KeyOf,
        show::Show,
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Stamp, When,
    ask::RecordShown,
    units::{self, visible},
};
use std::time::Duration;

/// Stands above everything while the past is shown.
#[component]
pub fn PastBanner(
    /// A view that is always watched: what is said of its time holds for the page.
    watched: Watched,
) -> impl IntoView {
    let state = use_state();
    on_command(Command::BackToNow, move || {
        let was_past = untrack(|| state.is_past());
        state.go_when(When::Now);
        was_past
    });
    let link = use_link();
    let record = Memo::new(move |_| link.record());
    live(move || match (state.when().get(), record.get()) {
        (When::Now, None) => ().into_any(),
        (When::Now, Some(record)) => view! { <OfRecord record=record /> }.into_any(),
        (When::At(_), _) => view! { <Banner watched=watched /> }.into_any(),
    })
}

/// Of a record whose end is shown. At another time the banner of the past says so.
#[component]
fn OfRecord(record: RecordShown) -> impl IntoView {
    let RecordShown { name, since, until } = record;
    view! {
        <div class="past-banner" data-test="record" role="status">
            <Sign icon=Icon::Past size=16 />
            <strong>"A record"</strong>
            <strong class="clip" data-test="record-name" dir="auto">{visible(&name)}</strong>
            <span data-test="record-time">{format!("{} to {}", when_in_words(since), when_in_words(until))}</span>
            <span class="clip past-said" data-test="record-said">
                "Everything on this screen is as it was at its end. No server is asked, and nothing is recorded."
            </span>
        </div>
        <div class="past-frame" aria-hidden="true"></div>
    }
}

#[component]
fn Banner(watched: Watched) -> impl IntoView {
    let (state, clock, views, link) = (use_state(), use_clock(), use_views(), use_link());
    let then = move || state.when().get().stamp(clock.real());
    let ago = move || format!(", {} ago", units::age(clock.real().since(then())));
    let said = move || match watched.problem() {
        Some(problem) => {
            let why = problem.why.map(|why| format!(" {why}")).unwrap_or_default();
            visible(&format!("{}{why}", problem.what))
        }
        None if views.is_turning() => "Reading the record.".to_owned(),
        None => match watched.gap() {
            Some(gap) => visible(&format!("{} Actions are off.", gap.sentence())),
            // The switch is about the ribbon alone, and says so while it is on.
            None if state.true_then() => {
                "The ribbon shows changes that were true then. All else is as it was known. Actions are off.".to_owned()
            }
            None => "Everything on this screen is as it was then. Actions are off.".to_owned(),
        },
    };
    let known = move |true_then: bool| move |_| state.set_true_then(true_then);
    let pressed = move |true_then: bool| move || (state.true_then() == true_then).to_string();
    view! {
        <div class="past-banner" data-test="past" data-turning=move || views.is_turning().then_some("") role="status">
            <Sign icon=Icon::Past size=16 />
            <strong>{move || if link.record().is_some() { "A record, the past" } else { "The past" }}</strong>
            <span><strong data-test="past-time">{move || when_in_words(then())}</strong>{move || ago()}</span>
            <span class="clip past-said" data-test="past-said" dir="auto">{move || said()}</span>
            <Show when=move || watched.problem().is_some()><ToBeginning /></Show>
            <span class="fill"></span>
            <span
                class="segments" role="group" aria-label="Which changes the ribbon shows; nothing else on the page"
                title="Changes that were known then, or those that were true then, whenever they were heard. What the screens show is always what was known."
            >
                <button type="button" aria-pressed=pressed(false) on:click=known(false)>"as known"</button>
                <button type="button" aria-pressed=pressed(true) on:click=known(true) data-test="past-true">"as true"</button>
            </span>
            <span class="past-keys">
                <KeyOf command=Command::EarlierChange /><KeyOf command=Command::LaterChange />
                " previous, next change"
            </span>
            <span class="past-keys"><KeyOf command=Command::Compare />" compare with now"</span>
            <button type="button" class="past-back" data-test="past-back" on:click=move |_| state.go_when(When::Now)>
                {move || if link.record().is_some() { "To its end " } else { "Back to now " }} <KeyOf command=Command::BackToNow />
            </button>
        </div>
        <div class="past-frame" aria-hidden="true"></div>
    }
}

/// Goes to where the record begins.
#[component]
fn ToBeginning() -> impl IntoView {
    let (state, link) = (use_state(), use_link());
    let go = move |_| {
        link.ask_then(Ask::Recorded, move |answer| {
            if let Ok(Answer::Recorded(Some((from, _)))) = answer {
                // A moment later something was heard.
                state.go_when(When::At(from.plus(Duration::from_secs(5))));
            }
        });
    };
    view! { <button type="button" class="link" data-test="past-beginning" on:click=go>"Go to its beginning"</button> }
}

/// `Tue 24 Nov 02:41:30 UTC`.
fn when_in_words(at: Stamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let day = usize::try_from(at.0.div_euclid(86_400_000).rem_euclid(7)).unwrap_or_default();
    format!("{} {} {} UTC", DAYS[day], super::ribbon::day(at), at.clock())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_day() {
        let words = |text: &str| when_in_words(text.parse().unwrap());
        assert_eq!(words("2026-11-24T02:41:30Z"), "Tue 24 Nov 02:41:30 UTC");
        assert_eq!(words("1970-01-01T00:00:00Z"), "Thu 1 Jan 00:00:00 UTC");
    }
}
