//! The program's picture with a count on it, as the tray takes it.

/// Digits of three by five dots, a row a number, the leftmost dot first; then a plus for more than nine.
const DIGITS: [[u8; 5]; 11] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b011, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b010, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
    [0b000, 0b010, 0b111, 0b010, 0b000],
];
const MORE: usize = 10;
/// Alpha, red, green, blue: the interface's mark of what is bad, and white.
const GROUND: [u8; 4] = [0xff, 0xd9, 0x30, 0x25];
const FIGURE: [u8; 4] = [0xff, 0xff, 0xff, 0xff];

/// A picture of red, green, blue and alpha as one of alpha, red, green and blue; with a count, if there is one, on a round
/// ground in its lower right.
pub fn argb(rgba: &[u8], width: u32, count: u32) -> Vec<u8> {
    let mut argb: Vec<u8> = rgba.chunks_exact(4).flat_map(|p| [p[3], p[0], p[1], p[2]]).collect();
    if count > 0 && width > 0 {
        let height = u32::try_from(rgba.len() / 4).unwrap_or(0) / width;
        for (at, pixel) in argb.chunks_exact_mut(4).enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            if let Some(colour) = drawn(at % width, at / width, width.min(height), (width, height), count) {
                pixel.copy_from_slice(&colour);
            }
        }
    }
    argb
}

/// What the badge draws at a place, if anything.
fn drawn(x: u32, y: u32, size: u32, (width, height): (u32, u32), count: u32) -> Option<[u8; 4]> {
    // A round of nine sixteenths of the picture, in dots of which the digit has three by five.
    let diameter = size * 9 / 16;
    let (x, y) = (x.checked_sub(width - diameter)?, y.checked_sub(height - diameter)?);
    let from_middle = |n: u32| i64::from(n * 2 + 1) - i64::from(diameter);
    if from_middle(x).pow(2) + from_middle(y).pow(2) > i64::from(diameter).pow(2) {
        return None;
    }
    let dot = (diameter / 9).max(1);
    let (left, top) = ((diameter - (3 * dot).min(diameter)) / 2, (diameter - (5 * dot).min(diameter)) / 2);
    let digit = DIGITS[usize::try_from(count).unwrap_or(MORE).min(MORE)];
    let column = x.checked_sub(left).map(|x| x / dot).filter(|column| *column < 3);
    let row = y.checked_sub(top).and_then(|y| usize::try_from(y / dot).ok()).and_then(|row| digit.get(row));
    let is_figure = column.zip(row).is_some_and(|(column, row)| row >> (2 - column) & 1 == 1);
    Some(if is_figure { FIGURE } else { GROUND })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transparent picture with a badge, a letter a pixel.
    fn picture(width: u32, height: u32, count: u32) -> Vec<String> {
        let rgba = vec![0; (width * height * 4) as usize];
        let letter = |pixel: &[u8]| match pixel {
            [0, ..] => '.',
            pixel if *pixel == GROUND => 'o',
            _ => '#',
        };
        let argb = argb(&rgba, width, count);
        argb.chunks((width * 4) as usize).map(|row| row.chunks_exact(4).map(letter).collect()).collect()
    }

    #[test]
    fn without_a_count_it_is_the_picture_itself() {
        assert_eq!(argb(&[1, 2, 3, 4, 5, 6, 7, 8], 2, 0), [4, 1, 2, 3, 8, 5, 6, 7]);
    }

    #[test]
    fn a_count_stands_in_the_lower_right() {
        let rows = picture(16, 16, 7);
        assert!(rows[..7].iter().all(|row| row == "................"), "{rows:#?}");
        let digit: Vec<&str> = rows[9..14].iter().map(|row| &row[10..13]).collect();
        assert_eq!(digit, ["###", "oo#", "o#o", "o#o", "o#o"], "{rows:#?}");
    }

    #[test]
    fn any_count_fits_any_picture() {
        assert_eq!(picture(32, 32, 10), picture(32, 32, u32::MAX));
        for (width, height) in [(1, 1), (2, 1), (3, 7), (24, 24), (64, 48)] {
            assert_eq!(picture(width, height, 3).len(), height as usize);
        }
        assert_eq!(argb(&[], 0, 3), Vec::<u8>::new());
    }
}
