//! The list of what is kept.

use super::folder;
use crate::{
    exit::{Exit, Failed},
    json,
    out::{Style, Tone, note, stdout},
    table::{self, Cell, Head},
};
use pilothouse_bench::{
    compare::{self, outcome},
    import,
    kept::Kept,
    measures::Counts,
    result::{Document, State},
    search, store,
    told::millis,
};
use pilothouse_wire::{
    Stamp,
    units::{count, number, visible},
};
use serde::Serialize;
use std::io::Write;

/// One of them in a list.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    kind: &'static str,
    began: Stamp,
    state: Option<&'a State>,
    model: Option<String>,
    url: Option<&'a str>,
    requests: Option<Counts>,
    requests_per_s: Option<f64>,
    output_tokens_per_s: Option<f64>,
    ttft_p50_us: Option<u64>,
    tpot_p50_us: Option<u64>,
    verdicts: Option<Vec<Said>>,
}

/// What is said of a candidate.
#[derive(Serialize)]
struct Said {
    arm: String,
    verdict: &'static str,
}

impl<'a> Line<'a> {
    fn bare(kept: &'a Kept) -> Self {
        Self {
            id: kept.id(),
            kind: kept.kind(),
            began: kept.began(),
            state: None,
            model: None,
            url: None,
            requests: None,
            requests_per_s: None,
            output_tokens_per_s: None,
            ttft_p50_us: None,
            tpot_p50_us: None,
            verdicts: None,
        }
    }

    fn of(kept: &'a Kept) -> Self {
        let bare = Self::bare(kept);
        match kept {
            Kept::Run(document) => {
                let measures = document.measures.as_ref();
                Self {
                    state: Some(&document.state),
                    model: Some(document.plan.target.model.clone()),
                    url: Some(&document.plan.target.url),
                    requests: measures.map(|of| of.requests),
                    requests_per_s: measures.map(|of| of.rates.requests_per_s),
                    output_tokens_per_s: measures.map(|of| of.rates.output_tokens_per_s),
                    ttft_p50_us: measures.and_then(|of| of.ttft.p50),
                    tpot_p50_us: measures.and_then(|of| of.tpot.p50),
                    ..bare
                }
            }
            Kept::Comparison(document) => Self {
                state: Some(&document.state),
                requests: Some(counted(document)),
                verdicts: Some(said(document)),
                ..bare
            },
            Kept::Imported(document) => Self { model: document.model.clone(), ..bare },
            Kept::Search(document) => Self {
                state: Some(&document.state),
                model: Some(document.plan.target.model.clone()),
                url: Some(&document.plan.target.url),
                ..bare
            },
        }
    }
}

fn said(document: &compare::Document) -> Vec<Said> {
    let candidates = document.comparison.candidates.iter();
    candidates.map(|of| Said { arm: of.arm.to_string(), verdict: outcome(document, of).word() }).collect()
}

/// Requests of all blocks.
fn counted(document: &compare::Document) -> Counts {
    document.blocks.iter().map(|block| block.measures.requests).fold(Counts::default(), |all, of| Counts {
        answered: all.answered + of.answered,
        failed: all.failed + of.failed,
        unfinished: all.unfinished + of.unfinished,
        cancelled: all.cancelled + of.cancelled,
    })
}

/// Writes what is kept.
pub fn list(as_json: bool, style: Style) -> Result<Exit, Failed> {
    let listed = store::list(&folder()?)?;
    let mut out = stdout();
    let (mut all, mut unreadable) = (Vec::new(), 0);
    for (_, kept) in listed {
        match kept {
            Ok(kept) => all.push(kept),
            Err(problem) => {
                unreadable += 1;
                note(&visible(&problem.to_string()));
            }
        }
    }
    if as_json {
        for kept in &all {
            json::write(&mut out, &Line::of(kept), true)?;
        }
    } else if all.is_empty() {
        note("There is no run yet. pilothouse bench run makes one.");
    } else {
        table(&mut out, &all, style)?;
    }
    Ok(if unreadable > 0 { Exit::Partial } else { Exit::Ok })
}

fn table(out: &mut impl Write, all: &[Kept], style: Style) -> Result<(), Failed> {
    const HEADS: [Head; 9] = [
        Head::left("ID"),
        Head::left("KIND"),
        Head::left("MODEL"),
        Head::left("STATE"),
        Head::right("ANSWERED"),
        Head::right("FAILED"),
        Head::right("TTFT P50 MS"),
        Head::right("TPOT P50 MS"),
        Head::right("TOKENS/S"),
    ];
    let rows = all.iter().map(|kept| match kept {
        Kept::Run(document) => run(document),
        Kept::Comparison(document) => comparison(document),
        Kept::Imported(document) => imported(document),
        Kept::Search(document) => search(document),
    });
    table::write(out, &HEADS, &rows.collect::<Vec<_>>(), style, None)?;
    Ok(())
}

fn state(state: &State) -> Cell {
    let (word, tone) = match state {
        State::Running => ("running, or killed", Tone::Progress),
        State::Whole => ("whole", Tone::Plain),
        State::Interrupted => ("interrupted", Tone::Warn),
        State::GaveUp => ("given up", Tone::Bad),
    };
    Cell::text(word).tone(tone)
}

/// How a run ended: whole, and yet not all was answered, is no success.
fn ended(document: &Document) -> Cell {
    match document.left_open() {
        0 => state(&document.state),
        open => Cell::text(format!("whole, {} left open", count(open))).tone(Tone::Bad),
    }
}

fn requests(counts: Option<Counts>) -> [Cell; 2] {
    let failed = counts.map_or(0, |counts| counts.failed);
    [
        Cell::some(counts.map(|counts| count(counts.answered))),
        Cell::some(counts.map(|counts| count(counts.failed))).tone(if failed == 0 { Tone::Plain } else { Tone::Bad }),
    ]
}

fn run(document: &Document) -> Vec<Cell> {
    let measures = document.measures.as_ref();
    let [answered, failed] = requests(measures.map(|measures| measures.requests));
    vec![
        Cell::text(&document.id),
        Cell::text("run"),
        Cell::text(&document.plan.target.model),
        ended(document),
        answered,
        failed,
        Cell::text(millis(measures.and_then(|measures| measures.ttft.p50))),
        Cell::text(millis(measures.and_then(|measures| measures.tpot.p50))),
        Cell::some(measures.map(|measures| number(measures.rates.output_tokens_per_s, 1))),
    ]
}

fn comparison(document: &compare::Document) -> Vec<Cell> {
    let arms: Vec<&str> = document.arms.iter().map(|arm| arm.name.as_str()).collect();
    let verdicts: Vec<String> = said(document).iter().map(|of| format!("{} {}", of.arm, of.verdict)).collect();
    let state = match document.state {
        State::Whole => Cell::text(verdicts.join(", ")),
        ref other => state(other),
    };
    let [answered, failed] = requests(Some(counted(document)));
    let none = Cell::absent;
    vec![
        Cell::text(&document.id),
        Cell::text("comparison"),
        Cell::text(arms.join(", ")),
        state,
        answered,
        failed,
        none(),
        none(),
        none(),
    ]
}

fn imported(document: &import::Document) -> Vec<Cell> {
    let figure = |name: &str| Cell::some(document.figures.get(name).map(|value| number(*value, 1)));
    vec![
        Cell::text(&document.id),
        Cell::text("imported"),
        Cell::some(document.model.as_deref()),
        Cell::text(document.tool.name()),
        Cell::some(document.answered.map(count)),
        Cell::some(document.failed.map(count)),
        figure("ttft-p50"),
        figure("tpot-p50"),
        figure("tokens-out"),
    ]
}

fn search(document: &search::Document) -> Vec<Cell> {
    let requests = requests(Some(document.probes.iter().fold(Counts::default(), |all, probe| Counts {
        answered: all.answered + probe.measures.requests.answered,
        failed: all.failed + probe.measures.requests.failed,
        unfinished: all.unfinished + probe.measures.requests.unfinished,
        cancelled: all.cancelled + probe.measures.requests.cancelled,
    })));
    let [answered, failed] = requests;
    let (model, none) = (Cell::text(&document.plan.target.model), Cell::absent);
    vec![
        Cell::text(&document.id),
        Cell::text("search"),
        model,
        state(&document.state),
        answered,
        failed,
        none(),
        none(),
        none(),
    ]
}
