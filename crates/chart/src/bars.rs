//! Bars, a row each, on one scale from zero: label at the left, value at the right.

use crate::sheet::{Area, BODY, Drawn, Face, Fill, MARGIN, Sheet, cut, write};
use plotters::prelude::DrawingBackend;

/// Rows of bars.
#[derive(Clone, Debug, Default)]
pub struct Bars {
    /// What stands around them.
    pub sheet: Sheet,
    /// The rows.
    pub rows: Vec<Bar>,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Whose it is.
    pub label: String,
    /// Its parts from the left, each a length in the unit of all rows. What is no length is left out.
    pub parts: Vec<(f64, Fill)>,
    /// Its value in words, with the unit.
    pub value: String,
}

const WIDTH: i32 = 960;
const LABELS: i32 = 300;
const VALUES: i32 = 220;
const ROW: i32 = 24;
const THICK: i32 = 12;

impl Bars {
    /// They as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let rows = i32::try_from(self.rows.len()).unwrap_or(i32::MAX / ROW).max(1);
        self.sheet.svg(WIDTH, rows.saturating_mul(ROW), |area, top| self.draw(area, top))
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>, top: i32) -> Drawn<B> {
        let (left, right) = (MARGIN + LABELS, WIDTH - MARGIN - VALUES);
        let longest = self.rows.iter().map(Bar::length).fold(0.0, f64::max);
        if self.rows.is_empty() {
            return write(area, "Nothing to show.", BODY, Face::SOFT, (MARGIN, top + 4));
        }
        for (at, row) in (0..).zip(&self.rows) {
            let y = top + at * ROW;
            write(area, &cut(&row.label, BODY, LABELS - 12), BODY, Face::PLAIN, (MARGIN, y + 5))?;
            let mut from = 0.0;
            for (length, fill) in row.parts.iter().filter(|(length, _)| length.is_finite() && *length > 0.0) {
                let x = |value: f64| left + pixels(value, longest, right - left);
                // A part that is there is seen, be it ever so short.
                let width = (x(from + length) - x(from)).max(1);
                fill.draw(area, (x(from), y + (ROW - THICK) / 2), (width, THICK))?;
                from += length;
            }
            write(
                area,
                &cut(&row.value, BODY, VALUES),
                BODY,
                Face { right: true, ..Face::SOFT },
                (WIDTH - MARGIN, y + 5),
            )?;
        }
        Ok(())
    }
}

impl Bar {
    fn length(&self) -> f64 {
        self.parts.iter().map(|(length, _)| *length).filter(|length| length.is_finite() && *length > 0.0).sum()
    }
}

#[allow(clippy::cast_possible_truncation, reason = "pixels of a drawing")]
fn pixels(value: f64, of: f64, room: i32) -> i32 {
    if of > 0.0 { (value / of * f64::from(room)).round() as i32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper;

    fn widths(rows: &[&[f64]]) -> Vec<String> {
        let bar = |lengths: &&[f64]| Bar {
            label: "one".into(),
            parts: lengths.iter().map(|length| (*length, Fill::Solid(paper::HELD))).collect(),
            value: "8 GPUs".into(),
        };
        let svg = Bars { sheet: Sheet::default(), rows: rows.iter().map(bar).collect() }.svg();
        let held = svg.split("<rect").filter(|rect| rect.contains("#2078A4"));
        held.map(|rect| rect.split("width=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn all_bars_are_on_one_scale_from_zero() {
        assert_eq!(widths(&[&[8.0], &[4.0, 2.0]]), ["392", "196", "98"]);
    }

    #[test]
    fn what_is_no_length_is_not_drawn_and_what_is_small_is_seen() {
        assert_eq!(widths(&[&[1_000.0], &[f64::NAN, 0.0, -1.0, f64::INFINITY], &[0.001]]), ["392", "1"]);
        assert!(widths(&[]).is_empty());
    }
}
