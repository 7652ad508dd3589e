//! What is paid with what: a curve through the points of a sweep, those that no other one beats filled, both axes from zero.

use super::{
    pen::{Box4, Pen, circle, square},
    scale::{Scale, label},
};
use pilothouse_wire::drawing::{Anchor, Drawing, Ink, Style};

const WIDTH: u16 = 420;
const HEIGHT: u16 = 290;
const LEFT: f64 = 50.0;
const TOP: f64 = 12.0;
const FOOT: f64 = 34.0;

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// A curve a target.
    pub curves: Vec<Curve>,
    /// What goes to the right.
    pub across: String,
    /// What goes up.
    pub up: String,
    /// The least of what goes to the right that is allowed, and its words.
    pub least: Option<(f64, String)>,
    /// The most of it that is allowed, likewise.
    pub most: Option<(f64, String)>,
}

/// The points of one target.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// What it is called.
    pub name: String,
    /// To the right, up, what stands at it, and whether no other point beats it.
    pub points: Vec<(f64, f64, String, bool)>,
}

/// Draws it.
#[must_use]
pub fn front(of: &Front) -> Drawing {
    let all = || of.curves.iter().flat_map(|curve| &curve.points);
    let about = format!("{} over {}: {} points", of.up, of.across, all().count());
    let mut pen = Pen::new(WIDTH, HEIGHT, about);
    let (right, bottom) = (f64::from(WIDTH) - 12.0, f64::from(HEIGHT) - FOOT);
    let most =
        |read: fn(&(f64, f64, String, bool)) -> f64| all().map(read).filter(|v| v.is_finite()).fold(0.0, f64::max);
    // What is allowed is in the drawing, wherever the points are.
    let limits = of.least.iter().chain(&of.most).map(|(limit, _)| *limit).fold(0.0, f64::max);
    let across = Scale::even((0.0, most(|point| point.0).max(limits).max(1e-9) * 1.1), (LEFT, right));
    let up = Scale::even((0.0, most(|point| point.1).max(1e-9) * 1.1), (bottom, TOP));
    for tick in up.ticks(4) {
        let y = up.place(tick);
        pen.line(Ink::Hair, Style::Line, &[(LEFT, y), (right, y)]);
        pen.text(Ink::Label, Anchor::End, (LEFT - 6.0, y + 4.0), label(tick));
    }
    for tick in across.ticks(5) {
        pen.text(Ink::Label, Anchor::Middle, (across.place(tick), bottom + 14.0), label(tick));
    }
    pen.text(Ink::Label, Anchor::End, (right, bottom + 28.0), of.across.clone());
    if let Some((least, words)) = &of.least {
        let x = across.place(*least);
        pen.stripes(Ink::Hair, Box4 { left: LEFT, top: TOP, right: x, bottom });
        pen.line(Ink::Label, Style::Dashed, &[(x, TOP), (x, bottom)]);
        pen.text(Ink::Label, Anchor::Begin, (x + 4.0, bottom - 6.0), words.clone());
    }
    if let Some((most, words)) = &of.most {
        let x = across.place(*most).min(right);
        pen.stripes(Ink::Hair, Box4 { left: x, top: TOP, right, bottom });
        pen.line(Ink::Label, Style::Dashed, &[(x, TOP), (x, bottom)]);
        pen.text(Ink::Label, Anchor::End, (x - 4.0, bottom - 6.0), words.clone());
    }
    for (at, curve) in of.curves.iter().enumerate() {
        let ink = if at == 0 { Ink::ArmA } else { Ink::ArmB };
        let mut points: Vec<&(f64, f64, String, bool)> = curve.points.iter().collect();
        pilothouse_wire::sort::by(&mut points, |one, other| one.0.total_cmp(&other.0));
        let place = |point: &(f64, f64, String, bool)| (across.place(point.0), up.place(point.1));
        let on_front: Vec<(f64, f64)> = points.iter().copied().filter(|point| point.3).map(place).collect();
        pen.line(ink, Style::Line, &on_front);
        for point in points {
            let style = if point.3 { Style::Fill } else { Style::Hollow };
            let shape = if at == 0 { circle(place(point), 4.0) } else { square(place(point), 4.0) };
            let beaten = if point.3 { "on the front" } else { "another is as good in both and better in one" };
            let about =
                format!("{}: {} {}, {} {}, {beaten}", point.2, label(point.0), of.across, label(point.1), of.up);
            pen.path(ink, style, shape, about);
            let (x, y) = place(point);
            pen.text(Ink::Label, Anchor::Begin, (x + 6.0, y - 6.0), point.2.clone());
        }
    }
    pen.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_goes_through_the_front_and_every_point_says_what_it_is() {
        let point = |x: f64, y: f64, at: &str, on_front: bool| (x, y, at.to_owned(), on_front);
        let points =
            vec![point(20.0, 1_200.0, "32", true), point(50.0, 700.0, "8", true), point(18.0, 900.0, "64", false)];
        let of = Front {
            curves: vec![Curve { name: "chat".into(), points }],
            across: "tokens/s a user".into(),
            up: "tokens/s".into(),
            ..Front::default()
        };
        let drawing = front(&of);
        let abouts: Vec<&str> =
            drawing.marks.iter().map(|mark| mark.about.as_str()).filter(|a| !a.is_empty()).collect();
        assert_eq!(abouts.len(), 3);
        assert!(abouts[0].starts_with("64: 18 tokens/s a user, 900 tokens/s, another"), "{abouts:?}");
        assert_eq!(drawing.about, "tokens/s over tokens/s a user: 3 points");
        // Nothing to draw is drawn as nothing.
        assert!(front(&Front::default()).marks.iter().all(|mark| mark.about.is_empty()));
    }
}
