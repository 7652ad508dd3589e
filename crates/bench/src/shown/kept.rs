//! What is kept, a row each.

use crate::{
    compare::{self, outcome},
    import,
    kept::Kept,
    measures::Counts,
    result::{self, State},
    search,
    told::millis,
};
use pilothouse_insight::verdict::Verdict;
use pilothouse_wire::{
    Problem,
    bench::{Card, Cell, Head, Look, Row},
    units::{ABSENT, count, number},
    view::Status,
};

/// All of them, the newest first; `more` are there that are not shown.
#[must_use]
pub fn listed(rows: Vec<Row>, more: usize) -> Card {
    let heads = vec![
        Head::left("State"),
        Head::left("Name"),
        Head::left("Kind"),
        Head::left("Model"),
        Head::right("Answered"),
        Head::right("Failed"),
        Head::right("Answers/s"),
        Head::right("Tokens/s out"),
        Head::right("TTFT p50, ms").about("time to first token, from when a request was meant to be sent"),
        Head::right("TPOT p50, ms").about("time per output token after the first"),
        Head::left("Began, UTC"),
    ];
    let all = count((rows.len() + more) as u64);
    let about = if more == 0 { all } else { format!("the newest {} of {all}", count(rows.len() as u64)) };
    Card { title: "Kept".into(), about, look: Look::Table, wide: true, heads, rows, ..Card::default() }
}

/// One that cannot be read.
#[must_use]
pub fn unread(name: &str, problem: &Problem) -> Row {
    let mut cells =
        vec![Cell::text("Cannot be read").status(Some(Status::Bad)).about(problem.to_string()), Cell::text(name)];
    cells.resize(11, Cell::text(ABSENT));
    Row { leads: String::new(), cells }
}

/// One of them.
impl From<&Kept> for Row {
    fn from(kept: &Kept) -> Self {
        let (state, model, figures) = match kept {
            Kept::Run(document) => run(document),
            Kept::Comparison(document) => comparison(document),
            Kept::Imported(document) => imported(document),
            Kept::Search(document) => search(document),
        };
        let began: String = kept.began().to_string().replacen('T', " ", 1).chars().take(19).collect();
        let mut cells = vec![state, Cell::text(kept.id()), Cell::text(kept.kind()), Cell::text(model)];
        cells.extend(figures);
        cells.push(Cell::text(began));
        Self { leads: kept.id().to_owned(), cells }
    }
}

/// State, model, and six figures.
type Parts = (Cell, String, [Cell; 6]);

fn absent() -> Cell {
    Cell::text(ABSENT)
}

fn some(text: Option<String>) -> Cell {
    Cell::text(text.unwrap_or_else(|| ABSENT.to_owned()))
}

fn state(state: &State) -> Cell {
    let (word, status) = match state {
        State::Running => ("Running, or killed", Status::Progress),
        State::Whole => ("Whole", Status::Good),
        State::Interrupted => ("Ended early", Status::Warn),
        State::GaveUp => ("Given up", Status::Bad),
    };
    Cell::text(word).status(Some(status))
}

fn requests(counts: Option<Counts>) -> [Cell; 2] {
    let failed = counts.map_or(0, |counts| counts.failed);
    let failed_cell = some(counts.map(|counts| count(counts.failed)));
    [some(counts.map(|counts| count(counts.answered))), failed_cell.status((failed > 0).then_some(Status::Bad))]
}

/// The same with how many were left open.
fn requests_and(counts: Option<Counts>, left_open: u64) -> [Cell; 2] {
    let [answered, failed] = requests(counts);
    match left_open {
        0 => [answered, failed],
        open => [answered, failed.note(format!("{} left open", count(open))).status(Some(Status::Bad))],
    }
}

fn run(document: &result::Document) -> Parts {
    let of = document.measures.as_ref();
    let open = document.left_open();
    let [answered, failed] = requests_and(of.map(|of| of.requests), open);
    // What failed or had no answer in time is no success, however it ended.
    let is_bad = document.state == State::Whole && of.is_some_and(|of| of.requests.failed > 0);
    let state = match (is_bad, open) {
        (true, _) => Cell::text("With failures").status(Some(Status::Bad)),
        (false, 0) => state(&document.state),
        (false, _) => Cell::text("Left open").status(Some(Status::Bad)),
    };
    let figures = [
        answered,
        failed,
        some(of.map(|of| number(of.rates.requests_per_s, 2))),
        some(of.map(|of| number(of.rates.output_tokens_per_s, 1))),
        Cell::text(millis(of.and_then(|of| of.ttft.p50))),
        Cell::text(millis(of.and_then(|of| of.tpot.p50))),
    ];
    (state, document.plan.target.model.clone(), figures)
}

fn summed(all: impl Iterator<Item = Counts>) -> Counts {
    all.fold(Counts::default(), |sum, of| Counts {
        answered: sum.answered + of.answered,
        failed: sum.failed + of.failed,
        unfinished: sum.unfinished + of.unfinished,
        cancelled: sum.cancelled + of.cancelled,
    })
}

fn comparison(document: &compare::Document) -> Parts {
    let open = document.blocks.iter().map(compare::BlockRun::left_open).sum();
    let [answered, failed] =
        requests_and(Some(summed(document.blocks.iter().map(|block| block.measures.requests))), open);
    let verdicts = document.comparison.candidates.iter().map(|of| (of, outcome(document, of)));
    let mut words = Vec::new();
    let mut worst = Status::Good;
    for (candidate, verdict) in verdicts {
        words.push(format!("{} {}", candidate.arm, verdict.word()));
        worst = worst.min(match verdict {
            Verdict::Better | Verdict::Same { .. } => Status::Good,
            Verdict::Worse => Status::Bad,
            Verdict::NotEnough { .. } => Status::Unknown,
            Verdict::Invalid { .. } => Status::Warn,
        });
    }
    let state = match document.state {
        State::Whole => Cell::text(words.join(", ")).status(Some(worst)),
        ref other => state(other),
    };
    let mut models: Vec<&str> = document.arms.iter().map(|arm| arm.plan.target.model.as_str()).collect();
    models.dedup();
    (state, models.join(", "), [answered, failed, absent(), absent(), absent(), absent()])
}

fn imported(document: &import::Document) -> Parts {
    let figure = |name: &str| some(document.figures.get(name).map(|value| number(*value, 1)));
    let figures = [
        some(document.answered.map(count)),
        some(document.failed.map(count)),
        figure("answers"),
        figure("tokens-out"),
        figure("ttft-p50"),
        figure("tpot-p50"),
    ];
    let state = Cell::text(document.tool.name()).status(Some(Status::Unknown));
    (state, document.model.clone().unwrap_or_else(|| ABSENT.to_owned()), figures)
}

fn search(document: &search::Document) -> Parts {
    let [answered, failed] = requests(Some(summed(document.probes.iter().map(|probe| probe.measures.requests))));
    let most = match (document.sweep.is_some(), document.keeps) {
        (false, Some(keeps)) => Cell::text(number(keeps, 2)).note("keeps the limits"),
        _ => absent(),
    };
    (state(&document.state), document.plan.target.model.clone(), [answered, failed, most, absent(), absent(), absent()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shown;
    use pilothouse_wire::Code;

    #[test]
    fn a_row_says_how_it_ended_and_leads_to_its_page() {
        let run = Row::from(&Kept::Run(Box::new(shown::tests::run())));
        let texts: Vec<&str> = run.cells.iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(run.leads, "a");
        assert_eq!(texts[..6], ["With failures", "a", "run", "chat", "99", "3"]);
        assert_eq!(texts[10], "1970-01-01 00:00:00");

        let mut hanging = shown::tests::run();
        hanging.measures.as_mut().unwrap().requests = Counts { answered: 20, unfinished: 20, ..Counts::default() };
        let row = Row::from(&Kept::Run(Box::new(hanging)));
        let [state, failed] = [&row.cells[0], &row.cells[5]].map(|cell| (cell.text.as_str(), cell.status));
        assert_eq!((state, failed), (("Left open", Some(Status::Bad)), ("0", Some(Status::Bad))));
        assert_eq!(row.cells[5].note, "20 left open");

        let worse = compare::tests::document(12, |arm, _| if arm == 0 { 100.0 } else { 140.0 });
        let row = Row::from(&Kept::Comparison(Box::new(worse)));
        assert_eq!((row.cells[0].text.as_str(), row.cells[0].status), ("next worse", Some(Status::Bad)));

        let unread = unread("x", &Problem::new(Code::BadInput, "It is broken."));
        let card = listed(vec![run, row, unread], 4);
        assert_eq!(card.about, "the newest 3 of 7");
        assert!(card.rows.iter().all(|row| row.cells.len() == card.heads.len()));
    }
}
