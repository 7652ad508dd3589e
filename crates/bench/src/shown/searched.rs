//! A search or a sweep: its answer first, the front as a drawing, then its probes.

use super::{lines, tables};
use crate::{page, search::Document};
use pilothouse_chart::drawn::{self, Curve, Front};
use pilothouse_wire::{bench::Card, units::number};

pub(super) fn cards(document: &Document, words: &page::Page) -> Vec<Card> {
    let mut cards = vec![lines(words, "Found", |name| ["Most", "Sure", "Sweep", "Server", "Failed"].contains(&name))];
    if document.sweep.is_some() && !document.points.is_empty() {
        cards.insert(0, pareto(document));
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
    let front = Front { curves, across: "tokens/s a user".into(), up: up.into(), least: None };
    Card {
        title: "Pareto front".into(),
        about: format!("{up} over tokens/s a user; label: at a time; hollow: beaten in both"),
        drawing: Some(drawn::front(&front)),
        ..Card::default()
    }
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

    #[test]
    fn a_sweep_is_drawn_with_its_front() {
        let mut document = Document::begun("s".into(), plan(), Scale::Concurrency, (1.0, 8.0), Stamp(0));
        (document.state, document.sweep) = (State::Whole, Some(vec![1.0, 8.0]));
        document.points = vec![
            Point { at: 1.0, arm: None, per_user: 80.0, tokens: 80.0, on_front: true },
            Point { at: 8.0, arm: None, per_user: 40.0, tokens: 300.0, on_front: true },
        ];
        let page = shown::page(&Kept::Search(Box::new(document)), Path::new("/nowhere/s.json"));
        assert_eq!(page.cards[0].title, "Pareto front");
        let drawing = page.cards[0].drawing.as_ref().unwrap();
        assert!(drawing.marks.iter().any(|mark| mark.about.starts_with("8: 40 tokens/s a user, 300 tokens/s")));
    }
}
