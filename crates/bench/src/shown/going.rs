//! What runs: how far it is, when it ends, and what is heard of it so far. Its times are handed in.

use pilothouse_chart::drawn;
use pilothouse_wire::{
    bench::{Card, Cell, Row},
    drawing::Drawing,
    units::{ABSENT, count, number, span},
    view::Status,
};
use std::{collections::VecDeque, time::Duration};

use crate::run::Progress;

/// How many readings are drawn.
const DRAWN: usize = 120;
/// A rate is over so many readings.
const OVER: usize = 4;

/// What ends it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// So many requests.
    Requests(u64),
    /// So many seconds; what is under way then is given so many more.
    Seconds(f64, f64),
    /// So many blocks at most: it may be decided before.
    Blocks(usize),
    /// About so many probes of a search: where each leads is known after it.
    Probes(usize),
}

/// What was read at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Since the begin.
    pub at: Duration,
    /// How far the run is, of a comparison the block.
    pub progress: Progress,
    /// Blocks that are over; of a search its probes.
    pub blocks: usize,
}

/// How it went so far.
#[derive(Clone, Debug)]
pub struct Course {
    /// What runs, in words.
    pub what: String,
    /// What ends it.
    pub end: End,
    /// Who is under load now, of a comparison; of a search at which height.
    pub arm: String,
    ticks: VecDeque<Tick>,
}

/// A series that is drawn: its name, its unit, a value of two readings.
type Series = (&'static str, &'static str, usize, fn(&Tick, &Tick) -> Option<f64>);

const SERIES: [Series; 6] = [
    ("Answers", "/s", 1, |one, other| rate(one, other, |progress| progress.answered)),
    ("Tokens out", "/s", 0, |one, other| rate(one, other, |progress| progress.tokens)),
    ("TTFT, mean", "ms", 1, mean_ttft),
    ("TTFT, p95 so far", "ms", 1, |_, now| now.progress.ttft_p95_us.map(|us| precise(us) / 1e3)),
    ("ITL of gaps, mean", "ms", 1, mean_gap),
    ("In flight", "", 0, |_, now| Some(precise(now.progress.under_way))),
];

impl Course {
    /// Of what begins.
    #[must_use]
    pub fn new(what: String, end: End) -> Self {
        Self { what, end, arm: String::new(), ticks: VecDeque::new() }
    }

    /// Takes in what was read.
    pub fn take(&mut self, tick: Tick) {
        if self.ticks.len() > DRAWN + OVER {
            self.ticks.pop_front();
        }
        self.ticks.push_back(tick);
    }

    /// As it is shown.
    #[must_use]
    pub fn card(&self, stopping: bool) -> Card {
        let now = self.ticks.back().copied().unwrap_or_default();
        let about = if stopping { "ending; what was measured is being kept".to_owned() } else { self.ends(&now) };
        let share = self.share(&now);
        let drawing =
            drawn::meter(share, &share.map_or(about.clone(), |share| format!("{} % done", number(share * 100.0, 0))));
        let arm = if self.arm.is_empty() { String::new() } else { format!("{}: ", self.arm) };
        let failed = now.progress.failed;
        let counted = format!("{arm}{} answered, {} failed", count(now.progress.answered), count(failed));
        let mut rows: Vec<Row> = SERIES.iter().map(|series| self.series(series)).collect();
        let so_far = Cell::text(counted).status((failed > 0).then_some(Status::Bad));
        rows.push(Row { cells: vec![Cell::text("So far"), so_far, Cell::text(span(now.at))], ..Row::default() });
        Card {
            title: format!("Running: {}", self.what),
            about,
            status: Some(Status::Progress),
            rows,
            drawing: Some(drawing),
            ..Card::default()
        }
    }

    fn series(&self, (name, unit, decimals, value): &Series) -> Row {
        let values = self.values(*value);
        let last = values.last().copied().flatten();
        let text = last.map_or_else(|| ABSENT.to_owned(), |value| number(value, *decimals));
        let cells = vec![
            Cell::text(*name),
            Cell::drawn(self.line(values, name)),
            Cell::text(text).note(if last.is_some() { *unit } else { "" }),
        ];
        Row { cells, ..Row::default() }
    }

    fn line(&self, values: Vec<Option<f64>>, name: &str) -> Drawing {
        let first = self.ticks.front().map_or(Duration::ZERO, |tick| tick.at);
        let over = self.ticks.back().map_or(Duration::ZERO, |tick| tick.at.saturating_sub(first));
        // A line grows from the left until its window is full.
        let mut values = values;
        values.resize(values.len().max(DRAWN), None);
        let about = format!("{name} over the last {}", span(over));
        drawn::line(&drawn::Course { values, about, ..drawn::Course::default() }, 220, 26)
    }

    /// A value of each reading and one a while before; none across the end of a block.
    fn values(&self, value: fn(&Tick, &Tick) -> Option<f64>) -> Vec<Option<f64>> {
        let pairs = self.ticks.iter().zip(self.ticks.iter().skip(OVER));
        pairs.map(|(one, other)| value(one, other).filter(|_| one.blocks == other.blocks)).collect()
    }

    fn share(&self, now: &Tick) -> Option<f64> {
        let done = now.progress.over();
        match self.end {
            End::Requests(all) => (all > 0).then(|| precise(done) / precise(all)),
            End::Seconds(seconds, _) => (seconds > 0.0).then(|| now.at.as_secs_f64() / seconds),
            End::Blocks(most) | End::Probes(most) => {
                (most > 0).then(|| (precise(now.blocks as u64) / precise(most as u64)).min(1.0))
            }
        }
    }

    fn ends(&self, now: &Tick) -> String {
        let passed = now.at.as_secs_f64();
        let left = |seconds: f64| Duration::try_from_secs_f64(seconds).map_or_else(|_| "a long time".to_owned(), span);
        match self.end {
            End::Requests(all) => {
                let done = now.progress.over();
                let of = format!("{} of {} requests", count(done), count(all));
                match (done > 0 && passed > 0.0).then(|| precise(all.saturating_sub(done)) * passed / precise(done)) {
                    Some(seconds) => format!("{of}, ends in about {}", left(seconds)),
                    None => format!("{of}; when it ends is known after the first answer"),
                }
            }
            End::Seconds(seconds, drain) if passed >= seconds => {
                format!("no more is sent; what is under way ends within {}", left((seconds + drain - passed).max(0.0)))
            }
            End::Seconds(seconds, _) => format!("ends in {}", left(seconds - passed)),
            End::Probes(most) => {
                let of = format!("probe {} of about {}", now.blocks + 1, most.max(now.blocks + 1));
                match now.blocks {
                    0 => format!("{of}; when it ends is known after the first"),
                    done => {
                        let more = precise(most.saturating_sub(done).max(1) as u64);
                        format!("{of}, ends in about {}", left(more * passed / precise(done as u64)))
                    }
                }
            }
            End::Blocks(most) => {
                let of = format!("block {} of at most {}", (now.blocks + 1).min(most), most);
                match now.blocks {
                    0 => format!("{of}; when it ends is known after the first"),
                    done => {
                        let more = precise((most - done.min(most)) as u64);
                        format!("{of}, ends in {} at most", left(more * passed / precise(done as u64)))
                    }
                }
            }
        }
    }
}

fn rate(one: &Tick, other: &Tick, read: fn(&Progress) -> u64) -> Option<f64> {
    let seconds = other.at.checked_sub(one.at)?.as_secs_f64();
    let more = read(&other.progress).checked_sub(read(&one.progress))?;
    (seconds > 0.0).then(|| precise(more) / seconds)
}

/// Of what was answered between two readings; none where nothing was.
fn mean_ttft(one: &Tick, other: &Tick) -> Option<f64> {
    let answered = other.progress.answered.checked_sub(one.progress.answered).filter(|more| *more > 0)?;
    let sum = other.progress.ttft_us.checked_sub(one.progress.ttft_us)?;
    Some(precise(sum) / precise(answered) / 1e3)
}

/// Of the gaps that ended between two readings; none where none did.
fn mean_gap(one: &Tick, other: &Tick) -> Option<f64> {
    let (before, after) = (one.progress.gaps, other.progress.gaps);
    let many = after.0.checked_sub(before.0).filter(|more| *more > 0)?;
    Some(precise(after.1.checked_sub(before.1)?) / precise(many) / 1e3)
}

#[allow(clippy::cast_precision_loss, reason = "counts and times of a run stay far below 2^53")]
fn precise(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(seconds: f64, answered: u64, blocks: usize) -> Tick {
        let progress =
            Progress { answered, failed: 0, tokens: answered * 10, ttft_us: answered * 20_000, ..Progress::default() };
        Tick { at: Duration::from_secs_f64(seconds), progress, blocks }
    }

    fn course(end: End, ticks: &[Tick]) -> Course {
        let mut course = Course::new("chat".into(), end);
        ticks.iter().for_each(|tick| course.take(*tick));
        course
    }

    #[test]
    fn it_says_when_it_ends_as_far_as_that_is_known() {
        let said = |end, at: Tick| course(end, &[at]).card(false).about;
        assert_eq!(said(End::Requests(100), tick(5.0, 50, 0)), "50 of 100 requests, ends in about 5 s");
        assert_eq!(
            said(End::Requests(9), tick(5.0, 0, 0)),
            "0 of 9 requests; when it ends is known after the first answer"
        );
        assert_eq!(said(End::Seconds(60.0, 30.0), tick(18.0, 5, 0)), "ends in 42 s");
        assert_eq!(
            said(End::Seconds(60.0, 30.0), tick(70.0, 5, 0)),
            "no more is sent; what is under way ends within 20 s"
        );
        assert_eq!(said(End::Blocks(24), tick(60.0, 5, 6)), "block 7 of at most 24, ends in 3 min 00 s at most");
        assert_eq!(said(End::Probes(12), tick(60.0, 5, 6)), "probe 7 of about 12, ends in about 1 min 00 s");
        assert_eq!(said(End::Probes(12), tick(60.0, 5, 12)), "probe 13 of about 13, ends in about 5 s");
        assert_eq!(course(End::Blocks(24), &[]).card(true).about, "ending; what was measured is being kept");
    }

    #[test]
    fn rates_are_of_a_while_and_never_across_blocks() {
        let ticks: Vec<Tick> = (0_u32..8).map(|at| tick(f64::from(at) * 0.5, u64::from(at) * 5, 0)).collect();
        let card = course(End::Requests(100), &ticks).card(false);
        let texts: Vec<String> = card.rows.iter().map(|row| row.cells[2].text.clone()).collect();
        assert_eq!(texts, ["10.0", "100", "20.0", "—", "—", "0", "3 s"]);
        assert_eq!(card.rows[6].cells[1].text, "35 answered, 0 failed");

        let mut broken = ticks;
        broken.push(tick(4.0, 0, 1));
        let card = course(End::Blocks(4), &broken).card(false);
        assert_eq!(card.rows[0].cells[2].text, ABSENT);
    }

    #[test]
    fn no_more_is_kept_than_is_drawn() {
        let ticks: Vec<Tick> = (0_u32..1_000).map(|at| tick(f64::from(at), u64::from(at), 0)).collect();
        assert!(course(End::Requests(2_000), &ticks).ticks.len() <= DRAWN + OVER + 1);
    }

    #[test]
    fn what_is_in_flight_and_how_long_tokens_take_is_told_as_it_goes() {
        let at = |seconds: f64, gaps: u64| {
            let mut tick = tick(seconds, 0, 0);
            (tick.progress.under_way, tick.progress.gaps) = (7, (gaps, gaps * 12_000));
            tick.progress.ttft_p95_us = (gaps >= 40).then_some(31_500);
            tick
        };
        let ticks: Vec<Tick> = (0..8_u32).map(|n| at(f64::from(n), 10 * u64::from(n))).collect();
        let rows = course(End::Requests(100), &ticks).card(false).rows;
        let told = |name: &str| rows.iter().find(|row| row.cells[0].text == name).map(|row| row.cells[2].text.clone());
        assert_eq!(told("TTFT, p95 so far").as_deref(), Some("31.5"));
        assert_eq!(told("ITL of gaps, mean").as_deref(), Some("12.0"));
        assert_eq!(told("In flight").as_deref(), Some("7"));
        let none = course(End::Requests(100), &[tick(0.0, 0, 0)]).card(false).rows;
        assert_eq!(none[3].cells[2].text, ABSENT);
    }
}
