//! Which rows of a long table are in the page: those in sight and a few around them.

use std::ops::Range;

/// Height of a row in CSS pixels.
pub const ROW: f64 = 24.0;

/// Rows kept above and below those in sight, so that a quick scroll shows no blank.
const AROUND: usize = 8;

/// The rows to draw, of `rows`, when a box of this height is scrolled by `top`.
#[must_use]
pub fn window(top: f64, height: f64, rows: usize) -> Range<usize> {
    let first = whole(top / ROW);
    let in_sight = whole(height / ROW) + 2;
    let from = first.saturating_sub(AROUND).min(rows);
    // In steps, so that scrolling by a few pixels changes nothing in the page.
    let from = from - from % 4;
    from..(first + in_sight + AROUND).next_multiple_of(4).min(rows)
}

/// Where to scroll so that a row is in sight; `None` if it is.
#[must_use]
pub fn reveal(row: usize, top: f64, height: f64) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "row counts stay far below 2^53")]
    let at = row as f64 * ROW;
    if at < top {
        Some(at)
    } else if at + ROW > top + height {
        Some((at + ROW - height).max(0.0))
    } else {
        None
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to rows; never negative")]
fn whole(value: f64) -> usize {
    value.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_sight_are_drawn_with_some_around_them() {
        assert_eq!(window(0.0, 144.0, 5_000), 0..16);
        assert_eq!(window(2_400.0, 144.0, 5_000), 92..116);
        assert_eq!(window(0.0, 144.0, 3), 0..3);
        assert_eq!(window(0.0, 0.0, 0), 0..0);
    }

    #[test]
    fn a_box_that_is_scrolled_beyond_a_shrunken_table_draws_its_end() {
        let drawn = window(120_000.0, 144.0, 10);
        assert!(drawn.start <= 10 && drawn.end == 10, "{drawn:?}");
        assert_eq!(window(-30.0, 144.0, 10), 0..10);
    }

    #[test]
    fn every_row_in_sight_is_drawn_wherever_the_box_is_scrolled_to() {
        for top in (0..2_000u32).map(f64::from) {
            let drawn = window(top, 150.0, 1_000);
            let (first, last) = (whole(top / ROW), whole((top + 149.0) / ROW));
            assert!(drawn.contains(&first) && drawn.contains(&last), "{top}: {drawn:?}");
        }
    }

    #[test]
    fn a_row_out_of_sight_is_scrolled_to() {
        assert_eq!(reveal(0, 0.0, 120.0), None);
        assert_eq!(reveal(4, 0.0, 120.0), None);
        assert_eq!(reveal(5, 0.0, 120.0), Some(24.0));
        assert_eq!(reveal(2, 240.0, 120.0), Some(48.0));
    }
}
