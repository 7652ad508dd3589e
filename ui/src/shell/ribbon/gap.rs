//! Times that the record does not tell of: hatched under the lanes, with their reason where there is room, and in full for
//! whoever points at one.

use super::{MARKS, Picture, scale::Scale};
use crate::once::{CollectAny, live};
use leptos::prelude::*;
use pilothouse_wire::{
    Stamp,
    record::Gap,
    units::{self, visible},
};

/// Room for a reason in a word or two.
const WORD_PX: f64 = 96.0;
/// A short one is still seen.
const LEAST_PX: f64 = 2.0;

/// Where a gap is drawn; `None` if it is out of sight.
#[must_use]
pub fn place(gap: &Gap, scale: &Scale, now: Stamp) -> Option<(f64, f64)> {
    let from = gap.since.map_or(scale.left, |since| scale.x(since)).max(scale.left);
    let to = scale.x(gap.until.unwrap_or(now)).min(scale.right);
    (to > scale.left && from < scale.right).then(|| (from, to.max(from + LEAST_PX).min(scale.right)))
}

/// The gap that holds a time: of several the one that hides it.
#[must_use]
pub fn at(gaps: &[Gap], t: Stamp) -> Option<&Gap> {
    gaps.iter().filter(|gap| gap.holds(t)).max_by_key(|gap| gap.why.hides())
}

/// From when to when it is, and how long that is.
#[must_use]
pub fn span(gap: &Gap, now: Stamp) -> String {
    match (gap.since, gap.until) {
        (Some(since), Some(until)) => {
            format!("{} to {}, {}", since.clock(), until.clock(), units::span(until.since(since)))
        }
        (Some(since), None) => format!("since {}, {}", since.clock(), units::span(now.since(since))),
        (None, Some(until)) => format!("before {} {}", super::day(until), until.clock()),
        (None, None) => "at no time".to_owned(),
    }
}

/// Draws them.
pub fn gaps(picture: &Picture) -> impl IntoView + use<> {
    let floor = picture.floor();
    let drawn = picture.gaps.iter().filter_map(|gap| {
        let (from, to) = place(gap, &picture.scale, picture.now)?;
        let word = (to - from >= WORD_PX).then(|| {
            view! { <text class="gap-text" x=to - 6.0 y=floor - 4.0 text-anchor="end">{gap.why.word()}</text> }
        });
        Some(view! {
            <rect class="gap-span" class:lost=gap.why.hides() data-test="ribbon-gap" x=from y=MARKS width=to - from height=floor - MARKS />
            {word}
        })
    });
    drawn.collect_any()
}

/// Stands above the gap that is pointed at.
#[component]
pub fn Bubble(picture: Memo<Picture>, pointed: RwSignal<Option<f64>>) -> impl IntoView {
    live(move || {
        let x = pointed.get()?;
        picture.with(|picture| {
            let place = |gap: &&Gap| place(gap, &picture.scale, picture.now);
            let at_x = |gap: &&Gap| place(gap).is_some_and(|(from, to)| from - 1.0 <= x && x <= to + 1.0);
            let gap = picture.gaps.iter().filter(at_x).max_by_key(|gap| gap.why.hides())?;
            let (left, right) = if x > picture.width / 2.0 {
                ("auto".to_owned(), format!("{}px", (picture.width - x - 12.0).max(4.0)))
            } else {
                (format!("{}px", (x - 12.0).max(4.0)), "auto".to_owned())
            };
            Some(view! {
                <div class="bubble" style:left=left style:right=right data-test="ribbon-gap-said">
                    <p>
                        <span class="strong">{gap.why.word()}</span>
                        " "
                        <span class="faint">{span(gap, picture.now)}</span>
                    </p>
                    <p dir="auto">{visible(&gap.sentence())}</p>
                </div>
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::record::Missing;

    fn gap(since: Option<i64>, until: Option<i64>, why: Missing) -> Gap {
        Gap { since: since.map(Stamp), until: until.map(Stamp), why, detail: String::new() }
    }

    #[test]
    fn a_gap_is_drawn_within_the_ribbon_and_a_short_one_is_seen() {
        use Missing::Damaged;
        let scale = Scale { from: Stamp(0), to: Stamp(100_000), left: 100.0, right: 200.0 };
        for (gap, want) in [
            (gap(Some(10_000), Some(30_000), Damaged), Some((110.0, 130.0))),
            (gap(None, Some(20_000), Damaged), Some((100.0, 120.0))),
            (gap(Some(80_000), None, Damaged), Some((180.0, 190.0))),
            (gap(Some(50_000), Some(50_010), Damaged), Some((150.0, 152.0))),
            (gap(Some(-9_000), Some(-5_000), Damaged), None),
            (gap(Some(110_000), Some(120_000), Damaged), None),
        ] {
            assert_eq!(place(&gap, &scale, Stamp(90_000)), want, "{gap:?}");
        }
    }

    #[test]
    fn of_two_gaps_the_one_that_hides_the_time_is_told() {
        let both = [gap(Some(0), Some(50), Missing::Twice), gap(Some(10), Some(20), Missing::Damaged)];
        assert_eq!(at(&both, Stamp(15)).map(|gap| gap.why), Some(Missing::Damaged));
        assert_eq!(at(&both, Stamp(30)).map(|gap| gap.why), Some(Missing::Twice));
        assert_eq!(at(&both, Stamp(50)), None);
    }

    #[test]
    fn it_says_from_when_to_when() {
        let said = |since, until| span(&gap(since, until, Missing::Damaged), Stamp(120_000));
        assert_eq!(said(Some(0), Some(90_000)), "00:00:00 to 00:01:30, 1 min 30 s");
        assert_eq!(said(Some(60_000), None), "since 00:01:00, 1 min 00 s");
        assert_eq!(said(None, Some(90_000)), "before 1 Jan 00:01:30");
    }
}
