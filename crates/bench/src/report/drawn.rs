//! What is kept with its drawings: those that the screen shows, on paper.

use super::html::with;
use crate::{kept::Kept, shown};
use pilothouse_chart::drawn;
use pilothouse_wire::{Code, Problem, drawing::Drawing};
use std::path::Path;

/// Drawings of what is kept, each with its title. A comparison has a chart of its own instead.
fn drawings(of: &Kept) -> Vec<(String, Drawing)> {
    if matches!(of, Kept::Comparison(_)) {
        return Vec::new();
    }
    // No file beside it is read: what is only there is drawn on the screen alone.
    let cards = shown::page(of, Path::new("")).cards;
    cards.into_iter().filter_map(|card| Some((card.title, card.drawing?))).collect()
}

/// As one HTML file, with its charts in it.
#[must_use]
pub fn html_of(kept: &Kept) -> String {
    with(&kept.page(), &drawings(kept))
}

/// Its chart as SVG: the verdicts of a comparison, the front of a sweep, how the times of a run are spread.
///
/// # Errors
/// If it has none.
pub fn svg(kept: &Kept) -> Result<String, Problem> {
    if let Some(chart) = kept.page().chart {
        return Ok(chart.svg());
    }
    let first = drawings(kept).into_iter().next();
    first.map(|(_, drawing)| drawn::svg(&drawing)).ok_or_else(|| {
        Problem::new(Code::BadInput, format!("There is no chart of {}.", kept.id()))
            .why("Comparisons, sweeps and runs with answers have one.")
            .next("Give another one, or --html or --md.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::tests::plan, search, search::Scale};
    use pilothouse_wire::Stamp;

    #[test]
    fn a_run_is_drawn_in_its_report_and_as_a_file() {
        let run = Kept::Run(Box::new(shown::tests::run()));
        let html = html_of(&run);
        assert!(html.contains("<h2>Time to first token</h2>") && html.contains("<svg "), "{html}");
        for outside in ["src=\"", "href=\"", "url(", "@import"] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert!(svg(&run).unwrap().starts_with("<svg "));
        let compared = Kept::Comparison(Box::new(crate::compare::tests::document(6, |_, _| 100.0)));
        assert_eq!(html_of(&compared).matches("<svg").count(), 1);
        assert!(svg(&compared).is_ok());
    }

    #[test]
    fn what_has_no_chart_says_so() {
        let search = search::Document::begun("s".into(), plan(), Scale::Rate, (1.0, 8.0), Stamp(0));
        assert_eq!(svg(&Kept::Search(Box::new(search))).unwrap_err().what, "There is no chart of s.");
    }
}
