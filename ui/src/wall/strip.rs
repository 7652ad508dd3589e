//! The strip of the last hour: what changed, on one clock that ends now.

use super::{
    Wall, gaps,
    plan::{self, Mood},
};
use crate::{
    once::CollectAny,
    shell::ribbon::{place, scale::Scale, shape},
};
use leptos::prelude::*;
use pilothouse_wire::{Stamp, record::Gap, view::Mark};

/// The signs and words of the ribbon, this many times as large.
const LARGER: f64 = 2.2;
/// Its height and its margins, in the ribbon's own pixels.
const TALL: f64 = 150.0 / LARGER;
const MARGIN: f64 = 48.0 / LARGER;
/// Where the line with the signs is, and where the words of the axis are.
const LINE: f64 = 42.0;
const WORDS: f64 = 61.0;
/// Where the words of gaps are, above all that is drawn.
const GAPS: f64 = 10.0;
/// Nearer to now than this the axis has no words: those of now stand there.
const NOW: f64 = 120.0;

/// The strip.
#[component]
pub fn Strip() -> impl IntoView {
    let wall: Wall = expect_context();
    // By ten seconds a sign moves by less than three units: redrawing each second would show nothing new.
    let until = Memo::new(move |_| {
        let now = wall.as_of();
        Stamp(now.0.div_euclid(10_000) * 10_000 + 10_000)
    });
    let scale =
        Memo::new(move |_| Scale::ending(until.get(), super::SPAN, MARGIN, wall.screen.width() / LARGER - MARGIN));
    let marks = Memo::new(move |_| {
        let scope = wall.scope.get_value();
        let shown = |mark: &&Mark| plan::is_told(mark, &scope);
        wall.ribbon
            .ribbon(|view| view.marks.rows().iter().filter(shown).cloned().collect::<Vec<_>>())
            .unwrap_or_default()
    });
    let signs = Memo::new(move |_| marks.with(|marks| scale.with(|scale| place::place(marks, scale))));
    let gaps = Memo::new(move |_| wall.gaps());
    let cut = move || wall.mood.with(Mood::is_old);
    let box_of = move || format!("0 0 {} {TALL}", wall.screen.width() / LARGER);
    view! {
        <section class="wall-strip" data-test="wall-strip" aria-label="Changes of the last hour">
            <svg width=move || wall.screen.width() height=150 viewBox=move || box_of() aria-hidden="true">
                <defs>
                    <pattern id="wall-gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                        <rect width="2" height="6" />
                    </pattern>
                </defs>
                {move || gaps.with(|gaps| scale.with(|scale| missing(gaps, scale, until.get())))}
                {move || scale.with(axis)}
                {move || marks.with(|marks| signs.with(|signs| drawn(marks, signs)))}
                {move || scale.with(|scale| now(scale, wall.as_of(), cut()))}
            </svg>
        </section>
    }
}

/// What the record does not tell of: hatched, and why in words.
fn missing(gaps: &[Gap], scale: &Scale, now: Stamp) -> impl IntoView + use<> {
    let one = |gap: gaps::Placed| {
        let (from, to) = gap.span;
        let words = gap.words.map(|(x, words)| view! { <text class:lost=gap.hides x=x y=GAPS>{words}</text> });
        view! {
            <rect class="gap-span" x=from y=GAPS + 3.0 width=to - from height=LINE - GAPS + 3.0 />
            {words}
        }
    };
    view! { <g data-test="wall-gaps">{gaps::placed(gaps, scale, now).into_iter().map(one).collect_any()}</g> }
}

fn axis(scale: &Scale) -> impl IntoView + use<> {
    let ticks = scale.ticks().into_iter().map(|tick| {
        let word = (tick.x < scale.right - NOW).then_some(tick.label);
        view! {
            <path class="axis" d=format!("M{:.1} {}V{}", tick.x, LINE - 3.0, LINE + 3.0) />
            <text x=tick.x y=WORDS text-anchor="middle">{word}</text>
        }
    });
    view! {
        <path class="axis" d=format!("M{} {LINE}H{}", scale.left, scale.right) />
        {ticks.collect_any()}
    }
}

fn drawn(marks: &[Mark], signs: &[place::Sign]) -> impl IntoView + use<> {
    let one = |sign: &place::Sign| {
        let mark = marks.get(sign.chief)?;
        let label = sign.label.as_ref().map(|label| {
            let (x, anchor) = if label.after { (sign.x - 6.0, "start") } else { (sign.x + 6.0, "end") };
            view! { <text class=format!("label {}", shape::tone(mark)) x=x y="24" text-anchor=anchor>{label.text.clone()}</text> }
        });
        Some(view! {
            {label}
            <g class=shape::class(mark) transform=format!("translate({:.1} {LINE})", sign.x)>
                <circle class="ground" r="8" />
                {shape::shape(mark.key.kind)}
            </g>
        })
    };
    signs.iter().filter_map(one).collect_any()
}

fn now(scale: &Scale, at: Stamp, cut: bool) -> impl IntoView + use<> {
    let words = if cut { format!("as of {}", at.clock()) } else { format!("now {}", at.clock()) };
    view! {
        <path class="now" d=format!("M{} 9V{LINE}", scale.right) />
        <text class="now" x=scale.right y=WORDS text-anchor="end">{words}</text>
    }
}
