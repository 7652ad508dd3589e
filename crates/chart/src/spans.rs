//! Spans on one scale around nothing: a row each, with where a value lies, how sure that is, and a margin within which it
//! does not matter.

use crate::{
    Rgb, paper,
    sheet::{Area, BODY, Drawn, Face, MARGIN, Sheet, colour, cut, write},
};
use plotters::prelude::{Circle, Color, DrawingBackend, PathElement, Rectangle};

/// Rows of spans. Right of the middle is better.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    /// What stands around them.
    pub sheet: Sheet,
    /// Half of the width of the margin around the middle, in the unit of the rows.
    pub margin: f64,
    /// The rows.
    pub rows: Vec<Span>,
    /// What stands under the left end, the middle and the right end of the scale.
    pub ends: Ends,
}

/// How the ends of the scale are called.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// Left.
    pub left: String,
    /// Right.
    pub right: String,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// What it is of.
    pub label: String,
    /// Its value; none where there is none.
    pub at: Option<f64>,
    /// From where to where it may be; an end that is infinite goes beyond the scale.
    pub between: Option<(f64, f64)>,
    /// What is said of it.
    pub value: String,
    /// Its colour.
    pub ink: Rgb,
}

const WIDTH: i32 = 960;
const LABELS: i32 = 230;
const VALUES: i32 = 300;
const ROW: i32 = 30;
const FOOT: i32 = 26;
/// The scale goes as far as the farthest end, but not farther than so many margins where a value is known.
const FARTHEST: f64 = 40.0;

impl Spans {
    /// They as SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let rows = i32::try_from(self.rows.len()).unwrap_or(i32::MAX / ROW / 2).max(1);
        self.sheet.svg(WIDTH, rows.saturating_mul(ROW) + FOOT, |area, top| self.draw(area, top, rows))
    }

    /// How far the scale goes to either side.
    fn reach(&self) -> f64 {
        let ends =
            self.rows.iter().flat_map(|row| row.between.into_iter().flat_map(|(low, high)| [low, high]).chain(row.at));
        let farthest = ends.map(f64::abs).filter(|end| end.is_finite()).fold(0.0, f64::max);
        let least = self.margin.max(1e-6);
        (farthest * 1.1).clamp(least * 2.0, least * FARTHEST)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>, top: i32, rows: i32) -> Drawn<B> {
        let (left, right) = (MARGIN + LABELS, WIDTH - MARGIN - VALUES);
        let (reach, middle) = (self.reach(), i32::midpoint(left, right));
        let x = |value: f64| middle + pixels(value / reach, right - left);
        let bottom = top + rows * ROW;
        let band = Rectangle::new([(x(-self.margin), top), (x(self.margin), bottom)], colour(paper::TRACK).filled());
        area.draw(&band)?;
        area.draw(&PathElement::new(vec![(middle, top), (middle, bottom)], colour(paper::FREE).stroke_width(1)))?;
        for (at, row) in (0..).zip(&self.rows) {
            let y = top + at * ROW + ROW / 2;
            write(area, &cut(&row.label, BODY, LABELS - 12), BODY, Face::PLAIN, (MARGIN, y - 7))?;
            if let Some((low, high)) = row.between {
                area.draw(&PathElement::new(vec![(x(low), y), (x(high), y)], colour(row.ink).stroke_width(3)))?;
            }
            if let Some(value) = row.at {
                area.draw(&Circle::new((x(value), y), 5, colour(row.ink).filled()))?;
            }
            let face = Face { right: true, ..Face::SOFT };
            write(area, &cut(&row.value, BODY, VALUES), BODY, face, (WIDTH - MARGIN, y - 7))?;
        }
        write(area, &self.ends.left, BODY, Face::SOFT, (left, bottom + 6))?;
        write(area, &self.ends.right, BODY, Face { right: true, ..Face::SOFT }, (right, bottom + 6))
    }
}

/// A share of half of the room, and never beyond it.
#[allow(clippy::cast_possible_truncation, reason = "pixels of a drawing")]
fn pixels(share: f64, room: i32) -> i32 {
    (share.clamp(-1.0, 1.0) * f64::from(room / 2)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (Option<f64>, Option<(f64, f64)>);

    fn spans(rows: &[Row]) -> String {
        let row = |(at, between): &Row| Span {
            label: "p95 TTFT".into(),
            at: *at,
            between: *between,
            value: "better".into(),
            ink: paper::HELD,
        };
        let ends = Ends { left: "worse".into(), right: "better".into() };
        Spans { sheet: Sheet::default(), margin: 0.03, rows: rows.iter().map(row).collect(), ends }.svg()
    }

    #[test]
    fn a_value_stands_on_its_side_of_the_middle() {
        let middle = i32::midpoint(MARGIN + LABELS, WIDTH - MARGIN - VALUES);
        let centre = |svg: &str| -> i32 {
            svg.split("<circle")
                .nth(1)
                .unwrap()
                .split("cx=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        };
        assert!(centre(&spans(&[(Some(0.08), Some((0.04, 0.12)))])) > middle);
        assert!(centre(&spans(&[(Some(-0.08), Some((-0.12, -0.04)))])) < middle);
    }

    #[test]
    fn what_has_no_end_goes_to_the_end_of_the_scale_and_nothing_is_drawn_of_nothing() {
        let svg = spans(&[(Some(0.1), Some((f64::NEG_INFINITY, f64::INFINITY)))]);
        assert!(svg.contains(&format!("points=\"{},", MARGIN + LABELS)), "{svg}");
        let none = spans(&[(None, None)]);
        assert!(!none.contains("<circle") && none.contains("p95 TTFT"), "{none}");
    }
}
