//! The ribbon at the foot of every screen: what changed and what moved, on one clock. The time that the page shows is a
//! place on it.

mod before;
mod bubble;
mod draw;
mod gap;
pub mod known;
pub mod lane;
mod lost;
pub mod place;
pub mod scale;
pub mod shape;
mod signs;
mod span;
mod time;
mod window;

use super::size::use_size;
use crate::{
    clock::use_clock,
    link::use_link,
    mirror::{Watched, use_view},
    once::{CollectAny, live},
    state::use_state,
};
pub use gap::place as gap_place;
use leptos::prelude::*;
use pilothouse_wire::{
    Stamp, When,
    record::Gap,
    view::{Lane, Mark},
};
use scale::Scale;
pub use scale::day;
use std::time::Duration;
use window::Window;

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

/// The spans that have a button.
const SPANS: [(&str, Duration); 5] = [
    ("15 min", Duration::from_secs(15 * 60)),
    ("1 h", Duration::from_secs(3_600)),
    ("6 h", Duration::from_secs(6 * 3_600)),
    ("1 d", Duration::from_secs(24 * 3_600)),
    ("7 d", Duration::from_secs(7 * 24 * 3_600)),
];

/// What the ribbon draws: recomputed each second and with each frame, never animated.
#[derive(Clone, Debug, PartialEq)]
struct Picture {
    scale: Scale,
    width: f64,
    height: f64,
    /// The time of day; of a record, its end.
    now: Stamp,
    /// What that time is called.
    now_word: &'static str,
    /// The time that the page shows.
    when: When,
    marks: Vec<Mark>,
    lanes: Vec<Lane>,
    /// The same lanes from before this run, as servers keep them.
    before: before::Before,
    lost: Vec<(Stamp, Option<Stamp>)>,
    gaps: Vec<Gap>,
}

impl Picture {
    /// Nothing yet.
    #[cfg(test)]
    fn empty() -> Self {
        let scale = Scale { from: Stamp(0), to: Stamp(1), left: 0.0, right: 1.0 };
        let (marks, lanes, before, lost, gaps) = Default::default();
        let (now, now_word, when) = (Stamp(0), "now", When::Now);
        Self { scale, width: 0.0, height: 0.0, now, now_word, when, marks, lanes, before, lost, gaps }
    }

    /// What a server keeps of a lane from before this run.
    fn before(&self, of: &Lane) -> &[(Stamp, f64)] {
        let same = |lane: &&Lane| lane.kind == of.kind && lane.source == of.source;
        self.before.lanes.iter().find(same).map_or(&[], |lane| lane.points.as_slice())
    }

    /// Where the lanes end and the axis begins.
    fn floor(&self) -> f64 {
        self.height - AXIS
    }

    /// Where the tag of the time that is shown begins and ends; none if now is shown, or it is out of sight.
    fn grip(&self) -> Option<(f64, f64)> {
        let When::At(then) = self.when else { return None };
        let x = self.scale.holds(then).then(|| self.scale.x(then))?;
        let middle =
            x.clamp(self.scale.left + draw::GRIP, (self.scale.right - draw::GRIP).max(self.scale.left + draw::GRIP));
        Some((middle - draw::GRIP, middle + draw::GRIP))
    }
}

/// The ribbon.
#[component]
pub fn Ribbon() -> impl IntoView {
    let window = RwSignal::new(Window::FIRST);
    bring_into_sight(window);
    let spec = Memo::new(move |_| window.get().spec());
    let watched = use_view(spec);
    let picture = picture(watched, window, before::lanes(watched, window));
    let signs = Memo::new(move |_| picture.with(|picture| place::place(&picture.marks, &picture.scale)));
    let current = signs::Current::none();
    let (ends, pointed) = (RwSignal::new(None::<span::Ends>), RwSignal::new(None::<f64>));
    view! {
        <footer
            class="ribbon" data-test="ribbon" role="region" aria-label="Changes and series, up to now"
            on:wheel=time::on_wheel(picture, window)
        >
            <svg width=move || picture.with(|p| p.width) height=move || picture.with(|p| p.height) aria-hidden="true">
                <defs>
                    <pattern id="ribbon-lost" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                        <rect class="lost-stripe" width="2" height="6" />
                    </pattern>
                    <pattern id="ribbon-veil" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                        <rect class="veil-stripe" width="2" height="6" />
                    </pattern>
                </defs>
                {move || picture.with(|picture| span::shade(picture, ends.get()))}
                {move || picture.with(draw::grid)}
                {move || picture.with(gap::gaps)}
                {move || picture.with(draw::lanes)}
                {move || picture.with(draw::ticks)}
                <signs::Signs picture=picture signs=signs current=current />
                {move || picture.with(draw::veil)}
                {move || picture.with(draw::cursor)}
            </svg>
            <Spans window=window />
            {move || picture.with(draw::gutters)}
            <Empty watched=watched />
            <time::Time picture=picture window=window ends=ends pointed=pointed />
            <span::Handles picture=picture window=window ends=ends />
            <signs::Hits picture=picture signs=signs current=current />
            <bubble::Bubble picture=picture signs=signs current=current />
            <gap::Bubble picture=picture pointed=pointed />
        </footer>
    }
}

/// A time that an address or the palette goes to is moved into sight.
fn bring_into_sight(window: RwSignal<Window>) {
    let (state, clock) = (use_state(), use_clock());
    let first = untrack(|| state.when().get());
    if let When::At(then) = first {
        let now = clock.read_real();
        // So long that both then and now are in sight, where that is within a week.
        window.update(|window| *window = window.long(now.since(then)).holding(then, now));
    }
}

fn picture(watched: Watched, window: RwSignal<Window>, older: RwSignal<before::Before>) -> Memo<Picture> {
    let (clock, size, state, link) = (use_clock(), use_size(), use_state(), use_link());
    let scope = state.scope();
    Memo::new(move |before: Option<&Picture>| {
        let (width, lanes) = (size.width(), size.lanes());
        let height = if lanes == 1 { 80.0 } else { 112.0 + LANE * (lanes as f64 - 3.0) };
        let (now, when, true_then) = (clock.real(), state.when().get(), state.true_then());
        let window = window.get();
        let scale = Scale::ending(window.end(now), window.span(), LEFT, width - RIGHT);
        let in_scope = |mark: &&Mark| {
            mark.key.kind == pilothouse_wire::view::MarkKind::Bookmark
                || scope.with(|scope| scope.is_empty() || scope.contains(mark.key.object.connection()))
        };
        let content = watched.ribbon(|view| {
            let shown = |mark: &&Mark| in_scope(mark) && known::is_shown(mark, when, true_then);
            let marks: Vec<Mark> = view.marks.rows().iter().filter(shown).cloned().collect();
            let lanes: Vec<Lane> = view.lanes.iter().take(lanes).cloned().collect();
            (lost::spans(&marks, &watched.sources()), marks, lanes, view.gaps.clone())
        });
        // While another stretch is on its way, the last one stays: times are right, and what is missing comes.
        let kept = || before.map(|p| (p.lost.clone(), p.marks.clone(), p.lanes.clone(), p.gaps.clone()));
        let (lost, marks, lanes, gaps) = content.or_else(kept).unwrap_or_default();
        let now_word = if link.record().is_some() { "end" } else { "now" };
        Picture { scale, width, height, now, now_word, when, marks, lanes, before: older.get(), lost, gaps }
    })
}

#[component]
fn Spans(window: RwSignal<Window>) -> impl IntoView {
    let (state, clock) = (use_state(), use_clock());
    let buttons = SPANS.iter().map(|(word, span)| {
        let press = move |_| {
            let now = clock.read_real();
            let shown = state.when().get_untracked().stamp(now);
            window.update(|window| *window = window.long(*span).holding(shown, now));
        };
        view! {
            <button
                type="button"
                aria-pressed=move || (window.get().span() == *span).to_string()
                on:click=press
            >
                {*word}
            </button>
        }
    });
    view! { <div class="ribbon-spans segments" role="group" aria-label="Span of the ribbon">{buttons.collect_any()}</div> }
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
    live(move || text().map(|text| view! { <p class="ribbon-empty" dir="auto">{text}</p> }))
}
