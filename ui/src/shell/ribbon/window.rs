//! Which stretch of time the ribbon shows: how long, and where it ends. Pure: now is an argument.

use pilothouse_wire::{Stamp, ViewSpec, When};
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// How long it can be, in seconds: from a minute to a week.
const ZOOMS: [u64; 13] = [
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    7 * DAY,
];
/// A stretch that does not end now is asked for with so many parts of it more, so that a small move asks for nothing.
const MARGIN: i64 = 8;

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    zoom: usize,
    /// Where it ends; with now, if nothing is here.
    end: Option<Stamp>,
}

impl Window {
    /// The last hour.
    pub const FIRST: Self = Self { zoom: 5, end: None };

    /// How long it is.
    #[must_use]
    pub fn span(self) -> Duration {
        Duration::from_secs(ZOOMS[self.zoom])
    }

    /// Where it ends.
    #[must_use]
    pub fn end(self, now: Stamp) -> Stamp {
        self.end.map_or(now, |end| end.min(now))
    }

    /// This long, ending where it did.
    #[must_use]
    pub fn long(self, span: Duration) -> Self {
        let zoom = ZOOMS.iter().position(|seconds| *seconds >= span.as_secs()).unwrap_or(ZOOMS.len() - 1);
        Self { zoom, ..self }
    }

    /// Longer by so many steps, or shorter, with one time staying where it is.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a week in milliseconds fits")]
    pub fn zoomed(self, by: isize, around: Stamp, now: Stamp) -> Self {
        let zoom = self.zoom.saturating_add_signed(by).min(ZOOMS.len() - 1);
        let (was, is) = (ZOOMS[self.zoom] as f64, ZOOMS[zoom] as f64);
        let after = (self.end(now).0 - around.0) as f64 * is / was;
        Self { zoom, end: None }.ending(Stamp(around.0 + after as i64), now)
    }

    /// Moved by so much; not beyond now.
    #[must_use]
    pub fn panned(self, by_ms: i64, now: Stamp) -> Self {
        self.ending(Stamp(self.end(now).0.saturating_add(by_ms)), now)
    }

    /// The same, moved if need be so that a time is in it.
    #[must_use]
    pub fn holding(self, at: Stamp, now: Stamp) -> Self {
        let end = self.end(now);
        if end.minus(self.span()) <= at && at <= end { self } else { self.ending(at.plus(self.span() / 2), now) }
    }

    fn ending(self, end: Stamp, now: Stamp) -> Self {
        // What ends about now goes on with it.
        let near = i64::try_from(self.span().as_millis()).unwrap_or(i64::MAX) / 100;
        Self { end: (end.0 < now.0.saturating_sub(near)).then_some(end), ..self }
    }

    /// What is asked of the engine for it.
    #[must_use]
    pub fn spec(self) -> ViewSpec {
        let Some(end) = self.end else { return ViewSpec::Ribbon { span: self.span(), end: When::Now } };
        let span = i64::try_from(self.span().as_millis()).unwrap_or(i64::MAX);
        let step = (span / MARGIN).max(1);
        let end = Stamp((end.0.div_euclid(step) + 1).saturating_mul(step));
        ViewSpec::Ribbon { span: self.span() + self.span() / 4, end: When::At(end) }
    }

    /// One step of the keys through time: a sixtieth of it.
    #[must_use]
    pub fn step_ms(self) -> i64 {
        i64::try_from(self.span().as_millis()).unwrap_or(i64::MAX) / 60
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(1_800_000_000_000);

    #[test]
    fn zooming_keeps_the_time_under_the_pointer_where_it_is() {
        let around = Stamp(NOW.0 - 1_800_000);
        let share = |window: Window| {
            let end = window.end(NOW);
            (end.0 - around.0) * 1_000 / i64::try_from(window.span().as_millis()).unwrap()
        };
        let mut window = Window::FIRST;
        for _ in 0..5 {
            window = window.zoomed(-1, around, NOW);
            assert_eq!(share(window), 500, "{window:?}");
        }
        assert_eq!(window.span(), Duration::from_secs(60));
        assert_eq!(window.zoomed(-1, around, NOW).span(), Duration::from_secs(60));
        assert_eq!(Window::FIRST.zoomed(99, NOW, NOW).span(), Duration::from_secs(7 * DAY));
    }

    #[test]
    fn it_never_ends_after_now_and_what_ends_about_now_goes_on_with_it() {
        let back = Window::FIRST.panned(-7_200_000, NOW);
        assert_eq!(back.end(NOW), Stamp(NOW.0 - 7_200_000));
        assert_eq!(back.panned(7_190_000, NOW), Window::FIRST);
        assert_eq!(back.panned(i64::MAX, NOW), Window::FIRST);
    }

    #[test]
    fn a_time_outside_of_it_moves_it_and_one_inside_does_not() {
        let inside = Stamp(NOW.0 - 60_000);
        assert_eq!(Window::FIRST.holding(inside, NOW), Window::FIRST);
        let outside = Stamp(NOW.0 - 86_400_000);
        let moved = Window::FIRST.holding(outside, NOW);
        assert_eq!(moved.end(NOW), Stamp(outside.0 + 1_800_000));
    }

    #[test]
    fn what_is_asked_for_holds_all_of_it_and_stays_for_small_moves() {
        let window = Window::FIRST.panned(-7_200_000, NOW);
        let ViewSpec::Ribbon { span, end: When::At(end) } = window.spec() else { panic!("of the past") };
        assert!(end >= window.end(NOW) && end.minus(span) <= window.end(NOW).minus(window.span()));
        let specs: std::collections::HashSet<_> = (0..100).map(|n| window.panned(-n * 1_000, NOW).spec()).collect();
        assert!(specs.len() <= 2, "{specs:?}");
    }
}
