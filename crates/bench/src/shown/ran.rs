//! A run: its figures, how they are spread, what failed, what was cut, what was read beside it.

use super::{Figure, definition, figures, lines, row, table, warm};
use crate::{
    beside::{GpuBeside, Shown},
    measures::Measures,
    page,
    plan::Target,
    result::{ClientLoad, Document, State},
    spread::Spread,
    told::{self, millis},
    worth::dollars,
};
use pilothouse_chart::drawn;
use pilothouse_wire::{
    bench::{Card, Cell, Head, Look, Row},
    units::{ABSENT, count, number, share},
    view::Status,
};
use std::path::Path;

/// What each measure is called, and what it is in few words; the whole definition stands with it.
const NAMES: [(&str, &str, &str); 8] = [
    ("ttft", "TTFT", "intended send to first token"),
    ("ttfo", "TTFO", "intended send to first said token"),
    ("itl_gap", "ITL of gaps", "each piece to the next of its choice"),
    ("itl", "ITL of answers", "(last − first token) ÷ (tokens − 1)"),
    ("tpot", "TPOT", "the same, by another name"),
    ("e2e", "End to end", "intended send to last token"),
    ("per_user", "Rate for a user", "1 ÷ TPOT"),
    ("lag", "Send lag", "sent later than intended"),
];

pub(super) fn cards(document: &Document, requests: &Path, words: &page::Page) -> Vec<Card> {
    let mut cards = Vec::new();
    if let Some(measures) = &document.measures {
        cards.push(head(document, measures));
        cards.extend(words.tables.first().map(spreads));
        let limits = &document.plan.slo;
        cards.extend([
            distribution("Time to first token", "ttft", &measures.ttft, limits.ttft_us),
            distribution("Gaps between tokens", "itl_gap", &measures.itl_gap, None),
            distribution("End to end", "e2e", &measures.e2e, limits.e2e_us),
        ]);
        cards.push(errors(measures));
        cards.push(warm_up(document, measures, requests, words));
    }
    cards.extend(words.tables.iter().find(|of| of.title == "Models").map(|of| table(of, "Models")));
    if document.workers.is_some() {
        cards.extend(words.tables.iter().find(|of| of.title == "Workers").map(|of| table(of, "Workers")));
    }
    if document.beside.is_some() {
        cards.push(lines(words, "Read beside the load", |name| name == "Beside"));
        cards.extend(document.beside.iter().flat_map(|beside| &beside.gpus).filter_map(over_time));
    }
    // What was left open is said with its share.
    let rest = |name: &str| {
        let is_apart = ["Beside", "Warm-up", "Rates", "Goodput"].contains(&name);
        !is_apart && (name != "Requests" || document.left_open() > 0)
    };
    cards.push(lines(words, "What was run", rest));
    cards
}

fn head(document: &Document, of: &Measures) -> Card {
    let all = of.requests.answered + of.requests.failed;
    let rates = &of.rates;
    let mut wanted =
        vec![Figure::new("Answers", definition("rates"), number(rates.requests_per_s, 2), "/s").beside(format!(
            "{} of {} requests",
            count(of.requests.answered),
            count(all + of.requests.unfinished + of.requests.cancelled)
        ))];
    if let Some(good) = &of.goodput {
        let beside = format!("{} keep {}", share(good.good, good.of), good.slo);
        wanted.push(Figure::new("Goodput", definition("goodput"), number(good.requests_per_s, 2), "/s").beside(beside));
    }
    let beside = rates.input_tokens_per_s.map_or_else(String::new, |rate| format!("{} in", number(rate, 1)));
    wanted.push(
        Figure::new("Tokens out", definition("rates"), number(rates.output_tokens_per_s, 1), "/s").beside(beside),
    );
    if let Some(cost) = of.cost() {
        let good = of.good_cost().map_or_else(String::new, |cost| format!("{} a million good ones", dollars(cost)));
        wanted.push(Figure::new("A million tokens", definition("cost"), dollars(cost), "").beside(good));
    }
    let p50 = |of: &Spread| format!("p50 {} ms", millis(of.p50));
    wanted.push(Figure::new("TTFT p95", definition("ttft"), millis(of.ttft.p95), "ms").beside(p50(&of.ttft)));
    wanted.push(Figure::new("TPOT p95", definition("tpot"), millis(of.tpot.p95), "ms").beside(p50(&of.tpot)));
    let failed = of.requests.failed;
    wanted.push(
        Figure::new("Failed", "", count(failed), "")
            .beside(format!("{} of all", share(failed, all)))
            .status((failed > 0).then_some(Status::Bad)),
    );
    let open = document.left_open();
    if open > 0 {
        let beside = format!("{} of all, after {} s more", share(open, all + open), document.plan.drain_s);
        let about =
            "requests that were open still when the run and what it gives them to end were over: none of them is good";
        wanted.push(Figure::new("Left open", about, count(open), "").beside(beside).status(Some(Status::Bad)));
    }
    let lost = document.workers.as_ref().map(|workers| (workers.each.len(), workers.lost().count()));
    let parts =
        lost.filter(|(_, lost)| *lost > 0).map(|(all, lost)| format!("Partial: {} of {all} workers", all - lost));
    let (status, title) = match document.state {
        State::Whole if failed > 0 => (Some(Status::Bad), "Whole, with failures"),
        State::Whole if open > 0 => (Some(Status::Bad), "Whole, with requests left open"),
        State::Whole => (None, "Whole"),
        State::Running => (Some(Status::Warn), "Running, or killed"),
        State::Interrupted => (Some(Status::Warn), "Ended early: partial"),
        State::GaveUp => (Some(Status::Bad), "Given up: nothing but failures"),
    };
    let target = &document.plan.target;
    let client = document.client.as_ref();
    let late = client.filter(|client| client.saturated);
    let late = late.map(|_| "the client was the limit: times are bounds from above".to_owned());
    let (passed, not_kept) = (client.map(ClientLoad::passed).unwrap_or_default(), document.not_kept.clone());
    let warnings: Vec<String> = late.into_iter().chain(passed).chain(not_kept).collect();
    let (status, about) = match warnings.is_empty() {
        false => (status.or(Some(Status::Warn)), warnings.join("; ")),
        true => (status, about(target, &told::load(&document.plan))),
    };
    let (status, title) = match parts {
        Some(parts) => (Some(Status::Bad), parts),
        None => (status, title.to_owned()),
    };
    Card { title, about, status, ..figures(wanted) }
}

/// What was asked, with which load; a way that is in every time is said where the times are.
fn about(target: &Target, load: &str) -> String {
    let way = target.through.as_ref().map_or_else(String::new, |through| format!("; {}", through.meaning()));
    format!("{} at {}; {load}{way}", target.model, target.place())
}

/// The table of the terminal, with what each measure is.
fn spreads(of: &page::Table) -> Card {
    let mut card = table(of, "Measures");
    card.about = "of what is kept after the warm-up".into();
    for (head, name) in card.heads.iter_mut().zip(["Measure", "Unit"]) {
        head.title = name.into();
    }
    for (row, words) in card.rows.iter_mut().zip(&of.rows) {
        let name = words.first().map_or("", String::as_str);
        if let (Some(cell), Some((_, title, short))) =
            (row.cells.first_mut(), NAMES.iter().find(|(of, ..)| *of == name))
        {
            *cell = Cell::text(*title).note(*short).about(definition(name));
        }
    }
    card
}

fn distribution(title: &str, name: &'static str, of: &Spread, limit_us: Option<u64>) -> Card {
    let classes = of.counts.iter().map(|(value, many)| (milli(*value), *many)).collect();
    let quantiles = [("p50", of.p50), ("p95", of.p95), ("p99", of.p99)];
    let quantiles = quantiles.into_iter().filter_map(|(name, value)| Some((name, milli(value?)))).collect();
    let short = NAMES.iter().find(|(of, ..)| *of == name).map_or("", |(_, title, _)| *title);
    let spread = drawn::Spread { classes, quantiles, limit: limit_us.map(milli), unit: "ms", name: short };
    let drawing = drawn::spread(&spread);
    Card { title: title.into(), about: format!("ms, {} values", count(of.count)), drawing, ..Card::default() }
}

#[allow(clippy::cast_precision_loss, reason = "times of a run stay far below 2^53 microseconds")]
fn milli(micros: u64) -> f64 {
    micros as f64 / 1e3
}

fn errors(of: &Measures) -> Card {
    let all = of.requests.answered + of.requests.failed + of.requests.unfinished;
    let title = "Errors by kind".to_owned();
    if of.failures.is_empty() {
        let rows = vec![row("", Cell::text(format!("None of {} requests failed.", count(all))))];
        return Card { title, rows, ..Card::default() };
    }
    let one = |failures: &crate::measures::Failures| Row {
        cells: vec![
            Cell::text(failures.kind.words()).status(Some(Status::Bad)),
            Cell::text(count(failures.count)).note(share(failures.count, all)),
            Cell::text(if failures.example.is_empty() { ABSENT } else { failures.example.as_str() }),
        ],
        ..Row::default()
    };
    Card {
        title,
        about: "over all requests, the warm-up too".into(),
        look: Look::Table,
        heads: vec![Head::left("Kind"), Head::right("Requests"), Head::left("The first said")],
        rows: of.failures.iter().map(one).collect(),
        ..Card::default()
    }
}

/// Clocks, power and heat of a GPU over the run.
fn over_time(gpu: &GpuBeside) -> Option<Card> {
    let series = gpu.series.as_ref()?;
    let line = |(name, unit, values): Shown<'_>| {
        let values: Vec<Option<f64>> = values.iter().map(|value| value.map(f64::from)).collect();
        let known = || values.iter().flatten().copied();
        let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
        let about =
            format!("{name} of GPU {} over the run: {} to {} {unit}", gpu.index, number(low, 0), number(high, 0));
        let drawing = drawn::line(&drawn::Course { values, about, ..drawn::Course::default() }, 320, 40);
        let ends = format!("{} to {}", number(low, 0), number(high, 0));
        Row { cells: vec![Cell::text(name), Cell::drawn(drawing), Cell::text(ends).note(unit)], ..Row::default() }
    };
    let rows: Vec<Row> = series.lines().into_iter().map(line).collect();
    let each = f64::from(series.readings) / 10.0;
    (!rows.is_empty()).then(|| Card {
        title: format!("GPU {} over the run", gpu.index),
        about: format!("from zero; a point is the mean of {} s", number(each, 1)),
        rows,
        ..Card::default()
    })
}

/// What was cut, over the end-to-end times of the answers.
fn warm_up(document: &Document, of: &Measures, requests: &Path, words: &page::Page) -> Card {
    let all = of.requests.answered + of.requests.failed + of.requests.unfinished + of.requests.cancelled;
    #[allow(clippy::cast_precision_loss, reason = "requests of a run")]
    let cut = if all == 0 { 0.0 } else { of.warm_up.requests as f64 / all as f64 };
    let mut card = lines(words, "Warm-up", |name| name == "Warm-up");
    card.drawing = warm::course(requests, cut, document.plan.slo.e2e_us);
    card.about =
        if card.drawing.is_some() { "end to end over the requests, cut in stripes".into() } else { String::new() };
    for row in &mut card.rows {
        row.cells.remove(0);
    }
    card
}

#[cfg(test)]
mod tests {
    use crate::{
        beside::{Beside, GpuBeside, Series},
        kept::Kept,
        plan::Through,
        shown,
        worth::{Price, Worth},
    };
    use std::path::Path;

    #[test]
    fn a_price_and_what_a_gpu_did_when_are_shown() {
        let mut run = shown::tests::run();
        let price = Price { gpu_hour: "3.6".parse().ok(), gpus: Some(2) };
        if let Some(measures) = &mut run.measures {
            measures.worth = Worth::of(price, None);
        }
        let series = Series { readings: 2, power_w: vec![Some(100.0), None, Some(650.0)], ..Series::default() };
        let gpu = GpuBeside { index: 3, series: Some(series), ..GpuBeside::default() };
        run.beside = Some(Beside { gpus: vec![gpu], ..Beside::default() });
        let page = shown::page(&Kept::Run(Box::new(run)), Path::new("/nowhere/a.json"));
        let said = shown::tests::said(&page.cards);
        for want in ["A million tokens", "$3.60 an hour × 2 GPUs, as given", "# GPU 3 over the run", "100 to 650 W"] {
            assert!(said.contains(want), "{want}: {said}");
        }
        let unpriced = shown::page(&Kept::Run(Box::new(shown::tests::run())), Path::new("/nowhere/a.json"));
        assert!(shown::tests::said(&unpriced.cards).contains("no price: nobody said"));
    }

    #[test]
    fn a_run_says_its_figures_with_what_they_are_and_its_failures_by_kind() {
        let run = shown::tests::run();
        let page = shown::page(&Kept::Run(Box::new(run)), Path::new("/nowhere/a.json"));
        let said = shown::tests::said(&page.cards);
        for want in [
            "# Whole, with failures",
            "Answers | Goodput | Tokens out | TTFT p95 | TPOT p95 | Failed",
            "TTFT intended send to first token | ms | 10.5",
            "# Time to first token ms, 99 values",
            "# Errors by kind",
            "3 2.9 % | slow down",
            "97.1 % keep e2e=40ms",
            "# What each figure is",
        ] {
            assert!(said.contains(want), "{want}: {said}");
        }
        let mut hanging = shown::tests::run();
        hanging.measures.as_mut().unwrap().requests =
            crate::measures::Counts { answered: 20, unfinished: 20, ..Default::default() };
        hanging.measures.as_mut().unwrap().failures.clear();
        let client = crate::result::ClientLoad::new(None, None, crate::spread::Recorder::default().spread("us"));
        hanging.client = Some(crate::result::ClientLoad { slept_s: Some(30.0), ..client });
        let cards = shown::page(&Kept::Run(Box::new(hanging)), Path::new("/nowhere/a.json")).cards;
        let said = shown::tests::said(&cards);
        for want in [
            "# Whole, with requests left open the machine slept for 30.0 s",
            "50.0 % of all, after",
            "None of 40 requests failed.",
            "20 of 40 (50.0 %) were open still",
        ] {
            assert!(said.contains(want), "{want}: {said}");
        }
        assert_eq!(cards[0].status, Some(pilothouse_wire::view::Status::Bad));
        let mut inside = shown::tests::run();
        let (_, through) = Through::read("service:a/chat:1@prod").unwrap().unwrap();
        inside.plan.target.through = Some(through);
        let cards = shown::page(&Kept::Run(Box::new(inside)), Path::new("/nowhere/a.json")).cards;
        assert!(cards[0].about.contains("service a/chat:1 of prod") && cards[0].about.contains("part of every time"));
        let figures = &page.cards[0];
        assert!(figures.heads[0].about.contains("over the time from"), "{:?}", figures.heads[0]);
        let measure = &page.cards[1].rows[0].cells[0];
        assert!(measure.about.starts_with("time to first token: from when"), "{measure:?}");
    }
}
