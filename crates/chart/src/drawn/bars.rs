//! Blocks of a comparison in the order in which they ran, each a bar from zero: its arm by colour and by letter, what was left
//! out of it as warm-up in stripes.

use super::{
    pen::{Box4, Pen},
    scale::{Scale, label},
};
use pilothouse_wire::drawing::{Anchor, Drawing, Ink, Style};

const WIDTH: u16 = 860;
const HEIGHT: u16 = 150;
const LEFT: f64 = 44.0;
const TOP: f64 = 18.0;
const FOOT: f64 = 6.0;
/// More bars have no value above them.
const LABELLED: usize = 26;

/// One block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BlockBar {
    /// The place of its arm.
    pub arm: usize,
    /// Its value; none where it has none.
    pub value: Option<f64>,
    /// The share of it that was left out at its begin.
    pub cut: f64,
    /// Is it judged?
    pub is_whole: bool,
    /// What it says of itself.
    pub about: String,
}

/// Draws them, with room for so many in all.
#[must_use]
pub fn blocks(bars: &[BlockBar], most: usize, about: &str) -> Drawing {
    let mut pen = Pen::new(WIDTH, HEIGHT, about);
    let bottom = f64::from(HEIGHT) - FOOT;
    let highest = bars.iter().filter_map(|bar| bar.value).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let up = Scale::even((0.0, highest.max(1e-9)), (bottom, TOP));
    for tick in up.ticks(3) {
        let y = up.place(tick);
        pen.line(Ink::Hair, Style::Line, &[(LEFT, y), (f64::from(WIDTH), y)]);
        pen.text(Ink::Label, Anchor::End, (LEFT - 6.0, y + 4.0), label(tick));
    }
    let places = u32::try_from(most.max(bars.len()).max(1)).unwrap_or(u32::MAX);
    let step = (f64::from(WIDTH) - LEFT) / f64::from(places);
    for (at, bar) in (0_u32..).zip(bars) {
        let left = LEFT + step * f64::from(at) + 1.0;
        let right = (left + step - 3.0).min(left + 64.0).max(left + 1.0);
        let ink = if bar.arm == 0 { Ink::ArmA } else { Ink::ArmB };
        let middle = f64::midpoint(left, right);
        let Some(value) = bar.value.filter(|value| value.is_finite()) else {
            pen.text(Ink::Label, Anchor::Middle, (middle, bottom - 4.0), "—");
            continue;
        };
        let area = Box4 { left, top: up.place(value).min(bottom - 1.0), right, bottom };
        let style = if bar.is_whole { Style::Fill } else { Style::Dashed };
        pen.area(ink, style, area, bar.about.clone());
        pen.stripes(Ink::OnArm, Box4 { right: left + (right - left) * bar.cut.clamp(0.0, 1.0), ..area });
        if step > 12.0 {
            let letter = char::from(b'A' + u8::try_from(bar.arm.min(25)).unwrap_or(0));
            let on = if bar.is_whole && bottom - area.top > 18.0 { Ink::OnArm } else { Ink::Label };
            pen.text(on, Anchor::Middle, (middle, bottom - 5.0), letter);
        }
        if bars.len() <= LABELLED {
            pen.text(Ink::Label, Anchor::Middle, (middle, area.top - 4.0), label(round(value)));
        }
    }
    pen.done()
}

/// Three digits.
fn round(value: f64) -> f64 {
    let digits = 10_f64.powf((value.abs().max(1e-9).log10().floor() - 2.0).min(0.0));
    (value / digits).round() * digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::drawing::Shape;

    #[test]
    fn bars_begin_at_zero_and_carry_their_letter() {
        let bar = |arm: usize, value: f64| BlockBar { arm, value: Some(value), is_whole: true, ..BlockBar::default() };
        let drawing = blocks(&[bar(0, 10.0), bar(1, 5.0), BlockBar::default()], 4, "blocks");
        let heights: Vec<f64> = drawing
            .marks
            .iter()
            .filter(|mark| matches!(mark.ink, Ink::ArmA | Ink::ArmB))
            .filter_map(|mark| match &mark.shape {
                Shape::Path(data, _) => {
                    let top: f64 = data.strip_prefix('M')?.split(' ').nth(1)?.split('H').next()?.parse().ok()?;
                    let foot: f64 = data.split('V').nth(1)?.split('H').next()?.parse().ok()?;
                    Some(foot - top)
                }
                Shape::Text { .. } => None,
            })
            .collect();
        assert_eq!(heights.len(), 2);
        assert!((heights[0] / heights[1] - 2.0).abs() < 0.01, "{heights:?}");
        let texts = drawing.marks.iter().filter_map(|mark| match &mark.shape {
            Shape::Text { text, .. } => Some(text.as_str()),
            Shape::Path(..) => None,
        });
        let texts: Vec<&str> = texts.collect();
        assert!(texts.contains(&"A") && texts.contains(&"B") && texts.contains(&"—"), "{texts:?}");
    }
}
