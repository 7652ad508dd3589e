//! How traffic was split over time: wanted dashed, answered filled. A gap is never drawn as zero.

use super::rollout::part;
use crate::{clock::use_clock, mirror::Watched, once::CollectAny};
use leptos::prelude::*;
use pilothouse_wire::{Stamp, view::delivery::WeightPoint};
use std::fmt::Write;

/// The picture, in its own units; a gutter for the axis at the left, one for times below.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 42.0;
const FOOT: f64 = 18.0;
const TOP: f64 = 8.0;

/// Draws the chart.
#[component]
pub fn Traffic(view: Watched) -> impl IntoView {
    let clock = use_clock();
    let points = part(view, |rollout| rollout.weights.clone());
    let split = Memo::new(move |_| view.rollout(|rollout| rollout.map(|rollout| rollout.row.traffic)).flatten());
    let says = move || {
        split.get().map(|split| {
            format!("wanted {}, answered {}", split.words(split.wanted), split.words(split.actual))
        })
    };
    let picture = move || {
        points.with(|points| Picture::of(points, clock.now())).map(|picture| {
            let label = format!("Traffic of the newest revision from {} to {} UTC", picture.from.clock(), picture.to.clock());
            let grid = [0.0, 50.0, 100.0].map(|share| {
                let y = y_of(share);
                view! {
                    <path class="rollout-grid-line" d=format!("M{LEFT} {y:.1}H{WIDTH}") />
                    <text class="rollout-axis" x=LEFT - 6.0 y=y + 4.0 text-anchor="end">{format!("{share} %")}</text>
                }
            });
            view! {
                <svg class="rollout-chart" viewBox=format!("0 0 {WIDTH} {HEIGHT}") role="img" aria-label=label>
                    {grid.collect_any()}
                    <path class="rollout-actual" d=picture.actual_area />
                    <path class="rollout-actual-line" d=picture.actual />
                    <path class="rollout-wanted" d=picture.wanted />
                    <text class="rollout-axis" x=LEFT y=HEIGHT - 4.0>{picture.from.clock()}</text>
                    <text class="rollout-axis" x=WIDTH y=HEIGHT - 4.0 text-anchor="end">{picture.to.clock()}</text>
                </svg>
            }
        })
    };
    view! {
        <section class="card" data-test="rollout-traffic" aria-label="Traffic">
            <header class="card-head">
                <h2>"Traffic of the newest revision"</h2>
                <span class="fill"></span>
                <span class="small faint">{move || says()}</span>
            </header>
            <div class="card-body">{move || picture().map_or_else(
                || view! { <p class="faint">"Its splits are drawn from when they are first seen."</p> }.into_any(),
                IntoAny::into_any,
            )}</div>
        </section>
    }
}

/// Lines as paths.
#[derive(Debug, PartialEq)]
struct Picture {
    from: Stamp,
    to: Stamp,
    wanted: String,
    actual: String,
    actual_area: String,
}

fn y_of(share: f64) -> f64 {
    let room = HEIGHT - FOOT - TOP;
    TOP + room - share.clamp(0.0, 100.0) / 100.0 * room
}

impl Picture {
    fn of(points: &[WeightPoint], now: Stamp) -> Option<Self> {
        let from = points.first()?.at;
        let to = now.max(points.last()?.at);
        #[allow(clippy::cast_precision_loss, reason = "pixels")]
        let span = (to.0 - from.0).max(1) as f64;
        #[allow(clippy::cast_precision_loss, reason = "pixels")]
        let x_of = |at: Stamp| LEFT + (at.0 - from.0) as f64 / span * (WIDTH - LEFT);
        let share = |share: Option<u32>, point: &WeightPoint| {
            share.map(|share| f64::from(share) * 100.0 / f64::from(point.split.whole.max(1)))
        };
        let (mut wanted, mut actual, mut area) = (String::new(), String::new(), String::new());
        for (at, point) in points.iter().enumerate() {
            let (left, right) = (x_of(point.at), points.get(at + 1).map_or_else(|| x_of(to), |next| x_of(next.at)));
            let before = at.checked_sub(1).and_then(|at| points.get(at));
            // A step up or down joins what is known on both sides, and nothing else.
            let line = |path: &mut String, now: Option<f64>, was: Option<f64>| {
                if let Some(now) = now {
                    let begin = if was.is_some() { 'L' } else { 'M' };
                    let _ = write!(path, "{begin}{left:.1} {:.1}H{right:.1}", y_of(now));
                }
            };
            let was = |read: fn(&WeightPoint) -> Option<u32>| before.and_then(|point| share(read(point), point));
            line(&mut wanted, share(point.split.wanted, point), was(|point| point.split.wanted));
            line(&mut actual, share(point.split.actual, point), was(|point| point.split.actual));
            if let Some(now) = share(point.split.actual, point) {
                let _ = write!(area, "M{left:.1} {:.1}V{:.1}H{right:.1}V{:.1}Z", y_of(0.0), y_of(now), y_of(0.0));
            }
        }
        Some(Self { from, to, wanted, actual, actual_area: area })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::view::delivery::Split;

    fn point(at: i64, wanted: Option<u32>, actual: Option<u32>) -> WeightPoint {
        WeightPoint { at: Stamp(at), split: Split { wanted, actual, whole: 100 } }
    }

    #[test]
    fn what_is_not_known_is_a_gap_and_no_zero() {
        let points = [point(0, Some(20), Some(0)), point(100, Some(20), None), point(200, Some(50), Some(50))];
        let picture = Picture::of(&points, Stamp(400)).unwrap();
        assert_eq!(picture.wanted.matches('M').count(), 1, "{}", picture.wanted);
        assert_eq!(picture.actual.matches('M').count(), 2, "{}", picture.actual);
        assert!(picture.actual.ends_with(&format!("H{WIDTH:.1}")), "{}", picture.actual);
        assert_eq!(Picture::of(&[], Stamp(0)), None);
    }
}
