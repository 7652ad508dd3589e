//! How something goes over time: a line with its gaps and its limit, and how many requests are sent when.

use super::{
    pen::{Box4, Pen, circle},
    scale::{Scale, label},
};
use pilothouse_wire::drawing::{Anchor, Drawing, Ink, Style};

/// A series over even steps of time.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// Its values; none is a gap, and stays one.
    pub values: Vec<Option<f64>>,
    /// Its limit.
    pub limit: Option<f64>,
    /// The share of it that is left out at its begin.
    pub cut: f64,
    /// What it shows, in words.
    pub about: String,
}

/// Draws a line from zero, over its whole width.
#[must_use]
pub fn line(of: &Course, width: u16, height: u16) -> Drawing {
    let mut pen = Pen::new(width, height, of.about.clone());
    let (wide, high) = (f64::from(width), f64::from(height));
    let most = of.values.iter().flatten().copied().chain(of.limit).filter(|v| v.is_finite()).fold(0.0, f64::max);
    let up = Scale::even((0.0, if most > 0.0 { most * 1.05 } else { 1.0 }), (high - 3.0, 3.0));
    let steps = u32::try_from(of.values.len().saturating_sub(1).max(1)).unwrap_or(u32::MAX);
    let across = |at: u32| 3.0 + (wide - 6.0) * f64::from(at) / f64::from(steps);
    let cut = Box4 { left: 0.0, top: 0.0, right: wide * of.cut.clamp(0.0, 1.0), bottom: high };
    pen.stripes(Ink::Hair, cut);
    if let Some(limit) = of.limit {
        pen.line(Ink::Bad, Style::Dashed, &[(0.0, up.place(limit)), (wide, up.place(limit))]);
    }
    let mut run = Vec::new();
    for (at, value) in (0_u32..).zip(&of.values) {
        match value.filter(|value| value.is_finite()) {
            Some(value) => run.push((across(at), up.place(value))),
            None => pen.line(Ink::Series, Style::Line, &std::mem::take(&mut run)),
        }
    }
    let last = run.last().copied();
    pen.line(Ink::Series, Style::Line, &run);
    if let Some(last) = last {
        pen.path(Ink::Strong, Style::Fill, circle(last, 2.0), "");
    }
    pen.done()
}

/// Draws how many are sent in each step of time, as columns from zero, over so many seconds in all where that is known.
#[must_use]
pub fn sends(each: &[f64], seconds: Option<f64>, unit: &str, about: &str) -> Drawing {
    const WIDTH: u16 = 520;
    const HEIGHT: u16 = 150;
    const LEFT: f64 = 40.0;
    let (right, bottom, top) = (f64::from(WIDTH) - 6.0, f64::from(HEIGHT) - 20.0, 14.0);
    let mut pen = Pen::new(WIDTH, HEIGHT, about);
    let most = each.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let up = Scale::even((0.0, if most > 0.0 { most * 1.05 } else { 1.0 }), (bottom, top));
    for tick in up.ticks(3) {
        let y = up.place(tick);
        pen.line(Ink::Hair, Style::Line, &[(LEFT, y), (right, y)]);
        pen.text(Ink::Label, Anchor::End, (LEFT - 6.0, y + 4.0), label(tick));
    }
    pen.text(Ink::Label, Anchor::Begin, (LEFT, 10.0), unit);
    let step = (right - LEFT) / f64::from(u32::try_from(each.len().max(1)).unwrap_or(u32::MAX));
    for (at, value) in (0_u32..).zip(each) {
        let left = LEFT + step * f64::from(at);
        let gap = if step > 3.0 { 1.0 } else { 0.0 };
        let area = Box4 { left, top: up.place(*value), right: left + step - gap, bottom };
        pen.area(Ink::Quantity, Style::Fill, area, format!("{} {unit}", label(*value)));
    }
    let across = seconds.map(|seconds| Scale::even((0.0, seconds), (LEFT, right)));
    for (across, tick) in across.iter().flat_map(|across| across.ticks(6).into_iter().map(move |tick| (across, tick))) {
        pen.text(
            Ink::Label,
            Anchor::Middle,
            (across.place(tick), f64::from(HEIGHT) - 5.0),
            format!("{} s", label(tick)),
        );
    }
    pen.done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::drawing::{Mark, Shape};

    fn lines(drawing: &Drawing) -> usize {
        let is_line = |mark: &&Mark| mark.ink == Ink::Series && matches!(mark.shape, Shape::Path(_, Style::Line));
        drawing.marks.iter().filter(is_line).count()
    }

    #[test]
    fn a_gap_is_never_joined() {
        let of = |values: &[Option<f64>]| Course { values: values.to_vec(), ..Course::default() };
        assert_eq!(lines(&line(&of(&[Some(1.0), Some(2.0)]), 100, 20)), 1);
        assert_eq!(lines(&line(&of(&[Some(1.0), None, Some(2.0), Some(3.0)]), 100, 20)), 2);
        assert_eq!(lines(&line(&of(&[None, Some(f64::NAN)]), 100, 20)), 0);
    }

    #[test]
    fn columns_begin_at_zero_and_nothing_sent_is_no_column() {
        let drawing = sends(&[4.0, 0.0, 2.0], Some(3.0), "a second", "load");
        let columns: Vec<&str> =
            drawing.marks.iter().filter(|mark| mark.ink == Ink::Quantity).map(|mark| mark.about.as_str()).collect();
        assert_eq!(columns, ["4 a second", "2 a second"]);
    }
}
