//! The colours of the map as pixels, read from the words of the style sheet. Names tokens, holds no colour of its own.

/// One pixel: red, green, blue.
pub type Pixel = [u8; 3];

/// The colours that the map is drawn with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// Ground of the map.
    pub ground: Pixel,
    /// Cells that hold no value.
    pub quiet: Pixel,
    /// Cells that are well, where good is to be quiet.
    pub well: Pixel,
    /// Outlines of what is not listed yet.
    pub line: Pixel,
    /// Outline of a free GPU.
    pub free: Pixel,
    /// Dot of a GPU without data.
    pub dot: Pixel,
    /// Warnings.
    pub warn: Pixel,
    /// Lost.
    pub bad: Pixel,
    /// The scale, nine steps from little to much.
    pub scale: [Pixel; 9],
}

impl Palette {
    /// Reads the palette; `token` gives the text of a token, such as `#0C0E10` for `bg0`.
    #[must_use]
    pub fn read(token: impl Fn(&str) -> String) -> Self {
        let pixel = |name: &str| parse(&token(name)).unwrap_or_default();
        let mut scale = [Pixel::default(); 9];
        for (i, step) in scale.iter_mut().enumerate() {
            *step = pixel(&format!("m{i}"));
        }
        Self {
            ground: pixel("bg0"),
            quiet: pixel("bg3"),
            well: pixel("line2"),
            line: pixel("line"),
            free: pixel("free"),
            dot: pixel("tx2"),
            warn: pixel("warn-mark"),
            bad: pixel("bad-mark"),
            scale,
        }
    }
}

/// Reads `#RRGGBB`, `#RGB` and `rgb(r, g, b)` (with or without an alpha, which is left out).
#[must_use]
pub fn parse(text: &str) -> Option<Pixel> {
    let text = text.trim();
    if let Some(hex) = text.strip_prefix('#') {
        let wide: String = if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
        let part = |at: usize| u8::from_str_radix(wide.get(at..at + 2)?, 16).ok();
        return Some([part(0)?, part(2)?, part(4)?]);
    }
    let inner = text.split_once('(')?.1.strip_suffix(')')?;
    let mut parts = inner.split([',', ' ', '/']).filter(|part| !part.is_empty()).map(str::parse::<u8>);
    Some([parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?])
}

/// `share` parts of 256 of `over`, the rest of `under`.
#[must_use]
pub fn blend(over: Pixel, under: Pixel, share: u16) -> Pixel {
    std::array::from_fn(|i| {
        let mixed = u32::from(over[i]) * u32::from(share) + u32::from(under[i]) * u32::from(256 - share.min(256));
        u8::try_from(mixed >> 8).unwrap_or(u8::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_the_style_sheet_become_pixels() {
        assert_eq!(parse(" #0C0E10 "), Some([12, 14, 16]));
        assert_eq!(parse("#fff"), Some([255, 255, 255]));
        assert_eq!(parse("rgb(1, 2, 3)"), Some([1, 2, 3]));
        assert_eq!(parse("rgba(4 5 6 / .5)"), Some([4, 5, 6]));
        assert_eq!(parse(""), None);
        assert_eq!(parse("#12"), None);
        assert_eq!(parse("red"), None);
    }

    #[test]
    fn a_blend_lies_between_its_ends() {
        assert_eq!(blend([200, 0, 0], [0, 0, 0], 256), [200, 0, 0]);
        assert_eq!(blend([200, 0, 0], [0, 100, 0], 128), [100, 50, 0]);
        assert_eq!(blend([200, 0, 0], [7, 7, 7], 0), [7, 7, 7]);
    }
}
