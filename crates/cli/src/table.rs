//! Tables without borders: a head, columns that line up, and no wider than the terminal.

use crate::out::{Style, Tone};
use pilothouse_wire::units::{ABSENT, visible};
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns are not made narrower than this.
const NARROWEST: usize = 8;
/// So much of a name tells it from others.
const READABLE: usize = 18;
const GAP: &str = "  ";

/// What stands in a column of a row. Its text cannot act on the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A text, from whomever.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self { text: visible(text.as_ref()), tone: Tone::Plain }
    }

    /// A text that may be absent.
    pub fn some(text: Option<impl AsRef<str>>) -> Self {
        text.map_or_else(Self::absent, Self::text)
    }

    /// Absent, which is never 0.
    pub fn absent() -> Self {
        Self { text: ABSENT.to_owned(), tone: Tone::Soft }
    }

    /// Its text; `None` where it is absent.
    pub fn told(&self) -> Option<&str> {
        Some(self.text.as_str()).filter(|text| *text != ABSENT)
    }

    /// The same in another tone.
    #[must_use]
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

/// The head of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its title.
    pub title: &'static str,
    /// Do its values end at the right?
    pub right: bool,
    /// May it be left out where the terminal is too narrow?
    pub gives_way: bool,
}

impl Head {
    /// A column of texts.
    pub const fn left(title: &'static str) -> Self {
        Self { title, right: false, gives_way: false }
    }

    /// A column of numbers.
    pub const fn right(title: &'static str) -> Self {
        Self { title, right: true, gives_way: false }
    }
}

/// Writes the table; `height` lines at most, the last of which says how many rows are left out.
pub fn write(
    out: &mut impl Write,
    heads: &[Head],
    rows: &[Vec<Cell>],
    style: Style,
    height: Option<usize>,
) -> io::Result<()> {
    let titles: Vec<Cell> = heads.iter().map(|head| title(head.title)).collect();
    with_titles(out, &titles, heads, rows, style, height)
}

/// Writes a table whose titles are somebody else's: each with whether its values end at the right.
pub fn write_titled(
    out: &mut impl Write,
    titles: &[(String, bool)],
    rows: &[Vec<Cell>],
    style: Style,
) -> io::Result<()> {
    let heads: Vec<Head> = titles.iter().map(|(_, right)| Head { right: *right, ..Head::left("") }).collect();
    let titles: Vec<Cell> = titles.iter().map(|(text, _)| title(text)).collect();
    with_titles(out, &titles, &heads, rows, style, None)
}

fn title(text: &str) -> Cell {
    Cell::text(text).tone(Tone::Strong)
}

fn with_titles(
    out: &mut impl Write,
    titles: &[Cell],
    heads: &[Head],
    rows: &[Vec<Cell>],
    style: Style,
    height: Option<usize>,
) -> io::Result<()> {
    let shown = match height {
        Some(height) if rows.len() + 1 > height => height.saturating_sub(2),
        _ => rows.len(),
    };
    let rows_shown = &rows[..shown];
    let natural = natural(titles, rows_shown);
    let used = with_room(used(heads, rows), heads, &natural, style.width);
    let widths = fit(natural, &used, style.width);
    for row in std::iter::once(titles).chain(rows_shown.iter().map(Vec::as_slice)) {
        let columns = used.iter().map(|at| (&row[*at], heads[*at], widths[*at]));
        line(out, columns, style)?;
    }
    if shown < rows.len() {
        let rest = format!("… and {} more", pilothouse_wire::units::count((rows.len() - shown) as u64));
        writeln!(out, "{}", style.paint(Tone::Soft, &rest))?;
    }
    Ok(())
}

fn natural(titles: &[Cell], rows: &[Vec<Cell>]) -> Vec<usize> {
    let mut widths: Vec<usize> = titles.iter().map(|title| title.text.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.width());
        }
    }
    widths
}

/// The columns in which something stands. A table without rows shows all of its heads.
fn used(heads: &[Head], rows: &[Vec<Cell>]) -> Vec<usize> {
    let is_used = |at: &usize| rows.is_empty() || rows.iter().any(|row| !row[*at].text.is_empty());
    (0..heads.len()).filter(is_used).collect()
}

/// Leaves out columns that give way, from the right, until names can still be told apart.
fn with_room(mut used: Vec<usize>, heads: &[Head], natural: &[usize], limit: Option<usize>) -> Vec<usize> {
    let Some(limit) = limit else { return used };
    let needed = |used: &[usize]| -> usize {
        let names: usize = used.iter().map(|at| natural[*at].min(READABLE)).sum();
        names + GAP.len() * used.len().saturating_sub(1)
    };
    while needed(&used) > limit {
        let Some(place) = used.iter().rposition(|at| heads[*at].gives_way) else { break };
        used.remove(place);
    }
    used
}

/// Takes what is too much from the widest column, again and again.
fn fit(mut widths: Vec<usize>, used: &[usize], limit: Option<usize>) -> Vec<usize> {
    let Some(limit) = limit else { return widths };
    let gaps = GAP.len() * used.len().saturating_sub(1);
    while used.iter().map(|at| widths[*at]).sum::<usize>() + gaps > limit {
        match used.iter().copied().max_by_key(|at| widths[*at]) {
            Some(widest) if widths[widest] > NARROWEST => widths[widest] -= 1,
            _ => break,
        }
    }
    widths
}

fn line<'a>(
    out: &mut impl Write,
    columns: impl Iterator<Item = (&'a Cell, Head, usize)>,
    style: Style,
) -> io::Result<()> {
    // Spaces are written before what follows them: none stand at the end of a line.
    let mut space = 0;
    for (cell, head, width) in columns {
        let text = shorten(&cell.text, width);
        let free = width.saturating_sub(text.width());
        let (before, after) = if head.right { (free, 0) } else { (0, free) };
        if !text.is_empty() {
            write!(out, "{:1$}{2}", "", space + before, style.paint(cell.tone, &text))?;
            space = 0;
        } else {
            space += before;
        }
        space += after + GAP.len();
    }
    writeln!(out)
}

/// The middle gives way: both ends of a name tell it from others.
pub fn shorten(text: &str, max: usize) -> String {
    if text.width() <= max {
        return text.to_owned();
    }
    let Some(room) = max.checked_sub(1) else { return String::new() };
    let head = take(text.chars(), room.div_ceil(2));
    let tail: String = take(text.chars().rev(), room - head.width()).chars().rev().collect();
    format!("{head}…{tail}")
}

fn take(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut left = room;
    chars
        .take_while(|c| {
            let width = c.width().unwrap_or(0);
            let fits = width <= left;
            left = left.saturating_sub(width);
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: &[Head] = &[Head::left("NAME"), Head::right("GPUS")];
    const PLAIN: Style = Style { colour: false, terminal: false, width: None, height: None };

    #[track_caller]
    fn check(rows: &[(&str, &str)], style: Style, height: Option<usize>, want: &str) {
        let rows: Vec<Vec<Cell>> = rows.iter().map(|(a, b)| vec![Cell::text(a), Cell::text(b)]).collect();
        let mut out = Vec::new();
        write(&mut out, HEADS, &rows, style, height).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn columns_line_up_and_numbers_end_at_the_right() {
        check(
            &[("h100-117", "8"), ("東京", "1,024")],
            PLAIN,
            None,
            "NAME       GPUS\nh100-117      8\n東京      1,024\n",
        );
    }

    #[test]
    fn a_long_name_gives_way_in_its_middle() {
        let style = Style { width: Some(20), ..PLAIN };
        check(&[("chat-70b-7c9f4d-x2k8q", "8")], style, None, "NAME            GPUS\nchat-70…-x2k8q     8\n");
    }

    #[test]
    fn columns_that_give_way_do_before_names_cannot_be_told_apart() {
        let heads = [
            Head::left("NAME"),
            Head { gives_way: true, ..Head::left("POOL") },
            Head { gives_way: true, ..Head::left("ZONE") },
        ];
        for (limit, want) in [(None, "0 1 2"), (Some(58), "0 1 2"), (Some(57), "0 1"), (Some(20), "0")] {
            let used = with_room(vec![0, 1, 2], &heads, &[40, 18, 18], limit);
            let used: Vec<String> = used.iter().map(ToString::to_string).collect();
            assert_eq!(used.join(" "), want, "{limit:?}");
        }
    }

    #[test]
    fn a_column_in_which_nothing_stands_is_left_out() {
        check(&[("a", ""), ("b", "")], PLAIN, None, "NAME\na\nb\n");
        check(&[("", "1"), ("b", "")], PLAIN, None, "NAME  GPUS\n         1\nb\n");
        check(&[], PLAIN, None, "NAME  GPUS\n");
    }

    #[test]
    fn what_does_not_fit_below_is_counted() {
        check(&[("a", "1"), ("b", "2"), ("c", "3")], PLAIN, Some(3), "NAME  GPUS\na        1\n… and 2 more\n");
        check(&[("a", "1"), ("b", "2")], PLAIN, Some(3), "NAME  GPUS\na        1\nb        2\n");
    }

    #[test]
    fn a_hostile_name_is_shown_and_does_nothing() {
        let hostile = "\u{1b}]0;pwned\u{7}\u{1b}[31mred\u{202e}gnp.exe<script>\r\n\u{9b}2J";
        check(
            &[(hostile, "8")],
            PLAIN,
            None,
            "NAME                                     GPUS\n␛]0;pwned␇␛[31mred\u{fffd}gnp.exe<script>␍␊␡2J     8\n",
        );
    }
}
