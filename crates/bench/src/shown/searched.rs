//! A search or a sweep: its answer first, the front as a drawing, then its probes.

use super::{lines, tables};
use crate::{page, search::Document};
use pilothouse_chart::drawn::{self, Curve, Front};
use pilothouse_wire::{bench::Card, units::number};

pub(super) fn cards(document: &Document, words: &page::Page) -> Vec<Card> {
    let mut cards = vec![lines(words, "Found", |name| ["Most", "Sure", "Sweep", "Server", "Failed"].contains(&name))];
    if document.sweep.is_some() && !document.points.is_empty() {
        cards.insert(0, pareto(document));
        if document.points.iter().any(|point| point.paid.is_some()) {
            cards.insert(1, paid(document));
        }
    }
    cards.extend(tables(words));
    cards.push(lines(words, "What was searched", |name| ["Search", "Target", "Prompts"].contains(&name)));
    cards
}

fn pareto(document: &Document) -> Card {
    let up = if document.gpus.is_some() { "tokens/s a GPU" } else { "tokens/s" };
    let of = |arm: Option<usize>| {
        let points = document.points.iter().filter(|point| point.arm == arm).map(|point| {
            let at = number(point.at, 2);
            (point.per_user, point.tokens, at.trim_end_matches(".00").to_owned(), point.on_front)
        });
        points.collect()
    };
    let curves = match &document.arms[..] {
        [] => vec![Curve { name: document.plan.target.model.clone(), points: of(None) }],
        arms => arms.iter().enumerate().map(|(at, arm)| Curve { name: arm.clone(), points: of(Some(at)) }).collect(),
    };
    // A limit of the time per token is a least rate for a user.
    let limit = document.plan.slo.tpot_us;
    let least = limit.map(|us| (1e6 / precise(us), format!("TPOT within {} ms", number(precise(us) / 1e3, 1))));
    let front = Front { curves, across: "tokens/s a user".into(), up: up.into(), least, ..Front::default() };
    Card {
        title: "Pareto front".into(),
        about: format!("{up} over tokens/s a user; label: at a time; hollow: beaten in both"),
        drawing: Some(drawn::front(&front)),
        ..Card::default()
    }
}

/// What good tokens cost over how long the first is waited for: less is better in both.
fn paid(document: &Document) -> Card {
    let of = |arm: Option<usize>| {
        let points = document.points.iter().filter(|point| point.arm == arm).filter_map(|point| {
            let at = number(point.at, 2);
            let (cost, wait) = point.paid?;
            Some((wait, cost, at.trim_end_matches(".00").to_owned(), point.on_paid_front))
        });
        points.collect()
    };
    let curves = match &document.arms[..] {
        [] => vec![Curve { name: document.plan.target.model.clone(), points: of(None) }],
        arms => arms.iter().enumerate().map(|(at, arm)| Curve { name: arm.clone(), points: of(Some(at)) }).collect(),
    };
    let limit = document.plan.slo.ttft_us;
    let most = limit.map(|us| (precise(us) / 1e3, format!("TTFT within {} ms", number(precise(us) / 1e3, 0))));
    let front =
        Front { curves, across: "ms p95 TTFT".into(), up: "$ a million good tokens".into(), most, ..Front::default() };
    Card {
        title: "Cost front".into(),
        about: "$ a million good tokens over p95 TTFT, less is better in both; label: at a time; hollow: beaten".into(),
        drawing: Some(drawn::front(&front)),
        ..Card::default()
    }
}

#[allow(clippy::cast_precision_loss, reason = "limits are far below 2^53 microseconds")]
fn precise(micros: u64) -> f64 {
    micros as f64
}

#[cfg(test)]
mod tests {
    use crate::{
        kept::Kept,
        plan::tests::plan,
        result::State,
        search::{Document, Point, Scale},
        shown,
    };
    use pilothouse_wire::Stamp;
    use std::path::Path;

    fn point(at: f64, per_user: f64, tokens: f64, paid: Option<(f64, f64)>) -> Point {
        Point { at, arm: None, per_user, tokens, on_front: true, paid, on_paid_front: paid.is_some() }
    }

    #[test]
    fn a_price_is_drawn_as_a_front_of_its_own_with_the_limit() {
        let mut document = Document::begun("s".into(), plan(), Scale::Concurrency, (1.0, 8.0), Stamp(0));
        (document.state, document.sweep) = (State::Whole, Some(vec![1.0, 8.0]));
        document.plan.slo = "ttft=200ms,tpot=20ms".parse().unwrap();
        document.points = vec![point(1.0, 80.0, 80.0, Some((4.0, 90.0))), point(8.0, 40.0, 300.0, Some((1.0, 300.0)))];
        let page = shown::page(&Kept::Search(Box::new(document)), Path::new("/nowhere/s.json"));
        assert_eq!((page.cards[0].title.as_str(), page.cards[1].title.as_str()), ("Pareto front", "Cost front"));
        let says = |card: usize, want: &str| {
            let drawing = page.cards[card].drawing.as_ref().unwrap();
            drawing.marks.iter().any(|mark| {
                mark.about.starts_with(want)
                    || matches!(&mark.shape, pilothouse_wire::drawing::Shape::Text { text, .. } if text == want)
            })
        };
        assert!(says(0, "TPOT within 20.0 ms") && says(1, "TTFT within 200 ms"));
        assert!(says(1, "8: 300 ms p95 TTFT, 1 $ a million good tokens, on the front"));
    }

    #[test]
    fn a_sweep_is_drawn_with_its_front() {
        let mut document = Document::begun("s".into(), plan(), Scale::Concurrency, (1.0, 8.0), Stamp(0));
        (document.state, document.sweep) = (State::Whole, Some(vec![1.0, 8.0]));
        document.points = vec![point(1.0, 80.0, 80.0, None), point(8.0, 40.0, 300.0, None)];
        let page = shown::page(&Kept::Search(Box::new(document)), Path::new("/nowhere/s.json"));
        assert_eq!(page.cards[0].title, "Pareto front");
        let drawing = page.cards[0].drawing.as_ref().unwrap();
        assert!(drawing.marks.iter().any(|mark| mark.about.starts_with("8: 40 tokens/s a user, 300 tokens/s")));
    }
}
