//! A lane of the ribbon: a series as a line with its gaps left open, and its present value.

use super::scale::Scale;
use pilothouse_wire::{Stamp, When, sort, units, view::Lane};
use std::fmt::Write;

/// A hole of more than this many steps is a gap: never joined, never zero.
const GAP_STEPS: i64 = 3;

/// The path of a series in `height` pixels, and where its last point is.
#[must_use]
pub fn path(lane: &Lane, scale: &Scale, top: f64, height: f64) -> (String, Option<(f64, f64)>) {
    let (_, path, last) = both(lane, &[], scale, top, height);
    (path, last)
}

/// The paths of what was before it, and of a series, on one range; and where its last point is.
#[must_use]
pub fn both(
    lane: &Lane,
    before: &[(Stamp, f64)],
    scale: &Scale,
    top: f64,
    height: f64,
) -> (String, String, Option<(f64, f64)>) {
    let (before, shown) = (within(before, scale), within(&lane.points, scale));
    let ranges = [range(before), range(shown)].into_iter().flatten();
    let Some((low, high)) = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        return (String::new(), String::new(), None);
    };
    let y = |value: f64| {
        // A series that never moved is a line in the middle.
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        top + (1.0 - share) * height
    };
    let last = shown.last().map(|(at, value)| (scale.x(*at).max(scale.left), y(*value)));
    (line(before, scale, y), line(shown, scale, y), last)
}

fn line(shown: &[(Stamp, f64)], scale: &Scale, y: impl Fn(f64) -> f64) -> String {
    let step = step(shown);
    let mut path = String::new();
    let mut before: Option<Stamp> = None;
    for (at, value) in shown {
        let joined = before.is_some_and(|before| at.0 - before.0 <= step * GAP_STEPS);
        let x = scale.x(*at).max(scale.left);
        // Writing to a String cannot fail.
        let _ = write!(path, "{}{x:.1} {:.1}", if joined { 'L' } else { 'M' }, y(*value));
        before = Some(*at);
    }
    path
}

/// The points in the span, and the one before it: the line comes from the left edge.
fn within<'a>(points: &'a [(Stamp, f64)], scale: &Scale) -> &'a [(Stamp, f64)] {
    let first = points.partition_point(|(at, _)| *at < scale.from);
    let end = points.partition_point(|(at, _)| *at <= scale.to);
    points.get(first.saturating_sub(1)..end).unwrap_or_default()
}

fn range(points: &[(Stamp, f64)]) -> Option<(f64, f64)> {
    let (first, rest) = points.split_first()?;
    Some(rest.iter().fold((first.1, first.1), |(low, high), (_, value)| (low.min(*value), high.max(*value))))
}

/// The usual distance of two points: the middle one of all distances.
fn step(points: &[(Stamp, f64)]) -> i64 {
    let mut steps: Vec<i64> = points.windows(2).map(|pair| pair[1].0.0 - pair[0].0.0).collect();
    sort::sort(&mut steps);
    steps.get(steps.len() / 2).copied().unwrap_or_default().max(1_000)
}

/// The value at the time that is shown, with its unit; absent where the series has none then.
#[must_use]
pub fn present(lane: &Lane, when: When) -> String {
    let shown = match when {
        When::Now => lane.points.last(),
        When::At(then) => at(&lane.points, then),
    };
    shown.map_or_else(|| units::ABSENT.into(), |(_, value)| with_unit(lane, *value))
}

/// The same; in brackets where it is reconstructed from what was before.
#[must_use]
pub fn present_or_before(lane: &Lane, before: &[(Stamp, f64)], when: When) -> String {
    match (present(lane, when), when) {
        (own, When::At(then)) if own == units::ABSENT => {
            at(before, then).map_or(own, |(_, value)| format!("({})", with_unit(lane, *value)))
        }
        (own, _) => own,
    }
}

/// The point that holds at a time.
fn at(points: &[(Stamp, f64)], then: Stamp) -> Option<&(Stamp, f64)> {
    let step = step(points);
    let last = points[..points.partition_point(|(at, _)| *at <= then)].last();
    last.filter(|(at, _)| then.0 - at.0 <= step * GAP_STEPS)
}

fn with_unit(lane: &Lane, value: f64) -> String {
    let unit = if lane.unit.is_empty() { String::new() } else { format!(" {}", lane.unit) };
    format!("{}{unit}", figure(value))
}

/// Three significant digits; whole numbers in full.
fn figure(value: f64) -> String {
    let magnitude = value.abs();
    if !value.is_finite() {
        return units::ABSENT.into();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "finite and not negative")]
    let whole = magnitude.round() as u64;
    if magnitude.fract() == 0.0 || magnitude >= 100.0 {
        return format!("{sign}{}", units::count(whole));
    }
    let decimals = if magnitude >= 10.0 { 1 } else { 2 };
    format!("{sign}{magnitude:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::view::LaneKind;

    fn lane(points: &[(i64, f64)]) -> Lane {
        let points = points.iter().map(|(second, value)| (Stamp(second * 1000), *value)).collect();
        Lane { kind: LaneKind::Held, source: None, name: "held".into(), unit: "".into(), points }
    }

    fn scale() -> Scale {
        Scale { from: Stamp(0), to: Stamp(100_000), left: 0.0, right: 100.0 }
    }

    #[test]
    fn a_gap_is_left_open() {
        let (path, last) = path(&lane(&[(0, 0.0), (10, 1.0), (20, 0.5), (80, 1.0), (90, 0.0)]), &scale(), 0.0, 10.0);
        assert_eq!(path, "M0.0 10.0L10.0 0.0L20.0 5.0M80.0 0.0L90.0 10.0");
        assert_eq!(last, Some((90.0, 10.0)));
    }

    #[test]
    fn what_was_before_is_on_the_same_range_and_a_line_of_its_own() {
        let before = [(0, 4.0), (10, 2.0)].map(|(second, value)| (Stamp(second * 1_000), value));
        let (before, path, last) = both(&lane(&[(20, 0.0), (30, 1.0)]), &before, &scale(), 0.0, 8.0);
        assert_eq!((before.as_str(), path.as_str()), ("M0.0 0.0L10.0 4.0", "M20.0 8.0L30.0 6.0"));
        assert_eq!(last, Some((30.0, 6.0)));
    }

    #[test]
    fn a_line_that_never_moved_is_in_the_middle_and_one_without_points_is_none() {
        assert_eq!(path(&lane(&[(0, 7.0), (10, 7.0)]), &scale(), 0.0, 10.0).0, "M0.0 5.0L10.0 5.0");
        assert_eq!(path(&lane(&[]), &scale(), 0.0, 10.0), (String::new(), None));
    }

    #[test]
    fn what_is_outside_of_the_span_is_not_drawn() {
        let (path, last) = path(&lane(&[(-10, 0.0), (0, 1.0), (90, 1.0), (110, 0.0), (120, 0.0)]), &scale(), 0.0, 10.0);
        assert!(!path.contains("110") && !path.contains("120"), "{path}");
        assert_eq!(last, Some((90.0, 0.0)));
    }

    #[test]
    fn in_the_past_the_value_is_that_of_then() {
        let lane = lane(&[(0, 1.0), (10, 2.0), (20, 3.0)]);
        let at = |second: i64| present(&lane, When::At(Stamp(second * 1_000)));
        assert_eq!((present(&lane, When::Now).as_str(), at(15).as_str(), at(-5).as_str()), ("3", "2", units::ABSENT));
        assert_eq!(at(500), units::ABSENT, "a value of long before is none");
        let before = [(Stamp(-20_000), 7.0), (Stamp(-10_000), 8.0)];
        let or_before = |second: i64| present_or_before(&lane, &before, When::At(Stamp(second * 1_000)));
        assert_eq!([or_before(-5), or_before(15), or_before(-50)], ["(8)", "2", units::ABSENT]);
    }

    #[test]
    fn figures_have_three_digits() {
        let texts = [0.0, 7.0, 0.617, 45.83, 1_142.4, -18.44, 4_096.0].map(figure);
        assert_eq!(texts, ["0", "7", "0.62", "45.8", "1,142", "−18.4", "4,096"]);
    }
}
