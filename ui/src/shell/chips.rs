//! Freshness chips: every connection with its age, which counts up each second.

use super::{
    doing::use_doing,
    fold::{Shown, fold, summary},
    menu::Menu,
    size::use_size,
};
use crate::{
    clock::use_clock,
    link::use_link,
    mirror::Watched,
    parts::{
        mark::{Mark, of_freshness},
        show::{Show, each},
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{ConnectionId, Freshness, ObjectRef, Stamp, address::Address, frame::SourceState, units};

/// The chips of all connections.
#[component]
pub fn Chips(
    /// The view whose sources they are.
    watched: Watched,
) -> impl IntoView {
    let (link, size, state, doing) = (use_link(), use_size(), use_state(), use_doing());
    let open = RwSignal::new(false);
    let shown = Memo::new(move |_| {
        // What is past does not age while the link is cut.
        let linked = link.is_open() || state.is_past();
        let sources = watched.sources().into_iter().map(|source| seen_through(source, linked)).collect();
        fold(sources, (size.chip_room() - doing.room()).max(0.0))
    });
    let folded = move || {
        shown.with(|shown| {
            let worst = shown.folded.first()?;
            let state = worst.freshness.word();
            let status = of_freshness(worst.freshness);
            let label = summary(shown);
            Some(view! {
                <button
                    type="button"
                    class="chip"
                    data-test="chips-folded"
                    data-state=state
                    aria-expanded=move || open.get().to_string()
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    <Mark status=status size=9 />
                    <span>{label}</span>
                </button>
            })
        })
    };
    // Keyed by connection: a chip stays where it is while its age and state change.
    let ids = |sources: &[SourceState]| sources.iter().map(|source| source.id.clone()).collect::<Vec<_>>();
    let full = Memo::new(move |_| shown.with(|shown| ids(&shown.full)));
    let hidden = Memo::new(move |_| shown.with(|shown| ids(&shown.folded)));
    view! {
        <div class="chips" role="group" aria-label="Freshness of each connection">
            {each(move || full.get(), ConnectionId::clone, move |id| view! { <Chip id=id shown=shown /> }.into_any())}
            {move || folded()}
            <Show when=move || open.get() && hidden.with(|hidden| !hidden.is_empty())>
                <Menu label="More sources" on_close=move || open.set(false)>
                    {each(move || hidden.get(), ConnectionId::clone, move |id| {
                        view! { <div><Chip id=id shown=shown /></div> }.into_any()
                    })}
                </Menu>
            </Show>
        </div>
    }
}

/// Without a link nothing is heard, whatever the last frame said.
fn seen_through(mut source: SourceState, linked: bool) -> SourceState {
    if !linked && source.freshness < Freshness::Stale && source.freshness != Freshness::Paused {
        source.freshness = Freshness::Stale;
    }
    source
}

#[component]
fn Chip(id: ConnectionId, shown: Memo<Shown>) -> impl IntoView {
    let (state, clock) = (use_state(), use_clock());
    let (test, to, of) = (format!("chip-{id}"), id.clone(), id);
    let source = Memo::new(move |_| {
        shown.with(|shown| shown.full.iter().chain(&shown.folded).find(|source| source.id == of).cloned())
    });
    let freshness = Memo::new(move |_| source.with(|source| source.as_ref().map_or(Freshness::Lost, |s| s.freshness)));
    let name = move || source.with(|source| source.as_ref().map(|source| units::visible(&source.name)));
    let age = Memo::new(move |_| {
        let now = clock.now();
        let is_past = state.is_past();
        source.with(|source| {
            let source = source.as_ref()?;
            Some(match source.heard.filter(|_| is_past && is_well(source.freshness)) {
                Some(heard) => format!("as of {}", heard.clock()),
                None => said(source.freshness, source.heard, source.note.as_deref(), now),
            })
        })
    });
    view! {
        <button
            type="button"
            class="chip"
            data-test=test
            data-state=move || if state.is_past() && is_well(freshness.get()) { "past" } else { freshness.get().word() }
            title=move || source.with(|source| source.as_ref().map(title))
            on:click=move |_| state.go(connection(to.clone(), state.same_time()))
        >
            <Mark status=Signal::derive(move || of_freshness(freshness.get())) size=9 />
            <span class="chip-name" dir="auto">{move || name()}</span>
            <span class="age">{age}</span>
        </button>
    }
}

fn connection(id: ConnectionId, same_time: Address) -> Address {
    Address { screen: "connections".into(), selected: Some(ObjectRef::Connection(id)), ..same_time }
}

/// Of what was well then, a chip of the past says when it was heard.
fn is_well(freshness: Freshness) -> bool {
    matches!(freshness, Freshness::Live | Freshness::Slow)
}

/// What a chip says after the name.
fn said(freshness: Freshness, heard: Option<Stamp>, note: Option<&str>, now: Stamp) -> String {
    let age = heard.map(|heard| units::age(now.since(heard)));
    match (freshness, age) {
        (Freshness::Live | Freshness::Slow, Some(age)) => age,
        (Freshness::Stale | Freshness::Lost, Some(age)) => format!("{} {age}", freshness.word()),
        // The verb of what it is doing: "listing" of "listing pods".
        (Freshness::Starting, _) => first_word(note).unwrap_or_else(|| freshness.word().to_owned()),
        (freshness, _) => freshness.word().to_owned(),
    }
}

fn first_word(note: Option<&str>) -> Option<String> {
    note?.split([' ', ',']).next().filter(|word| !word.is_empty()).map(|word| units::lower(&units::visible(word)))
}

fn title(source: &SourceState) -> String {
    let heard = source.heard.map(|heard| format!(" Last heard {} UTC.", heard.clock())).unwrap_or_default();
    let note = source.note.as_ref().map(|note| format!(" {note}.")).unwrap_or_default();
    units::visible(&format!("{}: {}.{note}{heard}", source.name, source.freshness.word()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_says_its_age_and_its_state_when_it_is_not_live() {
        let (now, heard) = (Stamp(300_000), Some(Stamp(48_000)));
        for (freshness, heard, note, want) in [
            (Freshness::Live, Some(Stamp(299_500)), None, "1 s"),
            (Freshness::Stale, heard, None, "stale 4 min 12 s"),
            (Freshness::Lost, heard, None, "lost 4 min 12 s"),
            (Freshness::Lost, None, None, "lost"),
            (Freshness::Partial, heard, None, "partial"),
            (Freshness::Starting, None, Some("Listing pods"), "listing"),
            (Freshness::Starting, None, None, "connecting"),
        ] {
            assert_eq!(said(freshness, heard, note, now), want);
        }
    }

    #[test]
    fn without_a_link_what_was_live_is_stale_and_what_was_lost_stays_lost() {
        let id = ConnectionId::slug("a");
        let source = |freshness| SourceState {
            id: id.clone(),
            name: "a".into(),
            demo: false,
            freshness,
            heard: None,
            note: None,
        };
        assert_eq!(seen_through(source(Freshness::Live), false).freshness, Freshness::Stale);
        assert_eq!(seen_through(source(Freshness::Lost), false).freshness, Freshness::Lost);
        assert_eq!(seen_through(source(Freshness::Live), true).freshness, Freshness::Live);
    }
}
