//! A drawing that leaves the program: what it shows, as of when, whose data it is, and what its fills mean.

use crate::{Rgb, paper};
use pilothouse_wire::units;
use plotters::{
    coord::Shift,
    prelude::{
        DrawingArea, DrawingAreaErrorKind, DrawingBackend, IntoDrawingArea, IntoFont, PathElement, Polygon, RGBColor,
        Rectangle, SVGBackend, Text,
    },
    style::{
        Color, FontStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// Where a drawing is put.
pub type Area<B> = DrawingArea<B, Shift>;
/// What a drawing comes to.
pub type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// What stands around a drawing.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// What is shown, as a title.
    pub title: String,
    /// As of when, of which sources, and what is not in it.
    pub about: Vec<String>,
    /// A mark that must not be missed: that it is the demo fleet.
    pub mark: Option<String>,
    /// What each fill means.
    pub legend: Vec<(Fill, String)>,
}

/// How a cell or a part of a bar is filled. Each has a shape of its own: a print without colour can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fill {
    /// A quantity, or that it is there.
    Solid(Rgb),
    /// An outline: it is there, and free.
    Outline(Rgb),
    /// A triangle: it is not as it should be.
    Triangle(Rgb),
    /// A cross: it is lost.
    Cross(Rgb),
    /// A dot: nothing is known of it.
    Dot(Rgb),
    /// A stroke across: what is known of it is old.
    Stroke(Rgb),
}

/// The margin around a sheet, in pixels.
pub(crate) const MARGIN: i32 = 24;
const TITLE: f64 = 16.0;
pub(crate) const BODY: f64 = 12.0;
/// From one line of text to the next.
pub(crate) const LINE: i32 = 18;
const FACE: &str = "Inter, system-ui, sans-serif";
/// plotters takes the height of a line for the size of a font.
const LINE_HEIGHT: f64 = 1.24;
/// Mean width of a character, as a share of the size of its font; on the safe side.
const CHARACTER: f64 = 0.6;

pub(crate) fn colour(ink: Rgb) -> RGBColor {
    RGBColor(ink[0], ink[1], ink[2])
}

/// How a text stands at its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    pub ink: Rgb,
    pub right: bool,
    pub bold: bool,
}

impl Face {
    pub(crate) const PLAIN: Self = Self { ink: paper::TEXT, right: false, bold: false };
    pub(crate) const SOFT: Self = Self { ink: paper::SOFT, ..Self::PLAIN };
    pub(crate) const STRONG: Self = Self { bold: true, ..Self::PLAIN };
}

/// Writes a line with its top at a place.
pub(crate) fn write<B: DrawingBackend>(area: &Area<B>, text: &str, size: f64, face: Face, at: (i32, i32)) -> Drawn<B> {
    let style = if face.bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = (FACE, size * LINE_HEIGHT, style).into_font();
    let anchor = Pos::new(if face.right { HPos::Right } else { HPos::Left }, VPos::Top);
    area.draw(&Text::new(text, at, TextStyle::from(font).color(&colour(face.ink)).pos(anchor)))
}

/// As much of a text as has room in so many pixels, cut in the middle: names differ at both ends. What acts or hides in
/// it is seen.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "characters of a line")]
pub(crate) fn cut(text: &str, size: f64, width: i32) -> String {
    let room = (f64::from(width) / (size * CHARACTER)).floor().max(1.0) as usize;
    units::middle(&units::visible(text), room)
}

impl Fill {
    /// Fills a box.
    pub(crate) fn draw<B: DrawingBackend>(self, area: &Area<B>, (x, y): (i32, i32), (w, h): (i32, i32)) -> Drawn<B> {
        // plotters counts the last pixel in for outlines and not for fills.
        let whole = |ink: Rgb| Rectangle::new([(x, y), (x + w, y + h)], colour(ink).filled());
        match self {
            Self::Solid(ink) => area.draw(&whole(ink)),
            Self::Outline(ink) => {
                area.draw(&Rectangle::new([(x, y), (x + w - 1, y + h - 1)], colour(ink).stroke_width(1)))
            }
            Self::Triangle(ink) => {
                area.draw(&whole(paper::TRACK))?;
                let corners = vec![(x + w / 2, y), (x + w, y + h), (x, y + h)];
                area.draw(&Polygon::new(corners, colour(ink).filled()))
            }
            Self::Cross(ink) => {
                area.draw(&whole(ink))?;
                let line = |from, to| PathElement::new(vec![from, to], colour(paper::GROUND).stroke_width(1));
                area.draw(&line((x + 1, y + 1), (x + w - 1, y + h - 1)))?;
                area.draw(&line((x + w - 1, y + 1), (x + 1, y + h - 1)))
            }
            Self::Stroke(ink) => {
                area.draw(&whole(paper::TRACK))?;
                area.draw(&PathElement::new(vec![(x, y), (x + w - 1, y + h - 1)], colour(ink).stroke_width(1)))
            }
            Self::Dot(ink) => {
                area.draw(&whole(paper::TRACK))?;
                let (cx, cy) = (x + w / 2, y + h / 2);
                area.draw(&Rectangle::new([(cx - 1, cy - 1), (cx + 1, cy + 1)], colour(ink).filled()))
            }
        }
    }
}

impl Sheet {
    /// How much of the height the head takes.
    fn head(&self) -> i32 {
        let lines = i32::try_from(self.about.len()).unwrap_or(0);
        let legend = if self.legend.is_empty() { 0 } else { LINE + 6 };
        MARGIN + 26 + lines * LINE + legend + 10
    }

    /// The sheet as SVG: its head, and a body of this height, drawn with its top at the place that it is given.
    ///
    /// A string takes everything, so there is nothing that could fail.
    pub(crate) fn svg(
        &self,
        width: i32,
        body: i32,
        draw: impl for<'b> FnOnce(&Area<SVGBackend<'b>>, i32) -> Drawn<SVGBackend<'b>>,
    ) -> String {
        let (mut text, top) = (String::new(), self.head());
        let size = |pixels: i32| u32::try_from(pixels.max(1)).unwrap_or(1);
        let area = SVGBackend::with_string(&mut text, (size(width), size(top + body + MARGIN))).into_drawing_area();
        let drawn = area
            .fill(&colour(paper::GROUND))
            .and_then(|()| self.draw_head(&area, width))
            .and_then(|()| draw(&area, top))
            .and_then(|()| area.present());
        drop(area);
        drawn.map(|()| text).unwrap_or_default()
    }

    fn draw_head<B: DrawingBackend>(&self, area: &Area<B>, width: i32) -> Drawn<B> {
        let right = width - MARGIN;
        write(area, &self.title, TITLE, Face::STRONG, (MARGIN, MARGIN))?;
        if let Some(mark) = &self.mark {
            let face = Face { ink: paper::WARN, right: true, bold: true };
            write(area, mark, TITLE, face, (right, MARGIN))?;
        }
        let mut y = MARGIN + 26;
        for line in &self.about {
            write(area, &cut(line, BODY, right - MARGIN), BODY, Face::SOFT, (MARGIN, y))?;
            y += LINE;
        }
        let mut x = MARGIN;
        for (fill, word) in &self.legend {
            fill.draw(area, (x, y + 5), (10, 10))?;
            write(area, word, BODY, Face::SOFT, (x + 16, y + 4))?;
            x += 16 + wide(word) + 18;
        }
        Ok(())
    }
}

/// About how wide a text of the body is, in pixels.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "pixels of a short text")]
fn wide(text: &str) -> i32 {
    (text.chars().count() as f64 * BODY * CHARACTER).ceil() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(title: &str) -> String {
        let legend =
            vec![(Fill::Solid(paper::HELD), "held".to_owned()), (Fill::Outline(paper::FREE), "free".to_owned())];
        let sheet = Sheet { title: title.into(), about: vec!["as of 02:58".into()], mark: Some("DEMO".into()), legend };
        sheet.svg(400, 20, |_, _| Ok(()))
    }

    #[test]
    fn it_says_what_it_is_and_what_its_fills_mean() {
        let svg = sheet("GPUs");
        for word in ["GPUs", "as of 02:58", "DEMO", "held", "free"] {
            assert!(svg.contains(&format!("\n{word}\n")), "{word} is missing: {svg}");
        }
    }

    #[test]
    fn text_of_others_stays_text() {
        let svg = sheet("</text><script>alert('x')</script>&\"");
        assert!(!svg.contains("<script"), "{svg}");
        assert!(svg.contains("&lt;script&gt;"), "{svg}");
        assert!(svg.contains("&amp;"), "{svg}");
    }

    #[test]
    fn a_long_name_is_cut_in_its_middle() {
        assert_eq!(cut("chat-70b", BODY, 200), "chat-70b");
        assert_eq!(cut("llama-3-70b-instruct-7f9c", BODY, 72), units::middle("llama-3-70b-instruct-7f9c", 10));
    }
}
