//! The search over all registries: asked for when a hand rests, and what was looked through told beneath what was found.

use super::place::Spot;
use crate::{link::use_link, parts::show::Show, state::use_state, once::{CollectAny, effect}};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Problem,
    find::{FindQuery, Found, FoundKind, FoundRow, Searched},
    units::{count, visible},
};
use std::time::Duration;

/// A hand that types rests when it did not for so long: each search asks servers for runs.
const REST: Duration = Duration::from_millis(250);
/// Rows that are asked for.
const MOST: u16 = 100;
/// Signs of a filter: what has them asks for rows of the list, and is no word.
const SIGNS: [char; 4] = ['=', '~', '<', '>'];

/// A search, as far as it is.
#[derive(Clone, Copy)]
pub struct Search {
    /// What was found for the words that stand there, without what stands in the list above.
    pub rows: Memo<Vec<FoundRow>>,
    /// The whole answer; none before it came, and for no words.
    pub answer: Memo<Option<Result<Found, Problem>>>,
    /// Is the answer to what stands there on its way?
    pub waits: Memo<bool>,
}

impl Search {
    /// Searches for what is typed into the field of the screen. `listed` are the places of the list above.
    pub fn new(listed: Memo<Vec<String>>) -> Self {
        let (link, state) = (use_link(), use_state());
        let typed = Memo::new(move |_| state.filter().with(|text| words(text)));
        let wanted: RwSignal<String> = RwSignal::default();
        effect(move || {
            let text = typed.get();
            let timer = set_timeout_with_handle(move || drop(wanted.try_set(text)), REST).ok();
            on_cleanup(move || {
                if let Some(timer) = timer {
                    timer.clear();
                }
            });
        });
        let found: RwSignal<Option<(String, Result<Found, Problem>)>> = RwSignal::new(None);
        effect(move || {
            let text = wanted.get();
            if text.is_empty() || !link.is_open() || state.is_past() {
                return;
            }
            // With the next words this question is left.
            link.ask_then(Ask::Find(FindQuery { text: text.clone(), limit: MOST }), move |answer| {
                let answer = answer.and_then(|answer| match answer {
                    Answer::Found(found) => Ok(*found),
                    _ => Err(Problem::other_answer()),
                });
                found.set(Some((text, answer)));
            });
        });
        let answer = Memo::new(move |_| {
            let text = typed.get();
            found.with(|found| found.as_ref().filter(|(of, _)| *of == text && !text.is_empty()).map(|found| found.1.clone()))
        });
        let waits = Memo::new(move |_| {
            !state.is_past() && typed.with(|text| !text.is_empty()) && answer.with(Option::is_none)
        });
        let rows = Memo::new(move |_| {
            answer.with(|answer| match answer {
                Some(Ok(found)) => listed.with(|listed| beside(listed, &found.rows)),
                _ => Vec::new(),
            })
        });
        Self { rows, answer, waits }
    }
}

/// The words of a text; none of a filter.
fn words(text: &str) -> String {
    let is_filter = text.contains(SIGNS) || text.split_whitespace().any(|word| word.starts_with('-'));
    if is_filter { String::new() } else { text.trim().to_owned() }
}

/// What was found and does not stand in the list: of models and repositories those in which the words stand elsewhere than in
/// the name.
fn beside(listed: &[String], found: &[FoundRow]) -> Vec<FoundRow> {
    let stands = |row: &&FoundRow| {
        let is_of_list = matches!(row.kind, FoundKind::Model | FoundKind::Repository);
        is_of_list && listed.contains(&Spot::of_found(&row.at).to_string())
    };
    found.iter().filter(|row| !stands(row)).cloned().collect()
}

/// Draws what was found.
#[component]
pub fn FoundRows(
    /// The search.
    search: Search,
    /// Is this place shown?
    shown: Signal<Option<String>>,
    /// Goes to a place.
    go: Callback<Spot>,
) -> impl IntoView {
    let is_there = Memo::new(move |_| search.rows.with(|rows| !rows.is_empty()));
    let more = Memo::new(move |_| {
        let more = search.answer.with(|answer| answer.as_ref().map_or(0, |answer| answer.as_ref().map_or(0, |found| found.more)));
        (more > 0).then(|| format!("{} more: write more of it.", count(more)))
    });
    let rows = move || {
        let row = |row: FoundRow| {
            let spot = Spot::of_found(&row.at);
            let key = spot.to_string();
            let (at, source) = (key.clone(), visible(row.at.source().as_str()));
            let (name, of) = (visible(&row.name), visible(&row.of));
            view! {
                <li>
                    <button
                        type="button"
                        class="found-row"
                        data-test="found"
                        data-key=key
                        title=format!("{} {name}: {of}, in {source}", row.kind.word())
                        aria-current=move || shown.with(|shown| shown.as_deref() == Some(at.as_str())).then_some("true")
                        on:click=move |_| go.run(spot.clone())
                    >
                        <span class="faint small">{row.kind.word()}</span>
                        <span class="name" dir="auto">{name.clone()}</span>
                        <span class="soft" dir="auto">{of.clone()}</span>
                        <span class="faint small" dir="auto">{source.clone()}</span>
                    </button>
                </li>
            }
        };
        search.rows.get().into_iter().map(row).collect_any()
    };
    view! {
        <Show when=move || is_there.get()>
            <h3 class="models-group">"Found elsewhere"</h3>
            <ul>{move || rows()}</ul>
        </Show>
        {move || more.get().map(|more| view! { <p class="models-count small" data-test="found-more">{more}</p> })}
    }
}

/// Says what was looked through, and what was not.
#[component]
pub fn LookedThrough(search: Search) -> impl IntoView {
    let line = |of: Searched| {
        let words = visible(&format!("{}: {}.", of.source, of.what));
        view! {
            <p dir="auto" data-key=of.source.to_string()>
                {words}
                {of.not.map(|not| view! { <span class="warn">" "{visible(&not)}</span> })}
            </p>
        }
    };
    let told = move || match search.answer.get() {
        None if search.waits.get() => {
            view! { <p aria-busy="true">"Looking through all registries, and asking servers for runs."</p> }.into_any()
        }
        None => ().into_any(),
        Some(Err(problem)) => view! { <p class="warn" dir="auto">{visible(&problem.to_string())}</p> }.into_any(),
        Some(Ok(found)) => {
            let nothing = found.searched.is_empty().then_some("No registry is read: nothing was looked through.");
            view! {
                {nothing.map(|nothing| view! { <p>{nothing}</p> })}
                {(!found.searched.is_empty()).then(|| view! { <p class="strong">"Looked through"</p> })}
                {found.searched.into_iter().map(line).collect_any()}
            }
            .into_any()
        }
    };
    view! { <div class="models-searched small faint" role="status" data-test="searched">{move || told()}</div> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ConnectionId, ModelId, find::FoundAt, runs::VersionId};

    #[test]
    fn what_was_found_and_is_not_in_the_list_is_shown_whatever_it_is() {
        let model = |source: &str| ModelId { source: ConnectionId::slug(source), name: "chat".into() };
        let row = |kind, at| FoundRow { kind, name: "chat".to_owned(), of: String::new(), at };
        let found = [
            row(FoundKind::Model, FoundAt::Model(model("near"))),
            row(FoundKind::Model, FoundAt::Model(model("far"))),
            row(FoundKind::Version, FoundAt::Version(VersionId { model: model("near"), number: 1 })),
            row(FoundKind::ModelTag, FoundAt::Model(model("near"))),
        ];
        let listed = ["near/chat".to_owned(), "near/chat/1".to_owned()];
        assert_eq!(beside(&listed, &found), found[1..]);
        assert_eq!(beside(&[], &found), found);
    }

    #[test]
    fn words_are_searched_for_and_a_filter_is_not() {
        for (typed, want) in [
            (" brisk fox ", "brisk fox"),
            ("chat@champion", "chat@champion"),
            ("alias=champion", ""),
            ("chat tag~gold", ""),
            ("-staging", ""),
            ("chat-8b", "chat-8b"),
            ("", ""),
        ] {
            assert_eq!(words(typed), want, "{typed}");
        }
    }
}
