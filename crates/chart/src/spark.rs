//! The sparkline: one series as a thin line, its last value a dot. A gap stays a gap: it is never joined, never zero.

use crate::Rgb;
use pilothouse_wire::{Reading, Stamp};
use plotters::{
    coord::Shift,
    prelude::{
        Circle, DrawingArea, DrawingAreaErrorKind, DrawingBackend, IntoDrawingArea, PathElement, RGBColor, SVGBackend,
    },
    style::Color,
};

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Spark<'a> {
    /// Readings in the order of their times; one that is no number is a gap.
    pub points: &'a [(Stamp, Reading)],
    /// The first and last time of the drawing: every sparkline of a panel has the same.
    pub span: (Stamp, Stamp),
    /// The value at the foot and at the top; `None` for those of the series.
    pub range: Option<(f32, f32)>,
    /// Colour of the line.
    pub line: Rgb,
}

/// Room above and below the line, in pixels, so that it is not cut.
const MARGIN: f64 = 2.0;
/// Radius of the dot at the last value, in pixels.
const DOT: i32 = 2;

impl Spark<'_> {
    /// Draws it over the whole of an area.
    ///
    /// # Errors
    /// What the backend says.
    pub fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (width, height) = area.dim_in_pixel();
        let colour = RGBColor(self.line[0], self.line[1], self.line[2]);
        let place = self.places(f64::from(width), f64::from(height));
        for run in runs(self.points) {
            let path: Vec<(i32, i32)> = run.iter().map(|(at, value)| place(*at, *value)).collect();
            match path.as_slice() {
                [one] => area.draw(&Circle::new(*one, 1, colour.filled()))?,
                _ => area.draw(&PathElement::new(path, colour.stroke_width(1)))?,
            }
        }
        // The dot says "now": a series that ends in a gap has none.
        if let Some((at, value)) = self.points.last().and_then(|(at, reading)| Some((*at, reading.finite()?))) {
            area.draw(&Circle::new(place(at, value), DOT, colour.filled()))?;
        }
        Ok(())
    }

    /// It as SVG of this size in pixels. Holds numbers alone, no text of anybody.
    #[must_use]
    pub fn svg(&self, width: u32, height: u32) -> String {
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        // A string takes everything: there is nothing to fail.
        let drawn = self.draw(&area).and_then(|()| area.present());
        drop(area);
        drawn.map(|()| text).unwrap_or_default()
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "pixels of a small drawing")]
    fn places(&self, width: f64, height: f64) -> impl Fn(Stamp, f32) -> (i32, i32) {
        let (from, to) = (self.span.0.0, self.span.1.0.max(self.span.0.0 + 1));
        let (low, high) = self.range.unwrap_or_else(|| range(self.points));
        let (low, high) = (f64::from(low), f64::from(high));
        // A series that does not move runs through the middle.
        let flat = high - low <= f64::EPSILON * high.abs().max(1.0);
        let dot = f64::from(DOT);
        move |at, value| {
            let x = (at.0 - from) as f64 / (to - from) as f64 * (width - 2.0 * dot) + dot;
            let share = if flat { 0.5 } else { ((f64::from(value) - low) / (high - low)).clamp(0.0, 1.0) };
            let y = height - MARGIN - share * (height - 2.0 * MARGIN);
            (x.round() as i32, y.round() as i32)
        }
    }
}

/// Runs of readings that are numbers.
fn runs(points: &[(Stamp, Reading)]) -> Vec<Vec<(Stamp, f32)>> {
    let whole = |run: &[(Stamp, Reading)]| run.iter().filter_map(|(at, value)| Some((*at, value.finite()?))).collect();
    points.split(|(_, reading)| reading.finite().is_none()).filter(|run| !run.is_empty()).map(whole).collect()
}

fn range(points: &[(Stamp, Reading)]) -> (f32, f32) {
    let values = points.iter().filter_map(|(_, reading)| reading.finite());
    let (low, high) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spark(values: &[Option<f32>]) -> String {
        let points: Vec<(Stamp, Reading)> =
            (0..).zip(values).map(|(at, value)| (Stamp(at), value.map_or(Reading::ABSENT, Reading::of))).collect();
        let span = (Stamp(0), Stamp(points.len() as i64 - 1));
        Spark { points: &points, span, range: None, line: [1, 2, 3] }.svg(100, 20)
    }

    #[test]
    fn a_gap_is_never_joined() {
        let lines = |values| spark(values).matches("<polyline").count();
        assert_eq!(lines(&[Some(1.0), Some(2.0), Some(3.0)]), 1);
        assert_eq!(lines(&[Some(1.0), Some(2.0), None, Some(3.0), Some(1.0)]), 2);
        assert_eq!(lines(&[None, None]), 0);
    }

    #[test]
    fn the_last_value_has_a_dot_unless_the_series_ends_in_a_gap() {
        let dots = |values| spark(values).matches("<circle").count();
        assert_eq!(dots(&[Some(1.0), Some(2.0)]), 1);
        assert_eq!(dots(&[Some(1.0), Some(2.0), None]), 0);
    }

    #[test]
    fn the_line_runs_from_the_foot_to_the_top() {
        let svg = spark(&[Some(10.0), Some(20.0)]);
        assert!(svg.contains("2,18 98,2"), "{svg}");
        let flat = spark(&[Some(5.0), Some(5.0)]);
        assert!(flat.contains("2,10 98,10"), "{flat}");
    }
}
