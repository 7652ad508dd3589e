//! How values are spread: bars from zero over a scale of powers, with the quantiles and the limit in it.

use super::{
    pen::{Box4, Pen},
    scale::{Scale, label},
};
use pilothouse_wire::{
    drawing::{Anchor, Drawing, Ink, Style},
    units::{count, share},
};

const WIDTH: u16 = 420;
const HEIGHT: u16 = 138;
const BARS: usize = 60;
const TOP: f64 = 40.0;
/// The lines on which quantiles are written.
const ROWS: [f64; 3] = [10.0, 21.0, 32.0];
const FOOT: f64 = 18.0;

/// What is spread.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// Values in their unit, and how many there are of each, from the least to the most.
    pub classes: Vec<(f64, u64)>,
    /// Quantiles with their names: `p50`.
    pub quantiles: Vec<(&'static str, f64)>,
    /// The limit, where one is set.
    pub limit: Option<f64>,
    /// The unit.
    pub unit: &'static str,
    /// What it is of.
    pub name: &'static str,
}

/// Draws it; nothing of nothing.
#[must_use]
pub fn spread(of: &Spread) -> Option<Drawing> {
    let (least, most) = (of.classes.first()?.0.max(1e-3), of.classes.last()?.0);
    let ends = (least.min(of.limit.unwrap_or(least)) * 0.98, most.max(of.limit.unwrap_or(most)) * 1.02);
    let (right, bottom) = (f64::from(WIDTH) - 4.0, f64::from(HEIGHT) - FOOT);
    let across = Scale::power(ends, (4.0, right));
    let all: u64 = of.classes.iter().map(|(_, many)| many).sum();
    let mut pen = Pen::new(WIDTH, HEIGHT, said(of, all));
    let step = (right - 4.0) / bars();
    let mut bins = vec![(0_u64, f64::INFINITY, 0.0_f64); BARS];
    for (value, many) in &of.classes {
        let bin = &mut bins[bin_of(across.place(*value) - 4.0, step)];
        *bin = (bin.0 + many, bin.1.min(*value), bin.2.max(*value));
    }
    let highest = bins.iter().map(|(many, ..)| *many).max().unwrap_or(1).max(1);
    let up = Scale::even((0.0, precise(highest)), (bottom, TOP));
    pen.line(Ink::Hair, Style::Line, &[(4.0, bottom), (right, bottom)]);
    for (at, (many, low, high)) in (0_u32..).zip(bins).filter(|(_, (many, ..))| *many > 0) {
        let left = 4.0 + step * f64::from(at);
        // What is there is seen, be it ever so little.
        let top = up.place(precise(many)).min(bottom - 1.0);
        let about = format!("{} to {} {}: {} ({})", label(low), label(high), of.unit, count(many), share(many, all));
        pen.area(Ink::Quantity, Style::Fill, Box4 { left, top, right: left + step - 0.7, bottom }, about);
    }
    for tick in across.ticks(7) {
        pen.text(Ink::Label, Anchor::Middle, (across.place(tick), f64::from(HEIGHT) - 4.0), label(tick));
    }
    // Quantiles near each other stand on lines of their own.
    let mut taken = [f64::NEG_INFINITY; ROWS.len()];
    for (name, value) in &of.quantiles {
        let x = across.place(*value);
        let text = format!("{name} {}", label(*value));
        let wide = 6.5 * f64::from(u8::try_from(text.chars().count()).unwrap_or(u8::MAX));
        let (anchor, at, left) =
            if x + wide > right { (Anchor::End, x - 2.0, x - wide) } else { (Anchor::Begin, x + 2.0, x) };
        let row = taken.iter().position(|taken| *taken < left).unwrap_or(ROWS.len() - 1);
        taken[row] = left + wide;
        pen.line(Ink::Label, Style::Line, &[(x, ROWS[row] + 2.0), (x, bottom)]);
        pen.text(Ink::Strong, anchor, (at, ROWS[row]), text);
    }
    if let Some(limit) = of.limit {
        let x = across.place(limit);
        pen.line(Ink::Bad, Style::Dashed, &[(x, TOP - 4.0), (x, bottom)]);
        let (anchor, x) = if x > right - 60.0 { (Anchor::End, x - 3.0) } else { (Anchor::Begin, x + 3.0) };
        pen.text(Ink::Bad, anchor, (x, TOP + 8.0), format!("limit {}", label(limit)));
    }
    Some(pen.done())
}

fn said(of: &Spread, all: u64) -> String {
    let quantiles: Vec<String> =
        of.quantiles.iter().map(|(name, value)| format!("{name} {} {}", label(*value), of.unit)).collect();
    format!("{}: {} values, {}", of.name, count(all), quantiles.join(", "))
}

fn bars() -> f64 {
    precise(BARS as u64)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between the first and the last")]
fn bin_of(place: f64, step: f64) -> usize {
    ((place / step).floor().max(0.0) as usize).min(BARS - 1)
}

#[allow(clippy::cast_precision_loss, reason = "counts of a run")]
fn precise(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::drawing::{Mark, Shape};

    fn bars_of(drawing: &Drawing) -> Vec<&Mark> {
        let is_bar = |mark: &&Mark| mark.ink == Ink::Quantity && matches!(mark.shape, Shape::Path(..));
        drawing.marks.iter().filter(is_bar).collect()
    }

    #[test]
    fn every_value_is_in_one_bar_and_the_quantiles_are_named() {
        let of = Spread {
            classes: vec![(10.0, 5), (12.0, 80), (400.0, 15)],
            quantiles: vec![("p50", 12.0), ("p95", 400.0)],
            limit: Some(200.0),
            unit: "ms",
            name: "TTFT",
        };
        let drawing = spread(&of).unwrap();
        let bars = bars_of(&drawing);
        assert_eq!(bars.len(), 3);
        assert!(bars[2].about.contains("15 (15.0 %)"), "{}", bars[2].about);
        assert_eq!(drawing.about, "TTFT: 100 values, p50 12 ms, p95 400 ms");
        let texts: Vec<&str> = drawing
            .marks
            .iter()
            .filter_map(|mark| match &mark.shape {
                Shape::Text { text, .. } => Some(text.as_str()),
                Shape::Path(..) => None,
            })
            .collect();
        assert!(texts.contains(&"p50 12") && texts.contains(&"limit 200") && texts.contains(&"100"), "{texts:?}");
    }

    #[test]
    fn of_nothing_there_is_no_drawing_and_of_one_value_one_bar() {
        assert_eq!(spread(&Spread::default()), None);
        let one = spread(&Spread { classes: vec![(0.0, 3)], ..Spread::default() }).unwrap();
        assert_eq!(bars_of(&one).len(), 1);
    }

    #[test]
    fn quantiles_that_are_near_each_other_are_not_written_over_each_other() {
        let of = Spread {
            classes: vec![(0.001, 5), (3.0, 80), (72.0, 15)],
            quantiles: vec![("p50", 2.95), ("p95", 6.12), ("p99", 11.6)],
            ..Spread::default()
        };
        let drawing = spread(&of).unwrap();
        let mut rows: Vec<i16> = drawing
            .marks
            .iter()
            .filter_map(|mark| match &mark.shape {
                Shape::Text { text, at, .. } if text.starts_with('p') => Some(at.1),
                _ => None,
            })
            .collect();
        rows.dedup();
        assert_eq!(rows.len(), 3, "{rows:?}");
    }
}
