//! What is kept and what runs, as the interface shows it: cards with rows and drawings. The words are those of the terminal and
//! of each report; what is new here is which of them stand first, and what is drawn.

mod compared;
mod going;
mod kept;
mod ran;
mod searched;
mod warm;

pub use going::{Course, End, Tick};
pub use kept::{listed, unread};

use crate::{
    kept::Kept,
    page::{self, Tone},
};
use pilothouse_wire::{
    bench::{Card, Cell, Head, Look, Page, Row},
    units::ABSENT,
    view::Status,
};
use std::path::{Path, PathBuf};

/// All there is to say of something that is kept; what stands beside it is read from its folder.
#[must_use]
pub fn page(kept: &Kept, document: &Path) -> Page {
    let words = kept.page();
    let mut page = Page { title: kept.id().to_owned(), about: kept.kind().to_owned(), cards: Vec::new() };
    match kept {
        Kept::Run(run) => page.cards = ran::cards(run, &beside(document, &run.requests_file), &words),
        Kept::Comparison(comparison) => page.cards = compared::cards(comparison, &words),
        Kept::Search(search) => page.cards = searched::cards(search, &words),
        Kept::Imported(_) => {
            page.cards = tables(&words);
            page.cards.push(lines(&words, "What was measured", |_| true));
        }
    }
    page.cards.push(definitions(&words));
    page.cards.retain(|card| !card.rows.is_empty() || card.drawing.is_some() || card.status.is_some());
    page
}

/// A file of the same folder, whatever a document says.
fn beside(document: &Path, name: &str) -> PathBuf {
    document.with_file_name(Path::new(name).file_name().unwrap_or_default())
}

/// How something is meant, as a mark; none for what is as it is.
fn mark(tone: Tone) -> Option<Status> {
    match tone {
        Tone::Plain => None,
        Tone::Good => Some(Status::Good),
        Tone::Warn => Some(Status::Warn),
        Tone::Bad => Some(Status::Bad),
    }
}

/// Lines of a page whose names are wanted; one without a name goes with the one before.
fn lines(words: &page::Page, title: &str, wanted: impl Fn(&str) -> bool) -> Card {
    let mut is_wanted = false;
    let mut rows = Vec::new();
    for line in &words.lines {
        if !line.name.is_empty() {
            is_wanted = wanted(&line.name);
        }
        if is_wanted {
            rows.push(row(&line.name, Cell::text(&line.text).status(mark(line.tone))));
        }
    }
    Card { title: title.to_owned(), rows, ..Card::default() }
}

/// A line: what it is of, and what is said.
fn row(name: &str, cell: Cell) -> Row {
    Row { cells: vec![Cell::text(name), cell], ..Row::default() }
}

/// The tables of a page.
fn tables(words: &page::Page) -> Vec<Card> {
    words.tables.iter().map(|of| table(of, if of.title.is_empty() { "Figures" } else { &of.title })).collect()
}

fn table(of: &page::Table, title: &str) -> Card {
    let head = |head: &page::Head| Head { title: sentence(head.title), right: head.right, ..Head::default() };
    Card {
        title: title.to_owned(),
        look: Look::Table,
        wide: true,
        heads: of.heads.iter().map(head).collect(),
        rows: of.rows.iter().map(|row| Row { cells: row.iter().map(Cell::text).collect(), ..Row::default() }).collect(),
        ..Card::default()
    }
}

/// A title of the terminal in sentence case; what is short and all capitals is a word of the field and stays.
fn sentence(title: &str) -> String {
    let is_short = |word: &str| ["TTFT", "P50", "P90", "P95", "P99", "GPU"].contains(&word);
    let word = |(at, word): (usize, &str)| match word {
        word if is_short(word) => word.to_owned(),
        word if at == 0 => {
            let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            format!("{first}{}", rest.to_lowercase())
        }
        word => word.to_lowercase(),
    };
    title.split(' ').enumerate().map(word).collect::<Vec<_>>().join(" ")
}

fn definitions(words: &page::Page) -> Card {
    let rows = words.definitions.iter().map(|(name, text)| row(name, Cell::text(text)));
    Card { title: "What each figure is".into(), rows: rows.collect(), ..Card::default() }
}

/// What a figure is, by its name.
fn definition(name: &str) -> &'static str {
    let known = crate::measures::DEFINITIONS.iter().find(|(of, _)| *of == name);
    known.map_or("", |(_, text)| *text)
}

/// A large figure: title, figure, unit, and what it is compared with.
struct Figure {
    title: &'static str,
    about: &'static str,
    text: String,
    unit: &'static str,
    beside: String,
    status: Option<Status>,
}

impl Figure {
    fn new(title: &'static str, about: &'static str, text: String, unit: &'static str) -> Self {
        Self { title, about, text, unit, beside: String::new(), status: None }
    }

    fn beside(self, beside: impl Into<String>) -> Self {
        Self { beside: beside.into(), ..self }
    }

    fn status(self, status: Option<Status>) -> Self {
        Self { status, ..self }
    }
}

/// Large figures, side by side. What is absent has no unit.
fn figures(of: Vec<Figure>) -> Card {
    let (mut heads, mut above, mut below) = (Vec::new(), Row::default(), Row::default());
    for figure in of {
        heads.push(Head::left(figure.title).about(figure.about));
        let unit = if figure.text == ABSENT { "" } else { figure.unit };
        above.cells.push(Cell::text(figure.text).note(unit).about(figure.about).status(figure.status));
        below.cells.push(Cell::text(figure.beside));
    }
    Card { look: Look::Figures, wide: true, heads, rows: vec![above, below], ..Card::default() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{compare, environment::Environment, measures::measure, plan::tests::plan, result, sample};
    use pilothouse_wire::Stamp;

    /// A run of a hundred answers, three of which failed.
    pub(crate) fn run() -> result::Document {
        let mut document =
            result::Document::begun("a".into(), plan(), Environment::default(), Stamp(0), "a.requests.jsonl".into());
        document.state = result::State::Whole;
        document.plan.slo = "e2e=40ms".parse().unwrap();
        let sample = |n: u64| sample::Sample {
            n,
            intended_us: n * 10_000,
            lag_us: 3,
            end_us: n * 10_000 + 30_000,
            wanted_input: 16,
            wanted_output: Some(8),
            end: match n % 34 {
                33 => sample::End::Failed(crate::failure::Failure::new(crate::failure::Kind::TooMany, "slow down")),
                _ => sample::End::Answered(sample::Heard {
                    ttft_us: 10_000 + n * 10,
                    e2e_us: 30_000 + n * 10,
                    gaps_us: vec![2_500; 8],
                    pieces: 9,
                    output_tokens: Some(9),
                    ..sample::Heard::default()
                }),
            },
        };
        let samples: Vec<sample::Sample> = (0..102).map(sample).collect();
        document.measures = Some(measure(&samples, document.plan.warm_up, &document.plan.slo));
        document
    }

    pub(crate) fn said(cards: &[Card]) -> String {
        let mut said = String::new();
        for card in cards {
            let heads: Vec<&str> = card.heads.iter().map(|head| head.title.as_str()).collect();
            said += &format!("# {} {}\n{}\n", card.title, card.about, heads.join(" | "));
            for row in &card.rows {
                let cells: Vec<String> = row
                    .cells
                    .iter()
                    .map(|cell| {
                        let drawn = cell.drawing.as_ref().map_or("", |drawing| drawing.about.as_str());
                        [cell.text.as_str(), cell.note.as_str(), drawn].join(" ").trim().to_owned()
                    })
                    .collect();
                said += &(cells.join(" | ") + "\n");
            }
        }
        said
    }

    #[test]
    fn every_row_has_a_cell_for_each_head_and_every_kept_thing_has_a_page() {
        let comparison = compare::tests::document(8, |arm, _| if arm == 0 { 100.0 } else { 140.0 });
        for kept in [Kept::Run(Box::new(run())), Kept::Comparison(Box::new(comparison))] {
            let page = page(&kept, Path::new("/nowhere/a.json"));
            assert!(page.cards.len() > 3, "{page:?}");
            for card in &page.cards {
                for row in card.rows.iter().filter(|_| card.look != Look::Lines) {
                    assert_eq!(row.cells.len(), card.heads.len(), "{}: {row:?}", card.title);
                }
            }
        }
    }

    #[test]
    fn titles_of_the_terminal_are_read_as_a_sentence() {
        let titles = ["AT A TIME", "TTFT P95 MS", "TOKENS/S A GPU", ""].map(sentence);
        assert_eq!(titles, ["At a time", "TTFT P95 ms", "Tokens/s a GPU", ""]);
    }
}
