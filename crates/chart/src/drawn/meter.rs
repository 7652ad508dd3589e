//! How far something is.

use super::pen::{Box4, Pen};
use pilothouse_wire::drawing::{Drawing, Ink, Style};

const WIDTH: u16 = 400;
const HEIGHT: u16 = 10;

/// A bar of a share that is done; stripes where nobody knows.
#[must_use]
pub fn meter(done: Option<f64>, about: &str) -> Drawing {
    let mut pen = Pen::new(WIDTH, HEIGHT, about);
    let whole = Box4 { left: 0.0, top: 0.0, right: f64::from(WIDTH), bottom: f64::from(HEIGHT) };
    pen.area(Ink::Band, Style::Fill, whole, "");
    match done {
        Some(share) => {
            let right = f64::from(WIDTH) * if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
            pen.area(Ink::Accent, Style::Fill, Box4 { right, ..whole }, "");
        }
        None => pen.stripes(Ink::Series, whole),
    }
    pen.done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::drawing::Shape;

    #[test]
    fn a_share_is_that_much_of_the_bar() {
        let data = |done| match &meter(done, "").marks.last().unwrap().shape {
            Shape::Path(data, _) => data.clone(),
            Shape::Text { .. } => String::new(),
        };
        assert_eq!([data(Some(0.5)), data(Some(7.0))], ["M0 0H200V10H0Z", "M0 0H400V10H0Z"]);
        assert!(data(None).contains('L'));
    }
}
