//! A drawing as an SVG file of its own: on paper, which is white, and with its inks as colours.

use crate::paper;
use pilothouse_wire::{
    drawing::{Anchor, Drawing, Ink, Mark, Shape, Style},
    units::visible,
};

/// Writes it. What a mark says is its title, as whoever points at it reads.
#[must_use]
pub fn svg(of: &Drawing) -> String {
    let Drawing { width, height, about, marks } = of;
    let [r, g, b] = paper::GROUND;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         font-family=\"Inter,system-ui,sans-serif\" font-size=\"11\"><title>{}</title>\
         <rect width=\"{width}\" height=\"{height}\" fill=\"rgb({r},{g},{b})\"/>",
        escaped(about)
    );
    marks.iter().for_each(|mark| text.push_str(&drawn(mark)));
    text.push_str("</svg>\n");
    text
}

fn drawn(mark: &Mark) -> String {
    let colour = colour(mark.ink);
    let title = if mark.about.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(&mark.about)) };
    match &mark.shape {
        Shape::Path(path, style) => {
            let look = match style {
                Style::Fill => format!("fill=\"{colour}\""),
                Style::Line => format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\""),
                Style::Dashed => format!("fill=\"none\" stroke=\"{colour}\" stroke-dasharray=\"4 3\""),
                Style::Hollow => format!("fill=\"#ffffff\" stroke=\"{colour}\" stroke-width=\"1.5\""),
            };
            format!("<path d=\"{}\" {look}>{title}</path>", escaped(path))
        }
        Shape::Text { at: (x, y), anchor, text } => {
            let anchor = match anchor {
                Anchor::Begin => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let text = escaped(text);
            format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}{title}</text>")
        }
    }
}

const fn colour(ink: Ink) -> &'static str {
    match ink {
        Ink::Strong => "#14181b",
        Ink::Series | Ink::ArmA => "#1f6feb",
        Ink::Label => "#465059",
        Ink::Hair => "#d5dade",
        Ink::Band => "#eef1f4",
        Ink::Quantity => "#5b8fd6",
        Ink::Accent => "#0b57d0",
        Ink::ArmB => "#b45309",
        Ink::OnArm => "#ffffff",
        Ink::Good => "#1b7a4b",
        Ink::Warn => "#8a5200",
        Ink::Bad => "#b3261e",
    }
}

/// Text of others stays text.
fn escaped(text: &str) -> String {
    let text = visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawn::{Curve, Front, front};

    #[test]
    fn a_drawing_is_a_file_of_its_own_and_text_of_others_stays_text() {
        let points = vec![(20.0, 900.0, "<script>".to_owned(), true), (10.0, 500.0, "2".to_owned(), false)];
        let of =
            Front { curves: vec![Curve { name: "chat".into(), points }], across: "a & b".into(), ..Front::default() };
        let text = svg(&front(&of));
        assert!(text.starts_with("<svg xmlns=") && text.ends_with("</svg>\n"), "{text}");
        assert!(!text.contains("<script") && text.contains("&lt;script&gt;") && text.contains("a &amp; b"), "{text}");
        // A point that is beaten is hollow, one that is not is filled; each says what it is.
        assert_eq!(text.matches("fill=\"#ffffff\" stroke=\"#1f6feb\"").count(), 1);
        assert!(text.contains("on the front</title>"), "{text}");
    }
}
