//! Where a true change lies: a small drawing for a cell, all of a table on one scale, with the band in which arms are the same.

use super::{
    pen::{Box4, Pen, diamond},
    scale::Scale,
};
use pilothouse_wire::{
    drawing::{Anchor, Drawing, Ink, Style},
    units::number,
};

const WIDTH: u16 = 240;
const HEIGHT: u16 = 28;

/// What is drawn of a metric: changes as shares, `0.05` for five percent more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// The change; none where nothing is known.
    pub at: Option<f64>,
    /// From where to where it lies; an infinite end goes beyond the scale.
    pub between: Option<(f64, f64)>,
}

/// The scale of all rows of a table.
#[derive(Clone, Copy, Debug)]
pub struct SpanScale {
    scale: Scale,
    margin: f64,
}

impl SpanScale {
    /// As far as these reach, zero and the margin in it; no farther than four times either way.
    #[must_use]
    pub fn of(intervals: &[Interval], margin: f64) -> Self {
        let ends =
            intervals.iter().flat_map(|of| of.between.into_iter().flat_map(|(low, high)| [low, high]).chain(of.at));
        let (low, high) = ends
            .filter(|end| end.is_finite())
            .fold((-margin * 2.0, margin * 2.0), |(low, high), end| (low.min(end), high.max(end)));
        let (low, high) = (low.max(-1.0), high.min(4.0));
        let room = (high - low) * 0.05;
        Self { scale: Scale::even((low - room, high + room), (4.0, f64::from(WIDTH) - 4.0)), margin }
    }

    /// A row: hollow and dashed where it is not `sure`.
    #[must_use]
    pub fn row(&self, of: Interval, ink: Ink, sure: bool) -> Drawing {
        let mut pen = Pen::new(WIDTH, HEIGHT, said(of));
        let middle = f64::from(HEIGHT) / 2.0;
        self.ground(&mut pen);
        if let Some((low, high)) = of.between {
            let (left, right) = (self.scale.place(end(low, -9.0)), self.scale.place(end(high, 9.0)));
            let style = if sure { Style::Line } else { Style::Dashed };
            pen.line(ink, style, &[(left, middle), (right, middle)]);
            for (value, x) in [(low, left), (high, right)] {
                // What goes on beyond the scale has no end there.
                if value.is_finite() {
                    pen.line(ink, Style::Line, &[(x, middle - 5.0), (x, middle + 5.0)]);
                }
            }
        }
        if let Some(at) = of.at {
            let style = if sure { Style::Fill } else { Style::Hollow };
            pen.path(ink, style, diamond((self.scale.place(at), middle), 5.5), said(of));
        }
        pen.done()
    }

    /// The scale itself, in percent.
    #[must_use]
    pub fn axis(&self) -> Drawing {
        let mut pen = Pen::new(WIDTH, 16, "");
        for tick in self.scale.ticks(5) {
            let text = format!("{}{}", if tick > 0.0 { "+" } else { "" }, number(tick * 100.0, 0));
            let text = if tick.abs() < 1e-9 { "0 %".to_owned() } else { text };
            pen.text(Ink::Label, Anchor::Middle, (self.scale.place(tick), 12.0), text);
        }
        pen.done()
    }

    fn ground(&self, pen: &mut Pen) {
        let high = f64::from(HEIGHT);
        let (left, right) = (self.scale.place(-self.margin), self.scale.place(self.margin));
        pen.area(Ink::Band, Style::Fill, Box4 { left, top: 0.0, right, bottom: high }, "");
        for tick in self.scale.ticks(5) {
            let x = self.scale.place(tick);
            let ink = if tick.abs() < 1e-9 { Ink::Label } else { Ink::Hair };
            pen.line(ink, Style::Line, &[(x, 0.0), (x, high)]);
        }
    }
}

fn end(value: f64, infinite: f64) -> f64 {
    if value.is_finite() { value } else { infinite }
}

fn said(of: Interval) -> String {
    let percent = |share: f64| match share.is_finite() {
        true => format!("{}{} %", if share > 0.0 { "+" } else { "" }, number(share * 100.0, 1)),
        false => "no end".to_owned(),
    };
    match (of.at, of.between) {
        (Some(at), Some((low, high))) => format!("{}, {} to {}", percent(at), percent(low), percent(high)),
        (Some(at), None) => percent(at),
        (None, _) => "not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_have_one_scale_and_say_what_they_show() {
        let better = Interval { at: Some(-0.077), between: Some((-0.103, -0.049)) };
        let worse = Interval { at: Some(0.387), between: Some((0.312, f64::INFINITY)) };
        let scale = SpanScale::of(&[better, worse], 0.03);
        assert!(
            scale.scale.place(-0.077) < scale.scale.place(0.0) && scale.scale.place(0.0) < scale.scale.place(0.387)
        );
        let row = scale.row(better, Ink::Good, true);
        assert_eq!(row.about, "−7.7 %, −10.3 % to −4.9 %");
        // Band, ticks, whiskers, two ends, a diamond; what has no end has one end less.
        assert_eq!(row.marks.len(), scale.row(worse, Ink::Bad, true).marks.len() + 1);
        assert_eq!(scale.row(Interval::default(), Ink::Warn, false).about, "not known");
    }
}
