//! A comparison: the verdict first, each metric with where its change lies, the blocks, what guards it.

use super::{Figure, figures, lines, mark, table};
use crate::{
    compare::{self, Document, Quantity},
    page,
    result::State,
};
use pilothouse_chart::drawn::{self, BlockBar, Interval, SpanScale};
use pilothouse_insight::verdict::{Candidate, Found, Metric, Verdict};
use pilothouse_wire::{
    bench::{Card, Cell, Head, Look, Row},
    drawing::Ink,
    units::{ABSENT, count, number},
    view::Status,
};

pub(super) fn cards(document: &Document, words: &page::Page) -> Vec<Card> {
    let mut cards: Vec<Card> =
        document.comparison.candidates.iter().enumerate().map(|(at, of)| verdict(document, at + 1, of)).collect();
    cards.push(blocks(document));
    cards.push(guard(document));
    let rest = |name: &str| name != "Verdict";
    cards.push(lines(words, "What was compared", rest));
    cards.extend(words.tables.iter().filter(|of| of.title == "Blocks").map(|of| table(of, "Each block")));
    cards
}

/// What stands before a metric's name, and what colour it is drawn in.
fn status(verdict: &Verdict) -> (Status, Ink) {
    match verdict {
        Verdict::Better => (Status::Good, Ink::Good),
        Verdict::Worse => (Status::Bad, Ink::Bad),
        Verdict::Same { .. } => (Status::Good, Ink::Strong),
        Verdict::NotEnough { .. } => (Status::Unknown, Ink::Label),
        Verdict::Invalid { .. } => (Status::Warn, Ink::Warn),
    }
}

/// What follows from a verdict for whoever has to decide.
fn advice(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "Under this load it may be promoted.",
        Verdict::Worse => "Do not promote it for this load.",
        Verdict::Same { .. } => "Under this load nothing speaks against it.",
        Verdict::NotEnough { .. } => "Nobody can tell yet.",
        Verdict::Invalid { .. } => "Nothing may be said of it.",
    }
}

fn verdict(document: &Document, arm: usize, candidate: &Candidate) -> Card {
    let outcome = compare::outcome(document, candidate);
    let intervals: Vec<Interval> = candidate.metrics.iter().map(interval).collect();
    let scale = SpanScale::of(&intervals, document.settings.margin);
    let rows = candidate.metrics.iter().zip(intervals).enumerate();
    let mut rows: Vec<Row> = rows.map(|(at, (found, of))| metric(document, (arm, at), found, of, scale)).collect();
    rows.push(Row {
        cells: vec![
            Cell::default(),
            Cell::default(),
            Cell::default(),
            Cell::default(),
            Cell::drawn(scale.axis()),
            Cell::default(),
            Cell::default(),
            Cell::default(),
        ],
        ..Row::default()
    });
    let margin = number(document.settings.margin * 100.0, 1);
    let heads = vec![
        Head::left("Verdict").about("Student's t over rounds of mirrored pairs, at planned looks alone, Holm over all"),
        Head::left("Metric"),
        Head::right(document.arms.first().map_or("A", |arm| arm.name.as_str()))
            .about("the geometric mean of its whole blocks"),
        Head::right(candidate.arm.as_str()).about("the geometric mean of its whole blocks"),
        Head::left(format!("Change, band ±{} %", margin.trim_end_matches(".0")))
            .about("within the band the arms are the same"),
        Head::right("Change").about("how much more or less of it the candidate has"),
        Head::right("Where it lies").about("the interval at the stated error of this look"),
        Head::right("Detectable").about("the smallest difference that so many rounds find with the stated power"),
    ];
    Card {
        title: format!("{}. {}", compare::sentence(document, candidate), advice(&outcome)),
        about: [document.comparison.next(), candidate.not_checked().unwrap_or_default()].join(" ").trim().to_owned(),
        status: Some(status(&outcome).0),
        look: Look::Table,
        wide: true,
        heads,
        rows,
        ..Card::default()
    }
}

fn metric(document: &Document, (arm, at): (usize, usize), found: &Found, of: Interval, scale: SpanScale) -> Row {
    let (status, ink) = status(&found.verdict);
    let quantity = found.metric.id.parse::<Quantity>().ok();
    let unit = quantity.map_or("", Quantity::unit);
    let direction = quantity.map_or("", |of| compare::direction(of.better()));
    let value = |arm: usize| compare::middle(document, arm, at).map_or_else(|| ABSENT.to_owned(), compare::figure);
    let is_sure = matches!(found.verdict, Verdict::Better | Verdict::Worse | Verdict::Same { .. });
    let where_it_lies = match of.between {
        Some((low, high)) => format!("{} … {}", end(low), end(high)),
        None => ABSENT.to_owned(),
    };
    Row {
        cells: vec![
            Cell::text(capital(&found.verdict.words())).status(Some(status)),
            Cell::text(found.metric.label.as_str()).note(format!("{unit}, {direction}")),
            Cell::text(value(0)),
            Cell::text(value(arm)),
            Cell::drawn(scale.row(of, ink, is_sure)),
            Cell::text(of.at.map_or_else(|| ABSENT.to_owned(), compare::signed)),
            Cell::text(where_it_lies),
            Cell::text(found.detectable.map_or_else(|| ABSENT.to_owned(), |of| format!("{} %", number(of * 100.0, 1)))),
        ],
        ..Row::default()
    }
}

fn end(share: f64) -> String {
    if share.is_finite() { compare::signed(share) } else { "no end".to_owned() }
}

fn capital(words: &str) -> String {
    let (first, rest) = words.split_at(words.chars().next().map_or(0, char::len_utf8));
    first.to_uppercase() + rest
}

/// Gains as changes: of what is better when it is less, a gain is less of it.
fn interval(found: &Found) -> Interval {
    let change = |gain: f64| match gain.is_finite() {
        true => found.metric.change(gain),
        false => without_end(&found.metric, gain),
    };
    let between = found.interval().map(|of| {
        let (one, other) = (change(of.low), change(of.high));
        (one.min(other), one.max(other))
    });
    Interval { at: found.estimate.map(|of| found.metric.change(of.gain)), between }
}

fn without_end(metric: &Metric, gain: f64) -> f64 {
    // Which way it goes without an end is told by a gain of some size.
    metric.change(gain.signum()).signum() * f64::INFINITY
}

/// The blocks by the first metric.
fn blocks(document: &Document) -> Card {
    let Some(first) = document.settings.metrics.first() else { return Card::default() };
    let bar = |block: &compare::BlockRun| {
        let value = block.values.first().copied().flatten();
        let all = block.measures.requests.answered + block.measures.requests.failed;
        #[allow(clippy::cast_precision_loss, reason = "requests of a block")]
        let cut = if all == 0 { 0.0 } else { block.measures.warm_up.requests as f64 / all as f64 };
        let is_whole = block.state == State::Whole;
        let said = value.map_or_else(|| ABSENT.to_owned(), compare::figure);
        let about = format!("{}: {said}{}", block.run, if is_whole { "" } else { ", cut and not judged" });
        BlockBar { arm: block.slot.arm, value, cut, is_whole, about }
    };
    let bars: Vec<BlockBar> = document.blocks.iter().map(bar).collect();
    let planned = document.plan().map_or(bars.len(), |plan| plan.order().len());
    let most = if document.ended.is_some() { bars.len() } else { planned };
    let unit = first.id.parse::<Quantity>().map_or("", Quantity::unit);
    let about = format!("{} {unit}, in the order in which they ran; the warm-up of each in stripes", first.label);
    let drawing = (!bars.is_empty()).then(|| drawn::blocks(&bars, most, &format!("Blocks: {about}")));
    Card { title: "Blocks".into(), about, wide: true, drawing, ..Card::default() }
}

/// What guards the verdict: failures, what the arms say, and how many more blocks.
fn guard(document: &Document) -> Card {
    let mut wanted = Vec::new();
    if let Some(answers) = &document.answers {
        for agreement in answers.arms.iter().skip(1) {
            let percent = |of: Option<f64>| of.map_or_else(|| ABSENT.to_owned(), |of| number(of * 100.0, 1));
            let of = format!("{} of {} fixed prompts", agreement.arm, count(answers.prompts.into()));
            let exact = "answers at temperature 0 that are the same to the letter as the baseline's";
            wanted.push(Figure::new("Same answer, exact", exact, percent(agreement.exact), "%").beside(of));
            let guard = answers
                .least_overlap
                .map_or_else(|| "no guard".to_owned(), |least| format!("guard ≥ {} %", number(least * 100.0, 0)));
            let broken = answers.is_broken_by(&agreement.arm).then_some(Status::Bad);
            let overlap = "the mean overlap of words of the answers (F1 of bags of words)";
            wanted.push(
                Figure::new("Words overlap", overlap, percent(agreement.overlap), "%").beside(guard).status(broken),
            );
            let cosine = agreement.similarity.map_or_else(|| ABSENT.to_owned(), |of| number(of, 3));
            let by = match &answers.meaning {
                None => "no server of embeddings is named".to_owned(),
                Some(meaning) => match &meaning.failed {
                    None => format!("by {}", meaning.by.model),
                    Some(why) => format!("not told by {}: {why}", meaning.by.model),
                },
            };
            let near = "the mean cosine of the vectors of both answers: 1 the same, 0 nothing in common";
            wanted.push(Figure::new("Near in meaning", near, cosine, "").beside(by));
        }
    }
    let sums: Vec<(u64, u64)> = (0..document.arms.len())
        .map(|arm| {
            let own = document.blocks.iter().filter(|block| block.slot.arm == arm).map(|block| block.measures.requests);
            own.fold((0, 0), |(failed, all), of| (failed + of.failed, all + of.failed + of.answered))
        })
        .collect();
    let both = |read: fn(&(u64, u64)) -> u64| sums.iter().map(|sum| count(read(sum))).collect::<Vec<_>>().join(" and ");
    let any = sums.iter().any(|(failed, _)| *failed > 0).then_some(Status::Bad);
    wanted
        .push(Figure::new("Errors", "", both(|sum| sum.0), "").beside(format!("of {}", both(|sum| sum.1))).status(any));
    let open: Vec<u64> = (0..document.arms.len())
        .map(|arm| document.blocks.iter().filter(|of| of.slot.arm == arm).map(compare::BlockRun::left_open).sum())
        .collect();
    if open.iter().any(|open| *open > 0) {
        let text = open.iter().map(|open| count(*open)).collect::<Vec<_>>().join(" and ");
        let about = "requests that were open still when their block and what it gives them to end were over";
        wanted.push(Figure::new("Left open", about, text, "").beside("none of them is good").status(Some(Status::Bad)));
    }
    let limited = document.blocks.iter().filter(|block| block.limit.is_some()).count();
    let client = if limited == 0 { "kept up".to_owned() } else { format!("late in {limited}") };
    let late =
        format!("the client was no later than {} ms (p99) where it kept up", number(ms(document.most_late_us), 1));
    let tone = if limited == 0 { crate::page::Tone::Plain } else { crate::page::Tone::Warn };
    wanted.push(
        Figure::new("Client", "a client that is late measures itself", client, "").beside(late).status(mark(tone)),
    );
    let more = document.comparison.candidates.iter().flat_map(|candidate| &candidate.metrics);
    let more = more.filter_map(|found| match found.verdict {
        Verdict::NotEnough { more_blocks } => Some(more_blocks),
        _ => None,
    });
    let more = more.max();
    let text = more.map_or_else(|| "0".to_owned(), |more| count(more.into()));
    let about = "as the spread so far lets expect; more blocks are a new comparison once the plan is over";
    wanted.push(Figure::new("More blocks", about, text, "").beside(match more {
        Some(_) => format!("to see {} %", number(document.settings.effect * 100.0, 0)),
        None => "all is decided".to_owned(),
    }));
    Card { title: "Guards".into(), ..figures(wanted) }
}

#[allow(clippy::cast_precision_loss, reason = "a lateness")]
fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kept::Kept, shown};
    use std::path::Path;

    #[allow(clippy::cast_precision_loss)]
    fn page(pairs: u32, factor: f64) -> pilothouse_wire::bench::Page {
        let document = compare::tests::document(pairs, |arm, at| {
            (if arm == 0 { 100.0 } else { 100.0 * factor }) * (1.0 + 0.002 * (at % 3) as f64)
        });
        shown::page(&Kept::Comparison(Box::new(document)), Path::new("/nowhere/cmp.json"))
    }

    #[test]
    fn the_verdict_stands_first_with_what_follows_from_it() {
        let page = page(12, 1.3);
        let card = &page.cards[0];
        assert_eq!(
            (card.title.as_str(), card.status),
            ("next is worse than now. Do not promote it for this load.", Some(Status::Bad))
        );
        let said = shown::tests::said(&page.cards);
        for want in
            ["Worse | p95 TTFT ms, less is better | 100 | 130 | +30", "0 and 0", "Errors | ", "# Blocks p95 TTFT ms"]
        {
            assert!(said.contains(want), "{want}: {said}");
        }
        // A change to more of what should be less stands right of the middle.
        let first = &card.rows[0].cells;
        assert!(first[6].text.starts_with('+'), "{first:?}");
        let blocks = page.cards.iter().find(|card| card.title == "Blocks").unwrap();
        assert!(blocks.drawing.as_ref().unwrap().marks.iter().any(|mark| mark.ink == Ink::ArmB));
    }

    #[test]
    fn what_was_left_open_is_said_beside_the_errors() {
        let mut document =
            compare::tests::document(12, |arm, at| if arm == 0 { 100.0 } else { 130.0 } + (at % 3) as f64);
        for block in document.blocks.iter_mut().filter(|block| block.slot.arm == 1).take(2) {
            block.measures.requests.unfinished = 4;
        }
        let said =
            shown::tests::said(&shown::page(&Kept::Comparison(Box::new(document)), Path::new("/nowhere/c.json")).cards);
        assert!(said.contains("Left open") && said.contains("0 and 8"), "{said}");
    }

    #[test]
    fn what_is_better_when_it_is_less_gains_by_less_of_it() {
        let page = page(12, 0.7);
        // Of what has no noise at all it may not be sure.
        assert!(matches!(page.cards[0].status, Some(Status::Good | Status::Unknown)), "{:?}", page.cards[0]);
        assert!(page.cards[0].rows[0].cells[5].text.starts_with('−'));
    }
}
