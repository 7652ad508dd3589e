//! The ribbon at the foot of every screen: what changed and what moved, on one clock that ends now.

mod bubble;
mod lane;
mod lost;
mod place;
mod scale;
mod shape;
mod signs;

use super::size::use_size;
use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    mirror::{Watched, use_view},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Stamp, ViewSpec, units,
    view::{Lane, Mark},
};
use scale::Scale;
use std::time::Duration;

/// The gutter for the names of the lanes.
const LEFT: f64 = 184.0;
/// The gutter for their values.
const RIGHT: f64 = 92.0;
/// The row of marks.
const MARKS: f64 = 36.0;
/// One lane.
const LANE: f64 = 19.0;
/// The axis.
const AXIS: f64 = 18.0;

/// What can be shown, from the shortest.
const SPANS: [(&str, Duration); 5] = [
    ("15 min", Duration::from_secs(15 * 60)),
    ("1 h", Duration::from_secs(3_600)),
    ("6 h", Duration::from_secs(6 * 3_600)),
    ("1 d", Duration::from_secs(24 * 3_600)),
    ("7 d", Duration::from_secs(7 * 24 * 3_600)),
];
const FIRST_SPAN: usize = 1;

/// What the ribbon draws: recomputed each second and with each frame, never animated.
#[derive(Clone, Debug, PartialEq)]
struct Picture {
    scale: Scale,
    width: f64,
    height: f64,
    marks: Vec<Mark>,
    lanes: Vec<Lane>,
    lost: Vec<(Stamp, Option<Stamp>)>,
}

impl Picture {
    /// Where the lanes end and the axis begins.
    fn floor(&self) -> f64 {
        self.height - AXIS
    }
}

/// The ribbon.
#[component]
pub fn Ribbon() -> impl IntoView {
    let span = RwSignal::new(FIRST_SPAN);
    let spec = Signal::derive(move || ViewSpec::Ribbon { span: SPANS[span.get()].1 });
    let watched = use_view(spec);
    offer_zoom(span);
    let picture = picture(watched, span);
    let signs = Memo::new(move |_| picture.with(|picture| place::place(&picture.marks, &picture.scale)));
    let current = signs::Current::none();
    view! {
        <footer class="ribbon" data-test="ribbon" role="region" aria-label="Changes and series, up to now">
            <svg width=move || picture.with(|p| p.width) height=move || picture.with(|p| p.height) aria-hidden="true">
                <defs>
                    <pattern id="ribbon-lost" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                        <rect class="lost-stripe" width="2" height="6" />
                    </pattern>
                </defs>
                {move || picture.with(grid)}
                {move || picture.with(lanes)}
                {move || picture.with(ticks)}
                <signs::Signs picture=picture signs=signs current=current />
                {move || picture.with(now)}
            </svg>
            <Spans span=span />
            {move || picture.with(gutters)}
            <Empty watched=watched />
            <signs::Hits picture=picture signs=signs current=current />
            <bubble::Bubble picture=picture signs=signs current=current />
        </footer>
    }
}

fn offer_zoom(span: RwSignal<usize>) {
    on_command(Command::ZoomIn, move || span.try_update(|span| *span = span.saturating_sub(1)).is_some());
    let longer = move |span: &mut usize| *span = (*span + 1).min(SPANS.len() - 1);
    on_command(Command::ZoomOut, move || span.try_update(longer).is_some());
}

fn picture(watched: Watched, span: RwSignal<usize>) -> Memo<Picture> {
    let (clock, size) = (use_clock(), use_size());
    let scope = use_state().scope();
    Memo::new(move |_| {
        let (width, lanes) = (size.width(), size.lanes());
        let height = if lanes == 1 { 80.0 } else { 112.0 + LANE * (lanes as f64 - 3.0) };
        let scale = Scale::ending(clock.now(), SPANS[span.get()].1, LEFT, width - RIGHT);
        let in_scope =
            |mark: &&Mark| scope.with(|scope| scope.is_empty() || scope.contains(mark.key.object.connection()));
        let content = watched.ribbon(|view| {
            let marks: Vec<Mark> = view.marks.rows().iter().filter(in_scope).cloned().collect();
            let shown: Vec<Lane> = view.lanes.iter().take(lanes).cloned().collect();
            (lost::spans(&marks, &watched.sources()), marks, shown)
        });
        let (lost, marks, lanes) = content.unwrap_or_default();
        Picture { scale, width, height, marks, lanes, lost }
    })
}

fn grid(picture: &Picture) -> impl IntoView + use<> {
    let (floor, height) = (picture.floor(), picture.height);
    let ticks = picture.scale.ticks().into_iter().map(|tick| {
        // The now tag has the last place: a word under it would be half a word.
        let word = (tick.x < picture.scale.right - 34.0).then_some(tick.label);
        view! {
            <path class="grid-line" d=format!("M{:.1} {MARKS}V{floor}", tick.x) />
            <text x=tick.x y=height - 5.0 text-anchor="middle">{word}</text>
        }
    });
    let edges = format!("M0 {}H{}M{LEFT} {}H{}", MARKS - 1.5, picture.width, floor - 0.5, picture.scale.right);
    view! {
        {ticks.collect_view()}
        <path class="grid-line" d=edges />
    }
}

fn lanes(picture: &Picture) -> impl IntoView + use<> {
    let lost = picture.lost.iter().map(|(from, to)| {
        let x = picture.scale.x(*from).max(picture.scale.left);
        let end = picture.scale.x(to.unwrap_or(picture.scale.to)).min(picture.scale.right);
        let (width, height) = ((end - x).max(0.0), picture.floor() - MARKS);
        view! { <rect class="lost-span" x=x y=MARKS width=width height=height /> }
    });
    let lines = picture.lanes.iter().enumerate().map(|(index, lane)| {
        let (path, last) = lane::path(lane, &picture.scale, top(index) + 4.0, LANE - 9.0);
        let dot = last.map(|(x, y)| view! { <circle class="lane-dot" cx=x cy=y r="2" /> });
        view! {
            <path class="lane-path" d=path />
            {dot}
        }
    });
    view! {
        {lines.collect_view()}
        {lost.collect_view()}
    }
}

/// The upper edge of a lane.
#[allow(clippy::cast_precision_loss, reason = "five lanes at most")]
fn top(lane: usize) -> f64 {
    MARKS + lane as f64 * LANE
}

/// Pods that were placed or went: one path for all of them, on the lower row.
fn ticks(picture: &Picture) -> impl IntoView + use<> {
    let shown = |mark: &&Mark| place::is_tick(mark.key.kind) && picture.scale.holds(mark.key.at);
    let path: String =
        picture.marks.iter().filter(shown).map(|mark| format!("M{:.1} 25V33", picture.scale.x(mark.key.at))).collect();
    view! { <path class="change tick" d=path stroke="currentColor" /> }
}

fn now(picture: &Picture) -> impl IntoView + use<> {
    let (x, height) = (picture.scale.right, picture.height);
    view! {
        <path class="now-line" d=format!("M{x} 0V{}", picture.floor()) />
        <rect class="now-tag" x=x - 8.0 y=height - 20.0 width="96" height="20" rx="3" />
        <text class="now-text" x=x + 40.0 y=height - 6.0 text-anchor="middle">
            {format!("now {}", picture.scale.to.clock())}
        </text>
    }
}

fn gutters(picture: &Picture) -> impl IntoView + use<> {
    let lanes = picture.lanes.iter().enumerate().map(|(index, lane)| {
        let name = units::visible(&lane.name);
        let top = format!("{}px", top(index));
        view! {
            <span class="lane-name" style:top=top.clone() title=name.clone() dir="auto">{name.clone()}</span>
            <span class="lane-value" style:top=top dir="auto">{units::visible(&lane::present(lane))}</span>
        }
    });
    lanes.collect_view()
}

#[component]
fn Spans(span: RwSignal<usize>) -> impl IntoView {
    let buttons = SPANS.iter().enumerate().map(|(index, (word, _))| {
        view! {
            <button
                type="button"
                aria-pressed=move || (span.get() == index).to_string()
                on:click=move |_| span.set(index)
            >
                {*word}
            </button>
        }
    });
    view! { <div class="ribbon-spans segments" role="group" aria-label="Span of the ribbon">{buttons.collect_view()}</div> }
}

/// What the ribbon says while it has nothing to show.
#[component]
fn Empty(watched: Watched) -> impl IntoView {
    let text = move || {
        if let Some(problem) = watched.problem() {
            return Some(problem.to_string());
        }
        let empty = watched.ribbon(|view| view.marks.is_empty() && view.lanes.is_empty()).unwrap_or(true);
        if !empty {
            return None;
        }
        Some(if watched.sources().is_empty() {
            "The ribbon starts with the first connection.".to_owned()
        } else {
            "Nothing has changed in this span.".to_owned()
        })
    };
    move || text().map(|text| view! { <p class="ribbon-empty" dir="auto">{text}</p> })
}
