//! The foot: every source with its age, and what comes next on this screen.

use super::{
    Wall,
    plan::{self, Mood},
};
use crate::{
    once::{CollectAny, live},
    parts::mark::{Mark, tone},
};
use leptos::prelude::*;

/// The foot.
#[component]
pub fn Foot() -> impl IntoView {
    let wall: Wall = expect_context();
    let shown = Memo::new(move |_| {
        let linked = wall.link.is_open();
        wall.sources.with(|sources| plan::foot(sources, linked, wall.clock.now()))
    });
    let sources = move || {
        shown.with(|(sources, _)| {
            let one = |source: &plan::Source| {
                let class = format!("wall-source {}", tone(source.status));
                let (name, words, status) = (source.name.clone(), source.words.clone(), source.status);
                view! {
                    <span class=class data-test="wall-source">
                        <Mark status=status size=22 />
                        <span dir="auto">{name}</span>
                        <span class="wall-age">{words}</span>
                    </span>
                }
            };
            sources.iter().map(one).collect_any()
        })
    };
    view! {
        <footer class="wall-foot" data-test="wall-foot">
            {sources}
            <span class="faint">{move || shown.with(|(_, more)| more.clone())}</span>
            <span class="fill"></span>
            <Next />
        </footer>
    }
}

#[component]
fn Next() -> impl IntoView {
    let wall: Wall = expect_context();
    live(move || match wall.mood.get() {
        Mood::Trouble => {
            let (turn, of) = (wall.trouble_turn.get(), wall.shown.with(|shown| shown.ids.len()));
            let words = if of > 1 { format!("next in {} s", turn.left_s) } else { "fixed until it ends".to_owned() };
            view! { <span class="faint" data-test="wall-next">{words}</span> }.into_any()
        }
        mood if mood.is_old() => ().into_any(),
        _ => {
            let turn = wall.panel_turn.get();
            let names = wall.show.with_value(|show| {
                let one = |(at, panel): (usize, &pilothouse_wire::wall::Panel)| {
                    let class = if at == turn.at { "strong" } else { "" };
                    view! { <span class=class>{panel.name()}</span> }
                };
                show.iter().enumerate().map(one).collect_any()
            });
            let next = (turn.next != turn.at).then(|| {
                view! { <span class="faint" data-test="wall-next">{format!("next in {} s", turn.left_s)}</span> }
            });
            view! { {names} {next} }.into_any()
        }
    })
}
