//! What the ribbon draws under and over its signs: grid, lanes, ticks, the veil over what was to come, now and then.

use super::{LANE, MARKS, Picture, lane, place};
use crate::once::CollectAny;
use leptos::prelude::*;
use pilothouse_wire::{
    When,
    units::{self, visible},
    view::{LaneKind, Mark},
};

/// Half of the tag of the time that is shown.
pub const GRIP: f64 = 78.0;

pub fn grid(picture: &Picture) -> impl IntoView + use<> {
    let (floor, height) = (picture.floor(), picture.height);
    let ticks = picture.scale.ticks().into_iter().map(|tick| {
        // The now tag has the last place, and then's tag its own: a word under it would be half a word.
        let hidden = picture.grip().is_some_and(|(from, to)| from - 20.0 < tick.x && tick.x < to + 20.0);
        let word = (tick.x < picture.scale.right - 34.0 && !hidden).then_some(tick.label);
        view! {
            <path class="grid-line" d=format!("M{:.1} {MARKS}V{floor}", tick.x) />
            <text x=tick.x y=height - 5.0 text-anchor="middle">{word}</text>
        }
    });
    let edges =
        format!("M0 {}H{}M{} {}H{}", MARKS - 1.5, picture.width, picture.scale.left, floor - 0.5, picture.scale.right);
    view! {
        {ticks.collect_any()}
        <path class="grid-line" d=edges />
    }
}

pub fn lanes(picture: &Picture) -> impl IntoView + use<> {
    let lost = picture.lost.iter().map(|(from, to)| {
        let x = picture.scale.x(*from).max(picture.scale.left);
        let end = picture.scale.x(to.unwrap_or(picture.now)).min(picture.scale.right);
        let (width, height) = ((end - x).max(0.0), picture.floor() - MARKS);
        view! { <rect class="lost-span" x=x y=MARKS width=width height=height /> }
    });
    let lines = picture.lanes.iter().enumerate().map(|(index, lane)| {
        let before = picture.before(lane);
        let (rebuilt, path, last) = lane::both(lane, before, &picture.scale, top(index) + 4.0, LANE - 9.0);
        let dot = last.map(|(x, y)| view! { <circle class="lane-dot" cx=x cy=y r="2" /> });
        view! {
            {(!rebuilt.is_empty()).then(|| view! { <path class="lane-path rebuilt" data-test="lane-rebuilt" d=rebuilt /> })}
            <path class="lane-path" d=path />
            {dot}
        }
    });
    view! {
        {lines.collect_any()}
        {lost.collect_any()}
    }
}

/// The upper edge of a lane.
#[allow(clippy::cast_precision_loss, reason = "five lanes at most")]
fn top(lane: usize) -> f64 {
    MARKS + lane as f64 * LANE
}

/// Pods that were placed or went: one path for all of them, on the lower row; and one, lighter, for those that were
/// rebuilt.
pub fn ticks(picture: &Picture) -> impl IntoView + use<> {
    let path = |rebuilt: bool| -> String {
        let shown =
            |mark: &&Mark| place::is_tick(mark.key.kind) && mark.rebuilt == rebuilt && picture.scale.holds(mark.key.at);
        picture.marks.iter().filter(shown).map(|mark| format!("M{:.1} 25V33", picture.scale.x(mark.key.at))).collect()
    };
    view! {
        <path class="change tick" d=path(false) stroke="currentColor" />
        <path class="change tick rebuilt" d=path(true) stroke="currentColor" />
    }
}

/// The veil over what was still to come, and the real now as a dotted line.
pub fn veil(picture: &Picture) -> impl IntoView + use<> {
    let When::At(then) = picture.when else { return None };
    let scale = picture.scale;
    let x = scale.x(then).clamp(scale.left, scale.right);
    let (width, floor) = (scale.right - x, picture.floor());
    let now = scale.holds(picture.now).then(|| {
        let x = scale.x(picture.now);
        view! {
            <path class="real-now" d=format!("M{x:.1} 0V{floor}") />
            <text class="real-now-text" x=x y=picture.height - 5.0 text-anchor="middle">
                {format!("{} {}", picture.now_word, &picture.now.clock()[..5])}
            </text>
        }
    });
    Some(view! {
        <rect class="veil" x=x y="0" width=width height=floor />
        <rect class="veil-stripes" x=x y="0" width=width height=floor />
        {now}
    })
}

/// The line and the tag of the time that is shown.
pub fn cursor(picture: &Picture) -> impl IntoView + use<> {
    let (height, floor) = (picture.height, picture.floor());
    match picture.when {
        When::Now => {
            let x = picture.scale.right;
            let line = picture.scale.holds(picture.now);
            view! {
                {line.then(|| view! { <path class="now-line" d=format!("M{x} 0V{floor}") /> })}
                <rect class="now-tag" x=x - 8.0 y=height - 20.0 width="96" height="20" rx="3" />
                <text class="now-text" x=x + 40.0 y=height - 6.0 text-anchor="middle">
                    {format!("{} {}", picture.now_word, picture.now.clock())}
                </text>
            }
            .into_any()
        }
        When::At(then) => {
            let Some((from, to)) = picture.grip() else { return ().into_any() };
            let (x, middle) = (picture.scale.x(then), f64::midpoint(from, to));
            let text = format!("◂ {}, −{} ▸", then.clock(), units::age(picture.now.since(then)));
            view! {
                <path class="now-line" d=format!("M{x:.1} 0V{floor}") />
                <rect class="now-tag" data-test="ribbon-grip" x=from y=height - 20.0 width=to - from height="20" rx="3" />
                <text class="now-text" x=middle y=height - 6.0 text-anchor="middle">{text}</text>
            }
            .into_any()
        }
    }
}

pub fn gutters(picture: &Picture) -> impl IntoView + use<> {
    let lanes = picture.lanes.iter().enumerate().map(|(index, lane)| {
        let (name, before) = (visible(&lane.name), picture.before(lane));
        let measured = LaneKind::MEASURED.contains(&lane.kind);
        let title = match (before.is_empty(), &picture.before.missing) {
            (false, _) => format!("{name}. Dashed: reconstructed from what the server keeps of before."),
            (true, Some(missing)) if measured => format!("{name}. What was before is missing: {}", visible(missing)),
            (true, _) => name.clone(),
        };
        let top = format!("{}px", top(index));
        view! {
            <span class="lane-name" style:top=top.clone() title=title dir="auto">{name}</span>
            <span class="lane-value" style:top=top dir="auto">{visible(&lane::present_or_before(lane, before, picture.when))}</span>
        }
    });
    lanes.collect_any()
}
