//! What differs between two times: chosen in words, listed by kind.

use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    link::use_link,
    once::{CollectAny, live},
    parts::{
        button::{Button, Weight},
        form::{dialog::Titled, line::Line},
        mark::Mark,
        problem::ProblemRows,
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Code, Problem, Stamp, When,
    units::{count, visible},
    view::{DifferKind, Difference, Differs},
};
use std::time::Duration;

/// Rows of a group that are drawn at once.
const SHOWN: usize = 100;

/// Opens the dialog, on two times.
#[derive(Clone, Copy)]
pub struct CompareDoor {
    times: RwSignal<Option<(When, When)>>,
}

/// The dialog's door.
#[must_use]
pub fn use_compare() -> CompareDoor {
    expect_context()
}

impl CompareDoor {
    /// Offers itself to everything below.
    pub fn provide() {
        provide_context(Self { times: RwSignal::new(None) });
    }

    /// Compares these two.
    pub fn open(self, from: When, to: When) {
        self.times.set(Some((from, to)));
    }
}

/// Opens on `c`, and on what is drawn on the ribbon.
#[component]
pub fn Compare() -> impl IntoView {
    let (door, state, clock) = (use_compare(), use_state(), use_clock());
    on_command(Command::Compare, move || {
        let first = match state.when().get_untracked() {
            When::At(then) => then,
            When::Now => clock.read_real().minus(Duration::from_secs(3_600)),
        };
        door.open(When::At(first), When::Now);
        true
    });
    let on_close = Callback::new(move |()| door.times.set(None));
    live(move || door.times.get().map(|times| view! { <Open times=times on_close=on_close /> }))
}

/// What came of comparing.
#[derive(Clone, PartialEq)]
enum Came {
    Asked,
    Found(Box<Difference>),
    Failed(Problem),
}

#[component]
fn Open(times: (When, When), on_close: Callback<()>) -> impl IntoView {
    let (link, state, clock) = (use_link(), use_state(), use_clock());
    let (from, to) = (RwSignal::new(in_words(times.0)), RwSignal::new(in_words(times.1)));
    let came = RwSignal::new(Came::Asked);
    // An answer to what is no longer asked says nothing.
    let asked = StoredValue::new(0_u32);
    let compare = move || {
        let number = asked.get_value().wrapping_add(1);
        asked.set_value(number);
        let now = clock.read_real();
        let typed = |text: RwSignal<String>| text.with_untracked(|text| When::typed(text, now));
        match (typed(from), typed(to)) {
            (Ok(from), Ok(to)) => {
                came.set(Came::Asked);
                let scope = state.scope().get_untracked();
                link.ask_then(Ask::Compare { scope, from, to }, move |answer| {
                    if asked.try_get_value() != Some(number) {
                        return;
                    }
                    came.set(match answer {
                        Ok(Answer::Difference(difference)) => Came::Found(difference),
                        Ok(_) => Came::Failed(Problem::other_answer()),
                        Err(problem) => Came::Failed(problem),
                    });
                });
            }
            (Err(wrong), _) | (_, Err(wrong)) => {
                came.set(Came::Failed(Problem::new(Code::BadInput, format!("{wrong}."))));
            }
        }
    };
    compare();
    let swap = move || {
        let (a, b) = (from.get_untracked(), to.get_untracked());
        from.set(b);
        to.set(a);
        compare();
    };
    view! {
        <Titled label="Compare two times" title="Compare two times" on_close=on_close test="compare">
            <div class="dialog-body stack compare">
                <div class="compare-times">
                    <Line id="compare-from" label="From" text=from most=60 on_enter=compare />
                    <Line id="compare-to" label="To" text=to most=60 on_enter=compare />
                    <Button label="Swap" on_press=swap test="compare-swap" />
                    <Button label="Compare" on_press=compare weight=Weight::Primary test="compare-go" />
                </div>
                <p class="small soft">"UTC: now, -30m, 02:41, 2026-11-24 02:41. Measurements are left out: they always differ."</p>
                {move || came.with(|came| drawn(came, on_close))}
            </div>
        </Titled>
    }
}

/// A time as it can be typed again: `2026-11-24 02:41:30`.
fn in_words(when: When) -> String {
    let When::At(at) = when else { return "now".to_owned() };
    let text = Stamp(at.0.div_euclid(1_000) * 1_000).to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

fn drawn(came: &Came, on_close: Callback<()>) -> AnyView {
    match came {
        Came::Asked => view! { <p class="faint" role="status">"Reading both times from the record."</p> }.into_any(),
        Came::Failed(problem) => view! { <ProblemRows problem=problem.clone() /> }.into_any(),
        Came::Found(difference) => {
            // A time that the record does not tell of is said before what is shown instead of it.
            let said = |test: &'static str, text: &str| {
                view! { <p class="small soft" data-test=test dir="auto">{visible(text)}</p> }
            };
            let gaps = difference.gaps.iter().map(|gap| said("compare-gap", &gap.sentence()));
            let left_out = difference.left_out.iter().map(|text| said("compare-left-out", text));
            let gaps = gaps.chain(left_out).collect_any();
            if difference.rows.is_empty() {
                let said = "Nothing differs between these two times.";
                return view! { {gaps} <p data-test="compare-rows" role="status">{said}</p> }.into_any();
            }
            let groups = DifferKind::ALL.into_iter().filter_map(|kind| group(kind, difference, on_close));
            view! { {gaps} <div data-test="compare-rows">{groups.collect_any()}</div> }.into_any()
        }
    }
}

fn group(kind: DifferKind, difference: &Difference, on_close: Callback<()>) -> Option<impl IntoView + use<>> {
    let rows: Vec<&Differs> = difference.rows.iter().filter(|row| row.kind == kind).collect();
    let all = rows.len();
    (all > 0).then(|| {
        let lines = rows.into_iter().take(SHOWN).map(|row| line(row, on_close)).collect_any();
        let more = all.saturating_sub(SHOWN);
        view! {
            <section class="compare-group" data-test=format!("compare-{}", kind.word())>
                <h3>{kind.plural()} " " <span class="faint">{count(all as u64)}</span></h3>
                <ul>{lines}</ul>
                {(more > 0).then(|| view! { <p class="small faint">{format!("and {} more: pilothouse diff lists all", count(more as u64))}</p> })}
            </section>
        }
    })
}

fn line(row: &Differs, on_close: Callback<()>) -> impl IntoView + use<> {
    let state = use_state();
    let object = row.object.clone();
    let name = match row.what.is_empty() {
        true => object.name().to_string(),
        false => format!("{}: {}", object.name(), row.what),
    };
    let fields = row.words();
    let open = move |_| {
        on_close.run(());
        state.show(object.clone());
    };
    view! {
        <li>
            <span class="mono" title=row.change.word() aria-label=row.change.word()>{row.change.sign()}</span>
            <Mark status=row.status size=10 />
            <button type="button" class="plain strong" dir="auto" on:click=open>{visible(&name)}</button>
            <span class="soft" dir="auto">{visible(&fields)}</span>
        </li>
    }
}
