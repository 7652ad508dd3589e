//! What draws: marks in pixels, one after the other.

use pilothouse_wire::drawing::{Anchor, Drawing, Ink, Mark, Shape, Style};
use std::fmt::Write;

/// A point in pixels.
pub(super) type Point = (f64, f64);

/// A drawing that is being made.
pub(super) struct Pen(Drawing);

/// From where to where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Box4 {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Pen {
    pub(super) fn new(width: u16, height: u16, about: impl Into<String>) -> Self {
        Self(Drawing { width, height, about: about.into(), marks: Vec::new() })
    }

    pub(super) fn done(self) -> Drawing {
        self.0
    }

    /// Lines by their path data; a path of nothing is none.
    pub(super) fn path(&mut self, ink: Ink, style: Style, data: String, about: impl Into<String>) {
        if !data.is_empty() {
            self.0.marks.push(Mark { ink, shape: Shape::Path(data, style), about: about.into() });
        }
    }

    /// A line through points.
    pub(super) fn line(&mut self, ink: Ink, style: Style, points: &[Point]) {
        let mut data = String::new();
        for (at, point) in points.iter().enumerate() {
            data.push(if at == 0 { 'M' } else { 'L' });
            put(&mut data, *point);
        }
        self.path(ink, style, data, "");
    }

    /// A rectangle, which says something of itself.
    pub(super) fn area(&mut self, ink: Ink, style: Style, of: Box4, about: impl Into<String>) {
        if of.right > of.left && of.bottom > of.top {
            self.path(ink, style, rectangle(of), about);
        }
    }

    /// Stripes over a rectangle: what is left out, or not known.
    pub(super) fn stripes(&mut self, ink: Ink, of: Box4) {
        const STEP: f64 = 6.0;
        let (wide, high) = (of.right - of.left, of.bottom - of.top);
        let mut data = String::new();
        let mut from = STEP;
        while from < wide + high && wide > 0.0 && high > 0.0 {
            // From the left or the foot, up to the top or the right.
            let begin = if from <= high { (of.left, of.top + from) } else { (of.left + from - high, of.bottom) };
            let end = if from <= wide { (of.left + from, of.top) } else { (of.right, of.top + from - wide) };
            data.push('M');
            put(&mut data, begin);
            data.push('L');
            put(&mut data, end);
            from += STEP;
        }
        self.path(ink, Style::Line, data, "");
    }

    /// A text at a point of its base line.
    pub(super) fn text(&mut self, ink: Ink, anchor: Anchor, at: Point, text: impl Into<String>) {
        let shape = Shape::Text { at: (whole(at.0), whole(at.1)), anchor, text: text.into() };
        self.0.marks.push(Mark { ink, shape, about: String::new() });
    }
}

/// A rectangle as path data.
pub(super) fn rectangle(of: Box4) -> String {
    let mut data = String::from("M");
    put(&mut data, (of.left, of.top));
    let _ = write!(data, "H{}V{}H{}Z", short(of.right), short(of.bottom), short(of.left));
    data
}

/// A square on its point.
pub(super) fn diamond((x, y): Point, half: f64) -> String {
    let mut data = String::from("M");
    put(&mut data, (x - half, y));
    for point in [(x, y - half), (x + half, y), (x, y + half)] {
        data.push('L');
        put(&mut data, point);
    }
    data + "Z"
}

/// A circle.
pub(super) fn circle((x, y): Point, radius: f64) -> String {
    let (r, wide) = (short(radius), short(2.0 * radius));
    format!("M{} {}a{r} {r} 0 1 0 {wide} 0a{r} {r} 0 1 0 -{wide} 0", short(x - radius), short(y))
}

/// A square.
pub(super) fn square((x, y): Point, half: f64) -> String {
    rectangle(Box4 { left: x - half, top: y - half, right: x + half, bottom: y + half })
}

fn put(data: &mut String, (x, y): Point) {
    let _ = write!(data, "{} {}", short(x), short(y));
}

/// A place to a tenth of a pixel; what is no number is at the edge.
fn short(value: f64) -> String {
    let value = if value.is_finite() { value.clamp(-9_999.0, 9_999.0) } else { 0.0 };
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[allow(clippy::cast_possible_truncation, reason = "a cast of floats saturates, and no drawing is so large")]
fn whole(value: f64) -> i16 {
    value.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_short_and_never_no_numbers() {
        assert_eq!([short(1.0), short(-0.01), short(2.26), short(f64::NAN)], ["1", "0", "2.3", "0"]);
        assert_eq!(rectangle(Box4 { left: 1.0, top: 2.0, right: 3.5, bottom: 4.0 }), "M1 2H3.5V4H1Z");
        assert_eq!(diamond((5.0, 5.0), 2.0), "M3 5L5 3L7 5L5 7Z");
    }

    #[test]
    fn stripes_stay_in_their_rectangle() {
        let mut pen = Pen::new(100, 50, "");
        pen.stripes(Ink::Hair, Box4 { left: 10.0, top: 10.0, right: 40.0, bottom: 30.0 });
        let Shape::Path(data, _) = &pen.done().marks[0].shape else { unreachable!() };
        let numbers = data.split(['M', 'L']).filter(|pair| !pair.is_empty());
        for pair in numbers {
            let (x, y) = pair.split_once(' ').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!((10.0..=40.0).contains(&x) && (10.0..=30.0).contains(&y), "{pair}");
        }
    }
}
