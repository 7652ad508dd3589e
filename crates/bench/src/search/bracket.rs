//! Where to look next: pure. Doubles until the limits are broken, then halves what is between, each place as often as it takes
//! to be sure. An end is believed once two probes of it, of another seed each, say the same together.

use pilothouse_insight::verdict::share;
use serde::{Deserialize, Serialize};

/// An end is probed at least so often.
const TWICE: u32 = 2;

/// What is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Requests a second.
    Rate,
    /// Requests at a time, whole.
    Concurrency,
}

/// What is known of one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// The share of good requests is surely as large as wanted.
    Keeps,
    /// It is surely smaller.
    Breaks,
    /// Neither is sure.
    Unclear,
}

/// A search on its way.
#[derive(Clone, Debug)]
pub struct Bracket {
    scale: Scale,
    /// The most that is tried.
    most: f64,
    /// It ends once the upper end is no more than so many times the lower one.
    within: f64,
    /// The share that is wanted to be good.
    wanted: f64,
    /// How sure each place is to be.
    sure: f64,
    /// How often a place is probed at most.
    tries: u32,
    /// Where it is now.
    at: f64,
    seen: Seen,
    keeps: Option<f64>,
    fails: Option<f64>,
    over: bool,
}

/// What was seen at a place.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    good: u64,
    of: u64,
    probes: u32,
}

impl Bracket {
    /// From the least to the most that is tried.
    #[must_use]
    pub fn new(scale: Scale, (least, most): (f64, f64), within: f64, wanted: f64, sure: f64, tries: u32) -> Self {
        let at = scale.place(least);
        let seen = Seen::default();
        Self {
            scale,
            most,
            within,
            wanted,
            sure,
            tries: tries.max(TWICE),
            at,
            seen,
            keeps: None,
            fails: None,
            over: false,
        }
    }

    /// The place of the next probe; none where it is over.
    #[must_use]
    pub fn next(&self) -> Option<f64> {
        (!self.over).then_some(self.at)
    }

    /// The highest place that keeps the limits, and the lowest above it that does not, as far as they were found.
    #[must_use]
    pub fn ends(&self) -> (Option<f64>, Option<f64>) {
        (self.keeps, self.fails)
    }

    /// Takes in a probe of the place that was asked for: so many good of so many. What is known of the place now.
    pub fn take(&mut self, good: u64, of: u64) -> Judged {
        self.seen = Seen { good: self.seen.good + good, of: self.seen.of + of, probes: self.seen.probes + 1 };
        let judged = self.judged();
        match judged {
            Judged::Unclear if self.seen.probes < self.tries => return judged,
            Judged::Keeps | Judged::Breaks if self.seen.probes < TWICE => return judged,
            Judged::Keeps => self.keeps = Some(self.at),
            // What is not sure to keep them is not promised.
            Judged::Breaks | Judged::Unclear => self.fails = Some(self.at),
        }
        self.move_on();
        judged
    }

    fn judged(&self) -> Judged {
        let (low, high) = share::bounds(self.seen.good, self.seen.of, self.sure);
        match self.seen.of {
            0 => Judged::Breaks,
            _ if low >= self.wanted => Judged::Keeps,
            _ if high < self.wanted => Judged::Breaks,
            _ => Judged::Unclear,
        }
    }

    fn move_on(&mut self) {
        let next = match (self.keeps, self.fails) {
            (Some(keeps), None) if keeps >= self.most => None,
            (Some(keeps), None) => Some(self.scale.place((keeps * 2.0).min(self.most))),
            (Some(keeps), Some(fails)) => self.scale.between(keeps, fails, self.within),
            // Not even the least is kept.
            (None, _) => None,
        };
        self.seen = Seen::default();
        match next {
            Some(next) => self.at = next,
            None => self.over = true,
        }
    }
}

impl Scale {
    /// A place of this scale.
    #[must_use]
    pub fn place(self, at: f64) -> f64 {
        match self {
            Self::Rate => at,
            Self::Concurrency => at.round().max(1.0),
        }
    }

    /// The place between two, if they are far enough from each other.
    fn between(self, keeps: f64, fails: f64, within: f64) -> Option<f64> {
        let middle = self.place((keeps * fails).sqrt());
        let is_new = middle > keeps && middle < fails;
        (is_new && fails > keeps * within).then_some(middle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A server that keeps the limits for all up to its capacity, and for a falling share beyond.
    fn share_of(capacity: f64, at: f64) -> f64 {
        if at <= capacity { 1.0 } else { (capacity / at).powi(3) }
    }

    fn search(scale: Scale, range: (f64, f64), capacity: f64) -> (Bracket, u32) {
        let mut bracket = Bracket::new(scale, range, 1.1, 0.95, 0.95, 4);
        let mut probes = 0;
        while let Some(at) = bracket.next() {
            probes += 1;
            assert!(probes < 200, "it does not end: {bracket:?}");
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let good = (400.0 * share_of(capacity, at)).round() as u64;
            bracket.take(good, 400);
        }
        (bracket, probes)
    }

    #[test]
    fn the_capacity_is_between_its_ends() {
        let (bracket, probes) = search(Scale::Rate, (1.0, 1_000.0), 37.0);
        let (keeps, fails) = bracket.ends();
        let (keeps, fails) = (keeps.unwrap(), fails.unwrap());
        assert!((30.0..=38.0).contains(&keeps) && fails > 37.0 && fails <= keeps * 1.1, "{keeps} {fails}");
        assert!(probes < 40, "{probes}");
    }

    #[test]
    fn what_is_never_broken_ends_at_the_most_and_what_is_never_kept_at_once() {
        let (bracket, _) = search(Scale::Rate, (1.0, 50.0), 1e9);
        assert_eq!(bracket.ends(), (Some(50.0), None));
        let (bracket, probes) = search(Scale::Rate, (10.0, 50.0), 2.0);
        assert_eq!((bracket.ends(), probes), ((None, Some(10.0)), 2));
    }

    #[test]
    fn what_is_not_sure_is_probed_again_and_then_not_promised() {
        let mut bracket = Bracket::new(Scale::Rate, (4.0, 8.0), 1.1, 0.95, 0.95, 3);
        // 95 of 100 are just what is wanted: nobody can be sure.
        let judged: Vec<Judged> = (0..3).map(|_| bracket.take(95, 100)).collect();
        assert_eq!(judged, [Judged::Unclear; 3]);
        assert_eq!((bracket.next(), bracket.ends()), (None, (None, Some(4.0))));
        // Nothing that ended is nothing that was kept.
        let mut empty = Bracket::new(Scale::Rate, (4.0, 8.0), 1.1, 0.95, 0.95, 3);
        assert_eq!(empty.take(0, 0), Judged::Breaks);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn it_ends_with_the_capacity_in_between(capacity in 1.0..300.0f64, whole: bool) {
            let scale = if whole { Scale::Concurrency } else { Scale::Rate };
            let (bracket, _) = search(scale, (1.0, 256.0), capacity);
            let (keeps, fails) = bracket.ends();
            // Up to a good share of 95 %, which is a little more than the capacity.
            prop_assert!(keeps.is_none_or(|keeps| keeps <= capacity * 1.03), "{keeps:?} {capacity}");
            prop_assert!(fails.is_none_or(|fails| fails > capacity), "{fails:?} {capacity}");
            prop_assert!(keeps.is_some());
            if let (Some(keeps), Some(fails)) = (keeps, fails) {
                prop_assert!(keeps < fails);
                prop_assert!(fails <= keeps * 1.1 + 1e-9 || whole && fails - keeps <= 1.0 + 1e-9, "{keeps} {fails}");
            }
        }
    }
}
